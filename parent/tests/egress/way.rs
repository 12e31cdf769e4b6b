//! A way out on a Unix socket, what an enclave does with it, and hosts on loopback.

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

/// An entry that leads to an address whatever DNS says; port 443.
pub(crate) fn at(addresses: &[SocketAddr]) -> AllowConfig {
    let mut entry = by_dns();
    entry.addresses = addresses.to_vec();
    entry
}

/// An entry that DNS is asked for; port 443.
pub(crate) fn by_dns() -> AllowConfig {
    AllowConfig::new(HOST.parse().unwrap(), 443)
}

/// The defaults, and these entries.
pub(crate) fn allowing(allow: Vec<AllowConfig>) -> EgressConfig {
    EgressConfig {
        allow,
        ..EgressConfig::default()
    }
}

/// A way out that serves.
pub(crate) struct Way {
    address: Address,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Way {
    pub(crate) async fn open(config: EgressConfig) -> Self {
        Self::with_responses(config, Responses::none()).await
    }

    pub(crate) async fn with_responses(config: EgressConfig, responses: Responses) -> Self {
        let credentials = CredentialsConfig {
            source: CredentialsSource::None,
            ..CredentialsConfig::default()
        };
        Self::with(config, responses, credentials).await
    }

    pub(crate) async fn with(
        config: EgressConfig,
        responses: Responses,
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
            .with_resolver(responses);
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

    /// The answer to a request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> RawResponse {
        ask(&mut self.connect().await, request).await
    }

    /// The answer to CONNECT.
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

/// One answer.
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

/// Sends a request and reads its answer and not a byte more.
pub(crate) async fn ask(stream: &mut Stream, request: &str) -> RawResponse {
    within(async {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("no answer"));
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
        .expect("it takes too long")
}

/// Everything until the connection ends, in whatever way.
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

    /// Gives back every byte, and the end.
    pub(crate) async fn echo() -> Self {
        Self::start(|mut stream| async move {
            let (mut reading, mut writing) = stream.split();
            let _broken = tokio::io::copy(&mut reading, &mut writing).await;
            let _broken = writing.shutdown().await;
        })
        .await
    }

    /// Keeps connections open, and says and reads nothing.
    pub(crate) async fn silent() -> Self {
        Self::start(|stream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        })
        .await
    }

    /// How many connections came.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A resolver that gives what it is told.
#[derive(Clone)]
pub(crate) struct Responses {
    responses: Option<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
    delay: Duration,
}

impl Responses {
    pub(crate) fn of(addresses: &[&str]) -> Self {
        Self {
            responses: Some(
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
            responses: None,
            ..Self::of(&[])
        }
    }

    /// Never answers.
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

impl Resolve for Responses {
    fn resolve<'a>(&'a self, _: &'a str) -> Addresses<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            tokio::time::sleep(self.delay).await;
            let unknown = || io::Error::other("name or service not known");
            self.responses.clone().ok_or_else(unknown)
        })
    }
}
