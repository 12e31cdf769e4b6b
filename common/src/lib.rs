//! What the enclave, the parent instance and every verifier share.
//!
//! - [`attestation`]: parse, verify and judge a Nitro attestation document. Start at
//!   [`attestation::Document::parse`].
//! - [`binding`]: what an attestation document's `user_data` says about the boot that made it.
//! - [`http_signature`]: HTTP Message Signatures (RFC 9421), the one strict profile used here.
//! - [`oblivious`]: Oblivious HTTP (RFC 9458), which keeps requests and answers from whoever carries them.
//! - [`api`]: the bodies of every request and answer.
//! - [`problem`]: every error a caller can see (RFC 9457).
//! - [`transport`]: `vsock://`, `unix:` and vsock carried over a Unix socket, behind one address.
//! - [`store`]: the paths and headers of the record store's protocol; [`egress`]: those of the way out.
//! - [`cbor`]: how CBOR is read, and what errors call what was found.
//! - [`kms`]: the names of KMS keys, and the encryption context of what is made under them.

pub mod api;
pub mod attestation;
pub mod binding;
pub mod cbor;
pub mod egress;
pub mod http_signature;
pub mod kms;
pub mod oblivious;
pub mod problem;
pub mod store;
pub mod transport;
