//! One sequence of steps, and what each of them should come to.

use std::collections::BTreeSet;

use permafrost_client::{Error, IdempotencyKey, Principal, Seat, Unconfirmed};
use permafrost_frost::{CeremonyParticipant, ParticipantKey};
use permafrost_tests::{Random, refusal};
use rand_core::OsRng;

use super::checks::Held;
use super::key::{self, Key, Sometimes};
use super::world::{Fault, Happened, World, Write};
use crate::steps::copies;

/// The most keys of a sequence.
const KEYS: usize = 3;

/// The most participants of a key.
const PARTICIPANTS: usize = 5;

/// The participants outside, by name.
const OUTSIDE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// What a client hears when there is no response that it can believe.
const NO_RESPONSE: [&str; 4] = [
    "unreachable",
    "interrupted",
    "response-not-authentic",
    "unauthenticated-problem",
];

/// The keys of one deployment, and the ceremonies that are under way.
pub(super) struct Run {
    world: World,
    alice: Principal,
    bob: Principal,
    random: Random,
    keys: Vec<Held>,
    open: Vec<Open>,
    /// What was done so far, for whoever reads why it failed.
    said: Vec<String>,
}

/// A ceremony whose result this side has and has not confirmed.
struct Open {
    /// Which key.
    of: usize,
    ceremony: Unconfirmed,
    /// Whether the enclave still has it in memory.
    is_known: bool,
}

impl Run {
    pub(super) async fn new(world: World, random: Random) -> Self {
        Self {
            alice: world.principal("alice").await,
            bob: world.principal("bob").await,
            world,
            random,
            keys: Vec::new(),
            open: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Does so many steps, and checks every key that a step may have changed, and another one.
    pub(super) async fn go(&mut self, steps: usize) {
        for _ in 0..steps {
            let touched = self.step().await;
            let touched = touched.into_iter().chain(self.any_key());
            for of in touched.collect::<BTreeSet<_>>() {
                let Self { alice, bob, .. } = self;
                self.keys[of].check(alice, bob, &mut self.random).await;
            }
            if let [first, second, ..] = self.keys.as_slice() {
                first.check_against(second, &self.alice).await;
            }
        }
        for of in 0..self.keys.len() {
            let Self { alice, bob, .. } = self;
            self.keys[of].check(alice, bob, &mut self.random).await;
        }
    }

    /// One step; the key that it may have changed.
    async fn step(&mut self) -> Option<usize> {
        if self.keys.is_empty() || self.keys.len() < KEYS && self.random.happens(15) {
            return self.generate().await;
        }
        if !self.open.is_empty() && self.random.happens(50) {
            let which = self.random.between(0, self.open.len() - 1);
            return match self.random.happens(85) {
                true => self.confirm(which).await,
                false => self.abort(which).await,
            };
        }
        let of = self.any_key()?;
        match self.random.below(16) {
            0..=4 => self.refresh(of).await,
            5..=10 => self.reshare(of).await,
            11 => self.lose_a_share(of),
            12 => self.disable(of).await,
            13 => {
                self.say("the parent is killed");
                self.world.restart_parent();
                None
            }
            _ => {
                self.say("the enclave is killed");
                self.world.restart_enclave();
                self.forgotten();
                None
            }
        }
    }

    async fn generate(&mut self) -> Option<usize> {
        let participants = self.random.between(2, PARTICIPANTS);
        let threshold = self.random.between(2, participants);
        let enclave = self.random.between(1, threshold - 1);
        let outside = self
            .random
            .some_of(participants - enclave, OUTSIDE.to_vec());
        let mut all: Vec<(String, Option<ParticipantKey>)> = outside
            .into_iter()
            .map(|name| (name.to_owned(), Some(ParticipantKey::random(&mut OsRng))))
            .collect();
        for name in enclave_names(enclave) {
            let at = self.random.between(0, all.len());
            all.insert(at, (name, None));
        }
        let fault = self.fault_of_a_beginning();
        self.say(&format!(
            "generate, {threshold} of {participants}, {enclave} of them the enclave's, {fault:?}"
        ));
        let once = IdempotencyKey::random().unwrap();
        let begun = self.alice.generate_split_key(threshold as u16, all, &once);
        let (begun, happened) = self.world.during(fault, begun).await;
        let begun = self.begun(begun, happened)?;
        key::follows(begun.outcome(), None);
        self.keys.push(Held {
            key: Key::new(begun.outcome()),
            shares: Vec::new(),
            lost: BTreeSet::new(),
        });
        Some(self.opened(self.keys.len() - 1, begun, happened))
    }

    async fn refresh(&mut self, of: usize) -> Option<usize> {
        let shares = self.keys[of].newest();
        let now = self.keys[of].key.now()?.clone();
        if shares.len() < key::outside(&now).len() {
            return self.reshare(of).await;
        }
        let fault = self.fault_of_a_beginning();
        self.say(&format!("refresh key {of}, {fault:?}"));
        let begun = self.alice.refresh_split_key(shares);
        let (begun, happened) = self.world.during(fault, begun).await;
        if self.keys[of].key.disabled == Sometimes::Yes {
            self.is_refused(begun, happened, &["key-disabled"]);
            return Some(of);
        }
        if self.is_under_way(of) && !happened.restarted {
            // The same refresh, for which this side has sent commitments; or a reshare.
            let refused = ["ceremony-message-refused", "key-conflict"];
            self.is_refused(begun, happened, &refused);
            return Some(of);
        }
        let begun = self.begun(begun, happened)?;
        key::follows(begun.outcome(), Some(&now));
        Some(self.opened(of, begun, happened))
    }

    async fn reshare(&mut self, of: usize) -> Option<usize> {
        let now = self.keys[of].key.now()?.clone();
        let shares = self.keys[of].newest();
        let threshold = usize::from(now.parameters.threshold);
        let least = threshold.saturating_sub(key::of_the_enclave(&now)).max(1);
        let dealing = self.random.between(least, shares.len().min(threshold));
        let dealers = self.random.some_of(dealing, shares);
        let participants = self.random.between(2, PARTICIPANTS);
        let new_threshold = self.random.between(2, participants);
        let enclave = self.random.between(1, new_threshold - 1);
        let outside = self
            .random
            .some_of(participants - enclave, OUTSIDE.to_vec());
        let mut seats: Vec<(String, Seat)> = outside
            .into_iter()
            .map(|name| {
                let stays = dealers.iter().any(|dealer| dealer.participant() == name);
                let seat = match stays {
                    true => Seat::Stays,
                    false => Seat::Comes(ParticipantKey::random(&mut OsRng)),
                };
                (name.to_owned(), seat)
            })
            .collect();
        seats.extend(enclave_names(enclave).map(|name| (name, Seat::Enclave)));
        let wanted: Vec<CeremonyParticipant> = seats
            .iter()
            .map(|(name, seat)| CeremonyParticipant {
                name: name.clone(),
                public_key: match seat {
                    Seat::Enclave => None,
                    _ => Some(ParticipantKey::random(&mut OsRng).public_key()),
                },
            })
            .collect();
        let leaves = key::leaves_the_enclave(&now, new_threshold as u16, &wanted);
        let fault = match leaves {
            true => Fault::None,
            false => self.fault_of_a_beginning(),
        };
        let names: Vec<&str> = seats.iter().map(|(name, _)| name.as_str()).collect();
        let dealing: Vec<&str> = dealers.iter().map(|share| share.participant()).collect();
        self.say(&format!(
            "reshare key {of} from {dealing:?} to {new_threshold} of {names:?}, {fault:?}"
        ));
        let begun = self
            .alice
            .reshare_split_key(copies(&dealers), new_threshold as u16, seats);
        let (begun, happened) = self.world.during(fault, begun).await;
        let refused: &[&str] = match () {
            () if self.keys[of].key.disabled == Sometimes::Yes => &["key-disabled"],
            () if leaves => &["invalid-request"],
            () if self.is_under_way(of) && !happened.restarted => &["key-conflict"],
            () => &[],
        };
        if !refused.is_empty() {
            self.is_refused(begun, happened, refused);
            return Some(of);
        }
        let begun = self.begun(begun, happened)?;
        key::follows(begun.outcome(), Some(&now));
        Some(self.opened(of, begun, happened))
    }

    async fn confirm(&mut self, which: usize) -> Option<usize> {
        let of = self.open[which].of;
        let outcome = self.open[which].ceremony.outcome().clone();
        let is_known = self.open[which].is_known;
        let is_disabled = self.keys[of].key.disabled == Sometimes::Yes;
        let writes = is_known && !is_disabled;
        let fault = match writes && self.random.happens(50) {
            true => self.world.fault_at_the_write(&mut self.random),
            false => Fault::None,
        };
        self.say(&format!(
            "confirm {} of key {of}, {fault:?}",
            outcome.parameters.id
        ));
        let confirming = self.open[which].ceremony.confirm();
        let (confirmed, happened) = self.world.during(fault, confirming).await;
        let confirmed = confirmed.map(|_| ());
        let key = &mut self.keys[of].key;
        let mut is_over = true;
        match (fault, happened.at_all) {
            (Fault::None, _) | (_, false) => match (is_known, is_disabled) {
                (true, false) => {
                    confirmed.unwrap();
                    key.confirmed(&outcome, Sometimes::Yes);
                }
                (true, true) => assert_eq!(refusal(confirmed), "key-disabled"),
                (false, _) => assert_eq!(refusal(confirmed), "ceremony-not-found"),
            },
            (Fault::EnclaveKilledBefore(_), _) => no_response(confirmed),
            (Fault::EnclaveKilledAfter(_) | Fault::Unheard, _) => {
                no_response(confirmed);
                key.confirmed(&outcome, Sometimes::Yes);
                is_over = false;
            }
            (Fault::EnclaveKilledIn(_) | Fault::ParentKilledIn(_), _) => match confirmed {
                Ok(()) => key.confirmed(&outcome, Sometimes::Yes),
                Err(error) => {
                    let said = refusal::<()>(Err(error));
                    let expected = [
                        &NO_RESPONSE[..],
                        &["store-unavailable", "ceremony-not-found", "not-ready"],
                    ];
                    assert!(expected.concat().contains(&said.as_str()), "{said}");
                    key.confirmed(&outcome, Sometimes::Perhaps);
                    is_over = false;
                }
            },
            (Fault::Store(write), _) => {
                let stored = match write.is_done() {
                    true => Sometimes::Yes,
                    false => Sometimes::No,
                };
                key.confirmed(&outcome, stored);
                match (write.is_acknowledged(), write.kills()) {
                    (true, _) => confirmed.unwrap(),
                    (false, true) => no_response(confirmed),
                    (false, false) => assert_eq!(refusal(confirmed), "store-unavailable"),
                }
                is_over = write.is_acknowledged();
            }
        }
        self.after(happened);
        if fault == Fault::Store(Write::LostAndStored) && happened.at_all {
            self.is_missed(of).await;
        }
        let Held { key, .. } = &mut self.keys[of];
        if !is_over {
            self.confirm_again(which, of).await;
        } else if key.possible.len() == 1 && fault == Fault::None && writes {
            self.open[which].ceremony.confirm().await.unwrap();
        }
        self.open.remove(which);
        Some(of)
    }

    /// After an attempt of which this side does not know what it came to: either the new shares are stored, or the ceremony goes on, or
    /// it is gone and the old shares sign.
    async fn confirm_again(&mut self, which: usize, of: usize) {
        let Open {
            ceremony, is_known, ..
        } = &self.open[which];
        let (outcome, is_known) = (ceremony.outcome().clone(), *is_known);
        let was_certain = self.keys[of].key.possible.len() == 1;
        let is_stored = self.keys[of]
            .key
            .possible
            .iter()
            .any(|one| one.is(&outcome));
        let again = ceremony.confirm().await.map(|_| ());
        let key = &mut self.keys[of].key;
        match again {
            Ok(()) => {
                assert!(is_known || is_stored);
                key.confirmed(&outcome, Sometimes::Yes);
            }
            Err(error) => {
                assert!(!(is_known || was_certain && is_stored), "{error}");
                assert_eq!(refusal::<()>(Err(error)), "ceremony-not-found");
                key.was_not(&outcome);
            }
        }
    }

    async fn abort(&mut self, which: usize) -> Option<usize> {
        let Open {
            of,
            ceremony,
            is_known,
        } = self.open.remove(which);
        self.say(&format!("abort a ceremony of key {of}"));
        let aborted = ceremony.abort().await;
        match is_known {
            true => aborted.unwrap(),
            false => assert_eq!(refusal(aborted), "ceremony-not-found"),
        }
        Some(of)
    }

    async fn disable(&mut self, of: usize) -> Option<usize> {
        self.keys[of].key.now()?;
        let fault = match self.random.happens(50) {
            true => self.world.fault_at_the_write(&mut self.random),
            false => Fault::None,
        };
        // What a store says after a lie about a version is what `confirm` is about.
        let fault = match fault {
            Fault::Store(write) if !write.kills() => Fault::None,
            other => other,
        };
        self.say(&format!("disable key {of}, {fault:?}"));
        let id = self.keys[of].key.id.clone();
        let (disabled, happened) = self.world.during(fault, self.alice.disable(&id)).await;
        let key = &mut self.keys[of].key;
        match (disabled, fault) {
            (Ok(_), _) => key.disabled = Sometimes::Yes,
            (Err(error), _) => {
                assert!(happened.at_all, "{error}");
                if key.disabled != Sometimes::Yes {
                    key.disabled = Sometimes::Perhaps;
                }
            }
        }
        self.after(happened);
        Some(of)
    }

    fn lose_a_share(&mut self, of: usize) -> Option<usize> {
        let held = &mut self.keys[of];
        let now = held.key.now()?.clone();
        let shares = held.newest();
        let needed =
            usize::from(now.parameters.threshold).saturating_sub(key::of_the_enclave(&now));
        if shares.len() > needed.max(1) {
            let name = self.random.one_of(&shares).participant().to_owned();
            held.lost.insert((now.parameters.id, name.clone()));
            self.say(&format!("the share of {name} of key {of} is lost"));
        }
        Some(of)
    }

    /// The store said that it has written, and has not: the enclave notices, and keeps to it until it starts again.
    async fn is_missed(&mut self, of: usize) {
        let shown = self.alice.certificate(&self.keys[of].key.id).await;
        let said = refusal(shown);
        assert!(
            ["record-rolled-back", "record-lost"].contains(&said.as_str()),
            "{said}"
        );
        self.world.restart_enclave();
        self.forgotten();
    }

    fn opened(&mut self, of: usize, begun: Unconfirmed, happened: Happened) -> usize {
        let outcome = begun.outcome().clone();
        self.keys[of].shares.push((outcome, copies(begun.shares())));
        // It was begun before the enclave was killed, or after.
        assert!(!happened.restarted || matches!(self.world, World::Honest(_)));
        self.open.push(Open {
            of,
            ceremony: begun,
            is_known: !happened.restarted,
        });
        of
    }

    /// A ceremony that has begun, or nothing where a fault came in between.
    fn begun(
        &mut self,
        begun: Result<Unconfirmed, Error>,
        happened: Happened,
    ) -> Option<Unconfirmed> {
        self.after(happened);
        match begun {
            Ok(begun) => Some(begun),
            Err(error) => {
                assert!(happened.at_all, "{error}");
                self.say(&format!("  {error}"));
                None
            }
        }
    }

    fn is_refused(
        &mut self,
        begun: Result<Unconfirmed, Error>,
        happened: Happened,
        expected: &[&str],
    ) {
        self.after(happened);
        let said = refusal(begun);
        assert!(
            expected.contains(&said.as_str()) || happened.at_all,
            "{said}, not {expected:?}"
        );
    }

    fn after(&mut self, happened: Happened) {
        if happened.restarted {
            self.forgotten();
        }
    }

    /// The enclave has started again: it has no ceremony any more.
    fn forgotten(&mut self) {
        for open in &mut self.open {
            open.is_known = false;
        }
    }

    fn is_under_way(&self, of: usize) -> bool {
        self.open.iter().any(|open| open.of == of && open.is_known)
    }

    fn fault_of_a_beginning(&mut self) -> Fault {
        match self.random.happens(20) {
            true => self.world.fault_between_requests(&mut self.random),
            false => Fault::None,
        }
    }

    fn any_key(&mut self) -> Option<usize> {
        let count = self.keys.len();
        (count > 0).then(|| self.random.between(0, count - 1))
    }

    fn say(&mut self, what: &str) {
        self.said.push(what.to_owned());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The harness shows it where the test fails.
        println!("{}", self.said.join("\n"));
    }
}

fn no_response(result: Result<(), Error>) {
    let said = refusal(result);
    assert!(NO_RESPONSE.contains(&said.as_str()), "{said}");
}

fn enclave_names(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|number| match number {
        1 => "server".to_owned(),
        more => format!("server-{more}"),
    })
}
