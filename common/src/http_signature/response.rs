//! Signed responses.

use http::{HeaderValue, Method, Uri, header::CONTENT_TYPE, request, response::Parts};
use sfv::{BareItem, StringRef};

use super::{
    Algorithm, AttestationDigest, BOOT_KEYID, CONTENT_DIGEST, DigestError, ProfileError, PublicKey,
    SIGNATURE, SignError, SigningKey,
    base::{SignatureBase, path, query},
    digest::{check_content_digest, content_digest},
    profile::{
        FIELD_MAX, SignatureFields, check_created, created as created_of, optional, required, set,
        signature_item, write,
    },
};
use crate::api::{ATTESTATION_HEADER, REQUEST_NONCE_HEADER, people::PASSKEY_HEADER};

/// What a response's signature covers of its request: method, target, and those of the fields in `COVERED` and of `Signature` that
/// the request has.
///
/// Cheap to make and to keep while the request is handled: nothing is copied.
#[derive(Clone, Debug)]
pub struct RequestContext {
    method: Method,
    uri: Uri,
    fields: [Option<HeaderValue>; COVERED.len()],
    signature: Option<HeaderValue>,
}

/// The fields of a request that its response covers, whether or not the request is signed, in this order.
///
/// A signature does not make them superfluous: operations that need no principal do not check it, and `Passkey-Response` is outside of it.
const COVERED: [&str; 3] = [CONTENT_DIGEST, REQUEST_NONCE_HEADER, PASSKEY_HEADER];

impl RequestContext {
    /// The context of a request, as it was sent or as it came.
    ///
    /// A request has a field if the field occurs exactly once and is visible ASCII; it counts as signed if it has a `Signature` that
    /// begins `permafrost=:`. Neither depends on whether the value is right, so that both ends agree.
    pub fn of(parts: &request::Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            fields: COVERED.map(|name| only(parts, name)),
            signature: only(parts, SIGNATURE).filter(|value| {
                value
                    .to_str()
                    .is_ok_and(|text| signature_item(text).is_some())
            }),
        }
    }

    /// Whether the request was signed, so that its response belongs to no other request.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }
}

/// Signs a response: sets `Content-Digest`, `X-Enclave-Attestation`, `Signature-Input` and `Signature`.
///
/// `Content-Type` is covered if it is set before; status and body must not change afterwards. `key` is the boot's
/// (Ed25519), `created` seconds since 1970, `attestation` the digest of the boot's own document.
///
/// # Errors
/// [`SignError::Profile`] if `Content-Type` occurs twice, is not text or has more than 256 bytes;
/// [`SignError::Key`].
pub fn sign_response(
    parts: &mut Parts,
    body: &[u8],
    request: &RequestContext,
    attestation: &AttestationDigest,
    key: &SigningKey,
    created: u64,
) -> Result<(), SignError> {
    check_created(created)?;
    let digest = content_digest(body);
    let attestation = attestation.to_string();
    let covered = cover(parts, &digest, &attestation, request)?;
    set(&mut parts.headers, CONTENT_DIGEST, &digest)?;
    set(&mut parts.headers, ATTESTATION_HEADER, &attestation)?;
    write(&mut parts.headers, covered, &parameters(created), |base| {
        key.sign(base)
    })
}

/// What an authentic response says in addition to its status and body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedResponse {
    /// When it was signed, by the enclave's clock: seconds since 1970.
    pub created: u64,
    /// The digest of the boot's own attestation document.
    pub attestation: AttestationDigest,
}

/// Why a response is not authentic: nothing in it can be trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// It carries no signature, does not have the form of the profile, or is not the response to this request.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Its `Content-Digest` is not that of its body.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Its signature does not verify: it was altered, belongs to another request, or another boot signed it.
    #[error("the signature does not verify with the boot's {0} key for this request")]
    Signature(Algorithm),
}

/// Checks that a response is the boot's, to this request, with this body.
///
/// # Errors
/// [`ResponseError`]; the caller must not use anything of the response then.
pub fn verify_response(
    parts: &Parts,
    body: &[u8],
    request: &RequestContext,
    key: &PublicKey,
) -> Result<VerifiedResponse, ResponseError> {
    let fields = SignatureFields::of(&parts.headers)?;
    let signature = fields.signature()?;
    let digest = required(&parts.headers, CONTENT_DIGEST, FIELD_MAX)?;
    let attestation = required(&parts.headers, ATTESTATION_HEADER, FIELD_MAX)?;
    let covered = cover(parts, digest, attestation, request)?;
    let came = fields.parameters(&covered, &["created", "keyid"])?;
    let created = created_of(&came)?;
    let keyid = came.get("keyid").and_then(BareItem::as_string);
    if keyid.map(StringRef::as_str) != Some(BOOT_KEYID) {
        return Err(ProfileError::Parameter {
            parameter: "keyid",
            accepted: "the string \"boot\"",
        }
        .into());
    }
    let base = fields.base(covered, &parameters(created))?;
    check_content_digest(digest, body)?;
    key.verify(base.as_bytes(), &signature)
        .map_err(|_| ResponseError::Signature(key.algorithm()))?;
    Ok(VerifiedResponse {
        created,
        attestation: attestation.parse().map_err(ProfileError::from)?,
    })
}

/// The components that a response must cover, with their values.
fn cover(
    parts: &Parts,
    digest: &str,
    attestation: &str,
    request: &RequestContext,
) -> Result<SignatureBase, ProfileError> {
    let mut base = SignatureBase::new();
    base.cover("\"@status\"", parts.status.as_str());
    base.cover("\"content-digest\"", digest);
    base.cover("\"x-enclave-attestation\"", attestation);
    if let Some(value) = optional(&parts.headers, CONTENT_TYPE.as_str(), FIELD_MAX)? {
        base.cover("\"content-type\"", value);
    }
    base.cover("\"@method\";req", request.method.as_str());
    base.cover("\"@path\";req", path(&request.uri));
    base.cover("\"@query\";req", query(&request.uri));
    for (name, value) in COVERED.iter().zip(&request.fields) {
        if let Some(value) = value.as_ref().and_then(|value| value.to_str().ok()) {
            base.cover(&format!("\"{name}\";req"), value);
        }
    }
    let signature = request
        .signature
        .as_ref()
        .and_then(|value| value.to_str().ok());
    if let Some(item) = signature.and_then(signature_item) {
        base.cover("\"signature\";req;key=\"permafrost\"", item);
    }
    Ok(base)
}

/// The value of a field that occurs exactly once and is visible ASCII.
fn only(parts: &request::Parts, name: &str) -> Option<HeaderValue> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value.to_str().is_ok() => Some(value.clone()),
        _ => None,
    }
}

fn parameters(created: u64) -> String {
    format!(";created={created};keyid=\"{BOOT_KEYID}\"")
}

#[cfg(test)]
mod tests {
    use http::{Request, Response, StatusCode};

    use super::{
        super::{bind_response, sign_request},
        *,
    };

    const BODY: &[u8] = br#"{"keys":[]}"#;

    struct Exchange {
        request: request::Parts,
        response: Parts,
        boot: SigningKey,
    }

    impl Exchange {
        fn new(signed: bool) -> Self {
            let mut request = Request::get("/v1/keys?limit=1")
                .body(())
                .unwrap()
                .into_parts()
                .0;
            if signed {
                sign(&mut request, "abcdefghijklmnop");
            }
            Self::of(request)
        }

        fn of(request: request::Parts) -> Self {
            let attestation = AttestationDigest::of(b"boot");
            let mut response = Response::builder()
                .status(200)
                .header("content-type", "application/json")
                .body(())
                .unwrap()
                .into_parts()
                .0;
            let boot = SigningKey::generate(Algorithm::Ed25519).unwrap();
            let context = RequestContext::of(&request);
            sign_response(
                &mut response,
                BODY,
                &context,
                &attestation,
                &boot,
                1_700_000_000,
            )
            .unwrap();
            Self {
                request,
                response,
                boot,
            }
        }

        fn check(&self, body: &[u8]) -> Result<VerifiedResponse, ResponseError> {
            let context = RequestContext::of(&self.request);
            verify_response(
                &self.response,
                body,
                &context,
                &self.boot.public_key().unwrap(),
            )
        }
    }

    fn sign(request: &mut request::Parts, nonce: &str) {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let boot = AttestationDigest::of(b"boot");
        sign_request(request, b"", &key, "alice", 1, nonce, &boot).unwrap();
    }

    #[test]
    fn a_response_says_when_and_which_boot() {
        for signed in [false, true] {
            assert_eq!(
                Exchange::new(signed).check(BODY),
                Ok(VerifiedResponse {
                    created: 1_700_000_000,
                    attestation: AttestationDigest::of(b"boot"),
                })
            );
        }
    }

    #[test]
    fn the_signed_text_is_that_of_the_profile() {
        assert_eq!(
            Exchange::new(true).response.headers["signature-input"],
            r#"permafrost=("@status" "content-digest" "x-enclave-attestation" "content-type" "@method";req "@path";req "@query";req "content-digest";req "signature";req;key="permafrost");created=1700000000;keyid="boot""#
        );
        assert_eq!(
            Exchange::new(false).response.headers["signature-input"],
            r#"permafrost=("@status" "content-digest" "x-enclave-attestation" "content-type" "@method";req "@path";req "@query";req);created=1700000000;keyid="boot""#
        );
    }

    #[test]
    fn an_altered_response_is_refused() {
        type Alteration = fn(&mut Parts);
        let alterations: &[(&str, Alteration)] = &[
            ("another status", |p| p.status = StatusCode::CREATED),
            ("another type", |p| put(p, "content-type", "text/html")),
            ("no type", |p| drop(p.headers.remove("content-type"))),
            ("another boot", |p| {
                put(
                    p,
                    "x-enclave-attestation",
                    &AttestationDigest::of(b"other").to_string(),
                );
            }),
            ("no boot", |p| {
                drop(p.headers.remove("x-enclave-attestation"))
            }),
            ("the digest of another body", |p| {
                put(p, "content-digest", &content_digest(b"x"))
            }),
            ("no digest", |p| drop(p.headers.remove("content-digest"))),
            ("no signature", |p| drop(p.headers.remove("signature"))),
            ("no input", |p| drop(p.headers.remove("signature-input"))),
            ("another time", |p| replace(p, "created=17", "created=16")),
            ("another keyid", |p| replace(p, "\"boot\"", "\"alice\"")),
            ("a further parameter", |p| {
                replace(p, "\"boot\"", "\"boot\";tag=\"x\"")
            }),
            ("fewer components", |p| replace(p, " \"@query\";req", "")),
            ("no binding to the request's signature", |p| {
                replace(p, " \"signature\";req;key=\"permafrost\"", "");
            }),
            ("another signature of the request", |p| {
                replace(p, "key=\"permafrost\"", "key=\"sig1\"")
            }),
            ("the response's own path", |p| {
                replace(p, "\"@path\";req", "\"@path\"")
            }),
        ];
        for (name, alteration) in alterations {
            let mut exchange = Exchange::new(true);
            alteration(&mut exchange.response);
            exchange.check(BODY).expect_err(name);
        }
        assert!(matches!(
            Exchange::new(true).check(b"{}"),
            Err(ResponseError::Digest(DigestError::Mismatch { .. }))
        ));
    }

    fn put(parts: &mut Parts, field: &'static str, value: &str) {
        parts
            .headers
            .insert(field, HeaderValue::from_str(value).unwrap());
    }

    fn replace(parts: &mut Parts, from: &str, to: &str) {
        let value = parts.headers["signature-input"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(value.contains(from), "{value} has no {from}");
        put(parts, "signature-input", &value.replacen(from, to, 1));
    }

    #[test]
    fn a_response_to_another_request_is_refused() {
        type Alteration = fn(&mut request::Parts);
        let alterations: &[(&str, Alteration)] = &[
            ("another method", |p| p.method = Method::POST),
            ("another path", |p| {
                p.uri = "/v1/key?limit=1".parse().unwrap()
            }),
            ("another query", |p| {
                p.uri = "/v1/keys?limit=2".parse().unwrap()
            }),
            ("the same, signed again", |p| sign(p, "qponmlkjihgfedcb")),
            ("the same, unsigned", |p| {
                drop(p.headers.remove("signature"))
            }),
        ];
        for (name, alteration) in alterations {
            let mut exchange = Exchange::new(true);
            alteration(&mut exchange.request);
            exchange.check(BODY).expect_err(name);
        }
        let mut exchange = Exchange::new(false);
        sign(&mut exchange.request, "abcdefghijklmnop");
        assert!(matches!(
            exchange.check(BODY),
            Err(ResponseError::Profile(ProfileError::Components { .. }))
        ));
    }

    #[test]
    fn a_response_covers_what_an_unsigned_request_has() {
        type Alteration = fn(&mut request::Parts);
        let alterations: &[(&str, Alteration)] = &[
            ("another body", |p| {
                insert(p, CONTENT_DIGEST, &content_digest(b"[]"))
            }),
            ("another nonce", |p| {
                insert(p, REQUEST_NONCE_HEADER, &"b".repeat(22))
            }),
            ("another passkey", |p| insert(p, PASSKEY_HEADER, "cd.e30")),
            ("no digest", |p| drop(p.headers.remove(CONTENT_DIGEST))),
            ("no nonce", |p| drop(p.headers.remove(REQUEST_NONCE_HEADER))),
            ("no passkey", |p| drop(p.headers.remove(PASSKEY_HEADER))),
            ("a second nonce", |p| {
                let second = HeaderValue::from_static("aaaaaaaaaaaaaaaaaaaaaa");
                p.headers.append(REQUEST_NONCE_HEADER, second);
            }),
            ("another method", |p| p.method = Method::GET),
        ];
        let mut request = Request::post("/v1/recoveries")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        bind_response(&mut request, b"{}", &"a".repeat(22)).unwrap();
        insert(&mut request, PASSKEY_HEADER, "ab.e30");
        let mut exchange = Exchange::of(request);
        assert_eq!(
            exchange.response.headers["signature-input"],
            r#"permafrost=("@status" "content-digest" "x-enclave-attestation" "content-type" "@method";req "@path";req "@query";req "content-digest";req "request-nonce";req "passkey-response";req);created=1700000000;keyid="boot""#
        );
        exchange.check(BODY).unwrap();
        let request = exchange.request.clone();
        for (name, alteration) in alterations {
            exchange.request = request.clone();
            alteration(&mut exchange.request);
            exchange.check(BODY).expect_err(name);
        }
    }

    fn insert(parts: &mut request::Parts, field: &'static str, value: &str) {
        let value = HeaderValue::from_str(value).unwrap();
        parts.headers.insert(field, value);
    }

    #[test]
    fn a_response_of_another_boot_is_refused() {
        let mut exchange = Exchange::new(true);
        exchange.boot = SigningKey::generate(Algorithm::Ed25519).unwrap();
        assert_eq!(
            exchange.check(BODY),
            Err(ResponseError::Signature(Algorithm::Ed25519))
        );
    }

    #[test]
    fn a_request_with_a_malformed_signature_counts_as_unsigned_at_both_ends() {
        for value in [
            "sig1=:AA==:",
            "permafrost",
            "permafrost=?",
            "permafrost=:\u{e9}:",
        ] {
            let parts = Request::get("/")
                .header("signature", value)
                .body(())
                .unwrap()
                .into_parts()
                .0;
            assert!(!RequestContext::of(&parts).is_signed(), "{value}");
        }
    }
}
