//! Documents made by real NSMs.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{At, Document, Error, Policy, RootCertificate, VerifiedDocument};

const PRODUCTION: [&str; 4] = [
    "production-2022-10.cbor",
    "production-2023-01.cbor",
    "production-2024-12.cbor",
    NEWEST,
];
const NEWEST: &str = "production-2026-02.b64";
const DEBUG: [&str; 2] = ["debug-2022-10.cbor", "debug-2023-09.b64"];

fn fixture(name: &str) -> Vec<u8> {
    let folder = env!("PERMAFROST_FIXTURES_DIR");
    let bytes = std::fs::read(Path::new(folder).join("attestation").join(name)).unwrap();
    if name.ends_with(".cbor") {
        return bytes;
    }
    let text: String = String::from_utf8(bytes)
        .unwrap()
        .split_whitespace()
        .collect();
    STANDARD.decode(text).unwrap()
}

fn verify(bytes: &[u8], at: At) -> Result<VerifiedDocument, Error> {
    Document::parse(bytes)?.verify(&RootCertificate::aws_nitro_g1(), at)
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn production_documents_verify_at_the_time_they_were_made() {
    for name in PRODUCTION {
        let document = verify(&fixture(name), At::Signed).unwrap();
        assert!(!document.is_debug(), "{name}");
        assert_eq!(
            document.check(&Policy::any_measurements()),
            Ok(()),
            "{name}"
        );
        assert_eq!(
            document.root_sha256(),
            RootCertificate::aws_nitro_g1().sha256()
        );
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn debug_documents_are_accepted_only_when_asked_for() {
    for name in DEBUG {
        let document = verify(&fixture(name), At::Signed).unwrap();
        assert!(document.is_debug(), "{name}");
        let refused = document.check(&Policy::any_measurements()).unwrap_err();
        assert_eq!(refused.rule(), "debug-mode", "{name}");
        let allowed = Policy::any_measurements().allow_debug();
        assert_eq!(document.check(&allowed), Ok(()), "{name}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn all_of_them_have_expired() {
    for name in PRODUCTION.into_iter().chain(DEBUG) {
        let error = verify(&fixture(name), At::Now).unwrap_err();
        assert_eq!(error.rule(), "certificate-expired", "{name}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_fields_of_a_real_document_are_read() {
    let document = verify(&fixture(NEWEST), At::Signed).unwrap();
    assert_eq!(
        document.module_id(),
        "i-0340e0cb833504eb6-enc019c12d31f78864d"
    );
    assert_eq!(document.timestamp_ms(), 1_770_065_027_502);
    assert_eq!(
        document.pcrs().keys().copied().collect::<Vec<_>>(),
        (0..16).collect::<Vec<_>>()
    );
    assert!(hex::encode(document.pcrs()[&0]).starts_with("9baef83909784e4d"));
    assert_eq!(document.public_key(), Some(b"dummy".as_slice()));
    assert_eq!(document.user_data().map(<[u8]>::len), Some(68));
    assert_eq!(document.nonce().map(<[u8]>::len), Some(20));
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_fields_of_documents_of_other_years_are_read() {
    let length = |field: Option<&[u8]>| field.map(<[u8]>::len);
    for (name, module_id, timestamp_ms, pcr0, lengths) in [
        (
            "production-2023-01.cbor",
            "i-0ec0e572c8263d8ff-enc0185c4fd382eeb25",
            1_674_047_239_280,
            "d265a83faa7b4fa0",
            (None, Some(120), Some(256)),
        ),
        (
            "production-2024-12.cbor",
            "i-0f1cd77d37fd8bcc9-enc018e7aa61e2040ff",
            1_734_075_478_960,
            "189038eccf28a3a0",
            (Some(64), None, None),
        ),
    ] {
        let document = verify(&fixture(name), At::Signed).unwrap();
        assert_eq!(document.module_id(), module_id);
        assert_eq!(document.timestamp_ms(), timestamp_ms);
        assert!(document.pcrs().keys().copied().eq(0..16), "{name}");
        assert!(hex::encode(document.pcrs()[&0]).starts_with(pcr0), "{name}");
        let found = (
            length(document.public_key()),
            length(document.user_data()),
            length(document.nonce()),
        );
        assert_eq!(found, lengths, "{name}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn no_altered_byte_leaves_a_document_that_verifies() {
    let good = fixture(NEWEST);
    assert!(verify(&good, At::Signed).is_ok());
    let mut altered = good.clone();
    for at in 0..good.len() {
        for mask in [0x01, 0x80, 0xff] {
            altered[at] = good[at] ^ mask;
            assert!(
                verify(&altered, At::Signed).is_err(),
                "byte {at} ^ {mask:#04x}"
            );
        }
        altered[at] = good[at];
    }
    assert_eq!(altered, good);
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn no_truncated_or_extended_document_verifies() {
    let good = fixture(NEWEST);
    for end in 0..good.len() {
        assert!(verify(&good[..end], At::Signed).is_err(), "{end} bytes");
    }
    for byte in [0x00, 0xf6, 0xff] {
        let longer = [good.as_slice(), &[byte]].concat();
        assert_eq!(
            verify(&longer, At::Signed).unwrap_err().rule(),
            "trailing-bytes"
        );
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn a_signature_does_not_fit_another_document() {
    let (one, other) = (fixture(NEWEST), fixture(PRODUCTION[0]));
    let mut mixed = one.clone();
    let (from, to) = (one.len() - 96, other.len() - 96);
    mixed[from..].copy_from_slice(&other[to..]);
    let error = verify(&mixed, At::Signed).unwrap_err();
    assert_eq!(error.rule(), "document-signature");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Bytes overwritten, removed and put in at random places: whatever verifies says what the original said.
    #[test]
    #[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
    fn a_random_mutation_never_verifies_as_something_else(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 1..8),
    ) {
        let good = fixture(NEWEST);
        let mut mutated = good.clone();
        for (index, edit, byte) in edits {
            let at = index.index(mutated.len());
            match edit {
                0 => mutated[at] = byte,
                1 => mutated.insert(at, byte),
                _ => drop(mutated.remove(at)),
            }
        }
        match verify(&mutated, At::Signed) {
            Err(_) => prop_assert_ne!(&mutated, &good),
Ok(document) => prop_assert_eq!(
                document.document.fields,
                verify(&good, At::Signed).unwrap().document.fields
            ),
        }
    }

    #[test]
    fn random_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2048),
    ) {
        prop_assert!(verify(&bytes, At::Signed).is_err());
    }
}
