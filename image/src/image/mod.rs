//! What the enclave image is made of.

use crate::cpio::Files;
use crate::eif::{Architecture, Eif, Kind, Section};
use crate::manifest::Manifest;

/// The kernel's command line, of every release: part of PCR1.
pub const COMMAND_LINE: &str = include_str!("../../cmdline");

/// Where the first ramdisk has the enclave program. The kernel starts it as the first process.
pub const INIT: &str = "init";

/// Where the second ramdisk has the measured configuration.
pub const CONFIGURATION: &str = "config/enclave.toml";

/// The memory of an enclave that `nitro-cli run-enclave` is not told the memory of, in bytes: what AWS's own images say.
const DEFAULT_MEMORY: u64 = 1024 * 1024 * 1024;

/// Its CPUs: one core, as AWS's own images say.
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
    /// The image: the same parts give the same bytes.
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

/// The first ramdisk: the program and nothing else. The kernel itself has the directories that it needs before.
pub fn code_ramdisk(program: &[u8]) -> Vec<u8> {
    Files::default()
        .with(INIT, program.to_vec(), true)
        .to_archive()
}

/// The second ramdisk: the configuration and nothing else. Its measure is PCR2.
pub fn configuration_ramdisk(configuration: &[u8]) -> Vec<u8> {
    Files::default()
        .with(CONFIGURATION, configuration.to_vec(), false)
        .to_archive()
}

#[cfg(test)]
mod tests;
