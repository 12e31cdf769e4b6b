//! How an emulator is started.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use permafrost_common::kms::KeyArn;
use uuid::Uuid;

use super::EmulatorError;

/// How an emulator is started.
#[derive(Clone, Debug)]
pub struct EmulatorOptions {
    /// Where it listens: 127.0.0.1 or ::1; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its state directory, made where there is none.
    pub state: PathBuf,
    /// Certificates (PEM) that attestation documents may lead to. Read anew for each request: they may not exist yet.
    pub roots: Vec<PathBuf>,
    /// The region of its keys: a-z, 0-9 and -.
    pub region: String,
    /// The account of its keys: 12 digits.
    pub account: String,
}

impl EmulatorOptions {
    /// A free port of 127.0.0.1, no root, [`REGION`] and [`ACCOUNT`].
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: state.into(),
            roots: Vec::new(),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
        }
    }

    pub(super) fn check(&self) -> Result<(), EmulatorError> {
        let Self {
            listen,
            region,
            account,
            ..
        } = self;
        // Other loopback addresses are not in the certificate.
        if listen.ip() != Ipv4Addr::LOCALHOST && listen.ip() != Ipv6Addr::LOCALHOST {
            return Err(EmulatorError::NotLoopback(*listen));
        }
        let arn = format!("arn:aws:kms:{region}:{account}:key/{}", Uuid::nil());
        match arn.parse::<KeyArn>() {
            Ok(_) => Ok(()),
            Err(_) => Err(EmulatorError::Names {
                region: region.clone(),
                account: account.clone(),
            }),
        }
    }
}

/// The region of a development KMS, unless another is asked for.
pub const REGION: &str = "us-east-1";

/// The account of a development KMS, unless another is asked for.
pub const ACCOUNT: &str = "111122223333";
