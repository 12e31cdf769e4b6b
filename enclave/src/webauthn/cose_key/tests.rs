use super::super::tests::authenticator::{Credential, bytes, encode, labels};
use super::*;

fn rule(entries: Vec<(i64, Value)>) -> &'static str {
    CoseKey::from_bytes(&labels(entries)).unwrap_err().rule()
}

/// The labels of an honest key, one of them changed.
fn with(algorithm: Algorithm, label: i64, value: Value) -> Vec<(i64, Value)> {
    let mut entries = Credential::new(algorithm).cose();
    let entry = entries.iter_mut().find(|(own, _)| *own == label).unwrap();
    entry.1 = value;
    entries
}

#[test]
fn a_key_of_each_algorithm_is_accepted_in_its_own_bytes() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let encoded = labels(credential.cose());
        let key = CoseKey::from_bytes(&encoded).unwrap();
        assert_eq!(key.as_bytes(), encoded);
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.digest(), digest(&SHA256, &encoded).as_ref());
        key.verify(b"message", &credential.sign(b"message"))
            .unwrap();
        assert_eq!(
            key.verify(b"another", &credential.sign(b"message")),
            Err(WebauthnError::Signature { algorithm })
        );
    }
}

#[test]
fn two_keys_are_equal_when_their_bytes_are() {
    let (one, other) = (
        Credential::new(Algorithm::Es256),
        Credential::new(Algorithm::Es256),
    );
    assert_eq!(one.public_key(), one.public_key());
    assert_ne!(one.public_key(), other.public_key());
}

#[test]
fn a_printed_key_does_not_identify_its_user() {
    let key = Credential::new(Algorithm::EdDsa).public_key();
    assert_eq!(format!("{key:?}"), "CoseKey(EdDSA, ..)");
}

#[test]
fn other_algorithms_are_refused() {
    // ES384, ES512, PS256, RS1, HS256, ESP256, Ed25519 (RFC 9864), none of any kind.
    for alg in [-35, -36, -37, -65535, 5, -9, -19, 0, 7, i64::MIN, i64::MAX] {
        for own in Algorithm::ALL {
            assert_eq!(rule(with(own, 3, alg.into())), "algorithm", "{alg}");
        }
    }
    for value in [
        Value::Null,
        "ES256".into(),
        bytes(&[0x26]),
        Value::Bool(true),
    ] {
        assert_eq!(rule(with(Algorithm::Es256, 3, value)), "algorithm");
    }
    let mut without = Credential::new(Algorithm::Es256).cose();
    without.retain(|(label, _)| *label != 3);
    assert_eq!(rule(without), "algorithm");
}

#[test]
fn a_key_of_one_algorithm_under_the_name_of_another_is_refused() {
    for own in Algorithm::ALL {
        for named in Algorithm::ALL.into_iter().filter(|named| *named != own) {
            assert_eq!(rule(with(own, 3, named.cose().into())), "key-type");
        }
    }
    for kty in [0, 4, -1] {
        assert_eq!(rule(with(Algorithm::Es256, 1, kty.into())), "key-type");
    }
    let error = CoseKey::from_bytes(&labels(with(Algorithm::EdDsa, 1, 2.into()))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kty (1) of an EdDSA key is 2, accepted: 1"
    );
    assert_eq!(error.group(), super::super::Group::Algorithm);
}

#[test]
fn a_key_on_another_curve_is_refused() {
    // P-384, P-521, X25519, Ed448, secp256k1; and the curve of the other type.
    for crv in [2, 3, 4, 7, 8] {
        for own in [Algorithm::Es256, Algorithm::EdDsa] {
            assert_eq!(rule(with(own, -1, crv.into())), "key-type", "{crv}");
        }
    }
    assert_eq!(rule(with(Algorithm::Es256, -1, 6.into())), "key-type");
    assert_eq!(rule(with(Algorithm::EdDsa, -1, 1.into())), "key-type");
    assert_eq!(rule(with(Algorithm::Es256, -1, "P-256".into())), "key-type");
}

#[test]
fn a_key_has_the_labels_of_its_algorithm_and_no_others() {
    for algorithm in Algorithm::ALL {
        let entries = Credential::new(algorithm).cose();
        let values = entries.len() - 2;
        for missing in 0..values {
            let mut entries = entries.clone();
            entries.remove(2 + missing);
            assert_eq!(rule(entries), "key-labels", "{algorithm}");
        }
        // kid (2), key_ops (4), the private key (-4), in their canonical places.
        for (label, at) in [(2, 1), (4, 2), (-4, entries.len())] {
            let mut entries = entries.clone();
            entries.insert(at, (label, bytes(&[1])));
            assert_eq!(rule(entries), "key-labels", "{algorithm} {label}");
        }
    }
}

#[test]
fn a_key_is_canonical() {
    let mut unsorted = Credential::new(Algorithm::Es256).cose();
    unsorted.swap(0, 1);
    assert_eq!(rule(unsorted), "not-canonical");
    let mut twice = Credential::new(Algorithm::Es256).cose();
    twice.insert(1, twice[0].clone());
    assert_eq!(rule(twice), "not-canonical");

    let honest = labels(Credential::new(Algorithm::Es256).cose());
    // The map's length in two bytes; the map of indefinite length; `kty` in two bytes.
    for bytes in [
        [&[0xb8, 0x05][..], &honest[1..]].concat(),
        [&[0xbf][..], &honest[1..], &[0xff]].concat(),
        [&honest[..2], &[0x18, 0x02], &honest[3..]].concat(),
    ] {
        assert_eq!(
            CoseKey::from_bytes(&bytes).unwrap_err().rule(),
            "not-canonical"
        );
    }
    let tagged = encode(&Value::Tag(24, Box::new(Value::Map(vec![]))));
    assert_eq!(
        CoseKey::from_bytes(&tagged).unwrap_err().rule(),
        "not-canonical"
    );
}

#[test]
fn what_is_not_a_map_with_integers_as_labels_is_refused() {
    let texts = Value::Map(vec![("kty".into(), 2.into())]);
    for value in [texts, Value::Array(vec![]), Value::Null, bytes(&[1])] {
        assert_eq!(
            CoseKey::from_bytes(&encode(&value)).unwrap_err().rule(),
            "shape"
        );
    }
    assert_eq!(rule(vec![]), "algorithm");
}

#[test]
fn coordinates_that_are_not_a_point_are_refused() {
    for label in [-2, -3] {
        for value in [
            bytes(&[0; 32]),
            bytes(&[0xff; 32]),
            bytes(&[1; 31]),
            bytes(&[1; 33]),
            bytes(&[]),
            Value::Bool(true),
            Value::Null,
        ] {
            let entries = with(Algorithm::Es256, label, value);
            assert_eq!(rule(entries), "key-value");
        }
    }
}

#[test]
fn ed25519_points_for_which_anyone_can_sign_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    for x in [[0; 32], one, [0xff; 32]] {
        assert_eq!(rule(with(Algorithm::EdDsa, -2, bytes(&x))), "key-value");
    }
    for length in [0, 31, 33, 64] {
        let entries = with(Algorithm::EdDsa, -2, bytes(&vec![9; length]));
        assert_eq!(rule(entries), "key-value");
    }
}

#[test]
fn rsa_moduli_have_2048_to_8192_bits() {
    let modulus = |length: usize, first: u8| {
        let mut n = vec![0x55; length];
        n[0] = first;
        with(Algorithm::Rs256, -1, bytes(&n))
    };
    for (length, first) in [(256, 0x80), (257, 1), (1024, 0xff)] {
        CoseKey::from_bytes(&labels(modulus(length, first))).unwrap();
    }
    for (length, first) in [(128, 0xff), (256, 0x7f), (1025, 1), (256, 0), (300, 0)] {
        assert_eq!(rule(modulus(length, first)), "key-value", "{length}");
    }
    let mut even = vec![0x80; 256];
    even[255] = 0x54;
    assert_eq!(rule(with(Algorithm::Rs256, -1, bytes(&even))), "key-value");
    assert_eq!(rule(with(Algorithm::Rs256, -1, bytes(&[]))), "key-value");
    assert_eq!(rule(with(Algorithm::Rs256, -1, 3.into())), "key-value");
}

#[test]
fn rsa_exponents_are_odd_and_small() {
    for e in [&[3][..], &[1, 0, 1], &[0xff; 4]] {
        CoseKey::from_bytes(&labels(with(Algorithm::Rs256, -2, bytes(e)))).unwrap();
    }
    for e in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[0, 1, 0, 1],
        &[1, 0, 0],
        &[1, 0, 0, 0, 1],
    ] {
        assert_eq!(
            rule(with(Algorithm::Rs256, -2, bytes(e))),
            "key-value",
            "{e:?}"
        );
    }
}
