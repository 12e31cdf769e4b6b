//! What a key may be asked to sign.

use permafrost_common::api::{MESSAGE_MAX, SignRequest};
use serde::{Deserialize, Serialize};

use super::{InvalidField, hex_field, nostr};

/// Something to sign, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload {
    /// Bytes, signed as they are: 0 to 65536 bytes, but not 32.
    Message(Vec<u8>),
    /// A digest made by the caller, signed as it is.
    Digest([u8; 32]),
    /// A Nostr event (NIP-01), signed by its id.
    NostrEvent(nostr::Event),
    /// A Taproot key-path spend (BIP-341), signed by the tweaked key.
    TaprootSpend {
        /// The signature hash of the input.
        sighash: [u8; 32],
        /// The Merkle root of the output's script tree; None where it has none.
        merkle_root: Option<[u8; 32]>,
    },
}

/// The kinds of [`Payload`], as policies name them: `message`, `digest`, `nostr_event`, `taproot_spend`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// Bytes of any length but 32.
    Message,
    /// 32 bytes, whatever the request calls them: they may be the hash of anything, also of a transaction.
    Digest,
    /// A Nostr event.
    NostrEvent,
    /// A Taproot key-path spend.
    TaprootSpend,
}

impl Payload {
    /// Checks the body of `POST /v1/keys/{id}/sign`.
    ///
    /// A message of exactly 32 bytes becomes a [`Payload::Digest`], so that a policy that allows messages does not also allow
    /// signature hashes and event ids.
    ///
    /// # Errors
    ///
    /// The first field that is not accepted: hex that is not lower case or of another length, a message of more
    /// than 65536 bytes, an event as [`nostr::Event::parse`] says.
    pub fn parse(request: SignRequest) -> Result<Self, InvalidField> {
        Ok(match request {
            SignRequest::Message { message } => {
                let message = hex_field::at_most("/message", &message, MESSAGE_MAX)?;
                match <[u8; 32]>::try_from(message) {
                    Ok(digest) => Self::Digest(digest),
                    Err(message) => Self::Message(message),
                }
            }
            SignRequest::Digest { digest } => Self::Digest(hex_field::fixed("/digest", &digest)?),
            SignRequest::NostrEvent { event } => Self::NostrEvent(nostr::Event::parse(event)?),
            SignRequest::TaprootSpend {
                sighash,
                merkle_root,
            } => Self::TaprootSpend {
                sighash: hex_field::fixed("/sighash", &sighash)?,
                merkle_root: merkle_root
                    .map(|root| hex_field::fixed("/merkle_root", &root))
                    .transpose()?,
            },
        })
    }

    /// The kind, which policies name.
    pub fn kind(&self) -> PayloadKind {
        match self {
            Self::Message(_) => PayloadKind::Message,
            Self::Digest(_) => PayloadKind::Digest,
            Self::NostrEvent(_) => PayloadKind::NostrEvent,
            Self::TaprootSpend { .. } => PayloadKind::TaprootSpend,
        }
    }

    /// The kind number of a Nostr event; None for other payloads.
    pub fn nostr_kind(&self) -> Option<u16> {
        match self {
            Self::NostrEvent(event) => Some(event.kind()),
            _ => None,
        }
    }
}

impl PayloadKind {
    /// The name, as in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Digest => "digest",
            Self::NostrEvent => "nostr_event",
            Self::TaprootSpend => "taproot_spend",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> SignRequest {
        SignRequest::Message {
            message: "ab".repeat(bytes),
        }
    }

    #[test]
    fn a_message_of_32_bytes_counts_as_a_digest_and_no_other_does() {
        let kind = |bytes| Payload::parse(message(bytes)).unwrap().kind();
        for bytes in [0, 1, 31, 33, 64, MESSAGE_MAX] {
            assert_eq!(kind(bytes), PayloadKind::Message);
        }
        assert_eq!(kind(32), PayloadKind::Digest);
    }

    #[test]
    fn each_field_is_checked_and_named() {
        let refused = |request| Payload::parse(request).unwrap_err().to_string();
        let message = refused(message(MESSAGE_MAX + 1));
        assert_eq!(
            message,
            "/message: 131074 hex digits; accepted: at most 65536 bytes as lower-case hex digits, two for each byte"
        );
        let digest = "ab".repeat(31);
        assert_eq!(
            refused(SignRequest::Digest { digest }),
            "/digest: 62 hex digits; accepted: 32 bytes as 64 lower-case hex digits"
        );
        let spend = |sighash: &str, merkle_root: &str| SignRequest::TaprootSpend {
            sighash: sighash.repeat(32),
            merkle_root: Some(merkle_root.repeat(32)),
        };
        assert!(refused(spend("AB", "ab")).starts_with("/sighash: 'A' at byte 0"));
        assert!(refused(spend("ab", "a")).starts_with("/merkle_root: 32 hex digits"));
        assert!(Payload::parse(spend("ab", "cd")).is_ok());
    }

    #[test]
    fn kinds_are_named_as_serde_names_them() {
        for kind in [
            PayloadKind::Message,
            PayloadKind::Digest,
            PayloadKind::NostrEvent,
            PayloadKind::TaprootSpend,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
