//! What is checked of a key after every step: what the enclave has, who signs, and who does not.

use std::collections::BTreeSet;

use permafrost_client::{Error, HeldShare, Principal};
use permafrost_common::api::KeyStatus;
use permafrost_common::api::split::Cosigned;
use permafrost_frost::sign::{self, By, Nonces, SignError, ToSign};
use permafrost_frost::{Hex, Outcome};
use permafrost_tests::{MESSAGE, Random, message, refusal};
use rand_core::OsRng;
use serde_json::json;

use super::key::{self, Key, Sometimes};
use crate::steps::{copies, post, signs};

/// A key with the shares of this side.
pub(super) struct Held {
    /// What should hold of it.
    pub(super) key: Key,
    /// The shares of every result that this side has, old and new, used or not.
    pub(super) shares: Vec<(Outcome, Vec<HeldShare>)>,
    /// Which of them are lost: the ceremony, and the participant.
    pub(super) lost: BTreeSet<(Hex<32>, String)>,
}

impl Held {
    /// The shares of this side that the enclave's belong to, without the lost ones.
    pub(super) fn newest(&self) -> Vec<HeldShare> {
        let Some(now) = self.key.now() else {
            return Vec::new();
        };
        let mut shares = self.of(now);
        shares.retain(|share| {
            let named = (now.parameters.id, share.participant().to_owned());
            !self.lost.contains(&named)
        });
        shares
    }

    fn of(&self, outcome: &Outcome) -> Vec<HeldShare> {
        let mut all = self.shares.iter();
        let (_, shares) = all
            .find(|(of, _)| of == outcome)
            .expect("this side has shares of every result");
        copies(shares)
    }

    /// Looks up what the enclave has, and has some of what may sign do it, and some of what may not.
    pub(super) async fn check(&mut self, alice: &Principal, bob: &Principal, random: &mut Random) {
        let id = self.key.id.clone();
        let shown = match alice.certificate(&id).await {
            Ok(certificate) => Some(certificate.outcome),
            refused => {
                assert_eq!(refusal(refused), "key-not-found");
                None
            }
        };
        self.key.seen(shown.as_ref());
        let Some(now) = self.key.now().cloned() else {
            assert_eq!(refusal(alice.key(&id).await), "key-not-found");
            return;
        };
        let key = alice.key(&id).await.unwrap();
        assert_eq!(key.group_public_key, self.key.group_public_key);
        assert_eq!(key.generation, now.parameters.generation);
        assert_eq!(key.threshold, now.parameters.threshold);
        let names = now.parameters.participants.iter();
        assert!(
            key.participants
                .iter()
                .map(|one| (&one.name, one.public_key.is_some()))
                .eq(names.map(|one| (&one.name, one.public_key.is_some())))
        );
        let is_disabled = key.status == KeyStatus::Disabled;
        match self.key.disabled {
            Sometimes::No => assert!(!is_disabled),
            Sometimes::Yes => assert!(is_disabled),
            Sometimes::Perhaps if is_disabled => self.key.disabled = Sometimes::Yes,
            Sometimes::Perhaps => self.key.disabled = Sometimes::No,
        }
        let shares = self.newest();
        let quorums = key::sets(&now, true)
            .into_iter()
            .filter_map(|names| chosen(&shares, &names))
            .collect();
        let quorums = random.some_of(2, quorums);
        assert!(!quorums.is_empty(), "no quorum is left");
        for quorum in &quorums {
            match is_disabled {
                false => signs(alice, quorum).await,
                true => {
                    let refused = alice.sign_split(quorum, &message()).await;
                    assert_eq!(refusal(refused), "key-disabled");
                }
            }
        }
        if !is_disabled {
            let refused = bob.sign_split(&quorums[0], &message()).await;
            assert_eq!(refusal(refused), "key-not-found");
            self.wrong_number(alice, &now, random).await;
            self.stale(alice, &now, random).await;
        }
    }

    /// Too few, or as many as would need no share of the enclave.
    async fn wrong_number(&self, alice: &Principal, now: &Outcome, random: &mut Random) {
        let shares = self.newest();
        let sets = key::sets(now, false);
        let sets: Vec<_> = sets
            .into_iter()
            .filter_map(|names| chosen(&shares, &names))
            .collect();
        // The empty set is always one.
        let set: &Vec<HeldShare> = random.one_of(&sets);
        let set = copies(set);
        let error = cosign(alice, &self.key.id, set).await.unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!(problem.errors[0].field, "/commitments", "{problem}");
    }

    /// The right number, but one share is of an older result, or all are.
    async fn stale(&self, alice: &Principal, now: &Outcome, random: &mut Random) {
        let older: Vec<&(Outcome, Vec<HeldShare>)> =
            self.shares.iter().filter(|(of, _)| of != now).collect();
        if older.is_empty() {
            return;
        }
        let (of, old) = *random.one_of(&older);
        let newest = self.newest();
        let sets = key::sets(now, true);
        let names = random.one_of(&sets);
        let all_old = random.happens(50);
        let mut signers = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let from = match all_old || index + 1 == names.len() {
                true => old.as_slice(),
                false => newest.as_slice(),
            };
            match chosen(from, &[name]) {
                Some(mut share) => signers.append(&mut share),
                None => return,
            }
        }
        if !all_old && names.len() > 1 {
            let shares = signers.iter().map(|one| one.share().clone()).collect();
            let refused = sign::commit(shares, &mut OsRng).unwrap_err();
            let place = format!("/shares/{}", names.len() - 1);
            assert!(
                matches!(&refused, SignError::Invalid(field) if field.field == place),
                "{refused}"
            );
            return;
        }
        let (nonces, cosigned) = cosign(alice, &self.key.id, signers).await.unwrap();
        assert_eq!(cosigned.generation, now.parameters.generation);
        match complete(nonces, &cosigned) {
            SignError::Misbehaved { participants } => assert!(!participants.is_empty()),
            // The old shares are by another threshold, or of other participants.
            SignError::Invalid(_) => assert_ne!(
                (of.parameters.threshold, &of.parameters.participants),
                (now.parameters.threshold, &now.parameters.participants)
            ),
            other => panic!("{other}"),
        }
    }

    /// Shares of another key under the names of this one's participants.
    pub(super) async fn check_against(&self, other: &Self, alice: &Principal) {
        let Some(now) = self.key.now() else { return };
        if self.key.disabled != Sometimes::No {
            return;
        }
        let shares = other.newest();
        let mut sets = key::sets(now, true).into_iter();
        let Some(signers) = sets.find_map(|names| chosen(&shares, &names)) else {
            return;
        };
        let (nonces, cosigned) = cosign(alice, &self.key.id, signers).await.unwrap();
        match complete(nonces, &cosigned) {
            SignError::Misbehaved { participants } => assert!(!participants.is_empty()),
            SignError::Invalid(_) => {}
            other => panic!("{other}"),
        }
    }
}

/// The shares of these participants, if all are there.
fn chosen(shares: &[HeldShare], names: &[&str]) -> Option<Vec<HeldShare>> {
    let found = shares
        .iter()
        .filter(|share| names.contains(&share.participant()));
    let found: Vec<HeldShare> = found
        .flat_map(|share| copies(std::slice::from_ref(share)))
        .collect();
    (found.len() == names.len()).then_some(found)
}

/// Commits with these shares, whatever they are of, and requests the enclave's parts.
async fn cosign(
    alice: &Principal,
    id: &str,
    shares: Vec<HeldShare>,
) -> Result<(Nonces, Cosigned), Error> {
    let shares = shares.iter().map(|share| share.share().clone()).collect();
    let nonces = sign::commit(shares, &mut OsRng).unwrap();
    let request = json!({"payload": message(), "commitments": nonces.commitments()});
    let cosigned = post(alice, &format!("/v1/keys/{id}/cosign"), &request).await?;
    Ok((nonces, cosigned))
}

/// Why this is no signature.
fn complete(nonces: Nonces, cosigned: &Cosigned) -> SignError {
    let what = ToSign {
        message: MESSAGE.to_vec(),
        by: By::GroupKey,
    };
    nonces.complete(&what, &cosigned.parts).unwrap_err()
}
