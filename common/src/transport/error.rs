//! Why a connection or a listener could not be made.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::address::Address;

/// Why a connection or a listener could not be made.
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
    /// No connection, or no `OK`, in time.
    #[error("cannot connect to {address}: no response within {} ms", after.as_millis())]
    TimedOut {
        /// Where to.
        address: Address,
        /// How long the caller waited.
        after: Duration,
    },
    /// The monitor closed the connection instead of sending `OK`: usually nothing listens on that port in the guest.
    #[error("cannot connect to {address}: closed after {came:?}; expected \"OK <number>\\n\"")]
    NoGuest {
        /// Where to.
        address: Address,
        /// What came before, with bytes that are not printable ASCII escaped.
        came: String,
    },
    /// The monitor sent something other than `OK`.
    #[error("cannot connect to {address}: the response was {came:?}; expected \"OK <number>\\n\"")]
    NotOk {
        /// Where to.
        address: Address,
        /// What came, at most 32 bytes of it, with bytes that are not printable ASCII escaped.
        came: String,
    },
    /// The kernel refused to listen on this address.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: Address,
        /// What the kernel said.
        source: io::Error,
    },
    /// Another process already listens on the socket file.
    #[error("cannot listen on {address}: another process listens on {}", path.display())]
    InUse {
        /// Where.
        address: Address,
        /// The socket file.
        path: PathBuf,
    },
    /// The path exists and is not a socket.
    #[error("cannot listen on {address}: {} exists and is not a socket", path.display())]
    NotASocket {
        /// Where.
        address: Address,
        /// The path.
        path: PathBuf,
    },
}
