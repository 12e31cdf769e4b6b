//! The secrets of a deployment, which only a test with the development root secret can know.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value;
use frost_secp256k1_tr::VerifyingKey;
use frost_secp256k1_tr::keys::{KeyPackage, reconstruct};
use permafrost_client::SigningKey;
use permafrost_enclave::keys::KeyRecord;
use permafrost_enclave::sealing::{Place, RootSecrets, open};

/// Everything secret, by a name for it.
pub(crate) struct Known {
    /// The secrets. Those of a key are there once, by the first version that has them.
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    /// Every value that contains a secret, as `Debug` prints it.
    pub(crate) printed: String,
    deployment: String,
    root_secrets: RootSecrets,
}

impl Known {
    /// The root secret, and the private key of the development root, in this state directory.
    pub(crate) fn of_deployment(deployment: &str, state: &Path, root_secrets: RootSecrets) -> Self {
        let mut known = Self {
            secrets: BTreeMap::new(),
            printed: format!("{root_secrets:?} {root_secrets:#?}"),
            deployment: deployment.to_owned(),
            root_secrets,
        };
        for epoch in known.root_secrets.numbers() {
            let secret = known.root_secrets.of_epoch(epoch).unwrap();
            let bytes = secret.expose().to_vec();
            known
                .secrets
                .insert(format!("root secret of epoch {epoch}"), bytes);
        }
        let pem = fs::read_to_string(state.join("development-root-key.pem")).unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        known.add_private_key("development root", &STANDARD.decode(base64).unwrap());
        known
    }

    /// A principal's key.
    pub(crate) fn add_principal(&mut self, name: &str, key: &SigningKey) {
        self.add_private_key(name, &key.to_pkcs8().unwrap());
        self.printed += &format!("{key:?} {key:#?}");
    }

    /// The shares in a key's sealed record, and the secret key that they are shares of.
    pub(crate) fn add_record(&mut self, id: &str, version: u64, sealed: &[u8]) {
        let place = Place {
            deployment: &self.deployment,
            kind: "key",
            id,
            version,
        };
        let opened = open(&self.root_secrets, &place, sealed).unwrap();
        let record = KeyRecord::decode(&opened).unwrap();
        self.printed += &format!("{record:?} {record:#?}");
        let packages = packages(&opened);
        assert_eq!(packages.len(), record.participants().members().len());
        for (at, package) in packages.iter().enumerate() {
            let share = package.signing_share().serialize();
            self.add_once(format!("share {at} of {id} version {version}"), share);
        }
        let secret_key = reconstruct(&packages).unwrap();
        let public_key = VerifyingKey::from(&secret_key).serialize().unwrap();
        assert_eq!(&public_key[1..], record.public_key().as_bytes());
        self.add_once(format!("secret key of {id}"), secret_key.serialize());
    }

    /// How many secrets there are whose name begins so.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        let names = self.secrets.keys();
        names.filter(|name| name.starts_with(prefix)).count()
    }

    fn add_once(&mut self, name: String, secret: Vec<u8>) {
        if !self.secrets.values().any(|known| *known == secret) {
            self.secrets.insert(name, secret);
        }
    }

    fn add_private_key(&mut self, name: &str, pkcs8: &[u8]) {
        let scalar = private_key(pkcs8).unwrap_or_else(|| panic!("{name}: no private key"));
        self.secrets
            .insert(format!("private key of {name}"), scalar);
    }
}

/// The key packages in the plaintext of a record.
fn packages(opened: &[u8]) -> Vec<KeyPackage> {
    let Value::Map(entries) = ciborium::from_reader(opened).unwrap() else {
        panic!("a record is a map");
    };
    let shares = entries
        .into_iter()
        .find(|(key, _)| key.as_text() == Some("shares"))
        .unwrap();
    let shares = shares.1.into_array().unwrap();
    shares
        .iter()
        .map(|share| KeyPackage::deserialize(share.as_bytes().unwrap()).unwrap())
        .collect()
}

/// The private key in a PKCS #8 structure: what an Ed25519 key is made from (RFC 8410), or the scalar of an EC key (RFC 5915).
fn private_key(pkcs8: &[u8]) -> Option<Vec<u8>> {
    const ED25519: &[u8] = &[0x04, 0x22, 0x04, 0x20];
    const P256: &[u8] = &[0x02, 0x01, 0x01, 0x04, 0x20];
    const P384: &[u8] = &[0x02, 0x01, 0x01, 0x04, 0x30];
    [(ED25519, 32), (P256, 32), (P384, 48)]
        .into_iter()
        .find_map(|(mark, length)| {
            let mut marks = pkcs8.windows(mark.len());
            let start = marks.position(|window| window == mark)? + mark.len();
            pkcs8.get(start..start + length).map(<[u8]>::to_vec)
        })
}
