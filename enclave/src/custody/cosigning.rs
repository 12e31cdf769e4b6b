//! The enclave's parts of signatures by keys with split custody, and what else it gives to those who hold the other shares.

use std::collections::BTreeMap;

use permafrost_common::api::split::{
    self as api, AggregateRequest, Certificate, CosignRequest, Cosigned, WRAPPED_SHARE_MAX,
    WrappedShares,
};
use permafrost_common::api::{SignRequest, Signed};
use permafrost_common::problem::Problem;
use permafrost_frost::Parameters;
use rand_core::OsRng;

use super::{Custody, blocking};
use crate::keys::{Payload, WrappedShare};
use crate::principal::Caller;
use crate::records::Versioned;

impl Custody {
    /// The certificate of the ceremony that the key's shares come from.
    pub async fn certificate(&self, caller: &Caller, id: &str) -> Result<Certificate, Problem> {
        let record = self.find(caller, id).await?;
        Ok(record.value.certificate()?.clone())
    }

    /// The enclave's parts of a signature. At most one round trip to the store; no state outlives the call.
    pub async fn cosign(
        &self,
        caller: &Caller,
        id: &str,
        request: CosignRequest,
    ) -> Result<Cosigned, Problem> {
        let payload = payload(caller, request.payload)?;
        let record = self.find(caller, id).await?;
        let others = request.commitments;
        blocking(move || record.cosign(&payload, &others, &mut OsRng)).await
    }

    /// The signature that the parts of all signers make up, verified.
    pub async fn aggregate(
        &self,
        caller: &Caller,
        id: &str,
        request: AggregateRequest,
    ) -> Result<Signed, Problem> {
        let payload = payload(caller, request.payload)?;
        let record = self.find(caller, id).await?;
        let (parts, network) = (request.parts, self.network);
        blocking(move || record.aggregate(&payload, &parts, network)).await
    }

    /// The shares that their holders have encrypted, of the key's generation.
    pub async fn wrapped_shares(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<WrappedShares, Problem> {
        let Versioned {
            version,
            value: record,
        } = self.find(caller, id).await?;
        let wrapped = record.held()?.wrapped().iter();
        Ok(WrappedShares {
            key_id: record.id().to_string(),
            generation: record.generation(),
            record_version: version,
            wrapped_shares: wrapped
                .map(|share| api::WrappedShare {
                    participant: share.participant.clone(),
                    wrapped: hex::encode(&share.ciphertext),
                })
                .collect(),
        })
    }
}

/// The payload of a request, if the caller's policy allows it.
fn payload(caller: &Caller, request: SignRequest) -> Result<Payload, Problem> {
    let payload = Payload::parse(request).map_err(|error| {
        let field = format!("/payload{}", error.field);
        Problem::field(field, error.came, error.accepted)
    })?;
    caller.policy.check_payload(&payload)?;
    Ok(payload)
}

/// Wrapped shares of a ceremony's participants, by their places.
pub(super) fn wrapped(
    parameters: &Parameters,
    sent: &[api::WrappedShare],
) -> Result<BTreeMap<usize, WrappedShare>, Problem> {
    let refused = |index: usize, member: &str, came: String, accepted: &str| {
        let field = format!("/wrapped_shares/{index}/{member}");
        Problem::field(field, came, accepted)
    };
    let mut shares = BTreeMap::new();
    for (index, share) in sent.iter().enumerate() {
        let name = share.participant.as_str();
        let mut participants = parameters.participants.iter();
        let position = participants.position(|one| one.name == name && one.public_key.is_some());
        let position = position.filter(|position| !shares.contains_key(position));
        let Some(position) = position else {
            let accepted = "a participant that has a public key, each once";
            return Err(refused(index, "participant", format!("{name:?}"), accepted));
        };
        let ciphertext = hex::decode(&share.wrapped).ok().filter(|bytes| {
            (1..=WRAPPED_SHARE_MAX).contains(&bytes.len()) && hex::encode(bytes) == share.wrapped
        });
        let Some(ciphertext) = ciphertext else {
            let came = format!("a text of {} bytes", share.wrapped.len());
            let accepted = "1 to 4096 bytes in lower-case hex";
            return Err(refused(index, "wrapped", came, accepted));
        };
        let participant = name.to_owned();
        shares.insert(
            position,
            WrappedShare {
                participant,
                ciphertext,
            },
        );
    }
    Ok(shares)
}
