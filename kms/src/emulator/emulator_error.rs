//! What goes wrong outside of calls: at the start, and when the emulator's own program asks for something.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use permafrost_common::kms::KeyArn;

use super::certificate::CA_FILE;
use crate::policy::PolicyError;

/// Why an emulator does not start, or does not do what its own program asks.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The region or the account is invalid.
    #[error(
        "region {region:?} and account {account:?}: accepted: a-z, 0-9 and -, at most 32; 12 digits"
    )]
    Names {
        /// What was given.
        region: String,
        /// What was given.
        account: String,
    },
    /// The listen address is reachable from other machines.
    #[error(
        "listen address {0}: accepted: 127.0.0.1 or [::1], because a development KMS protects nothing"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("listen address {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the state directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the state directory.
    #[error("{}: another development KMS is using this state directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The authority's certificate exists without its key.
    #[error(
        "{} exists and {} does not: restore the key, or remove the certificate to have both made again",
        certificate.display(),
        key.display()
    )]
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// A certificate or a key cannot be read or made.
    #[error("cannot {action}: {source}")]
    Certificate {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: rcgen::Error,
    },
    /// The authority's certificate is invalid.
    #[error("{CA_FILE} of the state directory is not a certificate in PEM")]
    CertificateSyntax,
    /// TLS refuses the certificate or its key.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// `identities.toml` is not accepted.
    #[error("{}: {problem}", path.display())]
    Identities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// `keys.json` is not accepted.
    #[error("{}: {problem}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system gives no randomness.
    #[error("the system provides no randomness")]
    NoRandomness,
    /// A key policy is not accepted.
    #[error("the key policy is refused: {0}")]
    Policy(#[from] PolicyError),
    /// There is no such key here.
    #[error("there is no key {0} here")]
    NoSuchKey(KeyArn),
    /// A ciphertext does not open.
    #[error("the ciphertext does not open: {0}")]
    NotRevealed(String),
    /// A change of the keys could not be kept.
    #[error("the keys were not changed: {0}")]
    NotKept(String),
}
