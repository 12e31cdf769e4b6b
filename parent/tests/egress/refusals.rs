//! What the egress proxy refuses.

use std::net::IpAddr;

use permafrost::config::Config;
use permafrost::egress::CredentialsSource;
use permafrost::parent::Parent;
use tokio::io::AsyncWriteExt;

use crate::egress_proxy::{
    DnsAnswers, EgressProxy, HOST, Host, allowing, ask, at, by_dns, connect_request, rest,
};

/// Asserts that the target is refused with these words, and that neither DNS nor the host was asked.
async fn assert_refused(target: &str, words: &str) {
    let host = Host::echo().await;
    let answers = DnsAnswers::of(&["127.0.0.1"]);
    let proxy = EgressProxy::with_dns(allowing(vec![at(&[host.address])]), answers.clone()).await;
    let response = proxy.connect_to(target).await;
    assert_eq!(response.status, 403, "{target}: {response:?}");
    assert_eq!(
        response.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(response.body.contains(words), "{target}: {}", response.body);
    assert!(!response.body.contains('\n'), "{}", response.body);
    assert_eq!((answers.asked(), host.accepted()), (0, 0), "{target}");
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused() {
    assert_refused("other.example:443", "is not on the parent's allow-list").await;
    for target in [
        "a.kms.test.example:443",
        "test.example:443",
        "kms.test.example.evil.example:443",
    ] {
        assert_refused(target, "is not on the parent's allow-list").await;
    }
}

#[tokio::test]
async fn a_port_that_is_not_listed_is_refused() {
    assert_refused("kms.test.example:80", "has only port 443").await;
    assert_refused("kms.test.example:4430", "has only port 443").await;
}

#[tokio::test]
async fn a_port_that_is_missing_or_strange_is_refused() {
    for target in [
        "kms.test.example",
        "kms.test.example:0443",
        "kms.test.example:0",
        "http://kms.test.example:443",
        "http://kms.test.example:443/",
        "/kms.test.example",
    ] {
        assert_refused(target, "accepted").await;
    }
}

#[tokio::test]
async fn an_address_is_refused_even_that_of_a_listed_host() {
    let host = Host::echo().await;
    let proxy = EgressProxy::open(allowing(vec![at(&[host.address])])).await;
    let response = proxy.connect_to(&host.address.to_string()).await;
    assert_eq!(response.status, 403);
    assert!(
        response.body.contains("a host is a DNS name"),
        "{}",
        response.body
    );
    assert_eq!(host.accepted(), 0);
    for target in [
        "127.0.0.1:443",
        "169.254.169.254:80",
        "[::1]:443",
        "[fd00:ec2::254]:80",
        "2130706433:443",
        "0x7f000001:443",
        "127.1:443",
    ] {
        assert_refused(target, "a host is a DNS name").await;
    }
}

#[tokio::test]
async fn a_wildcard_is_refused() {
    assert_refused("*.test.example:443", "wildcards are not allowed").await;
    assert_refused("*:443", "wildcards are not allowed").await;
}

#[tokio::test]
async fn upper_case_is_refused() {
    assert_refused("KMS.test.example:443", "lower case").await;
    assert_refused("kms.test.examplE:443", "lower case").await;
}

#[tokio::test]
async fn a_trailing_dot_is_refused() {
    assert_refused("kms.test.example.:443", "trailing dot").await;
}

#[tokio::test]
async fn user_information_is_refused() {
    assert_refused("user@kms.test.example:443", "user information").await;
    assert_refused("user:password@kms.test.example:443", "user information").await;
    assert_refused("kms.test.example:443@evil.example:443", "user information").await;
}

#[tokio::test]
async fn a_private_dns_answer_is_refused_by_its_name() {
    for (address, what) in [
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("100.64.0.1", "CGNAT"),
        ("fd12::1", "unique local"),
        ("fe80::1", "link-local"),
        ("0.0.0.0", "this host"),
        ("224.0.0.1", "multicast"),
        ("2002:7f00:1::", "6to4"),
        ("192.0.2.1", "documentation"),
    ] {
        let answers = DnsAnswers::of(&[address]);
        let proxy = EgressProxy::with_dns(allowing(vec![by_dns()]), answers.clone()).await;
        let response = proxy.connect_to(&format!("{HOST}:443")).await;
        assert_eq!((response.status, answers.asked()), (403, 1), "{address}");
        let address: IpAddr = address.parse().unwrap();
        let words = format!("{address} is ");
        let named = response.body.contains(&words) && response.body.contains(what);
        assert!(named, "{address}: {}", response.body);
    }
}

#[tokio::test]
async fn the_instance_metadata_service_is_refused_as_a_dns_answer() {
    let mut entry = by_dns();
    entry.networks = ["10.0.0.0/8", "fc00::/7"]
        .map(|network| network.parse().unwrap())
        .to_vec();
    for address in [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "fd00:ec2::254",
    ] {
        let proxy =
            EgressProxy::with_dns(allowing(vec![entry.clone()]), DnsAnswers::of(&[address])).await;
        let response = proxy.connect_to(&format!("{HOST}:443")).await;
        assert_eq!(response.status, 403, "{address}");
        assert!(response.body.contains("metadata"), "{}", response.body);
    }
}

#[tokio::test]
async fn every_refused_dns_response_is_named() {
    let answers = DnsAnswers::of(&["10.0.0.1", "fd12::1"]);
    let proxy = EgressProxy::with_dns(allowing(vec![by_dns()]), answers).await;
    let response = proxy.connect_to(&format!("{HOST}:443")).await;
    assert!(
        response
            .body
            .contains("10.0.0.1 is private, fd12::1 is unique local"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn listed_addresses_of_one_host_are_not_for_another() {
    let host = Host::echo().await;
    let mut other = by_dns();
    other.host = "other.test.example".parse().unwrap();
    let answers = DnsAnswers::of(&["127.0.0.1"]);
    let proxy = EgressProxy::with_dns(allowing(vec![at(&[host.address]), other]), answers).await;
    let response = proxy.connect_to("other.test.example:443").await;
    assert_eq!(response.status, 403);
    assert_eq!(host.accepted(), 0);
}

#[tokio::test]
async fn a_refused_request_leaves_its_connection_usable() {
    let host = Host::echo().await;
    let proxy = EgressProxy::open(allowing(vec![at(&[host.address])])).await;
    let mut stream = proxy.connect().await;
    for _ in 0..3 {
        let response = ask(&mut stream, &connect_request("other.example:443")).await;
        assert_eq!(response.status, 403);
    }
    let response = ask(&mut stream, &connect_request(&format!("{HOST}:443"))).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn everything_but_connect_and_credentials_is_refused() {
    let proxy = EgressProxy::open(allowing(vec![by_dns()])).await;
    for (line, status) in [
        ("GET /", 404),
        ("GET /credentials/", 404),
        ("GET /credentials?role=admin", 404),
        ("GET //credentials", 404),
        ("GET /Credentials", 404),
        ("GET http://169.254.169.254/latest/meta-data/", 404),
        ("GET http://kms.test.example/credentials", 404),
        ("OPTIONS *", 404),
        ("POST /", 404),
        ("POST /credentials", 405),
        ("PUT /credentials", 405),
        ("HEAD /credentials", 405),
        ("DELETE /credentials", 405),
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut stream = proxy.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = String::from_utf8(rest(&mut stream).await).unwrap();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{line}: {response}"
        );
        assert_eq!(response.contains("allow: GET"), status == 405, "{response}");
    }
}

#[tokio::test]
async fn nothing_listens_while_nothing_is_allowed() {
    for (allow, listens) in [(Vec::new(), false), (vec![by_dns()], true)] {
        let directory = tempfile::tempdir().unwrap();
        let socket = |name: &str| {
            let path = directory.path().join(name);
            format!("unix:{}", path.display()).parse().unwrap()
        };
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            egress: allowing(allow),
            ..Config::default()
        };
        config.enclaves[0].address = socket("enclave.sock");
        config.store.listen = socket("store.sock");
        config.store.database =
            permafrost::config::DatabaseConfig::Sqlite(directory.path().join("store.sqlite"));
        config.egress.listen = socket("egress.sock");
        config.enclave_log.listen = None;
        config.credentials.source = CredentialsSource::None;
        let parent = Parent::start(&config).await.unwrap();
        let file = directory.path().join("egress.sock");
        assert_eq!(file.exists(), listens);
        parent.run(std::future::ready(())).await;
        assert!(!file.exists(), "the socket's file remains after the end");
    }
}
