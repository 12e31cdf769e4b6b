//! What a request for one key says of the version of the key's record (docs/freshness.md).

use permafrost_common::api::LEAST_VERSION;
use permafrost_common::problem::Problem;

use super::{Operation, QueryParameter};
use crate::principal::LeastVersion;

pub(super) const PARAMETER: QueryParameter = QueryParameter {
    name: LEAST_VERSION,
    description: "The highest `record_version` of this key that the client has seen, 1 or higher: an older record is refused as `record-rolled-back`, before anything is done.",
};

/// What the query says of the key with this id; an operation that is not about one key has no such parameter.
pub(super) fn of(
    operation: &Operation,
    id: &str,
    query: &[(String, String)],
) -> Result<Option<LeastVersion>, Problem> {
    let named = query.iter().find(|(name, _)| name == PARAMETER.name);
    let Some((_, text)) = named.filter(|_| operation.is_of_one_key()) else {
        return Ok(None);
    };
    let version = text.parse().ok().filter(|version| *version > 0);
    let version = version.ok_or_else(|| {
        let field = format!("query:{LEAST_VERSION}");
        Problem::field(field, text, "a record_version: a whole number, 1 or higher")
    })?;
    Ok(Some(LeastVersion {
        key_id: id.to_owned(),
        version,
    }))
}
