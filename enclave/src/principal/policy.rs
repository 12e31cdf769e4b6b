//! What a principal may do. Anything that its policy does not name is denied.

use std::collections::BTreeSet;

use permafrost_common::key_path::{Branch, Path};
use permafrost_common::problem::{Problem, ProblemType};
use serde::Deserialize;

use super::{OperationName, is_of_a_user};
use crate::config_error::{ConfigError, value};
use crate::keys::{Payload, PayloadKind};

/// Which keys a principal may use.
///
/// In the configuration: `"own"`, `"all"` or a list of key ids.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "ScopeText")]
pub enum KeyScope {
    /// Those it made.
    #[default]
    Own,
    /// All keys but those of people.
    All,
    /// Those listed by id, whichever principal made them.
    Listed(BTreeSet<String>),
    /// Those of the listed keys that it made. Only for sessions.
    OwnAmong(BTreeSet<String>),
}

/// What a principal may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The operations it may ask for.
    pub operations: BTreeSet<OperationName>,
    /// The keys it may use.
    pub keys: KeyScope,
    /// The beginnings of the paths whose derived keys it may use.
    pub derived: BTreeSet<Branch>,
    /// The kinds of payload it may have signed.
    pub payloads: BTreeSet<PayloadKind>,
    /// The kinds of Nostr events it may have signed; `None`: all.
    pub nostr_kinds: Option<BTreeSet<u16>>,
    /// How many requests it may make in a minute.
    pub requests_per_minute: u32,
}

impl Policy {
    /// Whether the operation is allowed at all.
    pub fn check_operation(&self, operation: OperationName) -> Result<(), Problem> {
        if self.operations.contains(&operation) {
            return Ok(());
        }
        Err(denied(format!(
            "the operation {} is not among those allowed",
            operation.as_str()
        )))
    }

    /// Whether the principal `name` may see a key.
    pub fn allows_key(&self, name: &str, id: &str, owner: &str) -> bool {
        match &self.keys {
            KeyScope::Own => name == owner,
            KeyScope::All => !is_of_a_user(owner),
            KeyScope::Listed(ids) => ids.contains(id),
            KeyScope::OwnAmong(ids) => name == owner && ids.contains(id),
        }
    }

    /// Whether the principal may use the derived keys of this path.
    pub fn allows_path(&self, path: &Path) -> bool {
        self.derived.contains(path.branch())
    }

    /// Whether the payload may be signed.
    pub fn check_payload(&self, payload: &Payload) -> Result<(), Problem> {
        let kind = payload.kind();
        if !self.payloads.contains(&kind) {
            return Err(denied(format!(
                "payloads of kind {} are not among those allowed",
                kind.as_str()
            )));
        }
        match (&self.nostr_kinds, payload.nostr_kind()) {
            (Some(allowed), Some(kind)) if !allowed.contains(&kind) => Err(denied(format!(
                "Nostr events of kind {kind} are not among those allowed"
            ))),
            _ => Ok(()),
        }
    }
}

/// Checks that `nostr_kinds`, the key of that name, restricts what it seems to restrict.
pub(crate) fn check_kinds(
    key: &str,
    payloads: &BTreeSet<PayloadKind>,
    given: bool,
) -> Result<(), ConfigError> {
    let contradiction = match given {
        false => return Ok(()),
        true if !payloads.contains(&PayloadKind::NostrEvent) => {
            "given, but payloads does not have nostr_event"
        }
        true if payloads.contains(&PayloadKind::Digest) => {
            "given, but payloads has digest, and the digest of an event of any kind is one"
        }
        true => return Ok(()),
    };
    let accepted = "nostr_kinds only beside nostr_event and without digest";
    Err(value(key, contradiction, accepted))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScopeText {
    Word(String),
    Ids(BTreeSet<String>),
}

impl TryFrom<ScopeText> for KeyScope {
    type Error = String;

    fn try_from(text: ScopeText) -> Result<Self, String> {
        match text {
            ScopeText::Word(word) if word == "own" => Ok(Self::Own),
            ScopeText::Word(word) if word == "all" => Ok(Self::All),
            ScopeText::Word(word) => Err(format!(
                "keys: {word:?}; accepted: \"own\", \"all\" or a list of key ids"
            )),
            ScopeText::Ids(ids) => Ok(Self::Listed(ids)),
        }
    }
}

fn denied(detail: String) -> Problem {
    Problem::new(ProblemType::NotPermitted, detail)
}
