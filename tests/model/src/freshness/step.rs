//! What an action does to the state.

use super::{Changes, Does, Freshness, LeaseFrom, Operation, Phase, Put, Record, State, Store};

impl Freshness {
    /// Which requests clients make.
    pub(super) fn requests(&self) -> impl Iterator<Item = Does> + use<> {
        let others_change = self.others_change;
        [Does::Use, Does::Remove, Does::Label]
            .into_iter()
            .filter(move |does| *does != Does::Label || others_change)
    }

    pub(super) fn begin(&self, state: &mut State, number: usize, does: Does) {
        let allowed = match self.lease_is_promised {
            true => self.lease,
            false => 0,
        };
        let operation = Operation {
            does,
            begins_after_removal: state.removed_ago.is_some_and(|ticks| ticks >= allowed),
            least: match self.clients_remember {
                true => state.known,
                false => 0,
            },
            asked_ago: 0,
            phase: Phase::Asks { unknown: None },
        };
        match state.enclaves[number].cached {
            Some((record, _)) => self.act(state, number, operation, record),
            None => state.enclaves[number].operation = Some(operation),
        }
    }

    pub(super) fn read(&self, state: &mut State, number: usize, record: Record) {
        if let Some(operation) = &mut state.enclaves[number].operation
            && let Phase::Asks { unknown } = operation.phase
        {
            operation.phase = Phase::HasRead { unknown, record };
        }
    }

    pub(super) fn write(&self, state: &mut State, put: Put, copy: usize) {
        state.sent.remove(&put);
        let stored = !self.conditional_puts || state.copies[copy].version + 1 == put.record.version;
        if stored {
            let before = std::mem::replace(&mut state.copies[copy], put.record);
            if let Store::Table {
                consistent_reads: false,
            } = self.store
            {
                state.past.insert(before);
            }
        }
        // Of another boot, if the enclave has ended meanwhile.
        if let Some(operation) = &mut state.enclaves[put.by].operation
            && operation.phase == Phase::Writes(put)
        {
            operation.phase = Phase::HasWritten { put, stored };
        }
    }

    pub(super) fn receive(&self, state: &mut State, number: usize) {
        let enclave = &mut state.enclaves[number];
        let Some(operation) = enclave.operation.take() else {
            return;
        };
        match operation.phase {
            // Rolled back.
            Phase::HasRead { record, .. } if record.version < enclave.seen => {}
            Phase::HasRead { unknown, record } => {
                self.remember(state, number, record, operation.asked_ago);
                match unknown {
                    None => self.act(state, number, operation, record),
                    // Two puts of one enclave that write the same are one here; either is the change that was asked for.
                    Some(put) if put.record == record => self.acknowledge(state, operation, record),
                    // Neither done nor undone, as far as the client is told.
                    Some(_) => {}
                }
            }
            Phase::HasWritten { put, stored: true } => {
                self.remember(state, number, put.record, operation.asked_ago);
                self.acknowledge(state, operation, put.record);
            }
            // A conflict: the client may ask again.
            _ => enclave.cached = None,
        }
    }

    pub(super) fn lose(&self, state: &mut State, number: usize) {
        let operation = &mut state.enclaves[number].operation;
        *operation = operation.and_then(|operation| match operation.phase {
            Phase::Writes(put) | Phase::HasWritten { put, .. } => Some(Operation {
                asked_ago: 0,
                phase: Phase::Asks { unknown: Some(put) },
                ..operation
            }),
            Phase::Asks { .. } | Phase::HasRead { .. } => None,
        });
    }

    pub(super) fn tick(&self, state: &mut State) {
        let later = |ticks: u8| self.lease.min(ticks + 1);
        state.removed_ago = state.removed_ago.map(later);
        for enclave in &mut state.enclaves {
            if let Some(operation) = &mut enclave.operation {
                operation.asked_ago = later(operation.asked_ago);
            }
            let cached = enclave.cached.map(|(record, ticks)| (record, later(ticks)));
            enclave.cached = cached.filter(|(_, ticks)| *ticks < self.lease);
        }
    }

    /// Keeps what the store has said.
    fn remember(&self, state: &mut State, number: usize, record: Record, asked_ago: u8) {
        let enclave = &mut state.enclaves[number];
        let ticks = match self.lease_from {
            LeaseFrom::Question => asked_ago,
            LeaseFrom::Response => 0,
        };
        enclave.seen = record.version;
        enclave.cached = (ticks < self.lease).then_some((record, ticks));
    }

    /// Does what was asked for on a record that the enclave believes.
    fn act(&self, state: &mut State, number: usize, operation: Operation, record: Record) {
        if record.version < operation.least {
            return;
        }
        if operation.does == Does::Use {
            state.removed_right_was_used |= operation.begins_after_removal && !record.has.removal;
            self.acknowledge(state, operation, record);
        } else if record.has.include(operation.does.change()) {
            self.acknowledge(state, operation, record);
        } else {
            let put = Put {
                by: number,
                record: Record {
                    version: record.version + 1,
                    has: record.has.and(operation.does.change()),
                },
            };
            state.sent.insert(put);
            state.enclaves[number].operation = Some(Operation {
                asked_ago: 0,
                phase: Phase::Writes(put),
                ..operation
            });
        }
    }

    /// Tells the client that it is done, and the record's version.
    fn acknowledge(&self, state: &mut State, operation: Operation, record: Record) {
        let change = operation.does.change();
        state.acknowledged = state.acknowledged.and(change);
        if change.removal {
            state.removed_ago.get_or_insert(0);
        }
        if self.clients_remember {
            state.known = state.known.max(record.version);
        }
    }
}

impl Changes {
    fn and(self, others: Self) -> Self {
        Self {
            removal: self.removal || others.removal,
            label: self.label || others.label,
        }
    }
}
