//! The shares of a key, as far as signing needs them, and the rest for when it is needed.

use std::sync::OnceLock;

use frost_secp256k1_tr::{
    Identifier, SigningKey, VerifyingKey,
    keys::{KeyPackage, PublicKeyPackage, SigningShare},
};
use k256::Scalar;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    KeyError, MaterialError, Participants,
    bip340::PublicKey,
    packages::{Packages, check_count},
};

/// All shares of one key.
///
/// What signing takes is at hand. The packages, which take longer to read and to check than a signature takes, are read and checked
/// when something else is done with the key, and before it is sealed. Until then the record's own seal vouches for them, and the
/// verification of each signature.
#[derive(Clone)]
pub(super) struct KeyMaterial {
    pub(super) participants: Participants,
    /// The first `threshold` participants, which are always the ones that sign.
    pub(super) signers: Vec<Signer>,
    /// The group public key, whose y coordinate may be odd.
    pub(super) group: VerifyingKey,
    pub(super) public_key: PublicKey,
    origin: Origin,
    packages: OnceLock<Packages>,
}

/// What a participant signs with.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) identifier: Identifier,
    pub(super) share: Zeroizing<SigningShare>,
    /// The Lagrange coefficient at zero.
    pub(super) coefficient: Scalar,
}

/// What the packages are made of.
#[derive(Clone)]
enum Origin {
    Encoded(Encoded),
    /// Of every participant, in their order.
    Shares(Vec<Zeroizing<Scalar>>),
}

/// Packages as the FROST library serialises them.
#[derive(Clone)]
pub(super) struct Encoded {
    pub(super) public: Vec<u8>,
    /// In the order of the participants.
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
}

/// The length of a serialised key package: a header of 5 bytes, the identifier (32), the signing share (32), the verifying share (33),
/// the group public key (33) and the threshold, which is less than 128.
const KEY_PACKAGE_LEN: usize = 136;
const SIGNING_SHARE: std::ops::Range<usize> = 37..69;
const GROUP_PUBLIC_KEY: std::ops::Range<usize> = 102..135;

impl KeyMaterial {
    /// Makes a key and deals its shares.
    pub(super) fn deal(
        participants: Participants,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        Self::split(participants, &SigningKey::new(rng), rng)
    }

    /// Deals the shares of a secret that exists already.
    pub(super) fn split(
        participants: Participants,
        secret: &SigningKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let packages = Packages::split(&participants, secret, rng)?;
        Self::of_packages(participants, packages)
    }

    /// New shares of the same key, on a new polynomial: they do not sign together with the old shares.
    pub(super) fn refresh(&self, rng: &mut (impl CryptoRng + RngCore)) -> Result<Self, KeyError> {
        let packages = self.packages()?.refresh(&self.participants, rng)?;
        Self::of_packages(self.participants.clone(), packages)
    }

    /// The material of these packages.
    pub(super) fn of_packages(
        participants: Participants,
        packages: Packages,
    ) -> Result<Self, KeyError> {
        let encoded = Encoded::of(&packages)?;
        let material = Self::open(participants, encoded)?;
        Ok(Self {
            packages: packages.into(),
            ..material
        })
    }

    /// The material of shares, one for each participant, of a key whose public key is given compressed. The shares are the values of one
    /// polynomial: nothing is checked.
    pub(super) fn of_shares(
        participants: Participants,
        public_key: &[u8],
        shares: Vec<Zeroizing<Scalar>>,
    ) -> Result<Self, KeyError> {
        let group = VerifyingKey::deserialize(public_key)?;
        let signing = shares.iter().map(|share| SigningShare::new(**share).into());
        let signing = signing.take(participants.threshold().into()).collect();
        Ok(Self::new(
            participants,
            group,
            signing,
            Origin::Shares(shares),
        )?)
    }

    /// Reads of encoded packages what signing needs.
    pub(super) fn open(
        participants: Participants,
        encoded: Encoded,
    ) -> Result<Self, MaterialError> {
        let members = participants.members();
        check_count("key packages", members.len(), encoded.keys.len())?;
        let mut group = None;
        let mut shares = Vec::with_capacity(members.len());
        let signers = members.iter().zip(&encoded.keys);
        for (member, key) in signers.take(participants.threshold().into()) {
            let part = |range| key.get(range).filter(|_| key.len() == KEY_PACKAGE_LEN);
            let share = part(SIGNING_SHARE).and_then(|share| SigningShare::deserialize(share).ok());
            let share = share.ok_or_else(|| encoding(member.name.as_str()))?;
            shares.push(Zeroizing::new(share));
            if group.is_none() {
                group = part(GROUP_PUBLIC_KEY).and_then(|key| VerifyingKey::deserialize(key).ok());
            }
        }
        let group = group.ok_or_else(|| encoding(GROUP))?;
        Self::new(participants, group, shares, Origin::Encoded(encoded))
    }

    fn new(
        participants: Participants,
        group: VerifyingKey,
        shares: Vec<Zeroizing<SigningShare>>,
        origin: Origin,
    ) -> Result<Self, MaterialError> {
        let identifiers = participants.members().iter().map(|one| one.identifier);
        let identifiers: Vec<Identifier> = identifiers.take(shares.len()).collect();
        let coefficients = interpolation(&identifiers).ok_or(MaterialError::Ciphersuite)?;
        let signers = identifiers.into_iter().zip(shares).zip(coefficients);
        let signers = signers.map(|((identifier, share), coefficient)| Signer {
            identifier,
            share,
            coefficient,
        });
        Ok(Self {
            signers: signers.collect(),
            public_key: PublicKey::of_point(&group.to_element())
                .ok_or(MaterialError::Ciphersuite)?,
            participants,
            group,
            origin,
            packages: OnceLock::new(),
        })
    }

    /// The packages of all participants, checked.
    pub(super) fn packages(&self) -> Result<&Packages, MaterialError> {
        if let Some(packages) = self.packages.get() {
            return Ok(packages);
        }
        let packages = match &self.origin {
            Origin::Encoded(encoded) => encoded.packages(&self.participants)?,
            Origin::Shares(shares) => Packages::of_shares(&self.participants, &self.group, shares),
        };
        Ok(self.packages.get_or_init(|| packages))
    }

    /// The public key package, which names whose signature share is wrong even where the packages do not belong together.
    pub(super) fn public(&self) -> Result<PublicKeyPackage, MaterialError> {
        match (&self.origin, self.packages.get()) {
            (Origin::Encoded(encoded), None) => encoded.public(),
            _ => Ok(self.packages()?.public.clone()),
        }
    }

    /// The packages as they are sealed; None of a derived key, which never is.
    pub(super) fn encoded(&self) -> Option<&Encoded> {
        match &self.origin {
            Origin::Encoded(encoded) => Some(encoded),
            Origin::Shares(_) => None,
        }
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

impl Encoded {
    fn of(packages: &Packages) -> Result<Self, KeyError> {
        let keys = packages.keys.iter();
        let keys = keys.map(|key| Ok(Zeroizing::new(key.serialize()?)));
        Ok(Self {
            public: packages.public.serialize()?,
            keys: keys.collect::<Result<_, KeyError>>()?,
        })
    }

    fn packages(&self, participants: &Participants) -> Result<Packages, MaterialError> {
        let mut keys = Vec::with_capacity(self.keys.len());
        for (member, bytes) in participants.members().iter().zip(&self.keys) {
            let key = KeyPackage::deserialize(bytes).ok();
            // The library reads some other encodings, too.
            let key = key.filter(|key| key.serialize().map(Zeroizing::new).as_ref() == Ok(bytes));
            keys.push(key.ok_or_else(|| encoding(member.name.as_str()))?);
        }
        Packages::new(participants, self.public()?, keys)
    }

    fn public(&self) -> Result<PublicKeyPackage, MaterialError> {
        let public = PublicKeyPackage::deserialize(&self.public).ok();
        let public = public.filter(|public| public.serialize().as_ref() == Ok(&self.public));
        public.ok_or_else(|| encoding(GROUP))
    }
}

fn encoding(of: &str) -> MaterialError {
    MaterialError::Encoding { of: of.to_owned() }
}

/// The Lagrange coefficient at zero of each identifier. All take one inversion.
fn interpolation(identifiers: &[Identifier]) -> Option<Vec<Scalar>> {
    let at: Vec<Scalar> = identifiers.iter().map(Identifier::to_scalar).collect();
    let others = |index| {
        let all = at.iter().enumerate();
        all.filter(move |(other, _)| *other != index)
            .map(|(_, scalar)| scalar)
    };
    let all = || at.iter().enumerate();
    let denominators: Vec<Scalar> = all()
        .map(|(index, own)| others(index).map(|other| other - own).product())
        .collect();
    let product: Scalar = denominators.iter().product();
    let inverse: Scalar = Option::from(product.invert())?;
    let coefficients = all().map(|(index, _)| {
        let rest = denominators.iter().enumerate();
        let rest = rest.filter(|(other, _)| *other != index);
        let rest: Scalar = rest.map(|(_, denominator)| denominator).product();
        others(index).product::<Scalar>() * rest * inverse
    });
    Some(coefficients.collect())
}

const GROUP: &str = "the group";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use frost_core::compute_lagrange_coefficient;
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::participants;

    #[test]
    fn what_signing_reads_of_the_encoded_packages_is_what_the_library_reads() {
        for (t, n) in [(2, 2), (2, 3), (7, 10), (32, 32)] {
            let made = KeyMaterial::deal(participants(t, n), &mut OsRng).unwrap();
            let encoded = made.encoded().unwrap().clone();
            let opened = KeyMaterial::open(participants(t, n), encoded).unwrap();
            let packages = opened.packages().unwrap();
            assert_eq!(opened.group, *packages.public.verifying_key());
            assert_eq!(opened.signers.len(), usize::from(t));
            for (signer, key) in opened.signers.iter().zip(&packages.keys) {
                assert_eq!(signer.identifier, *key.identifier());
                assert!(*signer.share == *key.signing_share());
            }
            assert_eq!(packages.keys, made.packages().unwrap().keys);
            assert_eq!(opened.public_key, made.public_key);
        }
    }

    #[test]
    fn coefficients_are_those_of_the_library() {
        for (t, n) in [(2, 3), (7, 10), (32, 32)] {
            let identifiers = &participants(t, n).identifiers()[..usize::from(t)];
            let set: BTreeSet<Identifier> = identifiers.iter().copied().collect();
            let theirs = identifiers.iter().map(|own| {
                let coefficient: Result<Scalar, _> = compute_lagrange_coefficient(&set, None, *own);
                coefficient.unwrap()
            });
            assert!(theirs.eq(interpolation(identifiers).unwrap()));
        }
    }
}
