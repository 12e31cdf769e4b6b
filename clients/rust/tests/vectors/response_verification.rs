//! `response-verification.json`: which responses a client accepts, and which check refuses the others.

use permafrost_common::http_signature::{
    AttestationDigest, RequestContext, ResponseError, SigningKey, bind_response, content_digest,
    sign_request, sign_response, verify_response,
};
use serde::Serialize;

use super::{
    file::compare,
    message::{Message, Request, lines},
};

/// RFC 8410 section 7, with the seed of RFC 8032 section 5.1.5: 20 to 3f.
const BOOT: &str = "302e020100300506032b657004220420202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// The seed is 00 to 1f.
const PRINCIPAL: &str = "302e020100300506032b657004220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

const DOCUMENT: &[u8] = b"the document that this boot made at its start";
const CREATED: u64 = 1_767_225_601;
const NONCE: &str = "AAECAwQFBgcICQoLDA0ODw";
const OTHER_NONCE: &str = "Dw4NDAsKCQgHBgUEAwIBAA";
const JSON: &str = "content-type: application/json";
const BODY: &[u8] = br#"{"keys":[]}"#;

#[derive(Serialize)]
struct File {
    source: &'static str,
    boot_key: String,
    attestation: String,
    authentic: Vec<Authentic>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Authentic {
    name: &'static str,
    request: Request,
    response: Message,
    created: u64,
}

#[derive(Clone, Serialize)]
struct Refused {
    name: &'static str,
    refused_by: &'static str,
    request: Request,
    response: Message,
}

#[test]
fn responses_of_the_file_are_accepted_or_refused_by_the_check_that_it_names() {
    let authentic = authentic();
    for case in &authentic {
        assert_eq!(
            verdict(&case.request, &case.response),
            Ok(CREATED),
            "{}",
            case.name
        );
    }
    let refused = refused();
    for case in &refused {
        let verdict = verdict(&case.request, &case.response);
        assert_eq!(verdict, Err(case.refused_by), "{}", case.name);
    }
    compare(
        "response-verification.json",
        &File {
            source: "RFC 9421 and RFC 9530 in the profile of docs/signatures.md. The keys are used nowhere else.",
            boot_key: key(BOOT).public_key().unwrap().to_string(),
            attestation: AttestationDigest::of(DOCUMENT).to_string(),
            authentic,
            refused,
        },
    );
}

fn authentic() -> Vec<Authentic> {
    let unsigned = Request::new("GET", "/v1/keys?limit=1", &[], b"");
    let problem = br#"{"type":"urn:permafrost:problem:not-found","title":"Not found","status":404,"detail":"no such key"}"#;
    let cases = [
        (
            "a response to a signed request",
            signed(&unsigned, "abcdefghijklmnop"),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a response to an unsigned request",
            unsigned.clone(),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a problem",
            signed(&unsigned, "abcdefghijklmnop"),
            Message::new(404, &["content-type: application/problem+json"], problem),
        ),
        (
            "a response without a type and without a body",
            Request::new("POST", "/v1/keys/00/rotate", &[], b""),
            Message::new(200, &[], b""),
        ),
        (
            "a response to an unsigned request with a digest and a nonce",
            bound(b"{}", NONCE),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a response to an unsigned request with a passkey's response",
            with_passkey(&bound(b"{}", NONCE)),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a response to a signed request with a passkey's response",
            with_passkey(&signed(&unsigned, "abcdefghijklmnop")),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a response to a request with two nonces, of which it covers neither",
            changed(&bound(b"{}", NONCE), |fields| {
                fields.push(format!("request-nonce: {OTHER_NONCE}"))
            }),
            Message::new(200, &[JSON], BODY),
        ),
        (
            "a field that is not covered",
            unsigned,
            Message::new(200, &["date: Thu, 01 Jan 2026 00:00:00 GMT", JSON], BODY),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, request, response)| Authentic {
            name,
            response: answered(&request, response, DOCUMENT, BOOT),
            request,
            created: CREATED,
        })
        .collect()
}

fn refused() -> Vec<Refused> {
    let unsigned = Request::new("GET", "/v1/keys?limit=1", &[], b"");
    let request = signed(&unsigned, "abcdefghijklmnop");
    let good = Refused {
        name: "",
        refused_by: "",
        response: answered(&request, Message::new(200, &[JSON], BODY), DOCUMENT, BOOT),
        request: request.clone(),
    };
    let mut refused = Vec::new();
    let mut add = |name, refused_by, change: &dyn Fn(&mut Refused)| {
        let mut case = good.clone();
        change(&mut case);
        refused.push(Refused {
            name,
            refused_by,
            ..case
        });
    };
    let input = |from: &'static str, to: &'static str| {
        move |case: &mut Refused| alter(case, "signature-input", from, to)
    };

    add("another status", "signature", &|case| {
        case.response.status = 201
    });
    add("another body", "content-digest", &|case| {
        case.response.body = b"{}".into()
    });
    add("another body with its digest", "signature", &|case| {
        case.response.body = b"{}".into();
        put(case, "content-digest", &content_digest(b"{}"));
    });
    add("no digest", "form", &|case| remove(case, "content-digest"));
    add("another type", "signature", &|case| {
        put(case, "content-type", "text/html")
    });
    add("no type", "form", &|case| remove(case, "content-type"));
    add("a type twice", "form", &|case| {
        case.response.fields.push(JSON.into())
    });
    add("another boot's name", "signature", &|case| {
        put(
            case,
            "x-enclave-attestation",
            &AttestationDigest::of(b"other").to_string(),
        );
    });
    add("no boot's name", "form", &|case| {
        remove(case, "x-enclave-attestation")
    });
    add("no signature", "form", &|case| remove(case, "signature"));
    add("a signature twice", "form", &|case| {
        let signature = lines(&case.response.parts().headers, &["signature"]);
        case.response.fields.extend(signature);
    });
    add("a signature of 3 bytes", "form", &|case| {
        put(case, "signature", "permafrost=:AAAA:")
    });
    add("a signature of zeros", "signature", &|case| {
        put(
            case,
            "signature",
            &format!("permafrost=:{}==:", "A".repeat(86)),
        );
    });
    add("no input", "form", &|case| remove(case, "signature-input"));
    add("an input of 513 bytes", "form", &|case| {
        put(case, "signature-input", &"x".repeat(513))
    });
    add(
        "another time",
        "signature",
        &input("created=17", "created=16"),
    );
    add(
        "a time with a leading zero",
        "form",
        &input("created=17", "created=017"),
    );
    add("another keyid", "form", &input("\"boot\"", "\"wallet\""));
    add(
        "a further parameter",
        "form",
        &input("\"boot\"", "\"boot\";tag=\"x\""),
    );
    add("fewer components", "form", &input(" \"@query\";req", ""));
    add(
        "components in another order",
        "form",
        &input(
            "\"@method\";req \"@path\";req",
            "\"@path\";req \"@method\";req",
        ),
    );
    add(
        "a response not bound to the request's signature",
        "form",
        &input(" \"signature\";req;key=\"permafrost\"", ""),
    );
    add("another label", "form", &input("permafrost=", "sig="));
    add(
        "a second label",
        "form",
        &input("permafrost=", "sig=(\"@status\"), permafrost="),
    );

    add("another method in the request", "signature", &|case| {
        case.request.method = "POST".into()
    });
    add("another path in the request", "signature", &|case| {
        case.request.target = "/v1/key?limit=1".into();
    });
    add("another query in the request", "signature", &|case| {
        case.request.target = "/v1/keys?limit=2".into();
    });
    add("the same request signed again", "signature", &|case| {
        case.request = signed(&unsigned, "qponmlkjihgfedcb");
    });
    add("the same request unsigned", "form", &|case| {
        case.request = unsigned.clone()
    });
    add(
        "a request that was unsigned when the enclave responded",
        "form",
        &|case| {
            case.response = answered(&unsigned, Message::new(200, &[JSON], BODY), DOCUMENT, BOOT);
        },
    );

    let unbound = Request::new("POST", "/v1/recoveries", &[], b"{}");
    let bound_request = bound(b"{}", NONCE);
    let to =
        |request: &Request| answered(request, Message::new(200, &[JSON], BODY), DOCUMENT, BOOT);
    let mut swapped = |name, refused_by, sent: &Request, of: &Request| {
        add(name, refused_by, &|case| {
            case.request = sent.clone();
            case.response = to(of);
        });
    };
    swapped(
        "the response to a request with another body",
        "signature",
        &bound_request,
        &bound(b"[]", NONCE),
    );
    swapped(
        "the response to an equal request with another nonce",
        "signature",
        &bound_request,
        &bound(b"{}", OTHER_NONCE),
    );
    swapped(
        "the response to the request without its digest",
        "form",
        &bound_request,
        &without(&bound_request, "content-digest"),
    );
    swapped(
        "the response to the request without its nonce",
        "form",
        &bound_request,
        &without(&bound_request, "request-nonce"),
    );
    swapped(
        "the response to the request without both",
        "form",
        &bound_request,
        &unbound,
    );
    swapped(
        "the response to a request that had a digest and a nonce added",
        "form",
        &unbound,
        &bound_request,
    );
    swapped(
        "the response to the request with a second nonce",
        "form",
        &bound_request,
        &changed(&bound_request, |fields| {
            fields.push(format!("request-nonce: {OTHER_NONCE}"))
        }),
    );
    swapped(
        "the response to the request with another passkey",
        "signature",
        &with_passkey(&bound_request),
        &changed(&bound_request, |fields| {
            fields.push("passkey-response: 66.e30".into())
        }),
    );
    swapped(
        "the response to the request without the passkey",
        "form",
        &with_passkey(&bound_request),
        &bound_request,
    );

    add("a response of another key", "signature", &|case| {
        case.response = answered(
            &request,
            Message::new(200, &[JSON], BODY),
            DOCUMENT,
            PRINCIPAL,
        );
    });
    add(
        "the boot's own response in another boot's name",
        "boot",
        &|case| {
            case.response = answered(&request, Message::new(200, &[JSON], BODY), b"other", BOOT);
        },
    );
    refused
}

/// When the response was signed, or the check of docs/signatures.md ("A response") that refuses it.
fn verdict(request: &Request, response: &Message) -> Result<u64, &'static str> {
    let context = RequestContext::of(&request.parts());
    let boot_key = key(BOOT).public_key().unwrap();
    match verify_response(&response.parts(), &response.body, &context, &boot_key) {
        Ok(verified) if verified.attestation == AttestationDigest::of(DOCUMENT) => {
            Ok(verified.created)
        }
        Ok(_) => Err("boot"),
        Err(ResponseError::Profile(_)) => Err("form"),
        Err(ResponseError::Digest(_)) => Err("content-digest"),
        Err(ResponseError::Signature(_)) => Err("signature"),
    }
}

fn signed(request: &Request, nonce: &str) -> Request {
    let mut parts = request.parts();
    let attestation = AttestationDigest::of(DOCUMENT);
    let key = key(PRINCIPAL);
    sign_request(
        &mut parts,
        &request.body,
        &key,
        "wallet",
        CREATED - 1,
        nonce,
        &attestation,
    )
    .unwrap();
    let mut signed = request.clone();
    signed
        .fields
        .extend(lines(&parts.headers, &SIGNATURE_FIELDS));
    signed
}

/// An unsigned request with the fields that bind its response.
fn bound(body: &[u8], nonce: &str) -> Request {
    let request = Request::new("POST", "/v1/recoveries", &[], body);
    let mut parts = request.parts();
    bind_response(&mut parts, body, nonce).unwrap();
    let fields = lines(&parts.headers, &["content-digest", "request-nonce"]);
    changed(&request, |all| all.extend(fields))
}

fn with_passkey(request: &Request) -> Request {
    changed(request, |fields| {
        fields.push("passkey-response: ab.e30".into())
    })
}

fn without(request: &Request, name: &str) -> Request {
    let start = format!("{name}: ");
    changed(request, |fields| {
        fields.retain(|field| !field.starts_with(&start))
    })
}

fn changed(request: &Request, change: impl FnOnce(&mut Vec<String>)) -> Request {
    let mut changed = request.clone();
    change(&mut changed.fields);
    changed
}

fn answered(request: &Request, response: Message, document: &[u8], boot: &str) -> Message {
    let mut parts = response.parts();
    let context = RequestContext::of(&request.parts());
    let attestation = AttestationDigest::of(document);
    sign_response(
        &mut parts,
        &response.body,
        &context,
        &attestation,
        &key(boot),
        CREATED,
    )
    .unwrap();
    let mut signed = response;
    signed
        .fields
        .extend(lines(&parts.headers, &SIGNATURE_FIELDS));
    signed
}

const SIGNATURE_FIELDS: [&str; 4] = [
    "content-digest",
    "x-enclave-attestation",
    "signature-input",
    "signature",
];

fn put(case: &mut Refused, name: &str, value: &str) {
    remove(case, name);
    case.response.fields.push(format!("{name}: {value}"));
}

fn remove(case: &mut Refused, name: &str) {
    let before = case.response.fields.len();
    case.response
        .fields
        .retain(|field| !field.starts_with(&format!("{name}: ")));
    assert_ne!(case.response.fields.len(), before, "there is no {name}");
}

fn alter(case: &mut Refused, name: &str, from: &str, to: &str) {
    let line = lines(&case.response.parts().headers, &[name]).remove(0);
    let (_, value) = line.split_once(": ").unwrap();
    assert!(value.contains(from), "{value} has no {from}");
    put(case, name, &value.replacen(from, to, 1));
}

fn key(pkcs8: &str) -> SigningKey {
    SigningKey::from_pkcs8(&hex::decode(pkcs8).unwrap()).unwrap()
}
