//! What a document says, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use permafrost_common::attestation::{Pcr, Unverified, VerifiedDocument};
use permafrost_common::binding::Binding;
use serde::Serialize;

use super::utc;

/// The fields of a document. Bytes are lower-case hex.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    module_id: String,
    /// Milliseconds since 1970.
    timestamp: u64,
    /// Index to 96 hex digits.
    pcrs: BTreeMap<u8, String>,
    nonce: Option<String>,
    user_data: Option<String>,
    public_key: Option<String>,
    debug: bool,
    #[serde(skip)]
    binding: Option<Binding>,
}

impl Contents {
    /// One line a field, with the timestamp under a name of the caller's.
    pub(super) fn text(&self, timestamp: &str) -> String {
        let mut text = String::new();
        line(&mut text, "module", self.module_id.escape_debug());
        let seconds = i64::try_from(self.timestamp / 1000).unwrap_or(i64::MAX);
        line(&mut text, timestamp, utc(seconds));
        line(
            &mut text,
            "debug mode",
            if self.debug { "YES" } else { "no" },
        );
        for (index, value) in &self.pcrs {
            // PCRs that were never extended are all zero; a screen full of them says nothing.
            if value.bytes().any(|digit| digit != b'0') || *index == 0 {
                line(&mut text, &format!("PCR{index}"), value);
            }
        }
        optional(&mut text, "nonce", self.nonce.as_deref());
        optional(&mut text, "public key", self.public_key.as_deref());
        match &self.binding {
            Some(binding) => describe_binding(&mut text, binding),
            None => optional(&mut text, "user data", self.user_data.as_deref()),
        }
        text
    }
}

impl From<&VerifiedDocument> for Contents {
    fn from(document: &VerifiedDocument) -> Self {
        Self {
            module_id: document.module_id().to_owned(),
            timestamp: document.timestamp_ms(),
            pcrs: hex_pcrs(document.pcrs()),
            nonce: document.nonce().map(hex::encode),
            user_data: document.user_data().map(hex::encode),
            public_key: document.public_key().map(hex::encode),
            debug: document.is_debug(),
            binding: binding(document.user_data()),
        }
    }
}

impl From<Unverified<'_>> for Contents {
    fn from(document: Unverified<'_>) -> Self {
        Self {
            module_id: document.module_id().to_owned(),
            timestamp: document.timestamp_ms(),
            pcrs: hex_pcrs(document.pcrs()),
            nonce: document.nonce().map(hex::encode),
            user_data: document.user_data().map(hex::encode),
            public_key: document.public_key().map(hex::encode),
            debug: document.is_debug(),
            binding: binding(document.user_data()),
        }
    }
}

/// A line of output: a name, and what it stands for.
pub(super) fn line(text: &mut String, name: &str, value: impl Display) {
    let _infallible = writeln!(text, "{name:18}{value}");
}

fn optional(text: &mut String, name: &str, value: Option<&str>) {
    line(text, name, value.unwrap_or("none"));
}

fn describe_binding(text: &mut String, binding: &Binding) {
    line(text, "deployment", binding.deployment.escape_debug());
    let boot_key = hex::encode(binding.boot_key);
    line(text, "boot key", format!("ed25519:{boot_key}"));
    let configuration = hex::encode(binding.configuration);
    line(text, "configuration", format!("sha-256:{configuration}"));
    let keys = binding
        .oblivious_keys
        .map(|keys| format!("sha-256:{}", hex::encode(keys)));
    optional(text, "oblivious keys", keys.as_deref());
}

fn binding(user_data: Option<&[u8]>) -> Option<Binding> {
    Binding::from_user_data(user_data?).ok()
}

fn hex_pcrs(pcrs: &BTreeMap<u8, Pcr>) -> BTreeMap<u8, String> {
    let each = pcrs.iter();
    each.map(|(index, value)| (*index, hex::encode(value)))
        .collect()
}
