//! The commands of a development build. What is deployed has none of them.

mod demo;
mod dev;
mod kms_emulator;

use clap::Subcommand;

use super::outcome::Outcome;

#[derive(Debug, Subcommand)]
pub(super) enum Development {
    Dev(dev::Dev),
    Demo(demo::Demo),
    KmsEmulator(kms_emulator::KmsEmulator),
}

impl Development {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self {
            Self::Dev(dev) => dev.run().await,
            Self::Demo(demo) => demo.run().await,
            Self::KmsEmulator(emulator) => emulator.run().await,
        }
    }
}
