//! Each rule of AWS's syntax, followed and broken.

use super::super::forge::{Fields as Entries, bundle, encode, fields, set};
use super::*;

fn parse(change: impl FnOnce(&mut Entries)) -> Result<Payload, Error> {
    let mut entries = fields();
    change(&mut entries);
    Payload::parse(&encode(&Value::Map(entries)))
}

fn refusal(name: &str, value: impl Into<Value>) -> Error {
    parse(|entries| set(entries, name, value)).unwrap_err()
}

fn accepted(name: &str, value: impl Into<Value>) -> bool {
    parse(|entries| set(entries, name, value)).is_ok()
}

fn pcrs_of(entries: impl IntoIterator<Item = (i64, usize)>) -> Value {
    let entries = entries
        .into_iter()
        .map(|(index, length)| (index.into(), Value::Bytes(vec![0; length])));
    Value::Map(entries.collect())
}

#[test]
fn a_good_payload_is_read() {
    let payload = parse(|_| ()).unwrap();
    assert_eq!(payload.module_id, "i-0-enc1");
    assert_eq!(payload.pcrs.len(), 16);
    assert_eq!(payload.pcrs[&15], [16; PCR_LEN]);
    assert_eq!(payload.public_key, None);
    assert_eq!(payload.user_data.as_deref(), Some(b"user data".as_slice()));
    assert_eq!(payload.nonce.as_deref(), Some(b"nonce".as_slice()));
}

#[test]
fn maps_of_indefinite_length_and_any_order_read_alike() {
    let mut indefinite = vec![0xbf];
    for (key, value) in fields().into_iter().rev() {
        indefinite.extend([encode(&key), encode(&value)].concat());
    }
    indefinite.push(0xff);
    assert_eq!(Payload::parse(&indefinite), parse(|_| ()));
}

#[test]
fn a_mandatory_field_may_be_neither_absent_nor_null() {
    for field in [
        "module_id",
        "digest",
        "timestamp",
        "pcrs",
        "certificate",
        "cabundle",
    ] {
        let absent = parse(|entries| entries.retain(|(key, _)| key.as_text() != Some(field)));
        assert_eq!(absent, Err(Error::FieldMissing { field }));
        assert_eq!(refusal(field, Value::Null), Error::FieldMissing { field });
    }
}

#[test]
fn an_optional_field_that_is_null_is_absent() {
    let optional = ["public_key", "user_data", "nonce"];
    let null = parse(|entries| {
        for field in optional {
            set(entries, field, Value::Null);
        }
    });
    let absent = parse(|entries| {
        entries.retain(|(key, _)| !optional.contains(&key.as_text().unwrap()));
    });
    assert_eq!(null, absent);
    assert_eq!(null.unwrap().nonce, None);
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let error = parse(|entries| entries.push(("extra".into(), 1.into()))).unwrap_err();
    let field = "\"extra\"".to_owned();
    assert_eq!(error, Error::FieldUnknown { field });

    let hostile = format!("\u{1b}[2J{}", "x".repeat(1000));
    let error = parse(|entries| entries.push((hostile.as_str().into(), 1.into()))).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[test]
fn a_repeated_field_is_refused() {
    for (key, value) in fields() {
        let field = key.as_text().unwrap().to_owned();
        let repeated = parse(|entries| entries.push((key, value)));
        assert_eq!(repeated, Err(Error::FieldDuplicate { field }));
    }
}

#[test]
fn a_field_of_another_type_is_refused() {
    let bytes = || Value::Bytes(vec![1; 48]);
    for (field, value) in [
        ("module_id", bytes()),
        ("digest", bytes()),
        ("timestamp", "1".into()),
        ("timestamp", 1.5.into()),
        ("pcrs", Value::Array(vec![bytes()])),
        ("pcrs", Value::Map(vec![("0".into(), bytes())])),
        ("pcrs", Value::Map(vec![(0.into(), "0".into())])),
        ("certificate", "certificate".into()),
        ("cabundle", bytes()),
        ("cabundle", Value::Array(vec!["certificate".into()])),
        ("public_key", "key".into()),
        ("user_data", "data".into()),
        ("nonce", 7.into()),
    ] {
        let error = refusal(field, value);
        assert_eq!(error.rule(), "field-type", "{error}");
    }
    let error = parse(|entries| entries.push((7.into(), 1.into()))).unwrap_err();
    assert_eq!(error.rule(), "field-type", "{error}");
    let error = Payload::parse(&encode(&Value::Array(vec![]))).unwrap_err();
    assert_eq!(error.rule(), "field-type", "{error}");
}

#[test]
fn byte_strings_have_the_lengths_that_aws_allows() {
    for (field, min, max) in [
        ("certificate", 1, 1024),
        ("public_key", 1, 1024),
        ("user_data", 0, 512),
        ("nonce", 0, 512),
    ] {
        let bytes = |length| Value::Bytes(vec![7; length]);
        assert!(accepted(field, bytes(min)));
        assert!(accepted(field, bytes(max)));
        let mut refused = vec![max + 1];
        refused.extend(min.checked_sub(1));
        for found in refused {
            let expected = Error::FieldLength {
                field: field.to_owned(),
                unit: "bytes",
                found,
                min,
                max,
            };
            assert_eq!(refusal(field, bytes(found)), expected);
        }
    }
}

#[test]
fn the_module_id_is_not_empty() {
    assert_eq!(refusal("module_id", "").rule(), "field-length");
}

#[test]
fn the_digest_is_sha384_to_the_letter() {
    for digest in ["SHA256", "SHA512", "sha384", "SHA384 ", ""] {
        let found = format!("{digest:?}");
        assert_eq!(refusal("digest", digest), Error::Digest { found });
    }
}

#[test]
fn the_timestamp_is_positive() {
    assert_eq!(refusal("timestamp", 0), Error::Timestamp { found: 0 });
    assert_eq!(refusal("timestamp", -1), Error::Timestamp { found: -1 });
    assert!(accepted("timestamp", 1));
    assert!(accepted("timestamp", u64::MAX));
}

#[test]
fn there_are_1_to_32_pcrs() {
    assert!(accepted("pcrs", pcrs_of([(31, 48)])));
    assert!(accepted("pcrs", pcrs_of((0..32).map(|index| (index, 48)))));
    assert_eq!(refusal("pcrs", pcrs_of([])).rule(), "field-length");
    let too_many = pcrs_of((0..33).map(|index| (index, 48)));
    assert_eq!(refusal("pcrs", too_many).rule(), "field-length");
}

#[test]
fn a_pcr_index_is_0_to_31() {
    for found in [-1, 32, 256, i64::MAX] {
        let error = refusal("pcrs", pcrs_of([(found, 48)]));
        let found = found.into();
        assert_eq!(error, Error::PcrIndex { found });
    }
}

#[test]
fn a_pcr_has_the_48_bytes_of_sha384() {
    for found in [0, 32, 47, 49, 64] {
        let expected = Error::FieldLength {
            field: "PCR3".to_owned(),
            unit: "bytes",
            found,
            min: 48,
            max: 48,
        };
        assert_eq!(refusal("pcrs", pcrs_of([(3, found)])), expected);
    }
}

#[test]
fn a_repeated_pcr_is_refused_however_its_index_is_written() {
    let error = refusal("pcrs", pcrs_of([(3, 48), (3, 48)]));
    let field = "PCR3".to_owned();
    assert_eq!(error, Error::FieldDuplicate { field });

    // 3 in one byte and in two.
    let entry = |index: &[u8]| [index, &[0x58, 48], &[0; 48]].concat();
    let pcrs = [vec![0xa2], entry(&[3]), entry(&[0x18, 3])].concat();
    let mut entries = fields();
    entries.retain(|(key, _)| key.as_text() != Some("pcrs"));
    let mut payload = vec![0xa9];
    for (key, value) in entries {
        payload.extend([encode(&key), encode(&value)].concat());
    }
    payload.extend([encode(&"pcrs".into()), pcrs].concat());
    assert_eq!(
        Payload::parse(&payload).unwrap_err().rule(),
        "field-duplicate"
    );
}

#[test]
fn the_bundle_has_1_to_8_certificates_of_1_to_1024_bytes() {
    assert!(accepted(
        "cabundle",
        bundle(vec![vec![7; 1024]; CABUNDLE_MAX])
    ));
    for certificates in [
        vec![],
        vec![vec![7]; CABUNDLE_MAX + 1],
        vec![vec![7], vec![]],
        vec![vec![7; 1025]],
    ] {
        let error = refusal("cabundle", bundle(certificates));
        assert_eq!(error.rule(), "field-length", "{error}");
    }
}
