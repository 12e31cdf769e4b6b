//! What a path must be.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use super::super::{
    At, Document, VerifiedDocument,
    forge::{self, MADE, Path},
};
use super::*;

const ROOT: usize = 0;
const REGION: usize = 1;
const ZONE: usize = 2;
const INSTANCE: usize = 3;
const LEAF: usize = 4;

fn verify((document, root): (Vec<u8>, RootCertificate)) -> Result<VerifiedDocument, Error> {
    Document::parse(&document)
        .unwrap()
        .verify(&root, At::Signed)
}

fn refusal(index: usize, change: impl FnOnce(&mut CertificateParams)) -> Error {
    verify(Path::with(index, change).document()).unwrap_err()
}

fn at(seconds: i64) -> At {
    At::Time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap()))
}

#[test]
fn a_good_path_verifies() {
    let document = verify(Path::new().document()).unwrap();
    assert_eq!(document.timestamp_ms(), document.judged_at_ms());
}

#[test]
fn another_root_is_refused_even_with_the_same_name_and_key() {
    let path = Path::new();
    let (document, root) = path.document();
    let (_, other) = path.document();
    let verified = Document::parse(&document)
        .unwrap()
        .verify(&other, At::Signed);
    assert_eq!(
        verified.unwrap_err(),
        Error::Root {
            found: hex::encode(root.sha256()),
            expected: hex::encode(other.sha256()),
        }
    );
}

#[test]
fn certificates_out_of_order_are_refused() {
    let path = Path::new();
    for (one, other) in [(REGION, ZONE), (ZONE, INSTANCE), (INSTANCE, LEAF)] {
        let mut certificates = path.certificates();
        certificates.swap(one, other);
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert_eq!(error.rule(), "certificate-issuer", "{error}");
    }
}

#[test]
fn a_missing_or_repeated_certificate_is_refused() {
    let path = Path::new();
    for index in REGION..LEAF {
        let mut certificates = path.certificates();
        certificates.remove(index);
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert_eq!(error.rule(), "certificate-issuer", "{error}");

        let mut certificates = path.certificates();
        certificates.insert(index, certificates[index].clone());
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert!(
            ["certificate-issuer", "certificate-path-length"].contains(&error.rule()),
            "{error}"
        );
    }
}

#[test]
fn a_foreign_bundle_under_the_same_names_is_refused() {
    let (path, foreign) = (Path::new(), Path::new());
    for index in REGION..LEAF {
        let mut certificates = path.certificates();
        certificates[index] = foreign.certificates()[index].clone();
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert_eq!(
            error,
            Error::CertificateSignature {
                place: Place::Bundle(index),
                issuer: Place::Bundle(index - 1),
            }
        );
    }
    let mut certificates = path.certificates();
    certificates[LEAF] = foreign.certificates()[LEAF].clone();
    let error = verify(foreign.document_over(certificates)).unwrap_err();
    assert_eq!(
        error,
        Error::CertificateSignature {
            place: Place::Leaf,
            issuer: Place::Bundle(INSTANCE),
        }
    );
}

#[test]
fn a_root_certificate_that_did_not_sign_itself_is_refused() {
    let path = Path::new();
    let mut certificates = path.certificates();
    let end = certificates[ROOT].len() - 1;
    certificates[ROOT][end] ^= 1;
    let error = verify(path.document_over(certificates)).unwrap_err();
    assert_eq!(
        error,
        Error::CertificateSignature {
            place: Place::Bundle(ROOT),
            issuer: Place::Bundle(ROOT),
        }
    );
}

#[test]
fn a_document_signed_by_another_key_is_refused() {
    let path = Path::new();
    let error = verify(Path::new().document_over(path.certificates())).unwrap_err();
    assert_eq!(
        error,
        Error::DocumentSignature {
            issuer: Place::Leaf
        }
    );
}

#[test]
fn every_certificate_must_be_valid_at_the_time_of_judgement() {
    for index in ROOT..=LEAF {
        let place = if index == LEAF {
            Place::Leaf
        } else {
            Place::Bundle(index)
        };
        let error = refusal(index, |params| params.not_before += time::Duration::SECOND);
        let not_before = MADE + 1;
        let expected = Error::CertificateNotYetValid {
            place,
            not_before,
            at: MADE,
        };
        assert_eq!(error, expected);

        let error = refusal(index, |params| {
            params.not_after = params.not_before - time::Duration::SECOND;
            params.not_before -= time::Duration::DAY;
        });
        let not_after = MADE - 1;
        let expected = Error::CertificateExpired {
            place,
            not_after,
            at: MADE,
        };
        assert_eq!(error, expected);
        assert!(
            error.to_string().contains("2025-12-31T23:59:59Z"),
            "{error}"
        );
    }
}

#[test]
fn the_ends_of_validity_are_included() {
    let (document, root) = Path::new().document();
    let verify = |time| Document::parse(&document).unwrap().verify(&root, time);
    let end = MADE + 3 * 60 * 60;
    for good in [MADE, MADE + 1, end] {
        assert!(verify(at(good)).is_ok());
    }
    for bad in [0, MADE - 1, end + 1] {
        assert!(verify(at(bad)).is_err());
    }
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert!(verify(At::Time(before_1970)).is_err());
}

#[test]
fn every_certificate_but_the_leaf_must_be_a_ca() {
    for index in ROOT..LEAF {
        for not_a_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
            let error = refusal(index, |params| params.is_ca = not_a_ca);
            assert_eq!(error.rule(), "certificate-basic-constraints", "{error}");
        }
    }
}

#[test]
fn a_ca_whose_basic_constraints_are_not_critical_is_refused() {
    let error = refusal(ZONE, |params| {
        params.is_ca = IsCa::NoCa;
        let ca_true = vec![0x30, 3, 1, 1, 0xff];
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], ca_true)];
    });
    assert_eq!(error.rule(), "certificate-basic-constraints", "{error}");
}

#[test]
fn basic_constraints_that_cannot_be_read_do_not_count_as_absent() {
    let error = refusal(LEAF, |params| {
        params.is_ca = IsCa::NoCa;
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[2, 5, 29, 19],
            vec![5, 0],
        )];
    });
    assert_eq!(error.rule(), "certificate-syntax", "{error}");
}

#[test]
fn a_leaf_that_is_a_ca_is_refused() {
    for constraints in [
        BasicConstraints::Unconstrained,
        BasicConstraints::Constrained(0),
    ] {
        let error = refusal(LEAF, |params| {
            params.is_ca = IsCa::Ca(constraints);
            params.key_usages = vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyCertSign,
            ];
        });
        assert_eq!(error.rule(), "certificate-basic-constraints", "{error}");
    }
}

#[test]
fn a_leaf_with_a_path_length_is_refused() {
    let error = refusal(LEAF, |params| {
        params.is_ca = IsCa::NoCa;
        let length_0 = vec![0x30, 3, 2, 1, 0];
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], length_0)];
    });
    assert_eq!(error.rule(), "certificate-basic-constraints", "{error}");
}

#[test]
fn a_path_longer_than_a_ca_allows_is_refused() {
    for (index, allowed) in [(ROOT, 2), (REGION, 1), (ZONE, 0)] {
        let too_short = IsCa::Ca(BasicConstraints::Constrained(allowed));
        let error = refusal(index, |params| params.is_ca = too_short);
        let found = INSTANCE - index;
        let allowed = allowed.into();
        let place = Place::Bundle(index);
        let expected = Error::CertificatePathLength {
            place,
            found,
            allowed,
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_ca_without_key_cert_sign_is_refused() {
    for index in ROOT..LEAF {
        for usages in [vec![], vec![KeyUsagePurpose::DigitalSignature]] {
            let error = refusal(index, |params| params.key_usages = usages);
            assert_eq!(error.rule(), "certificate-key-usage", "{error}");
        }
    }
}

#[test]
fn a_leaf_without_digital_signature_is_refused() {
    for usages in [vec![], vec![KeyUsagePurpose::KeyAgreement]] {
        let error = refusal(LEAF, |params| params.key_usages = usages);
        assert_eq!(error.rule(), "certificate-key-usage", "{error}");
    }
}

#[test]
fn an_unknown_extension_is_refused_only_if_it_is_critical() {
    for index in ROOT..=LEAF {
        let error = refusal(index, |params| {
            params.custom_extensions = vec![forge::unknown_extension(true)];
        });
        assert_eq!(error.rule(), "certificate-critical-extension", "{error}");

        let harmless = Path::with(index, |params| {
            params.custom_extensions = vec![forge::unknown_extension(false)];
        });
        assert!(verify(harmless.document()).is_ok());
    }
}

#[test]
fn a_known_critical_extension_that_is_not_checked_is_refused() {
    let error = refusal(ZONE, |params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example".into())],
            excluded_subtrees: vec![],
        });
    });
    assert_eq!(error.rule(), "certificate-critical-extension", "{error}");
}

#[test]
fn a_repeated_extension_is_refused() {
    let error = refusal(ZONE, |params| {
        params.custom_extensions = vec![
            forge::unknown_extension(false),
            forge::unknown_extension(false),
        ];
    });
    assert_eq!(error.rule(), "certificate-syntax", "{error}");
}

#[test]
fn another_curve_is_refused_wherever_it_is() {
    for index in ROOT..=LEAF {
        let mut path = Path::new();
        path.keys[index] = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificates = path.certificates();
        // The document is signed by some P-384 key: the path is refused before the signature is checked.
        let error = verify(Path::new().document_over(certificates)).unwrap_err();
        let expected = ["certificate-key", "certificate-algorithm"];
        assert!(expected.contains(&error.rule()), "{error}");
    }
}

#[test]
fn a_certificate_that_is_not_der_is_refused() {
    let path = Path::new();
    for index in REGION..=LEAF {
        let mut certificates = path.certificates();
        certificates[index].push(0);
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert_eq!(error.rule(), "certificate-syntax", "{error}");

        let mut certificates = path.certificates();
        certificates[index].pop();
        let error = verify(path.document_over(certificates)).unwrap_err();
        assert_eq!(error.rule(), "certificate-syntax", "{error}");
    }
}

#[test]
fn a_bundle_of_the_root_certificate_alone_is_enough() {
    let mut path = Path::new();
    path.params.drain(REGION..LEAF);
    path.keys.drain(REGION..LEAF);
    assert!(verify(path.document()).is_ok());
}

#[test]
fn a_hostile_name_is_escaped_and_cut_in_the_error() {
    let mut path = Path::with(INSTANCE, |params| {
        let name = format!("\u{1b}[2J\n{}", "x".repeat(300));
        params.distinguished_name.push(DnType::CommonName, name);
    });
    let certificates = path.certificates();
    path.params[INSTANCE] = Path::new().params[INSTANCE].clone();
    let mut mixed = path.certificates();
    mixed[INSTANCE] = certificates[INSTANCE].clone();
    let text = verify(path.document_over(mixed)).unwrap_err().to_string();
    assert!(
        text.len() < 300 && !text.contains(['\u{1b}', '\n']),
        "{text}"
    );
}
