//! Statements by which keys replace others, signed by this side's shares and the enclave's together.

use permafrost_common::api::Key;
use permafrost_common::api::replacement::{CosignReplacement, Replacement};
use permafrost_common::replacement::UnsignedReplacement;
use permafrost_frost::{
    HeldShare, Hex,
    sign::{By, ToSign},
};

use super::one_key;
use crate::{Error, Principal};

impl Principal {
    /// The statement that `new` replaces the key of these shares, signed together with the enclave. It links nothing yet:
    /// [`Principal::link_replacement`] does, with its signature.
    ///
    /// # Errors
    /// As [`Principal::sign_split`]; [`Error::InvalidArgument`]: `new` does not have the form of a key.
    pub async fn sign_replacement(
        &self,
        shares: &[HeldShare],
        new: &Key,
    ) -> Result<Replacement, Error> {
        let old = one_key(shares)?;
        let unsigned = UnsignedReplacement {
            old_key_id: old.key_id(),
            old_public_key: old.share().group_public_key(),
            new_key_id: hex("key id", &new.id)?,
            new_public_key: hex("group public key", &new.group_public_key)?,
            deployment: self.enclave().boot().binding().deployment.clone(),
            // A derived key, which has no time, replaces none.
            created_at: new.created_at.unwrap_or_default(),
        };
        let wanted = ToSign {
            message: unsigned.digest().to_vec(),
            by: By::GroupKey,
        };
        let begun = self
            .begin_with(shares, wanted, "/cosign-replacement", |commitments| {
                CosignReplacement {
                    new_key_id: new.id.clone(),
                    commitments,
                }
            })
            .await?;
        let signature = begun.complete()?;
        unsigned
            .signed(signature)
            .map_err(|error| Error::InvalidArgument {
                what: "replacement",
                reason: error.to_string(),
            })
    }
}

fn hex<const N: usize>(what: &'static str, text: &str) -> Result<Hex<N>, Error> {
    text.parse()
        .map_err(|error: permafrost_frost::HexError| Error::InvalidArgument {
            what,
            reason: error.to_string(),
        })
}
