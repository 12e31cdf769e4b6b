//! Steps and observations that the tests share.

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_common::api::derived::KeyPath;
use permafrost_tests::{is_signed_by, message};

/// The access keys of the tests, as `credentials` names them.
pub(crate) const FIRST: &str = "AKIAEXAMPLE0000FIRST";
pub(crate) const SECOND: &str = "AKIAEXAMPLE000SECOND";

/// A derived key, whose record in the table says whether it signs.
pub(crate) async fn key_of(principal: &Principal, name: &str) -> Key {
    let path = KeyPath {
        purpose: "users".to_owned(),
        name: name.to_owned(),
        ..KeyPath::default()
    };
    let derived = principal.derive_keys(&[path]).await.unwrap();
    derived.keys.into_iter().next().unwrap()
}

pub(crate) async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}
