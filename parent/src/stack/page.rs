//! The page for people of a development stack: at which origin, and what it expects of the enclave.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use permafrost_common::attestation::Measurements;
use serde_json::json;

use super::state::{DEPLOYMENT, State, people_text};

/// A page that the stack serves.
pub(super) struct StackPage {
    origin: String,
    measurements: Measurements,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum StackPageError {
    /// Any free port was asked for.
    #[error(
        "--page with port 0: passkeys are for one origin, which is measured; accepted: --listen with a port that stays"
    )]
    Port,
    /// The measured configuration was made without people, or for another origin.
    #[error(
        "{}: no people at {origin}; add this, or take another --state:\n\n{}",
        path.display(),
        people_text(origin)
    )]
    NoPeople {
        /// The measured configuration.
        path: PathBuf,
        /// The origin.
        origin: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The origin of the page that is served at an address.
pub(super) fn origin(listen: SocketAddr) -> Result<String, StackPageError> {
    match listen.port() {
        0 => Err(StackPageError::Port),
        port => Ok(format!("http://localhost:{port}")),
    }
}

/// Sees to it that the measured configuration has people at an origin.
pub(super) fn check_people(state: &State, origin: &str) -> Result<(), StackPageError> {
    let path = state.enclave_config();
    let text = read(path.clone())?;
    let origins = text
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| Some(table.get("people")?.get("origins")?.as_array()?.clone()))
        .unwrap_or_default();
    match origins.iter().any(|one| one.as_str() == Some(origin)) {
        true => Ok(()),
        false => Err(StackPageError::NoPeople {
            path,
            origin: origin.to_owned(),
        }),
    }
}

impl StackPage {
    pub(super) fn new(origin: &str, measurements: Measurements) -> Self {
        Self {
            origin: origin.to_owned(),
            measurements,
        }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Writes what the page expects: this program, this configuration, this root. The root is there once the enclave has run.
    pub(super) fn write_expectation(&self, state: &State) -> Result<(), StackPageError> {
        let pcr = |index| self.measurements.get(index).map(hex::encode);
        let expectation = json!({
            "deployment": DEPLOYMENT,
            "roots": [read(state.root())?],
            "releases": [{"name": "the enclave program of this development stack", "pcr1": pcr(1)}],
            "configurations": [{"name": "enclave.toml of this development stack", "pcr2": pcr(2)}],
        });
        let path = state.expectation();
        fs::write(&path, format!("{expectation:#}\n"))
            .map_err(|source| StackPageError::File { path, source })
    }
}

fn read(path: PathBuf) -> Result<String, StackPageError> {
    fs::read_to_string(&path).map_err(|source| StackPageError::File { path, source })
}
