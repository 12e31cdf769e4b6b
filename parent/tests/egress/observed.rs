//! What the operator sees.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::egress_proxy::{Host, ask, connect_request, rest, within};
use crate::serve::Serve;

#[tokio::test]
async fn each_connection_is_counted_by_host_and_outcome_and_logged() {
    let host = Host::echo().await;
    let egress = format!(
        "direction_bytes = 1024\n\
         [[egress.allow]]\nhost = \"kms.test.example\"\nport = 443\naddresses = [\"{0}\"]\n\
         [[egress.allow]]\nhost = \"dead.test.example\"\nport = 443\naddresses = [\"127.0.0.1:1\"]\n\
         [credentials]\nsource = \"none\"\n",
        host.address
    );
    let serve = Serve::start(&egress, &[]).await;
    let connect = async |target: &str| {
        let mut stream = serve.connect().await;
        let response = ask(&mut stream, &connect_request(target)).await;
        (response.status, stream)
    };

    let (status, mut stream) = connect("kms.test.example:443").await;
    assert_eq!(status, 200);
    stream.write_all(b"twelve bytes").await.unwrap();
    let mut back = [0; 12];
    within(stream.read_exact(&mut back)).await.unwrap();
    serve
        .has_metrics(&["permafrost_egress_connections_active 1"])
        .await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");

    let (_, mut stream) = connect("kms.test.example:443").await;
    let _ends = stream.write_all(&[0; 4096]).await;
    rest(&mut stream).await;
    for target in [
        "other.example:443",
        "another.example:443",
        "kms.test.example:80",
    ] {
        assert_eq!(connect(target).await.0, 403);
    }
    assert_eq!(connect("dead.test.example:443").await.0, 502);

    let count = |host: &str, outcome: &str, count: usize| {
        format!(
            "permafrost_egress_connections_total{{host=\"{host}\",outcome=\"{outcome}\"}} {count}"
        )
    };
    let lines = [
        count("kms.test.example", "done", 1),
        count("kms.test.example", "byte-limit", 1),
        count("unlisted", "not-allowed", 3),
        count("dead.test.example", "unreachable", 1),
        "permafrost_egress_connections_active 0".to_owned(),
    ];
    serve
        .has_metrics(&lines.each_ref().map(String::as_str))
        .await;
    let metrics = serve.metrics().await;
    for direction in ["to-host", "to-enclave"] {
        let name = format!("permafrost_egress_bytes_total{{direction=\"{direction}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        let bytes: usize = line.expect(&metrics).parse().unwrap();
        assert!((12..=12 + 1024).contains(&bytes), "{direction}: {bytes}");
    }
    assert!(
        !metrics.contains("other.example"),
        "the enclave made labels"
    );

    serve
        .logs(&[
            "INFO",
            "\"to\":\"kms.test.example:443\"",
            "\"to_host\":12",
            "done",
        ])
        .await;
    serve
        .logs(&["WARN", "kms.test.example:443", "byte-limit"])
        .await;
    serve
        .logs(&["WARN", "other.example:443", "not-allowed", "allow-list"])
        .await;
}
