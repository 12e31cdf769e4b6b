//! Passkeys: what an authenticator answers (WebAuthn Level 3), verified.
//!
//! Bytes go in; checked facts or a named error come out. There is no clock, no state and no I/O here: whoever calls says what
//! time it is, makes the challenge, knows that it is unused, and keeps what was registered.
//!
//! - [`register`] checks a new passkey: [`RegistrationResponse`] to [`NewPasskey`].
//! - [`authenticate`] checks an assertion of a known one: [`AuthenticationResponse`] and [`Passkey`] to [`Authenticated`].
//! - [`RelyingParty`]: for whom, from the measured configuration. [`CoseKey`]: a passkey's public key.
//! - [`WebauthnError`]: every rule that can be broken; [`Group`] sorts them.
//!
//! A challenge is 32 bytes of the caller's own making: random, or the SHA-256 of the request that the assertion approves.
//!
//! Where the specification leaves a choice, the strict one is taken: the user is verified, the page is not embedded, CBOR is
//! canonical. Attestation is asked for or not, by the relying party's [`AttestationRoots`]: without them there is none, or the key's
//! own ("self"); with them nothing less than a maker's certificates.

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

/// The length of a challenge, in bytes. WebAuthn asks for 16 at least (section 13.4.3).
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
