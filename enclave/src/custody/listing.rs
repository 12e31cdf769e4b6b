//! Listings of keys, and the fields by which keys are found.

use permafrost_common::api::{Custody as KeyCustody, Key, KeyFilter, KeyList, KeyStatus};
use permafrost_common::problem::Problem;

use super::Custody;
use crate::keys::{KeyError, KeyRecord};
use crate::principal::{Caller, KeyScope};
use crate::records::Indexed;

const GROUP_PUBLIC_KEY: &str = "group_public_key";
const LABEL: &str = "label";
const STATUS: &str = "status";
const CUSTODY: &str = "custody";

/// The fields of a key by which the store finds it. Its owner is not one of them: ids begin with the owner's tag.
pub(super) fn indexed(key: &KeyRecord) -> Vec<Indexed> {
    let label = key.label().map(|label| (LABEL, label.to_owned()));
    let public_key = hex::encode(key.public_key().as_bytes());
    let always = [
        (GROUP_PUBLIC_KEY, public_key),
        (STATUS, key.status().as_str().to_owned()),
        (CUSTODY, key.custody().as_str().to_owned()),
    ];
    always.into_iter().chain(label).collect()
}

impl Custody {
    /// A listing of the keys that the caller may see and that match the filter, after the id `after`. The store finds those of one field,
    /// and of an owner; all else is compared here, so that a listing may have fewer keys than `limit` and still not be the last.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &KeyFilter,
        after: &str,
        limit: usize,
    ) -> Result<KeyList, Problem> {
        let owner = match caller.policy.keys {
            KeyScope::Own | KeyScope::OwnAmong(_) => Some(&caller.name),
            KeyScope::All | KeyScope::Listed(_) => filter.owner.as_ref(),
        };
        let prefix = owner.map(|owner| hex::encode(self.owner_tag(owner)));
        let with = most_selective(filter);
        let (records, more) = self
            .records
            .list(&prefix.unwrap_or_default(), with.as_ref(), after, limit)
            .await?;
        let next = records.last().filter(|_| more).map(|(id, _)| id.to_owned());
        let keys = records
            .iter()
            .filter(|(id, record)| {
                let key = &record.value;
                let allowed = caller.policy.allows_key(&caller.name, id, key.owner());
                allowed && matches(filter, key)
            })
            .map(|(_, record)| record.view(self.network))
            .collect::<Result<Vec<Key>, KeyError>>()?;
        Ok(KeyList { keys, next })
    }
}

/// The field of a filter that leaves the fewest keys, as far as anyone can say beforehand.
fn most_selective(filter: &KeyFilter) -> Option<Indexed> {
    let public_key = filter.group_public_key.map(|key| key.to_string());
    let public_key = public_key.map(|key| (GROUP_PUBLIC_KEY, key));
    let label = filter.label.clone().map(|label| (LABEL, label));
    let status = filter
        .status
        .map(|status| (STATUS, status.as_str().to_owned()));
    let custody = filter
        .custody
        .map(|custody| (CUSTODY, custody.as_str().to_owned()));
    let (rare, common) = match filter.status {
        Some(KeyStatus::Enabled) => (custody, status),
        _ => (status, custody),
    };
    public_key.or(label).or(rare).or(common)
}

fn matches(filter: &KeyFilter, key: &KeyRecord) -> bool {
    let KeyFilter {
        owner,
        label,
        status,
        custody,
        group_public_key,
    } = filter;
    owner.as_ref().is_none_or(|owner| owner == key.owner())
        && label
            .as_deref()
            .is_none_or(|label| Some(label) == key.label())
        && status.is_none_or(|status| status == key.status())
        && custody.is_none_or(|custody: KeyCustody| custody == key.custody())
        && group_public_key.is_none_or(|public| public.0 == *key.public_key().as_bytes())
}
