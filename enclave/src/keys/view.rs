//! What the API shows of a key.

use frost_secp256k1_tr::keys::PublicKeyPackage;
use permafrost_common::api::{self, split::Certificate};
use permafrost_frost::{Hex, Participant};

use super::{
    KeyError, KeyRecord, MaterialError, Network, UNSTORED, nostr, record::Material,
    taproot::TweakedKey,
};

impl KeyRecord {
    /// Everything about the key but its shares.
    ///
    /// # Errors
    ///
    /// [`KeyError::Tweak`], [`KeyError::Bech32`] and [`KeyError::Frost`]; no key in a consistent record causes them.
    pub fn view(&self, network: Network) -> Result<api::Key, KeyError> {
        Ok(api::Key {
            id: self.id.to_string(),
            owner: self.owner.clone(),
            label: self.label.clone(),
            custody: self.custody(),
            status: self.status,
            threshold: self.participants().threshold(),
            participants: self.participants_view()?,
            group_public_key: hex::encode(self.public_key().as_bytes()),
            generation: self.generation,
            record_version: UNSTORED,
            created_at: Some(self.created_at),
            path: None,
            imported: self.imported,
            replaces: self.replaces.map(|id| id.to_string()),
            replaced_by: self.replaced_by.map(|id| id.to_string()),
            taproot: TweakedKey::new(self.public_key(), None)?.output(network)?,
            npub: nostr::npub(self.public_key())?,
        })
    }

    fn participants_view(&self) -> Result<Vec<api::Participant>, KeyError> {
        let members = self.participants().members().iter();
        match &self.material {
            Material::Whole(material) => of_a_package(members, &material.public()?),
            Material::Split(held) => Ok(of_a_ceremony(members, held.certificate())),
            Material::Deleted(tombstone) => match &tombstone.certificate {
                Some(certificate) => Ok(of_a_ceremony(members, certificate)),
                None => of_a_package(members, &tombstone.public),
            },
        }
    }
}

fn of_a_package<'a>(
    members: impl Iterator<Item = &'a Participant>,
    public: &PublicKeyPackage,
) -> Result<Vec<api::Participant>, KeyError> {
    let shares = public.verifying_shares();
    members
        .map(|member| {
            let share = shares.get(&member.identifier);
            let share = share.ok_or_else(|| MaterialError::Identifier {
                name: member.name.as_str().to_owned(),
                expected: hex::encode(member.identifier.serialize()),
                came: "none".to_owned(),
            })?;
            Ok(participant(member, hex::encode(share.serialize()?), None))
        })
        .collect()
}

fn of_a_ceremony<'a>(
    members: impl Iterator<Item = &'a Participant>,
    certificate: &Certificate,
) -> Vec<api::Participant> {
    let outcome = &certificate.outcome;
    let shares = members.zip(&outcome.verifying_shares);
    let all = shares.zip(&outcome.parameters.participants);
    all.map(|((member, share), one)| participant(member, share.to_string(), one.public_key))
        .collect()
}

fn participant(
    member: &Participant,
    verifying_share: String,
    public_key: Option<Hex<32>>,
) -> api::Participant {
    api::Participant {
        name: member.name.as_str().to_owned(),
        identifier: hex::encode(member.identifier.serialize()),
        verifying_share,
        public_key: public_key.map(|key| key.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use permafrost_common::api::KeyStatus;
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::{new_key, record};

    #[test]
    fn a_view_says_all_about_a_key_and_shows_no_share() {
        let first = record(2, 3).rotate(&mut OsRng).unwrap();
        let second = first.replacement(new_key(2), &mut OsRng).unwrap();
        let linked = first.replaced_by(&second, "test", None, true, &mut OsRng);
        let first = linked.unwrap();

        let view = first.view(Network::Regtest).unwrap();
        assert_eq!(view.id, "01".repeat(22));
        assert_eq!(view.owner, "payments");
        assert_eq!(view.status, KeyStatus::Disabled);
        assert_eq!((view.threshold, view.generation), (2, 2));
        assert_eq!(view.created_at, Some(1_800_000_000));
        assert_eq!(
            (view.replaces, view.replaced_by),
            (None, Some("02".repeat(22)))
        );
        assert!(view.taproot.address.starts_with("bcrt1p"));
        let replaced = second.view(Network::Regtest).unwrap().replaces;
        assert_eq!(replaced, Some(first.id().to_string()));

        let shown = serde_json::to_string(&first.view(Network::Regtest).unwrap()).unwrap();
        for package in &first.packages().keys {
            assert!(!shown.contains(&hex::encode(package.signing_share().serialize())));
        }
    }

    #[test]
    fn verifying_shares_and_identifiers_are_those_of_the_public_key_package() {
        let record = record(2, 3);
        let view = record.view(Network::Bitcoin).unwrap();
        let names = ["node-1", "node-2", "node-3"];
        assert!(view.participants.iter().map(|p| &p.name).eq(names));
        for (identifier, share) in record.packages().public.verifying_shares() {
            let identifier = hex::encode(identifier.serialize());
            let shown = view
                .participants
                .iter()
                .find(|participant| participant.identifier == identifier)
                .unwrap();
            assert_eq!(
                shown.verifying_share,
                hex::encode(share.serialize().unwrap())
            );
        }
        let group = record
            .packages()
            .public
            .verifying_key()
            .serialize()
            .unwrap();
        assert_eq!(view.group_public_key, hex::encode(&group[1..]));
    }
}
