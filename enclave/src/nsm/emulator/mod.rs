//! An emulated NSM for development: everything that the device does, under a root certificate that no one should trust.
//!
//! It exists only in builds with the feature `emulator`; production images are built without it. Requests, limits, error codes
//! and documents are those of the device, according to `nsm-check` of `aws-nitro-enclaves-nsm-api`, QEMU's
//! `hw/virtio/virtio-nsm.c` and documents of real NSMs. The emulator protects nothing: anyone who can read the state directory
//! can sign documents of any content.

use std::{
    path::Path as FsPath,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use permafrost_common::attestation::{
    self, At, Document, PCR_LEN, Pcr, RootCertificate, RootCertificateError,
};

use super::{Digest, ErrorCode, Provider, Request, Response};

mod bank;
mod document;
mod measure;
mod path;
mod root_certificate;

#[cfg(test)]
mod tests;

use bank::{Bank, PCRS};
use document::Asked;
pub use measure::{MeasureError, Measured};
use path::{Module, Path};
use root_certificate::DevelopmentRoot;
pub use root_certificate::{ROOT_FILE, ROOT_KEY_FILE};

/// The longest request in CBOR, in bytes: that of the driver.
const REQUEST_MAX: usize = 0x1000;

/// AWS's limits for documents, in bytes. The device signs longer values (`nsm-check` makes it sign 1024), but KMS and every
/// verifier that follows AWS's rules refuse them, so the emulator refuses them, where a developer notices.
const USER_DATA_MAX: usize = 512;
const NONCE_MAX: usize = 512;
const PUBLIC_KEY_MAX: usize = 1024;

/// How many bytes a `GetRandom` gives.
const RANDOM_LEN: usize = 256;

/// The file of the state directory that says how far the emulated clock is ahead, in seconds.
const CLOCK_AHEAD: &str = "clock-ahead";

/// Gives the time. Tests set it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// An emulated NSM.
pub struct Emulator {
    root: DevelopmentRoot,
    module: Module,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    bank: Bank,
    path: Path,
}

/// Why the emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// A file of the state directory cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The state directory has the root certificate but not its key.
    #[error(
        "{certificate} exists but {key} does not: restore the key, or remove the certificate to make a new root certificate"
    )]
    KeyMissing {
        /// The certificate's path.
        certificate: String,
        /// The key's path.
        key: String,
    },
    /// The root certificate file of the state directory is invalid.
    #[error("{path}: {source}")]
    Root {
        /// The certificate's path.
        path: String,
        /// What is wrong with it.
        source: RootCertificateError,
    },
    /// A key or a certificate cannot be read or made.
    #[error("cannot {action}: {source}")]
    Certificate {
        /// What was tried.
        action: &'static str,
        /// The reason.
        source: rcgen::Error,
    },
    /// The system gives no random bytes, or a key does not sign.
    #[error("cannot {0}: the cryptographic library failed")]
    Crypto(&'static str),
    /// The first document does not verify: the certificate and the key of the state directory do not belong together, or the root
    /// certificate is not valid now.
    #[error(
        "the state directory is damaged: the emulator's documents do not verify under its root certificate: {0}"
    )]
    SelfCheck(attestation::Error),
}

impl Emulator {
    /// Starts an NSM that measured `measured` at boot, with the root certificate of `state_dir`.
    ///
    /// Makes the directory if it is missing. The first start writes [`ROOT_FILE`] (the root certificate, PEM, world-readable) and
    /// [`ROOT_KEY_FILE`] (its key, PKCS #8 in PEM, mode 0600); later starts use them. Everything else is new with each start, as with
    /// an enclave: the module id, the other certificates, the PCRs.
    ///
    /// # Errors
    ///
    /// [`EmulatorError`]: the directory cannot be used, or documents made with its key do not verify.
    pub fn start(state_dir: &FsPath, measured: Measured) -> Result<Self, EmulatorError> {
        Self::start_at(state_dir, measured, clock(state_dir))
    }

    /// The same in debug mode: PCR0-2 are zero, as in an enclave whose console the parent can read.
    ///
    /// # Errors
    ///
    /// As [`Emulator::start`].
    pub fn start_in_debug_mode(state_dir: &FsPath) -> Result<Self, EmulatorError> {
        Self::boot(state_dir, [[0; PCR_LEN]; 3], clock(state_dir))
    }

    /// The same, with a clock other than the system's.
    ///
    /// # Errors
    ///
    /// As [`Emulator::start`].
    pub fn start_at(
        state_dir: &FsPath,
        measured: Measured,
        clock: Clock,
    ) -> Result<Self, EmulatorError> {
        Self::boot(state_dir, measured.pcrs(), clock)
    }

    fn boot(state_dir: &FsPath, pcrs: [Pcr; 3], clock: Clock) -> Result<Self, EmulatorError> {
        let now = clock();
        let root = DevelopmentRoot::load_or_make(state_dir, now)?;
        let module = Module::new(now)?;
        let state = State {
            bank: Bank::booted(pcrs),
            path: Path::issue(&root, &module, now)?,
        };
        let emulator = Self {
            root,
            module,
            clock,
            state: Mutex::new(state),
        };
        emulator.check_itself(now)?;
        Ok(emulator)
    }

    /// A damaged state directory should fail the start, not the first client.
    fn check_itself(&self, now: SystemTime) -> Result<(), EmulatorError> {
        let document = self
            .attest(&Asked::default())
            .map_err(|_| EmulatorError::Crypto("sign a first document"))?;
        Document::parse(&document)
            .and_then(|document| document.verify(self.trust_anchor(), At::Time(now)))
            .map(|_| ())
            .map_err(EmulatorError::SelfCheck)
    }

    fn respond(&self, request: Request) -> Result<Response, ErrorCode> {
        match request {
            Request::Attestation {
                user_data,
                nonce,
                public_key,
            } => {
                let asked = Asked {
                    user_data: user_data.map(|bytes| bytes.into_vec()),
                    nonce: nonce.map(|bytes| bytes.into_vec()),
                    public_key: public_key.map(|bytes| bytes.into_vec()),
                };
                check_lengths(&asked)?;
                let document = self.attest(&asked)?;
                Ok(Response::Attestation { document })
            }
            Request::GetRandom => {
                let mut random = vec![0; RANDOM_LEN];
                rand::fill(&mut random).map_err(|_| ErrorCode::InternalError)?;
                Ok(Response::GetRandom { random })
            }
            other => self.respond_about_pcrs(other),
        }
    }

    fn respond_about_pcrs(&self, request: Request) -> Result<Response, ErrorCode> {
        let bank = &mut self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bank;
        match request {
            Request::DescribeNSM => Ok(Response::DescribeNSM {
                version_major: 1,
                version_minor: 0,
                version_patch: 0,
                module_id: self.module.id().to_owned(),
                max_pcrs: PCRS,
                locked_pcrs: bank.locked().map(|(index, _)| index).collect(),
                digest: Digest::SHA384,
            }),
            Request::DescribePCR { index } => {
                let (lock, value) = bank.describe(index)?;
                let data = value.to_vec();
                Ok(Response::DescribePCR { lock, data })
            }
            Request::ExtendPCR { index, data } => {
                let data = bank.extend(index, &data)?.to_vec();
                Ok(Response::ExtendPCR { data })
            }
            Request::LockPCR { index } => bank.lock(index).map(|()| Response::LockPCR),
            Request::LockPCRs { range } => bank.lock_first(range).map(|()| Response::LockPCRs),
            _ => Err(ErrorCode::InvalidOperation),
        }
    }

    /// Makes a document, with a new certificate path if the leaf of the old one is about to expire.
    fn attest(&self, asked: &Asked) -> Result<Vec<u8>, ErrorCode> {
        let now = (self.clock)();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.path.is_good(now) {
            state.path =
                Path::issue(&self.root, &self.module, now).map_err(|_| ErrorCode::InternalError)?;
        }
        document::sign(&state.path, &state.bank, self.module.id(), now, asked)
            .map_err(|_| ErrorCode::InternalError)
    }
}

impl Provider for Emulator {
    fn name(&self) -> &'static str {
        "emulator"
    }

    fn trust_anchor(&self) -> &RootCertificate {
        self.root.certificate()
    }

    fn process(&self, request: Request) -> Response {
        let mut encoded = Vec::new();
        if ciborium::into_writer(&request, &mut encoded).is_err() || encoded.len() > REQUEST_MAX {
            return Response::Error(ErrorCode::InputTooLarge);
        }
        self.respond(request).unwrap_or_else(Response::Error)
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator")
            .field("module_id", &self.module.id())
            .field("root", self.trust_anchor())
            .finish_non_exhaustive()
    }
}

/// The system's clock, ahead by the seconds in the file `clock-ahead` of the state directory, so that what takes days can be tried
/// in seconds.
fn clock(state_dir: &FsPath) -> Clock {
    let ahead = state_dir.join(CLOCK_AHEAD);
    Arc::new(move || {
        let seconds = std::fs::read_to_string(&ahead).ok();
        let seconds = seconds.and_then(|text| text.trim().parse().ok());
        SystemTime::now() + Duration::from_secs(seconds.unwrap_or(0))
    })
}

fn check_lengths(asked: &Asked) -> Result<(), ErrorCode> {
    let too_long = |bytes: &Option<Vec<u8>>, max| bytes.as_ref().is_some_and(|b| b.len() > max);
    if too_long(&asked.user_data, USER_DATA_MAX)
        || too_long(&asked.nonce, NONCE_MAX)
        || too_long(&asked.public_key, PUBLIC_KEY_MAX)
    {
        return Err(ErrorCode::InputTooLarge);
    }
    // A document with an empty public key breaks AWS's rules: 1 to 1024 bytes.
    match &asked.public_key {
        Some(key) if key.is_empty() => Err(ErrorCode::InvalidArgument),
        _ => Ok(()),
    }
}
