//! Responses about one record that do not fit the request.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use permafrost_common::store::RECORD_MAX;

use super::*;

#[tokio::test]
async fn the_requests_are_those_of_the_protocol() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noting = Arc::clone(&seen);
    let liar = Liar::new(move |n, request| {
        noting.lock().unwrap().push(request.to_owned());
        Reply::Say(match n {
            0 => response("404 Not Found", "", b"no such record\n"),
            1 => no_body("304 Not Modified", "etag: \"7\"\r\n"),
            2 => response("200 OK", "etag: \"8\"\r\n", b"bytes"),
            3 => no_body("204 No Content", "etag: \"1\"\r\n"),
            4 => no_body("204 No Content", "etag: \"8\"\r\n"),
            5 => response("412 Precondition Failed", "etag: \"9\"\r\n", b"x"),
            6 => response("412 Precondition Failed", "", b"x"),
            7 => no_body("204 No Content", ""),
            8 => response("412 Precondition Failed", "etag: \"9\"\r\n", b"x"),
            9 => response("412 Precondition Failed", "", b"x"),
            _ => listing_of(r#"{"id":"k-c","version":2,"record":"YQ=="}"#, true),
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
    for outcome in [
        DeleteOutcome::Deleted,
        DeleteOutcome::Conflict { current: Some(9) },
        DeleteOutcome::Conflict { current: None },
    ] {
        assert_eq!(liar.delete().await.unwrap(), outcome);
    }
    let page = liar.listing().await.unwrap();
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
    begins(7, "DELETE /records/key/a HTTP/1.1\r\n");
    assert!(seen[7].contains("\r\nif-match: \"7\"\r\n") && seen[7].ends_with("\r\n\r\n"));
    begins(
        10,
        "GET /records/key?prefix=k-&after=k-b&limit=3 HTTP/1.1\r\n",
    );
    assert_eq!(
        liar.connections.load(Ordering::SeqCst),
        1,
        "the connection was not kept"
    );
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
        let liar = Liar::saying(response("200 OK", headers, b"bytes"));
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
    let liar = Liar::saying(response("200 OK", &long, b"bytes"));
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
async fn a_conflict_that_names_the_expected_version_has_an_unknown_outcome() {
    let liar = Liar::saying(response("412 Precondition Failed", "", b""));
    let fault = unknown(liar.put(Expected::Absent).await);
    assert!(matches!(fault, Fault::Version { .. }), "{fault}");
    let liar = Liar::saying(response("412 Precondition Failed", "etag: \"7\"\r\n", b""));
    let fault = unknown(liar.put(Expected::Version(7)).await);
    assert!(matches!(fault, Fault::Version { .. }), "{fault}");
    let fault = unknown(liar.delete().await);
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
        let mut words = response(status, "etag: \"1\"\r\n", b"why \x1b[31m not");
        if status.starts_with("100") {
            // The final response follows an interim one.
            words = [
                no_body(status, ""),
                response("418 Teapot", "", b"why \x1b[31m not"),
            ]
            .concat();
        }
        let liar = Liar::saying(words.clone());
        for fault in [
            failed(liar.get(None).await),
            unknown(liar.put(Expected::Absent).await),
            unknown(liar.delete().await),
            failed(liar.listing().await),
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
    let liar = Liar::saying(response("200 OK", &format!("etag: \"1\"\r\n{many}"), b""));
    assert!(matches!(failed(liar.get(None).await), Fault::Connection(_)));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let body = vec![0; RECORD_MAX];
    let liar = Liar::saying(response("200 OK", "etag: \"1\"\r\n", &body));
    assert!(
        matches!(liar.get(None).await, Ok(Fetched::Record { bytes, .. }) if bytes.len() == RECORD_MAX)
    );
    let body = vec![0; RECORD_MAX + 1];
    let liar =
        Liar::new(move |_, _| Reply::SayAndClose(response("200 OK", "etag: \"1\"\r\n", &body)));
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
    let fault = failed(liar.listing().await);
    assert!(matches!(fault, Fault::TooLong { .. }), "{fault}");
}
