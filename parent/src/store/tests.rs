//! A real database file, real HTTP over a Unix socket.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use permafrost_common::store::{Expected, PAGE_BYTES_MAX, PAGE_MAX, Page, RECORD_MAX};
use permafrost_common::transport::{Address, Listener, Peers, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// A store that is being served.
struct Served {
    folder: tempfile::TempDir,
    address: Address,
    store: RecordStore,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Unix(folder.path().join("store.sock"));
        let store = RecordStore::open(database(folder.path())).await.unwrap();
        let listener = Listener::bind(&address, Peers::Any).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(store.clone(), listener, async {
            let _ = stopped.await;
        }));
        Self {
            folder,
            address,
            store,
            stop: Some(stop),
            server,
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let stream = connect(&self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.send(request(Method::GET, path, headers, b"")).await
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response<Bytes> {
        self.send(request(Method::PUT, path, headers, body)).await
    }

    async fn page(&self, query: &str) -> Page {
        let answer = self.get(&format!("/records/key?{query}"), &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        serde_json::from_slice(answer.body()).unwrap()
    }
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("records.sqlite")
}

fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap()
}

const FIRST: &[(&str, &str)] = &[("if-none-match", "*")];

fn etag(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::ETAG)
        .map(|value| value.to_str().unwrap())
}

fn ids(page: &Page) -> Vec<&str> {
    page.records.iter().map(|entry| entry.id.as_str()).collect()
}

#[tokio::test]
async fn versions_count_from_one_and_each_put_needs_the_one_before() {
    let served = Served::start().await;
    let path = "/records/key/a";
    let answer = served.get(path, &[]).await;
    assert_eq!(
        (answer.status(), etag(answer.headers())),
        (StatusCode::NOT_FOUND, None)
    );

    let answer = served.put(path, &[("if-match", "\"1\"")], b"x").await;
    assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(etag(answer.headers()), None, "there is nothing to name");

    let answer = served.put(path, FIRST, b"one").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(etag(answer.headers()), Some("\"1\""));

    let answer = served.put(path, FIRST, b"again").await;
    assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(etag(answer.headers()), Some("\"1\""));

    let answer = served.put(path, &[("if-match", "\"1\"")], b"two").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(etag(answer.headers()), Some("\"2\""));

    for stale in ["\"1\"", "\"3\"", "\"9223372036854775807\""] {
        let answer = served.put(path, &[("if-match", stale)], b"x").await;
        assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED, "{stale}");
        assert_eq!(etag(answer.headers()), Some("\"2\""));
    }

    let answer = served.get(path, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(etag(answer.headers()), Some("\"2\""));
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "application/octet-stream"
    );
    assert_eq!(answer.body(), "two");
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let served = Served::start().await;
    let path = "/records/key/a";
    served.put(path, FIRST, b"one").await;
    let answer = served.get(path, &[("if-none-match", "\"1\"")]).await;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(etag(answer.headers()), Some("\"1\""));
    assert!(answer.body().is_empty());
    let answer = served.get(path, &[("if-none-match", "\"2\"")]).await;
    assert_eq!(
        (answer.status(), answer.body().as_ref()),
        (StatusCode::OK, b"one".as_slice())
    );
}

#[tokio::test]
async fn a_put_repeated_after_a_lost_answer_conflicts_with_itself() {
    let served = Served::start().await;
    let path = "/records/key/a";
    served.put(path, FIRST, b"one").await;
    served.put(path, &[("if-match", "\"1\"")], b"two").await;
    let answer = served.put(path, &[("if-match", "\"1\"")], b"two").await;
    assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(etag(answer.headers()), Some("\"2\""));
    assert_eq!(served.get(path, &[]).await.body(), "two");
}

#[tokio::test]
async fn what_is_not_of_the_protocol_is_refused_in_words() {
    let served = Served::start().await;
    for path in [
        "/records/KEY/a",
        "/records/key1/a",
        "/records/key/A",
        "/records/key/a.b",
        "/records/key/%2e%2e",
    ] {
        for answer in [
            served.get(path, &[]).await,
            served.put(path, FIRST, b"x").await,
        ] {
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            assert!(said.contains("accepted:"), "{path}: {said}");
        }
    }
    let conditions: &[&[(&str, &str)]] = &[
        &[],
        &[("if-match", "*")],
        &[("if-match", "1")],
        &[("if-match", "\"0\"")],
        &[("if-match", "W/\"1\"")],
        &[("if-match", "\"1\", \"2\"")],
        &[("if-match", "\"1\""), ("if-match", "\"2\"")],
        &[("if-none-match", "\"1\"")],
        &[("if-none-match", "*"), ("if-match", "\"1\"")],
    ];
    for headers in conditions {
        let answer = served.put("/records/key/a", headers, b"x").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{headers:?}");
    }
    let answer = served
        .get("/records/key/a", &[("if-none-match", "*")])
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "prefix=A",
        "after=a.b",
        "other=1",
    ] {
        let answer = served.get(&format!("/records/key?{query}"), &[]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(
        served.get("/records", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    let delete = request(Method::DELETE, "/records/key/a", &[], b"");
    assert_eq!(
        served.send(delete).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        served.get("/records/key/a", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_longest_record_fits_and_one_byte_more_is_refused() {
    let served = Served::start().await;
    let longest: Vec<u8> = (0..RECORD_MAX).map(|i| (i % 251) as u8).collect();
    let answer = served.put("/records/key/a", FIRST, &longest).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(served.get("/records/key/a", &[]).await.body(), &longest);
    let longer = vec![0; RECORD_MAX + 1];
    let answer = served.put("/records/key/b", FIRST, &longer).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        served.get("/records/key/b", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        served.put("/records/key/c", FIRST, b"").await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(served.get("/records/key/c", &[]).await.body(), "");
}

#[tokio::test]
async fn a_list_is_in_byte_order_by_pages_and_stays_within_its_prefix_and_kind() {
    let served = Served::start().await;
    for id in ["b", "a", "a-", "a0", "aa", "az", "0", "-"] {
        let answer = served
            .put(&format!("/records/key/{id}"), FIRST, id.as_bytes())
            .await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    served.put("/records/other/a1", FIRST, b"x").await;
    let page = served.page("").await;
    assert_eq!(ids(&page), ["-", "0", "a", "a-", "a0", "aa", "az", "b"]);
    assert!(!page.more);
    assert_eq!(
        (page.records[2].version, page.records[2].record.as_str()),
        (1, "YQ==")
    );

    let page = served.page("prefix=a&limit=2").await;
    assert_eq!((ids(&page), page.more), (vec!["a", "a-"], true));
    let page = served.page("prefix=a&limit=2&after=a-").await;
    assert_eq!((ids(&page), page.more), (vec!["a0", "aa"], true));
    let page = served.page("prefix=a&limit=2&after=aa").await;
    assert_eq!((ids(&page), page.more), (vec!["az"], false));
    let page = served.page("after=b").await;
    assert_eq!((ids(&page), page.more), (vec![], false));
}

#[tokio::test]
async fn a_page_is_bounded_in_records_and_bytes_and_loses_none() {
    let served = Served::start().await;
    for i in 0..(PAGE_MAX + 5) {
        let put = served.store.put(
            "key",
            &format!("small-{i:03}"),
            Expected::Absent,
            Bytes::new(),
        );
        put.await.unwrap();
    }
    let page = served.page("").await;
    assert_eq!((page.records.len(), page.more), (PAGE_MAX, true));

    let fit = PAGE_BYTES_MAX / RECORD_MAX;
    for i in 0..=fit {
        let record = Bytes::from(vec![7; RECORD_MAX]);
        let put = served
            .store
            .put("key", &format!("large-{i}"), Expected::Absent, record);
        put.await.unwrap();
    }
    let page = served.page("prefix=large").await;
    assert_eq!((page.records.len(), page.more), (fit, true));
    let page = served
        .page(&format!("prefix=large&after=large-{}", fit - 1))
        .await;
    assert_eq!((page.records.len(), page.more), (1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_puts_to_one_record_exactly_one_wins_each_version() {
    let served = Served::start().await;
    let mut expected = Expected::Absent;
    for version in 1..=5 {
        let puts: Vec<_> = (0..40u8)
            .map(|i| {
                let store = served.store.clone();
                tokio::spawn(async move {
                    let put = store.put("key", "a", expected, Bytes::from(vec![i]));
                    (i, put.await.unwrap())
                })
            })
            .collect();
        let mut winners = Vec::new();
        for put in puts {
            match put.await.unwrap() {
                (i, Put::Stored { version: stored }) => {
                    assert_eq!(stored, version);
                    winners.push(i);
                }
                (_, Put::Conflict { current }) => assert_eq!(current, Some(version)),
            }
        }
        let Fetched::Record(record) = served.store.get("key", "a", None).await.unwrap() else {
            panic!("the record is gone");
        };
        assert_eq!((winners, record.version), (record.bytes.to_vec(), version));
        expected = Expected::Version(version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_put_is_there_after_the_process_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    // A runtime of its own stands for the process: it is torn down in the middle of writing, nothing is closed.
    let path = database(folder.path());
    let (acknowledge, acknowledged) = std::sync::mpsc::channel();
    std::thread::spawn({
        let path = path.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.spawn(async move {
                let store = RecordStore::open(path).await.unwrap();
                for writer in 0..8 {
                    let store = store.clone();
                    let acknowledge = acknowledge.clone();
                    tokio::spawn(async move {
                        for i in 0.. {
                            let id = format!("{writer}-{i}");
                            let put =
                                store.put("key", &id, Expected::Absent, Bytes::from(id.clone()));
                            assert_eq!(put.await.unwrap(), Put::Stored { version: 1 });
                            if acknowledge.send(id).is_err() {
                                return;
                            }
                        }
                    });
                }
            });
            std::thread::sleep(Duration::from_millis(300));
            runtime.shutdown_background();
        }
    })
    .join()
    .unwrap();
    // What a power cut would leave: the files as they are now, opened by someone else.
    let copy = tempfile::tempdir().unwrap();
    let acknowledged: Vec<String> = acknowledged.try_iter().collect();
    for name in ["records.sqlite", "records.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let store = RecordStore::open(database(copy.path())).await.unwrap();
    assert!(!acknowledged.is_empty());
    for id in acknowledged {
        let Fetched::Record(record) = store.get("key", &id, None).await.unwrap() else {
            panic!("{id} was acknowledged and is lost");
        };
        assert_eq!((record.version, record.bytes), (1, Bytes::from(id)));
    }
}

#[tokio::test]
async fn records_outlive_a_close_and_a_closed_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let store = RecordStore::open(&path).await.unwrap();
    let put = |store: RecordStore| async move {
        store
            .put("key", "a", Expected::Absent, Bytes::from_static(b"one"))
            .await
    };
    put(store.clone()).await.unwrap();
    store.close().await;
    assert!(matches!(put(store.clone()).await, Err(StoreError::Closed)));
    assert!(matches!(
        store.get("key", "a", None).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
    let store = RecordStore::open(&path).await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(
        put(store).await.unwrap(),
        Put::Conflict { current: Some(1) }
    );
    assert_eq!(
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_file_that_is_not_a_record_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let garbage = vec![b'x'; 8192];
    std::fs::write(&path, &garbage).unwrap();
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);

    let error = RecordStore::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");

    alter(
        &folder.path().join("foreign"),
        "CREATE TABLE music (title TEXT)",
    )
    .await;
    let error = RecordStore::open(folder.path().join("foreign"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Foreign { found: 0, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_of_another_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    RecordStore::open(&path).await.unwrap().close().await;
    alter(&path, "PRAGMA user_version = 2").await;
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Schema {
                found: 2,
                expected: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_truncated_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let store = RecordStore::open(&path).await.unwrap();
    for id in ["a", "b"] {
        let record = Bytes::from(vec![1; RECORD_MAX]);
        store
            .put("key", id, Expected::Absent, record)
            .await
            .unwrap();
    }
    store.close().await;
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(6000).unwrap();
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("malformed"), "{error}");
}

#[tokio::test]
async fn a_database_that_fails_is_a_503_in_words() {
    let served = Served::start().await;
    served.put("/records/key/a", FIRST, b"one").await;
    served.store.close().await;
    for answer in [
        served.get("/records/key/a", &[]).await,
        served.put("/records/key/b", FIRST, b"x").await,
        served.get("/records/key", &[]).await,
    ] {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.body(), "the record store is closed\n");
    }
}

#[tokio::test]
async fn connections_that_close_empty_or_midway_disturb_nobody() {
    let served = Served::start().await;
    for begun in [
        "",
        "PUT /records/key/a HT",
        "PUT /records/key/a HTTP/1.1\r\nif-none-match: *\r\ncontent-length: 9\r\n\r\nhalf",
    ] {
        let mut stream = connect(&served.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        drop(stream);
    }
    let answer = served.put("/records/key/a", FIRST, b"whole").await;
    assert_eq!(
        answer.status(),
        StatusCode::NO_CONTENT,
        "half a record was stored"
    );
}

#[tokio::test]
async fn a_stopping_server_answers_what_was_asked_and_frees_its_address() {
    let mut served = Served::start().await;
    let mut idle = connect(&served.address).await.unwrap();
    let mut asking = connect(&served.address).await.unwrap();
    asking
        .write_all(
            b"PUT /records/key/a HTTP/1.1\r\nif-none-match: *\r\ncontent-length: 4\r\n\r\nlat",
        )
        .await
        .unwrap();
    // Until the server has begun with the request.
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.take().unwrap().send(()).unwrap();
    let mut end = Vec::new();
    idle.read_to_end(&mut end).await.unwrap();
    assert!(end.is_empty(), "an idle connection is closed");
    asking.write_all(b"e").await.unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(10), &mut served.server)
        .await
        .unwrap()
        .unwrap();
    assert!(!served.folder.path().join("store.sock").exists());
}

/// Runs a statement on a database file, past the store.
async fn alter(path: &Path, statement: &'static str) {
    use sqlx::{ConnectOptions, Connection};
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
