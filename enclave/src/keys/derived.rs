//! Derived keys as keys: a record that is made whenever it is needed, and never stored.

use permafrost_common::api::{self, Custody, KeyStatus};
use permafrost_common::key_path::Path;
use permafrost_frost::Participants;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};

use super::material::KeyMaterial;
use super::record::Material;
use super::{KeyError, KeyId, KeyRecord, Network, NewKey, Payload};
use crate::derivation::{Exception, Node, PARTICIPANTS, THRESHOLD, shares};

/// A derived key with its shares.
pub struct DerivedKey {
    path: Path,
    record: KeyRecord,
}

impl DerivedKey {
    /// The owner of every derived key, which no principal has for a name.
    pub const OWNER: &str = "derived";

    /// Derives the key of a path below a deployment's master node.
    ///
    /// # Errors
    /// [`KeyError::Derivation`], once in 2^127.
    pub fn derive(
        master: &Node,
        path: Path,
        exception: Exception,
        network: Network,
    ) -> Result<Self, KeyError> {
        let node = master.at(&path, network.coin_type())?;
        let participants = Participants::new(THRESHOLD, &PARTICIPANTS)?;
        let shares = shares(&node, exception.generation, &participants);
        let material = KeyMaterial::of_shares(participants, &node.public_key(), shares)?;
        let mut id = [0; KeyId::LEN];
        for (to, from) in id.iter_mut().zip(Sha256::digest(path.to_bytes())) {
            *to = from;
        }
        let new = NewKey {
            id: KeyId::from_bytes(id),
            owner: Self::OWNER.to_owned(),
            label: None,
            created_at: 0,
            request_digest: [0; 32],
        };
        let record = KeyRecord::from_material(new, Material::Whole(material));
        Ok(Self {
            path,
            record: KeyRecord {
                generation: exception.generation,
                status: exception.status,
                ..record
            },
        })
    }

    /// Signs a payload, as [`KeyRecord::sign`] does.
    ///
    /// # Errors
    /// Those of [`KeyRecord::sign`].
    pub fn sign(
        &self,
        payload: &Payload,
        network: Network,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<api::Signed, KeyError> {
        if self.record.status != KeyStatus::Enabled {
            let path = self.path.to_string();
            return Err(KeyError::DerivedDisabled { path });
        }
        Ok(api::Signed {
            key_id: self.path.key_id(),
            ..self.record.sign(payload, network, rng)?
        })
    }

    /// Everything about the key but its shares.
    ///
    /// # Errors
    /// Those of [`KeyRecord::view`].
    pub fn view(&self, network: Network) -> Result<api::Key, KeyError> {
        Ok(api::Key {
            id: self.path.key_id(),
            custody: Custody::Derived,
            created_at: None,
            path: Some(self.path.to_string()),
            ..self.record.view(network)?
        })
    }
}

#[cfg(test)]
mod tests {
    use permafrost_common::key_path::{Address, Branch};
    use rand_core::OsRng;
    use zeroize::Zeroizing;

    use super::*;
    use crate::derivation::Wallet;
    use crate::keys::packages::Packages;
    use crate::sealing::DerivationRoot;

    fn master() -> Node {
        let root = DerivationRoot::new(Zeroizing::new([1; 32]));
        Node::master(&root, "test").unwrap()
    }

    fn path(address: Option<Address>) -> Path {
        Path::new(Branch::parse("m/0'/users").unwrap(), "alice", address).unwrap()
    }

    fn derived(address: Option<Address>, generation: u32) -> DerivedKey {
        let exception = Exception {
            generation,
            ..Exception::NONE
        };
        DerivedKey::derive(&master(), path(address), exception, Network::Bitcoin).unwrap()
    }

    #[test]
    fn a_derived_key_signs_as_every_other_and_its_shares_belong_together() {
        let key = derived(None, 1);
        let again = derived(None, 1);
        assert_eq!(key.view(Network::Bitcoin), again.view(Network::Bitcoin));
        let payload = Payload::Message(b"hello".to_vec());
        let signed = key.sign(&payload, Network::Bitcoin, &mut OsRng).unwrap();
        assert_eq!(signed.key_id, path(None).key_id());
        let Packages { public, keys } = key.record.packages().clone();
        assert!(Packages::new(key.record.participants(), public, keys).is_ok());
    }

    /// The vectors that an independent script has made from `docs/derivation.md`.
    #[test]
    fn keys_ids_shares_and_wallets_are_those_of_the_published_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/derivation/vectors.json")).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let root = hex::decode(text(&vectors["derivation_root"])).unwrap();
        let root = DerivationRoot::new(Zeroizing::new(root.try_into().unwrap()));
        assert_eq!(root.fingerprint(), text(&vectors["fingerprint"]));
        let master = Node::master(&root, &text(&vectors["deployment"])).unwrap();
        let path = |value: &serde_json::Value| {
            let path: api::derived::KeyPath = serde_json::from_value(value.clone()).unwrap();
            path.parse().unwrap()
        };
        let keys = vectors["keys"].as_array().unwrap();
        assert!(keys.len() > 50);
        for vector in keys {
            let path = path(&vector["path"]);
            assert_eq!(path.key_id(), text(&vector["key_id"]));
            for (generation, shares) in vector["verifying_shares"].as_object().unwrap() {
                let exception = Exception {
                    generation: generation.parse().unwrap(),
                    ..Exception::NONE
                };
                let key = DerivedKey::derive(&master, path.clone(), exception, Network::Bitcoin);
                let key = key.unwrap().view(Network::Bitcoin).unwrap();
                assert_eq!(
                    key.group_public_key,
                    text(&vector["group_public_key"]),
                    "{path}"
                );
                let own = key
                    .participants
                    .iter()
                    .map(|one| one.verifying_share.clone());
                assert!(
                    own.eq(shares.as_array().unwrap().iter().map(text)),
                    "{path}"
                );
            }
        }
        let user = master.at(&path(&vectors["wallet"]["path"]), 0).unwrap();
        let wallet = Wallet::of(&user, 0).unwrap();
        assert_eq!(
            wallet.extended_public_key,
            text(&vectors["wallet"]["extended_public_key"])
        );
    }

    #[test]
    fn another_generation_has_the_same_public_key_and_other_shares() {
        let (first, second) = [1, 2]
            .map(|n| derived(None, n).view(Network::Bitcoin).unwrap())
            .into();
        assert_eq!(first.group_public_key, second.group_public_key);
        for (before, after) in first.participants.iter().zip(&second.participants) {
            assert_ne!(before.verifying_share, after.verifying_share);
        }
    }

    /// What a watch-only wallet computes from the extended public key alone.
    #[test]
    fn a_wallet_that_only_watches_finds_the_keys_of_addresses() {
        use k256::elliptic_curve::{PrimeField, ops::MulByGenerator, sec1::ToEncodedPoint};
        let user = master().at(&path(None), 0).unwrap();
        let account = user.account(0).unwrap();
        let mut parent = (account.public_key().to_vec(), account.chain_code().to_vec());
        for index in [1_u32, 7] {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, &parent.1);
            let data = [parent.0.as_slice(), &index.to_be_bytes()].concat();
            let tag = aws_lc_rs::hmac::sign(&key, &data);
            let (left, right) = tag.as_ref().split_at(32);
            let left: [u8; 32] = left.try_into().unwrap();
            let added = k256::Scalar::from_repr(left.into()).unwrap();
            let point = k256::PublicKey::from_sec1_bytes(&parent.0)
                .unwrap()
                .to_projective()
                + k256::ProjectivePoint::mul_by_generator(&added);
            parent = (
                point.to_encoded_point(true).as_bytes().to_vec(),
                right.to_vec(),
            );
        }
        let address = Address { chain: 1, index: 7 };
        let key = derived(Some(address), 1).view(Network::Bitcoin).unwrap();
        assert_eq!(key.group_public_key, hex::encode(&parent.0[1..]));
        let wallet = Wallet::of(&user, 0).unwrap();
        assert!(
            wallet.descriptor(1).starts_with("tr(xpub") && wallet.descriptor(1).contains("/1/*)#")
        );
        assert_eq!(wallet.extended_public_key.len(), 111);
    }
}
