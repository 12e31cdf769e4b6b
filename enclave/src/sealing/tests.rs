use proptest::prelude::*;

use super::*;

fn secrets(byte: u8) -> RootSecrets {
    let secret = RootSecret::new(Zeroizing::new([byte; ROOT_SECRET_LEN]));
    RootSecrets::new(1, secret, DerivationRoot::generate().unwrap())
}

const PLACE: Place<'_> = Place {
    deployment: "test",
    kind: "key",
    id: "alice",
    version: 3,
};

#[test]
fn a_record_opens_where_it_was_sealed() {
    let record = seal(&secrets(1), &PLACE, b"share").unwrap();
    assert_eq!(*open(&secrets(1), &PLACE, &record).unwrap(), b"share");
}

#[test]
fn a_record_moved_to_another_place_does_not_open() {
    let record = seal(&secrets(1), &PLACE, b"share").unwrap();
    for place in [
        Place {
            deployment: "other",
            ..PLACE
        },
        Place {
            kind: "user",
            ..PLACE
        },
        Place { id: "bob", ..PLACE },
        Place {
            version: 2,
            ..PLACE
        },
        Place {
            version: 4,
            ..PLACE
        },
    ] {
        let error = open(&secrets(1), &place, &record).unwrap_err();
        assert!(
            matches!(error, OpenError::Commitment { .. }),
            "{place:?}: {error}"
        );
    }
}

#[test]
fn a_record_of_another_root_secret_does_not_open() {
    let record = seal(&secrets(1), &PLACE, b"share").unwrap();
    let error = open(&secrets(2), &PLACE, &record).unwrap_err();
    assert!(matches!(error, OpenError::Commitment { .. }));
}

#[test]
fn a_record_of_an_unknown_epoch_is_refused_by_its_number() {
    let mut later = secrets(1);
    later.insert(2, RootSecret::new(Zeroizing::new([2; ROOT_SECRET_LEN])));
    let record = seal(&later, &PLACE, b"share").unwrap();
    assert_eq!(*open(&later, &PLACE, &record).unwrap(), b"share");
    assert_eq!(
        open(&secrets(1), &PLACE, &record),
        Err(OpenError::Epoch {
            found: 2,
            held: "1".into()
        })
    );
}

#[test]
fn an_old_epoch_opens_and_the_newest_seals() {
    let old = seal(&secrets(1), &PLACE, b"share").unwrap();
    let mut both = secrets(1);
    both.insert(2, RootSecret::new(Zeroizing::new([2; ROOT_SECRET_LEN])));
    assert_eq!(*open(&both, &PLACE, &old).unwrap(), b"share");
    let new = seal(&both, &PLACE, b"share").unwrap();
    assert_eq!(Envelope::decode(&new).unwrap().epoch, 2);
}

#[test]
fn no_flipped_bit_and_no_truncation_opens() {
    let record = seal(&secrets(1), &PLACE, b"share").unwrap();
    for at in 0..record.len() {
        assert!(open(&secrets(1), &PLACE, &record[..at]).is_err());
        for bit in 0..8 {
            let mut altered = record.clone();
            altered[at] ^= 1 << bit;
            assert!(
                open(&secrets(1), &PLACE, &altered).is_err(),
                "byte {at} bit {bit}"
            );
        }
    }
}

#[test]
fn sealing_twice_gives_different_records() {
    let [one, two] = [(), ()].map(|()| seal(&secrets(1), &PLACE, b"share").unwrap());
    assert_ne!(one, two);
}

#[test]
fn debug_output_has_no_secret() {
    let text = format!("{:?}", secrets(0x5a));
    assert!(!text.contains("90"), "{text}");
    assert!(!text.to_lowercase().contains("5a"), "{text}");
}

/// Recomputes the worked example of `docs/formats.md` from the values printed there.
#[test]
fn the_worked_example_of_the_format_page_is_right() {
    let page = include_str!("../../../docs/formats.md");
    let value = |name: &str| {
        let start = page
            .find(&format!("\n{name} = "))
            .unwrap_or_else(|| panic!("{name} is not on the page"));
        let text = &page[start + name.len() + 4..];
        text[..text.find('\n').unwrap()].to_owned()
    };
    let bytes = |name: &str| hex::decode(value(name)).unwrap();
    let version = value("version").parse().unwrap();
    let (deployment, kind, id) = (value("deployment"), value("kind"), value("id"));
    let place = Place {
        deployment: &deployment,
        kind: &kind,
        id: &id,
        version,
    };
    let secret: [u8; ROOT_SECRET_LEN] = bytes("root_secret").try_into().unwrap();
    let secrets = RootSecrets::new(
        value("epoch").parse().unwrap(),
        RootSecret::new(Zeroizing::new(secret)),
        DerivationRoot::generate().unwrap(),
    );
    let salt: [u8; SALT_LEN] = bytes("salt").try_into().unwrap();
    let keys = RecordKeys::derive(secrets.newest().1, &salt, &place).unwrap();

    assert_eq!(place.to_cbor(), bytes("info"));
    assert_eq!(keys.key.as_slice(), bytes("record_key"));
    assert_eq!(keys.nonce.as_slice(), bytes("nonce"));
    assert_eq!(keys.commitment.as_slice(), bytes("commitment"));
    let record = seal_with_salt(&secrets, &place, &bytes("plaintext"), salt).unwrap();
    assert_eq!(record, bytes("record"));
}

proptest! {
    #[test]
    fn any_plaintext_survives(plaintext: Vec<u8>, id in "[a-z0-9-]{1,128}", version in 1u64..) {
        let place = Place { id: &id, version, ..PLACE };
        let record = seal(&secrets(1), &place, &plaintext).unwrap();
        prop_assert_eq!(&*open(&secrets(1), &place, &record).unwrap(), &plaintext);
    }

    #[test]
    fn any_bytes_either_fail_or_encode_to_themselves(bytes: Vec<u8>) {
        if let Ok(envelope) = Envelope::decode(&bytes) {
            prop_assert_eq!(envelope.encode(), bytes);
        }
    }
}
