//! Registrations and assertions as a whole; the parts have tests of their own beside them.

mod attestation;
mod authentication;
pub(crate) mod authenticator;
mod changes;
mod published;
mod registration;
