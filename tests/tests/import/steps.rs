//! Steps that the tests share.

use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{Error, IdempotencyKey, ImportSecret, Principal};
use permafrost_common::api::{ImportKey, Key, SealedSecret};
use permafrost_common::http_signature::AttestationDigest;
use permafrost_common::import::ImportContext;
use permafrost_common::oblivious::KeyConfiguration;
use permafrost_common::problem::ProblemType;
use permafrost_frost::Hex;
use permafrost_tests::LyingParent;
use secp256k1::SecretKey;

pub(crate) const PATH: &str = "/v1/keys:import";

/// A new secret key.
pub(crate) fn secret() -> SecretKey {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    SecretKey::from_secret_bytes(bytes).unwrap()
}

/// The order of the group: the first number that is no secret.
pub(crate) fn order() -> [u8; 32] {
    hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        .unwrap()
        .try_into()
        .unwrap()
}

pub(crate) fn public_key(secret: &SecretKey) -> Hex<32> {
    Hex(secret.x_only_public_key().0.to_byte_array())
}

pub(crate) fn participants() -> Vec<String> {
    ["one", "two", "three"].map(String::from).to_vec()
}

pub(crate) fn random() -> IdempotencyKey {
    IdempotencyKey::random().unwrap()
}

/// What a client imports.
pub(crate) async fn import(
    principal: &Principal,
    secret: &SecretKey,
    idempotency_key: &IdempotencyKey,
) -> Result<Key, Error> {
    let secret = ImportSecret::from_bytes(secret.to_secret_bytes().into()).unwrap();
    principal
        .import_key(2, &participants(), &secret, idempotency_key)
        .await
}

/// The key to which secrets are sealed, without a check.
pub(crate) async fn key_of(principal: &Principal) -> KeyConfiguration {
    let list = principal
        .enclave()
        .request(Method::GET, "/v1/oblivious-keys", "", HeaderMap::new())
        .await
        .unwrap();
    KeyConfiguration::first_usable(&list.body).unwrap()
}

/// A body that seals these bytes for the principal, whether they are a secret or not.
pub(crate) async fn body(
    principal: &Principal,
    secret: &[u8; 32],
    public_key: Hex<32>,
    idempotency_key: &str,
) -> ImportKey {
    let boot = principal.enclave().boot();
    let participants = participants();
    let context = ImportContext {
        deployment: &boot.binding().deployment,
        boot: boot.attestation(),
        principal: principal.name(),
        idempotency_key,
        public_key: &public_key,
        threshold: 2,
        participants: &participants,
    };
    let sealed = context.seal(&key_of(principal).await, secret).unwrap();
    ImportKey {
        threshold: 2,
        participants,
        public_key,
        sealed,
    }
}

/// Sends a body under the principal's signature; gives the slug of the problem, or `imported`.
pub(crate) async fn send(
    principal: &Principal,
    body: &ImportKey,
    idempotency_key: &str,
) -> &'static str {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("idempotency-key", idempotency_key.parse().unwrap());
    let body = serde_json::to_vec(body).unwrap();
    let response = principal
        .request(Method::POST, PATH, body, headers)
        .await
        .unwrap();
    match response.problem() {
        Some(problem) => problem.kind().map(ProblemType::slug).unwrap(),
        None => "imported",
    }
}

/// What a sealed secret is when it is sealed for another context.
pub(crate) fn sealed_for(
    context: ImportContext<'_>,
    key: &KeyConfiguration,
    secret: &SecretKey,
) -> SealedSecret {
    context.seal(key, &secret.to_secret_bytes()).unwrap()
}

/// The boot of some other document.
pub(crate) fn another_boot() -> AttestationDigest {
    AttestationDigest::of(b"another document")
}

/// That the store has this many claims of imports and this many keys.
pub(crate) fn check_stored(parent: &LyingParent, claims: usize, keys: usize) {
    let count = |kind| parent.store.all_of(kind).len();
    assert_eq!((count("import"), count("key")), (claims, keys));
}
