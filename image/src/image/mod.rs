//! What the enclave image is made of.

use crate::cpio::Files;
use crate::eif::{Architecture, Eif, Kind, Section};
use crate::manifest::Manifest;

/// The kernel's command line, the same for every image of a release: part of PCR1.
pub const COMMAND_LINE: &str = include_str!("../../cmdline");

/// The path of the enclave program in the first ramdisk. The kernel starts it as the first process.
pub const INIT: &str = "init";

/// The path of the measured configuration in the second ramdisk.
pub const CONFIGURATION: &str = "config/enclave.toml";

/// The memory of an enclave, in bytes, where `nitro-cli run-enclave` is not told otherwise: as in AWS's own images.
const DEFAULT_MEMORY: u64 = 1024 * 1024 * 1024;

/// The CPUs of an enclave, likewise: one core, as in AWS's own images.
const DEFAULT_CPUS: u64 = 2;

/// What an image is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// A bzImage.
    pub kernel: Vec<u8>,
    /// The static enclave program.
    pub program: Vec<u8>,
    /// The measured configuration, TOML.
    pub configuration: Vec<u8>,
}

impl Parts {
    /// Makes the image. The same parts give the same bytes.
    pub fn to_eif(&self) -> Eif {
        let section = |kind, content| Section { kind, content };
        Eif {
            architecture: Architecture::X86_64,
            default_memory: DEFAULT_MEMORY,
            default_cpus: DEFAULT_CPUS,
            sections: vec![
                section(Kind::Kernel, self.kernel.clone()),
                section(Kind::CommandLine, COMMAND_LINE.trim_end().into()),
                section(Kind::Metadata, Manifest::of(self).to_metadata().into()),
                section(Kind::Ramdisk, code_ramdisk(&self.program)),
                section(Kind::Ramdisk, configuration_ramdisk(&self.configuration)),
            ],
        }
    }
}

/// The first ramdisk: the program and nothing else. The directories that the program needs first come with the kernel.
pub fn code_ramdisk(program: &[u8]) -> Vec<u8> {
    Files::default()
        .with(INIT, program.to_vec(), true)
        .to_archive()
}

/// The second ramdisk: the configuration and nothing else. PCR2 measures it.
pub fn configuration_ramdisk(configuration: &[u8]) -> Vec<u8> {
    Files::default()
        .with(CONFIGURATION, configuration.to_vec(), false)
        .to_archive()
}

#[cfg(test)]
mod tests;
