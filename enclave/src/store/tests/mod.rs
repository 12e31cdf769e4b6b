//! A store that lies, over a real Unix socket: it responds with given bytes to any request.

mod connections;
mod listings;
mod responses;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use permafrost_common::transport::Address;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::*;

/// What the lying store does with a request.
enum Reply {
    /// Sends these bytes and waits for the next request.
    Say(Vec<u8>),
    /// Sends these bytes and closes.
    SayAndClose(Vec<u8>),
    /// Says nothing.
    Stall,
}

/// A store that responds to its n-th request, counted over all connections from 0, with `reply(n, request)`.
struct Liar {
    client: StoreClient,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

impl Liar {
    fn new(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let reply = Arc::new(reply);
        let requests = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, accepted) = (Arc::clone(&requests), Arc::clone(&connections));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let (reply, counted) = (Arc::clone(&reply), Arc::clone(&counted));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = read_request(&mut stream).await {
                        let n = counted.fetch_add(1, Ordering::SeqCst);
                        match reply(n, &request) {
                            Reply::Say(bytes) => stream.write_all(&bytes).await.unwrap(),
                            Reply::SayAndClose(bytes) => {
                                stream.write_all(&bytes).await.unwrap();
                                return;
                            }
                            Reply::Stall => tokio::time::sleep(Duration::from_secs(20)).await,
                        }
                    }
                });
            }
        });
        let client = StoreClient::new(Address::Unix(path), Duration::from_millis(500));
        Self {
            client,
            requests,
            connections,
            _folder: folder,
        }
    }

    /// A store that gives the same response to every request.
    fn saying(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::new(move |_, _| Reply::Say(response.clone()))
    }

    async fn get(&self, known: Option<u64>) -> Result<Fetched, StoreClientError> {
        self.client.get("key", "a", known).await
    }

    async fn put(&self, expected: Expected) -> Result<PutOutcome, StoreClientError> {
        self.client.put("key", "a", expected, b"record", "").await
    }

    async fn delete(&self) -> Result<DeleteOutcome, StoreClientError> {
        self.client.delete("key", "a", 7).await
    }

    async fn listing(&self) -> Result<Entries, StoreClientError> {
        self.client.listing("key", range(3)).await
    }
}

/// The range of the listings that a liar is asked for.
fn range(limit: usize) -> Range<'static> {
    Range {
        prefix: "k-",
        tag: None,
        after: "k-b",
        limit,
    }
}

/// The head of a request, and its body behind it.
async fn read_request(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut request = String::new();
    let mut length = 0;
    loop {
        let from = request.len();
        if stream.read_line(&mut request).await.ok()? == 0 {
            return None;
        }
        let line = request[from..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(request + &String::from_utf8_lossy(&body))
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn no_body(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}\r\n").into_bytes()
}

fn listing_of(records: &str, more: bool) -> Vec<u8> {
    let body = format!("{{\"records\":[{records}],\"more\":{more}}}");
    response(
        "200 OK",
        "content-type: application/json\r\n",
        body.as_bytes(),
    )
}

/// The fault of an error after which certainly nothing was written.
fn failed<T: std::fmt::Debug>(outcome: Result<T, StoreClientError>) -> Fault {
    match outcome {
        Err(StoreClientError::Failed(fault)) => fault,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn unknown<T: std::fmt::Debug>(outcome: Result<T, StoreClientError>) -> Fault {
    match outcome {
        Err(StoreClientError::UnknownOutcome(fault)) => fault,
        other => panic!("expected an unknown outcome, got {other:?}"),
    }
}
