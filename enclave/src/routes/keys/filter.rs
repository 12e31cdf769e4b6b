//! The query of a listing of keys.

use permafrost_common::api::{Custody, KeyFilter, KeyStatus, is_name};
use permafrost_common::problem::Problem;

use super::super::{Call, QueryParameter};

pub(super) const PARAMETERS: &[QueryParameter] = &[
    QueryParameter {
        name: "after",
        description: "The id after which to begin: the `next` of the previous listing.",
    },
    QueryParameter {
        name: "limit",
        description: "The maximum number of keys in the listing: 1 to 100. Default: 100.",
    },
    QueryParameter {
        name: "owner",
        description: "Only keys of this principal: 1 to 64 of `A-Z a-z 0-9 - _ .`.",
    },
    QueryParameter {
        name: "label",
        description: "Only keys with this label: 1 to 64 of `A-Z a-z 0-9 - _ .`.",
    },
    QueryParameter {
        name: "status",
        description: "Only keys with this status: `enabled`, `disabled` or `deleted`.",
    },
    QueryParameter {
        name: "custody",
        description: "Only keys with this custody: `enclave` or `split`. Derived keys are not stored, and never listed.",
    },
    QueryParameter {
        name: "group_public_key",
        description: "Only the keys with this BIP-340 public key: 64 lower-case hex digits.",
    },
];

pub(super) fn of(call: &Call) -> Result<KeyFilter, Problem> {
    const NAME: &str = "1 to 64 of A-Z a-z 0-9 - _ .";
    let name = |text: &str| is_name(text).then(|| text.to_owned());
    let status = |text: &str| one_of(KeyStatus::ALL, KeyStatus::as_str, text);
    let custody = |text: &str| one_of([Custody::Enclave, Custody::Split], Custody::as_str, text);
    Ok(KeyFilter {
        owner: parameter(call, "owner", name, NAME)?,
        label: parameter(call, "label", name, NAME)?,
        status: parameter(call, "status", status, "enabled, disabled or deleted")?,
        custody: parameter(call, "custody", custody, "enclave or split")?,
        group_public_key: parameter(
            call,
            "group_public_key",
            |text| text.parse().ok(),
            "64 lower-case hex digits",
        )?,
    })
}

fn parameter<T>(
    call: &Call,
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    accepted: &str,
) -> Result<Option<T>, Problem> {
    let refused = |text: &str| Problem::field(format!("query:{name}"), text, accepted);
    let text = call.query(name);
    text.map(|text| parse(text).ok_or_else(|| refused(text)))
        .transpose()
}

fn one_of<T: Copy>(
    all: impl IntoIterator<Item = T>,
    as_str: fn(T) -> &'static str,
    text: &str,
) -> Option<T> {
    all.into_iter().find(|one| as_str(*one) == text)
}
