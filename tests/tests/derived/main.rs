//! Derived keys: the same ones after everything that a deployment goes through, and what a malicious parent and callers try.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod command_line;
mod lies;
mod life;
mod paths;
mod script;

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_common::api::derived::KeyPath;
use permafrost_tests::{is_signed_by, message};

/// The path of a user.
fn user(name: &str) -> KeyPath {
    KeyPath {
        purpose: "users".to_owned(),
        name: name.to_owned(),
        ..KeyPath::default()
    }
}

/// A user's derived key.
async fn derive(principal: &Principal, name: &str) -> Key {
    let derived = principal.derive_keys(&[user(name)]).await.unwrap();
    derived.keys.into_iter().next().unwrap()
}

async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert_eq!(signed.key_id, key.id);
    assert!(is_signed_by(&signed, &key.group_public_key));
}
