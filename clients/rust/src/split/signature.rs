//! Signatures of this side's shares and the enclave's together.

use permafrost_common::api::split::{CosignRequest, Cosigned};
use permafrost_common::api::{NostrEvent, SignRequest, Signed, UnsignedEvent};
use permafrost_common::nostr::event_id;
use permafrost_frost::{
    Hex,
    sign::{self, By, ToSign},
};
use rand_core::OsRng;

use super::{HeldShare, one_key};
use crate::principal::target;
use crate::{Error, Principal};

impl Principal {
    /// Signs together with the enclave, in one round trip: with this side's shares and as many of the enclave's as the threshold takes.
    ///
    /// # Errors
    /// [`Error::NoSignature`]; [`Error::InvalidArgument`]: the shares are not of one key and generation; those of [`Principal`].
    pub async fn sign_split(
        &self,
        shares: &[HeldShare],
        what: &SignRequest,
    ) -> Result<Signed, Error> {
        let first = one_key(shares)?;
        let public_key = first.share().group_public_key();
        let to_sign = to_sign(what, &public_key)?;
        let signers = shares.iter().map(|held| held.share().clone()).collect();
        let nonces = sign::commit(signers, &mut OsRng)?;
        let request = CosignRequest {
            payload: what.clone(),
            commitments: nonces.commitments(),
        };
        let path = target(&first.key_id().to_string(), "/cosign")?;
        let response: Cosigned = self.post(&path, &request).await?;
        if response.generation != first.generation() {
            return Err(Error::InvalidArgument {
                what: "share",
                reason: format!(
                    "it is of generation {}; accepted: the share of generation {}, which the key has now",
                    first.generation(),
                    response.generation
                ),
            });
        }
        let signature = nonces.complete(&to_sign, &response.parts)?;
        Ok(Signed {
            key_id: response.key_id,
            generation: response.generation,
            public_key: to_sign.by.public_key(first.share()).to_string(),
            signature: signature.to_string(),
            event: signed_event(what, &public_key, &signature),
            taproot: None,
        })
    }
}

fn to_sign(what: &SignRequest, public_key: &Hex<32>) -> Result<ToSign, Error> {
    let bytes = |what, text: &str| {
        hex::decode(text).map_err(|error| Error::InvalidArgument {
            what,
            reason: error.to_string(),
        })
    };
    let (message, by) = match what {
        SignRequest::Message { message } => (bytes("message", message)?, By::GroupKey),
        SignRequest::Digest { digest } => (bytes("digest", digest)?, By::GroupKey),
        SignRequest::NostrEvent { event } => {
            (event_id(&public_key.0, event).to_vec(), By::GroupKey)
        }
        SignRequest::TaprootSpend {
            sighash,
            merkle_root,
        } => {
            let root = merkle_root
                .as_deref()
                .map(str::parse::<Hex<32>>)
                .transpose();
            let root = root.map_err(|error| Error::InvalidArgument {
                what: "merkle_root",
                reason: error.to_string(),
            })?;
            let by = By::OutputKey(root.map(|root| root.0));
            (bytes("sighash", sighash)?, by)
        }
    };
    Ok(ToSign { message, by })
}

fn signed_event(
    what: &SignRequest,
    public_key: &Hex<32>,
    signature: &Hex<64>,
) -> Option<NostrEvent> {
    let SignRequest::NostrEvent { event } = what else {
        return None;
    };
    let id = hex::encode(event_id(&public_key.0, event));
    let UnsignedEvent {
        created_at,
        kind,
        tags,
        content,
        ..
    } = event.clone();
    Some(NostrEvent {
        id,
        pubkey: public_key.to_string(),
        created_at,
        kind,
        tags,
        content,
        sig: signature.to_string(),
    })
}
