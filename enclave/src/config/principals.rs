//! The sections `principal`: the services that may send requests, and what each may do.

use std::collections::BTreeSet;

use permafrost_common::api::is_name;
use permafrost_common::http_signature::PublicKey;
use permafrost_common::key_path::Branch;
use serde::Deserialize;

use crate::config_error::{ConfigError, value};
use crate::keys::{DerivedKey, PayloadKind};
use crate::principal::{KeyScope, OperationName, Policy, Principal, USER_PREFIX, check_kinds};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalSection {
    name: String,
    public_key: PublicKey,
    operations: BTreeSet<OperationName>,
    #[serde(default)]
    keys: KeyScope,
    #[serde(default)]
    derived: Vec<String>,
    #[serde(default)]
    payloads: BTreeSet<PayloadKind>,
    nostr_kinds: Option<BTreeSet<u16>>,
    requests_per_minute: u32,
}

/// The principals, each with a name and a key of its own.
pub(super) fn principals(sections: Vec<PrincipalSection>) -> Result<Vec<Principal>, ConfigError> {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    let mut principals = Vec::with_capacity(sections.len());
    for section in sections {
        let key = |field: &str| format!("principal {:?}: {field}", section.name);
        if !is_name(&section.name) {
            return Err(value(
                "principal.name",
                &section.name,
                "1 to 64 of A-Z, a-z, 0-9, -, _ and .",
            ));
        }
        if is_reserved(&section.name) {
            return Err(value(
                "principal.name",
                &section.name,
                "a name other than derived that does not begin with user. or session., which are reserved",
            ));
        }
        if let Some(operation) = section.operations.iter().find(|name| name.is_of_people()) {
            return Err(value(
                &key("operations"),
                operation.as_str(),
                "operations other than those on a user's account",
            ));
        }
        if !names.insert(section.name.clone()) {
            return Err(value(&key("name"), "used twice", "a name of its own"));
        }
        if !keys.insert(section.public_key.to_string()) {
            return Err(value(&key("public_key"), "used twice", "a key of its own"));
        }
        if !(1..=60_000_000).contains(&section.requests_per_minute) {
            return Err(value(
                &key("requests_per_minute"),
                &section.requests_per_minute.to_string(),
                "1 to 60000000",
            ));
        }
        let branch = |text: &String| {
            let accepted = "m/ACCOUNT'/PURPOSE, such as m/0'/users, each once";
            Branch::parse(text).ok_or_else(|| value(&key("derived"), text, accepted))
        };
        let derived: BTreeSet<Branch> = section
            .derived
            .iter()
            .map(branch)
            .collect::<Result<_, _>>()?;
        check_kinds(
            &key("nostr_kinds"),
            &section.payloads,
            section.nostr_kinds.is_some(),
        )?;
        principals.push(Principal {
            name: section.name,
            public_key: section.public_key,
            policy: Policy {
                operations: section.operations,
                keys: section.keys,
                derived,
                payloads: section.payloads,
                nostr_kinds: section.nostr_kinds,
                requests_per_minute: section.requests_per_minute,
            },
        });
    }
    Ok(principals)
}

fn is_reserved(name: &str) -> bool {
    let is_of_people = [USER_PREFIX, "session."]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    is_of_people || name == DerivedKey::OWNER
}
