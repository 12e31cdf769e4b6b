//! AWS services, called from inside the enclave: TLS ends here, the parent carries bytes.
//!
//! - [`Service`]: which service, where, and how it is recognised.
//! - [`Connector`]: TLS to that service, and requests that are signed with Signature Version 4.
//! - [`Egress`]: the client of the parent's egress proxy.
//! - [`Credentials`]: what signs the requests.
//! - [`roles_anywhere`]: temporary credentials for a certificate that the enclave issues itself.
//!
//! What a service is called for, and what its responses must be, stands with its client: in `kms` and in `store::dynamodb`.

mod backoff;
mod egress;
mod endpoint;
mod error;
mod request;
pub mod roles_anywhere;
mod signature;
mod tls;

pub(crate) use backoff::Backoff;
pub use egress::{Egress, EgressError};
pub(crate) use endpoint::{AMAZON_ROOTS, parse_endpoint, parse_roots};
pub use error::Fault;
pub use permafrost_common::egress::Credentials;
pub use permafrost_common::table_arn::Endpoint;
pub use request::{Connector, Protocol, Response, Service};
pub(crate) use request::{Stream, Unread};
pub(crate) use signature::Signer;
pub use tls::TlsSetupError;
