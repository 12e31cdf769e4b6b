//! The steps that begin a ceremony.

use std::collections::BTreeSet;

use permafrost_client::{Error, IdempotencyKey, Seat, Unconfirmed};
use permafrost_frost::{CeremonyParticipant, ParticipantKey};
use permafrost_tests::refusal;
use rand_core::OsRng;

use super::super::checks::Held;
use super::super::key::{self, Key, Sometimes};
use super::super::world::{Fault, Happened, World};
use super::{Open, Run};
use crate::steps::copies;

/// The most participants of a key.
const PARTICIPANTS: usize = 5;

/// The participants outside, by name.
const OUTSIDE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

impl Run {
    pub(super) async fn generate(&mut self) -> Option<usize> {
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

    pub(super) async fn refresh(&mut self, of: usize) -> Option<usize> {
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

    pub(super) async fn reshare(&mut self, of: usize) -> Option<usize> {
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

    fn is_under_way(&self, of: usize) -> bool {
        self.open.iter().any(|open| open.of == of && open.is_known)
    }

    fn fault_of_a_beginning(&mut self) -> Fault {
        match self.random.happens(20) {
            true => self.world.fault_between_requests(&mut self.random),
            false => Fault::None,
        }
    }
}

fn enclave_names(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|number| match number {
        1 => "server".to_owned(),
        more => format!("server-{more}"),
    })
}
