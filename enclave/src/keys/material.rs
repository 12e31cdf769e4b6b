//! The shares of a key, checked for consistency.

use std::collections::BTreeSet;

use frost_core::compute_lagrange_coefficient;
use frost_secp256k1_tr::{
    Identifier, VerifyingKey,
    keys::{
        self, IdentifierList, KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare, refresh,
    },
};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{ops::MulByGenerator, point::AffineCoordinates},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use permafrost_frost::Participant;

use super::{KeyError, Participants, bip340::PublicKey};

/// All shares of one key, consistent with the participants, the group public key and each other.
#[derive(Clone)]
pub(super) struct KeyMaterial {
    pub(super) participants: Participants,
    pub(super) public: PublicKeyPackage,
    /// In the order of the participants.
    pub(super) packages: Vec<KeyPackage>,
    /// The Lagrange coefficients at zero of the first `threshold` participants, which are always the ones that sign.
    pub(super) interpolation: Vec<Scalar>,
    pub(super) public_key: PublicKey,
}

/// Why packages are not the shares of one key. Names participants, never shows shares.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MaterialError {
    /// There are more or fewer packages than participants.
    #[error("{came} {what} for {expected} participants")]
    Count {
        /// Which packages: `key packages` or `verifying shares`.
        what: &'static str,
        /// The number of participants.
        expected: usize,
        /// The number that came.
        came: usize,
    },
    /// A package has another threshold than the key.
    #[error("the package of {of} has threshold {came:?}, but the key has {expected}")]
    Threshold {
        /// The participant's name, or `the group`.
        of: String,
        /// The key's threshold.
        expected: u16,
        /// The package's threshold, if it has one.
        came: Option<u16>,
    },
    /// A package has another identifier than the participant's name derives to.
    #[error(
        "the key package of {name} has the identifier {came}, but its name derives to {expected}"
    )]
    Identifier {
        /// The participant's name.
        name: String,
        /// What the name derives to, hex.
        expected: String,
        /// The package's identifier, hex.
        came: String,
    },
    /// A key package belongs to another group than the public key package.
    #[error("the key package of {name} has another group public key than the public key package")]
    GroupKey {
        /// The participant's name.
        name: String,
    },
    /// A verifying share is not that of the signing share.
    #[error("the verifying share of {name} in the {place} is not that of its signing share")]
    VerifyingShare {
        /// The participant's name.
        name: String,
        /// `key package` or `public key package`.
        place: &'static str,
    },
    /// The shares of the first `threshold` participants belong to another group public key.
    #[error("the shares are not those of the group public key")]
    OtherGroup,
    /// A share is not on the polynomial that the earlier shares define.
    #[error("the share of {name} is not on the polynomial that the earlier shares define")]
    Polynomial {
        /// The participant's name.
        name: String,
    },
    /// The enclave's shares are not those that the certificate of their ceremony is about.
    #[error("not the shares of the certificate: {0}")]
    Certificate(&'static str),
    /// The group public key is not a BIP-340 public key, or an identifier repeats.
    #[error("the packages are not of this ciphersuite")]
    Ciphersuite,
}

impl KeyMaterial {
    /// Makes a key and deals its shares (RFC 9591 appendix C: trusted dealer key generation), each checked
    /// against the dealer's commitment.
    ///
    /// The dealer's polynomial, whose constant term is the group's secret, is local to the library call; its memory
    /// is wiped when freed, by the program's allocator.
    pub(super) fn deal(
        participants: Participants,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let identifiers = participants.identifiers();
        let count = u16::try_from(identifiers.len()).unwrap_or(u16::MAX);
        let (mut shares, public) = keys::generate_with_dealer(
            count,
            participants.threshold(),
            IdentifierList::Custom(&identifiers),
            rng,
        )?;
        let packages = identifiers
            .iter()
            .filter_map(|identifier| shares.remove(identifier))
            .map(KeyPackage::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Self::new(participants, public, packages)?)
    }

    /// The material of shares, one for each participant, of a key whose public key is given compressed. The shares are the values of one
    /// polynomial: nothing is checked.
    pub(super) fn of_shares(
        participants: Participants,
        public_key: &[u8],
        shares: &[Zeroizing<Scalar>],
    ) -> Result<Self, KeyError> {
        let key = VerifyingKey::deserialize(public_key)?;
        let members = participants.members().iter();
        let packages: Vec<KeyPackage> = members
            .zip(shares)
            .map(|(member, share)| {
                let share = SigningShare::new(**share);
                let verifying = ProjectivePoint::mul_by_generator(&share.to_scalar());
                let verifying = VerifyingShare::new(verifying);
                KeyPackage::new(
                    member.identifier,
                    share,
                    verifying,
                    key,
                    participants.threshold(),
                )
            })
            .collect();
        let verifying = packages
            .iter()
            .map(|package| (*package.identifier(), *package.verifying_share()));
        let public =
            PublicKeyPackage::new(verifying.collect(), key, Some(participants.threshold()));
        let interpolation = interpolation(&packages, participants.threshold())?;
        let public_key = PublicKey::from_bytes(key.to_element().to_affine().x().into())
            .map_err(|_| MaterialError::Ciphersuite)?;
        Ok(Self {
            participants,
            public,
            packages,
            interpolation,
            public_key,
        })
    }

    /// New shares of the same key, on a new polynomial: they do not sign together with the old shares.
    pub(super) fn refresh(&self, rng: &mut (impl CryptoRng + RngCore)) -> Result<Self, KeyError> {
        let (changes, public) = refresh::compute_refreshing_shares(
            self.public.clone(),
            &self.participants.identifiers(),
            rng,
        )?;
        let packages = changes
            .into_iter()
            .zip(&self.packages)
            .map(|(change, old)| {
                let refreshed = refresh::refresh_share(change, old)?;
                // The library leaves the old verifying share in the package.
                Ok(KeyPackage::new(
                    *refreshed.identifier(),
                    *refreshed.signing_share(),
                    VerifyingShare::from(*refreshed.signing_share()),
                    *refreshed.verifying_key(),
                    *refreshed.min_signers(),
                ))
            })
            .collect::<Result<_, KeyError>>()?;
        Ok(Self::new(self.participants.clone(), public, packages)?)
    }

    /// Checks that packages, given in the order of the participants, are consistent.
    ///
    /// The checks are complete: with packages that pass, any `threshold` of the participants can sign.
    pub(super) fn new(
        participants: Participants,
        public: PublicKeyPackage,
        packages: Vec<KeyPackage>,
    ) -> Result<Self, MaterialError> {
        check_group(&participants, &public, packages.len())?;
        for (member, package) in participants.members().iter().zip(&packages) {
            check_package(member, package, &public, participants.threshold())?;
        }
        let interpolation = check_polynomial(&participants, &public, &packages)?;
        let public_key =
            PublicKey::from_bytes(public.verifying_key().to_element().to_affine().x().into())
                .map_err(|_| MaterialError::Ciphersuite)?;
        Ok(Self {
            participants,
            public,
            packages,
            interpolation,
            public_key,
        })
    }

    /// The name of the participant with this identifier.
    pub(super) fn name_of(&self, identifier: &Identifier) -> String {
        self.participants
            .members()
            .iter()
            .find(|member| member.identifier == *identifier)
            .map_or_else(
                || hex::encode(identifier.serialize()),
                |member| member.name.as_str().to_owned(),
            )
    }
}

pub(super) fn check_group(
    participants: &Participants,
    public: &PublicKeyPackage,
    packages: usize,
) -> Result<(), MaterialError> {
    let expected = participants.members().len();
    for (what, came) in [
        ("key packages", packages),
        ("verifying shares", public.verifying_shares().len()),
    ] {
        if came != expected {
            return Err(MaterialError::Count {
                what,
                expected,
                came,
            });
        }
    }
    if public.min_signers() != Some(participants.threshold()) {
        return Err(MaterialError::Threshold {
            of: "the group".to_owned(),
            expected: participants.threshold(),
            came: public.min_signers(),
        });
    }
    Ok(())
}

fn check_package(
    member: &Participant,
    package: &KeyPackage,
    public: &PublicKeyPackage,
    threshold: u16,
) -> Result<(), MaterialError> {
    let name = member.name.as_str().to_owned();
    if *package.identifier() != member.identifier {
        return Err(MaterialError::Identifier {
            name,
            expected: hex::encode(member.identifier.serialize()),
            came: hex::encode(package.identifier().serialize()),
        });
    }
    if *package.min_signers() != threshold {
        return Err(MaterialError::Threshold {
            of: name,
            expected: threshold,
            came: Some(*package.min_signers()),
        });
    }
    if package.verifying_key() != public.verifying_key() {
        return Err(MaterialError::GroupKey { name });
    }
    let own = ProjectivePoint::mul_by_generator(&package.signing_share().to_scalar());
    let published = public.verifying_shares().get(&member.identifier);
    for (place, share) in [
        ("key package", Some(package.verifying_share())),
        ("public key package", published),
    ] {
        if share.map(VerifyingShare::to_element) != Some(own) {
            return Err(MaterialError::VerifyingShare { name, place });
        }
    }
    Ok(())
}

/// Checks that all shares are on one polynomial of degree `threshold` - 1 whose value at zero is the secret of the
/// group public key. The secret itself is never computed: at zero the check is done on points.
///
/// Returns the Lagrange coefficients at zero of the first `threshold` participants.
fn check_polynomial(
    participants: &Participants,
    public: &PublicKeyPackage,
    packages: &[KeyPackage],
) -> Result<Vec<Scalar>, MaterialError> {
    let (first, rest) = packages
        .split_at_checked(usize::from(participants.threshold()))
        .ok_or(MaterialError::Ciphersuite)?;
    let set: BTreeSet<Identifier> = first.iter().map(|p| *p.identifier()).collect();
    let coefficients = |at: Option<Identifier>| {
        first
            .iter()
            .map(|package| compute_lagrange_coefficient(&set, at, *package.identifier()))
            .collect::<Result<Vec<Scalar>, _>>()
            .map_err(|_| MaterialError::Ciphersuite)
    };

    let interpolation = coefficients(None)?;
    let group = first
        .iter()
        .zip(&interpolation)
        .map(|(package, coefficient)| package.verifying_share().to_element() * coefficient)
        .sum::<ProjectivePoint>();
    if group != public.verifying_key().to_element() {
        return Err(MaterialError::OtherGroup);
    }

    for (member, package) in participants.members().iter().skip(first.len()).zip(rest) {
        let share = Zeroizing::new(
            first
                .iter()
                .zip(coefficients(Some(*package.identifier()))?)
                .map(|(package, coefficient)| package.signing_share().to_scalar() * coefficient)
                .sum::<Scalar>(),
        );
        if *share != package.signing_share().to_scalar() {
            return Err(MaterialError::Polynomial {
                name: member.name.as_str().to_owned(),
            });
        }
    }
    Ok(interpolation)
}

/// The Lagrange coefficients at zero of the first `threshold` participants.
fn interpolation(packages: &[KeyPackage], threshold: u16) -> Result<Vec<Scalar>, MaterialError> {
    let signers = || packages.iter().take(usize::from(threshold));
    let set: BTreeSet<Identifier> = signers().map(|package| *package.identifier()).collect();
    signers()
        .map(|package| compute_lagrange_coefficient(&set, None, *package.identifier()))
        .collect::<Result<_, _>>()
        .map_err(|_| MaterialError::Ciphersuite)
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::participants;

    fn material() -> KeyMaterial {
        KeyMaterial::deal(participants(2, 3), &mut OsRng).unwrap()
    }

    /// The same key with one participant's share, or the group public key, replaced everywhere it occurs.
    fn with(
        material: &KeyMaterial,
        share: Option<(usize, SigningShare)>,
        key: VerifyingKey,
    ) -> Result<KeyMaterial, MaterialError> {
        let mut packages = material.packages.clone();
        for (index, package) in packages.iter_mut().enumerate() {
            let share = match share {
                Some((at, share)) if at == index => share,
                _ => *package.signing_share(),
            };
            let identifier = *package.identifier();
            *package = KeyPackage::new(identifier, share, share.into(), key, 2);
        }
        let shares = packages
            .iter()
            .map(|package| (*package.identifier(), *package.verifying_share()))
            .collect();
        let public = PublicKeyPackage::new(shares, key, Some(2));
        KeyMaterial::new(material.participants.clone(), public, packages)
    }

    #[test]
    fn shares_of_another_key_do_not_pass_for_this_one() {
        let (material, other) = (material(), material());
        let (own, foreign) = (
            *material.public.verifying_key(),
            *other.public.verifying_key(),
        );
        assert!(with(&material, None, own).is_ok());
        let refused = with(&material, None, foreign).err();
        assert_eq!(refused, Some(MaterialError::OtherGroup));
    }

    #[test]
    fn a_share_off_the_polynomial_is_refused_for_every_participant() {
        let (material, other) = (material(), material());
        let key = *material.public.verifying_key();
        for (index, expected) in [
            (0, MaterialError::OtherGroup),
            (1, MaterialError::OtherGroup),
            (
                2,
                MaterialError::Polynomial {
                    name: "node-3".to_owned(),
                },
            ),
        ] {
            let foreign = *other.packages[index].signing_share();
            assert_eq!(
                with(&material, Some((index, foreign)), key).err(),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_package_whose_verifying_share_is_not_its_own_is_refused() {
        let material = material();
        let mut packages = material.packages.clone();
        packages[1] = KeyPackage::new(
            *packages[1].identifier(),
            *packages[1].signing_share(),
            *packages[0].verifying_share(),
            *packages[1].verifying_key(),
            2,
        );
        let refused = KeyMaterial::new(material.participants, material.public, packages).err();
        assert_eq!(
            refused,
            Some(MaterialError::VerifyingShare {
                name: "node-2".to_owned(),
                place: "key package"
            })
        );
    }
}
