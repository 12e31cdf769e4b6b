//! What a nonce that signs more than once gives away, and that none does.

use frost_core::{
    Ciphersuite, compute_binding_factor_list, compute_group_commitment,
    compute_lagrange_coefficient,
};
use frost_secp256k1_tr::{
    Secp256K1Sha256TR, SigningPackage,
    keys::EvenY,
    round1::{NonceCommitment, SigningCommitments},
};
use k256::{Scalar, elliptic_curve::PrimeField};
use rand_core::{CryptoRng, OsRng, RngCore};

use super::*;
use crate::sign::{self, By, NonceCommitments, PartialSignature, ToSign};

/// A generator that repeats itself, as a restored enclave would.
#[derive(Clone)]
struct Stuck;

impl RngCore for Stuck {
    fn next_u32(&mut self) -> u32 {
        7
    }

    fn next_u64(&mut self) -> u64 {
        7
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Stuck {}

#[test]
fn a_repeated_nonce_gives_the_share_away_and_three_requests_in_a_row_do_not() {
    let shares = generate(2, 2);
    // The asker's commitments are the same each time: only the message differs.
    let commitments = sign::commit(vec![shares[1].clone()], &mut OsRng)
        .unwrap()
        .commitments();
    let secret = shares[0].package().signing_share().to_scalar();
    let with_repetition = solve(&shares, &commitments, &mut Stuck);
    assert_eq!(with_repetition, secret);
    let without = solve(&shares, &commitments, &mut OsRng);
    assert_ne!(without, secret);
}

/// What the helper's share would be if its three responses had come from the same nonces: the solution of three linear equations
/// z = sign * (d + rho * e) + factor * s (RFC 9591 section 5.2; BIP-340 negates nonces where R is odd).
fn solve(
    shares: &[Share],
    commitments: &[NonceCommitments],
    rng: &mut (impl CryptoRng + RngCore),
) -> Scalar {
    let mut rows = Vec::new();
    for message in [b"one", b"two", b"six"] {
        let what = ToSign {
            message: message.to_vec(),
            by: By::GroupKey,
        };
        let part = sign::respond(&shares[..1], &what, commitments, rng).unwrap();
        rows.push(row(shares, commitments, &what, &part[0]));
    }
    // Cramer's rule for s.
    determinant([0, 1, 3], &rows) * determinant([0, 1, 2], &rows).invert().unwrap()
}

/// The coefficients of d, e and s, and the value.
fn row(
    shares: &[Share],
    commitments: &[NonceCommitments],
    what: &ToSign,
    part: &PartialSignature,
) -> [Scalar; 4] {
    let own = *shares[0].package().identifier();
    let other = *shares[1].package().identifier();
    let parsed = |hiding: &Hex<33>, binding: &Hex<33>| {
        SigningCommitments::new(
            NonceCommitment::deserialize(&hiding.0).unwrap(),
            NonceCommitment::deserialize(&binding.0).unwrap(),
        )
    };
    let all = [
        (own, parsed(&part.hiding, &part.binding)),
        (
            other,
            parsed(&commitments[0].hiding, &commitments[0].binding),
        ),
    ];
    let package = SigningPackage::new(all.into(), &what.message);
    let key = shares[0].public().clone().into_even_y(None);
    let factors =
        compute_binding_factor_list::<Secp256K1Sha256TR>(&package, key.verifying_key(), &[])
            .unwrap();
    let rho = Scalar::from_repr(
        <[u8; 32]>::try_from(factors.get(&own).unwrap().serialize())
            .unwrap()
            .into(),
    )
    .unwrap();
    let odd = |is_odd: bool| if is_odd { -Scalar::ONE } else { Scalar::ONE };
    let group = compute_group_commitment(&package, &factors).unwrap();
    let sign = odd(!group.has_even_y());
    let point = group.to_element();
    let challenge =
        Secp256K1Sha256TR::challenge(&point, key.verifying_key(), &what.message).unwrap();
    let set = [own, other].into();
    let lambda: Scalar =
        compute_lagrange_coefficient::<Secp256K1Sha256TR>(&set, None, own).unwrap();
    let of_key = odd(!shares[0].public().has_even_y());
    let z: Scalar = Scalar::from_repr(part.share.0.into()).unwrap();
    [sign, sign * rho, of_key * lambda * challenge.to_scalar(), z]
}

/// The determinant of three columns.
fn determinant(columns: [usize; 3], rows: &[[Scalar; 4]]) -> Scalar {
    let at = |row: usize, column: usize| rows[row][columns[column]];
    at(0, 0) * (at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1))
        - at(0, 1) * (at(1, 0) * at(2, 2) - at(1, 2) * at(2, 0))
        + at(0, 2) * (at(1, 0) * at(2, 1) - at(1, 1) * at(2, 0))
}
