//! Responses about one stored key: each says which version of the key's record it was made from (docs/freshness.md).

use permafrost_common::api::split::Cosigned;
use permafrost_common::api::{Key, Signed};
use permafrost_frost::sign::{NonceCommitments, PartialSignature};
use rand_core::{CryptoRng, RngCore};

use crate::keys::{KeyError, KeyRecord, Network, Payload};
use crate::records::Versioned;

impl Versioned<KeyRecord> {
    /// See [`KeyRecord::view`].
    pub(super) fn view(&self, network: Network) -> Result<Key, KeyError> {
        Ok(Key {
            record_version: self.version,
            ..self.value.view(network)?
        })
    }

    /// See [`KeyRecord::sign`].
    pub(super) fn sign(
        &self,
        payload: &Payload,
        network: Network,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Signed, KeyError> {
        Ok(Signed {
            record_version: self.version,
            ..self.value.sign(payload, network, rng)?
        })
    }

    /// See [`KeyRecord::cosign`].
    pub(super) fn cosign(
        &self,
        payload: &Payload,
        others: &[NonceCommitments],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Cosigned, KeyError> {
        Ok(Cosigned {
            record_version: self.version,
            ..self.value.cosign(payload, others, rng)?
        })
    }

    /// See [`KeyRecord::cosign_replacement`].
    pub(super) fn cosign_replacement(
        &self,
        new: &KeyRecord,
        deployment: &str,
        others: &[NonceCommitments],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Cosigned, KeyError> {
        Ok(Cosigned {
            record_version: self.version,
            ..self
                .value
                .cosign_replacement(new, deployment, others, rng)?
        })
    }

    /// See [`KeyRecord::aggregate`].
    pub(super) fn aggregate(
        &self,
        payload: &Payload,
        parts: &[PartialSignature],
        network: Network,
    ) -> Result<Signed, KeyError> {
        Ok(Signed {
            record_version: self.version,
            ..self.value.aggregate(payload, parts, network)?
        })
    }
}
