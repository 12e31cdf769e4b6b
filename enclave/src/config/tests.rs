//! What a configuration may say, and which refusals name the key.

use super::*;
use crate::principal::{KeyScope, OperationName};

const GOOD: &str = r#"
deployment = "test"
[kms]
key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
[[principal]]
name = "svc"
public_key = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
operations = ["create_key", "sign"]
payloads = ["nostr_event"]
nostr_kinds = [1]
requests_per_minute = 60
"#;

fn refusal(text: &str) -> String {
    Config::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_configuration_is_read_with_its_defaults() {
    let config = Config::parse(GOOD.as_bytes()).unwrap();
    assert_eq!(config.deployment, "test");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.principals[0].policy.keys, KeyScope::Own);
}

#[test]
fn the_example_in_docs_configuration_is_accepted() {
    let page = include_str!("../../../docs/configuration.md");
    let start = page.find("```toml\n").unwrap() + "```toml\n".len();
    let example = &page[start..start + page[start..].find("```").unwrap()];
    let config = Config::parse(example.as_bytes()).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.principals[0].policy.nostr_kinds, Some([1, 7].into()));
    assert_eq!(config.people.unwrap().recovery_delay_s, 72 * 3_600);
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for (text, key) in [
        (
            GOOD.replace("deployment", "surprise = 1\ndeployment"),
            "surprise",
        ),
        (format!("{GOOD}\n[limits]\nsurprise = 1"), "surprise"),
        (format!("{GOOD}\nsurprise = 1"), "surprise"),
        (
            format!("{GOOD}\n[bitcoin]\nnetwork = \"bitcoin\"\nsurprise = 1"),
            "surprise",
        ),
        (GOOD.replace("create_key", "surprise"), "surprise"),
    ] {
        let error = refusal(&text);
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn values_out_of_range_are_refused_with_what_is_accepted() {
    for (text, named) in [
        (GOOD.replace("\"test\"", "\"Test\""), "deployment: Test"),
        (GOOD.replace("\"svc\"", "\"a b\""), "principal.name: a b"),
        (GOOD.replace("= 60", "= 0"), "requests_per_minute: 0"),
        (
            format!("{GOOD}\n[limits]\nbody_bytes = 1"),
            "limits.body_bytes: 1",
        ),
        (
            GOOD.replace("\"nostr_event\"", "\"message\""),
            "nostr_kinds: given, but payloads does not have nostr_event",
        ),
        (
            GOOD.replace("\"nostr_event\"", "\"nostr_event\", \"digest\""),
            "nostr_kinds: given, but payloads has digest",
        ),
        (
            format!("{GOOD}{}", &GOOD[GOOD.find("[[").unwrap()..]),
            "used twice",
        ),
    ] {
        let error = refusal(&text);
        assert!(
            error.contains(named) && error.contains("accepted"),
            "{error}"
        );
    }
}

#[test]
fn people_have_default_operations_and_mistakes_about_people_are_named() {
    let people = "[people]\nrp_id = \"localhost\"\norigins = [\"http://localhost\"]\n";
    let config = Config::parse(format!("{GOOD}\n{people}").as_bytes()).unwrap();
    let policy = config.people.unwrap().policy;
    assert!(!policy.operations.contains(&OperationName::CreateKey));
    assert!(policy.operations.contains(&OperationName::RevokePasskey));
    for (text, named) in [
        (
            format!("{GOOD}\n{people}operations = [\"rotate_root\"]"),
            "people.operations: rotate_root",
        ),
        (
            format!("{GOOD}\n{people}page_sha256 = \"00\""),
            "people.page_sha256",
        ),
        (
            format!("{GOOD}\n{people}session_s = 901"),
            "people.session_s: 901",
        ),
        (
            format!("{GOOD}\n{}", people.replace("localhost", "example.org")),
            "people.rp_id",
        ),
        (
            GOOD.replace("create_key", "revoke_passkey"),
            "revoke_passkey",
        ),
        (GOOD.replace("\"svc\"", "\"user.svc\""), "user.svc"),
    ] {
        let error = refusal(&text);
        assert!(
            error.contains(named) && error.contains("accepted"),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_text_or_too_long_is_refused() {
    assert!(Config::parse(&[0xff]).is_err());
    assert!(matches!(
        Config::parse(&vec![b'#'; CONFIGURATION_MAX + 1]),
        Err(ConfigError::TooLong { .. })
    ));
}
