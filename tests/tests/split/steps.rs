//! What the tests have in common: participants, keys, and signatures that somebody else verifies.

use http::{HeaderMap, Method};
use permafrost_client::{Error, HeldShare, IdempotencyKey, Principal, Unconfirmed};
use permafrost_common::api::{SignRequest, Signed};
use permafrost_frost::{CeremonyParticipant, ParticipantKey};
use permafrost_tests::{is_signed_by, message};
use rand_core::OsRng;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Participants by name; those that begin with `server` are the enclave's.
pub(crate) fn participants(names: &[&str]) -> Vec<(String, Option<ParticipantKey>)> {
    let key =
        |name: &str| (!name.starts_with("server")).then(|| ParticipantKey::random(&mut OsRng));
    let named = names.iter().map(|name| ((*name).to_owned(), key(name)));
    named.collect()
}

/// A ceremony of a new key, up to its confirmation.
pub(crate) async fn unconfirmed(
    principal: &Principal,
    threshold: u16,
    names: &[&str],
) -> Unconfirmed {
    let once = IdempotencyKey::random().unwrap();
    let made = principal.generate_split_key(threshold, participants(names), &once);
    made.await.unwrap()
}

/// A new key: its id, and the shares of this side.
pub(crate) async fn split_key(
    principal: &Principal,
    threshold: u16,
    names: &[&str],
) -> (String, Vec<HeldShare>) {
    let ceremony = unconfirmed(principal, threshold, names).await;
    ceremony.confirm().await.unwrap();
    let id = ceremony.outcome().parameters.key_id.to_string();
    (id, copies(ceremony.shares()))
}

/// New shares of a key, confirmed.
pub(crate) async fn refreshed(principal: &Principal, shares: &[HeldShare]) -> Vec<HeldShare> {
    let ceremony = principal.refresh_split_key(copies(shares)).await.unwrap();
    ceremony.confirm().await.unwrap();
    copies(ceremony.shares())
}

/// The shares as their files have them.
pub(crate) fn copies(shares: &[HeldShare]) -> Vec<HeldShare> {
    let copy = |share: &HeldShare| HeldShare::from_json(&share.to_json().unwrap()).unwrap();
    shares.iter().map(copy).collect()
}

/// Signs a message with the shares of this side and the enclave's, and has libsecp256k1 verify it.
pub(crate) async fn signs(principal: &Principal, shares: &[HeldShare]) {
    let signed = signed(principal, shares, &message()).await;
    let key = shares[0].share().group_public_key().to_string();
    assert!(is_signed_by(&signed, &key));
}

pub(crate) async fn signed(
    principal: &Principal,
    shares: &[HeldShare],
    what: &SignRequest,
) -> Signed {
    principal.sign_split(shares, what).await.unwrap()
}

/// What the enclave responds to a request with this JSON, or with no body for `()`, which the client library would not make.
pub(crate) async fn post<T: DeserializeOwned>(
    principal: &Principal,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Error> {
    let once = IdempotencyKey::random().unwrap();
    post_once(principal, path, &once, body).await
}

/// The same with this idempotency key.
pub(crate) async fn post_once<T: DeserializeOwned>(
    principal: &Principal,
    path: &str,
    once: &IdempotencyKey,
    body: &impl Serialize,
) -> Result<T, Error> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("idempotency-key", once.as_str().parse().unwrap());
    let mut body = serde_json::to_vec(body).unwrap();
    if body == b"null" {
        body.clear();
    }
    principal
        .request(Method::POST, path, body, headers)
        .await?
        .json()
}

/// The body of a request for a key.
pub(crate) fn generation(threshold: u16, names: &[&str]) -> Value {
    let named = participants(names).into_iter().map(|(name, key)| {
        let public_key = key.map(|key| key.public_key());
        CeremonyParticipant { name, public_key }
    });
    json!({"threshold": threshold, "participants": named.collect::<Vec<_>>()})
}
