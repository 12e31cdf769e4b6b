//! An egress proxy on a Unix socket, its use by an enclave, and hosts on loopback.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use permafrost::egress::{
    Addresses, AllowConfig, CredentialsConfig, CredentialsSource, Egress, EgressConfig, Resolve,
};
use permafrost_common::transport::{self, Address, Peers, Stream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// Nothing in these tests takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The host that is allowed.
pub(crate) const HOST: &str = "kms.test.example";

/// An entry that leads to these addresses without DNS; port 443.
pub(crate) fn at(addresses: &[SocketAddr]) -> AllowConfig {
    let mut entry = by_dns();
    entry.addresses = addresses.to_vec();
    entry
}

/// An entry that DNS resolves; port 443.
pub(crate) fn by_dns() -> AllowConfig {
    AllowConfig::new(HOST.parse().unwrap(), 443)
}

/// The default configuration with these entries.
pub(crate) fn allowing(allow: Vec<AllowConfig>) -> EgressConfig {
    EgressConfig {
        allow,
        ..EgressConfig::default()
    }
}

/// An egress proxy that serves.
pub(crate) struct EgressProxy {
    address: Address,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl EgressProxy {
    pub(crate) async fn open(config: EgressConfig) -> Self {
        Self::with_dns(config, DnsAnswers::none()).await
    }

    pub(crate) async fn with_dns(config: EgressConfig, answers: DnsAnswers) -> Self {
        let credentials = CredentialsConfig {
            source: CredentialsSource::None,
            ..CredentialsConfig::default()
        };
        Self::with(config, answers, credentials).await
    }

    pub(crate) async fn with(
        config: EgressConfig,
        answers: DnsAnswers,
        credentials: CredentialsConfig,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address: Address = format!("unix:{}/egress.sock", directory.path().display())
            .parse()
            .unwrap();
        let config = EgressConfig {
            listen: address.clone(),
            ..config
        };
        let egress = Egress::bind(&config, &credentials, Peers::Any)
            .await
            .unwrap()
            .with_resolver(answers);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(egress.serve(async {
            let _stopped_or_dropped = stopped.await;
        }));
        Self {
            address,
            directory,
            stop: Some(stop),
            serving,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) async fn connect(&self) -> Stream {
        transport::connect(&self.address).await.unwrap()
    }

    /// The response to a request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> RawResponse {
        ask(&mut self.connect().await, request).await
    }

    /// The response to CONNECT.
    pub(crate) async fn connect_to(&self, target: &str) -> RawResponse {
        self.ask(&connect_request(target)).await
    }

    /// A connection to the allowed host.
    pub(crate) async fn tunnel(&self) -> Stream {
        let mut stream = self.connect().await;
        let response = ask(&mut stream, &connect_request(&format!("{HOST}:443"))).await;
        assert_eq!(response.status, 200, "{}", response.body);
        stream
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        within(&mut self.serving).await.unwrap();
    }
}

pub(crate) fn connect_request(target: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n")
}

/// One response.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl RawResponse {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends a request and reads its response, and not a byte more.
pub(crate) async fn ask(stream: &mut Stream, request: &str) -> RawResponse {
    within(async {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("no response"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut response = RawResponse {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::new(),
        };
        let length = response
            .field("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        response.body = String::from_utf8(body).unwrap();
        response
    })
    .await
}

/// Waits no longer than [`PATIENCE`].
pub(crate) async fn within<T>(done: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, done)
        .await
        .expect("nothing within the patience of these tests")
}

/// Everything until the connection ends, however it ends.
pub(crate) async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    let _reset = within(stream.read_to_end(&mut rest)).await;
    rest
}

/// A host on loopback.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Host {
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream));
            }
        });
        Self {
            address,
            accepted,
            serving,
        }
    }

    /// Sends back every byte, and the end.
    pub(crate) async fn echo() -> Self {
        Self::start(|mut stream| async move {
            let (mut reading, mut writing) = stream.split();
            let _broken = tokio::io::copy(&mut reading, &mut writing).await;
            let _broken = writing.shutdown().await;
        })
        .await
    }

    /// Keeps connections open, but sends and reads nothing.
    pub(crate) async fn silent() -> Self {
        Self::start(|stream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        })
        .await
    }

    /// How many connections were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A resolver with fixed answers.
#[derive(Clone)]
pub(crate) struct DnsAnswers {
    answers: Option<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
    delay: Duration,
}

impl DnsAnswers {
    pub(crate) fn of(addresses: &[&str]) -> Self {
        Self {
            answers: Some(
                addresses
                    .iter()
                    .map(|address| address.parse().unwrap())
                    .collect(),
            ),
            asked: Arc::default(),
            delay: Duration::ZERO,
        }
    }

    /// Knows no host.
    pub(crate) fn none() -> Self {
        Self {
            answers: None,
            ..Self::of(&[])
        }
    }

    /// Does not answer within the patience of these tests.
    pub(crate) fn silent() -> Self {
        Self {
            delay: PATIENCE * 10,
            ..Self::none()
        }
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for DnsAnswers {
    fn resolve<'a>(&'a self, _: &'a str) -> Addresses<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            tokio::time::sleep(self.delay).await;
            let unknown = || io::Error::other("name or service not known");
            self.answers.clone().ok_or_else(unknown)
        })
    }
}
