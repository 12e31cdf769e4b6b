//! How one key replaces another.

use std::sync::Arc;

use permafrost_common::api::ReplaceKey;
use permafrost_common::api::replacement::{
    CosignReplacement, LinkReplacement, Replaced, Replacement,
};
use permafrost_common::api::split::Cosigned;
use permafrost_common::problem::Problem;
use permafrost_frost::Hex;
use rand_core::OsRng;

use super::{Custody, blocking};
use crate::keys::KeyRecord;
use crate::principal::Caller;
use crate::records::Versioned;

impl Custody {
    /// Makes a new key to replace an old one, and links the two by a statement that the old one signs.
    ///
    /// The new record is written first: a crash in between leaves a new key that was never announced, and repeating the
    /// request completes the link.
    pub async fn replace(
        &self,
        caller: &Caller,
        id: &str,
        idempotency_key: &str,
        request: ReplaceKey,
        now: u64,
    ) -> Result<Replaced, Problem> {
        let old = self.find(caller, id).await?;
        let disable = request.disable_old;
        let parts = ["replace", id, if disable { "disable" } else { "keep" }];
        // Whoever replaces it, the key stays its owner's.
        let new = self.new_key(caller, old.value.owner(), idempotency_key, &parts, now);
        let made = match old.value.successor() == Some(new.id) {
            true => self.made_before(&new).await?,
            false => {
                let record = blocking({
                    let (new, old) = (new.clone(), Arc::clone(&old.value));
                    move || old.replacement(new, &mut OsRng)
                });
                self.put_new(&new, record.await?).await?
            }
        };
        let linked = self.link(caller, id, &made.value, None, disable).await?;
        self.replaced(&made, &linked)
    }

    /// The enclave's parts of the signature of a statement by a key with split custody. Nothing is kept.
    pub async fn cosign_replacement(
        &self,
        caller: &Caller,
        id: &str,
        request: CosignReplacement,
    ) -> Result<Cosigned, Problem> {
        let old = self.find(caller, id).await?;
        let new = self.find(caller, &request.new_key_id).await?.value;
        let (others, deployment) = (request.commitments, self.deployment.clone());
        blocking(move || old.cosign_replacement(&new, &deployment, &others, &mut OsRng)).await
    }

    /// Links a key to one that was made before and replaces it.
    ///
    /// The old record is written first, with the statement: that one write decides which key replaces it. Repeating the request completes
    /// the link of the new one.
    pub async fn link_replacement(
        &self,
        caller: &Caller,
        id: &str,
        request: LinkReplacement,
    ) -> Result<Replaced, Problem> {
        let signature = request.signature.as_deref().map(|text| {
            text.parse::<Hex<64>>().map_err(|_| {
                let came = format!("a text of {} bytes", text.len());
                Problem::field("/signature", came, "64 bytes as 128 lower-case hex digits")
            })
        });
        let signature = signature.transpose()?;
        let new_id = request.new_key_id.as_str();
        let mut new = self.find(caller, new_id).await?;
        let linked = self
            .link(caller, id, &new.value, signature, request.disable_old)
            .await?;
        let old = linked.value.id();
        if new.value.replaces() != Some(old) {
            new = self
                .change_record(caller, new_id, |new| new.replacing(old))
                .await?;
        }
        self.replaced(&new, &linked)
    }

    /// The statement by which the key was replaced.
    pub async fn show_replacement(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Replacement, Problem> {
        let record = self.find(caller, id).await?.value;
        Ok(record.replaced_with()?.clone())
    }

    async fn link(
        &self,
        caller: &Caller,
        id: &str,
        new: &KeyRecord,
        signature: Option<Hex<64>>,
        disable: bool,
    ) -> Result<Versioned<KeyRecord>, Problem> {
        let deployment = &self.deployment;
        self.change_record(caller, id, |old| {
            old.replaced_by(new, deployment, signature, disable, &mut OsRng)
        })
        .await
    }

    fn replaced(
        &self,
        new: &Versioned<KeyRecord>,
        old: &Versioned<KeyRecord>,
    ) -> Result<Replaced, Problem> {
        Ok(Replaced {
            key: new.view(self.network)?,
            replacement: old.value.replaced_with()?.clone(),
            record_version: old.version,
        })
    }
}
