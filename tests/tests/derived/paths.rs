//! What callers try with paths.

use std::collections::BTreeSet;

use http::{HeaderMap, Method};
use permafrost_client::Error;
use permafrost_common::api::derived::{AddressPath, KeyPath};
use permafrost_common::http_signature::Algorithm;
use permafrost_tests::{LyingParent, Measured, message, refusal};

use crate::{derive, signs, user};

/// Its paths are those of invoices.
const INVOICES: &str = r#"
operations = ["derive_keys", "show_key", "sign", "rotate_key", "disable_key"]
derived = ["m/0'/invoices", "m/1'/users"]
payloads = ["message"]
requests_per_minute = 6000
"#;

#[tokio::test]
async fn a_caller_that_picks_a_path_outside_its_policy_is_refused() {
    let mut measured = Measured::new("test");
    measured.principal("invoices", Algorithm::Ed25519, INVOICES);
    let parent = LyingParent::shared(measured).await;
    let (alice, invoices) = (
        parent.principal("alice").await,
        parent.principal("invoices").await,
    );
    let hers = derive(&alice, "carol").await;
    assert_eq!(
        refusal(invoices.derive_keys(&[user("carol")]).await),
        "not-permitted"
    );
    // Among paths that are allowed, too.
    let own = |purpose: &str, account| KeyPath {
        purpose: purpose.to_owned(),
        account,
        ..user("carol")
    };
    let mixed = [own("invoices", 0), user("carol")];
    assert_eq!(refusal(invoices.derive_keys(&mixed).await), "not-permitted");
    for result in [
        invoices.key(&hers.id).await.map(drop),
        invoices.sign(&hers.id, &message()).await.map(drop),
        invoices.rotate(&hers.id).await.map(drop),
        invoices.disable(&hers.id).await.map(drop),
        invoices.wallet(&hers.id).await.map(drop),
    ] {
        assert_eq!(refusal(result), "key-not-found");
    }
    signs(&alice, &hers).await;
    for path in [own("invoices", 0), own("users", 1)] {
        let key = invoices.derive_keys(&[path]).await.unwrap().keys.remove(0);
        assert_ne!(key.group_public_key, hers.group_public_key);
        signs(&invoices, &key).await;
        assert_eq!(
            refusal(alice.sign(&key.id, &message()).await),
            "key-not-found"
        );
    }
}

#[tokio::test]
async fn encodings_and_look_alikes_of_a_name_are_other_keys() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let names = [
        "a/b",
        "a%2Fb",
        "a%2fb",
        "a%252Fb",
        "a\\b",
        "a",
        "A",
        "a ",
        " a",
        "\u{e9}",
        "e\u{301}",
        "\u{430}",
        "a\0",
        "\u{ff41}",
        "..",
        ".",
        "0'",
        "86'/0'/0'/0/0",
        "\u{212b}",
        "\u{c5}",
        "A\u{30a}",
    ];
    let paths: Vec<_> = names.iter().map(|name| user(name)).collect();
    let keys = alice.derive_keys(&paths).await.unwrap().keys;
    let different: BTreeSet<_> = keys.iter().map(|key| &key.group_public_key).collect();
    assert_eq!(different.len(), names.len());
    // One id disabled disables no other.
    alice.disable(&keys[0].id).await.unwrap();
    assert_eq!(
        refusal(alice.sign(&keys[0].id, &message()).await),
        "key-disabled"
    );
    for key in &keys[1..] {
        signs(&alice, key).await;
    }
}

#[tokio::test]
async fn another_spelling_of_a_key_id_is_not_a_key() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let id = derive(&alice, "carol").await.id;
    for other in [
        format!("{id}A"),
        id.replace("d1.", "d2."),
        id.replace("d1.", ""),
        id[..id.len() - 1].to_owned(),
        "d1.".to_owned(),
    ] {
        let path = format!("/v1/keys/{other}");
        let response = alice.request(Method::GET, &path, "", HeaderMap::new());
        assert_eq!(response.await.unwrap().status, 404, "{other}");
    }
}

#[tokio::test]
async fn what_is_out_of_range_is_refused_by_the_name_of_its_field() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let address = |chain, index| KeyPath {
        address: Some(AddressPath { chain, index }),
        ..user("carol")
    };
    let purpose = |text: &str| KeyPath {
        purpose: text.to_owned(),
        ..user("carol")
    };
    for (path, field) in [
        (user(""), "/paths/1/name"),
        (user(&"n".repeat(256)), "/paths/1/name"),
        (purpose("Users"), "/paths/1/purpose"),
        (
            KeyPath {
                account: 1 << 31,
                ..user("carol")
            },
            "/paths/1/account",
        ),
        (address(2, 0), "/paths/1/address/chain"),
        (address(0, 1 << 31), "/paths/1/address/index"),
    ] {
        let refused = alice.derive_keys(&[user("fine"), path]).await.unwrap_err();
        let Error::Problem(problem) = refused else {
            panic!("{refused}");
        };
        let fields: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.field.as_str())
            .collect();
        assert_eq!(fields, [field]);
    }
    for count in [0, 101] {
        let paths = vec![user("carol"); count];
        assert_eq!(
            refusal(alice.derive_keys(&paths).await),
            "invalid-request",
            "{count}"
        );
    }
}
