//! A listening address.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio_vsock::{VMADDR_CID_ANY, VsockAddr, VsockListener};

use super::address::{Address, Cid, guest_socket};
use super::error::TransportError;
use super::peers::{Peer, Peers};
use super::socket_file::SocketFile;
use super::stream::Stream;

/// How long [`Listener::accept`] pauses after an error that is likely to repeat at once.
const REST: Duration = Duration::from_millis(50);

/// A listening address; see [`Listener::bind`].
#[derive(Debug)]
pub struct Listener {
    address: Address,
    socket: Socket,
    peers: Peers,
    refused: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
enum Socket {
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
    Vsock(VsockListener),
}

impl Listener {
    /// Listens on an address.
    ///
    /// `unix:PATH` makes the socket file PATH, `vsock+unix:PATH:PORT` the file `PATH_PORT`, with mode 0600 from the
    /// first moment; dropping the listener removes it. A socket file that a killed process left is replaced; a connection
    /// attempt shows whether it is in use, so a live listener there sees one connection that closes empty.
    ///
    /// # Errors
    ///
    /// [`TransportError::InUse`] if another process listens there, [`TransportError::NotASocket`] if the path is something
    /// else, [`TransportError::Bind`] for what the kernel refuses.
    pub async fn bind(address: &Address, peers: Peers) -> Result<Self, TransportError> {
        let socket = match address {
            Address::Vsock { cid, port } => {
                let cid = match cid {
                    Cid::Any => VMADDR_CID_ANY,
                    Cid::Number(number) => *number,
                };
                VsockListener::bind(VsockAddr::new(cid, *port))
                    .map(Socket::Vsock)
                    .map_err(|source| TransportError::Bind {
                        address: address.clone(),
                        source,
                    })?
            }
            Address::Unix(path) => Socket::unix(path, address).await?,
            Address::VsockOverUnix { path, port } => {
                Socket::unix(&guest_socket(path, *port), address).await?
            }
        };
        Ok(Self {
            address: address.clone(),
            socket,
            peers,
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// The next connection from an admitted peer.
    ///
    /// Never ends by itself. A peer that is not admitted is closed at once and counted ([`Listener::refused`]).
    /// An error is counted ([`Listener::failed`]) and accepting goes on: at once after one of the connection's
    /// own (`ECONNABORTED`, `ECONNRESET`), after 50 ms otherwise, so that a process out of file descriptors
    /// (`EMFILE`, `ENFILE`) or memory serves again as soon as it can. May be dropped before it is ready; no
    /// connection is lost.
    pub async fn accept(&self) -> (Stream, Peer) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) if self.peers.admit(peer) => return (stream, peer),
                Ok(_) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    if !concerns_one_connection(&error) {
                        tokio::time::sleep(REST).await;
                    }
                }
            }
        }
    }

    /// Where this listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How many connections were closed because [`Peers`] does not admit their CID.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many times accepting failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Socket {
    async fn unix(path: &std::path::Path, address: &Address) -> Result<Self, TransportError> {
        let (listener, file) = SocketFile::listen(path, address).await?;
        Ok(Self::Unix {
            listener,
            _file: file,
        })
    }

    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Unix { listener, .. } => listener
                .accept()
                .await
                .map(|(stream, _)| (stream.into(), Peer::Unix)),
            Self::Vsock(listener) => listener.accept().await.map(|(stream, from)| {
                let peer = Peer::Vsock {
                    cid: from.cid(),
                    port: from.port(),
                };
                (stream.into(), peer)
            }),
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
