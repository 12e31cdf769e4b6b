//! `permafrost attest`.

mod document_file;
mod fetch;
mod verify;

use clap::Subcommand;

use super::outcome::Outcome;

/// Attestation documents: fetch one, verify one.
#[derive(Debug, Subcommand)]
pub(super) enum Attest {
    Fetch(fetch::Fetch),
    Verify(Box<verify::Verify>),
}

impl Attest {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self {
            Self::Fetch(fetch) => fetch.run().await,
            Self::Verify(verify) => verify.run(),
        }
    }
}

/// A nonce as an argument: 0 to 512 bytes in hex.
#[derive(Clone, Debug)]
struct Nonce(Vec<u8>);

fn parse_nonce(text: &str) -> Result<Nonce, String> {
    hex::decode(text)
        .ok()
        .filter(|nonce| nonce.len() <= 512)
        .map(Nonce)
        .ok_or_else(|| "accepted: 0 to 512 bytes in hex".to_owned())
}
