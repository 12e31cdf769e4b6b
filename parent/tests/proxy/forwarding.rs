//! What the proxy forwards, it forwards unchanged.

use http_body_util::Either;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{EMPTY, Enclave, PATIENCE, Parent, Recorder, count, read_head, text};

#[tokio::test]
async fn path_and_query_arrive_byte_for_byte() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    for target in [
        "/",
        "/?",
        "/?a=%2F&a=%2f&b=?&c",
        "/v1/keys?after=%61&limit=1+0",
        "//double//slash/./../x",
        "/%2e%2e/%00;p=1,2",
        "/~-._!$&'()*+,;=:@",
        "/v1/keys/%zz?%",
        "/a|b\"c{d}?e^f`g",
    ] {
        assert_eq!(parent.get(target).await.status, 200, "{target}");
        let head = enclave.take().unwrap();
        assert_eq!(
            head.lines().next(),
            Some(format!("GET {target} HTTP/1.1").as_str())
        );
    }
}

#[tokio::test]
async fn a_target_in_absolute_form_arrives_in_origin_form() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    parent.get("http://elsewhere:99/v1/x?y=%20").await;
    let head = enclave.take().unwrap();
    let lines: Vec<_> = head.trim_end().lines().collect();
    assert_eq!(lines, ["GET /v1/x?y=%20 HTTP/1.1", "host: elsewhere:99"]);
}

#[tokio::test]
async fn fields_arrive_as_they_were_sent_except_those_of_the_connection() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    parent
        .raw(
            b"GET / HTTP/1.1\r\nhost: a.example:1\r\nconnection: keep-alive, x-mine\r\nx-mine: 1\r\n\
              keep-alive: timeout=9\r\nte: trailers\r\nupgrade: h2c\r\nproxy-connection: close\r\n\
              signature: permafrost=:AAEC:\r\nx-two: one\r\nx-two:  t w o \r\nx-raw: \xe9\r\nx-none:\r\n\r\n",
        )
        .await;
    let head = enclave.take().unwrap();
    let mut fields: Vec<_> = head.trim_end().lines().skip(1).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "host: a.example:1",
            "signature: permafrost=:AAEC:",
            "x-none: ",
            "x-raw: \u{e9}",
            "x-two: one",
            "x-two: t w o",
        ]
    );
}

#[tokio::test]
async fn a_response_comes_back_as_it_was_sent_except_the_fields_of_the_connection() {
    let parent = Parent::start().await;
    let _enclave = Recorder::start(
        &parent.enclave_socket(),
        Some(
            b"HTTP/1.1 418 short\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nconnection: x-hop\r\nx-hop: 1\r\n\
              signature-input: permafrost=(\"@status\");created=1\r\nx-two: one\r\nx-two: two\r\n\
              content-type: application/json\r\ncontent-length: 3\r\n\r\n\x00\xff\n",
        ),
    );
    let response = parent.get("/").await;
    assert_eq!(
        (response.status, response.body.as_slice()),
        (418, &b"\x00\xff\n"[..])
    );
    let mut fields: Vec<_> = response.head.trim_end().lines().skip(1).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "content-length: 3",
            "content-type: application/json",
            "date: Thu, 01 Jan 1970 00:00:00 GMT",
            "signature-input: permafrost=(\"@status\");created=1",
            "x-two: one",
            "x-two: two",
        ]
    );
}

#[tokio::test]
async fn a_kept_connection_serves_the_next_request() {
    let parent = Parent::start().await;
    let enclave = Enclave::start(&parent.enclave_socket(), count);
    for _ in 0..20 {
        assert_eq!(parent.get("/").await.status, 200);
    }
    assert_eq!(enclave.connections(), 1);
}

#[tokio::test]
async fn fifty_mebibytes_stream_in_both_directions_in_little_memory() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 50 * 16;
    let parent = Parent::with("body_bytes = 104857600").await;
    let _enclave = Enclave::start(&parent.enclave_socket(), |request| async {
        let mut response = text(200, "");
        *response.body_mut() = Either::Right(request.into_body());
        response
    });
    let mut stream = TcpStream::connect(parent.address).await.unwrap();
    stream
        .write_all(
            format!(
                "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
                CHUNK * CHUNKS
            )
            .as_bytes(),
        )
        .await
        .unwrap();
    // The head of the response arrives before a byte of the body has been sent: nothing waits for the whole body.
    let head = tokio::time::timeout(PATIENCE, read_head(&mut stream))
        .await
        .expect("the response waits for the body")
        .unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200"), "{head:?}");
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        for index in 0..CHUNKS {
            writer.write_all(&[index as u8; CHUNK]).await.unwrap();
        }
        writer
    });
    // The bytes still have chunked framing, so each byte value is counted separately from it.
    let mut received = 0;
    let mut buffer = vec![0; CHUNK];
    while received < CHUNK * CHUNKS {
        let length = tokio::time::timeout(PATIENCE, reader.read(&mut buffer))
            .await
            .expect("the stream stalls")
            .unwrap();
        assert_ne!(length, 0, "the response ends after {received} bytes");
        received += length;
    }
    writing.await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", parent.pid())).unwrap();
    let peak_kib: usize = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap();
    assert!(peak_kib < 40 * 1024, "{peak_kib} KiB for bodies of 50 MiB");
}
