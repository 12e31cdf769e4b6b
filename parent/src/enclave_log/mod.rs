//! The enclave log: the parent receives it line by line, and logs each line as untrusted text.
//!
//! An enclave has no console that anyone reads, and no disk. Its log lines arrive over a connection of their own
//! (`docs/log.md`). The parent does not trust the sender: it logs a line as printable ASCII of bounded length, in one field
//! of one line of its own, and accepts lines at a limited rate.

mod config;
mod pace;
mod text;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use permafrost_common::transport::{Address, Listener, Peer, Peers, Stream, TransportError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

pub use self::config::EnclaveLogConfig;

use self::pace::Pace;
use self::text::Lines;

/// Concurrent connections. A further one ends the oldest, which an enclave that died may have left behind.
const CONNECTIONS: usize = 4;

/// How many bytes are read at a time.
const READ: usize = 4096;

/// A receiver of the enclave log that is bound to its address and does not serve yet.
pub struct EnclaveLog {
    listener: Listener,
    pace: Pace,
}

impl EnclaveLog {
    /// Binds the listen address, if the configuration names one. `peers` are the peers whose connections are accepted: the
    /// enclave and no other.
    ///
    /// # Errors
    /// [`TransportError`] if the address cannot be bound.
    pub async fn bind(
        config: &EnclaveLogConfig,
        peers: Peers,
    ) -> Result<Option<Self>, TransportError> {
        let Some(listen) = &config.listen else {
            return Ok(None);
        };
        Ok(Some(Self {
            listener: Listener::bind(listen, peers).await?,
            pace: Pace::new(config.lines_per_second, Instant::now()),
        }))
    }

    /// The address that the enclave connects to.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Logs the received lines until `stop` completes; then ends every connection.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { listener, pace } = self;
        let pace = Arc::new(Mutex::new(pace));
        let mut connections = JoinSet::new();
        let mut oldest_first = VecDeque::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                (stream, peer) = listener.accept() => {
                    oldest_first.push_back(connections.spawn(take(stream, peer, Arc::clone(&pace))));
                    if oldest_first.len() > CONNECTIONS && let Some(oldest) = oldest_first.pop_front() {
                        oldest.abort();
                    }
                }
                Some(_) = connections.join_next() => oldest_first.retain(|connection| !connection.is_finished()),
            }
        }
        connections.shutdown().await;
    }
}

/// Logs the lines of one connection, until it ends.
async fn take(stream: Stream, peer: Peer, pace: Arc<Mutex<Pace>>) {
    let mut stream = BufReader::with_capacity(READ, stream);
    let mut lines = Lines::default();
    loop {
        // An error ends the connection just as its end does.
        let bytes = stream.fill_buf().await.unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        let (length, line) = lines.add(bytes);
        stream.consume(length);
        if let Some(line) = line {
            // One pace for all connections, so that opening new ones gains nothing.
            let mut pace = pace.lock().await;
            let wait = pace.line(Instant::now());
            tokio::time::sleep(wait).await;
            drop(pace);
            log(peer, &line);
        }
    }
    if let Some(line) = lines.end() {
        log(peer, &line);
    }
}

fn log(peer: Peer, line: &text::Line) {
    let cut = line.cut.then_some(true);
    tracing::info!(target: "enclave", %peer, cut, line = line.text);
}
