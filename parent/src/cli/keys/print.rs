//! Keys and signatures, printed for people or for programs.

use permafrost_common::api::derived::Wallet;
use permafrost_common::api::replacement::{Replaced, Replacement};
use permafrost_common::api::split::Certificate;
use permafrost_common::api::{Key, KeyList, KeyStatus, Signed};
use permafrost_frost::Purpose;
use serde::Serialize;

use crate::cli::outcome::{Outcome, say};

/// How responses are printed.
pub(super) struct Print {
    pub(super) json: bool,
}

impl Print {
    pub(super) fn key(&self, key: &Key) -> Result<(), Outcome> {
        self.either(key, || describe(key))
    }

    pub(super) fn keys(&self, list: &KeyList) -> Result<(), Outcome> {
        self.either(list, || {
            if list.keys.is_empty() {
                return "no keys".to_owned();
            }
            let lines = list.keys.iter().map(|key| {
                format!(
                    "{}  {}-of-{}  {}  {}",
                    key.id,
                    key.threshold,
                    key.participants.len(),
                    status(key),
                    key.group_public_key
                )
            });
            let more = list.next.iter().map(|next| format!("more: --after {next}"));
            lines.chain(more).collect::<Vec<_>>().join("\n")
        })
    }

    pub(super) fn wallet(&self, wallet: &Wallet) -> Result<(), Outcome> {
        self.either(wallet, || {
            let lines = [
                format!("id          {}", wallet.key_id),
                format!("account     {}", wallet.extended_public_key),
                format!("receive     {}", wallet.receive),
                format!("change      {}", wallet.change),
            ];
            lines.join("\n")
        })
    }

    pub(super) fn certificate(&self, certificate: &Certificate) -> Result<(), Outcome> {
        self.either(certificate, || {
            let outcome = &certificate.outcome;
            let parameters = &outcome.parameters;
            let purpose = match parameters.purpose {
                Purpose::Generate => "generated",
                Purpose::Refresh => "refreshed",
                Purpose::Reshare => "reshared",
            };
            let signers = parameters
                .participants
                .iter()
                .map(|one| match one.public_key {
                    Some(key) => format!("signed by   {} with {key}", one.name),
                    None => format!("signed by   {}, which is the enclave", one.name),
                });
            let lines = [
                format!("key         {}", parameters.key_id),
                format!("public key  {}", outcome.group_public_key),
                format!(
                    "shares      {purpose}, generation {}",
                    parameters.generation
                ),
                format!("threshold   {}", parameters.threshold),
                format!("ceremony    {}", parameters.id),
                format!("transcript  {}", outcome.transcript),
            ];
            lines
                .into_iter()
                .chain(signers)
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    pub(super) fn replaced(&self, replaced: &Replaced) -> Result<(), Outcome> {
        self.either(replaced, || {
            let signature = replaced.replacement.signature;
            format!("{}\nstatement   {signature}", describe(&replaced.key))
        })
    }

    pub(super) fn replacement(&self, statement: &Replacement) -> Result<(), Outcome> {
        self.either(statement, || {
            let lines = [
                format!("old key     {}", statement.old_public_key),
                format!("new key     {}", statement.new_public_key),
                format!("old id      {}", statement.old_key_id),
                format!("new id      {}", statement.new_key_id),
                format!("deployment  {}", statement.deployment),
                format!("made        {}", statement.created_at),
                format!(
                    "signature   {}, by the old key: verified",
                    statement.signature
                ),
            ];
            lines.join("\n")
        })
    }

    pub(super) fn signed(&self, signed: &Signed) -> Result<(), Outcome> {
        self.either(signed, || match &signed.event {
            Some(event) => serde_json::to_string(event).unwrap_or_default(),
            None => format!(
                "public key  {}\nsignature   {}",
                signed.public_key, signed.signature
            ),
        })
    }

    fn either(
        &self,
        response: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Outcome> {
        if self.json {
            say(serde_json::to_string(response).unwrap_or_default())
        } else {
            say(text())
        }
    }
}

fn describe(key: &Key) -> String {
    let names: Vec<_> = key
        .participants
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let mut lines = vec![
        format!("id          {}", key.id),
        format!(
            "shares      {}-of-{}: {}",
            key.threshold,
            names.len(),
            names.join(", ")
        ),
        format!("status      {}, generation {}", status(key), key.generation),
        format!("owner       {}", key.owner),
        format!("public key  {}", key.group_public_key),
        format!("nostr       {}", key.npub),
        format!("taproot     {}", key.taproot.address),
    ];
    if let Some(label) = &key.label {
        lines.push(format!("label       {label}"));
    }
    if let Some(path) = &key.path {
        lines.push(format!("path        {path}"));
    }
    if key.imported {
        lines.push("imported    its secret existed outside the enclave".to_owned());
    }
    if let Some(old) = &key.replaces {
        lines.push(format!("replaces    {old}"));
    }
    if let Some(new) = &key.replaced_by {
        lines.push(format!("replaced by {new}"));
    }
    lines.join("\n")
}

fn status(key: &Key) -> &'static str {
    match key.status {
        KeyStatus::Enabled => "enabled",
        KeyStatus::Disabled => "disabled",
        KeyStatus::Deleted => "deleted",
    }
}
