//! The device of a real enclave: `/dev/nsm`.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
    path::Path,
};

use aws_nitro_enclaves_nsm_api::driver::nsm_process_request;
use permafrost_common::attestation::RootCertificate;

use super::{Provider, Request, Response};

const PATH: &str = "/dev/nsm";

/// The NSM of the enclave that this process runs in. Its documents verify against AWS Nitro root G1 and no other root certificate;
/// builds with the feature `accept-unsigned-documents`, which run in QEMU, verify them against none.
#[derive(Debug)]
pub struct Device {
    file: File,
    trust_anchor: RootCertificate,
}

/// The device cannot be opened: this is not an enclave, or its kernel has no NSM driver.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the NSM device {path}: {source}")]
pub struct DeviceError {
    path: String,
    source: io::Error,
}

impl Device {
    /// Opens `/dev/nsm`.
    ///
    /// # Errors
    ///
    /// [`DeviceError`], with the path and the system's reason.
    pub fn open() -> Result<Self, DeviceError> {
        Self::open_at(Path::new(PATH))
    }

    /// Opens the file itself instead of calling the crate's `nsm_init`, which drops the reason of a failure.
    fn open_at(path: &Path) -> Result<Self, DeviceError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Ok(Self {
            file: file.map_err(|source| DeviceError {
                path: path.display().to_string(),
                source,
            })?,
            trust_anchor: trust_anchor(),
        })
    }
}

#[cfg(not(feature = "accept-unsigned-documents"))]
fn trust_anchor() -> RootCertificate {
    RootCertificate::aws_nitro_g1()
}

#[cfg(feature = "accept-unsigned-documents")]
fn trust_anchor() -> RootCertificate {
    RootCertificate::unsigned_documents_of_qemu()
}

impl Provider for Device {
    fn name(&self) -> &'static str {
        if cfg!(feature = "accept-unsigned-documents") {
            "unsigned-nsm"
        } else {
            "nsm"
        }
    }

    fn trust_anchor(&self) -> &RootCertificate {
        &self.trust_anchor
    }

    fn process(&self, request: Request) -> Response {
        nsm_process_request(self.file.as_raw_fd(), request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ErrorCode, Nsm, NsmError};
    use super::*;

    #[test]
    fn a_missing_device_is_named_with_the_reason() {
        let error = Device::open_at(Path::new("/nowhere/nsm")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("/nowhere/nsm") && text.contains("No such file"),
            "{text}"
        );
    }

    #[test]
    fn the_trust_anchor_is_that_of_aws_in_every_build_but_the_one_for_qemu() {
        let nsm = Nsm::new(Device::open_at(Path::new("/dev/null")).unwrap());
        let is_awss = nsm.trust_anchor() == &RootCertificate::aws_nitro_g1();
        assert_eq!(is_awss, !cfg!(feature = "accept-unsigned-documents"));
        assert_eq!(is_awss, nsm.name() == "nsm");
    }

    #[test]
    fn a_file_that_is_not_an_nsm_responds_with_errors() {
        let nsm = Nsm::new(Device::open_at(Path::new("/dev/null")).unwrap());
        assert!(matches!(
            nsm.describe(),
            Err(NsmError::Refused {
                request: "DescribeNSM",
                code: ErrorCode::InternalError
            })
        ));
        assert!(matches!(
            nsm.extend_pcr(16, &[0; 5000]),
            Err(NsmError::Refused {
                code: ErrorCode::InputTooLarge,
                ..
            })
        ));
    }
}
