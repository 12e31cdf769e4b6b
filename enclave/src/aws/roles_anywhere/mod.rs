//! IAM Roles Anywhere: temporary credentials for a certificate, so that no secret of AWS's lasts anywhere.
//!
//! The enclave has a certificate authority of its own, whose key never leaves it. An administrator makes its certificate a trust
//! anchor; then AWS gives temporary credentials of one role to whoever signs with a certificate that this authority has issued: the
//! enclave alone.
//!
//! - [`Authority`]: the authority's key and certificate.
//! - [`Identity`]: a key and its certificate for an hour, issued for one call.
//! - [`Resources`]: the trust anchor, the profile and the role of the measured configuration, and where the service is.
//! - [`RolesAnywhere`]: the client, whose call `CreateSession` gives a [`Session`].

mod authority;
mod certificate;
mod client;
mod der;
mod renewal;
mod resources;
mod session;
#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityError, Identity};
pub use certificate::SerialNumber;
pub use client::RolesAnywhere;
pub use renewal::renew_at;
pub use resources::{Resources, ResourcesError};
pub use session::{SESSION_S, Session, SessionError, session};
