//! Algorithms and parameters that KMS does not use.

use super::super::encoder::P_SPECIFIED;
use super::*;

#[test]
fn other_key_encryption_is_refused() {
    // PKCS #1 v1.5, and RSA-KEM.
    for found in ["1.2.840.113549.1.1.1", "1.2.840.113549.1.9.16.3.14"] {
        assert_eq!(
            refused(set(path::KEY_ALGORITHM, oid(found))),
            CmsError::ObjectIdentifier {
                element: "keyEncryptionAlgorithm",
                found: found.to_owned(),
                expected: "id-RSAES-OAEP"
            }
        );
    }
}

#[test]
fn other_oaep_parameters_are_refused() {
    let algorithm = |identifier: &str| sequence(vec![oid(identifier), null()]);
    let wrong = |element, found: &str, expected| CmsError::ObjectIdentifier {
        element,
        found: found.to_owned(),
        expected,
    };
    // SHA-1, SHA-384.
    for hash in ["1.3.14.3.2.26", "2.16.840.1.101.3.4.2.2"] {
        assert_eq!(
            refused(set(path::HASH, algorithm(hash))),
            wrong("hashAlgorithm of hashFunc", hash, "id-sha256")
        );
        assert_eq!(
            refused(set(path::MASK_HASH, algorithm(hash))),
            wrong("hashAlgorithm of maskGenFunc", hash, "id-sha256")
        );
    }
    assert_eq!(
        refused(set(path::MASK, algorithm("1.2.3"))),
        wrong("maskGenAlgorithm", "1.2.3", "id-mgf1")
    );
}

/// What is absent means SHA-1 (RFC 4055 section 4.1).
#[test]
fn oaep_parameters_that_are_left_to_their_default_are_refused() {
    assert_eq!(
        refused(|value| drop(value.at(&[1, 0, 1, 0, 2]).children().pop())),
        CmsError::Missing {
            element: "RSAES-OAEP-params"
        }
    );
    assert_eq!(
        refused(|value| value.at(path::OAEP).children().clear()),
        CmsError::Missing {
            element: "hashFunc"
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::OAEP).children().remove(0))),
        CmsError::Identifier {
            element: "hashFunc",
            found: 0xa1,
            expected: 0xa0
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::OAEP).children().pop())),
        CmsError::Missing {
            element: "maskGenFunc"
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::MASK).children().pop())),
        CmsError::Missing {
            element: "hashAlgorithm of maskGenFunc"
        }
    );
}

/// RFC 4055 sections 2.1 and 4.1.
#[test]
fn parameters_that_mean_the_same_are_accepted() {
    accepted(|value| drop(value.at(path::HASH).children().pop()));
    accepted(|value| drop(value.at(path::MASK_HASH).children().pop()));
    accepted(push(path::OAEP, label(P_SPECIFIED, octets(&[]))));
}

#[test]
fn a_label_is_refused() {
    assert_eq!(
        refused(push(path::OAEP, label(P_SPECIFIED, octets(b"x")))),
        CmsError::Length {
            element: "the OAEP label",
            found: 1,
            expected: 0
        }
    );
    assert_eq!(
        refused(push(path::OAEP, label("1.2.3", octets(&[])))),
        CmsError::ObjectIdentifier {
            element: "pSourceAlgorithm",
            found: "1.2.3".to_owned(),
            expected: "id-pSpecified"
        }
    );
}

#[test]
fn parameters_of_sha_256_other_than_null_are_refused() {
    let identifier = |found| CmsError::Identifier {
        element: "the parameters of SHA-256",
        found,
        expected: 0x05,
    };
    for path in [path::HASH, path::MASK_HASH] {
        let other = |node: Node| refused(|value| value.at(path).children()[1] = node);
        assert_eq!(other(octets(&[])), identifier(0x04));
        let null = Node::Primitive(0x05, vec![0]);
        let element = "the parameters of SHA-256";
        assert_eq!(other(null), CmsError::Trailing { element, length: 1 });
    }
}

#[test]
fn other_content_encryption_is_refused() {
    // AES-128-CBC, AES-256-GCM, triple DES.
    for found in [
        "2.16.840.1.101.3.4.1.2",
        "2.16.840.1.101.3.4.1.46",
        "1.2.840.113549.3.7",
    ] {
        assert_eq!(
            refused(|value| value.at(path::CONTENT_ALGORITHM).children()[0] = oid(found)),
            CmsError::ObjectIdentifier {
                element: "contentEncryptionAlgorithm",
                found: found.to_owned(),
                expected: "id-aes256-CBC"
            }
        );
    }
}

fn label(algorithm: &str, label: Node) -> Node {
    Node::Definite(0xa2, vec![sequence(vec![oid(algorithm), label])])
}
