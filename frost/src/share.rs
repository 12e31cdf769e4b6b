//! One participant's share of a key.

use std::collections::BTreeSet;
use std::fmt;

use frost_core::compute_lagrange_coefficient;
use frost_secp256k1_tr::{
    Identifier,
    keys::{KeyPackage, PublicKeyPackage, VerifyingShare},
};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{ops::MulByGenerator, point::AffineCoordinates},
};

use crate::{CeremonyError, Hex, Participants};

/// One participant's share, consistent with the public shares of all and with the group public key.
#[derive(Clone)]
pub struct Share {
    participants: Participants,
    name: String,
    package: KeyPackage,
    public: PublicKeyPackage,
}

impl Share {
    /// Checks that the packages are of one key, these participants and this one of them.
    ///
    /// # Errors
    /// [`CeremonyError::Mismatch`] says what does not belong together.
    pub fn new(
        participants: Participants,
        name: &str,
        package: KeyPackage,
        public: PublicKeyPackage,
    ) -> Result<Self, CeremonyError> {
        let mismatch = |what| Err(CeremonyError::Mismatch(what));
        let member = participants
            .members()
            .iter()
            .find(|member| member.name.as_str() == name);
        if member.map(|member| member.identifier) != Some(*package.identifier()) {
            return mismatch("the share is that of another participant");
        }
        if *package.min_signers() != participants.threshold()
            || public.min_signers() != Some(participants.threshold())
        {
            return mismatch("the share is of a key with another threshold");
        }
        if package.verifying_key() != public.verifying_key() {
            return mismatch("the share is of another key than its public shares");
        }
        let own = ProjectivePoint::mul_by_generator(&package.signing_share().to_scalar());
        let published = public.verifying_shares().get(package.identifier());
        for share in [Some(package.verifying_share()), published] {
            if share.map(VerifyingShare::to_element) != Some(own) {
                return mismatch("the verifying share is not that of the share");
            }
        }
        check_public(&participants, &public)?;
        Ok(Self {
            participants,
            name: name.to_owned(),
            package,
            public,
        })
    }

    /// The participant's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All participants of the key.
    pub fn participants(&self) -> &Participants {
        &self.participants
    }

    /// The group public key, 32 bytes, x-only (BIP-340).
    pub fn group_public_key(&self) -> Hex<32> {
        let point = self.public.verifying_key().to_element().to_affine();
        Hex(point.x().into())
    }

    /// Every participant's verifying share, in the order of the participants.
    pub fn verifying_shares(&self) -> Result<Vec<Hex<33>>, CeremonyError> {
        let members = self.participants.members().iter();
        let shares = members.map(|member| {
            let share = self.public.verifying_shares().get(&member.identifier)?;
            let bytes = share.serialize().ok()?;
            Some(Hex(bytes.try_into().ok()?))
        });
        shares
            .collect::<Option<_>>()
            .ok_or(CeremonyError::Mismatch("a verifying share is missing"))
    }

    /// The secret package of the FROST library.
    pub fn package(&self) -> &KeyPackage {
        &self.package
    }

    /// The public package of the FROST library.
    pub fn public(&self) -> &PublicKeyPackage {
        &self.public
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("name", &self.name)
            .field("group_public_key", &self.group_public_key())
            .finish_non_exhaustive()
    }
}

/// Checks that the public shares are those of all participants, on one polynomial, whose value at zero is the group public key.
fn check_public(
    participants: &Participants,
    public: &PublicKeyPackage,
) -> Result<(), CeremonyError> {
    let mismatch = || CeremonyError::Mismatch("the public shares are not those of one key");
    let identifiers = participants.identifiers();
    let shares: Option<Vec<ProjectivePoint>> = identifiers
        .iter()
        .map(|identifier| {
            let share = public.verifying_shares().get(identifier)?;
            Some(share.to_element())
        })
        .collect();
    let shares = shares.filter(|_| public.verifying_shares().len() == identifiers.len());
    let shares = shares.ok_or_else(mismatch)?;
    let t = usize::from(participants.threshold());
    let first: BTreeSet<Identifier> = identifiers.iter().take(t).copied().collect();
    let value_at = |at: Option<Identifier>| -> Result<ProjectivePoint, CeremonyError> {
        let mut sum = ProjectivePoint::IDENTITY;
        for (identifier, share) in identifiers.iter().zip(&shares).take(t) {
            let coefficient: Scalar = compute_lagrange_coefficient(&first, at, *identifier)?;
            sum += *share * coefficient;
        }
        Ok(sum)
    };
    if value_at(None)? != public.verifying_key().to_element() {
        return Err(mismatch());
    }
    for (identifier, share) in identifiers.iter().zip(&shares).skip(t) {
        if value_at(Some(*identifier))? != *share {
            return Err(mismatch());
        }
    }
    Ok(())
}
