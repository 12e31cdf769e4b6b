//! Passkeys: verifies the responses of authenticators (WebAuthn Level 3).
//!
//! Bytes go in; checked facts or a named error come out. This module has no clock, no state and no I/O: the caller gives the time,
//! makes the challenge, ensures that it is unused, and stores what was registered.
//!
//! - [`register`] checks a new passkey: [`RegistrationResponse`] to [`NewPasskey`].
//! - [`authenticate`] checks an assertion of a known one: [`AuthenticationResponse`] and [`Passkey`] to [`Authenticated`].
//! - [`RelyingParty`]: the relying party of the measured configuration. [`CoseKey`]: a passkey's public key.
//! - [`WebauthnError`]: every rule that can be broken; [`Group`] sorts them.
//!
//! A challenge is 32 bytes of the caller's own making: random, or the SHA-256 of the request that the assertion approves.
//!
//! Where the specification leaves a choice, this module takes the strict one: the user is verified, the page is not embedded, CBOR
//! is canonical. The relying party's [`AttestationRoots`] decide about attestation: without them it is absent or by the key itself
//! ("self"); with them it must have a vendor's certificates.

mod attestation;
mod authentication;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose_key;
mod error;
mod registration;
mod relying_party;
mod response;

pub use attestation::AttestationRoots;
pub use authentication::{Authenticated, Passkey, authenticate};
pub use cose_key::{Algorithm, CoseKey};
pub use error::{Group, WebauthnError};
pub use registration::{NewPasskey, register};
pub use relying_party::{RelyingParty, RelyingPartyError};
pub use response::{AuthenticationResponse, RegistrationResponse};

/// The length of a challenge, in bytes. WebAuthn requires at least 16 (section 13.4.3).
pub const CHALLENGE_LEN: usize = 32;

/// The shortest and the longest credential id, in bytes (WebAuthn Level 3 sections 4 "Credential ID" and 7.1).
pub const CREDENTIAL_ID_BYTES: std::ops::RangeInclusive<usize> = 16..=1023;

/// The shortest and the longest user handle, in bytes (WebAuthn Level 3 section 5.4.3).
pub const USER_HANDLE_BYTES: std::ops::RangeInclusive<usize> = 1..=64;

/// The longest `clientDataJSON`, in bytes.
pub const CLIENT_DATA_MAX: usize = 4096;

/// The longest attestation object, in bytes: 16 KiB.
pub const ATTESTATION_OBJECT_MAX: usize = 16 * 1024;

/// The longest authenticator data, in bytes: 8 KiB.
pub const AUTHENTICATOR_DATA_MAX: usize = 8 * 1024;

/// The longest signature, in bytes: that of an RSA key of 8192 bits.
pub const SIGNATURE_MAX: usize = 1024;

/// How many certificates an attestation statement may have.
pub const CERTIFICATES_MAX: usize = 8;

/// How many transports a response may name.
pub const TRANSPORTS_MAX: usize = 8;

#[cfg(test)]
mod tests;
