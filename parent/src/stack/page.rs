//! The page of a development stack: its origin, and what it expects of the enclave.

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

/// Why the stack cannot serve the page.
#[derive(Debug, thiserror::Error)]
pub enum StackPageError {
    /// The port is 0, which takes any free one.
    #[error(
        "--page with port 0: passkeys belong to one origin, which is measured; accepted: --listen with a fixed port"
    )]
    Port,
    /// The measured configuration does not serve users at this origin.
    #[error(
        "{}: no section [people] for {origin}; add this, or choose another --state:\n\n{}",
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

/// Checks that the measured configuration serves users at an origin.
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

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://localhost:8080";

    fn state(people: Option<&str>) -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        state.write_enclave_config("[kms]\n", people).unwrap();
        (folder, state)
    }

    #[test]
    fn a_page_takes_a_port_that_stays() {
        assert_eq!(origin("127.0.0.1:8080".parse().unwrap()).unwrap(), ORIGIN);
        let any = origin("127.0.0.1:0".parse().unwrap());
        assert!(matches!(any, Err(StackPageError::Port)));
    }

    #[test]
    fn a_configuration_without_people_at_the_origin_is_refused_with_what_to_add() {
        for people in [None, Some("http://localhost:9000")] {
            let (_folder, state) = state(people);
            let refused = check_people(&state, ORIGIN).unwrap_err().to_string();
            assert!(refused.contains(&people_text(ORIGIN)), "{refused}");
        }
        let (_folder, state) = state(Some(ORIGIN));
        check_people(&state, ORIGIN).unwrap();
    }

    #[test]
    fn what_the_page_expects_is_the_measured_program_and_configuration_under_the_stacks_root() {
        let (_folder, state) = state(Some(ORIGIN));
        fs::write(state.root(), "the root").unwrap();
        let pcr = |byte: u8| hex::encode([byte; 48]);
        let measured = json!({"PCR0": pcr(0), "PCR1": pcr(1), "PCR2": pcr(2)});
        let measurements = Measurements::from_json(&measured.to_string()).unwrap();
        StackPage::new(ORIGIN, measurements)
            .write_expectation(&state)
            .unwrap();
        let written = fs::read_to_string(state.expectation()).unwrap();
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["deployment"], DEPLOYMENT);
        assert_eq!(written["roots"], json!(["the root"]));
        assert_eq!(written["releases"][0]["pcr1"], pcr(1));
        assert_eq!(written["configurations"][0]["pcr2"], pcr(2));
    }
}
