//! Which versions of keys' records a program has seen, so that it notices when it is shown an older one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use permafrost_common::api::LEAST_VERSION;
use serde_json::Value;

use crate::{Error, Response};

/// The highest `record_version` that a program has seen of each key of one deployment.
///
/// The record of a key has another version after each change. Every response says of which version it was made, and the boot signs it:
/// a receipt. [`Principal`](crate::Principal) remembers them here, demands with each request for a key at least the version that it has seen
/// (`least_version`), and refuses an older one as [`Error::RolledBack`]. So an enclave on an old copy of the parent's store can no longer
/// serve this program with a key that was since disabled or rotated (`docs/freshness.md`).
///
/// Clones share what they know: give one to the principals of several clients of a deployment
/// ([`Principal::with_record_versions`](crate::Principal::with_record_versions)). What is to outlast the program, it keeps itself:
/// [`RecordVersions::all`] gives all of them, and `collect` takes them.
///
/// A record has version 1 at least, so that version is not worth remembering. Of other keys the last 65,536 to 131,072 are remembered that
/// were used, which takes some 20 MB at most.
#[derive(Clone, Default)]
pub struct RecordVersions(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    newer: HashMap<String, Seen>,
    older: HashMap<String, Seen>,
    /// How many times a version was seen that was higher than all before.
    now: u64,
}

#[derive(Clone, Copy)]
struct Seen {
    version: u64,
    at: u64,
}

/// The most keys of each of both generations: when the newer is full, the older is forgotten.
const ROOM: usize = 65_536;

impl RecordVersions {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The highest version seen of the record of this key; 1 if none was seen.
    pub fn highest(&self, key_id: &str) -> u64 {
        self.memory().seen(key_id).map_or(1, |seen| seen.version)
    }

    /// Remembers that this version of the record of a key exists, and that no older one is acceptable.
    pub fn see(&self, key_id: &str, version: u64) {
        self.memory().see(key_id, version);
    }

    /// Every key of which a version after the first was seen, with the highest.
    pub fn all(&self) -> BTreeMap<String, u64> {
        let memory = self.memory();
        let both = memory.older.iter().chain(&memory.newer);
        both.map(|(key_id, seen)| (key_id.clone(), seen.version))
            .collect()
    }

    /// A request that is about to be sent, which demands what was seen of its key.
    pub(crate) fn demand(&self, target: &str) -> Demand {
        let memory = self.memory();
        let known = key_of(target).and_then(|key_id| memory.seen(key_id));
        let parameter = format!("{LEAST_VERSION}=");
        let target = match known {
            Some(seen) if !target.contains(&parameter) => {
                let mark = if target.contains('?') { '&' } else { '?' };
                format!("{target}{mark}{parameter}{}", seen.version)
            }
            _ => target.to_owned(),
        };
        Demand {
            target,
            at: memory.now,
        }
    }

    /// Refuses a response made from an older version than one that was seen before the request was sent; else remembers what it says.
    pub(crate) fn check(&self, demand: &Demand, response: &Response) -> Result<(), Error> {
        if !response.status.is_success() {
            return Ok(());
        }
        let Ok(body) = serde_json::from_slice::<Value>(&response.body) else {
            return Ok(());
        };
        let mut memory = self.memory();
        for (key_id, came) in stated(&demand.target, &body) {
            match memory.seen(key_id) {
                // What another request saw meanwhile may be newer than this response without anyone having lied.
                Some(seen) if seen.at <= demand.at && came < seen.version => {
                    return Err(Error::RolledBack {
                        key_id: key_id.to_owned(),
                        came,
                        seen: seen.version,
                    });
                }
                _ => memory.see(key_id, came),
            }
        }
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Extend<(String, u64)> for RecordVersions {
    fn extend<I: IntoIterator<Item = (String, u64)>>(&mut self, versions: I) {
        let mut memory = self.memory();
        for (key_id, version) in versions {
            memory.see(&key_id, version);
        }
    }
}

impl FromIterator<(String, u64)> for RecordVersions {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(versions: I) -> Self {
        let mut all = Self::new();
        all.extend(versions);
        all
    }
}

impl fmt::Debug for RecordVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory();
        let keys = memory.newer.len() + memory.older.len();
        write!(f, "RecordVersions({keys} keys)")
    }
}

/// The target of a request, and when it was sent: after so many versions were seen.
pub(crate) struct Demand {
    pub(crate) target: String,
    at: u64,
}

impl Memory {
    fn seen(&self, key_id: &str) -> Option<Seen> {
        let seen = self.newer.get(key_id).or_else(|| self.older.get(key_id));
        seen.copied()
    }

    fn see(&mut self, key_id: &str, version: u64) {
        let before = match self.newer.get(key_id) {
            Some(before) => Some(*before),
            None => self.older.remove(key_id),
        };
        let seen = match before {
            Some(before) if before.version >= version => before,
            None if version <= 1 => return,
            _ => {
                self.now += 1;
                Seen {
                    version,
                    at: self.now,
                }
            }
        };
        if self.newer.len() >= ROOM && !self.newer.contains_key(key_id) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key_id.to_owned(), seen);
    }
}

/// The key that a request is about, if it is about one.
fn key_of(target: &str) -> Option<&str> {
    let below = target.strip_prefix("/v1/keys/")?;
    below.split(['/', '?']).next().filter(|id| !id.is_empty())
}

/// The versions that a response states, with their keys: of the key that the request is about, and of those that the response shows.
fn stated<'a>(target: &'a str, body: &'a Value) -> Vec<(&'a str, u64)> {
    let named = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let subject = key_of(target)
        .or_else(|| named("/key_id"))
        .or_else(|| named("/id"))
        .or_else(|| named("/parameters/key_id"));
    let listed = body.get("keys").and_then(Value::as_array);
    let shown = listed.into_iter().flatten().chain(body.get("key"));
    let shown = shown.map(|key| (key.get("id").and_then(Value::as_str), key));
    [(subject, body)]
        .into_iter()
        .chain(shown)
        .filter_map(|(key_id, of)| Some((key_id?, of.get("record_version")?.as_u64()?)))
        .filter(|(_, version)| *version > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_response_states_the_versions_of_its_keys() {
        let of = |target: &str, body: Value| {
            let stated = stated(target, &body).into_iter();
            stated
                .map(|(key_id, version)| format!("{key_id}:{version}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let key = json!({ "id": "a", "record_version": 3 });
        assert_eq!(of("/v1/keys", key.clone()), "a:3");
        assert_eq!(of("/v1/keys/a?x=1", key.clone()), "a:3");
        let signed = json!({ "key_id": "a", "record_version": 4, "event": { "id": "e" } });
        assert_eq!(of("/v1/keys/a/sign", signed), "a:4");
        let listed = json!({ "keys": [key, { "id": "b", "record_version": 1 }] });
        assert_eq!(of("/v1/keys?limit=2", listed), "a:3 b:1");
        let replaced = json!({ "key": { "id": "b", "record_version": 1 }, "record_version": 2 });
        assert_eq!(of("/v1/keys/a/replace", replaced), "a:2 b:1");
        let ceremony = json!({ "parameters": { "id": "c", "key_id": "a" }, "record_version": 5 });
        assert_eq!(of("/v1/ceremonies/c", ceremony), "a:5");
        let begun = json!({ "parameters": { "id": "c", "key_id": "a" }, "record_version": 0 });
        assert_eq!(of("/v1/ceremonies", begun), "");
        assert_eq!(of("/v1/root", json!({ "epoch": 1 })), "");
    }

    #[test]
    fn only_a_request_for_a_key_that_was_seen_changed_demands_a_version() {
        let versions = RecordVersions::new();
        versions.see("a", 1);
        assert_eq!(versions.demand("/v1/keys/a").target, "/v1/keys/a");
        versions.see("a", 7);
        versions.see("a", 6);
        for (target, demanded) in [
            ("/v1/keys/a", "/v1/keys/a?least_version=7"),
            ("/v1/keys/a/sign", "/v1/keys/a/sign?least_version=7"),
            ("/v1/keys/a?x=1", "/v1/keys/a?x=1&least_version=7"),
            ("/v1/keys/a?least_version=9", "/v1/keys/a?least_version=9"),
            ("/v1/keys/b", "/v1/keys/b"),
            ("/v1/keys?limit=1", "/v1/keys?limit=1"),
        ] {
            assert_eq!(versions.demand(target).target, demanded);
        }
    }

    fn response(body: Value) -> Response {
        Response {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.to_string().into(),
            created: 0,
        }
    }

    #[test]
    fn an_older_version_is_refused_unless_the_newer_was_seen_after_the_request_was_sent() {
        let versions = RecordVersions::new();
        let listed =
            |version: u64| response(json!({ "keys": [{ "id": "a", "record_version": version }] }));
        let first = versions.demand("/v1/keys");
        versions.check(&first, &listed(3)).unwrap();
        let second = versions.demand("/v1/keys");
        versions.see("a", 5);
        versions.check(&second, &listed(3)).unwrap();
        let third = versions.demand("/v1/keys");
        let refused = versions.check(&third, &listed(4)).unwrap_err();
        assert!(matches!(
            refused,
            Error::RolledBack { key_id, came: 4, seen: 5 } if key_id == "a"
        ));
        assert_eq!(versions.highest("a"), 5);
        versions.check(&third, &listed(5)).unwrap();
        versions.check(&third, &listed(6)).unwrap();
        assert_eq!(versions.highest("a"), 6);
    }

    #[test]
    fn what_is_exported_and_collected_is_what_was_seen() {
        let versions = RecordVersions::new();
        for (key_id, version) in [("a", 2), ("b", 1), ("a", 5), ("c", 3)] {
            versions.see(key_id, version);
        }
        let all = versions.all();
        assert_eq!(all, [("a".into(), 5), ("c".into(), 3)].into());
        let again: RecordVersions = all.into_iter().collect();
        assert_eq!((again.highest("a"), again.highest("b")), (5, 1));
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_keys_that_are_used() {
        let versions = RecordVersions::new();
        for number in 0..3 * ROOM {
            versions.see(&number.to_string(), 2);
            versions.see("used", 9);
        }
        assert!(versions.all().len() <= 2 * ROOM);
        assert_eq!(versions.highest("used"), 9);
        assert_eq!(versions.highest("0"), 1);
    }
}
