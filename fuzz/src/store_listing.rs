use std::convert::Infallible;
use std::os::unix::net;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_common::store::{
    Entry, LISTING_BYTES_MAX, Listing, RECORD_MAX, VERSION_MAX, etag, is_id,
};
use permafrost_common::transport::Address;
use permafrost_enclave::store::{
    DeleteOutcome, Entries, Expected, Fetched, PutOutcome, Range, StoreClient, StoreClientError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::runtime::Builder;

/// A request to the record store, one line: `listing PREFIX AFTER LIMIT`, `get`, `get KNOWN`, `put`, `put EXPECTED` or `delete VERSION`; then the bytes
/// that the store responds with before it closes the connection. Each of the first 96 `~` of them stands for 16 KiB of `A`, so that
/// short inputs reach the limits.
///
/// An accepted response is within the limits and fits the request, and an honest store that responds with the same is read the same.
/// The error for a refused one is short ASCII, and leaves the outcome unknown exactly if the request was a write.
pub fn store_listing(data: &[u8]) -> bool {
    let Some((asked, response)) = parts(data) else {
        return false;
    };
    let got = match ask(asked, &response) {
        Ok(got) => got,
        Err(StoreClientError::Invalid(_)) => return false,
        Err(error) => {
            let is_unknown = matches!(error, StoreClientError::UnknownOutcome(_));
            let is_write = matches!(asked, Asked::Put(_) | Asked::Delete(_));
            assert_eq!(is_unknown, is_write, "{error}");
            let text = error.to_string();
            assert!(text.is_ascii() && text.len() <= 600, "{text}");
            return false;
        }
    };
    check(asked, &got);
    let honest = honest(asked, &got);
    let again = ask(asked, &honest).expect("what an honest store responds with is accepted");
    assert_eq!(again, got);
    true
}

#[derive(Clone, Copy, Debug)]
enum Asked<'a> {
    Listing {
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    },
    Get(Option<u64>),
    Put(Expected),
    Delete(u64),
}

#[derive(Debug, PartialEq)]
enum Got {
    Listing(Entries),
    Record(Fetched),
    Put(PutOutcome),
    Delete(DeleteOutcome),
}

fn parts(data: &[u8]) -> Option<(Asked<'_>, Vec<u8>)> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (line, response) = (str::from_utf8(&data[..end]).ok()?, &data[end + 1..]);
    let words: Vec<_> = line.split(' ').collect();
    let asked = match words.as_slice() {
        ["listing", prefix, after, limit] => Asked::Listing {
            prefix,
            after,
            limit: limit.parse().ok()?,
        },
        ["get"] => Asked::Get(None),
        ["get", known] => Asked::Get(Some(known.parse().ok()?)),
        ["put"] => Asked::Put(Expected::Absent),
        ["put", expected] => Asked::Put(Expected::Version(expected.parse().ok()?)),
        ["delete", version] => Asked::Delete(version.parse().ok()?),
        _ => return None,
    };
    let mut pieces = response.splitn(LONG_MAX + 1, |byte| *byte == b'~');
    let mut whole = pieces.next()?.to_vec();
    for piece in pieces {
        whole.resize(whole.len() + LONG, b'A');
        whole.extend(piece);
    }
    Some((asked, whole))
}

fn check(asked: Asked<'_>, got: &Got) {
    match (asked, got) {
        (
            Asked::Listing {
                prefix,
                after,
                limit,
            },
            Got::Listing(entries),
        ) => {
            let Entries { records, more } = entries;
            assert!(records.len() <= limit, "{} records", records.len());
            assert!(!more || !records.is_empty(), "more after nothing");
            let mut before = after;
            for entry in records {
                assert!(is_id(&entry.id) && entry.id.starts_with(prefix));
                assert!(entry.id.as_str() > before, "{:?}", entry.id);
                assert!((1..=VERSION_MAX).contains(&entry.version));
                assert!(entry.bytes.len() <= RECORD_MAX);
                before = &entry.id;
            }
            let total: usize = records.iter().map(|entry| entry.bytes.len()).sum();
            assert!(total <= LISTING_BYTES_MAX, "{total} bytes");
        }
        (Asked::Get(_), Got::Record(Fetched::Record { version, bytes })) => {
            assert!((1..=VERSION_MAX).contains(version));
            assert!(bytes.len() <= RECORD_MAX);
        }
        (Asked::Get(known), Got::Record(Fetched::NotModified)) => {
            assert!(known.is_some(), "not modified since nothing");
        }
        (Asked::Put(expected), Got::Put(PutOutcome::Stored { version })) => {
            assert_eq!(*version, version_of(expected).unwrap_or(0) + 1);
        }
        (Asked::Put(expected), Got::Put(PutOutcome::Conflict { current })) => {
            assert_ne!(*current, version_of(expected), "a conflict with itself");
        }
        (Asked::Delete(version), Got::Delete(DeleteOutcome::Conflict { current })) => {
            assert_ne!(*current, Some(version), "a conflict with itself");
        }
        _ => {}
    }
}

/// The response of a store that means this.
fn honest(asked: Asked<'_>, got: &Got) -> Vec<u8> {
    let (status, version, body) = match got {
        Got::Listing(entries) => ("200 OK", None, listing(entries)),
        Got::Record(Fetched::Record { version, bytes }) => {
            ("200 OK", Some(*version), bytes.to_vec())
        }
        Got::Record(Fetched::NotModified) => {
            let Asked::Get(known) = asked else {
                panic!("{asked:?} gave {got:?}");
            };
            ("304 Not Modified", known, Vec::new())
        }
        Got::Record(Fetched::Absent) => ("404 Not Found", None, b"no such record\n".to_vec()),
        Got::Put(PutOutcome::Stored { version }) => ("204 No Content", Some(*version), Vec::new()),
        Got::Put(PutOutcome::Conflict { current })
        | Got::Delete(DeleteOutcome::Conflict { current }) => {
            ("412 Precondition Failed", *current, Vec::new())
        }
        Got::Delete(DeleteOutcome::Deleted) => ("204 No Content", None, Vec::new()),
    };
    let mut response = format!("HTTP/1.1 {status}\r\n");
    if let Some(version) = version {
        response += &format!("etag: {}\r\n", etag(version));
    }
    if !matches!(status, "204 No Content" | "304 Not Modified") {
        response += &format!("content-length: {}\r\n", body.len());
    }
    [response.as_bytes(), b"\r\n", &body].concat()
}

fn listing(entries: &Entries) -> Vec<u8> {
    let records = entries.records.iter().map(|entry| Entry {
        id: entry.id.clone(),
        version: entry.version,
        record: STANDARD.encode(&entry.bytes),
    });
    let listing = Listing {
        records: records.collect(),
        more: entries.more,
    };
    serde_json::to_vec(&listing).expect("JSON")
}

fn version_of(expected: Expected) -> Option<u64> {
    match expected {
        Expected::Absent => None,
        Expected::Version(version) => Some(version),
    }
}

/// Sends the request to a store that responds with these bytes. Each time in a new runtime, so that no connection is left for the next
/// input.
fn ask(asked: Asked<'_>, response: &[u8]) -> Result<Got, StoreClientError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (listener, address) = store();
        let listener = listener.try_clone().expect("a socket");
        let listener = UnixListener::from_std(listener).expect("a socket");
        let client = StoreClient::new(address.clone(), TIME_LIMIT);
        tokio::select! {
            got = request(&client, asked) => got,
            never = respond(&listener, response) => match never {},
        }
    })
}

async fn request(client: &StoreClient, asked: Asked<'_>) -> Result<Got, StoreClientError> {
    match asked {
        Asked::Listing {
            prefix,
            after,
            limit,
        } => client
            .listing(
                "user",
                Range {
                    prefix,
                    tag: None,
                    after,
                    limit,
                },
            )
            .await
            .map(Got::Listing),
        Asked::Get(known) => client.get("user", "a", known).await.map(Got::Record),
        Asked::Put(expected) => client
            .put("user", "a", expected, b"", "")
            .await
            .map(Got::Put),
        Asked::Delete(version) => client.delete("user", "a", version).await.map(Got::Delete),
    }
}

async fn respond(listener: &UnixListener, response: &[u8]) -> Infallible {
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = stream.read_buf(&mut head).await.expect("a request");
            assert_ne!(read, 0, "a request without an end: {head:?}");
        }
        // The client closes the connection as soon as it has read too much.
        let _ = stream.write_all(response).await;
    }
}

fn store() -> &'static (net::UnixListener, Address) {
    static STORE: OnceLock<(net::UnixListener, Address)> = OnceLock::new();
    STORE.get_or_init(|| {
        let name = format!("permafrost-fuzz-store-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Of an earlier process with this number.
        let _ = std::fs::remove_file(&path);
        let listener = net::UnixListener::bind(&path).expect("a socket");
        listener.set_nonblocking(true).expect("a socket");
        (listener, Address::Unix(path))
    })
}

/// Far longer than any response takes: the store closes the connection after it.
const TIME_LIMIT: Duration = Duration::from_secs(8);

/// What a `~` stands for, in bytes, and how many of them do.
const LONG: usize = 16 * 1024;
const LONG_MAX: usize = 96;
