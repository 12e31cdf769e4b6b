//! The FROST packages of a key, checked for consistency.

use std::collections::BTreeSet;

use frost_core::compute_lagrange_coefficient;
use frost_secp256k1_tr::{
    Identifier, SigningKey, VerifyingKey,
    keys::{
        self, IdentifierList, KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare, refresh,
    },
};
use k256::{ProjectivePoint, Scalar, elliptic_curve::ops::MulByGenerator};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use permafrost_frost::Participant;

use super::{KeyError, Participants};

/// The packages of all participants, consistent with their names, the group public key and each other.
#[derive(Clone)]
pub(super) struct Packages {
    pub(super) public: PublicKeyPackage,
    /// In the order of the participants.
    pub(super) keys: Vec<KeyPackage>,
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
    /// The bytes of a package are not what the FROST library makes of it.
    #[error("{of} is not in the encoding of the FROST library")]
    Encoding {
        /// The participant's name, or `the group`.
        of: String,
    },
    /// The enclave's shares are not those that the certificate of their ceremony is about.
    #[error("not the shares of the certificate: {0}")]
    Certificate(&'static str),
    /// The group public key is not a BIP-340 public key, or an identifier repeats.
    #[error("the packages are not of this ciphersuite")]
    Ciphersuite,
}

impl Packages {
    /// Deals the shares of a secret (RFC 9591 appendix C: trusted dealer key generation), each checked against the
    /// dealer's commitment.
    ///
    /// The dealer's polynomial, whose constant term is the secret, is local to the library call; its memory is wiped when
    /// freed, by the program's allocator.
    pub(super) fn split(
        participants: &Participants,
        secret: &SigningKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let identifiers = participants.identifiers();
        let count = u16::try_from(identifiers.len()).unwrap_or(u16::MAX);
        let (mut shares, public) = keys::split(
            secret,
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

    /// The packages of shares, one for each participant. The shares are the values of one polynomial: nothing is checked.
    pub(super) fn of_shares(
        participants: &Participants,
        group: &VerifyingKey,
        shares: &[Zeroizing<Scalar>],
    ) -> Self {
        let threshold = participants.threshold();
        let keys: Vec<KeyPackage> = participants
            .members()
            .iter()
            .zip(shares)
            .map(|(member, share)| {
                let verifying = ProjectivePoint::mul_by_generator(&**share);
                KeyPackage::new(
                    member.identifier,
                    SigningShare::new(**share),
                    VerifyingShare::new(verifying),
                    *group,
                    threshold,
                )
            })
            .collect();
        let verifying = keys
            .iter()
            .map(|package| (*package.identifier(), *package.verifying_share()));
        Self {
            public: PublicKeyPackage::new(verifying.collect(), *group, Some(threshold)),
            keys,
        }
    }

    /// New shares of the same key, on a new polynomial: they do not sign together with the old shares.
    pub(super) fn refresh(
        &self,
        participants: &Participants,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let (changes, public) = refresh::compute_refreshing_shares(
            self.public.clone(),
            &participants.identifiers(),
            rng,
        )?;
        let packages = changes
            .into_iter()
            .zip(&self.keys)
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
        Ok(Self::new(participants, public, packages)?)
    }

    /// Checks that packages, given in the order of the participants, are consistent.
    ///
    /// The checks are complete: with packages that pass, any `threshold` of the participants can sign.
    pub(super) fn new(
        participants: &Participants,
        public: PublicKeyPackage,
        keys: Vec<KeyPackage>,
    ) -> Result<Self, MaterialError> {
        check_group(participants, &public, keys.len())?;
        for (member, package) in participants.members().iter().zip(&keys) {
            check_package(member, package, &public, participants.threshold())?;
        }
        check_polynomial(participants, &public, &keys)?;
        Ok(Self { public, keys })
    }
}

pub(super) fn check_group(
    participants: &Participants,
    public: &PublicKeyPackage,
    packages: usize,
) -> Result<(), MaterialError> {
    let expected = participants.members().len();
    check_count("key packages", expected, packages)?;
    let shares = public.verifying_shares().len();
    check_count("verifying shares", expected, shares)?;
    if public.min_signers() != Some(participants.threshold()) {
        return Err(MaterialError::Threshold {
            of: "the group".to_owned(),
            expected: participants.threshold(),
            came: public.min_signers(),
        });
    }
    Ok(())
}

pub(super) fn check_count(
    what: &'static str,
    expected: usize,
    came: usize,
) -> Result<(), MaterialError> {
    match came == expected {
        true => Ok(()),
        false => Err(MaterialError::Count {
            what,
            expected,
            came,
        }),
    }
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
fn check_polynomial(
    participants: &Participants,
    public: &PublicKeyPackage,
    packages: &[KeyPackage],
) -> Result<(), MaterialError> {
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

    let group = first
        .iter()
        .zip(coefficients(None)?)
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::participants;

    fn packages() -> Packages {
        let secret = SigningKey::new(&mut OsRng);
        Packages::split(&participants(2, 3), &secret, &mut OsRng).unwrap()
    }

    /// The same key with one participant's share, or the group public key, replaced everywhere it occurs.
    fn with(
        packages: &Packages,
        share: Option<(usize, SigningShare)>,
        key: VerifyingKey,
    ) -> Result<Packages, MaterialError> {
        let mut keys = packages.keys.clone();
        for (index, package) in keys.iter_mut().enumerate() {
            let share = match share {
                Some((at, share)) if at == index => share,
                _ => *package.signing_share(),
            };
            let identifier = *package.identifier();
            *package = KeyPackage::new(identifier, share, share.into(), key, 2);
        }
        let shares = keys
            .iter()
            .map(|package| (*package.identifier(), *package.verifying_share()))
            .collect();
        let public = PublicKeyPackage::new(shares, key, Some(2));
        Packages::new(&participants(2, 3), public, keys)
    }

    #[test]
    fn shares_of_another_key_do_not_pass_for_this_one() {
        let (own, other) = (packages(), packages());
        let keys = [&own, &other].map(|packages| *packages.public.verifying_key());
        assert!(with(&own, None, keys[0]).is_ok());
        let refused = with(&own, None, keys[1]).err();
        assert_eq!(refused, Some(MaterialError::OtherGroup));
    }

    #[test]
    fn a_share_off_the_polynomial_is_refused_for_every_participant() {
        let (own, other) = (packages(), packages());
        let key = *own.public.verifying_key();
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
            let foreign = *other.keys[index].signing_share();
            assert_eq!(
                with(&own, Some((index, foreign)), key).err(),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_package_whose_verifying_share_is_not_its_own_is_refused() {
        let Packages { public, mut keys } = packages();
        keys[1] = KeyPackage::new(
            *keys[1].identifier(),
            *keys[1].signing_share(),
            *keys[0].verifying_share(),
            *keys[1].verifying_key(),
            2,
        );
        let refused = Packages::new(&participants(2, 3), public, keys).err();
        assert_eq!(
            refused,
            Some(MaterialError::VerifyingShare {
                name: "node-2".to_owned(),
                place: "key package"
            })
        );
    }
}
