//! Bytes to a server, and the responses.

use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Nothing here takes longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Cases longer than this are sent whole only.
const SHORT: usize = 2048;

/// A server.
pub(crate) enum Place {
    /// The enclave, without a parent in between.
    Enclave(PathBuf),
    /// The parent.
    Parent(SocketAddr),
}

/// How bytes are divided among writes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pieces {
    /// One write.
    Whole,
    /// One write for each byte.
    Bytes,
}

impl Pieces {
    /// The ways to send these bytes.
    pub(crate) fn of(bytes: &[u8]) -> &'static [Self] {
        match bytes.len() <= SHORT {
            true => &[Self::Whole, Self::Bytes],
            false => &[Self::Whole],
        }
    }
}

/// Sends the bytes, closes the sending half, and reads the status of each response until the server closes.
pub(crate) fn responses(place: &Place, bytes: &[u8], pieces: &Pieces) -> Vec<u16> {
    let received = match place {
        Place::Enclave(socket) => {
            let stream = UnixStream::connect(socket).expect("the enclave listens");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            send(&stream, bytes, *pieces);
            let _ = stream.shutdown(Shutdown::Write);
            receive(&stream)
        }
        Place::Parent(address) => {
            let stream = TcpStream::connect(address).expect("the parent listens");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            send(&stream, bytes, *pieces);
            let _ = stream.shutdown(Shutdown::Write);
            receive(&stream)
        }
    };
    statuses(&received)
}

/// A server that refuses may close before it has read everything.
fn send(mut stream: impl Write, bytes: &[u8], pieces: Pieces) {
    let size = match pieces {
        Pieces::Whole => bytes.len().max(1),
        Pieces::Bytes => 1,
    };
    for piece in bytes.chunks(size) {
        if stream.write_all(piece).is_err() {
            return;
        }
    }
}

/// Everything until the server closes, also if it does so with bytes unread.
fn receive(mut stream: impl Read) -> Vec<u8> {
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Ok(_) => received,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => received,
        Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&received)),
    }
}

fn statuses(mut received: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !received.is_empty() {
        let end = received
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no response: {:?}", String::from_utf8_lossy(received)));
        let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
        let status: u16 = head
            .strip_prefix("http/1.")
            .and_then(|rest| rest.get(2..5))
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status: {head}"));
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        received = &received[end + 4..];
        assert!(received.len() >= length, "a body that ends early: {head}");
        received = &received[length..];
        // Informational responses (RFC 9110 section 15.2) come before the one that counts.
        if status >= 200 {
            statuses.push(status);
        }
    }
    statuses
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enclave(_) => "the enclave",
            Self::Parent(_) => "the parent",
        })
    }
}
