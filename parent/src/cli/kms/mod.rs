//! `permafrost kms`.

mod check;
mod difference;
mod policy;
mod policy_arguments;
mod provision;
mod report;
mod service;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::Subcommand;

use super::outcome::Outcome;

/// The key in AWS KMS that generates the root secret: make it, write its policy, check it.
#[derive(Debug, Subcommand)]
pub(super) enum Kms {
    Policy(policy::Policy),
    Check(check::Check),
    Provision(Box<provision::Provision>),
}

impl Kms {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self {
            Self::Policy(policy) => policy.run(),
            Self::Check(check) => check.run(),
            Self::Provision(provision) => provision.run().await,
        }
    }
}

/// How many bytes are read from a file at most: enough for a key policy as a string in JSON.
const READ_MAX: u64 = 1024 * 1024;

/// Reads a text file, or standard input for `-`; at most 1 MiB.
fn read_text(path: &Path) -> Result<String, Outcome> {
    let wrong =
        |error: &dyn std::fmt::Display| Outcome::wrong_call(format!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(READ_MAX + 1)
            .read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(READ_MAX + 1).read_to_string(&mut text))
    };
    match read {
        Err(error) => Err(wrong(&error)),
        Ok(_) if text.len() as u64 > READ_MAX => {
            Err(wrong(&"more than 1 MiB; accepted: at most that"))
        }
        Ok(_) => Ok(text),
    }
}
