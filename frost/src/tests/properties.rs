//! Random ceremonies, and random sets of participants that try to sign.

use proptest::prelude::*;
use rand_core::OsRng;

use super::*;
use crate::sign::{self, By, SignError, ToSign};

#[derive(Clone, Debug)]
enum Step {
    /// Every participant gets a new share.
    Refresh,
    /// These participants get shares, with this threshold at most; the first ones of those who have shares deal.
    Reshare(u8, u16),
    /// A refresh that ends after some of its messages.
    AbandonedRefresh,
    /// The participants whose bits are set sign; the first of them asks.
    Sign(u8),
    /// The same, but the participant with this number uses its share of the generation before.
    SignWithStale(u8, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => Just(Step::Refresh),
        2 => (any::<u8>(), 2_u16..=5).prop_map(|(who, t)| Step::Reshare(who, t)),
        1 => Just(Step::AbandonedRefresh),
        4 => any::<u8>().prop_map(Step::Sign),
        2 => (any::<u8>(), 0_usize..5).prop_map(|(who, stale)| Step::SignWithStale(who, stale)),
    ];
    prop::collection::vec(step, 1..8)
}

fn signature(signers: &[Share], what: &ToSign) -> Result<Hex<64>, SignError> {
    let (asker, helpers) = signers.split_first().unwrap();
    let nonces = sign::commit(vec![asker.clone()], &mut OsRng)?;
    let parts = sign::respond(helpers, what, &nonces.commitments(), &mut OsRng)?;
    nonces.complete(what, &parts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_key_stays_every_quorum_signs_and_no_other_set_does(
        (t, n) in (2_usize..=5).prop_flat_map(|n| (2..=n, Just(n))),
        steps in steps(),
        tweaked in any::<bool>(),
    ) {
        let (mut t, mut n) = (t, n);
        let mut shares = generate(t as u16, n);
        let mut before = shares.clone();
        let key = shares[0].group_public_key();
        let what = ToSign {
            message: b"a message".to_vec(),
            by: if tweaked { By::OutputKey(None) } else { By::GroupKey },
        };
        let verifying = what.by.public_key(&shares[0]);
        for step in steps {
            match step {
                Step::Refresh => {
                    before = shares.clone();
                    shares = refresh(&shares);
                }
                Step::Reshare(who, threshold) => {
                    // The enclave's participant and, of the others, those whose bits are set, but one at least.
                    let mut new: Vec<usize> = (2..=5).filter(|one| who & (1 << one) != 0).collect();
                    if new.is_empty() {
                        new.push(2);
                    }
                    new.insert(0, 1);
                    let number = |share: &Share| -> usize {
                        share.name().strip_prefix("node-").unwrap().parse().unwrap()
                    };
                    let dealers: Vec<usize> = shares.iter().take(t).map(number).collect();
                    (t, n) = (usize::from(threshold).min(new.len()), new.len());
                    shares = reshare(&shares, &dealers, t as u16, &new);
                    before = shares.clone();
                }
                Step::AbandonedRefresh => {
                    let mut run = Run::new(of_refresh(&shares), &shares);
                    run.join();
                    run.share();
                }
                Step::Sign(who) => {
                    let signers = chosen(&shares, who);
                    let signed = signers.len() >= t;
                    prop_assert_eq!(!signers.is_empty() && signature(&signers, &what).is_ok(), signed);
                    if signed {
                        verify(&verifying, &what.message, signature(&signers, &what).unwrap());
                    }
                }
                Step::SignWithStale(who, stale) => {
                    let is_stale = before[0].verifying_shares() != shares[0].verifying_shares();
                    let mut mixed = shares.clone();
                    let stale = stale % n;
                    mixed[stale] = before[stale].clone();
                    let signers = chosen(&mixed, who);
                    let takes_part = signers.iter().take(t).any(|one| one.name() == mixed[stale].name());
                    if signers.len() >= t {
                        prop_assert_eq!(signature(&signers, &what).is_ok(), !(is_stale && takes_part));
                    }
                }
            }
            prop_assert_eq!(shares[0].group_public_key(), key);
        }
    }
}

fn chosen(shares: &[Share], who: u8) -> Vec<Share> {
    let chosen = shares.iter().enumerate();
    let chosen = chosen.filter(|(index, _)| who & (1 << index) != 0);
    chosen.map(|(_, share)| share.clone()).collect()
}
