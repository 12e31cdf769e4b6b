//! Why a stream or a listener could not be had.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::address::Address;

/// Why a stream or a listener could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// `any` is an address to listen on, not one to connect to.
    #[error("cannot connect to {0}: the CID is `any`; accepted: a number")]
    AnyIsNoTarget(Address),
    /// The kernel refused the connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: Address,
        /// What the kernel said.
        source: io::Error,
    },
    /// There was no connection, or no `OK`, in time.
    #[error("cannot connect to {address}: no answer within {} ms", after.as_millis())]
    TimedOut {
        /// Where to.
        address: Address,
        /// How long it was waited for.
        after: Duration,
    },
    /// The monitor closed the connection instead of saying `OK`: as a rule nothing listens on that port in the guest.
    #[error("cannot connect to {address}: closed after {came:?}; expected \"OK <number>\\n\"")]
    NoGuest {
        /// Where to.
        address: Address,
        /// What came before, with bytes that are not printable ASCII escaped.
        came: String,
    },
    /// The monitor said something else than `OK`.
    #[error("cannot connect to {address}: the answer was {came:?}; expected \"OK <number>\\n\"")]
    NotOk {
        /// Where to.
        address: Address,
        /// What came, at most 32 bytes of it, with bytes that are not printable ASCII escaped.
        came: String,
    },
    /// The kernel does not let this address be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: Address,
        /// What the kernel said.
        source: io::Error,
    },
    /// Someone listens on the socket file already.
    #[error("cannot listen on {address}: another process listens on {}", path.display())]
    InUse {
        /// Where.
        address: Address,
        /// The socket file.
        path: PathBuf,
    },
    /// The path is taken by something that is not a socket.
    #[error("cannot listen on {address}: {} exists and is not a socket", path.display())]
    NotASocket {
        /// Where.
        address: Address,
        /// The path.
        path: PathBuf,
    },
}
