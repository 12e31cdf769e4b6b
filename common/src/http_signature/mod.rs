//! HTTP Message Signatures (RFC 9421): the one strict profile that requests and responses use.
//!
//! - A client signs with [`sign_request`]; the enclave reads with [`SignedRequest::parse`] and, once it
//!   has found the principal's key, [`SignedRequest::verify`].
//! - A request that no principal signs gets its fields from [`bind_response`].
//! - The enclave signs with [`sign_response`]; a client checks with [`verify_response`].
//! - [`SigningKey`] and [`PublicKey`] are the two kinds of key: Ed25519 and ECDSA P-256.
//!
//! # The profile
//!
//! A message carries exactly one `Signature-Input`, `Signature`, `Content-Digest` and
//! `X-Enclave-Attestation`. The label is `permafrost`, and no other member is allowed.
//!
//! | | request | response |
//! |---|---|---|
//! | always covered, in this order | `"@method" "@path" "@query" "content-digest" "x-enclave-attestation"` | `"@status" "content-digest" "x-enclave-attestation"` |
//! | then, if the field is present | `"content-type"`, `"idempotency-key"` | `"content-type"` |
//! | then | | `"@method";req "@path";req "@query";req`, and of these what the request has: `"content-digest";req "request-nonce";req "passkey-response";req "signature";req;key="permafrost"` |
//! | parameters, in this order | `created`, `nonce`, `keyid` | `created`, `keyid` (always `boot`) |
//! | key | the principal's: Ed25519 or ECDSA P-256 | the boot's: Ed25519 |
//!
//! A field is accepted only in the exact text that this module writes: another order, spacing, a
//! duplicate, or base64 without padding is refused, although RFC 9651 would allow some of them.
//! So a message has one form, which no later reader can read differently. For the same reason a
//! request target that ends in a bare `?` is refused: RFC 9421 signs it like one without.
//!
//! The algorithm is never named in the message (RFC 9421 section 3.2): it follows from the key.

mod attestation_digest;
mod base;
mod digest;
mod key;
mod profile;
mod request;
mod response;
mod unsigned;

#[cfg(test)]
mod example;
#[cfg(test)]
mod vectors;

pub use attestation_digest::{AttestationDigest, AttestationDigestError};
pub use digest::{DigestError, check_content_digest, content_digest};
pub use key::{Algorithm, KeyError, PublicKey, SIGNATURE_LEN, SigningKey};
pub use profile::{ProfileError, SignError};
pub use request::{RequestError, SignedRequest, fresh_nonce, is_nonce, sign_request};
pub use response::{
    RequestContext, ResponseError, VerifiedResponse, sign_response, verify_response,
};
pub use unsigned::{REQUEST_NONCE_FORM, bind_response, is_request_nonce};

/// The label of our member in `Signature-Input` and `Signature`.
pub const LABEL: &str = "permafrost";

/// The `keyid` of every response.
pub const BOOT_KEYID: &str = "boot";

/// `Content-Digest` (RFC 9530 section 2).
pub const CONTENT_DIGEST: &str = "content-digest";

/// `Signature` (RFC 9421 section 4.2).
pub const SIGNATURE: &str = "signature";

/// `Signature-Input` (RFC 9421 section 4.1).
pub const SIGNATURE_INPUT: &str = "signature-input";
