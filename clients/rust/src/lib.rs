//! Talk to a Permafrost enclave and accept nothing that it has not signed.
//!
//! Three steps, each a type of its own:
//!
//! 1. [`Client`]: a path to the enclave. Neither the parent instance nor anything else on the path is trusted.
//! 2. [`Client::verify`] with an [`Expectation`]: fetches an attestation document for a fresh nonce, verifies it up
//!    to a root certificate, and compares measurements, deployment and configuration. The result is an [`Enclave`],
//!    whose boot key is known from the document.
//! 3. [`Enclave::as_principal`] with a name of the measured configuration and its [`SigningKey`]: a [`Principal`],
//!    which makes, lists, uses, rotates and replaces keys. The principal's key signs requests and the boot key signs
//!    responses (RFC 9421), bound to each other. That costs microseconds, and no further document is needed until
//!    the enclave restarts.
//!
//! ```no_run
//! use permafrost_client::{Client, Expectation, IdempotencyKey, Measurements, SigningKey};
//! use permafrost_common::api::{CreateKey, SignRequest};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let release = Measurements::from_json(&std::fs::read_to_string("measurements.json")?)?;
//! let client = Client::new("http://127.0.0.1:8080".parse()?);
//! let enclave = client.verify(&Expectation::releases([release])).await?;
//!
//! let key = SigningKey::from_pem(&std::fs::read_to_string("payments.pem")?)?;
//! let payments = enclave.as_principal("payments", key)?;
//!
//! let wanted = CreateKey {
//!     threshold: 2,
//!     participants: vec!["alice".into(), "bob".into(), "carol".into()],
//!     label: Some("cold-storage".into()),
//! };
//! let made = payments.create_key(&wanted, &IdempotencyKey::random()?).await?;
//! let message = SignRequest::Message { message: hex::encode("hello") };
//! let signed = payments.sign(&made.id, &message).await?;
//! println!("{} signed: {}", signed.public_key, signed.signature);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/` has programs to run and to copy from: `verify`, `sign_event`, `rotate`, `recover_from_restart` and `audit`.
//!
//! # What to trust
//!
//! | result | stated by |
//! |---|---|
//! | `Ok(_)`, [`Error::Problem`], [`Error::ClockDiffers`] | the verified boot, about this very request |
//! | [`Error::Unauthenticated`] | the parent, or anyone on the path: not evidence of anything |
//! | [`Error::ResponseNotAuthentic`], [`Error::AttestationRefused`], [`Error::RolledBack`] | this library: a check failed, and it may be an attack |
//! | [`Error::Unreachable`], [`Error::InvalidArgument`], [`Error::NotSigned`], [`Error::NotSealed`] | this library: nothing was sent |
//! | any other error | this library: the request may have been carried out |
//!
//! [`Principal`] says for each operation what happens if a request is carried out twice.
//!
//! # What the enclave was shown
//!
//! An enclave whose records lie at the parent has no other memory than its own: a second one on an old copy of the store is shown keys as they
//! were. Every response about a key states the version of its record, which a [`Principal`] remembers and demands from then on
//! ([`RecordVersions`]). A program that keeps them in a file or shares them with others notices such a copy wherever one of them has seen more.
//!
//! # Where the enclave is
//!
//! An [`Endpoint`] is the parent's `http://HOST:PORT`, or the enclave itself by `vsock://CID:PORT`, `unix:PATH` or
//! `vsock+unix:PATH:PORT`: one protocol on all of them. There is no `https`: a proxy in front of the parent ends
//! TLS, and no guarantee of this library depends on it.
//!
//! # What the parent can read
//!
//! Responses are authentic either way. [`Client::obliviously`] reduces what the parent can read of requests and responses
//! to sizes and times. It is off by default: a service on the parent instance can hide nothing from a parent that
//! can read the service's own memory.
//!
//! # Time
//!
//! Requests carry this machine's time, which the enclave compares with its own. If they differ too much, the
//! error is [`Error::ClockDiffers`], with both times.

#![forbid(unsafe_code)]

mod boot;
mod client;
mod clock;
mod connection;
mod enclave;
mod endpoint;
mod error;
mod idempotency;
mod import;
mod principal;
mod record_versions;
mod response;
mod sealed;
mod sealed_to_boot;
mod split;
mod store;
mod trust;

pub use boot::Boot;
pub use client::Client;
pub use enclave::Enclave;
pub use endpoint::{Endpoint, EndpointError};
pub use error::{AttestationRefused, Error, NotAuthentic};
pub use idempotency::{IdempotencyKey, IdempotencyKeyError};
pub use import::ImportSecret;
pub use permafrost_common::{
    attestation::{Measurements, RootCertificate},
    http_signature::{Algorithm, SigningKey},
};
pub use permafrost_frost::{HeldShare, HeldShareError};
pub use principal::Principal;
pub use record_versions::RecordVersions;
pub use response::Response;
pub use split::{Begun, Part, Seat, Unconfirmed};
pub use trust::Expectation;
