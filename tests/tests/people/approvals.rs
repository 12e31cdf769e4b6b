//! Every operation of the table that a session may request, without the approval of a passkey.

use std::collections::BTreeSet;

use http::Method;
use permafrost_enclave::routes::{Access, operations};
use permafrost_tests::{HonestStack, Measured, Wanted, refusal};
use serde_json::{Value, json};

use crate::steps::person;

/// What a session may change without a passkey. Whoever adds an operation here says why in `OperationName::needs_a_passkey`.
const WITHOUT: [&str; 14] = [
    "abort_ceremony",
    "advance_ceremony",
    "aggregate",
    "cancel_recovery",
    "cosign",
    "create_key",
    "create_keys",
    "create_link",
    "derive_keys",
    "end_session",
    "label_key",
    "rename_passkey",
    "sign",
    "start_key_generation",
];

#[tokio::test]
async fn every_operation_that_changes_something_needs_a_passkey_unless_it_is_listed_here() {
    let all = r#"
requests_per_minute = 60000
operations = ["create_key", "import_key", "list_keys", "show_key", "sign", "rotate_key", "replace_key", "label_key", "disable_key", "delete_key", "take_part"]"#;
    let stack = HonestStack::start(Measured::new("test").people(all));
    let alice = person(&stack).await;
    let mut without = BTreeSet::new();
    let mut with = 0;
    for operation in operations() {
        let Access::Principal(name) = operation.access else {
            continue;
        };
        if operation.method != Method::POST || name.is_of_the_root() {
            continue;
        }
        let path = operation.path.replace("{id}", &alice.registered.key.id);
        let wanted = match operation.body {
            Some(_) => Wanted::post(&path, &json!({})),
            None => Wanted::empty(&path),
        };
        // The body is no such operation's, and the id is no passkey's: only what comes before the operation is asked.
        let refused = match alice.browser.ask::<Value>(&wanted, None).await {
            Ok(_) => "carried out".to_owned(),
            refused => refusal(refused),
        };
        if refused == "passkey-required" {
            with += 1;
        } else {
            without.insert(operation.id);
        }
    }
    assert_eq!(without, WITHOUT.into());
    assert_eq!(with, 15);
}
