//! Connections to the record store.

use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use permafrost_common::transport::{Address, connect_within};

use super::error::{Fault, StoreClientError};
use super::kept::{Kept, Sender};

/// The most idle connections that are kept.
const IDLE_MAX: usize = 8;

/// The longest header of a response, in bytes.
const HEADER_MAX: usize = 16 * 1024;

/// The most header fields of a response.
const HEADERS_MAX: usize = 32;

/// Connections to one address.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    pub(super) kept: Kept,
}

impl Pool {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            kept: Kept::at_most(IDLE_MAX),
        }
    }

    /// A new connection.
    pub(super) async fn fresh(&self, time: Duration) -> Result<Sender, StoreClientError> {
        let stream = connect_within(&self.address, time).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEADER_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| StoreClientError::Failed(Fault::Connection(error)))?;
        // The task that awaits a response gets its errors; it ends when the sender is dropped.
        tokio::spawn(connection);
        Ok(sender)
    }
}
