//! The enclave log: the parent receives it line by line, and logs each line as untrusted text.
//!
//! An enclave has no console that anyone reads, and no disk. Its log lines arrive over a connection of their own
//! (`docs/log.md`). The parent does not trust the sender: it logs a line as printable ASCII of bounded length, in one field
//! of one line of its own, and accepts lines at a limited rate.

mod config;
mod pace;
mod text;

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use permafrost_common::transport::{Address, Listener, Peer, Peers, Stream, TransportError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

pub use self::config::EnclaveLogConfig;

use crate::config::EnclaveConfig;

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
    names: Arc<Names>,
}

impl EnclaveLog {
    /// Binds the listen address, if the configuration names one. `peers` are the peers whose connections are accepted: the
    /// enclaves and no other.
    ///
    /// # Errors
    /// [`TransportError`] if the address cannot be bound.
    pub async fn bind(
        config: &EnclaveLogConfig,
        enclaves: &[EnclaveConfig],
        peers: Peers,
    ) -> Result<Option<Self>, TransportError> {
        let Some(listen) = &config.listen else {
            return Ok(None);
        };
        Ok(Some(Self {
            listener: Listener::bind(listen, peers).await?,
            pace: Pace::new(config.lines_per_second, Instant::now()),
            names: Arc::new(Names::of(enclaves)),
        }))
    }

    /// The address that the enclave connects to.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Logs the received lines until `stop` completes; then ends every connection.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            pace,
            names,
        } = self;
        let pace = Arc::new(Mutex::new(pace));
        let mut connections = JoinSet::new();
        let mut oldest_first = VecDeque::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                (stream, peer) = listener.accept() => {
                    let taking = take(stream, peer, Arc::clone(&names), Arc::clone(&pace));
                    oldest_first.push_back(connections.spawn(taking));
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
async fn take(stream: Stream, peer: Peer, names: Arc<Names>, pace: Arc<Mutex<Pace>>) {
    let enclave = names.by_peer(peer);
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
            log(peer, enclave, &line);
        }
    }
    if let Some(line) = lines.end() {
        log(peer, enclave, &line);
    }
}

fn log(peer: Peer, enclave: Option<&str>, line: &text::Line) {
    let cut = line.cut.then_some(true);
    tracing::info!(target: "enclave", %peer, enclave, cut, line = line.text);
}

/// What the configuration calls the senders.
struct Names {
    by_cid: HashMap<u32, String>,
    only: Option<String>,
}

impl Names {
    fn of(enclaves: &[EnclaveConfig]) -> Self {
        let cids = enclaves
            .iter()
            .filter_map(|enclave| Some((enclave.cid()?, enclave.name.clone())));
        Self {
            by_cid: cids.collect(),
            only: match enclaves {
                [only] => Some(only.name.clone()),
                _ => None,
            },
        }
    }

    /// The enclave that a peer is: over vsock its CID says so; a Unix socket says nothing, and one enclave is the only one.
    fn by_peer(&self, peer: Peer) -> Option<&str> {
        let by_cid = match peer {
            Peer::Vsock { cid, .. } => self.by_cid.get(&cid),
            Peer::Unix => None,
        };
        by_cid.or(self.only.as_ref()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enclave(name: &str, address: &str) -> EnclaveConfig {
        EnclaveConfig {
            name: name.to_owned(),
            address: address.parse().unwrap(),
            ..EnclaveConfig::default()
        }
    }

    fn from(cid: u32) -> Peer {
        Peer::Vsock { cid, port: 9 }
    }

    #[test]
    fn a_line_carries_the_name_of_the_enclave_that_sent_it() {
        let one = Names::of(&[enclave("a", "unix:/a")]);
        assert_eq!(one.by_peer(Peer::Unix), Some("a"));
        assert_eq!(one.by_peer(from(17)), Some("a"));
        let two = [enclave("a", "vsock://16:1"), enclave("b", "vsock://17:1")];
        let two = Names::of(&two);
        assert_eq!(two.by_peer(from(16)), Some("a"));
        assert_eq!(two.by_peer(from(17)), Some("b"));
        assert_eq!(two.by_peer(from(18)), None);
        assert_eq!(two.by_peer(Peer::Unix), None);
    }
}
