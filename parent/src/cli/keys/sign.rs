//! `permafrost keys sign`: what to sign, from arguments and files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use permafrost_client::Principal;
use permafrost_common::api::{MESSAGE_MAX, SignRequest, Signed, UnsignedEvent};

use super::derive::key_id;
use super::share_file::ShareFiles;
use crate::cli::outcome::Outcome;

/// The longest event file that this program reads, in bytes; the enclave has a limit of its own.
const EVENT_MAX: usize = 1024 * 1024;

const EXAMPLES: &str = r#"Examples:
  permafrost keys sign ID --message 'hello'
  permafrost keys sign ID --message-file invoice.pdf --json
  permafrost keys sign ID --digest "$(sha256sum release.tar | cut -c1-64)"
  echo '{"created_at":1700000000,"kind":1,"tags":[],"content":"hello"}' | permafrost keys sign ID --event -
  permafrost keys sign ID --taproot-sighash <64 hex>
  permafrost keys sign ID --share alice.share --event event.json
  permafrost keys sign user:alice --message 'hello'

Signatures are BIP-340 (64 bytes). A message of exactly 32 bytes is signed like a digest. A signed Nostr event is
printed in the form that relays accept."#;

/// Sign with a key: a message, a digest, a Nostr event or a Taproot spend.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sign {
    /// The key's id, or user:NAME for a derived key.
    pub(super) id: String,

    #[command(flatten)]
    payload: Payload,

    #[command(flatten)]
    shares: ShareFiles,

    /// The Merkle root of the output's script tree, 32 bytes, if it has one.
    #[arg(
        conflicts_with_all = ["message", "message_hex", "message_file", "digest", "event"],
        long,
        value_name = "HEX"
    )]
    merkle_root: Option<String>,
}

#[derive(Args, Debug)]
#[group(multiple = false, required = true)]
struct Payload {
    /// A text; its UTF-8 bytes are signed.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,

    /// Bytes in hex.
    #[arg(long, value_name = "HEX")]
    message_hex: Option<String>,

    /// The bytes of a file, at most 65536; - for standard input.
    #[arg(long, value_name = "FILE")]
    message_file: Option<PathBuf>,

    /// A digest of 32 bytes, signed unchanged.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,

    /// A Nostr event (NIP-01) as JSON: created_at, kind, tags, content; - for standard input.
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,

    /// The signature hash of a Taproot input (BIP-341), 32 bytes.
    #[arg(long, value_name = "HEX")]
    taproot_sighash: Option<String>,
}

impl Sign {
    /// Has the enclave sign, or signs together with it.
    pub(super) async fn ask(
        &self,
        principal: &Principal,
        what: &SignRequest,
    ) -> Result<Signed, Outcome> {
        if self.shares.is_empty() {
            return Ok(principal.sign(&key_id(&self.id)?, what).await?);
        }
        let shares = self.shares.read_of(&self.id)?;
        Ok(principal.sign_split(&shares, what).await?)
    }

    /// What to sign, from the arguments.
    pub(super) fn what(&self) -> Result<SignRequest, Outcome> {
        let payload = &self.payload;
        if let Some(text) = &payload.message {
            return message(text.as_bytes());
        }
        if let Some(digits) = &payload.message_hex {
            let bytes = hex::decode(digits)
                .map_err(|error| Outcome::wrong_call(format!("--message-hex: {error}")))?;
            return message(&bytes);
        }
        if let Some(path) = &payload.message_file {
            return message(&read(path, MESSAGE_MAX)?);
        }
        if let Some(path) = &payload.event {
            let event: UnsignedEvent = serde_json::from_slice(&read(path, EVENT_MAX)?)
                .map_err(|error| Outcome::wrong_call(format!("--event: {error}")))?;
            return Ok(SignRequest::NostrEvent { event });
        }
        if let Some(sighash) = &payload.taproot_sighash {
            return Ok(SignRequest::TaprootSpend {
                sighash: hash("--taproot-sighash", sighash)?,
                merkle_root: match &self.merkle_root {
                    Some(root) => Some(hash("--merkle-root", root)?),
                    None => None,
                },
            });
        }
        Ok(SignRequest::Digest {
            digest: hash("--digest", payload.digest.as_deref().unwrap_or_default())?,
        })
    }
}

fn message(bytes: &[u8]) -> Result<SignRequest, Outcome> {
    if bytes.len() > MESSAGE_MAX {
        return Err(Outcome::wrong_call(format!(
            "the message has more than {MESSAGE_MAX} bytes; accepted: at most {MESSAGE_MAX}; sign its digest instead"
        )));
    }
    Ok(SignRequest::Message {
        message: hex::encode(bytes),
    })
}

/// 32 bytes in hex, in lower case as the enclave expects them.
fn hash(argument: &str, digits: &str) -> Result<String, Outcome> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
        Outcome::wrong_call(format!(
            "{argument} has {} characters; accepted: 64 hex digits",
            digits.chars().count()
        ))
    })?;
    Ok(hex::encode(bytes))
}

/// Reads a file, or standard input for `-`: at most `max` bytes and one, so that the caller notices more than `max`.
fn read(path: &Path, max: usize) -> Result<Vec<u8>, Outcome> {
    let limit = max as u64 + 1;
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(limit).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Outcome::wrong_call(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}
