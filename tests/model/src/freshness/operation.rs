//! What an enclave is asked to do, and how far it is.

use super::{Changes, Put, Record};

/// What a request asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Does {
    /// To act on the right, if the record has it.
    Use,
    /// To remove the right.
    Remove,
    /// To change something else in the record.
    Label,
}

/// A request that an enclave carries out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Operation {
    /// What was asked for.
    pub does: Does,
    /// Whether it began after the removal of the right was acknowledged, and the lease was over that the promise allows.
    pub begins_after_removal: bool,
    /// The least version that the client accepts.
    pub least: u8,
    /// How many ticks ago the enclave sent what it waits for, up to the lease.
    pub asked_ago: u8,
    /// How far it is.
    pub phase: Phase,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// It has sent a read.
    Asks {
        /// The put whose response did not come: whether it was carried out, the read has to show.
        unknown: Option<Put>,
    },
    /// The read was carried out.
    HasRead {
        /// As before.
        unknown: Option<Put>,
        /// What the response will say.
        record: Record,
    },
    /// It has sent a put.
    Writes(Put),
    /// The put was carried out, or met another version.
    HasWritten {
        /// What was to be written.
        put: Put,
        /// What the response will say.
        stored: bool,
    },
}

impl Does {
    /// The change that is asked for.
    pub fn change(self) -> Changes {
        Changes {
            removal: self == Self::Remove,
            label: self == Self::Label,
        }
    }
}
