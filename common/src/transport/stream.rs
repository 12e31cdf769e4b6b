//! A connection, and the functions that make one.

use std::io::{self, IoSlice};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio_vsock::{VMADDR_CID_HOST, VsockAddr, VsockStream};

use super::address::{Address, Cid};
use super::bounded_writes::BoundedWrites;
use super::error::TransportError;
use super::hybrid::{self, HandshakeError};
use super::to_host::to_host;

/// How long [`connect`] tries: 10 seconds.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long to wait before trying a full Unix listener again.
const QUEUE_POLL: Duration = Duration::from_millis(5);

/// Connects within [`CONNECT_TIME`]; see [`connect_within`].
pub async fn connect(address: &Address) -> Result<Stream, TransportError> {
    connect_within(address, CONNECT_TIME).await
}

/// Connects; for `vsock+unix:` the guest has accepted when this returns, so no byte is lost.
///
/// The time bounds everything, the guest's `OK` included.
///
/// # Errors
///
/// [`TransportError::AnyIsNoTarget`] for `vsock://any:PORT`, [`TransportError::Connect`] for what the kernel refuses,
/// [`TransportError::TimedOut`], and for `vsock+unix:` [`TransportError::NoGuest`] and [`TransportError::NotOk`].
pub async fn connect_within(address: &Address, time: Duration) -> Result<Stream, TransportError> {
    let connecting = async {
        match address {
            Address::Vsock { cid: Cid::Any, .. } => {
                Err(TransportError::AnyIsNoTarget(address.clone()))
            }
            Address::Vsock {
                cid: Cid::Number(cid),
                port,
            } => connect_vsock(*cid, *port)
                .await
                .map(Stream::from)
                .map_err(|source| refused(address, source)),
            Address::Unix(path) => connect_unix(address, path).await.map(Stream::from),
            Address::VsockOverUnix { path, port } => {
                let mut stream = connect_unix(address, path).await?;
                hybrid::ask_for_port(&mut stream, *port)
                    .await
                    .map_err(|error| no_ok(address, error))?;
                Ok(Stream::from(stream))
            }
        }
    };
    tokio::time::timeout(time, connecting)
        .await
        .unwrap_or_else(|_| {
            Err(TransportError::TimedOut {
                address: address.clone(),
                after: time,
            })
        })
}

/// Except for the well-known CIDs, an address is that of an enclave, or of the parent as an enclave sees it: it is reached through
/// the hypervisor.
///
/// Linux before 5.11 does not know the flag (`EINVAL`), and a machine without a hypervisor's vsock has no route (`ENODEV`); then the
/// address is tried without the flag.
async fn connect_vsock(cid: u32, port: u32) -> io::Result<VsockStream> {
    if let Some(address) = to_host(cid, port).filter(|_| cid > VMADDR_CID_HOST) {
        match VsockStream::connect(address).await {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENODEV)) => {}
            other => return other,
        }
    }
    VsockStream::connect(VsockAddr::new(cid, port)).await
}

/// A connection over any transport; a single write passes on at most [`WRITE_MAX`](super::WRITE_MAX) bytes.
///
/// Shutting it down closes only the writing direction: the peer reads the end and can still respond.
#[derive(Debug)]
pub struct Stream(BoundedWrites<Socket>);

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Vsock(VsockStream),
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self(BoundedWrites::new(Socket::Unix(stream)))
    }
}

impl From<VsockStream> for Stream {
    fn from(stream: VsockStream) -> Self {
        Self(BoundedWrites::new(Socket::Vsock(stream)))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Vsock(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Vsock(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Vsock(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Vsock(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Self::Vsock(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Vsock(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

async fn connect_unix(address: &Address, path: &Path) -> Result<UnixStream, TransportError> {
    loop {
        match UnixStream::connect(path).await {
            // The listener's queue is full (unix(7)): nothing will wake this task when it is not.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(QUEUE_POLL).await;
            }
            other => return other.map_err(|source| refused(address, source)),
        }
    }
}

fn refused(address: &Address, source: io::Error) -> TransportError {
    TransportError::Connect {
        address: address.clone(),
        source,
    }
}

fn no_ok(address: &Address, error: HandshakeError) -> TransportError {
    let address = address.clone();
    match error {
        HandshakeError::Io(source) => TransportError::Connect { address, source },
        HandshakeError::Closed(came) => TransportError::NoGuest { address, came },
        HandshakeError::NotOk(came) => TransportError::NotOk { address, came },
    }
}
