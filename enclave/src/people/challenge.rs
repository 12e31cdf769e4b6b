//! Challenges: what a passkey signs, made of a nonce of this boot and of the very request that it approves.
//!
//! The client keeps the nonce, which carries its own time and a MAC of this boot, so that issuing one costs no memory. A used
//! nonce is remembered until it expires.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use ciborium::Value;
use permafrost_common::problem::{Problem, ProblemType};

use super::{UserId, random};
use crate::hash::{sha256, sha256_of};

/// How long a nonce is valid, in seconds.
pub(super) const LIFETIME_S: u64 = 120;

/// The length of a nonce in bytes: when it expires (seconds since 1970, big-endian), 16 random bytes, and the MAC.
pub(super) const NONCE_LEN: usize = 8 + 16 + 32;

/// How many used nonces are remembered: those of two minutes at 1,600 approvals per second, some 15 MB.
const USED_MAX: usize = 200_000;

/// How many of them newcomers may use up, so that those of users find room.
const NEWCOMERS_MAX: usize = 12_000;

/// Makes the nonces of one boot, and accepts each once.
pub struct Challenges {
    key: hmac::Key,
    used: Mutex<Used>,
}

/// A nonce that may still be used, for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Nonce([u8; NONCE_LEN]);

/// Whose approval uses up a nonce.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Approver {
    /// A user's, who is charged for it.
    User,
    /// A passkey's that no user has yet.
    Newcomer,
}

#[derive(Default)]
struct Used {
    nonces: HashSet<[u8; 16]>,
    newcomers: usize,
    by_expiry: BTreeSet<(u64, [u8; 16], Approver)>,
    /// The latest time that an approval was judged at: what expired by then is forgotten.
    horizon: u64,
}

impl Challenges {
    /// With a fresh key that only this value has.
    pub fn new() -> Result<Self, Unspecified> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(key.as_mut_slice())?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()),
            used: Mutex::default(),
        })
    }

    /// A new nonce, and the time at which it expires; `now` in seconds since 1970.
    pub fn issue(&self, purpose: &str, now: u64) -> Result<(Nonce, u64), Problem> {
        let expires_at = now.saturating_add(LIFETIME_S);
        let random: [u8; 16] = random()?;
        let mut nonce = [0; NONCE_LEN];
        let (clear, tag) = nonce.split_at_mut(NONCE_LEN - 32);
        let (time, rest) = clear.split_at_mut(8);
        time.copy_from_slice(&expires_at.to_be_bytes());
        rest.copy_from_slice(&random);
        tag.copy_from_slice(self.mac(purpose, clear).as_ref());
        Ok((Nonce(nonce), expires_at))
    }

    /// Reads a nonce that this boot made for this purpose and that has neither expired nor been used.
    pub fn check(&self, text: &str, purpose: &str, now: u64) -> Result<Nonce, Problem> {
        let refuse = |detail: String| Problem::new(ProblemType::ChallengeInvalid, detail);
        let mut nonce = [0; NONCE_LEN];
        hex::decode_to_slice(text, &mut nonce).map_err(|_| {
            refuse(format!(
                "the nonce has {} characters; accepted: the {} hex digits that POST /v1/challenges gave",
                text.len(),
                2 * NONCE_LEN
            ))
        })?;
        let nonce = Nonce(nonce);
        let (clear, tag) = nonce.0.split_at(NONCE_LEN - 32);
        hmac::verify(&self.key, &message(purpose, clear), tag).map_err(|_| {
            refuse(format!(
                "the nonce is not of this boot, or not for the purpose {purpose}"
            ))
        })?;
        if now >= nonce.expires_at() {
            return Err(expired(&nonce, now));
        }
        match self.used().nonces.contains(&nonce.fingerprint()) {
            true => Err(used()),
            false => Ok(nonce),
        }
    }

    /// Uses up a nonce whose approval was verified. `now` is read after all that the verification waited for.
    pub fn take(&self, nonce: &Nonce, approver: Approver, now: u64) -> Result<(), Problem> {
        let mut memory = self.used();
        memory.horizon = memory.horizon.max(now);
        let now = memory.horizon;
        memory.forget_before(now);
        // It may have been used and be forgotten.
        if now >= nonce.expires_at() {
            return Err(expired(nonce, now));
        }
        let newcomer = usize::from(approver == Approver::Newcomer);
        if memory.nonces.len() >= USED_MAX || memory.newcomers + newcomer > NEWCOMERS_MAX {
            let detail = "too many approvals at once";
            return Err(Problem::new(ProblemType::Overloaded, detail).retry_after(1));
        }
        let fingerprint = nonce.fingerprint();
        if !memory.nonces.insert(fingerprint) {
            return Err(used());
        }
        memory.newcomers += newcomer;
        memory
            .by_expiry
            .insert((nonce.expires_at(), fingerprint, approver));
        Ok(())
    }

    /// The id of the user that is made with this nonce.
    pub fn user_id(&self, nonce: &Nonce) -> UserId {
        let mut message = b"permafrost user id".to_vec();
        message.extend(nonce.0);
        let tag = hmac::sign(&self.key, &message);
        let mut id = [0; UserId::LEN];
        for (to, from) in id.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        UserId(id)
    }

    fn mac(&self, purpose: &str, clear: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, &message(purpose, clear))
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nonce {
    /// The nonce as clients see it: hex.
    pub fn to_text(self) -> String {
        hex::encode(self.0)
    }

    /// What the passkey signs: [`approval_challenge`].
    pub fn challenge(&self, purpose: &str, request: &[u8; 32]) -> [u8; 32] {
        approval_challenge(purpose, &self.0, request)
    }

    fn expires_at(&self) -> u64 {
        let (time, _) = self.0.split_at(8);
        time.iter()
            .fold(0, |seconds, byte| seconds << 8 | u64::from(*byte))
    }

    fn fingerprint(&self) -> [u8; 16] {
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(self.0.get(8..24).unwrap_or(&[0; 16]));
        fingerprint
    }
}

impl Used {
    fn forget_before(&mut self, now: u64) {
        while let Some((expiry, nonce, approver)) = self.by_expiry.first().copied() {
            if expiry > now {
                return;
            }
            self.by_expiry.remove(&(expiry, nonce, approver));
            self.nonces.remove(&nonce);
            self.newcomers -= usize::from(approver == Approver::Newcomer);
        }
    }
}

/// What a passkey signs: SHA-256 of the CBOR array of a name, the purpose, the nonce and the [`request_digest`].
pub fn approval_challenge(purpose: &str, nonce: &[u8], request: &[u8; 32]) -> [u8; 32] {
    sha256_of(vec![
        Value::from("permafrost passkey challenge"),
        Value::from(purpose),
        Value::Bytes(nonce.to_vec()),
        Value::Bytes(request.to_vec()),
    ])
}

/// The digest of what is approved: method, path, query (without its `?`), the digest of the body, and the sender (the `keyid`;
/// empty if the request is not signed).
pub fn request_digest(method: &str, path: &str, query: &str, body: &[u8], keyid: &str) -> [u8; 32] {
    sha256_of(vec![
        Value::from("permafrost request"),
        Value::from(method),
        Value::from(path),
        Value::from(query),
        Value::Bytes(sha256(body).to_vec()),
        Value::from(keyid),
    ])
}

fn message(purpose: &str, clear: &[u8]) -> Vec<u8> {
    [b"permafrost nonce ", purpose.as_bytes(), b"\0", clear].concat()
}

fn expired(nonce: &Nonce, now: u64) -> Problem {
    let expires_at = nonce.expires_at();
    Problem::new(
        ProblemType::ChallengeExpired,
        format!("the nonce expired at {expires_at}; the enclave's clock is at {now}"),
    )
}

fn used() -> Problem {
    Problem::new(
        ProblemType::ChallengeUsed,
        "an approval with this nonce was accepted before",
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn kind(result: Result<Nonce, Problem>) -> Option<ProblemType> {
        result.err().and_then(|problem| problem.kind())
    }

    #[test]
    fn a_nonce_is_valid_once_for_its_purpose_at_its_boot_and_in_its_time() {
        let challenges = Challenges::new().unwrap();
        let (nonce, expires_at) = challenges.issue("login", NOW).unwrap();
        let text = nonce.to_text();
        let check =
            |challenges: &Challenges, purpose, now| kind(challenges.check(&text, purpose, now));

        assert_eq!(check(&challenges, "login", expires_at - 1), None);
        let expired = Some(ProblemType::ChallengeExpired);
        assert_eq!(check(&challenges, "login", expires_at), expired);
        let invalid = Some(ProblemType::ChallengeInvalid);
        assert_eq!(check(&challenges, "register", NOW), invalid);
        assert_eq!(check(&Challenges::new().unwrap(), "login", NOW), invalid);

        challenges.take(&nonce, Approver::User, NOW).unwrap();
        let used = Some(ProblemType::ChallengeUsed);
        assert_eq!(check(&challenges, "login", NOW), used);
        let again = challenges.take(&nonce, Approver::User, NOW).unwrap_err();
        assert_eq!(again.kind(), used);
    }

    #[test]
    fn an_approval_that_was_checked_in_time_and_judged_later_is_not_accepted_again() {
        let challenges = Challenges::new().unwrap();
        let (nonce, expires_at) = challenges.issue("login", NOW).unwrap();
        challenges.take(&nonce, Approver::User, NOW).unwrap();
        // Another approval, judged later, makes the enclave forget the first.
        let (later, _) = challenges.issue("login", expires_at).unwrap();
        challenges.take(&later, Approver::User, expires_at).unwrap();
        for now in [expires_at, expires_at - 1] {
            let again = challenges.take(&nonce, Approver::User, now).unwrap_err();
            assert_eq!(again.kind(), Some(ProblemType::ChallengeExpired), "{now}");
        }
    }

    #[test]
    fn no_altered_nonce_is_accepted() {
        let challenges = Challenges::new().unwrap();
        let (nonce, _) = challenges.issue("login", NOW).unwrap();
        for at in 0..NONCE_LEN {
            for flip in [0x01, 0x80, 0xff] {
                let mut altered = nonce;
                altered.0[at] ^= flip;
                let refused = kind(challenges.check(&altered.to_text(), "login", NOW));
                assert_eq!(refused, Some(ProblemType::ChallengeInvalid), "byte {at}");
            }
        }
    }

    #[test]
    fn newcomers_fill_their_part_of_the_memory_and_no_more() {
        let challenges = Challenges::new().unwrap();
        let take = |approver, now| {
            let (nonce, _) = challenges.issue("register", now).unwrap();
            let refused = challenges.take(&nonce, approver, now).err();
            refused.and_then(|problem| problem.kind())
        };
        for _ in 0..NEWCOMERS_MAX {
            assert_eq!(take(Approver::Newcomer, NOW), None);
        }
        let overloaded = Some(ProblemType::Overloaded);
        assert_eq!(take(Approver::Newcomer, NOW), overloaded);
        for _ in NEWCOMERS_MAX..USED_MAX {
            assert_eq!(take(Approver::User, NOW), None);
        }
        assert_eq!(take(Approver::User, NOW), overloaded);
        assert_eq!(take(Approver::Newcomer, NOW + LIFETIME_S), None);
        assert_eq!(challenges.used().nonces.len(), 1);
    }

    #[test]
    fn what_has_expired_is_forgotten() {
        let challenges = Challenges::new().unwrap();
        for n in 0..10 {
            let (nonce, expires_at) = challenges.issue("login", NOW + n * LIFETIME_S).unwrap();
            challenges
                .take(&nonce, Approver::User, expires_at - 1)
                .unwrap();
        }
        let used = challenges.used();
        assert!(used.nonces.len() <= 2);
        assert_eq!(used.nonces.len(), used.by_expiry.len());
    }

    #[derive(Deserialize)]
    struct Vectors {
        challenges: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        purpose: String,
        nonce: String,
        method: String,
        target: String,
        body: String,
        keyid: String,
        request_digest: String,
        challenge: String,
    }

    #[test]
    fn challenges_are_those_of_the_vectors_of_every_client() {
        let vectors = include_str!("../../../clients/vectors/passkey-challenge.json");
        let Vectors { challenges } = serde_json::from_str(vectors).unwrap();
        assert_eq!(challenges.len(), 6);
        for vector in challenges {
            let (path, query) = vector
                .target
                .split_once('?')
                .unwrap_or((&vector.target, ""));
            let body = hex::decode(&vector.body).unwrap();
            let request = request_digest(&vector.method, path, query, &body, &vector.keyid);
            let mut nonce = Nonce([0; NONCE_LEN]);
            hex::decode_to_slice(&vector.nonce, &mut nonce.0).unwrap();
            let challenge = nonce.challenge(&vector.purpose, &request);
            assert_eq!(
                (hex::encode(request), hex::encode(challenge)),
                (vector.request_digest, vector.challenge),
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn every_part_of_a_request_is_in_its_challenge() {
        let nonce = Nonce([7; NONCE_LEN]);
        let request = |method, path, query, body, keyid| {
            nonce.challenge("p", &request_digest(method, path, query, body, keyid))
        };
        let good = request("POST", "/a", "q=1", b"body", "session.x");
        let others = [
            request("PUT", "/a", "q=1", b"body", "session.x"),
            request("POST", "/b", "q=1", b"body", "session.x"),
            request("POST", "/a", "q=2", b"body", "session.x"),
            request("POST", "/a", "q=1", b"bodx", "session.x"),
            request("POST", "/a", "q=1", b"body", "session.y"),
            nonce.challenge(
                "o",
                &request_digest("POST", "/a", "q=1", b"body", "session.x"),
            ),
        ];
        assert!(others.iter().all(|other| *other != good));
    }
}
