//! `request-signing.json`: what a principal signs and sends.

use base64::{Engine, engine::general_purpose::STANDARD};
use permafrost_common::http_signature::{
    AttestationDigest, PublicKey, SignedRequest, SigningKey, sign_request,
};
use serde::{Deserialize, Serialize};

use super::{
    file::{compare, kept},
    message::{Request, lines},
};

const FILE: &str = "request-signing.json";

/// RFC 8410 section 7, with the seed of RFC 8032 section 5.1.5: 00 to 1f.
const ED25519: &str = "302e020100300506032b657004220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// RFC 5915 and RFC 5208: the scalar is 40 to 5f.
const P256: &str = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5fa1440342000468ec7cf08cd4106e43b14de895426522bd0a45150c027e45c7953434d747e7bae3af39a88ebbee8679bb61e7845c3a89cb9b5a3237c3fdb0b0587dbaf415118d";

/// The document that names the boot in docs/signatures.md.
const DOCUMENT: &[u8] = b"the document that this boot made at its start";

#[derive(Deserialize, Serialize)]
struct File {
    source: String,
    keys: Vec<Key>,
    signed: Vec<Case>,
    refused: Vec<Unsigned>,
}

#[derive(Deserialize, Serialize)]
struct Key {
    name: String,
    #[serde(with = "crate::hex_text")]
    pkcs8: Vec<u8>,
    public_key: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct Unsigned {
    name: String,
    key: String,
    keyid: String,
    created: u64,
    nonce: String,
    attestation: String,
    request: Request,
}

#[derive(Clone, Deserialize, Serialize)]
struct Case {
    #[serde(flatten)]
    unsigned: Unsigned,
    signature_base: String,
    signature_fields: Vec<String>,
}

#[test]
fn requests_are_signed_as_in_the_file_and_verify() {
    let kept: Option<File> = kept(FILE);
    let kept = |name: &str| {
        let signed = &kept.as_ref()?.signed;
        signed.iter().find(|case| case.unsigned.name == name)
    };
    let signed: Vec<_> = signed()
        .into_iter()
        .map(|unsigned| {
            let case = sign(unsigned);
            verify(&case);
            // ECDSA is randomised: the signature that the file has stands if it verifies.
            match kept(&case.unsigned.name) {
                Some(kept) if case.unsigned.key == "p256" => {
                    let case = Case {
                        signature_fields: kept.signature_fields.clone(),
                        ..case
                    };
                    verify(&case);
                    case
                }
                _ => case,
            }
        })
        .collect();
    let refused = refused();
    for case in &refused {
        let parts = &mut case.request.parts();
        sign_parts(case, parts).expect_err(&case.name);
    }
    let keys = ["ed25519", "p256"].map(|name| Key {
        name: name.to_owned(),
        pkcs8: pkcs8(name),
        public_key: public_key(name).to_string(),
    });
    compare(
        FILE,
        &File {
            source: "RFC 9421 and RFC 9530 in the profile of docs/signatures.md. The keys are used nowhere else."
                .to_owned(),
            keys: keys.into(),
            signed,
            refused,
        },
    );
}

/// The example of docs/signatures.md: every other case changes something of it.
fn example() -> Unsigned {
    Unsigned {
        name: "the worked example of docs/signatures.md".to_owned(),
        key: "ed25519".to_owned(),
        keyid: "wallet".to_owned(),
        created: 1_767_225_600,
        nonce: "AAECAwQFBgcICQoLDA0ODw".to_owned(),
        attestation: AttestationDigest::of(DOCUMENT).to_string(),
        request: Request::new(
            "POST",
            "/v1/keys",
            &["content-type: application/json", "idempotency-key: order-7"],
            br#"{"threshold":2,"participants":["alice","bob","carol"]}"#,
        ),
    }
}

fn changed(name: &str, change: impl FnOnce(&mut Unsigned)) -> Unsigned {
    let mut case = example();
    case.name = name.to_owned();
    change(&mut case);
    case
}

fn signed() -> Vec<Unsigned> {
    vec![
        example(),
        changed("the same with a P-256 key", |case| case.key = "p256".into()),
        changed("a query, and percent-encoding as sent", |case| {
            case.request = Request::new("GET", "/v1/keys?limit=5&after=%61", &[], b"");
        }),
        changed("a second question mark", |case| {
            case.request = Request::new("GET", "/v1//keys?b?c", &[], b"");
        }),
        changed("an empty body", |case| {
            case.request = Request::new("POST", "/v1/keys/00/rotate", &[], b"");
        }),
        changed("a field that is not covered", |case| {
            case.request
                .fields
                .insert(0, "accept: application/json".into());
        }),
        changed(
            "an idempotency key before the type: the order of the components stays",
            |case| {
                case.request.fields.reverse();
            },
        ),
        changed("the longest nonce, keyid and time", |case| {
            case.nonce = "-_".repeat(32);
            case.keyid = "a.".repeat(32);
            case.created = 999_999_999_999_999;
        }),
        changed("the shortest nonce and keyid, P-256", |case| {
            case.key = "p256".into();
            case.nonce = "abcdefghijklmnop".into();
            case.keyid = "a".into();
            case.created = 0;
            case.request = Request::new("GET", "/", &[], b"");
        }),
    ]
}

fn refused() -> Vec<Unsigned> {
    let field = |name: &str, field: String| {
        changed(name, |case| {
            case.request.fields = vec![field];
        })
    };
    vec![
        changed("a bare question mark", |case| {
            case.request.target = "/v1/keys?".into();
        }),
        changed("a type twice", |case| {
            case.request.fields = vec!["content-type: text/plain".into(); 2];
        }),
        field(
            "a type of 257 bytes",
            format!("content-type: {}", "a".repeat(257)),
        ),
        field(
            "an idempotency key with a space at its end",
            "idempotency-key: a ".into(),
        ),
        changed("a nonce of 15 characters", |case| {
            case.nonce = "a".repeat(15)
        }),
        changed("a nonce of 65 characters", |case| {
            case.nonce = "a".repeat(65)
        }),
        changed("a nonce in standard base64", |case| {
            case.nonce = "AAECAwQFBgcICQoLDA0O+/".into();
        }),
        changed("no keyid", |case| case.keyid = String::new()),
        changed("a keyid of 65 characters", |case| {
            case.keyid = "a".repeat(65)
        }),
        changed("a keyid with a space", |case| case.keyid = "a b".into()),
        changed("a time of 16 digits", |case| {
            case.created = 1_000_000_000_000_000
        }),
    ]
}

fn sign(unsigned: Unsigned) -> Case {
    let mut parts = unsigned.request.parts();
    sign_parts(&unsigned, &mut parts).unwrap();
    let names = [
        "content-digest",
        "x-enclave-attestation",
        "signature-input",
        "signature",
    ];
    let signature_fields = lines(&parts.headers, &names);
    Case {
        signature_base: base(&unsigned.request, &signature_fields),
        signature_fields,
        unsigned,
    }
}

fn sign_parts(
    case: &Unsigned,
    parts: &mut http::request::Parts,
) -> Result<(), permafrost_common::http_signature::SignError> {
    sign_request(
        parts,
        &case.request.body,
        &SigningKey::from_pkcs8(&pkcs8(&case.key)).unwrap(),
        &case.keyid,
        case.created,
        &case.nonce,
        &case.attestation.parse().unwrap(),
    )
}

/// The request verifies as the enclave reads it, and its signature is one of `signature_base`.
fn verify(case: &Case) {
    let mut request = case.unsigned.request.clone();
    request.fields.extend(case.signature_fields.iter().cloned());
    let key = public_key(&case.unsigned.key);
    let read = SignedRequest::parse(&request.parts(), &request.body).unwrap();
    assert_eq!(read.verify(&key), Ok(()), "{}", case.unsigned.name);
    let signature = case.signature_fields[3]
        .strip_prefix("signature: permafrost=:")
        .and_then(|rest| rest.strip_suffix(':'))
        .unwrap();
    let signature = STANDARD.decode(signature).unwrap().try_into().unwrap();
    assert_eq!(
        key.verify(case.signature_base.as_bytes(), &signature),
        Ok(()),
        "{}",
        case.unsigned.name
    );
}

/// The signature base by docs/signatures.md, from what `Signature-Input` says is covered.
fn base(request: &Request, signature_fields: &[String]) -> String {
    let fields: Vec<_> = request.fields.iter().chain(signature_fields).collect();
    let field = |name: &str| {
        fields
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap()
            .to_owned()
    };
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (request.target.as_str(), "?".to_owned()),
    };
    let input = field("signature-input");
    let parameters = input.strip_prefix("permafrost=").unwrap();
    let (components, _) = parameters[1..].split_once(')').unwrap();
    let mut base = String::new();
    for component in components.split(' ') {
        let value = match component.trim_matches('"') {
            "@method" => request.method.clone(),
            "@path" => path.to_owned(),
            "@query" => query.clone(),
            name => field(name),
        };
        base += &format!("{component}: {value}\n");
    }
    base + "\"@signature-params\": " + parameters
}

fn pkcs8(key: &str) -> Vec<u8> {
    hex::decode(if key == "p256" { P256 } else { ED25519 }).unwrap()
}

fn public_key(key: &str) -> PublicKey {
    let key = SigningKey::from_pkcs8(&pkcs8(key)).unwrap();
    key.public_key().unwrap()
}
