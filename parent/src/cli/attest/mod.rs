//! `permafrost attest`.

mod contents;
mod document_file;
mod fetch;
mod path;
mod refusal;
mod show;
mod verify;

use clap::Subcommand;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::outcome::Outcome;

/// Attestation documents: fetch one, show one, verify one.
#[derive(Debug, Subcommand)]
pub(super) enum Attest {
    Fetch(fetch::Fetch),
    Show(show::Show),
    Verify(Box<verify::Verify>),
}

impl Attest {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self {
            Self::Fetch(fetch) => fetch.run().await,
            Self::Show(show) => show.run(),
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

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A time in seconds since 1970, as people write it.
pub(super) fn utc(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} s since 1970"))
}
