//! `binding.json`: the `user_data` of attestation documents.

use ciborium::Value;
use permafrost_common::binding::Binding;
use serde::Serialize;

use super::file::compare;

#[derive(Serialize)]
struct File {
    source: &'static str,
    bindings: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Case {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    user_data: Vec<u8>,
    #[serde(with = "crate::hex_text")]
    boot_key: [u8; 32],
    deployment: String,
    #[serde(with = "crate::hex_text")]
    configuration: [u8; 32],
    oblivious_keys: Option<String>,
}

#[derive(Serialize)]
struct Refused {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    user_data: Vec<u8>,
}

#[test]
fn bindings_of_the_file_are_read_and_every_other_user_data_is_refused() {
    let bindings = [
        ("version 2", binding("test", Some([5; 32]))),
        (
            "version 1: without keys of Oblivious HTTP",
            binding("test", None),
        ),
        (
            "the longest name",
            binding(&"\u{e9}".repeat(32), Some([5; 32])),
        ),
        ("the shortest name", binding("a", None)),
    ]
    .map(|(name, binding)| {
        let user_data = binding.to_user_data();
        assert_eq!(
            Binding::from_user_data(&user_data),
            Ok(binding.clone()),
            "{name}"
        );
        Case {
            name,
            user_data,
            boot_key: binding.boot_key,
            deployment: binding.deployment,
            configuration: binding.configuration,
            oblivious_keys: binding.oblivious_keys.map(hex::encode),
        }
    });
    let refused: Vec<_> = refused()
        .into_iter()
        .map(|(name, user_data)| {
            Binding::from_user_data(&user_data).expect_err(name);
            Refused { name, user_data }
        })
        .collect();
    compare(
        "binding.json",
        &File {
            source: "docs/formats.md: deterministic CBOR (RFC 8949 section 4.2).",
            bindings: bindings.into(),
            refused,
        },
    );
}

type Entries = Vec<(Value, Value)>;

fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let good = encode(&Value::Map(entries()));
    let change = |change: &dyn Fn(&mut Entries)| {
        let mut entries = entries();
        change(&mut entries);
        encode(&Value::Map(entries))
    };
    let set = |at: usize, name: &str, value: Value| {
        change(&|entries| entries[at] = (name.into(), value.clone()))
    };
    vec![
        ("another version", set(0, "v", 3.into())),
        ("version 0", set(0, "v", 0.into())),
        ("version 1 with what belongs to 2", set(0, "v", 1.into())),
        (
            "version 2 without what belongs to it",
            change(&|each| drop(each.pop())),
        ),
        ("no version", change(&|each| drop(each.remove(0)))),
        ("no boot key", change(&|each| drop(each.remove(1)))),
        (
            "a boot key of 31 bytes",
            set(1, "boot_key", Value::Bytes(vec![7; 31])),
        ),
        (
            "a boot key that is a text",
            set(1, "boot_key", "07".repeat(32).into()),
        ),
        ("no deployment", change(&|each| drop(each.remove(2)))),
        ("an empty name", set(2, "deployment", "".into())),
        (
            "a name of 65 bytes",
            set(2, "deployment", "a".repeat(65).into()),
        ),
        ("no configuration", change(&|each| drop(each.remove(3)))),
        ("keys that are null", set(4, "oblivious_keys", Value::Null)),
        (
            "keys of 33 bytes",
            set(4, "oblivious_keys", Value::Bytes(vec![5; 33])),
        ),
        (
            "a further entry",
            change(&|each| each.push(("oblivious_keys_too".into(), Value::Bytes(vec![5; 32])))),
        ),
        (
            "a key that is a number",
            change(&|each| each.insert(0, (0.into(), 0.into()))),
        ),
        ("another order", change(&|each| each.reverse())),
        (
            "an entry twice",
            change(&|each| each.insert(1, ("v".into(), 2.into()))),
        ),
        ("nothing", Vec::new()),
        ("an array", encode(&Value::Array(Vec::new()))),
        ("a byte too few", good[..good.len() - 1].to_vec()),
        ("a byte too many", [good.as_slice(), &[0]].concat()),
        (
            "a map of indefinite length",
            [&[0xbf], &good[1..], &[0xff]].concat(),
        ),
        (
            "a longer form of the length",
            [&[0xb8, 5], &good[1..]].concat(),
        ),
    ]
}

fn binding(deployment: &str, oblivious_keys: Option<[u8; 32]>) -> Binding {
    Binding {
        boot_key: [7; 32],
        deployment: deployment.to_owned(),
        configuration: [9; 32],
        oblivious_keys,
    }
}

fn entries() -> Entries {
    let user_data = binding("test", Some([5; 32])).to_user_data();
    let value: Value = ciborium::from_reader(user_data.as_slice()).unwrap();
    value.into_map().unwrap()
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
