//! What can be altered of a signed request.

use http::HeaderValue;
use http::request::Parts;

use super::BODY;
use crate::http_signature::{AttestationDigest, content_digest};
use crate::problem::ProblemType::{
    self, ContentDigestMismatch, SignatureInvalid, SignatureMissing,
};

type Alteration = fn(&mut Parts);

/// Each alteration with the problem that it must be refused with.
pub(super) const ALTERATIONS: &[(&str, ProblemType, Alteration)] = &[
    ("another method", SignatureInvalid, |p| {
        p.method = http::Method::PUT
    }),
    ("another path", SignatureInvalid, |p| {
        p.uri = "/v1/keyz?limit=1&after=x".parse().unwrap();
    }),
    ("another escape", SignatureInvalid, |p| {
        p.uri = "/v1/%6beys?limit=1&after=x".parse().unwrap();
    }),
    ("another query", SignatureInvalid, |p| {
        p.uri = "/v1/keys?limit=2&after=x".parse().unwrap();
    }),
    ("another order of the query", SignatureInvalid, |p| {
        p.uri = "/v1/keys?after=x&limit=1".parse().unwrap();
    }),
    ("no query", SignatureInvalid, |p| {
        p.uri = "/v1/keys".parse().unwrap()
    }),
    ("an empty query", SignatureMissing, |p| {
        p.uri = "/v1/keys?".parse().unwrap()
    }),
    ("another boot", SignatureInvalid, |p| {
        put(
            p,
            "x-enclave-attestation",
            &AttestationDigest::of(b"other").to_string(),
        );
    }),
    ("a boot in another form", SignatureMissing, |p| {
        alter(p, "x-enclave-attestation", "sha-256=", "SHA-256=");
    }),
    ("no boot", SignatureMissing, |p| {
        drop(p.headers.remove("x-enclave-attestation"))
    }),
    ("two boots", SignatureMissing, |p| {
        repeat(p, "x-enclave-attestation")
    }),
    ("another type", SignatureInvalid, |p| {
        put(p, "content-type", "application/jsom")
    }),
    ("no type", SignatureMissing, |p| {
        drop(p.headers.remove("content-type"))
    }),
    ("two types", SignatureMissing, |p| repeat(p, "content-type")),
    ("another idempotency key", SignatureInvalid, |p| {
        put(p, "idempotency-key", "two")
    }),
    ("no idempotency key", SignatureMissing, |p| {
        drop(p.headers.remove("idempotency-key"))
    }),
    ("no digest", ContentDigestMismatch, |p| {
        drop(p.headers.remove("content-digest"))
    }),
    ("two digests", ContentDigestMismatch, |p| {
        repeat(p, "content-digest")
    }),
    ("another digest", ContentDigestMismatch, |p| {
        put(p, "content-digest", &content_digest(b"x"))
    }),
    ("a digest by SHA-512 as well", ContentDigestMismatch, |p| {
        let both = format!("{}, sha-512=:AA==:", content_digest(BODY));
        put(p, "content-digest", &both);
    }),
    ("no signature", SignatureMissing, |p| {
        drop(p.headers.remove("signature"))
    }),
    ("two signatures", SignatureMissing, |p| {
        repeat(p, "signature")
    }),
    ("a signature under another label", SignatureMissing, |p| {
        alter(p, "signature", "permafrost=", "sig1=");
    }),
    ("a signature with a parameter", SignatureMissing, |p| {
        alter(p, "signature", "==:", "==:;a");
    }),
    ("a signature without padding", SignatureMissing, |p| {
        alter(p, "signature", "==:", ":")
    }),
    ("a second member in signature", SignatureMissing, |p| {
        alter(p, "signature", "==:", "==:, sig1=:AA==:");
    }),
    ("no input", SignatureMissing, |p| {
        drop(p.headers.remove("signature-input"))
    }),
    ("two inputs", SignatureMissing, |p| {
        repeat(p, "signature-input")
    }),
    ("an input under another label", SignatureMissing, |p| {
        alter(p, "signature-input", "permafrost=", "sig1=");
    }),
    ("a second member in input", SignatureMissing, |p| {
        alter(p, "signature-input", "\"alice\"", "\"alice\", sig1=()");
    }),
    ("a member that is no list", SignatureMissing, |p| {
        put(p, "signature-input", "permafrost=\"@method\"");
    }),
    ("fewer components", SignatureMissing, |p| {
        alter(p, "signature-input", "\"@query\" ", "");
    }),
    ("more components", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            "\"@query\" ",
            "\"@query\" \"@authority\" ",
        );
    }),
    ("components in another order", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            "\"@method\" \"@path\"",
            "\"@path\" \"@method\"",
        );
    }),
    ("a component with a parameter", SignatureMissing, |p| {
        alter(p, "signature-input", "\"@path\"", "\"@path\";req");
    }),
    ("a component twice", SignatureMissing, |p| {
        alter(p, "signature-input", "\"@path\"", "\"@path\" \"@path\"");
    }),
    ("components without quotes", SignatureMissing, |p| {
        alter(p, "signature-input", "\"content-type\"", "content-type");
    }),
    ("two spaces", SignatureMissing, |p| {
        alter(p, "signature-input", "\"@path\" ", "\"@path\"  ");
    }),
    ("a space before a parameter", SignatureMissing, |p| {
        alter(p, "signature-input", ";nonce", "; nonce");
    }),
    ("another time", SignatureInvalid, |p| {
        alter(
            p,
            "signature-input",
            "created=1700000000",
            "created=1700000001",
        );
    }),
    ("a time with a leading zero", SignatureMissing, |p| {
        alter(p, "signature-input", "created=", "created=0");
    }),
    ("a time as a decimal", SignatureMissing, |p| {
        alter(p, "signature-input", "1700000000", "1700000000.0");
    }),
    ("a negative time", SignatureMissing, |p| {
        alter(p, "signature-input", "created=", "created=-")
    }),
    ("a time twice", SignatureMissing, |p| {
        alter(p, "signature-input", "created=", "created=1;created=");
    }),
    ("no time", SignatureMissing, |p| {
        alter(p, "signature-input", ";created=1700000000", "");
    }),
    ("another nonce", SignatureInvalid, |p| {
        alter(p, "signature-input", "abcdefghijklmnop", "abcdefghijklmnoq");
    }),
    ("a short nonce", SignatureMissing, |p| {
        alter(p, "signature-input", "abcdefghijklmnop", "abcdefghijklmno");
    }),
    ("a nonce with another character", SignatureMissing, |p| {
        alter(p, "signature-input", "abcdefghijklmnop", "abcdefghijklmno+");
    }),
    ("a nonce that is a token", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            "\"abcdefghijklmnop\"",
            "abcdefghijklmnop",
        );
    }),
    ("no nonce", SignatureMissing, |p| {
        alter(p, "signature-input", ";nonce=\"abcdefghijklmnop\"", "");
    }),
    ("another principal", SignatureInvalid, |p| {
        alter(p, "signature-input", "\"alice\"", "\"alicf\"");
    }),
    ("an escape in the name", SignatureMissing, |p| {
        alter(p, "signature-input", "\"alice\"", "\"ali\\\\ce\"");
    }),
    ("an empty name", SignatureMissing, |p| {
        alter(p, "signature-input", "\"alice\"", "\"\"")
    }),
    ("a further parameter", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            "\"alice\"",
            "\"alice\";alg=\"ed25519\"",
        );
    }),
    ("parameters in another order", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            ";nonce=\"abcdefghijklmnop\";keyid=\"alice\"",
            ";keyid=\"alice\";nonce=\"abcdefghijklmnop\"",
        );
    }),
    ("an overlong input", SignatureMissing, |p| {
        alter(
            p,
            "signature-input",
            "\"alice\"",
            &format!("\"{}\"", "a".repeat(512)),
        );
    }),
];

pub(super) fn put(parts: &mut Parts, field: &'static str, value: &str) {
    parts
        .headers
        .insert(field, HeaderValue::from_str(value).unwrap());
}

pub(super) fn repeat(parts: &mut Parts, field: &'static str) {
    let value = parts.headers[field].clone();
    parts.headers.append(field, value);
}

fn alter(parts: &mut Parts, field: &'static str, from: &str, to: &str) {
    let value = parts.headers[field].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{value} has no {from}");
    put(parts, field, &value.replacen(from, to, 1));
}
