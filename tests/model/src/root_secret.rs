//! Two enclaves that boot together on an empty store.

use std::collections::BTreeSet;

use stateright::{Model, Property};

/// All enclaves that serve have the root secret that the store has.
pub const ALL_HAVE_ONE: &str = "all that serve have the stored root secret";

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub struct RootSecret {
    /// Whether the record is written only where there is none.
    pub put_if_absent: bool,
}

/// How many root secrets an enclave asks for at most, in all its boots; a number above one for the puts of earlier boots that arrive late.
const SECRETS: u8 = 2;

/// A root secret that was made: by which enclave, and which of its.
pub type Secret = (usize, u8);

/// How far a boot is.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Boot {
    /// It asks the store.
    #[default]
    Begins,
    /// The store had none when it was asked.
    HasRead(Option<Secret>),
    /// It has asked KMS for one, and the store to keep it.
    Puts(Secret),
    /// The put was carried out, or met a record.
    HasPut {
        /// What was to be kept.
        secret: Secret,
        /// What the response will say.
        stored: bool,
    },
    /// It serves.
    Serves(Secret),
}

/// Everything at one moment.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct State {
    /// The record in the store.
    pub stored: Option<Secret>,
    /// Puts that have not arrived; the parent may have them arrive late.
    pub sent: BTreeSet<Secret>,
    /// How many each enclave has made.
    pub made: [u8; 2],
    /// Both.
    pub boots: [Boot; 2],
}

impl State {
    /// The root secrets of those that serve.
    fn served(&self) -> impl Iterator<Item = Secret> {
        self.boots.iter().filter_map(|boot| match boot {
            Boot::Serves(secret) => Some(*secret),
            _ => None,
        })
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// The store says what it has to an enclave that asks.
    Read(usize),
    /// A put is carried out.
    Write(Secret),
    /// An enclave receives the response that it waits for.
    Receive(usize),
    /// An enclave does not receive it, and begins anew.
    Lose(usize),
    /// An enclave ends at once, and boots.
    Restart(usize),
}

impl Model for RootSecret {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, boot) in state.boots.iter().enumerate() {
            match boot {
                Boot::Begins => actions.push(Action::Read(number)),
                Boot::HasRead(_) | Boot::HasPut { .. } => {
                    actions.extend([Action::Receive(number), Action::Lose(number)]);
                }
                Boot::Puts(_) => actions.push(Action::Lose(number)),
                Boot::Serves(_) => {}
            }
            actions.push(Action::Restart(number));
        }
        actions.extend(state.sent.iter().map(|secret| Action::Write(*secret)));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Read(number) => state.boots[number] = Boot::HasRead(state.stored),
            Action::Write(secret) => self.write(&mut state, secret),
            Action::Receive(number) => receive(&mut state, number)?,
            Action::Lose(number) | Action::Restart(number) => {
                state.boots[number] = Boot::default();
            }
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ALL_HAVE_ONE, |_, state: &State| {
                state.served().all(|secret| state.stored == Some(secret))
            }),
            Property::sometimes("both serve", |_, state: &State| state.served().count() == 2),
        ];
        if self.put_if_absent {
            properties.push(Property::sometimes(
                "one of two loses the race",
                |_, state: &State| {
                    let loses = |boot: &Boot| matches!(boot, Boot::HasPut { stored: false, .. });
                    state.boots.iter().any(loses)
                },
            ));
        }
        properties
    }
}

impl RootSecret {
    fn write(&self, state: &mut State, secret: Secret) {
        state.sent.remove(&secret);
        let stored = !self.put_if_absent || state.stored.is_none();
        if stored {
            state.stored = Some(secret);
        }
        if state.boots[secret.0] == Boot::Puts(secret) {
            state.boots[secret.0] = Boot::HasPut { secret, stored };
        }
    }
}

/// `None` once the enclave has made as many secrets as are explored.
fn receive(state: &mut State, number: usize) -> Option<()> {
    state.boots[number] = match state.boots[number] {
        Boot::HasRead(Some(secret)) => Boot::Serves(secret),
        Boot::HasRead(None) if state.made[number] == SECRETS => return None,
        Boot::HasRead(None) => {
            state.made[number] += 1;
            let secret = (number, state.made[number]);
            state.sent.insert(secret);
            Boot::Puts(secret)
        }
        Boot::HasPut {
            secret,
            stored: true,
        } => Boot::Serves(secret),
        // Another's is there, which the store is asked for.
        _ => Boot::default(),
    };
    Some(())
}
