//! Fixtures for the tests of several modules: named participants, records, and repeatable randomness.

use rand_core::{CryptoRng, OsRng, RngCore};
use sha2::{Digest, Sha256};

use super::{KeyId, KeyRecord, NewKey, Participants};

pub(super) fn participants(t: u16, n: usize) -> Participants {
    let names: Vec<String> = (1..=n).map(|i| format!("node-{i}")).collect();
    Participants::new(t, &names).unwrap()
}

pub(super) fn new_key(id: u8) -> NewKey {
    NewKey {
        id: KeyId::from_bytes([id; 22]),
        owner: "payments".to_owned(),
        created_at: 1_800_000_000,
        request_digest: [0xd1; 32],
    }
}

pub(super) fn record(t: u16, n: usize) -> KeyRecord {
    KeyRecord::deal(new_key(1), participants(t, n), &mut OsRng).unwrap()
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
