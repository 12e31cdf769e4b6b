//! A store that lies, over a real Unix socket: it answers with bytes, whatever was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use permafrost_common::store::{PAGE_BYTES_MAX, RECORD_MAX};
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

/// A store whose n-th request, over all connections and from 0, is answered by `reply(n, request)`.
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

    /// A store that says the same to every request.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, _| Reply::Say(answer.clone()))
    }

    async fn get(&self, known: Option<u64>) -> Result<Fetched, StoreClientError> {
        self.client.get("key", "a", known).await
    }

    async fn put(&self, expected: Expected) -> Result<PutOutcome, StoreClientError> {
        self.client.put("key", "a", expected, b"record").await
    }

    async fn page(&self) -> Result<Entries, StoreClientError> {
        self.client.page("key", "k-", "k-b", 3).await
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

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
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

fn page_of(records: &str, more: bool) -> Vec<u8> {
    let body = format!("{{\"records\":[{records}],\"more\":{more}}}");
    answer(
        "200 OK",
        "content-type: application/json\r\n",
        body.as_bytes(),
    )
}

/// The fault of an error that leaves no doubt: nothing was written.
fn failed<T: std::fmt::Debug>(outcome: Result<T, StoreClientError>) -> Fault {
    match outcome {
        Err(StoreClientError::Failed(fault)) => fault,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn unknown(outcome: Result<PutOutcome, StoreClientError>) -> Fault {
    match outcome {
        Err(StoreClientError::UnknownOutcome(fault)) => fault,
        other => panic!("expected an unknown outcome, got {other:?}"),
    }
}

#[tokio::test]
async fn the_requests_are_those_of_the_protocol() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noting = Arc::clone(&seen);
    let liar = Liar::new(move |n, request| {
        noting.lock().unwrap().push(request.to_owned());
        Reply::Say(match n {
            0 => answer("404 Not Found", "", b"no such record\n"),
            1 => no_body("304 Not Modified", "etag: \"7\"\r\n"),
            2 => answer("200 OK", "etag: \"8\"\r\n", b"bytes"),
            3 => no_body("204 No Content", "etag: \"1\"\r\n"),
            4 => no_body("204 No Content", "etag: \"8\"\r\n"),
            5 => answer("412 Precondition Failed", "etag: \"9\"\r\n", b"x"),
            6 => answer("412 Precondition Failed", "", b"x"),
            _ => page_of(r#"{"id":"k-c","version":2,"record":"YQ=="}"#, true),
        })
    });
    assert_eq!(liar.get(None).await.unwrap(), Fetched::Absent);
    assert_eq!(liar.get(Some(7)).await.unwrap(), Fetched::NotModified);
    let record = Fetched::Record {
        version: 8,
        bytes: Bytes::from_static(b"bytes"),
    };
    assert_eq!(liar.get(Some(7)).await.unwrap(), record);
    let put = liar.put(Expected::Absent).await.unwrap();
    assert_eq!(put, PutOutcome::Stored { version: 1 });
    let put = liar.put(Expected::Version(7)).await.unwrap();
    assert_eq!(put, PutOutcome::Stored { version: 8 });
    let put = liar.put(Expected::Version(7)).await.unwrap();
    assert_eq!(put, PutOutcome::Conflict { current: Some(9) });
    let put = liar.put(Expected::Version(7)).await.unwrap();
    assert_eq!(put, PutOutcome::Conflict { current: None });
    let page = liar.page().await.unwrap();
    let entry = Entry {
        id: "k-c".into(),
        version: 2,
        bytes: Bytes::from_static(b"a"),
    };
    assert_eq!((page.records, page.more), (vec![entry], true));

    let seen = seen.lock().unwrap();
    let begins = |n: usize, line: &str| assert!(seen[n].starts_with(line), "{}", seen[n]);
    begins(0, "GET /records/key/a HTTP/1.1\r\n");
    assert!(!seen[0].contains("if-none-match"));
    assert!(seen[1].contains("\r\nif-none-match: \"7\"\r\n"));
    begins(3, "PUT /records/key/a HTTP/1.1\r\n");
    assert!(seen[3].contains("\r\nif-none-match: *\r\n") && seen[3].ends_with("\r\n\r\nrecord"));
    assert!(seen[4].contains("\r\nif-match: \"7\"\r\n"));
    begins(
        7,
        "GET /records/key?prefix=k-&after=k-b&limit=3 HTTP/1.1\r\n",
    );
    assert_eq!(
        liar.connections.load(Ordering::SeqCst),
        1,
        "the connection was not kept"
    );
}

#[tokio::test]
async fn nothing_is_sent_for_what_the_protocol_does_not_have() {
    let liar = Liar::saying(no_body("204 No Content", "etag: \"1\"\r\n"));
    let client = &liar.client;
    let too_long = vec![0; RECORD_MAX + 1];
    let invalid = [
        client.get("Key", "a", None).await.err(),
        client.get("key", "../a", None).await.err(),
        client.get("key", "a", Some(0)).await.err(),
        client.put("key", "", Expected::Absent, b"").await.err(),
        client
            .put("key", "a", Expected::Version(0), b"")
            .await
            .err(),
        client
            .put("key", "a", Expected::Version(u64::MAX), b"")
            .await
            .err(),
        client
            .put("key", "a", Expected::Absent, &too_long)
            .await
            .err(),
        client.page("key", "a&b", "", 1).await.err(),
        client.page("key", "", "a b", 1).await.err(),
        client.page("key", "", "", 0).await.err(),
        client.page("key", "", "", 101).await.err(),
    ];
    for error in invalid {
        assert!(
            matches!(error, Some(StoreClientError::Invalid(_))),
            "{error:?}"
        );
    }
    assert_eq!(liar.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_record_without_exactly_one_good_etag_is_refused() {
    for headers in [
        "",
        "etag: \r\n",
        "etag: 1\r\n",
        "etag: \"0\"\r\n",
        "etag: W/\"1\"\r\n",
        "etag: \"-1\"\r\n",
        "etag: \"01\"\r\n",
        "etag: \"9223372036854775808\"\r\n",
        "etag: \"1\"\r\netag: \"1\"\r\n",
        "etag: \"1\", \"2\"\r\n",
        "etag: \"\u{fc}\"\r\n",
    ] {
        let liar = Liar::saying(answer("200 OK", headers, b"bytes"));
        assert!(
            matches!(failed(liar.get(None).await), Fault::Etag { .. }),
            "{headers:?}"
        );
        let liar = Liar::saying(no_body("204 No Content", headers));
        let fault = unknown(liar.put(Expected::Absent).await);
        assert!(matches!(fault, Fault::Etag { .. }), "{headers:?}");
    }
}

#[tokio::test]
async fn an_etag_is_quoted_escaped_and_cut() {
    let long = format!("etag: \"{}\u{1b}[2J\"\r\n", "é".repeat(500)).replace('\u{1b}', "\t");
    let liar = Liar::saying(answer("200 OK", &long, b"bytes"));
    let said = failed(liar.get(None).await).to_string();
    assert!(said.is_ascii() && said.len() < 400, "{said}");
}

#[tokio::test]
async fn a_304_that_was_not_asked_for_or_names_another_version_is_refused() {
    let liar = Liar::saying(no_body("304 Not Modified", "etag: \"7\"\r\n"));
    assert!(matches!(
        failed(liar.get(None).await),
        Fault::Status { came: 304, .. }
    ));
    assert!(matches!(
        failed(liar.get(Some(8)).await),
        Fault::Version { .. }
    ));
    let liar = Liar::saying(no_body("304 Not Modified", ""));
    assert!(matches!(
        failed(liar.get(Some(8)).await),
        Fault::Etag { .. }
    ));
}

#[tokio::test]
async fn a_put_that_gives_another_version_than_the_next_has_an_unknown_outcome() {
    for version in [1, 7, 9] {
        let headers = format!("etag: \"{version}\"\r\n");
        let liar = Liar::saying(no_body("204 No Content", &headers));
        let fault = unknown(liar.put(Expected::Version(7)).await);
        assert!(matches!(fault, Fault::Version { .. }), "{version}");
    }
}

#[tokio::test]
async fn a_conflict_that_is_none_has_an_unknown_outcome() {
    let liar = Liar::saying(answer("412 Precondition Failed", "", b""));
    let fault = unknown(liar.put(Expected::Absent).await);
    assert!(matches!(fault, Fault::Version { .. }), "{fault}");
    let liar = Liar::saying(answer("412 Precondition Failed", "etag: \"7\"\r\n", b""));
    let fault = unknown(liar.put(Expected::Version(7)).await);
    assert!(matches!(fault, Fault::Version { .. }), "{fault}");
}

#[tokio::test]
async fn a_status_the_protocol_does_not_have_is_quoted() {
    for status in [
        "100 Continue",
        "201 Created",
        "206 Partial",
        "301 Moved",
        "400 Bad",
        "500 Oh",
        "503 Busy",
    ] {
        let mut words = answer(status, "etag: \"1\"\r\n", b"why \x1b[31m not");
        if status.starts_with("100") {
            // An interim answer is followed by the real one.
            words = [
                no_body(status, ""),
                answer("418 Teapot", "", b"why \x1b[31m not"),
            ]
            .concat();
        }
        let liar = Liar::saying(words.clone());
        for fault in [
            failed(liar.get(None).await),
            unknown(liar.put(Expected::Absent).await),
            failed(liar.page().await),
        ] {
            assert!(
                matches!(&fault, Fault::Status { said, .. } if said == "why \\x1b[31m not"),
                "{status}: {fault}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    for bytes in [
        "\0\0\0\0\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: x\r\n\r\n",
    ] {
        let liar = Liar::saying(bytes);
        assert!(
            matches!(failed(liar.get(None).await), Fault::Connection(_)),
            "{bytes:?}"
        );
        let fault = unknown(liar.put(Expected::Absent).await);
        assert!(matches!(fault, Fault::Connection(_)), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let mut head = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    head.resize(1 << 20, b'x');
    let liar = Liar::new(move |_, _| Reply::SayAndClose(head.clone()));
    assert!(matches!(failed(liar.get(None).await), Fault::Connection(_)));
    let many = "x: y\r\n".repeat(200);
    let liar = Liar::saying(answer("200 OK", &format!("etag: \"1\"\r\n{many}"), b""));
    assert!(matches!(failed(liar.get(None).await), Fault::Connection(_)));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let body = vec![0; RECORD_MAX];
    let liar = Liar::saying(answer("200 OK", "etag: \"1\"\r\n", &body));
    assert!(
        matches!(liar.get(None).await, Ok(Fetched::Record { bytes, .. }) if bytes.len() == RECORD_MAX)
    );
    let body = vec![0; RECORD_MAX + 1];
    let liar =
        Liar::new(move |_, _| Reply::SayAndClose(answer("200 OK", "etag: \"1\"\r\n", &body)));
    let fault = failed(liar.get(None).await);
    assert!(
        matches!(fault, Fault::TooLong { limit: RECORD_MAX }),
        "{fault}"
    );
    // Chunks that never end.
    let mut chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        chunks.extend_from_slice(b"10000\r\n");
        chunks.resize(chunks.len() + 0x10000, b' ');
        chunks.extend_from_slice(b"\r\n");
    }
    let liar = Liar::new(move |_, _| Reply::SayAndClose(chunks.clone()));
    let fault = failed(liar.page().await);
    assert!(matches!(fault, Fault::TooLong { .. }), "{fault}");
}

#[tokio::test]
async fn a_page_that_is_not_of_the_range_is_refused() {
    let entry = |id: &str| format!(r#"{{"id":"{id}","version":1,"record":""}}"#);
    let fine = entry("k-c");
    for (records, more) in [
        (entry("k-b"), false),
        (entry("k-a"), false),
        (entry("k"), false),
        (entry("l-c"), false),
        (entry("K-c"), false),
        (entry("k-c/../x"), false),
        (entry(""), false),
        (format!("{},{}", entry("k-d"), entry("k-c")), false),
        (format!("{fine},{fine}"), false),
        (
            [entry("k-c"), entry("k-d"), entry("k-e"), entry("k-f")].join(","),
            false,
        ),
        (String::new(), true),
        (r#"{"id":"k-c","version":0,"record":""}"#.into(), false),
        (r#"{"id":"k-c","version":-1,"record":""}"#.into(), false),
        (
            r#"{"id":"k-c","version":9223372036854775808,"record":""}"#.into(),
            false,
        ),
        (r#"{"id":"k-c","version":1,"record":"*"}"#.into(), false),
        (r#"{"id":"k-c","version":1,"record":"YQ"}"#.into(), false),
        (r#"{"id":"k-c","version":1}"#.into(), false),
        ("1".into(), false),
    ] {
        let liar = Liar::saying(page_of(&records, more));
        let fault = failed(liar.page().await);
        assert!(matches!(fault, Fault::Page(_)), "{records}: {fault}");
    }
    let liar = Liar::saying(page_of(&fine, false));
    assert_eq!(liar.page().await.unwrap().records.len(), 1);
    let liar = Liar::saying(answer("200 OK", "", b"not json"));
    assert!(matches!(failed(liar.page().await), Fault::Page(_)));
}

#[tokio::test]
async fn a_page_of_more_bytes_than_agreed_is_refused() {
    let record = "A".repeat(RECORD_MAX / 3 * 4);
    let count = PAGE_BYTES_MAX / RECORD_MAX + 1;
    let records: Vec<String> = (0..count)
        .map(|i| format!(r#"{{"id":"k-c{i}","version":1,"record":"{record}"}}"#))
        .collect();
    let whole = page_of(&records.join(","), false);
    let liar = Liar::new(move |_, _| Reply::SayAndClose(whole.clone()));
    let outcome = liar.client.page("key", "k-", "k-b", count).await;
    assert!(matches!(failed(outcome), Fault::TooLong { .. }));
}

#[tokio::test]
async fn a_store_that_stalls_costs_no_more_than_the_time_limit() {
    let half: &[u8] = b"HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\nhalf";
    for said in [b"".as_slice(), b"HTTP/1.1 2", half] {
        let liar = Liar::new(move |_, _| match said {
            b"" => Reply::Stall,
            said => Reply::Say(said.to_vec()),
        });
        let begun = Instant::now();
        assert!(matches!(failed(liar.get(None).await), Fault::TimedOut(_)));
        assert!(begun.elapsed() < Duration::from_secs(5));
        if said != half {
            let fault = unknown(liar.put(Expected::Absent).await);
            assert!(matches!(fault, Fault::TimedOut(_)), "{fault}");
        }
    }
}

#[tokio::test]
async fn a_read_on_a_kept_connection_that_was_closed_is_repeated_once() {
    // The first answer keeps the connection, the second request finds it closing, the third is on a fresh one.
    let liar = Liar::new(|n, _| match n {
        1 => Reply::SayAndClose(Vec::new()),
        _ => Reply::Say(answer("404 Not Found", "", b"")),
    });
    liar.get(None).await.unwrap();
    assert_eq!(liar.get(None).await.unwrap(), Fetched::Absent);
    assert_eq!(liar.requests.load(Ordering::SeqCst), 3);
    assert_eq!(liar.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_read_is_repeated_no_more_than_once() {
    let liar = Liar::new(|n, _| match n {
        0 => Reply::Say(answer("404 Not Found", "", b"")),
        _ => Reply::SayAndClose(Vec::new()),
    });
    liar.get(None).await.unwrap();
    assert!(matches!(failed(liar.get(None).await), Fault::Connection(_)));
    assert_eq!(liar.requests.load(Ordering::SeqCst), 3);
    // On a fresh connection not even once.
    let liar = Liar::new(|_, _| Reply::SayAndClose(Vec::new()));
    assert!(matches!(failed(liar.get(None).await), Fault::Connection(_)));
    assert_eq!(liar.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_write_that_was_sent_is_never_sent_again() {
    for before in [0, 1] {
        let liar = Liar::new(move |n, _| {
            if n < before {
                Reply::Say(answer("404 Not Found", "", b""))
            } else {
                Reply::SayAndClose(Vec::new())
            }
        });
        for _ in 0..before {
            liar.get(None).await.unwrap();
        }
        let fault = unknown(liar.put(Expected::Absent).await);
        assert!(matches!(fault, Fault::Connection(_)), "{fault}");
        assert_eq!(liar.requests.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test]
async fn a_write_finds_a_fresh_connection_where_the_kept_one_is_closed() {
    let liar = Liar::new(|n, _| match n {
        0 => Reply::SayAndClose(answer("404 Not Found", "", b"")),
        _ => Reply::Say(no_body("204 No Content", "etag: \"1\"\r\n")),
    });
    liar.get(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let put = liar.put(Expected::Absent).await.unwrap();
    assert_eq!(put, PutOutcome::Stored { version: 1 });
    assert_eq!(liar.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn bytes_behind_an_answer_are_not_the_next_answer() {
    // What a lying store would like to be taken for the answer to a later question.
    let smuggled = [
        answer("404 Not Found", "", b""),
        answer("200 OK", "etag: \"9\"\r\n", b"other"),
    ]
    .concat();
    let liar = Liar::new(move |n, _| match n {
        0 => Reply::Say(smuggled.clone()),
        _ => Reply::Say(answer("200 OK", "etag: \"1\"\r\n", b"asked for")),
    });
    assert_eq!(liar.get(None).await.unwrap(), Fetched::Absent);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let Fetched::Record { version, bytes } = liar.get(None).await.unwrap() else {
        panic!("no record");
    };
    assert_eq!((version, bytes.as_ref()), (1, b"asked for".as_slice()));
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let client = StoreClient::new(
        Address::Unix(folder.path().join("none")),
        Duration::from_secs(5),
    );
    let put = client.put("key", "a", Expected::Absent, b"").await;
    assert!(
        matches!(put, Err(StoreClientError::Unreachable(_))),
        "{put:?}"
    );
    let got = client.get("key", "a", None).await;
    assert!(
        matches!(got, Err(StoreClientError::Unreachable(_))),
        "{got:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_each_get_their_own_answer() {
    let liar = Arc::new(Liar::new(|_, request| {
        let id = request.split(['/', ' ']).nth(4).unwrap().to_owned();
        Reply::Say(answer("200 OK", "etag: \"1\"\r\n", id.as_bytes()))
    }));
    for _ in 0..3 {
        let gets: Vec<_> = (0..50)
            .map(|i| {
                let liar = Arc::clone(&liar);
                tokio::spawn(async move {
                    let id = format!("id-{i}");
                    let Ok(Fetched::Record { bytes, .. }) = liar.client.get("key", &id, None).await
                    else {
                        panic!("no record");
                    };
                    assert_eq!(bytes, id);
                })
            })
            .collect();
        for get in gets {
            get.await.unwrap();
        }
    }
}
