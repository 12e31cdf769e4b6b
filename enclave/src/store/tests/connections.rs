//! Connections that stall, close or say too much.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use permafrost_common::store::RECORD_MAX;
use permafrost_common::transport::Address;

use super::*;

#[tokio::test]
async fn nothing_is_sent_for_what_the_protocol_does_not_have() {
    let liar = Liar::saying(no_body("204 No Content", "etag: \"1\"\r\n"));
    let client = &liar.client;
    let too_long = vec![0; RECORD_MAX + 1];
    let listing = async |prefix, tag, after, limit| {
        let range = Range {
            prefix,
            tag,
            after,
            limit,
        };
        client.listing("key", range).await.err()
    };
    let invalid = [
        client.get("Key", "a", None).await.err(),
        client.get("key", "../a", None).await.err(),
        client.get("key", "a", Some(0)).await.err(),
        client.put("key", "", Expected::Absent, b"", "").await.err(),
        client
            .put("key", "a", Expected::Version(0), b"", "")
            .await
            .err(),
        client
            .put("key", "a", Expected::Version(u64::MAX), b"", "")
            .await
            .err(),
        client
            .put("key", "a", Expected::Absent, &too_long, "")
            .await
            .err(),
        client.delete("key", "../a", 1).await.err(),
        client.delete("key", "a", 0).await.err(),
        client.delete("key", "a", u64::MAX).await.err(),
        client
            .put("key", "a", Expected::Absent, b"", "a\r\nb")
            .await
            .err(),
        listing("a&b", None, "", 1).await,
        listing("", Some("a&b"), "", 1).await,
        listing("", None, "a b", 1).await,
        listing("", None, "", 0).await,
        listing("", None, "", 101).await,
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
    // The first response keeps the connection, the second request finds it closing, the third uses a fresh one.
    let liar = Liar::new(|n, _| match n {
        1 => Reply::SayAndClose(Vec::new()),
        _ => Reply::Say(response("404 Not Found", "", b"")),
    });
    liar.get(None).await.unwrap();
    assert_eq!(liar.get(None).await.unwrap(), Fetched::Absent);
    assert_eq!(liar.requests.load(Ordering::SeqCst), 3);
    assert_eq!(liar.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_read_is_repeated_no_more_than_once() {
    let liar = Liar::new(|n, _| match n {
        0 => Reply::Say(response("404 Not Found", "", b"")),
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
    for (before, deletes) in [(0, false), (1, false), (0, true), (1, true)] {
        let liar = Liar::new(move |n, _| {
            if n < before {
                Reply::Say(response("404 Not Found", "", b""))
            } else {
                Reply::SayAndClose(Vec::new())
            }
        });
        for _ in 0..before {
            liar.get(None).await.unwrap();
        }
        let fault = match deletes {
            true => unknown(liar.delete().await),
            false => unknown(liar.put(Expected::Absent).await),
        };
        assert!(matches!(fault, Fault::Connection(_)), "{fault}");
        assert_eq!(liar.requests.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test]
async fn a_write_finds_a_fresh_connection_where_the_kept_one_is_closed() {
    let liar = Liar::new(|n, _| match n {
        0 => Reply::SayAndClose(response("404 Not Found", "", b"")),
        _ => Reply::Say(no_body("204 No Content", "etag: \"1\"\r\n")),
    });
    liar.get(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let put = liar.put(Expected::Absent).await.unwrap();
    assert_eq!(put, PutOutcome::Stored { version: 1 });
    assert_eq!(liar.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn bytes_behind_a_response_are_not_the_next_response() {
    // A lying store wants the second response to be taken for that to the next request.
    let smuggled = [
        response("404 Not Found", "", b""),
        response("200 OK", "etag: \"9\"\r\n", b"other"),
    ]
    .concat();
    let liar = Liar::new(move |n, _| match n {
        0 => Reply::Say(smuggled.clone()),
        _ => Reply::Say(response("200 OK", "etag: \"1\"\r\n", b"asked for")),
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
    let put = client.put("key", "a", Expected::Absent, b"", "").await;
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
async fn many_requests_at_once_each_get_their_own_response() {
    let liar = Arc::new(Liar::new(|_, request| {
        let id = request.split(['/', ' ']).nth(4).unwrap().to_owned();
        Reply::Say(response("200 OK", "etag: \"1\"\r\n", id.as_bytes()))
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

#[tokio::test]
async fn a_connection_is_let_go_when_its_response_does_not_come() {
    let half: &[u8] = b"HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\nhalf";
    for said in [b"".as_slice(), half] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let client = StoreClient::new(Address::Unix(path), Duration::from_millis(100));
        let asking = tokio::spawn(async move {
            let fault = failed(client.get("key", "a", None).await);
            assert!(matches!(fault, Fault::TimedOut(_)), "{fault}");
            client
        });
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        read_request(&mut stream).await.unwrap();
        stream.write_all(said).await.unwrap();
        let client = asking.await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest))
            .await
            .expect("the connection is still open")
            .unwrap();
        drop(client);
    }
}
