//! The parsers that read bytes from outside, each with the properties that must hold for any bytes.
//!
//! A target is a plain function: it takes an input, panics if a property does not hold, and says whether the parser accepted the
//! input. `fuzz_targets/` runs each under libFuzzer (`scripts/fuzz`); `tests/tests/fuzz_corpus.rs` of the main workspace replays
//! `corpus/` through the same functions.
#![forbid(unsafe_code)]

mod address;
mod binary_http;
mod binding;
mod ciphertext_for_recipient;
mod configuration;
mod cose_key;
mod dispatch;
mod document;
mod dynamodb_response;
mod dynamodb_tags;
mod encoded_document;
mod key_record;
mod message;
mod oblivious_keys;
mod oblivious_request;
mod passkey;
mod request_signature;
mod response_signature;
mod root_record;
mod sealed_record;
mod session_response;
mod store_listing;
mod user_record;
mod webauthn_authentication;
mod webauthn_registration;

pub use address::address;
pub use binary_http::binary_http;
pub use binding::binding;
pub use ciphertext_for_recipient::ciphertext_for_recipient;
pub use configuration::configuration;
pub use cose_key::cose_key;
pub use dispatch::dispatch;
pub use document::document;
pub use dynamodb_response::dynamodb_response;
pub use dynamodb_tags::dynamodb_tags;
pub use encoded_document::encoded_document;
pub use key_record::key_record;
pub use oblivious_keys::oblivious_keys;
pub use oblivious_request::oblivious_request;
pub use request_signature::request_signature;
pub use response_signature::response_signature;
pub use root_record::root_record;
pub use sealed_record::sealed_record;
pub use session_response::session_response;
pub use store_listing::store_listing;
pub use user_record::user_record;
pub use webauthn_authentication::webauthn_authentication;
pub use webauthn_registration::webauthn_registration;

/// A parser with its properties: takes an input, and gives whether it was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target, by the name of its corpus folder and of its file in `fuzz_targets/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", address),
    ("response_signature", response_signature),
    ("binary_http", binary_http),
    ("binding", binding),
    ("ciphertext_for_recipient", ciphertext_for_recipient),
    ("configuration", configuration),
    ("cose_key", cose_key),
    ("dispatch", dispatch),
    ("document", document),
    ("dynamodb_response", dynamodb_response),
    ("dynamodb_tags", dynamodb_tags),
    ("encoded_document", encoded_document),
    ("key_record", key_record),
    ("oblivious_keys", oblivious_keys),
    ("oblivious_request", oblivious_request),
    ("request_signature", request_signature),
    ("root_record", root_record),
    ("sealed_record", sealed_record),
    ("session_response", session_response),
    ("store_listing", store_listing),
    ("user_record", user_record),
    ("webauthn_authentication", webauthn_authentication),
    ("webauthn_registration", webauthn_registration),
];
