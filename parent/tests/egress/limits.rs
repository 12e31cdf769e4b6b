//! A connection gets only what the configuration allows.

use std::time::{Duration, Instant};

use permafrost::egress::EgressConfig;
use permafrost_common::transport::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::egress_proxy::{
    DnsAnswers, EgressProxy, HOST, Host, allowing, at, by_dns, rest, within,
};

async fn proxy_to(host: &Host, limits: impl FnOnce(&mut EgressConfig)) -> EgressProxy {
    let mut config = allowing(vec![at(&[host.address])]);
    limits(&mut config);
    EgressProxy::open(config).await
}

/// Sends until the connection ends; returns how many bytes could be written.
async fn flood(stream: &mut Stream) -> usize {
    let chunk = [7; 4096];
    let mut sent = 0;
    within(async {
        while let Ok(length) = stream.write(&chunk).await {
            sent += length;
        }
    })
    .await;
    sent
}

#[tokio::test]
async fn what_the_enclave_sends_is_bounded() {
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    let host = Host::start(move |mut stream| {
        let heard = heard.clone();
        async move {
            let _ended = heard.send(rest(&mut stream).await.len());
        }
    })
    .await;
    let proxy = proxy_to(&host, |config| config.direction_bytes = 100_000).await;
    flood(&mut proxy.tunnel().await).await;
    let arrived = within(hearing.recv()).await.unwrap();
    assert!(arrived <= 100_000, "{arrived} bytes passed");

    let mut stream = proxy.tunnel().await;
    stream.write_all(&[7; 100_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(within(hearing.recv()).await.unwrap(), 100_000);
}

#[tokio::test]
async fn what_the_host_sends_is_bounded() {
    for (sends, arrives) in [(100_000, 100_000), (100_001, 100_000), (5_000_000, 100_000)] {
        let host = Host::start(move |mut stream| async move {
            let _broken = stream.write_all(&vec![7; sends]).await;
            let _broken = stream.shutdown().await;
            rest(&mut stream).await;
        })
        .await;
        let proxy = proxy_to(&host, |config| config.direction_bytes = 100_000).await;
        let mut stream = proxy.tunnel().await;
        let arrived = rest(&mut stream).await.len();
        assert_eq!(arrived, arrives, "of {sends}");
    }
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let host = Host::silent().await;
    let proxy = proxy_to(&host, |config| {
        config.idle_timeout = Duration::from_millis(300);
    })
    .await;
    let began = Instant::now();
    let mut stream = proxy.tunnel().await;
    assert_eq!(rest(&mut stream).await, b"");
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn an_idle_half_closed_connection_ends() {
    let host = Host::silent().await;
    let proxy = proxy_to(&host, |config| {
        config.idle_timeout = Duration::from_millis(300);
    })
    .await;
    let mut stream = proxy.tunnel().await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_connection_to_a_host_that_does_not_read_ends() {
    let host = Host::silent().await;
    let proxy = proxy_to(&host, |config| {
        config.idle_timeout = Duration::from_millis(300);
    })
    .await;
    // The connection ends although the enclave would continue to send.
    flood(&mut proxy.tunnel().await).await;
}

#[tokio::test]
async fn a_connection_in_use_is_not_idle() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host, |config| {
        config.idle_timeout = Duration::from_secs(1);
    })
    .await;
    let mut stream = proxy.tunnel().await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(b"x").await.unwrap();
        assert_eq!(within(stream.read_u8()).await.unwrap(), b'x');
    }
}

#[tokio::test]
async fn a_connection_ends_at_its_time_limit_however_much_it_is_used() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host, |config| {
        config.time_limit = Duration::from_millis(500);
    })
    .await;
    let began = Instant::now();
    let mut stream = proxy.tunnel().await;
    let used = async {
        loop {
            if stream.write_all(b"x").await.is_err() || stream.read_u8().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(used).await;
    assert!(began.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn more_connections_than_allowed_are_refused_until_one_ends() {
    let host = Host::echo().await;
    let proxy = proxy_to(&host, |config| config.connections = 2).await;
    let first = proxy.tunnel().await;
    let _second = proxy.tunnel().await;
    let response = proxy.connect_to(&format!("{HOST}:443")).await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("2 connections"), "{}", response.body);
    assert_eq!(host.accepted(), 2);
    drop(first);
    within(async {
        while proxy.connect_to(&format!("{HOST}:443")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_dns_answer_that_does_not_come_is_given_up() {
    let mut config = allowing(vec![by_dns()]);
    config.connect_timeout = Duration::from_millis(200);
    let proxy = EgressProxy::with_dns(config, DnsAnswers::silent()).await;
    let response = proxy.connect_to(&format!("{HOST}:443")).await;
    assert_eq!(response.status, 504);
    assert!(response.body.contains("within 200 ms"), "{}", response.body);
}

#[tokio::test]
async fn a_host_that_does_not_respond_is_given_up() {
    let full = Full::new().await;
    let mut config = allowing(vec![at(&[full.address])]);
    config.connect_timeout = Duration::from_millis(300);
    let proxy = EgressProxy::open(config).await;
    let response = proxy.connect_to(&format!("{HOST}:443")).await;
    assert_eq!(response.status, 504, "{}", response.body);

    // Another address still gets its share of the time.
    let host = Host::echo().await;
    let config = EgressConfig {
        connect_timeout: Duration::from_secs(2),
        ..allowing(vec![at(&[full.address, host.address])])
    };
    let proxy = EgressProxy::open(config).await;
    proxy.tunnel().await;
}

#[tokio::test]
async fn an_enclave_that_leaves_while_it_waits_frees_its_place() {
    let mut config = allowing(vec![by_dns()]);
    config.connections = 1;
    let answers = DnsAnswers::silent();
    let proxy = EgressProxy::with_dns(config, answers.clone()).await;
    let mut waiting = proxy.connect().await;
    let request = crate::egress_proxy::connect_request(&format!("{HOST}:443"));
    waiting.write_all(request.as_bytes()).await.unwrap();
    within(async {
        while answers.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(proxy.connect_to(&format!("{HOST}:443")).await.status, 503);
    drop(waiting);
    // The place is taken again, and DNS is asked again.
    within(async {
        while answers.asked() == 1 {
            let mut again = proxy.connect().await;
            again.write_all(request.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A listener whose queue is full: further connection attempts get no response.
struct Full {
    address: std::net::SocketAddr,
    _listener: tokio::net::TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let patience = Duration::from_millis(200);
        while let Ok(connected) = tokio::time::timeout(patience, TcpStream::connect(address)).await
        {
            waiting.push(connected.unwrap());
        }
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}
