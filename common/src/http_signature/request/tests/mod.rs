//! Requests, signed and altered in transit.

mod alterations;

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;

use self::alterations::{ALTERATIONS, put, repeat};
use super::{super::Algorithm, *};

const BODY: &[u8] = br#"{"threshold":2}"#;
const CREATED: u64 = 1_700_000_000;
const NONCE: &str = "abcdefghijklmnop";

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

fn unsigned() -> Parts {
    Request::post("/v1/keys?limit=1&after=x")
        .header("content-type", "application/json")
        .header("idempotency-key", "one")
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn signed(key: &SigningKey) -> Parts {
    let mut parts = unsigned();
    let boot = AttestationDigest::of(b"boot");
    sign_request(&mut parts, BODY, key, "alice", CREATED, NONCE, &boot).unwrap();
    parts
}

fn check(parts: &Parts, body: &[u8], key: &SigningKey) -> Result<SignedRequest, RequestError> {
    let request = SignedRequest::parse(parts, body)?;
    request.verify(&key.public_key().unwrap())?;
    Ok(request)
}

#[test]
fn a_signed_request_says_who_when_and_for_which_boot() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let request = check(&signed(&key), BODY, &key).unwrap();
        assert_eq!(request.keyid(), "alice");
        assert_eq!(request.created(), CREATED);
        assert_eq!(request.nonce(), NONCE);
        assert_eq!(*request.attestation(), AttestationDigest::of(b"boot"));
    }
}

#[test]
fn the_signed_text_is_that_of_the_profile() {
    let key = key(Algorithm::Ed25519);
    let parts = signed(&key);
    let signature_params = r#"("@method" "@path" "@query" "content-digest" "x-enclave-attestation" "content-type" "idempotency-key");created=1700000000;nonce="abcdefghijklmnop";keyid="alice""#;
    assert_eq!(
        parts.headers["signature-input"],
        format!("permafrost={signature_params}")
    );
    assert_eq!(
        SignedRequest::parse(&parts, BODY).unwrap().base,
        format!(
            "\"@method\": POST\n\
             \"@path\": /v1/keys\n\
             \"@query\": ?limit=1&after=x\n\
             \"content-digest\": {}\n\
             \"x-enclave-attestation\": {}\n\
             \"content-type\": application/json\n\
             \"idempotency-key\": one\n\
             \"@signature-params\": {signature_params}",
            content_digest(BODY),
            AttestationDigest::of(b"boot"),
        )
    );
}

#[test]
fn a_request_without_body_type_or_idempotency_key_is_signed_too() {
    let key = key(Algorithm::Ed25519);
    let mut parts = Request::get("/v1/keys").body(()).unwrap().into_parts().0;
    let boot = AttestationDigest::of(b"boot");
    sign_request(&mut parts, b"", &key, "alice", CREATED, NONCE, &boot).unwrap();
    assert!(check(&parts, b"", &key).is_ok());
}

#[test]
fn an_altered_request_is_refused_with_the_fitting_problem() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        for (name, problem, alteration) in ALTERATIONS {
            let mut parts = signed(&key);
            alteration(&mut parts);
            let error = check(&parts, BODY, &key).expect_err(name);
            assert_eq!(error.problem_type(), *problem, "{name}: {error}");
            assert!(!error.to_string().contains('\n'), "{name}: {error}");
        }
        let error = check(&signed(&key), b"{}", &key).unwrap_err();
        assert_eq!(error.problem_type(), ProblemType::ContentDigestMismatch);
        let error = check(&signed(&key), BODY, &self::key(algorithm)).unwrap_err();
        assert_eq!(error.problem_type(), ProblemType::SignatureInvalid);
    }
}

#[test]
fn what_could_not_be_accepted_is_not_signed() {
    let key = key(Algorithm::Ed25519);
    let boot = AttestationDigest::of(b"boot");
    let sign = |parts: &mut Parts, keyid: &str, created: u64, nonce: &str| {
        sign_request(parts, BODY, &key, keyid, created, nonce, &boot).map(|()| parts.clone())
    };
    assert!(sign(&mut unsigned(), "", CREATED, NONCE).is_err());
    assert!(sign(&mut unsigned(), "al\"ice", CREATED, NONCE).is_err());
    assert!(sign(&mut unsigned(), "alice", u64::MAX, NONCE).is_err());
    assert!(sign(&mut unsigned(), "alice", CREATED, "short").is_err());
    let mut parts = unsigned();
    parts.uri = "/v1/keys?".parse().unwrap();
    assert!(sign(&mut parts, "alice", CREATED, NONCE).is_err());
    let mut parts = unsigned();
    repeat(&mut parts, "content-type");
    assert!(sign(&mut parts, "alice", CREATED, NONCE).is_err());
}

#[test]
fn a_request_signed_twice_carries_the_later_signature_only() {
    let key = key(Algorithm::Ed25519);
    let mut parts = signed(&key);
    let boot = AttestationDigest::of(b"later boot");
    sign_request(&mut parts, BODY, &key, "alice", CREATED, NONCE, &boot).unwrap();
    assert_eq!(*check(&parts, BODY, &key).unwrap().attestation(), boot);
}

#[test]
fn fresh_nonces_are_of_the_form_and_differ() {
    let nonces: std::collections::HashSet<_> = (0..100).map(|_| fresh_nonce().unwrap()).collect();
    assert_eq!(nonces.len(), 100);
    assert!(nonces.iter().all(|nonce| is_nonce(nonce)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_request_is_accepted_as_signed(
        path in "(/[a-zA-Z0-9._~%-]{0,8}){1,4}",
        query in proptest::option::of("[a-zA-Z0-9=&?/%-]{1,20}"),
        body in proptest::collection::vec(any::<u8>(), 0..100),
        keyid in "[A-Za-z0-9._-]{1,64}",
        nonce in "[A-Za-z0-9_-]{16,64}",
        created in 0_u64..1_000_000_000_000_000,
        idempotency in proptest::option::of("[A-Za-z0-9._-]{1,64}"),
    ) {
        let key = key(Algorithm::Ed25519);
        let target = path + &query.map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = Request::post(target).body(()).unwrap().into_parts().0;
        if let Some(idempotency) = idempotency {
            put(&mut parts, "idempotency-key", &idempotency);
        }
        let boot = AttestationDigest::of(&body);
        sign_request(&mut parts, &body, &key, &keyid, created, &nonce, &boot).unwrap();
        let request = check(&parts, &body, &key).unwrap();
        prop_assert_eq!(request.keyid(), keyid);
        prop_assert_eq!(request.nonce(), nonce);
        prop_assert_eq!(request.created(), created);
    }

    #[test]
    fn a_request_with_one_byte_of_a_field_changed_is_refused(
        field in prop::sample::select(vec![
            "signature", "signature-input", "content-digest", "x-enclave-attestation",
            "content-type", "idempotency-key",
        ]),
        at in any::<prop::sample::Index>(),
        byte in 0x20_u8..0x7f,
    ) {
        let key = key(Algorithm::Ed25519);
        let mut parts = signed(&key);
        let mut value = parts.headers[field].as_bytes().to_vec();
        let at = at.index(value.len());
        prop_assume!(value[at] != byte);
        value[at] = byte;
        parts.headers.insert(
            HeaderName::from_static(field),
            HeaderValue::from_bytes(&value).unwrap(),
        );
        prop_assert!(check(&parts, BODY, &key).is_err());
    }

    #[test]
    fn no_bytes_in_the_fields_cause_a_panic(
        input in proptest::collection::vec(any::<u8>(), 0..200),
        signature in "permafrost=:[A-Za-z0-9+/=]{0,90}:|.{0,40}",
        parameters in "[ -~]{0,80}",
    ) {
        let key = key(Algorithm::Ed25519);
        for value in [input, format!("permafrost=({parameters}").into_bytes()] {
            let mut parts = signed(&key);
            let (Ok(value), Ok(signature)) =
                (HeaderValue::from_bytes(&value), HeaderValue::from_str(&signature)) else { continue };
            parts.headers.insert("signature-input", value);
            parts.headers.insert("signature", signature);
            prop_assert!(check(&parts, BODY, &key).is_err());
        }
    }
}
