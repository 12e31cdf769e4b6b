//! The bodies of requests and responses about keys with split custody (docs/split.md).

use permafrost_frost::sign::{NonceCommitments, PartialSignature};
use permafrost_frost::{CeremonyParticipant, Confirmation, Message, Outcome, Parameters, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SignRequest;

/// `POST /v1/ceremonies`: a ceremony that makes a key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartKeyGeneration {
    /// How many participants a signature takes: 2 to the number of participants.
    pub threshold: u16,
    /// The participants, 2 to 32. Those without a public key are the enclave's: at least one, and fewer than the threshold.
    pub participants: Vec<CeremonyParticipant>,
}

/// `POST /v1/keys/{id}/reshare`: a ceremony that gives shares of the key to these participants.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartReshare {
    /// How many participants a signature will take: 2 to the number of participants.
    pub threshold: u16,
    /// The participants to come, as in `POST /v1/ceremonies`.
    pub participants: Vec<CeremonyParticipant>,
    /// The names of participants of the key that deal their shares: at least as many as its threshold. One that stays keeps its public key.
    pub dealers: Vec<String>,
}

/// `POST /v1/ceremonies/{id}`: messages of participants, in the order of the rounds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CeremonyMessages {
    /// At most 96 messages. None at all asks for what is there.
    pub messages: Vec<Message>,
    /// New shares of participants that hold them themselves, each encrypted by its holder. The enclave stores them with its own, in the
    /// same write; sent again before that, they take the place of those of the same participants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrapped_shares: Vec<WrappedShare>,
}

/// The most bytes of one wrapped share.
pub const WRAPPED_SHARE_MAX: usize = 4_096;

/// A share that its holder has encrypted, for the enclave to store. The enclave cannot open it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrappedShare {
    /// The participant's name: one that has a public key.
    pub participant: String,
    /// The ciphertext: 1 to 4096 bytes.
    pub wrapped: String,
}

/// The response to `GET /v1/keys/{id}/wrapped-shares`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct WrappedShares {
    /// The key.
    pub key_id: String,
    /// The generation of the shares.
    pub generation: u32,
    /// The version of the sealed record that this response was made from, 1 or higher: one more after each change (docs/freshness.md).
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
    /// Those that were sent with the ceremony of this generation.
    pub wrapped_shares: Vec<WrappedShare>,
}

/// A ceremony: everything that was sent in it so far.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Ceremony {
    /// What the participants agreed on.
    pub parameters: Parameters,
    /// What the ceremony waits for.
    pub state: State,
    /// The names of the participants whose messages it waits for.
    pub waits_for: Vec<String>,
    /// The messages so far. The enclave commits last: its own come when all other commitments are there.
    pub messages: Vec<Message>,
    /// The version of the key's sealed record that the ceremony began with, or that it has written (docs/freshness.md); 0: there is none yet.
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
    /// The result, once every participant has confirmed it and the enclave has stored its shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// The result of a ceremony with the signatures of all participants: the response to `GET /v1/keys/{id}/certificate`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Certificate {
    /// What the ceremony came to.
    pub outcome: Outcome,
    /// The signature of each participant that has a public key, in the order of the parameters.
    pub confirmations: Vec<Confirmation>,
    /// The enclave's signature, for its own participants.
    pub enclave: EnclaveConfirmation,
}

/// The signature of an enclave's boot over the result of a ceremony.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct EnclaveConfirmation {
    /// The attestation document of the boot (COSE_Sign1, CBOR), standard base64. Its `user_data` binds the boot key.
    pub document: String,
    /// The Ed25519 signature by the boot key, 64 bytes.
    pub signature: String,
}

/// `POST /v1/keys/{id}/cosign`: what to sign, and the nonce commitments of the other signers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CosignRequest {
    /// What to sign.
    pub payload: SignRequest,
    /// The nonce commitments of participants that hold their shares themselves: so many that the enclave's shares make up the threshold.
    pub commitments: Vec<NonceCommitments>,
}

/// `POST /v1/keys/{id}/aggregate`: what was signed, and the parts of all signers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateRequest {
    /// What was signed, as in the request for the enclave's parts.
    pub payload: SignRequest,
    /// The parts of as many participants as the threshold, the enclave's among them as `cosign` gave them.
    pub parts: Vec<PartialSignature>,
}

/// The enclave's parts of a signature. Nothing of them is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Cosigned {
    /// The key.
    pub key_id: String,
    /// Its generation: the other signers' shares must be of the same.
    pub generation: u32,
    /// The version of the sealed record that this response was made from, 1 or higher: one more after each change (docs/freshness.md).
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
    /// The key that verifies the signature, 32 bytes, x-only: the group public key, or the output key of a Taproot spend.
    pub public_key: String,
    /// One part for each of the enclave's participants that signs.
    pub parts: Vec<PartialSignature>,
}
