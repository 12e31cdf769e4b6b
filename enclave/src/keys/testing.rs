//! Fixtures for the tests of several modules: named participants, records, and repeatable randomness.

use frost_secp256k1_tr::keys::KeyPackage;
use permafrost_common::api::split::Certificate;
use permafrost_common::http_signature::{Algorithm, SigningKey};
use permafrost_frost::{
    Board, CeremonyParticipant, Hex, Member, Parameters, ParticipantKey, Purpose, Share,
};
use rand_core::{CryptoRng, OsRng, RngCore};
use sha2::{Digest, Sha256};

use super::{
    HeldShares, KeyId, KeyRecord, NewKey, Participants, material::KeyMaterial, packages::Packages,
    record::Material,
};

pub(super) fn participants(t: u16, n: usize) -> Participants {
    let names: Vec<String> = (1..=n).map(|i| format!("node-{i}")).collect();
    Participants::new(t, &names).unwrap()
}

pub(super) fn new_key(id: u8) -> NewKey {
    NewKey {
        id: KeyId::from_bytes([id; 22]),
        owner: "payments".to_owned(),
        label: None,
        created_at: 1_800_000_000,
        request_digest: [0xd1; 32],
    }
}

pub(super) fn record(t: u16, n: usize) -> KeyRecord {
    KeyRecord::deal(new_key(1), participants(t, n), &mut OsRng).unwrap()
}

impl KeyRecord {
    /// All shares of a key with enclave custody.
    pub(super) fn material(&self) -> &KeyMaterial {
        self.whole("").unwrap()
    }

    pub(super) fn packages(&self) -> &Packages {
        self.material().packages().unwrap()
    }

    /// The same key with another share of one participant, as it is read from a record.
    pub(super) fn with_share(&self, at: usize, share: &KeyPackage) -> Self {
        let material = self.material();
        let mut encoded = material.encoded().unwrap().clone();
        encoded.keys[at] = share.serialize().unwrap().into();
        let material = KeyMaterial::open(material.participants.clone(), encoded).unwrap();
        Self {
            material: Material::Whole(material),
            ..self.clone()
        }
    }
}

/// The enclave's shares of a key that `alice` and `server` have made together, and Alice's.
pub(super) fn split_shares() -> (HeldShares, Share) {
    let key = ParticipantKey::random(&mut OsRng);
    let participant = |name: &str, public_key| CeremonyParticipant {
        name: name.to_owned(),
        public_key,
    };
    let parameters = Parameters {
        id: Hex([7; 32]),
        purpose: Purpose::Generate,
        deployment: "test".to_owned(),
        key_id: Hex([1; 22]),
        generation: 1,
        threshold: 2,
        participants: vec![
            participant("alice", Some(key.public_key())),
            participant("server", None),
        ],
        boot: Hex([9; 32]),
        group_public_key: None,
        dealers: Vec::new(),
        expires_at: 1_800_000_600,
    };
    let mut board = Board::new(parameters).unwrap();
    let (mut rng, key) = (OsRng, Some(&key));
    let mut alice = Member::join(&mut board, "alice", key, None, &mut rng).unwrap();
    let mut server = Member::join(&mut board, "server", None, None, &mut rng).unwrap();
    alice.share(&mut board, key, &mut rng).unwrap();
    server.share(&mut board, None, &mut rng).unwrap();
    let alices = alice.conclude(&mut board, key, &mut rng).unwrap();
    let share = server.conclude(&mut board, None, &mut rng).unwrap();
    let boot_key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let outcome = board.outcome().unwrap().clone();
    let confirmations = board.confirmations();
    let certificate = Certificate::issue(outcome, confirmations, b"document", &boot_key).unwrap();
    (HeldShares::new(vec![share], certificate).unwrap(), alices)
}

/// SHA-256 of a counter. Two instances give the same bytes, so two implementations can be compared.
#[derive(Clone, Default)]
pub(super) struct Repeating(u64);

impl RngCore for Repeating {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Sha256::digest(self.0.to_be_bytes())[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Repeating {}
