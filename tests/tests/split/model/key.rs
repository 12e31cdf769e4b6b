//! What should hold of one key, without any process: what it is, who may sign, and which shares the enclave may have.

use std::collections::BTreeSet;

use permafrost_frost::{CeremonyParticipant, Outcome, Purpose};

/// A key, from the moment that its first ceremony has a result on this side.
pub(super) struct Key {
    /// Its id.
    pub(super) id: String,
    /// The public key, which nothing changes.
    pub(super) group_public_key: String,
    /// The results of ceremonies that the enclave may have stored. More than one where a crash or a lie has left open which.
    pub(super) possible: Vec<Stored>,
    /// Whether it was disabled. Nothing enables it again.
    pub(super) disabled: Sometimes,
}

/// What the enclave has of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Stored {
    /// Nothing: no ceremony has made it yet.
    Nothing,
    /// The result of this ceremony.
    Outcome(Box<Outcome>),
}

/// What is known of something that cannot be undone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sometimes {
    /// It has not happened.
    No,
    /// Only the enclave knows.
    Perhaps,
    /// It has happened.
    Yes,
}

impl Key {
    pub(super) fn new(outcome: &Outcome) -> Self {
        Self {
            id: outcome.parameters.key_id.to_string(),
            group_public_key: outcome.group_public_key.to_string(),
            possible: vec![Stored::Nothing],
            disabled: Sometimes::No,
        }
    }

    /// A ceremony was confirmed, and this is what that came to: whether it is stored.
    pub(super) fn confirmed(&mut self, outcome: &Outcome, stored: Sometimes) {
        assert_eq!(outcome.group_public_key.to_string(), self.group_public_key);
        let new = Stored::Outcome(Box::new(outcome.clone()));
        match stored {
            Sometimes::No => {}
            Sometimes::Perhaps if self.possible.contains(&new) => {}
            Sometimes::Perhaps => self.possible.push(new),
            Sometimes::Yes => self.possible = vec![new],
        }
    }

    /// A ceremony whose result may have been stored was not.
    pub(super) fn was_not(&mut self, outcome: &Outcome) {
        self.possible.retain(|one| !one.is(outcome));
        assert!(!self.possible.is_empty(), "the enclave has lost the shares");
    }

    /// What the enclave shows is one of what it may have; from now on it is this one.
    pub(super) fn seen(&mut self, shown: Option<&Outcome>) {
        let shown = shown.map_or(Stored::Nothing, |shown| {
            Stored::Outcome(Box::new(shown.clone()))
        });
        assert!(
            self.possible.contains(&shown),
            "the enclave has {}, and may have {}",
            shown.words(),
            self.possible
                .iter()
                .map(Stored::words)
                .collect::<Vec<_>>()
                .join(" or ")
        );
        self.possible = vec![shown];
    }

    /// What the enclave has; None where it has nothing.
    ///
    /// # Panics
    /// It was not seen since it was uncertain.
    pub(super) fn now(&self) -> Option<&Outcome> {
        match self.possible.as_slice() {
            [Stored::Nothing] => None,
            [Stored::Outcome(outcome)] => Some(outcome),
            _ => panic!("what the enclave has was not looked up"),
        }
    }
}

impl Stored {
    pub(super) fn is(&self, outcome: &Outcome) -> bool {
        matches!(self, Self::Outcome(stored) if **stored == *outcome)
    }

    fn words(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Outcome(outcome) => format!(
                "generation {} of ceremony {}",
                outcome.parameters.generation, outcome.parameters.id
            ),
        }
    }
}

/// Names of the participants that hold their shares themselves.
pub(super) fn outside(outcome: &Outcome) -> Vec<&str> {
    let all = outcome.parameters.participants.iter();
    let own = all.filter(|one| one.public_key.is_some());
    own.map(|one| one.name.as_str()).collect()
}

/// How many shares the enclave has.
pub(super) fn of_the_enclave(outcome: &Outcome) -> usize {
    outcome.parameters.participants.len() - outside(outcome).len()
}

/// Whether these participants sign with the enclave: not too few, and not without it.
pub(super) fn may_sign(outcome: &Outcome, signers: &BTreeSet<&str>) -> bool {
    let threshold = usize::from(outcome.parameters.threshold);
    let all = outside(outcome);
    signers.iter().all(|signer| all.contains(signer))
        && (1..threshold).contains(&signers.len())
        && signers.len() + of_the_enclave(outcome) >= threshold
}

/// Every set of participants outside that signs with the enclave, or every one that does not.
pub(super) fn sets(outcome: &Outcome, that_sign: bool) -> Vec<Vec<&str>> {
    let all = outside(outcome);
    let subsets = (0_u32..1 << all.len()).map(|bits| {
        let chosen = all.iter().enumerate();
        let chosen = chosen.filter(|(index, _)| bits & (1 << index) != 0);
        chosen.map(|(_, name)| *name).collect::<Vec<_>>()
    });
    subsets
        .filter(|set| may_sign(outcome, &set.iter().copied().collect()) == that_sign)
        .collect()
}

/// Whether a reshare to these participants is refused because it would hand the key out of the enclave.
pub(super) fn leaves_the_enclave(
    before: &Outcome,
    threshold: u16,
    participants: &[CeremonyParticipant],
) -> bool {
    let after = participants.iter().filter(|one| one.public_key.is_some());
    outside(before).len() < usize::from(before.parameters.threshold)
        && after.count() >= usize::from(threshold)
}

/// Checks the result of a ceremony against the one before: the key stays, and the generation is the next.
pub(super) fn follows(outcome: &Outcome, before: Option<&Outcome>) {
    let new = &outcome.parameters;
    let Some(before) = before else {
        assert_eq!((new.purpose, new.generation), (Purpose::Generate, 1));
        return;
    };
    let old = &before.parameters;
    assert_ne!(new.purpose, Purpose::Generate);
    assert_eq!(new.generation, old.generation + 1);
    assert_eq!(new.key_id, old.key_id);
    assert_eq!(outcome.group_public_key, before.group_public_key);
    assert_ne!(outcome.verifying_shares, before.verifying_shares);
    if new.purpose == Purpose::Refresh {
        assert_eq!(new.participants, old.participants);
        assert_eq!(new.threshold, old.threshold);
    }
}
