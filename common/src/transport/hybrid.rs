//! The handshake of vsock carried over a Unix socket, host side: `CONNECT port\n`, `OK n\n`.
//!
//! As in Firecracker's `docs/vsock.md` ("Host-Initiated Connections") and vhost-device-vsock.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest response that is read: `OK 4294967295\n` has 14 bytes.
const RESPONSE_MAX: usize = 32;

/// Why there was no `OK`.
#[derive(Debug)]
pub(super) enum HandshakeError {
    Io(io::Error),
    Closed(String),
    NotOk(String),
}

/// Asks for a port of the guest; on return the next byte in either direction is the guest's.
///
/// The caller bounds the time. The response is read byte by byte: what follows it belongs to the guest.
pub(super) async fn ask_for_port(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    port: u32,
) -> Result<(), HandshakeError> {
    stream
        .write_all(format!("CONNECT {port}\n").as_bytes())
        .await
        .map_err(HandshakeError::Io)?;
    let mut response = Vec::with_capacity(RESPONSE_MAX);
    while response.last() != Some(&b'\n') {
        if response.len() == RESPONSE_MAX {
            return Err(HandshakeError::NotOk(printable(&response)));
        }
        match stream.read_u8().await {
            Ok(byte) => response.push(byte),
            Err(error) if is_close(&error) => {
                return Err(HandshakeError::Closed(printable(&response)));
            }
            Err(error) => return Err(HandshakeError::Io(error)),
        }
    }
    if is_ok(&response) {
        Ok(())
    } else {
        Err(HandshakeError::NotOk(printable(&response)))
    }
}

fn is_close(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}

/// `OK `, the port that the monitor chose for its side, and a newline.
fn is_ok(response: &[u8]) -> bool {
    response
        .strip_prefix(b"OK ")
        .and_then(|rest| rest.strip_suffix(b"\n"))
        .is_some_and(|number| {
            number.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(number).is_ok_and(|number| number.parse::<u32>().is_ok())
        })
}

fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_and_a_number_is_an_ok() {
        for response in ["OK 0\n", "OK 1073741824\n", "OK 4294967295\n"] {
            assert!(is_ok(response.as_bytes()), "{response:?}");
        }
        for response in [
            "OK\n",
            "OK \n",
            "ok 1\n",
            "OK 1",
            "OK 1 \n",
            "OK +1\n",
            "OK -1\n",
            "OK 4294967296\n",
            "OK 1\r\n",
            "KO 1\n",
            "\n",
            " OK 1\n",
        ] {
            assert!(!is_ok(response.as_bytes()), "{response:?}");
        }
    }

    #[tokio::test]
    async fn nothing_after_the_response_is_swallowed() {
        let (mut near, mut far) = tokio::io::duplex(256);
        far.write_all(b"OK 7\nfirst bytes of the guest")
            .await
            .unwrap();
        ask_for_port(&mut near, 52).await.unwrap();
        let mut asked = vec![0; 11];
        far.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked, b"CONNECT 52\n");
        drop(far);
        let mut rest = String::new();
        near.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "first bytes of the guest");
    }
}
