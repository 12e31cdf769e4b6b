//! Oblivious HTTP (RFC 9458): messages that only the enclave can open.
//!
//! - The enclave makes a [`GatewayKey`] at its boot and publishes [`GatewayKey::key_configurations`]. [`GatewayKey::open`] opens a
//!   request, and gives with it a [`Responder`], which seals the one response.
//! - A client reads the list with [`KeyConfiguration::first_usable`], seals a request with
//!   [`KeyConfiguration::encapsulate`], and opens the response with the [`PendingResponse`] that it gets.
//! - The sealed message is Binary HTTP (RFC 9292): [`binary_http`], padded by [`pad_request`] and [`pad_response`].
//!
//! One suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM (RFC 9180), in base mode, one message for each
//! encapsulated key. `docs/oblivious.md` has the bytes.

pub mod binary_http;
mod encapsulation;
mod gateway;
mod hpke;
mod key_configuration;
mod message;
mod padding;

#[cfg(test)]
mod vectors;

pub use encapsulation::{PendingResponse, ResponseNotOpened};
pub use gateway::{GatewayKey, RequestNotOpened, Responder};
pub use hpke::CryptoError;
pub use key_configuration::{KeyConfiguration, KeyConfigurationError};
pub(crate) use message::info;
pub use padding::{pad_request, pad_response};

/// The media type of a list of key configurations (RFC 9458 section 9.1).
pub const KEYS_TYPE: &str = "application/ohttp-keys";

/// The media type of an encapsulated request (RFC 9458 section 9.2).
pub const REQUEST_TYPE: &str = "message/ohttp-req";

/// The media type of an encapsulated response (RFC 9458 section 9.3).
pub const RESPONSE_TYPE: &str = "message/ohttp-res";
