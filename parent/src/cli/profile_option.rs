//! `--profile`.

use std::path::PathBuf;

use clap::Args;

use super::outcome::Outcome;
use crate::profile::{DEFAULT_PROFILE, Profile};

/// The profile that says which stack to use, and as which principal.
#[derive(Args, Debug)]
pub(super) struct ProfileOption {
    /// The profile: endpoint, root certificate, principal and key file. `permafrost dev` writes one.
    #[arg(
        default_value = DEFAULT_PROFILE,
        env = "PERMAFROST_PROFILE",
        global = true,
        long = "profile",
        value_name = "FILE"
    )]
    path: PathBuf,
}

impl ProfileOption {
    pub(super) fn read(&self) -> Result<Profile, Outcome> {
        Ok(Profile::read(&self.path)?)
    }
}
