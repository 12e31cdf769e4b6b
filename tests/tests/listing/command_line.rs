//! `permafrost keys list` and `label`, as an operator calls them, with the parent's own store.

use std::path::Path;
use std::process::{Command, Output};

use permafrost_common::api::{Key, KeyList};
use permafrost_tests::{HonestStack, Measured, binaries};

fn keys(profile: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binaries::parent());
    command.args(["keys", "--json", "--profile"]).arg(profile);
    command.args(arguments).output().unwrap()
}

fn key(output: &Output) -> Key {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn keys_are_found_by_label_status_and_public_key_and_other_values_are_refused() {
    let stack = HonestStack::start(Measured::new("test"));
    let profile = stack.profile("alice");
    let list = |arguments: &[&str]| {
        let output = keys(&profile, &[&["list"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        let listing: KeyList = serde_json::from_slice(&output.stdout).unwrap();
        let ids = listing.keys.into_iter().map(|key| key.id);
        ids.collect::<Vec<String>>()
    };
    let create = ["create", "--threshold", "2", "a", "b", "c"];
    let plain = key(&keys(&profile, &create));
    let red = key(&keys(
        &profile,
        &[&create[..], &["--label", "red"]].concat(),
    ));
    assert_eq!(list(&["--label", "red"]), [red.id.as_str()]);
    assert_eq!(list(&["--public-key", &red.npub]), [red.id.as_str()]);
    let public_key = plain.group_public_key.as_str();
    assert_eq!(list(&["--public-key", public_key]), [plain.id.as_str()]);
    assert_eq!(list(&["--custody", "split"]), Vec::<String>::new());
    assert_eq!(list(&["--owner", "bob"]), Vec::<String>::new());

    let blue = key(&keys(&profile, &["label", &plain.id, "blue"]));
    assert_eq!(blue.label.as_deref(), Some("blue"));
    key(&keys(&profile, &["disable", &plain.id]));
    let both = ["--label", "blue", "--status", "disabled"];
    assert_eq!(list(&both), [plain.id.as_str()]);
    let none = key(&keys(&profile, &["label", &plain.id, "--none"]));
    assert_eq!(none.label, None);
    assert_eq!(list(&both), Vec::<String>::new());

    for (arguments, told) in [
        (&["list", "--label", "a b"][..], "label"),
        (&["list", "--public-key", "npub1x"], "npub"),
        (&["list", "--status", "lost"], "enabled"),
        (&["label", &plain.id], "LABEL"),
    ] {
        let output = keys(&profile, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(
            String::from_utf8_lossy(&said).contains(told),
            "{arguments:?}"
        );
    }
}
