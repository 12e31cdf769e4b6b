//! What the egress proxy relays.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::egress_proxy::{
    DnsAnswers, EgressProxy, HOST, Host, allowing, ask, at, connect_request, rest, within,
};

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * i % 251) as u8).collect()
}

async fn proxy_to(host: &Host) -> EgressProxy {
    EgressProxy::open(allowing(vec![at(&[host.address])])).await
}

#[tokio::test]
async fn a_listed_host_is_reached_and_bytes_pass_in_both_directions() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host).await;
    let mut stream = proxy.tunnel().await;
    for message in [
        &b"hello"[..],
        b"\0",
        b"\r\n\r\n",
        b"GET /credentials HTTP/1.1\r\n\r\n",
    ] {
        stream.write_all(message).await.unwrap();
        let mut back = vec![0; message.len()];
        within(stream.read_exact(&mut back)).await.unwrap();
        assert_eq!(back, message);
    }
    assert_eq!(host.accepted(), 1);
}

#[tokio::test]
async fn the_response_to_connect_has_no_body() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host).await;
    let mut stream = proxy.connect().await;
    let response = ask(&mut stream, &connect_request(&format!("{HOST}:443"))).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.field("content-length"), None);
    assert_eq!(response.field("transfer-encoding"), None);
}

#[tokio::test]
async fn much_more_than_any_buffer_passes_unchanged_in_both_directions_at_once() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host).await;
    let message = pattern(8 * 1024 * 1024);
    let (mut reading, mut writing) = tokio::io::split(proxy.tunnel().await);
    let sent = message.clone();
    let sending = tokio::spawn(async move {
        writing.write_all(&sent).await.unwrap();
        writing.shutdown().await.unwrap();
    });
    assert!(
        rest(&mut reading).await == message,
        "different bytes came back"
    );
    sending.await.unwrap();
}

#[tokio::test]
async fn bytes_sent_together_with_the_request_are_not_lost() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host).await;
    let mut stream = proxy.connect().await;
    let early = connect_request(&format!("{HOST}:443")) + "early";
    assert_eq!(ask(&mut stream, &early).await.status, 200);
    let mut back = [0; 5];
    within(stream.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"early");
}

#[tokio::test]
async fn the_enclaves_end_is_passed_on_and_the_host_still_responds() {
    let host = Host::start(|mut stream| async move {
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(&pattern(300_000)).await.unwrap();
        stream.write_all(&asked).await.unwrap();
    })
    .await;
    let proxy = proxy_to(&host).await;
    let mut stream = proxy.tunnel().await;
    stream.write_all(b"the question").await.unwrap();
    stream.shutdown().await.unwrap();
    let response = rest(&mut stream).await;
    assert!(response[..300_000] == pattern(300_000));
    assert_eq!(&response[300_000..], b"the question");
}

#[tokio::test]
async fn the_hosts_end_is_passed_on_and_the_enclave_still_sends() {
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let host = Host::start(move |mut stream| {
        let heard = heard.clone();
        async move {
            stream.write_all(b"the answer").await.unwrap();
            stream.shutdown().await.unwrap();
            heard.send(rest(&mut stream).await).unwrap();
        }
    })
    .await;
    let proxy = proxy_to(&host).await;
    let mut stream = proxy.tunnel().await;
    assert_eq!(rest(&mut stream).await, b"the answer");
    let late = pattern(300_000);
    stream.write_all(&late).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(within(hearing.recv()).await.unwrap() == late);
}

#[tokio::test]
async fn listed_addresses_are_connected_to_one_after_another_and_dns_is_not_asked() {
    let host = Host::echo().await;
    let answers = DnsAnswers::of(&["127.0.0.1"]);
    let entry = at(&[closed_port().await, host.address]);
    let proxy = EgressProxy::with_dns(allowing(vec![entry]), answers.clone()).await;
    proxy.tunnel().await;
    assert_eq!((host.accepted(), answers.asked()), (1, 0));
}

#[tokio::test]
async fn an_unreachable_host_is_reported() {
    let closed = closed_port().await;
    let proxy = EgressProxy::open(allowing(vec![at(&[closed])])).await;
    let response = proxy.connect_to(&format!("{HOST}:443")).await;
    assert_eq!(response.status, 502);
    assert!(response.body.contains("refused"), "{}", response.body);
    assert!(
        response.body.contains(&closed.to_string()),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn a_host_that_dns_does_not_know_is_reported() {
    for (answers, words) in [
        (DnsAnswers::none(), "name or service not known"),
        (DnsAnswers::of(&[]), "no address"),
    ] {
        let proxy =
            EgressProxy::with_dns(allowing(vec![crate::egress_proxy::by_dns()]), answers).await;
        let response = proxy.connect_to(&format!("{HOST}:443")).await;
        assert_eq!(response.status, 502);
        assert!(response.body.contains(words), "{}", response.body);
    }
}

#[tokio::test]
async fn when_the_proxy_stops_connections_end_and_the_address_is_free() {
    let host = Host::silent().await;
    let proxy = proxy_to(&host).await;
    let socket = proxy.directory().join("egress.sock");
    assert!(socket.exists());
    let mut stream = proxy.tunnel().await;
    let mut idle = proxy.connect().await;
    proxy.stop().await;
    assert!(!socket.exists());
    assert_eq!(rest(&mut stream).await, b"");
    assert_eq!(rest(&mut idle).await, b"");
}

/// An address that refuses connections.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}
