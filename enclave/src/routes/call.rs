//! What a handler gets: a request that was admitted.

use bytes::Bytes;
use permafrost_common::problem::{Problem, ProblemType};
use serde::de::DeserializeOwned;

use crate::people::{Approval, Approved};
use crate::principal::{Caller, Person};

/// A request that passed `admission`.
pub struct Call {
    /// The principal that sent it; `None` if the operation needs none.
    pub caller: Option<Caller>,
    /// The value of `{id}` in the path; empty if the path has none.
    pub id: String,
    /// The `Idempotency-Key` of a creating request; empty elsewhere.
    pub idempotency_key: String,
    /// The request as a passkey approves it, and a passkey's response to it.
    pub approval: Approval,
    pub(super) approved: Option<Approved>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Call {
    /// The user, for an operation of sessions only.
    pub fn person(&self) -> Result<Person, Problem> {
        let person = self.caller.as_ref().and_then(|caller| caller.person);
        person.ok_or_else(|| {
            let detail = "only a session may send this request";
            Problem::new(ProblemType::NotPermitted, detail)
        })
    }

    /// The principal, for an operation that needs one.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| {
            Problem::new(
                ProblemType::Internal,
                "an operation without a principal has no caller",
            )
        })
    }

    /// The approval of the user's passkey, for an operation that needs one.
    pub fn approved(&self) -> Result<&Approved, Problem> {
        self.approved.as_ref().ok_or_else(|| {
            Problem::new(
                ProblemType::Internal,
                "an operation without approval by a passkey has none",
            )
        })
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; an error names the field by its JSON pointer (RFC 6901).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            Problem::field(
                pointer(error.path()),
                error.inner().to_string(),
                "the schema in /openapi.json",
            )
        })?;
        json.end().map_err(|error| {
            Problem::field("", error.to_string(), "one JSON value and nothing after it")
        })?;
        Ok(value)
    }

    /// The value of a query parameter, if it was given.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}
