//! Keys with split custody: what `permafrost keys` does together with the enclave.

use std::fs;
use std::path::PathBuf;

use permafrost_client::{Principal, Seat, Unconfirmed};
use permafrost_common::api::{self, Key};
use permafrost_frost::ParticipantKey;
use rand_core::OsRng;

use super::derive::key_id;
use super::{Certificate, Create, Reshare, Rotate, Show, given_or_random};
use crate::cli::outcome::Outcome;
use crate::profile::Profile;

impl Create {
    pub(super) async fn together(&self, principal: &Principal) -> Result<Key, Outcome> {
        let names: Vec<&str> = self.participants.iter().map(String::as_str).collect();
        let targets = self.new_shares.targets(&names)?;
        if targets.is_empty() {
            let text = "--custody split takes a --share-out for each participant that holds its share itself";
            return Err(Outcome::wrong_call(text));
        }
        let is_own = |name: &str| targets.iter().any(|(own, _)| own == name);
        let participants = self.participants.iter().map(|name| {
            let key = is_own(name).then(|| ParticipantKey::random(&mut OsRng));
            (name.clone(), key)
        });
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        let begun = principal
            .generate_split_key(self.threshold, participants.collect(), &idempotency_key)
            .await?;
        let written = self
            .new_shares
            .write(&targets, begun.shares(), &self.passphrase);
        confirm(principal, begun, written, &targets).await
    }
}

impl Show {
    pub(super) async fn ask(&self, principal: &Principal) -> Result<Key, Outcome> {
        let shares = match self.shares.is_empty() {
            true => Vec::new(),
            false => self.shares.read()?,
        };
        let key = principal.key(&key_id(&self.id)?).await?;
        for (share, path) in shares.iter().zip(&self.shares.files) {
            let (of, generation) = (share.key_id().to_string(), share.generation());
            if of != key.id || generation != key.generation {
                return Err(Outcome::failed(format!(
                    "{} has the share of {} of key {of}, generation {generation}; this is key {}, generation {}",
                    path.display(),
                    share.participant(),
                    key.id,
                    key.generation
                )));
            }
        }
        Ok(key)
    }
}

impl Rotate {
    pub(super) async fn ask(&self, principal: &Principal) -> Result<Key, Outcome> {
        if self.shares.is_empty() {
            return Ok(principal.rotate(&key_id(&self.id)?).await?);
        }
        let shares = self.shares.read_of(&self.id)?;
        let names: Vec<String> = shares
            .iter()
            .map(|one| one.participant().to_owned())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let targets = self.new_shares.targets(&names)?;
        if targets.len() != names.len() {
            let text = format!(
                "--share-out: {} files for the shares of {}; accepted: a new file for each",
                targets.len(),
                names.join(", ")
            );
            return Err(Outcome::wrong_call(text));
        }
        let begun = principal.refresh_split_key(shares).await?;
        let passphrase = self.shares.passphrase();
        let written = self.new_shares.write(&targets, begun.shares(), passphrase);
        confirm(principal, begun, written, &targets).await
    }
}

impl Reshare {
    pub(super) async fn ask(&self, principal: &Principal) -> Result<Key, Outcome> {
        if self.shares.is_empty() {
            let text = "--share: none; accepted: share files that are enough for a signature together with the enclave's";
            return Err(Outcome::wrong_call(text));
        }
        let shares = self.shares.read_of(&self.id)?;
        let names: Vec<&str> = self.participants.iter().map(String::as_str).collect();
        let targets = self.new_shares.targets(&names)?;
        let participants = self.participants.iter().map(|name| {
            let is_here = targets.iter().any(|(own, _)| own == name);
            let has_share = shares.iter().any(|share| share.participant() == name);
            let seat = match (is_here, has_share) {
                (false, _) => Seat::Enclave,
                (true, true) => Seat::Stays,
                (true, false) => Seat::Comes(ParticipantKey::random(&mut OsRng)),
            };
            (name.clone(), seat)
        });
        let participants = participants.collect();
        let begun = principal
            .reshare_split_key(shares, self.threshold, participants)
            .await?;
        let passphrase = self.shares.passphrase();
        let written = self.new_shares.write(&targets, begun.shares(), passphrase);
        confirm(principal, begun, written, &targets).await
    }
}

impl Certificate {
    /// The certificate, verified.
    pub(super) async fn ask(&self, profile: &Profile) -> Result<api::split::Certificate, Outcome> {
        let certificate = match (&self.file, &self.id) {
            (Some(path), _) => {
                let wrong = |error: String| {
                    Outcome::wrong_call(format!("--file {}: {error}", path.display()))
                };
                let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
                serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?
            }
            (None, id) => {
                let principal = profile.principal().await?;
                principal
                    .certificate(id.as_deref().unwrap_or_default())
                    .await?
            }
        };
        profile.expectation()?.check_certificate(&certificate)?;
        Ok(certificate)
    }
}

/// Confirms a ceremony whose shares are written, or gives it up.
pub(super) async fn confirm(
    principal: &Principal,
    begun: Unconfirmed,
    written: Result<(), Outcome>,
    files: &[(String, PathBuf)],
) -> Result<Key, Outcome> {
    if let Err(outcome) = written {
        // The ceremony ends by itself if this does not reach the enclave.
        let _ = begun.abort().await;
        return Err(outcome);
    }
    let id = begun.outcome().parameters.key_id.to_string();
    let confirmed = begun.confirm().await;
    if let Err(error) = confirmed {
        let files: Vec<String> = files
            .iter()
            .map(|(_, path)| path.display().to_string())
            .collect();
        let done = format!(
            "{} was written, but it is not known whether the enclave confirmed it: `permafrost keys show {id} --share FILE` tells which share files are of use.",
            files.join(", ")
        );
        return Err(Outcome::from(error).after(&done));
    }
    Ok(principal.key(&id).await?)
}
