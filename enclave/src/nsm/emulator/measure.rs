//! The values of PCR0-2 in development: measurements of this executable and its configuration.

use std::{fs::File, io};

use aws_lc_rs::digest::{self, SHA384};
use permafrost_common::attestation::{Measurements, PCR_LEN, Pcr};

use super::bank::extended;

/// The kernel's name for the file that a process runs. Unlike a path, it still names that file after a rebuild replaces it.
const EXECUTABLE: &str = "/proc/self/exe";

/// The digests from which the PCRs of a booted enclave are computed.
///
/// As on Nitro, each PCR is extended once from 48 zero bytes with the SHA-384 of what it measures:
///
/// | PCR | value |
/// |---|---|
/// | 0, both | SHA-384(48 zero bytes, SHA-384(`executable_sha384`, `configuration_sha384`)) |
/// | 1, the code | SHA-384(48 zero bytes, `executable_sha384`) |
/// | 2, the configuration | SHA-384(48 zero bytes, `configuration_sha384`) |
///
/// So another executable changes PCR0 and PCR1, another configuration PCR0 and PCR2, and nothing else. In an image PCR1
/// also covers the kernel and its command line, which a process does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measured {
    /// SHA-384 of the executable file.
    pub executable_sha384: [u8; 48],
    /// SHA-384 of the configuration file.
    pub configuration_sha384: [u8; 48],
}

/// The running executable cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot measure the executable {path}: {source}")]
pub struct MeasureError {
    path: &'static str,
    source: io::Error,
}

impl Measured {
    /// Measures the executable that this process runs, and `config`: the bytes of its configuration file.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] where the executable cannot be read.
    pub fn of_this_process(config: &[u8]) -> Result<Self, MeasureError> {
        File::open(EXECUTABLE)
            .and_then(|executable| Self::of(executable, config))
            .map_err(|source| MeasureError {
                path: EXECUTABLE,
                source,
            })
    }

    /// Measures an executable, which is read to its end piece by piece, and the bytes of a configuration file: the documents of a
    /// process of that executable with that configuration will have these measurements.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub fn of(mut executable: impl io::Read, config: &[u8]) -> io::Result<Self> {
        let mut context = Sha384(digest::Context::new(&SHA384));
        io::copy(&mut executable, &mut context)?;
        Ok(Self {
            executable_sha384: array(context.0.finish()),
            configuration_sha384: array(digest::digest(&SHA384, config)),
        })
    }

    /// PCR0, PCR1 and PCR2.
    pub fn pcrs(&self) -> [Pcr; 3] {
        let zero = [0; PCR_LEN];
        let mut both = digest::Context::new(&SHA384);
        both.update(&self.executable_sha384);
        both.update(&self.configuration_sha384);
        [
            extended(&zero, both.finish().as_ref()),
            extended(&zero, &self.executable_sha384),
            extended(&zero, &self.configuration_sha384),
        ]
    }

    /// PCR0, PCR1 and PCR2 as a verifier's policy takes them.
    pub fn measurements(&self) -> Measurements {
        Measurements::of_image(self.pcrs())
    }
}

struct Sha384(digest::Context);

impl io::Write for Sha384 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn array(digest: digest::Digest) -> [u8; 48] {
    let mut out = [0; 48];
    out.copy_from_slice(digest.as_ref());
    out
}
