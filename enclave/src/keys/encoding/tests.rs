//! The encoding round-trips, and nothing else decodes.

use ciborium::Value;
use permafrost_frost::Hex;
use proptest::prelude::*;
use rand_core::OsRng;

use super::*;
use crate::keys::testing::{new_key, record, split_shares};

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn entries(record: &KeyRecord) -> Vec<(Value, Value)> {
    let value: Value = ciborium::from_reader(record.encode().unwrap().as_slice()).unwrap();
    value.into_map().unwrap()
}

/// Reads a record and checks it, as before it is sealed.
fn checked(bytes: &[u8]) -> Result<KeyRecord, RecordError> {
    let record = KeyRecord::decode(bytes)?;
    record.check()?;
    Ok(record)
}

fn refused(entries: Vec<(Value, Value)>) -> RecordError {
    checked(&bytes(&Value::Map(entries))).unwrap_err()
}

fn set(record: &KeyRecord, key: &str, to: impl Into<Value>) -> Vec<(Value, Value)> {
    let mut entries = entries(record);
    let entry = entries
        .iter_mut()
        .find(|(k, _)| k.as_text() == Some(key))
        .unwrap();
    entry.1 = to.into();
    entries
}

/// The whole content of a record, shares included.
fn content(record: &KeyRecord) -> (String, Vec<KeyPackage>, PublicKeyPackage, [u8; 32]) {
    (
        format!("{record:?}"),
        record.packages().keys.clone(),
        record.packages().public.clone(),
        record.request_digest,
    )
}

#[test]
fn the_entries_are_those_of_the_documentation_in_deterministic_order() {
    let held = split_shares().0.with_wrapped(vec![wrapped("alice")]);
    let record = KeyRecord::from_ceremony(new_key(1), held.unwrap());
    let record = KeyRecord {
        imported: true,
        label: Some("red".to_owned()),
        ..replaced(&record)
    };
    let keys: Vec<Vec<u8>> = entries(&record).iter().map(|(key, _)| bytes(key)).collect();
    assert!(keys.is_sorted());
    let documented = include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
    let keys = entries(&record);
    assert!(
        keys.iter()
            .filter_map(|(key, _)| key.as_text())
            .eq(documented)
    );
}

#[test]
fn shares_are_the_frost_crates_own_serialisation_and_open_with_it() {
    let record = record(3, 5);
    let entries = entries(&record);
    let value = |name: &str| {
        &entries
            .iter()
            .find(|(key, _)| key.as_text() == Some(name))
            .unwrap()
            .1
    };
    let shares = value("shares").as_array().unwrap();
    for (share, package) in shares.iter().zip(&record.packages().keys) {
        let share = share.as_bytes().unwrap();
        assert_eq!(*share, package.serialize().unwrap());
        assert_eq!(KeyPackage::deserialize(share).unwrap(), *package);
        assert_eq!(share.len(), 136);
    }
    let public = value("public").as_bytes().unwrap();
    assert_eq!(*public, record.packages().public.serialize().unwrap());
}

#[test]
fn the_longest_record_is_written_without_moving_its_shares() {
    let names: Vec<String> = (0..32).map(|i| format!("{i:0>64}")).collect();
    let new = super::super::NewKey {
        owner: "o".repeat(64),
        label: Some("l".repeat(64)),
        created_at: u64::MAX,
        ..new_key(1)
    };
    let participants = Participants::new(2, &names).unwrap();
    let record = KeyRecord {
        generation: u32::MAX,
        replaces: Some(new.id),
        replaced_by: Some(new.id),
        ..KeyRecord::deal(new, participants, &mut OsRng).unwrap()
    };
    let encoded = record.encode().unwrap();
    assert_eq!(encoded.capacity(), FIXED_MAX + PARTICIPANT_MAX * 32);
    assert_eq!(
        content(&KeyRecord::decode(&encoded).unwrap()),
        content(&record)
    );
}

#[test]
fn a_record_with_a_byte_changed_is_not_sealed_or_has_the_same_key() {
    let record = record(2, 3);
    let encoded = record.encode().unwrap();
    let mut refused = 0;
    for at in 0..encoded.len() {
        for bits in [0x01, 0x20, 0x80] {
            let mut changed = encoded.to_vec();
            changed[at] ^= bits;
            match checked(&changed) {
                Err(_) => refused += 1,
                // Only sealing protects what the record itself cannot check: id, owner, time, links, digest.
                Ok(other) => {
                    assert_eq!(other.packages().keys, record.packages().keys);
                    assert_eq!(other.packages().public, record.packages().public);
                    assert_eq!(other.participants(), record.participants());
                    assert_eq!(*other.encode().unwrap(), changed);
                }
            }
        }
    }
    assert!(refused > encoded.len());
}

#[test]
fn a_truncated_or_extended_record_is_refused() {
    let encoded = record(2, 2).encode().unwrap();
    for length in 0..encoded.len() {
        assert!(KeyRecord::decode(&encoded[..length]).is_err());
    }
    let mut longer = encoded.to_vec();
    longer.push(0);
    assert_eq!(
        KeyRecord::decode(&longer).unwrap_err(),
        RecordError::NotCanonical
    );
}

#[test]
fn unknown_missing_and_reordered_entries_are_refused() {
    let record = record(2, 2);
    let all = entries(&record);
    for missing in 0..all.len() {
        let mut entries = all.clone();
        entries.remove(missing);
        assert!(matches!(
            refused(entries),
            RecordError::Malformed | RecordError::NotCanonical
        ));
    }
    let mut more = all.clone();
    more.push(("zzzzzzzzzzzzzzzz".into(), 1.into()));
    assert_eq!(refused(more), RecordError::Malformed);
    let mut reordered = all;
    reordered.swap(1, 2);
    assert_eq!(refused(reordered), RecordError::NotCanonical);
}

#[test]
fn another_version_is_named() {
    let later = set(&record(2, 2), "v", 3);
    assert_eq!(refused(later), RecordError::Version { came: 3 });
}

#[test]
fn a_record_of_the_first_version_opens_and_is_written_as_the_second() {
    let record = record(2, 3);
    let first = record.encode_as(FIRST_VERSION).unwrap();
    let names = |bytes: &[u8]| -> Vec<String> {
        let value: Value = ciborium::from_reader(bytes).unwrap();
        let entries = value.into_map().unwrap().into_iter();
        entries.map(|(key, _)| key.into_text().unwrap()).collect()
    };
    let added = names(&record.encode().unwrap()).into_iter();
    let added = added.filter(|name| !names(&first).contains(name));
    assert_eq!(added.collect::<Vec<_>>(), ["custody"]);
    let opened = KeyRecord::decode(&first).unwrap();
    assert_eq!(content(&opened), content(&record));
    assert_eq!(opened.encode().unwrap(), record.encode().unwrap());
    // The entries of the second version are none of the first.
    let mixed = set(&record, "v", 1);
    assert_eq!(refused(mixed), RecordError::NotCanonical);
}

#[test]
fn a_record_with_some_of_the_shares_reads_back_and_no_other_shares_pass_for_them() {
    let (held, alices) = split_shares();
    let record = KeyRecord::from_ceremony(new_key(1), held.clone());
    let encoded = record.encode().unwrap();
    let opened = KeyRecord::decode(&encoded).unwrap();
    assert_eq!(*opened.encode().unwrap(), *encoded);
    assert_eq!(opened.certificate().unwrap(), held.certificate());

    let share = |package: &KeyPackage| Value::from(package.serialize().unwrap());
    let with = |shares: Vec<Value>| refused(set(&record, "shares", Value::Array(shares)));
    let does_not_fit = |error| {
        let fits = RecordError::Inconsistent(MaterialError::Certificate(""));
        std::mem::discriminant(&error) == std::mem::discriminant(&fits)
    };
    let own = share(held.shares()[0].package());
    let other = split_shares().0;
    assert!(does_not_fit(with(vec![share(alices.package())])));
    assert!(does_not_fit(with(vec![own, share(alices.package())])));
    assert!(does_not_fit(with(vec![])));
    let foreign = with(vec![share(other.shares()[0].package())]);
    assert_eq!(foreign, RecordError::Package { entry: "shares" });
    let of_other = serde_json::to_vec(other.certificate()).unwrap();
    assert!(does_not_fit(refused(set(&record, "certificate", of_other))));
    let whole = set(&record, "custody", "enclave");
    assert_eq!(refused(whole), RecordError::Malformed);

    for wrong in [
        vec![wrapped("server")],
        vec![wrapped("mallory")],
        vec![wrapped("alice"), wrapped("alice")],
        vec![WrappedShare {
            ciphertext: Vec::new(),
            ..wrapped("alice")
        }],
        vec![WrappedShare {
            ciphertext: vec![0; 4_097],
            ..wrapped("alice")
        }],
    ] {
        assert!(held.clone().with_wrapped(wrong).is_err());
    }
    let kept = held.with_wrapped(vec![wrapped("alice")]).unwrap();
    let record = KeyRecord::from_ceremony(new_key(1), kept);
    let opened = KeyRecord::decode(&record.encode().unwrap()).unwrap();
    assert_eq!(opened.held().unwrap().wrapped(), [wrapped("alice")]);
    let none = set(&record, "wrapped", Value::Array(Vec::new()));
    assert_eq!(refused(none), RecordError::NotCanonical);
}

#[test]
fn a_deleted_key_reads_back_and_has_no_share() {
    let whole = record(2, 3);
    let held = split_shares().0.with_wrapped(vec![wrapped("alice")]);
    let split = KeyRecord::from_ceremony(new_key(1), held.unwrap());
    for before in [whole, split] {
        let shares = entries(&before).remove(4);
        assert_eq!(shares.0.as_text(), Some("shares"));
        let deleted = before.disabled().unwrap().deleted().unwrap();
        let encoded = deleted.encode().unwrap();
        for share in shares.1.as_array().unwrap() {
            let share = KeyPackage::deserialize(share.as_bytes().unwrap()).unwrap();
            let secret = share.signing_share().serialize();
            let has_secret = |bytes: &[u8]| bytes.windows(32).any(|part| part == secret);
            assert!(has_secret(&before.encode().unwrap()) && !has_secret(&encoded));
        }
        let opened = KeyRecord::decode(&encoded).unwrap();
        assert_eq!(*opened.encode().unwrap(), *encoded);
        assert_eq!(format!("{opened:?}"), format!("{deleted:?}"));
        assert_eq!(opened.certificate().ok(), before.certificate().ok());
        let network = crate::keys::Network::Regtest;
        let view = |record: &KeyRecord| {
            let mut view = record.view(network).unwrap();
            view.status = KeyStatus::Enabled;
            view
        };
        assert_eq!(view(&opened), view(&before));

        // A deleted key with shares, and one without that is not deleted, are none.
        let with = refused(set(&deleted, "shares", shares.1.clone()));
        assert!(matches!(
            with,
            RecordError::Entry {
                entry: "shares",
                ..
            }
        ));
        let without = refused(set(&deleted, "status", "disabled"));
        assert!(matches!(without, RecordError::Inconsistent(_)));
    }
    let deleted = record(2, 3).disabled().unwrap().deleted().unwrap();
    let names: Vec<Value> = ["node-1", "node-2", "node-4"].map(Value::from).into();
    let renamed = refused(set(&deleted, "participants", Value::Array(names)));
    assert!(matches!(
        renamed,
        RecordError::Inconsistent(MaterialError::VerifyingShare { .. })
    ));
    let first = deleted.encode_as(FIRST_VERSION).unwrap();
    assert!(KeyRecord::decode(&first).is_err());
}

/// The record of a key that signed a statement, which no decoder verifies again.
fn replaced(record: &KeyRecord) -> KeyRecord {
    let statement = Replacement {
        version: 1,
        old_key_id: Hex(*record.id.as_bytes()),
        old_public_key: Hex(*record.public_key().as_bytes()),
        new_key_id: Hex([2; 22]),
        new_public_key: Hex([3; 32]),
        deployment: "test".to_owned(),
        created_at: 1_800_000_000,
        signature: Hex([4; 64]),
    };
    KeyRecord {
        replaced_by: Some(KeyId::from_bytes([2; 22])),
        statement: Some(statement),
        ..record.clone()
    }
}

#[test]
fn a_statement_is_kept_with_the_key_that_it_is_of_and_with_no_other() {
    let record = replaced(&record(2, 3));
    let encoded = record.encode().unwrap();
    let opened = KeyRecord::decode(&encoded).unwrap();
    assert_eq!(opened.statement, record.statement);
    assert_eq!(*opened.encode().unwrap(), *encoded);
    let gone = opened.disabled().unwrap().deleted().unwrap();
    let gone = KeyRecord::decode(&gone.encode().unwrap()).unwrap();
    assert_eq!(gone.statement, record.statement);

    let statement = record.statement.clone().unwrap();
    let other = |change: fn(&mut Replacement)| {
        let mut statement = statement.clone();
        change(&mut statement);
        let json = serde_json::to_vec(&statement).unwrap();
        match refused(set(&record, "statement", json)) {
            RecordError::Entry { entry, .. } => assert_eq!(entry, "statement"),
            error => panic!("{error}"),
        }
    };
    other(|statement| statement.old_key_id.0[0] ^= 1);
    other(|statement| statement.old_public_key.0[0] ^= 1);
    other(|statement| statement.new_key_id.0[0] ^= 1);
    let unlinked = refused(set(&record, "replaced_by", Value::Null));
    assert!(matches!(unlinked, RecordError::Entry { .. }));
    let nothing = refused(set(&record, "statement", Value::Bytes(b"{}".to_vec())));
    assert_eq!(nothing, RecordError::Package { entry: "statement" });
}

#[test]
fn entries_out_of_range_are_refused() {
    let record = record(2, 2).labelled(Some("red".to_owned()));
    let entry = |key, to: Value| match refused(set(&record, key, to)) {
        RecordError::Entry { entry, .. } => entry,
        other => panic!("{other}"),
    };
    assert_eq!(entry("owner", "a b".into()), "owner");
    assert_eq!(entry("label", "a b".into()), "label");
    assert_eq!(entry("generation", 0.into()), "generation");
}

#[test]
fn shares_that_do_not_fit_are_refused_by_the_rule_they_break() {
    let (record, other) = (record(2, 3), record(2, 3));
    let inconsistent = |entries| match refused(entries) {
        RecordError::Inconsistent(error) => error,
        error => panic!("{error}"),
    };
    let share = |record: &KeyRecord, index: usize| -> Value {
        record.packages().keys[index].serialize().unwrap().into()
    };
    let with = |shares: Vec<Value>| set(&record, "shares", Value::Array(shares));
    let own = |index| share(&record, index);

    assert_eq!(
        inconsistent(with(vec![own(0), own(1)])),
        MaterialError::Count {
            what: "key packages",
            expected: 3,
            came: 2
        }
    );
    assert!(matches!(
        inconsistent(with(vec![own(1), own(0), own(2)])),
        MaterialError::Identifier { name, .. } if name == "node-1"
    ));
    assert_eq!(
        inconsistent(with(vec![own(0), share(&other, 1), own(2)])),
        MaterialError::GroupKey {
            name: "node-2".to_owned()
        }
    );
    let old = share(&record.rotate(&mut OsRng).unwrap(), 2);
    assert_eq!(
        inconsistent(with(vec![own(0), own(1), old])),
        MaterialError::VerifyingShare {
            name: "node-3".to_owned(),
            place: "public key package"
        }
    );
    let threshold = inconsistent(set(&record, "threshold", 3));
    assert!(matches!(threshold, MaterialError::Threshold { of, .. } if of == "the group"));
    let names: Vec<Value> = ["node-1", "node-2", "node-4"].map(Value::from).into();
    let renamed = inconsistent(set(&record, "participants", Value::Array(names)));
    assert!(matches!(renamed, MaterialError::Identifier { name, .. } if name == "node-4"));
}

/// Opening checks what signing needs: the signature is verified before it leaves, and the record is checked before it is sealed again.
#[test]
fn a_record_with_a_wrong_share_opens_signs_nothing_and_names_the_participant() {
    let record = record(2, 3);
    let old = record.packages().keys.clone();
    let new = record.rotate(&mut OsRng).unwrap();
    for (at, name) in ["node-1", "node-2", "node-3"].into_iter().enumerate() {
        let mixed = new.with_share(at, &old[at]);
        let opened = KeyRecord::decode(&mixed.encode().unwrap()).unwrap();
        let payload = crate::keys::Payload::Digest([7; 32]);
        let signed = opened.sign(&payload, crate::keys::Network::Bitcoin, &mut OsRng);
        match at {
            // It does not sign.
            2 => assert!(signed.is_ok()),
            _ => assert_eq!(
                signed.unwrap_err(),
                crate::keys::KeyError::SignatureInvalid {
                    culprits: vec![name.to_owned()]
                }
            ),
        }
        let expected = MaterialError::VerifyingShare {
            name: name.to_owned(),
            place: "public key package",
        };
        assert_eq!(opened.check().unwrap_err(), expected);
        let material = crate::keys::KeyError::Material(expected);
        assert_eq!(opened.rotate(&mut OsRng).unwrap_err(), material);
        // It is shown as the public key package has it, which is whole.
        let [shown, whole] = [&opened, &new].map(|key| key.view(crate::keys::Network::Bitcoin));
        assert_eq!(shown.unwrap(), whole.unwrap());
        let disabled = opened.disabled().unwrap();
        assert!(disabled.check().is_err());
        assert_eq!(disabled.deleted().unwrap_err(), material);
    }
}

#[test]
fn a_share_that_is_no_scalar_and_one_of_another_length_do_not_open() {
    let record = record(2, 2);
    let open = |change: fn(&mut Vec<u8>)| {
        let mut share = record.packages().keys[1].serialize().unwrap();
        change(&mut share);
        let first = record.packages().keys[0].serialize().unwrap();
        let shares = Value::Array(vec![first.into(), share.into()]);
        KeyRecord::decode(&bytes(&Value::Map(set(&record, "shares", shares)))).map(|_| ())
    };
    assert!(open(|_| {}).is_ok());
    let expected = RecordError::Inconsistent(MaterialError::Encoding {
        of: "node-2".to_owned(),
    });
    for change in [
        |share: &mut Vec<u8>| share[37..69].fill(0xff),
        |share: &mut Vec<u8>| share.truncate(135),
        |share: &mut Vec<u8>| share.push(0),
    ] {
        assert_eq!(open(change).unwrap_err(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_record_reads_back_from_its_encoding(
        (t, n) in (2_usize..=6).prop_flat_map(|n| (2..=n, Just(n))),
        owner in "[A-Za-z0-9._-]{1,64}",
        label in proptest::option::of("[A-Za-z0-9._-]{1,64}"),
        created_at: u64,
        generation in 1_u32..,
        id: [u8; 22],
        links: (Option<[u8; 22]>, Option<[u8; 22]>),
        digest: [u8; 32],
        disabled: bool,
    ) {
        let record = KeyRecord {
            id: KeyId::from_bytes(id),
            owner,
            label,
            created_at,
            generation,
            status: if disabled { KeyStatus::Disabled } else { KeyStatus::Enabled },
            replaces: links.0.map(KeyId::from_bytes),
            replaced_by: links.1.map(KeyId::from_bytes),
            request_digest: digest,
            ..record(t as u16, n)
        };
        let encoded = record.encode().unwrap();
        let decoded = KeyRecord::decode(&encoded).unwrap();
        prop_assert_eq!(content(&decoded), content(&record));
    }

    #[test]
    fn bytes_that_are_not_a_record_are_refused(bytes: Vec<u8>) {
        prop_assert!(KeyRecord::decode(&bytes).is_err());
    }
}

fn wrapped(participant: &str) -> WrappedShare {
    WrappedShare {
        participant: participant.to_owned(),
        ciphertext: vec![0xa1; 92],
    }
}
