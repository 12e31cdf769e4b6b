//! The peer at the other end of an accepted connection, and which peers are admitted.

use std::fmt;

/// The other end of an accepted connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Peer {
    /// A vsock peer, as the kernel names it.
    Vsock {
        /// The peer's context identifier.
        cid: u32,
        /// The peer's port.
        port: u32,
    },
    /// A process that may open the socket file.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vsock { cid, port } => write!(f, "vsock://{cid}:{port}"),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Which vsock peers a listener keeps; others are closed before a byte is read.
///
/// A Unix socket has no CID: there the mode of the socket file decides (see
/// [`Listener::bind`](super::Listener::bind)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Peers {
    /// All of them.
    Any,
    /// These CIDs only. A Nitro enclave's parent instance is CID 3, the host of another hypervisor CID 2.
    Cids(Vec<u32>),
}

impl Peers {
    /// Whether a connection from this peer is kept.
    pub fn admit(&self, peer: Peer) -> bool {
        match (self, peer) {
            (Self::Cids(cids), Peer::Vsock { cid, .. }) => cids.contains(&cid),
            (Self::Any, _) | (_, Peer::Unix) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(cid: u32) -> Peer {
        Peer::Vsock { cid, port: 5000 }
    }

    #[test]
    fn only_the_named_cids_are_admitted() {
        let peers = Peers::Cids(vec![2, 3]);
        assert!(peers.admit(from(2)) && peers.admit(from(3)));
        for cid in [0, 1, 4, 5000, u32::MAX] {
            assert!(!peers.admit(from(cid)), "CID {cid}");
        }
    }

    #[test]
    fn an_empty_list_admits_no_vsock_peer() {
        assert!(!Peers::Cids(Vec::new()).admit(from(3)));
    }

    #[test]
    fn any_admits_every_peer() {
        assert!(Peers::Any.admit(from(4)) && Peers::Any.admit(Peer::Unix));
    }
}
