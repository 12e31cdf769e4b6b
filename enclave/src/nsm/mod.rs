//! The Nitro Secure Module (NSM): attestation documents, PCRs, entropy.
//!
//! [`Nsm`] is what the rest of the enclave uses. Behind it stands one [`Provider`]: the [`Device`] `/dev/nsm` in an
//! enclave, or, in builds with the feature `emulator`, the `Emulator` on a developer's machine. Both take the requests and give
//! the responses of `aws-nitro-enclaves-nsm-api`, so the same code works with both.

use std::{collections::BTreeSet, fmt, sync::Arc};

pub use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use permafrost_common::attestation::RootCertificate;
use zeroize::Zeroizing;

mod device;
#[cfg(feature = "emulator")]
pub mod emulator;

pub use device::{Device, DeviceError};

/// Handles NSM requests, and names the root certificate that its documents verify against.
///
/// **The trust anchor follows the provider.** The root certificate for an enclave's documents comes from the provider that makes
/// them, never from a setting: [`Device`] gives AWS Nitro root G1 and the emulator its own development root certificate, whatever
/// the environment, the arguments or the configuration say. So no setting makes a production binary trust an emulated document
/// (its only provider is the device), no development run can pass its documents off as AWS's, and both run the same checks.
pub trait Provider: Send + Sync {
    /// `nsm` for the device (`unsigned-nsm` in a build that accepts unsigned documents), `emulator` for the emulator: for the log and
    /// health, never for decisions.
    fn name(&self) -> &'static str;

    /// The only root certificate that this provider's documents verify against.
    fn trust_anchor(&self) -> &RootCertificate;

    /// Handles one request. Blocks for as long as the device takes: milliseconds.
    fn process(&self, request: Request) -> Response;
}

/// A typed front to a [`Provider`]. Cloning is cheap. Every call blocks for as long as the provider takes.
#[derive(Clone)]
pub struct Nsm(Arc<dyn Provider>);

/// Why an NSM request failed.
#[derive(Debug, thiserror::Error)]
pub enum NsmError {
    /// It responded with an error code.
    #[error("the NSM refused {request}: {code:?}")]
    Refused {
        /// The request's name, as the NSM interface has it.
        request: &'static str,
        /// The error code.
        code: ErrorCode,
    },
    /// Its response is one to another request.
    #[error("the NSM responded to {request} with {response}")]
    Unexpected {
        /// The request's name.
        request: &'static str,
        /// The name of its response.
        response: &'static str,
    },
    /// It gave no entropy.
    #[error("the NSM responded to GetRandom with 0 bytes, expected at least 1")]
    NoEntropy,
}

/// What an NSM says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Major, minor and patch version.
    pub version: (u16, u16, u16),
    /// The instance's id and the enclave's, as `i-0123456789abcdef0-enc0123456789abcdef`.
    pub module_id: String,
    /// How many PCRs there are: 32.
    pub max_pcrs: u16,
    /// The PCRs that are read-only, 0 to 15 at boot.
    pub locked_pcrs: BTreeSet<u16>,
    /// The hash of the PCRs: SHA384.
    pub digest: Digest,
}

/// One PCR.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PcrState {
    /// Its value, 48 bytes.
    pub value: Vec<u8>,
    /// Whether it is read-only.
    pub locked: bool,
}

impl Nsm {
    /// A front to this provider.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self(Arc::new(provider))
    }

    /// The provider's name: `nsm`, `unsigned-nsm` or `emulator`.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The root certificate that documents from [`Nsm::attest`] verify against: the provider's.
    pub fn trust_anchor(&self) -> &RootCertificate {
        self.0.trust_anchor()
    }

    /// Makes an attestation document: untagged `COSE_Sign1` in CBOR, at most 16 KiB.
    ///
    /// AWS allows `user_data` and `nonce` 0 to 512 bytes, `public_key` 1 to 1024 bytes.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], with `InputTooLarge` for what is too long; [`NsmError::Unexpected`].
    pub fn attest(
        &self,
        user_data: Option<&[u8]>,
        nonce: Option<&[u8]>,
        public_key: Option<&[u8]>,
    ) -> Result<Vec<u8>, NsmError> {
        let owned = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.to_vec().into());
        let request = Request::Attestation {
            user_data: owned(user_data),
            nonce: owned(nonce),
            public_key: owned(public_key),
        };
        match self.0.process(request) {
            Response::Attestation { document } => Ok(document),
            other => Err(failure("Attestation", other)),
        }
    }

    /// Describes the NSM.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], [`NsmError::Unexpected`].
    pub fn describe(&self) -> Result<Description, NsmError> {
        match self.0.process(Request::DescribeNSM) {
            Response::DescribeNSM {
                version_major,
                version_minor,
                version_patch,
                module_id,
                max_pcrs,
                locked_pcrs,
                digest,
            } => Ok(Description {
                version: (version_major, version_minor, version_patch),
                module_id,
                max_pcrs,
                locked_pcrs,
                digest,
            }),
            other => Err(failure("DescribeNSM", other)),
        }
    }

    /// Reads a PCR, 0 to 31.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], with `InvalidIndex` above 31; [`NsmError::Unexpected`].
    pub fn describe_pcr(&self, index: u16) -> Result<PcrState, NsmError> {
        match self.0.process(Request::DescribePCR { index }) {
            Response::DescribePCR { lock, data } => Ok(PcrState {
                value: data,
                locked: lock,
            }),
            other => Err(failure("DescribePCR", other)),
        }
    }

    /// Extends a PCR: its new value, which is returned, is SHA-384 of the old value and `data`.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], with `InvalidIndex` above 31, `ReadOnlyIndex` for a locked PCR (0 to 15 always are),
    /// `InputTooLarge` where the request takes more than 4096 bytes; [`NsmError::Unexpected`].
    pub fn extend_pcr(&self, index: u16, data: &[u8]) -> Result<Vec<u8>, NsmError> {
        let data = data.to_vec();
        match self.0.process(Request::ExtendPCR { index, data }) {
            Response::ExtendPCR { data } => Ok(data),
            other => Err(failure("ExtendPCR", other)),
        }
    }

    /// Locks a PCR until the enclave ends: it becomes read-only and part of every document.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], with `InvalidIndex` above 31, `ReadOnlyIndex` where it is locked already;
    /// [`NsmError::Unexpected`].
    pub fn lock_pcr(&self, index: u16) -> Result<(), NsmError> {
        match self.0.process(Request::LockPCR { index }) {
            Response::LockPCR => Ok(()),
            other => Err(failure("LockPCR", other)),
        }
    }

    /// Locks the first `range` PCRs: 0 to `range` - 1. Those that are already locked stay locked.
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], with `InvalidIndex` above 32; [`NsmError::Unexpected`].
    pub fn lock_pcrs(&self, range: u16) -> Result<(), NsmError> {
        match self.0.process(Request::LockPCRs { range }) {
            Response::LockPCRs => Ok(()),
            other => Err(failure("LockPCRs", other)),
        }
    }

    /// Fills `out` with entropy, in as many requests as needed (the device gives 256 bytes at a time).
    ///
    /// # Errors
    ///
    /// [`NsmError::Refused`], [`NsmError::Unexpected`], [`NsmError::NoEntropy`]. After an error `out` is not random.
    pub fn random(&self, out: &mut [u8]) -> Result<(), NsmError> {
        let mut left = out;
        while !left.is_empty() {
            let random = match self.0.process(Request::GetRandom) {
                Response::GetRandom { random } => Zeroizing::new(random),
                other => return Err(failure("GetRandom", other)),
            };
            if random.is_empty() {
                return Err(NsmError::NoEntropy);
            }
            let (now, later) = left.split_at_mut(left.len().min(random.len()));
            for (to, from) in now.iter_mut().zip(random.iter()) {
                *to = *from;
            }
            left = later;
        }
        Ok(())
    }
}

impl fmt::Debug for Nsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nsm")
            .field("name", &self.name())
            .field("trust_anchor", self.trust_anchor())
            .finish()
    }
}

fn failure(request: &'static str, response: Response) -> NsmError {
    let response = match response {
        Response::Error(code) => return NsmError::Refused { request, code },
        Response::DescribePCR { .. } => "DescribePCR",
        Response::ExtendPCR { .. } => "ExtendPCR",
        Response::LockPCR => "LockPCR",
        Response::LockPCRs => "LockPCRs",
        Response::DescribeNSM { .. } => "DescribeNSM",
        Response::Attestation { .. } => "Attestation",
        Response::GetRandom { .. } => "GetRandom",
        _ => "an unknown response",
    };
    NsmError::Unexpected { request, response }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider that gives the function's response to every request.
    struct Says(RootCertificate, fn(Request) -> Response);

    impl Provider for Says {
        fn name(&self) -> &'static str {
            "says"
        }

        fn trust_anchor(&self) -> &RootCertificate {
            &self.0
        }

        fn process(&self, request: Request) -> Response {
            (self.1)(request)
        }
    }

    fn nsm(says: fn(Request) -> Response) -> Nsm {
        Nsm::new(Says(RootCertificate::aws_nitro_g1(), says))
    }

    fn every_call(nsm: &Nsm) -> Vec<(&'static str, NsmError)> {
        vec![
            ("Attestation", nsm.attest(None, None, None).unwrap_err()),
            ("DescribeNSM", nsm.describe().unwrap_err()),
            ("DescribePCR", nsm.describe_pcr(0).unwrap_err()),
            ("ExtendPCR", nsm.extend_pcr(16, &[]).unwrap_err()),
            ("LockPCR", nsm.lock_pcr(16).unwrap_err()),
            ("LockPCRs", nsm.lock_pcrs(16).unwrap_err()),
            ("GetRandom", nsm.random(&mut [0]).unwrap_err()),
        ]
    }

    #[test]
    fn an_error_names_the_request_and_the_code() {
        let nsm = nsm(|_| Response::Error(ErrorCode::InvalidOperation));
        for (request, error) in every_call(&nsm) {
            let expected = format!("the NSM refused {request}: InvalidOperation");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_response_to_another_request_is_an_error() {
        let nsm = nsm(|request| match request {
            Request::LockPCR { .. } => Response::LockPCRs,
            _ => Response::LockPCR,
        });
        for (request, error) in every_call(&nsm) {
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("the NSM responded to {request} with LockPCR")),
                "{text}"
            );
        }
    }

    #[test]
    fn entropy_is_gathered_over_as_many_requests_as_needed() {
        let nsm = nsm(|_| Response::GetRandom {
            random: vec![1, 2, 3],
        });
        let mut out = [0; 8];
        nsm.random(&mut out).unwrap();
        assert_eq!(out, [1, 2, 3, 1, 2, 3, 1, 2]);
        nsm.random(&mut []).unwrap();
    }

    #[test]
    fn an_nsm_that_gives_no_entropy_is_an_error_and_not_an_endless_loop() {
        let nsm = nsm(|_| Response::GetRandom { random: vec![] });
        assert!(matches!(nsm.random(&mut [0]), Err(NsmError::NoEntropy)));
    }

    #[test]
    fn the_trust_anchor_is_the_providers() {
        let nsm = nsm(|_| Response::LockPCR);
        assert_eq!(nsm.trust_anchor(), &RootCertificate::aws_nitro_g1());
        assert_eq!(nsm.name(), "says");
    }
}
