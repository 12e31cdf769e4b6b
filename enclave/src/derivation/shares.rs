//! FROST shares of a derived key, the same whenever it is derived.

use k256::Scalar;
use k256::elliptic_curve::bigint::U512;
use k256::elliptic_curve::ops::Reduce;
use permafrost_frost::Participants;
use zeroize::Zeroizing;

use super::tree::{Node, hmac};

/// The participants of every derived key. All of them are in the enclave; FROST is how it signs, not a protection of its own.
pub const PARTICIPANTS: [&str; 3] = ["share-1", "share-2", "share-3"];

/// How many of them sign.
pub const THRESHOLD: u16 = 2;

/// Marks the data of a coefficient. Children's data begins with 0, 2 or 3.
const COEFFICIENT: u8 = 4;

/// The signing share of each participant, in their order: the values at their identifiers of the polynomial whose value at zero is the
/// node's key, and whose other coefficient is derived from the node and the generation.
pub fn shares(node: &Node, generation: u32, participants: &Participants) -> Vec<Zeroizing<Scalar>> {
    let key = Zeroizing::new(<[u8; 32]>::from(node.key().to_bytes()));
    let data = Zeroizing::new([&[COEFFICIENT], key.as_slice(), &generation.to_be_bytes()].concat());
    let tag = hmac(node.chain_code(), &data);
    // HMAC-SHA512 gives as many bytes as the number has.
    let slope = Zeroizing::new(<Scalar as Reduce<U512>>::reduce(U512::from_be_slice(
        tag.as_ref(),
    )));
    let members = participants.members().iter();
    members
        .map(|member| Zeroizing::new(*node.key() + *slope * member.identifier.to_scalar()))
        .collect()
}
