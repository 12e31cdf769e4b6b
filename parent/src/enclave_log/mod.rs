//! The enclave's log: what it says is taken line by line and logged here, as somebody else's words.
//!
//! An enclave has no console that anybody reads, and no disk. Its log lines come over a connection of their own
//! (`docs/log.md`). Whoever is at the other end is not trusted: a line is a text of bounded length and printable ASCII, in
//! one field of one line of this program, and lines are taken so fast and no faster.

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

/// Connections at a time. One more ends the oldest: an enclave that died may have left it.
const CONNECTIONS: usize = 4;

/// How much is read at a time, in bytes.
const READ: usize = 4096;

/// A place for the enclave's log lines that has its address and does not serve yet.
pub struct EnclaveLog {
    listener: Listener,
    pace: Pace,
}

impl EnclaveLog {
    /// Takes the listen address, where there is to be one. `peers` says whose connections are kept: the enclave's, and nobody else's.
    ///
    /// # Errors
    /// Where the address cannot be had.
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

    /// Where the enclave finds it.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Logs what comes until `stop` completes; then ends every connection.
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
        // How a connection ends is its peer's business.
        let bytes = stream.fill_buf().await.unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        let (length, line) = lines.add(bytes);
        stream.consume(length);
        if let Some(line) = line {
            // The same for all connections, so that nobody gets ahead by making new ones.
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
