//! `permafrost attest fetch`.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use permafrost_client::{Client, Endpoint};

use super::{Nonce, parse_nonce};
use crate::cli::outcome::{Outcome, say};
use crate::cli::profile_option::ProfileOption;

const EXAMPLES: &str = "\
Examples:
  permafrost attest fetch > document.b64
  permafrost attest fetch --url http://127.0.0.1:8080 --nonce 00112233 --out document.cbor
  permafrost attest fetch --url vsock://16:5000 | permafrost attest verify -

Nothing is checked here: `permafrost attest verify` checks the document, with the nonce that was sent.";

/// Fetch an attestation document from an enclave, unchecked.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fetch {
    #[command(flatten)]
    profile: ProfileOption,

    /// The endpoint to use instead of the profile's: http://HOST:PORT, vsock://CID:PORT or unix:PATH.
    #[arg(long, value_name = "URL")]
    url: Option<Endpoint>,

    /// The nonce that the document must contain, 0 to 512 bytes. Without it: the document that the boot made at its start.
    #[arg(long, value_name = "HEX", value_parser = parse_nonce)]
    nonce: Option<Nonce>,

    /// Write the document itself (CBOR) to a file, instead of base64 to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Fetch {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let client = match self.url {
            Some(endpoint) => Client::new(endpoint),
            None => self.profile.read()?.client()?,
        };
        let nonce = self.nonce.as_ref().map(|Nonce(nonce)| nonce.as_slice());
        let document = client.attestation(nonce).await?;
        match self.out {
            None => say(STANDARD.encode(&document)),
            Some(path) => fs::write(&path, document)
                .map_err(|error| Outcome::wrong_call(format!("{}: {error}", path.display()))),
        }
    }
}
