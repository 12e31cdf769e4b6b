//! SHA-256 of CBOR under a tag, by which everything that is signed or derived here is told apart.

use ciborium::Value;
use k256::{Scalar, elliptic_curve::ops::Reduce};
use sha2::{Digest, Sha256};

/// What a digest is of. Its text is the tag of a tagged hash (BIP-340, section Design), so that no digest passes for one of another kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tag {
    /// All that the participants agreed on before the first message.
    Parameters,
    /// A message of the first round without its signatures.
    Commitments,
    /// The commitments of all participants.
    AllCommitments,
    /// A message of the second round without its signature.
    Shares,
    /// What hides a share from all but the participant that it is for.
    Pad,
    /// All messages of both rounds.
    Transcript,
    /// The result, which every participant signs.
    Outcome,
    /// A message with the proof that its sender knows the secret behind it, as the participant signs it.
    Signed,
}

/// SHA-256(SHA-256(tag) || SHA-256(tag) || CBOR array of the parts), with the deterministic encoding of RFC 8949 section 4.2.1.
pub(crate) fn digest(tag: Tag, parts: Vec<Value>) -> [u8; 32] {
    let mut cbor = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(&Value::Array(parts), &mut cbor);
    let tag = Sha256::digest(tag.text());
    let hash = Sha256::new_with_prefix(tag).chain_update(tag);
    hash.chain_update(cbor).finalize().into()
}

/// The same as a scalar: the digest modulo the order of the group, whose distance from uniform is below 2^-127.
pub(crate) fn scalar(tag: Tag, parts: Vec<Value>) -> Scalar {
    <Scalar as Reduce<k256::U256>>::reduce_bytes(&digest(tag, parts).into())
}

/// Bytes as a part of a digest.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

impl Tag {
    fn text(self) -> &'static str {
        match self {
            Self::Parameters => "permafrost/ceremony/parameters",
            Self::Commitments => "permafrost/ceremony/commitments",
            Self::AllCommitments => "permafrost/ceremony/all-commitments",
            Self::Shares => "permafrost/ceremony/shares",
            Self::Pad => "permafrost/ceremony/pad",
            Self::Transcript => "permafrost/ceremony/transcript",
            Self::Outcome => "permafrost/ceremony/outcome",
            Self::Signed => "permafrost/ceremony/signed",
        }
    }
}
