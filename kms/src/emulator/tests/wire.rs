//! HTTP over TLS: what a client connects to.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

const TIME: Duration = Duration::from_secs(20);

async fn connect(kms: &Kms, ca_pem: &str, host: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(kms.emulator.address()).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn send(kms: &Kms, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let stream = connect(kms, kms.emulator.ca_pem(), "localhost")
        .await
        .unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let sent = async {
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    };
    timeout(TIME, sent).await.unwrap()
}

fn list_keys(kms: &Kms) -> Request<Full<Bytes>> {
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    signed
        .request("ListKeys", b"{}")
        .map(|()| Full::new(Bytes::from_static(b"{}")))
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_its_response() {
    let kms = Kms::start().await;
    kms.key();
    let response = send(&kms, list_keys(&kms)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "application/x-amz-json-1.1"
    );
    assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["Keys"].as_array().unwrap().len(), 1);
    assert_eq!(kms.emulator.calls().len(), 2);
    kms.emulator.stop().await;
}

#[tokio::test]
async fn the_certificate_has_these_names_and_no_others() {
    let kms = Kms::start().await;
    let ca = kms.emulator.ca_pem().to_owned();
    for host in ["localhost", "kms.us-east-1.localhost", "127.0.0.1", "::1"] {
        connect(&kms, &ca, host).await.unwrap();
    }
    for host in [
        "kms.us-east-1.amazonaws.com",
        "kms.eu-west-1.localhost",
        "127.0.0.2",
    ] {
        assert!(connect(&kms, &ca, host).await.is_err(), "{host}");
    }
    let other = Kms::start().await;
    let another_ca = other.emulator.ca_pem();
    assert!(connect(&kms, another_ca, "localhost").await.is_err());
}

#[tokio::test]
async fn what_is_no_call_of_kms_is_refused() {
    let kms = Kms::start().await;
    let changes: [fn(&mut Request<Full<Bytes>>); 6] = [
        |request| *request.method_mut() = http::Method::GET,
        |request| *request.uri_mut() = "/keys".parse().unwrap(),
        |request| *request.uri_mut() = "/?Action=ListKeys".parse().unwrap(),
        |request| {
            request.headers_mut().remove("x-amz-target");
        },
        |request| {
            let target = "TrentService.Nonsense".parse().unwrap();
            request.headers_mut().insert("x-amz-target", target);
        },
        |request| {
            let other = "application/json".parse().unwrap();
            request.headers_mut().insert("content-type", other);
        },
    ];
    for change in changes {
        let mut request = list_keys(&kms);
        change(&mut request);
        let response = send(&kms, request).await;
        assert_eq!(response.status(), 400);
        assert!(response.headers().contains_key("x-amzn-requestid"));
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["__type"], "UnknownOperationException");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let kms = Kms::start().await;
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    for body in ["", "{", "7", "{\"Limit\":\"two\"}"] {
        let head = signed.request("ListKeys", body.as_bytes()).into_parts().0;
        refused(
            kms.response(head, body.as_bytes()),
            "SerializationException",
        );
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let kms = Kms::start().await;
    let body = Bytes::from(vec![b' '; 256 * 1024 + 1]);
    let request = list_keys(&kms).map(|_| Full::new(body));
    let response = send(&kms, request).await;
    assert_eq!(response.status(), 413);
    assert!(response.headers().contains_key("x-amzn-requestid"));
}

#[tokio::test]
async fn headers_above_the_limit_are_refused() {
    let kms = Kms::start().await;
    let mut request = list_keys(&kms);
    let long = "x".repeat(70_000).parse().unwrap();
    request.headers_mut().insert("x-long", long);
    assert_eq!(send(&kms, request).await.status(), 431);
}

#[tokio::test]
async fn a_client_without_tls_gets_nothing() {
    let kms = Kms::start().await;
    let mut stream = TcpStream::connect(kms.emulator.address()).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut response = Vec::new();
    // An alert at most.
    let _closed = timeout(TIME, stream.read_to_end(&mut response))
        .await
        .unwrap();
    assert!(!response.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_response_comes_after_the_latency_asked_for() {
    let kms = Kms::start().await;
    kms.emulator.set_latency(Duration::from_millis(300));
    let started = std::time::Instant::now();
    assert_eq!(send(&kms, list_keys(&kms)).await.status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stopped_emulator_accepts_no_connection_and_frees_its_address() {
    let kms = Kms::start().await;
    let address = kms.emulator.address();
    let state = kms.state.clone();
    kms.emulator.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    let mut options = EmulatorOptions::new(state.path());
    options.listen = address;
    Emulator::start(options).await.unwrap();
}
