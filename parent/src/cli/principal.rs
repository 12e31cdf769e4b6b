//! `permafrost principal`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use permafrost_common::api::is_name;
use permafrost_common::http_signature::{Algorithm, SigningKey};

use super::outcome::{Outcome, say};
use crate::private_file;

const EXAMPLES: &str = "\
Examples:
  permafrost principal new payments
  permafrost principal new payments --algorithm ecdsa-p256-sha256 --out /etc/payments/key.pem

The key file is PKCS#8 in PEM with mode 0600, as `openssl pkey -in FILE -text` reads it. An existing file is never
overwritten. Put the printed lines into the enclave's measured configuration; the private key stays in its file.";

/// Principals: the signers of requests that the enclave may accept.
#[derive(Debug, Subcommand)]
pub(super) enum Principal {
    New(New),
}

/// Make a key for a principal and print its entry for the measured configuration.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct New {
    /// The principal's name: 1 to 64 of A-Z a-z 0-9 - _ .
    #[arg(value_parser = parse_name)]
    name: String,

    /// The algorithm that the principal signs with.
    #[arg(long, default_value = "ed25519", value_enum)]
    algorithm: KeyAlgorithm,

    /// The key file. Default: principal-NAME.pem
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyAlgorithm {
    Ed25519,
    #[value(name = "ecdsa-p256-sha256")]
    EcdsaP256,
}

impl Principal {
    pub(super) fn run(self) -> Result<(), Outcome> {
        match self {
            Self::New(new) => new.run(),
        }
    }
}

impl New {
    fn run(self) -> Result<(), Outcome> {
        let path = self
            .out
            .unwrap_or_else(|| PathBuf::from(format!("principal-{}.pem", self.name)));
        let key = SigningKey::generate(match self.algorithm {
            KeyAlgorithm::Ed25519 => Algorithm::Ed25519,
            KeyAlgorithm::EcdsaP256 => Algorithm::EcdsaP256,
        })
        .map_err(Outcome::failed)?;
        let public_key = key.public_key().map_err(Outcome::failed)?;
        let pem = key.to_pem().map_err(Outcome::failed)?;
        private_file::write_new(&path, pem.as_bytes())
            .map_err(|error| Outcome::failed(format!("{}: {error}", path.display())))?;
        say(format!(
            "# The key of this principal is in {}: keep it where the requests are signed.\n{}",
            path.display(),
            snippet(&self.name, &public_key.to_string())
        ))
    }
}

/// The principal's entry, with the least that lets the principal make keys of its own and use them.
fn snippet(name: &str, public_key: &str) -> String {
    format!(
        "[[principal]]\n\
         name = \"{name}\"\n\
         public_key = \"{public_key}\"\n\
         # Others: rotate_key, replace_key, label_key, disable_key, delete_key, take_part. What is not named is refused.\n\
         operations = [\"create_key\", \"list_keys\", \"show_key\", \"sign\"]\n\
         # Only the keys that it made; or \"all\", or a list of key ids.\n\
         keys = \"own\"\n\
         # Others: digest, taproot_spend, which sign whatever the caller hashed.\n\
         payloads = [\"message\", \"nostr_event\"]\n\
         requests_per_minute = 600"
    )
}

fn parse_name(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("accepted: 1 to 64 of A-Z a-z 0-9 - _ .".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_entry_is_toml() {
        let table: toml::Table = snippet("a", "ed25519:00").parse().unwrap();
        assert_eq!(table["principal"][0]["name"].as_str(), Some("a"));
    }
}
