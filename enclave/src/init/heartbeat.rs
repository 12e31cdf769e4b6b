//! Tells the parent that the enclave runs, as `nitro-cli run-enclave` expects from an image's init: a connection to port 9000,
//! one byte 0xb7, and the same byte back (aws-nitro-enclaves-sdk-bootstrap, `init/init.c`).

use std::time::Duration;

use permafrost_common::transport::{Address, Cid, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const PORT: u32 = 9000;
const HEARTBEAT: u8 = 0xb7;

/// How long the parent may take. `nitro-cli` waits for the heartbeat before anything else; other parents never accept it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the heartbeat once. Only `nitro-cli` waits for it, so a failure is only logged.
pub(super) async fn send(parent_cid: u32) {
    let parent = Address::Vsock {
        cid: Cid::Number(parent_cid),
        port: PORT,
    };
    match exchange(&parent, PATIENCE).await {
        Ok(()) => tracing::info!("the parent accepted the heartbeat"),
        Err(reason) => tracing::info!(reason, "the parent did not accept the heartbeat"),
    }
}

async fn exchange(parent: &Address, patience: Duration) -> Result<(), String> {
    let exchanging = async {
        let mut stream = connect(parent).await.map_err(|error| error.to_string())?;
        let io = |error: std::io::Error| error.to_string();
        stream.write_all(&[HEARTBEAT]).await.map_err(io)?;
        stream.read_u8().await.map_err(io)
    };
    let response = timeout(patience, exchanging)
        .await
        .unwrap_or_else(|_| Err(format!("no response within {} ms", patience.as_millis())))?;
    if response == HEARTBEAT {
        return Ok(());
    }
    Err(format!(
        "the response is {response:#04x}, expected: {HEARTBEAT:#04x}"
    ))
}

#[cfg(test)]
mod tests {
    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    /// The result of a heartbeat to a parent that does this with the connection.
    async fn sent_to<D>(parent: impl FnOnce(UnixStream) -> D) -> Result<(), String>
    where
        D: Future<Output = ()>,
    {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("heartbeat.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let address = format!("unix:{}", socket.display()).parse().unwrap();
        let taken = async { parent(listener.accept().await.unwrap().0).await };
        let exchanged = exchange(&address, Duration::from_millis(500));
        tokio::join!(exchanged, taken).0
    }

    #[tokio::test]
    async fn one_byte_goes_out_and_the_same_comes_back() {
        let sent = sent_to(|mut stream| async move {
            let byte = stream.read_u8().await.unwrap();
            assert_eq!(byte, 0xb7);
            stream.write_all(&[byte]).await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        });
        assert_eq!(sent.await, Ok(()));
    }

    #[tokio::test]
    async fn another_byte_an_end_or_silence_is_not_a_heartbeat() {
        let other = sent_to(|mut stream| async move {
            stream.write_all(&[0xb6]).await.unwrap();
            let _its_end = stream.read_u8().await;
            let _its_end = stream.read_u8().await;
        });
        assert!(other.await.unwrap_err().contains("0xb6"));
        let end = sent_to(|stream| async move { drop(stream) });
        assert!(end.await.is_err());
        let silence = sent_to(|stream| async move {
            tokio::time::sleep(Duration::from_millis(800)).await;
            drop(stream);
        });
        assert!(silence.await.unwrap_err().contains("no response within"));
    }

    #[tokio::test]
    async fn an_absent_parent_is_not_waited_for() {
        let address = "unix:/nonexistent/heartbeat.sock".parse().unwrap();
        let began = std::time::Instant::now();
        assert!(exchange(&address, PATIENCE).await.is_err());
        assert!(began.elapsed() < PATIENCE);
    }
}
