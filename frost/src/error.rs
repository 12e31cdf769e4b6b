//! What can be wrong with a message of a ceremony, and who is to blame.

use crate::State;

/// A part of an input that is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {came}; accepted: {accepted}")]
pub struct InvalidField {
    /// Where: a JSON pointer (RFC 6901) into the input.
    pub field: String,
    /// What came.
    pub came: String,
    /// What would have been accepted.
    pub accepted: String,
}

impl InvalidField {
    /// What came in this field, and what would have been accepted.
    pub fn new(
        field: impl Into<String>,
        came: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            came: came.into(),
            accepted: accepted.into(),
        }
    }
}

/// Why a ceremony does not take a message, or does not go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CeremonyError {
    /// The parameters, or the form of a message, are not accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Nobody of this name takes part.
    #[error("{name:?} does not take part in the ceremony")]
    Stranger {
        /// The name.
        name: String,
    },
    /// A message is not signed by the participant that it names. Anyone may have sent it: the ceremony goes on.
    #[error("the {message} of {participant} does not have the signature of {participant}")]
    Unsigned {
        /// The participant that it names.
        participant: String,
        /// What it is.
        message: &'static str,
    },
    /// A message comes before those that it depends on.
    #[error("the {message} of {participant} came while the ceremony waits for {waits_for}")]
    OutOfTurn {
        /// The participant that it names.
        participant: String,
        /// What it is.
        message: &'static str,
        /// What the ceremony waits for.
        waits_for: State,
    },
    /// A participant signed two different messages of one round. The first one stands.
    #[error("{participant} sent other {message} before; the first ones stand")]
    Contradiction {
        /// The participant.
        participant: String,
        /// What they are.
        message: &'static str,
    },
    /// A participant signed a message that breaks the protocol. The ceremony is over.
    #[error("{participant} broke the protocol: {what}")]
    Misbehaved {
        /// The participant.
        participant: String,
        /// How.
        what: Misbehaviour,
    },
    /// The participants did not all come to the same result, or this one has other shares than those that are refreshed.
    #[error("{0}")]
    Mismatch(&'static str),
    /// The FROST library refused what had passed every check here: a defect.
    #[error("FROST: {0}")]
    Frost(#[from] frost_secp256k1_tr::Error),
}

/// How a participant broke the protocol. Each is provable: the participant signed the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// The number of commitments is not that of the threshold.
    #[error("the number of commitments is not that of the threshold")]
    CommitmentCount,
    /// A commitment, or the encryption key, is not a point of the curve.
    #[error("a commitment or the encryption key is not a point of the curve")]
    NotAPoint,
    /// The proof of knowledge of the FROST library does not hold.
    #[error("the proof of knowledge does not hold")]
    ProofOfKnowledge,
    /// The proof that binds the secret to this ceremony does not hold.
    #[error("the proof of possession is not one for this ceremony")]
    Possession,
    /// The constant term is not the one that the participant's share of the key demands.
    #[error("the constant term is not its share of the key")]
    Constant,
    /// The shares are not for exactly the other participants.
    #[error("the shares are not for exactly the other participants")]
    Recipients,
    /// The share for this participant is not on the committed polynomial.
    #[error("the share is not on the polynomial that was committed to")]
    Share,
    /// The signed result is another one.
    #[error("the signed result is not that of the messages")]
    Result,
}
