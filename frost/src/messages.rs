//! The messages of a ceremony, and its result.

use std::collections::BTreeMap;

use ciborium::Value;
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};

use crate::hash::{self, Tag, bytes};
use crate::participant_key::verifies;
use crate::{Board, CeremonyError, Hex, InvalidField, Parameters, ParticipantKey};

pub(crate) const COMMITMENTS: &str = "commitments";
pub(crate) const SHARES: &str = "shares";
pub(crate) const CONFIRMATION: &str = "confirmation";

/// A message of one participant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Message {
    /// The first round.
    Commitments(Commitments),
    /// The second round.
    Shares(Shares),
    /// The result.
    Confirmation(Confirmation),
}

/// The first round: what a participant commits its polynomial to (RFC 9591 does not have it; Komlo and Goldberg, figure 1, round 1).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Commitments {
    /// The participant's name.
    pub participant: String,
    /// The commitments to the coefficients, compressed points of 33 bytes, the constant term first: `threshold` of them for a new key. A
    /// refresh leaves out the constant term, which is zero.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub commitments: Vec<Hex<33>>,
    /// The FROST library's proof of knowledge of the constant term, 64 bytes. Only for a new key.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_knowledge: Option<Hex<64>>,
    /// The point, compressed in 33 bytes, to which the others encrypt this participant's shares. Made for this ceremony.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub encryption_key: Hex<33>,
    /// A BIP-340 signature by the constant term over this message, which binds it to this ceremony, 64 bytes. Only for a new key.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possession: Option<Hex<64>>,
    /// The participant's BIP-340 signature, 64 bytes. Absent where the enclave is the participant.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Hex<64>>,
}

/// The second round: a share for each other participant, which only that participant can read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// The participant's name.
    pub participant: String,
    /// The encrypted share for each other participant, by name: scalars of 32 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, String>))]
    pub shares: BTreeMap<String, Hex<32>>,
    /// The participant's BIP-340 signature, 64 bytes. Absent where the enclave is the participant.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Hex<64>>,
}

/// A participant's signature over the result, given when it has its share.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The participant's name.
    pub participant: String,
    /// The participant's BIP-340 signature over the digest of the [`Outcome`], 64 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub signature: Hex<64>,
}

/// What a ceremony came to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What the participants had agreed on.
    pub parameters: Parameters,
    /// The key, 32 bytes, x-only (BIP-340).
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub group_public_key: Hex<32>,
    /// Each participant's verifying share, in the order of the parameters: compressed points of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub verifying_shares: Vec<Hex<33>>,
    /// The digest of every message of both rounds, 32 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub transcript: Hex<32>,
}

impl Message {
    /// The name of the participant that sends it.
    pub fn participant(&self) -> &str {
        match self {
            Self::Commitments(message) => &message.participant,
            Self::Shares(message) => &message.participant,
            Self::Confirmation(message) => &message.participant,
        }
    }

    pub(crate) fn signature(&self) -> Option<&Hex<64>> {
        match self {
            Self::Commitments(message) => message.signature.as_ref(),
            Self::Shares(message) => message.signature.as_ref(),
            Self::Confirmation(message) => Some(&message.signature),
        }
    }

    pub(crate) fn unsigned(&self) -> CeremonyError {
        CeremonyError::Unsigned {
            participant: self.participant().to_owned(),
            message: match self {
                Self::Commitments(_) => COMMITMENTS,
                Self::Shares(_) => SHARES,
                Self::Confirmation(_) => CONFIRMATION,
            },
        }
    }
}

impl Commitments {
    /// What the constant term signs.
    pub(crate) fn digest(&self, context: &[u8; 32]) -> [u8; 32] {
        let points = self.commitments.iter().map(|point| bytes(&point.0));
        hash::digest(
            Tag::Commitments,
            vec![
                bytes(context),
                Value::from(self.participant.as_str()),
                Value::Array(points.collect()),
                optional(&self.proof_of_knowledge),
                bytes(&self.encryption_key.0),
            ],
        )
    }

    /// What the participant signs.
    pub(crate) fn signed_digest(&self, context: &[u8; 32]) -> [u8; 32] {
        hash::digest(
            Tag::Signed,
            vec![bytes(&self.digest(context)), optional(&self.possession)],
        )
    }
}

impl Shares {
    /// The message with the participant's signature, for a board on which all commitments are.
    ///
    /// # Errors
    /// [`CeremonyError::OutOfTurn`]: some commitments are missing.
    pub fn signed(
        mut self,
        board: &Board,
        key: &ParticipantKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, CeremonyError> {
        let commitments = board.all_commitments_digest();
        let commitments =
            commitments.ok_or_else(|| board.out_of_turn(&self.participant, SHARES))?;
        self.signature = Some(key.sign(&self.digest(&commitments), rng)?);
        Ok(self)
    }

    /// What the participant signs; `commitments` is the digest of all commitments.
    pub(crate) fn digest(&self, commitments: &[u8; 32]) -> [u8; 32] {
        let shares = self
            .shares
            .iter()
            .map(|(name, share)| Value::Array(vec![Value::from(name.as_str()), bytes(&share.0)]));
        hash::digest(
            Tag::Shares,
            vec![
                bytes(commitments),
                Value::from(self.participant.as_str()),
                Value::Array(shares.collect()),
            ],
        )
    }
}

impl Outcome {
    /// Checks that every participant with a public key has signed the outcome.
    ///
    /// # Errors
    /// [`CeremonyError::Invalid`]: parameters that are not accepted, or another number of verifying shares or confirmations than of
    /// participants; [`CeremonyError::Unsigned`]: a signature that does not verify.
    pub fn verify(&self, confirmations: &[Confirmation]) -> Result<(), CeremonyError> {
        let checked = self.parameters.clone().check()?;
        check_count(
            "/verifying_shares",
            self.verifying_shares.len(),
            self.parameters.participants.len(),
        )?;
        let digest = self.digest();
        let keys = checked.roles.iter().map(|role| role.key.as_ref());
        let participants = self.parameters.participants.iter().zip(keys);
        let signing: Vec<_> = participants
            .filter_map(|(participant, key)| Some((participant, key?)))
            .collect();
        check_count("/confirmations", confirmations.len(), signing.len())?;
        for ((participant, key), confirmation) in signing.into_iter().zip(confirmations) {
            if confirmation.participant != participant.name
                || !verifies(key, &digest, &confirmation.signature)
            {
                return Err(CeremonyError::Unsigned {
                    participant: participant.name.clone(),
                    message: CONFIRMATION,
                });
            }
        }
        Ok(())
    }

    /// What each participant signs: 32 bytes, SHA-256 as docs/split.md gives it.
    pub fn digest(&self) -> [u8; 32] {
        let context = self.parameters.digest();
        let shares = self.verifying_shares.iter().map(|share| bytes(&share.0));
        hash::digest(
            Tag::Outcome,
            vec![
                bytes(&context),
                bytes(&self.group_public_key.0),
                Value::Array(shares.collect()),
                bytes(&self.transcript.0),
            ],
        )
    }
}

fn check_count(field: &str, came: usize, expected: usize) -> Result<(), InvalidField> {
    match came == expected {
        true => Ok(()),
        false => Err(InvalidField::new(
            field,
            came.to_string(),
            expected.to_string(),
        )),
    }
}

fn optional<const N: usize>(value: &Option<Hex<N>>) -> Value {
    match value {
        Some(value) => bytes(&value.0),
        None => Value::Null,
    }
}
