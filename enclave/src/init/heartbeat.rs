//! Tells the parent that the enclave runs, as `nitro-cli run-enclave` expects it from an image's init: a connection to port
//! 9000, one byte 0xb7, and the same byte back.

use std::time::Duration;

use permafrost_common::transport::{Address, Cid, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const PORT: u32 = 9000;
const HEARTBEAT: u8 = 0xb7;

/// How long the parent may take. `nitro-cli` waits for the heartbeat before anything else; other parents never take it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the heartbeat once. Nothing depends on it but `nitro-cli`'s own patience, so its failure is only logged.
pub(super) async fn send(parent_cid: u32) {
    match timeout(PATIENCE, exchange(parent_cid)).await {
        Ok(Ok(())) => tracing::info!("the parent took the heartbeat"),
        Ok(Err(reason)) => tracing::info!(reason, "the parent took no heartbeat"),
        Err(_) => tracing::info!(reason = "no answer in time", "the parent took no heartbeat"),
    }
}

async fn exchange(cid: u32) -> Result<(), String> {
    let address = Address::Vsock {
        cid: Cid::Number(cid),
        port: PORT,
    };
    let mut stream = connect(&address).await.map_err(|error| error.to_string())?;
    let io = |error: std::io::Error| error.to_string();
    stream.write_all(&[HEARTBEAT]).await.map_err(io)?;
    let answer = stream.read_u8().await.map_err(io)?;
    if answer == HEARTBEAT {
        return Ok(());
    }
    Err(format!(
        "the answer is {answer:#04x}, expected: {HEARTBEAT:#04x}"
    ))
}
