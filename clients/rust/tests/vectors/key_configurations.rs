//! `key-configurations.json`: lists of Oblivious HTTP keys (RFC 9458 section 3).

use permafrost_common::oblivious::KeyConfiguration;
use serde::Serialize;

use super::file::compare;

#[derive(Serialize)]
struct File {
    source: &'static str,
    lists: Vec<Usable>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Usable {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    list: Vec<u8>,
    id: u8,
    #[serde(with = "crate::hex_text")]
    public_key: [u8; 32],
}

#[derive(Serialize)]
struct Refused {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    list: Vec<u8>,
}

/// HKDF-SHA256 with AES-128-GCM.
const OURS: &[u8] = &[0, 1, 0, 1];
/// HKDF-SHA256 with ChaCha20Poly1305.
const CHACHA: &[u8] = &[0, 1, 0, 3];
/// HKDF-SHA512 with AES-128-GCM.
const SHA512: &[u8] = &[0, 3, 0, 1];

#[test]
fn the_key_of_each_list_of_the_file_is_used_and_malformed_lists_are_refused() {
    let lists = [
        ("one key", list(&[x25519(7, OURS)])),
        (
            "two keys: the first is used",
            list(&[x25519(7, OURS), x25519(8, OURS)]),
        ),
        (
            "keys of other suites first",
            list(&[
                p256(),
                x25519(2, CHACHA),
                x25519(3, SHA512),
                x25519(7, OURS),
            ]),
        ),
        (
            "a key for several suites",
            list(&[x25519(9, &[CHACHA, SHA512, OURS].concat())]),
        ),
        ("the highest id", list(&[x25519(255, OURS)])),
    ]
    .map(|(name, list)| {
        let KeyConfiguration { id, public_key } = KeyConfiguration::first_usable(&list).unwrap();
        Usable {
            name,
            list,
            id,
            public_key,
        }
    });
    let ours = list(&[x25519(7, OURS)]);
    let refused = [
        ("an empty list", Vec::new()),
        ("an empty key", list(&[Vec::new()])),
        ("no key of the suite", list(&[p256(), x25519(2, CHACHA)])),
        ("a key without algorithms", list(&[x25519(7, b"")])),
        (
            "algorithms of 6 bytes",
            list(&[x25519(7, &[OURS, &[0, 1]].concat())]),
        ),
        ("a key without its length", x25519(7, OURS)),
        ("half a length", vec![0]),
        ("a key cut off", ours[..ours.len() - 1].to_vec()),
        ("a good key and a byte", [ours.as_slice(), &[0]].concat()),
        (
            "a good key and a malformed one",
            list(&[x25519(7, OURS), x25519(8, &[0, 1])]),
        ),
    ]
    .map(|(name, list)| {
        KeyConfiguration::first_usable(&list).expect_err(name);
        Refused { name, list }
    });
    compare(
        "key-configurations.json",
        &File {
            source: "RFC 9458 section 3, for the suite of docs/oblivious.md: X25519, HKDF-SHA256, AES-128-GCM.",
            lists: lists.into(),
            refused: refused.into(),
        },
    );
}

/// Each configuration with its length before it (section 3.2).
fn list(configurations: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    for configuration in configurations {
        list.extend(u16::try_from(configuration.len()).unwrap().to_be_bytes());
        list.extend(configuration);
    }
    list
}

/// A configuration with an X25519 key, the base point, and these pairs of KDF and AEAD (section 3.1).
fn x25519(id: u8, suites: &[u8]) -> Vec<u8> {
    let mut public_key = [0; 32];
    public_key[0] = 9;
    let length = u16::try_from(suites.len()).unwrap().to_be_bytes();
    [&[id, 0, 0x20], public_key.as_slice(), &length, suites].concat()
}

/// A configuration of DHKEM(P-256, HKDF-SHA256), whose key has 65 bytes.
fn p256() -> Vec<u8> {
    [&[1, 0, 0x10], [4; 65].as_slice(), &[0, 4], OURS].concat()
}
