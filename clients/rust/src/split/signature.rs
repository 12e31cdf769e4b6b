//! Signatures of this side's shares and the enclave's together.

use permafrost_common::api::split::{AggregateRequest, CosignRequest, Cosigned};
use permafrost_common::api::{NostrEvent, SignRequest, Signed, UnsignedEvent};
use permafrost_common::nostr::event_id;
use permafrost_frost::{
    HeldShare, Hex,
    sign::{self, By, NonceCommitments, ToSign},
};
use rand_core::OsRng;
use serde::Serialize;

use super::{one_key, unexpected};
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
        let begun = self.begin(shares, what).await?;
        let first = one_key(shares)?;
        let public_key = begun.wanted.by.public_key(first.share());
        let record_version = begun.parts.record_version;
        let signature = begun.complete()?;
        Ok(Signed {
            key_id: first.key_id().to_string(),
            generation: first.generation(),
            record_version,
            public_key: public_key.to_string(),
            signature: signature.to_string(),
            event: signed_event(what, &first.share().group_public_key(), &signature),
            taproot: None,
        })
    }

    /// Signs together with the enclave, in two round trips: the enclave puts the parts together, so that its service sees the signature,
    /// and this side verifies it.
    ///
    /// # Errors
    /// As [`Principal::sign_split`]; [`Error::UnexpectedResponse`]: the enclave's signature does not verify.
    pub async fn sign_split_aggregated(
        &self,
        shares: &[HeldShare],
        what: &SignRequest,
    ) -> Result<Signed, Error> {
        let Begun {
            wanted,
            nonces,
            parts,
        } = self.begin(shares, what).await?;
        let first = one_key(shares)?;
        let request = AggregateRequest {
            payload: what.clone(),
            parts: nonces.join(&wanted, &parts.parts)?,
        };
        let path = target(&first.key_id().to_string(), "/aggregate")?;
        let signed: Signed = self.post(&path, &request).await?;
        let expected = sign::aggregate(first.share(), &wanted, &request.parts)?;
        match signed.signature == expected.to_string() {
            true => Ok(signed),
            false => Err(unexpected(
                "the signature is another one than the parts make up",
            )),
        }
    }

    /// Commits this side's shares, and has the enclave's parts.
    async fn begin(&self, shares: &[HeldShare], what: &SignRequest) -> Result<Begun, Error> {
        let wanted = to_sign(what, &one_key(shares)?.share().group_public_key())?;
        self.begin_with(shares, wanted, "/cosign", |commitments| CosignRequest {
            payload: what.clone(),
            commitments,
        })
        .await
    }

    /// The same for what another request names.
    pub(super) async fn begin_with<T: Serialize>(
        &self,
        shares: &[HeldShare],
        wanted: ToSign,
        action: &str,
        request: impl FnOnce(Vec<NonceCommitments>) -> T,
    ) -> Result<Begun, Error> {
        let first = one_key(shares)?;
        let signers = shares.iter().map(|held| held.share().clone()).collect();
        let nonces = sign::commit(signers, &mut OsRng)?;
        let request = request(nonces.commitments());
        let path = target(&first.key_id().to_string(), action)?;
        let parts: Cosigned = self.post(&path, &request).await?;
        if parts.generation != first.generation() {
            return Err(Error::InvalidArgument {
                what: "share",
                reason: format!(
                    "it is of generation {}; accepted: the share of generation {}, which the key has now",
                    first.generation(),
                    parts.generation
                ),
            });
        }
        Ok(Begun {
            wanted,
            nonces,
            parts,
        })
    }
}

/// A signature of which the enclave has given its parts.
pub(super) struct Begun {
    wanted: ToSign,
    nonces: sign::Nonces,
    parts: Cosigned,
}

impl Begun {
    /// The whole signature, verified.
    pub(super) fn complete(self) -> Result<Hex<64>, Error> {
        Ok(self.nonces.complete(&self.wanted, &self.parts.parts)?)
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
