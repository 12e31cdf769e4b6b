//! One record with a right in it, two enclaves that use and change it, and a parent that lies.

mod operation;
mod step;

use std::collections::BTreeSet;

use stateright::{Model, Property};

pub use operation::{Does, Operation, Phase};

/// No enclave that begins an operation after a removal was acknowledged, and its lease with it, acts on the right.
pub const NO_REMOVED_RIGHT_IS_USED: &str = "no removed right is used";

/// What was acknowledged is in the store together, whatever follows.
pub const NO_CHANGE_IS_UNDONE: &str = "no acknowledged change is undone";

/// What is explored: a store, and what enclaves and clients do about it.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// Where the record is.
    pub store: Store,
    /// Whether a put is carried out only while the store has the version that it names.
    pub conditional_puts: bool,
    /// For so many ticks of its clock an enclave believes a record without a question.
    pub lease: u8,
    /// From when those ticks count.
    pub lease_from: LeaseFrom,
    /// Whether the promise of removals leaves that lease to the enclaves, as it has to.
    pub lease_is_promised: bool,
    /// Whether there are changes other than the removal.
    pub others_change: bool,
    /// Whether clients name the least version that they know from a response.
    pub clients_remember: bool,
}

/// Where the record is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    /// One table, which the enclaves reach themselves: the parent can only refuse, drop and delay.
    Table {
        /// Whether a read has every write before it, or any state that there ever was.
        consistent_reads: bool,
    },
    /// The parent's own. It can copy it once, and have any request carried out on either of the two.
    Parent,
}

/// From when a lease counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeaseFrom {
    /// When the enclave asked.
    Question,
    /// When the response arrived, which the parent may have delayed.
    Response,
}

impl Freshness {
    /// A table with consistent reads and conditional puts, without a lease.
    pub fn table() -> Self {
        Self {
            store: Store::Table {
                consistent_reads: true,
            },
            conditional_puts: true,
            lease: 0,
            lease_from: LeaseFrom::Question,
            lease_is_promised: true,
            others_change: true,
            clients_remember: false,
        }
    }

    /// The same with the store at the parent.
    pub fn parents_store() -> Self {
        Self {
            store: Store::Parent,
            ..Self::table()
        }
    }
}

/// The record; sealed, so that nobody but an enclave makes one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Record {
    /// From 1.
    pub version: u8,
    /// Which changes are in it.
    pub has: Changes,
}

/// A set of changes: the removal of the right, and a label.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Changes {
    /// The right is removed.
    pub removal: bool,
    /// The record has its label.
    pub label: bool,
}

/// A put that an enclave has sent. The parent may have it arrive late, even after the enclave has ended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Put {
    /// The number of the enclave.
    pub by: usize,
    /// What is to be written in place of the version before it.
    pub record: Record,
}

/// A boot of an enclave.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Enclave {
    /// A record under its lease, and how many ticks ago the lease began.
    pub cached: Option<(Record, u8)>,
    /// The greatest version that this boot has seen; nothing older is accepted.
    pub seen: u8,
    /// What it does.
    pub operation: Option<Operation>,
}

/// Everything at one moment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    /// The record in the store, and in the parent's copy of it.
    pub copies: Vec<Record>,
    /// What the store had before, where a read may still have it.
    pub past: BTreeSet<Record>,
    /// Puts that have not arrived.
    pub sent: BTreeSet<Put>,
    /// Both.
    pub enclaves: [Enclave; 2],
    /// What clients know to be done.
    pub acknowledged: Changes,
    /// How many ticks ago the removal was acknowledged, up to the lease.
    pub removed_ago: Option<u8>,
    /// The greatest version in a response to a client.
    pub known: u8,
    /// Whether an enclave has acted on the right though it began after the removal.
    pub removed_right_was_used: bool,
}

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// An enclave begins to carry out a request.
    Begin(usize, Does),
    /// A read is carried out, with this outcome.
    Read(usize, Record),
    /// A put is carried out, on one of the copies.
    Write(Put, usize),
    /// An enclave receives the response that it waits for.
    Receive(usize),
    /// An enclave does not receive it: the request was refused or dropped, or the response.
    Lose(usize),
    /// An enclave ends at once, and boots.
    Restart(usize),
    /// The parent copies its store.
    Copy,
    /// Time passes.
    Tick,
}

impl Model for Freshness {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let first = Record {
            version: 1,
            has: Changes::default(),
        };
        vec![State {
            copies: vec![first],
            past: BTreeSet::new(),
            sent: BTreeSet::new(),
            enclaves: [Enclave::default(); 2],
            acknowledged: Changes::default(),
            removed_ago: None,
            known: 0,
            removed_right_was_used: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, enclave) in state.enclaves.iter().enumerate() {
            if *enclave != Enclave::default() {
                actions.push(Action::Restart(number));
            }
            match enclave.operation.map(|operation| operation.phase) {
                None => actions.extend(self.requests().map(|does| Action::Begin(number, does))),
                Some(Phase::Asks { .. }) => {
                    let outcomes = state.copies.iter().chain(&state.past);
                    actions.extend(outcomes.map(|record| Action::Read(number, *record)));
                    actions.push(Action::Lose(number));
                }
                Some(Phase::Writes(_)) => actions.push(Action::Lose(number)),
                Some(Phase::HasRead { .. } | Phase::HasWritten { .. }) => {
                    actions.extend([Action::Receive(number), Action::Lose(number)]);
                }
            }
        }
        for put in &state.sent {
            actions.extend((0..state.copies.len()).map(|copy| Action::Write(*put, copy)));
        }
        if self.store == Store::Parent && state.copies.len() == 1 {
            actions.push(Action::Copy);
        }
        if self.lease > 0 {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Begin(number, does) => self.begin(&mut state, number, does),
            Action::Read(number, record) => self.read(&mut state, number, record),
            Action::Write(put, copy) => self.write(&mut state, put, copy),
            Action::Receive(number) => self.receive(&mut state, number),
            Action::Lose(number) => self.lose(&mut state, number),
            Action::Restart(number) => state.enclaves[number] = Enclave::default(),
            Action::Copy => state.copies.push(state.copies[0]),
            Action::Tick => self.tick(&mut state),
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(NO_REMOVED_RIGHT_IS_USED, |_, state: &State| {
                !state.removed_right_was_used
            }),
            Property::always(NO_CHANGE_IS_UNDONE, |_, state: &State| {
                let done = |record: &Record| record.has.include(state.acknowledged);
                state.copies.iter().any(done)
            }),
            Property::sometimes("the removal is acknowledged", |_, state: &State| {
                state.acknowledged.removal
            }),
            Property::sometimes("a put arrives too late", |_, state: &State| {
                let late = |put: &Put| put.record.version <= state.copies[0].version;
                state.sent.iter().any(late)
            }),
            Property::sometimes("an outcome is unknown", |_, state: &State| {
                let unknown = |operation: Operation| {
                    matches!(operation.phase, Phase::Asks { unknown: Some(_) })
                };
                let mut enclaves = state.enclaves.iter();
                enclaves.any(|enclave| enclave.operation.is_some_and(unknown))
            }),
        ];
        if self.lease > 0 {
            properties.push(Property::sometimes(
                "a lease outlives the removal",
                |_, state: &State| {
                    let believes =
                        |enclave: &Enclave| enclave.cached.is_some_and(|(r, _)| !r.has.removal);
                    state.acknowledged.removal && state.enclaves.iter().any(believes)
                },
            ));
        }
        properties
    }
}

impl Changes {
    /// Whether all of the others are among these.
    pub fn include(self, others: Self) -> bool {
        (self.removal || !others.removal) && (self.label || !others.label)
    }
}
