//! `permafrost keys replace` and `permafrost keys replacement`: one key in the place of another, and the statement of the old one.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use permafrost_client::{HeldShare, IdempotencyKey, Principal};
use permafrost_common::api::replacement::{LinkReplacement, Replaced, Replacement};
use permafrost_common::api::{Key, ReplaceKey};
use permafrost_frost::ParticipantKey;
use rand_core::OsRng;

use super::given_or_random;
use super::share_file::{NewShareFiles, ShareFiles};
use super::together::confirm;
use crate::cli::outcome::Outcome;
use crate::profile::Profile;

/// Make a new key to replace an old one, with the same participants and threshold, and a statement that the old key signs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys replace ID
  permafrost keys replace ID --disable-old
  permafrost keys replace ID --share alice.share --share-out alice-new.share --disable-old
  permafrost keys replace ID --by NEW_ID --share alice.share

A key with split custody takes share files that are enough for a signature together with the enclave's, and a new file for each participant
that holds its share itself. `permafrost keys replacement ID` shows the statement later.")]
pub(super) struct Replace {
    /// The old key's id.
    id: String,

    /// Stop the old key from signing.
    #[arg(long)]
    disable_old: bool,

    /// Replace it by this key, which was made before, instead of a new one.
    #[arg(conflicts_with_all = ["share-out", "idempotency_key"], long, value_name = "NEW_ID")]
    by: Option<String>,

    #[command(flatten)]
    shares: ShareFiles,

    #[command(flatten)]
    new_shares: NewShareFiles,

    /// Makes the request safe to repeat. Default: random.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

/// Verify and show the statement by which a key was replaced: the old key has signed that the new one replaces it.
#[derive(Args, Debug)]
#[command(
    name = "replacement",
    after_help = "\
Examples:
  permafrost keys replacement ID
  permafrost keys replacement ID --json > replacement.json
  permafrost keys replacement --file replacement.json

A stored statement is verified without an enclave and without a profile. Compare the old public key with the one that you know."
)]
pub(super) struct ShowReplacement {
    /// The old key's id.
    #[arg(conflicts_with = "file", required_unless_present = "file")]
    id: Option<String>,

    /// A statement that was stored before, instead of the one that the enclave has.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Replace {
    pub(super) async fn ask(&self, principal: &Principal) -> Result<Replaced, Outcome> {
        let replaced = match (&self.by, self.shares.is_empty()) {
            (Some(new), true) => self.link(principal, new, None).await?,
            (Some(new), false) => {
                let shares = self.shares.read_of(&self.id)?;
                let new = principal.key(new).await?;
                self.sign_and_link(principal, &shares, &new).await?
            }
            (None, true) if self.new_shares.files.is_empty() => {
                let how = ReplaceKey {
                    disable_old: self.disable_old,
                };
                let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
                principal.replace(&self.id, &how, &idempotency_key).await?
            }
            (None, true) => {
                let text =
                    "--share-out without --share; accepted: both, for a key with split custody";
                return Err(Outcome::wrong_call(text));
            }
            (None, false) => self.together(principal).await?,
        };
        check(&replaced.replacement, Some(&self.id))?;
        Ok(replaced)
    }

    /// Makes the new key by a ceremony, then has the old one sign.
    async fn together(&self, principal: &Principal) -> Result<Replaced, Outcome> {
        let shares = self.shares.read_of(&self.id)?;
        let old = principal.key(&self.id).await?;
        let outside = old
            .participants
            .iter()
            .filter(|one| one.public_key.is_some());
        let outside: Vec<&str> = outside.map(|one| one.name.as_str()).collect();
        let files = self.new_shares.targets(&outside)?;
        if files.len() != outside.len() {
            return Err(Outcome::wrong_call(format!(
                "--share-out: {} files for the shares of {}; accepted: a new file for each",
                files.len(),
                outside.join(", ")
            )));
        }
        let participants = old.participants.iter().map(|one| {
            let key = one.public_key.is_some();
            let key = key.then(|| ParticipantKey::random(&mut OsRng));
            (one.name.clone(), key)
        });
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        let begun = principal
            .generate_split_key(old.threshold, participants.collect(), &idempotency_key)
            .await?;
        let passphrase = self.shares.passphrase();
        let written = self.new_shares.write(&files, begun.shares(), passphrase);
        let new = confirm(principal, begun, written, &files).await?;
        let linked = self.sign_and_link(principal, &shares, &new).await;
        linked.map_err(|outcome| {
            let (old, new) = (&self.id, &new.id);
            outcome.after(&format!(
                "the new key {new} was made, but does not replace {old} yet: `permafrost keys replace {old} --by {new} --share FILE` tries again."
            ))
        })
    }

    async fn sign_and_link(
        &self,
        principal: &Principal,
        shares: &[HeldShare],
        new: &Key,
    ) -> Result<Replaced, Outcome> {
        let statement = principal.sign_replacement(shares, new).await?;
        self.link(principal, &new.id, Some(statement.signature.to_string()))
            .await
    }

    async fn link(
        &self,
        principal: &Principal,
        new: &str,
        signature: Option<String>,
    ) -> Result<Replaced, Outcome> {
        let how = LinkReplacement {
            new_key_id: new.to_owned(),
            signature,
            disable_old: self.disable_old,
        };
        Ok(principal.link_replacement(&self.id, &how).await?)
    }
}

impl ShowReplacement {
    /// The statement of a file, verified; None where the enclave has it.
    pub(super) fn stored(&self) -> Result<Option<Replacement>, Outcome> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let wrong =
            |error: String| Outcome::wrong_call(format!("--file {}: {error}", path.display()));
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let statement = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        check(&statement, None)?;
        Ok(Some(statement))
    }

    /// The statement that the enclave has, verified.
    pub(super) async fn ask(&self, profile: &Profile) -> Result<Replacement, Outcome> {
        let principal = profile.principal().await?;
        let id = self.id.as_deref().unwrap_or_default();
        let statement = principal.replacement(id).await?;
        check(&statement, Some(id))?;
        Ok(statement)
    }
}

fn check(statement: &Replacement, id: Option<&str>) -> Result<(), Outcome> {
    statement.verify().map_err(Outcome::failed)?;
    match id {
        Some(id) if statement.old_key_id.to_string() != id => Err(Outcome::failed(format!(
            "the statement is that of key {}, not of {id}",
            statement.old_key_id
        ))),
        _ => Ok(()),
    }
}
