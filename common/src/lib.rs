//! What the enclave, the parent instance and every verifier share.
//!
//! - [`attestation`]: parses a Nitro attestation document, verifies it, and checks it against a policy. Start at
//!   [`attestation::Document::parse`].
//! - [`binding`]: what an attestation document's `user_data` says about the boot that made it.
//! - [`http_signature`]: HTTP Message Signatures (RFC 9421), the one strict profile used here.
//! - [`http_form`]: the form of request that both HTTP servers accept.
//! - [`oblivious`]: Oblivious HTTP (RFC 9458), which hides requests and responses from what carries them.
//! - [`api`]: the bodies of every request and response.
//! - [`nostr`]: what the id of a Nostr event is the hash of.
//! - [`problem`]: every error a caller can see (RFC 9457).
//! - [`transport`]: `vsock://`, `unix:` and vsock carried over a Unix socket, behind one address.
//! - [`store`]: the paths and headers of the record store's protocol; [`egress`]: those of the egress proxy's.
//! - [`store_credentials`]: how the credentials of the enclave's own store are sealed to one boot.
//! - [`certificate`]: the certificate of a ceremony that made or refreshed a key with split custody.
//! - [`import`]: how a client seals an existing secret, so that one boot opens it for one request.
//! - [`key_path`]: the paths of derived keys, and the key ids that say them.
//! - [`replacement`]: the statement by which one key replaces another.
//! - [`cbor`]: how CBOR is read, and how errors describe it.
//! - [`kms`]: the ARNs of KMS keys, and the encryption context of their data keys; [`table_arn`]: those of DynamoDB tables.

pub mod api;
pub mod attestation;
pub mod binding;
pub mod cbor;
pub mod certificate;
pub mod egress;
pub mod http_form;
pub mod http_signature;
pub mod import;
pub mod key_path;
pub mod kms;
pub mod nostr;
pub mod oblivious;
pub mod problem;
pub mod replacement;
pub mod store;
pub mod store_credentials;
pub mod table_arn;
pub mod transport;
