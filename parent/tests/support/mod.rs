//! The real `permafrost serve`, and fake enclaves, on sockets of their own.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

/// Nothing in these tests takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The response of a [`Recorder`] that has nothing to say.
pub(crate) const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// `permafrost serve` as a process.
pub(crate) struct Parent {
    pub(crate) address: SocketAddr,
    pub(crate) directory: TempDir,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    logging: JoinHandle<()>,
}

impl Parent {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// Starts it with this text after `[limits]` in the configuration.
    pub(crate) async fn with(limits: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let config = format!(
            "listen = \"127.0.0.1:0\"\n\
             enclave = {{ address = \"unix:{at}/enclave.sock\" }}\n\
             store = {{ listen = \"unix:{at}/store.sock\", sqlite = \"{at}/store.sqlite\" }}\n\
             enclave_log = {{ listen = \"none\" }}\n\
             [limits]\n{limits}\n"
        );
        let path = directory.path().join("parent.toml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_permafrost"))
            .args(["serve", "--config"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let address = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = lines
                    .next_line()
                    .await
                    .unwrap()
                    .expect("`permafrost serve` ended");
                let entry: Value = serde_json::from_str(&line).expect(&line);
                log.lock().unwrap().push(line);
                if entry["message"] == "serving" {
                    return entry["listen"].as_str().unwrap().parse().unwrap();
                }
            }
        })
        .await
        .expect("`permafrost serve` does not serve");
        let kept = log.clone();
        let logging = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Self {
            address,
            directory,
            child,
            log,
            logging,
        }
    }

    pub(crate) fn enclave_socket(&self) -> PathBuf {
        self.directory.path().join("enclave.sock")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the end after [`Parent::terminate`]; returns the exit status and everything that was logged.
    pub(crate) async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("`permafrost serve` does not end")
            .unwrap();
        self.logging.await.unwrap();
        let log = self.log.lock().unwrap().clone();
        (status, log)
    }

    /// The access log so far, once it has `count` lines.
    pub(crate) async fn access_log(&self, count: usize) -> Vec<Value> {
        for _ in 0..400 {
            let entries: Vec<Value> = self
                .log
                .lock()
                .unwrap()
                .iter()
                .map(|line| serde_json::from_str(line).expect(line))
                .filter(|entry: &Value| entry["target"] == "access")
                .collect();
            if entries.len() >= count {
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("fewer than {count} lines in the access log");
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let response = self.get("/metrics").await;
        assert_eq!(response.status, 200);
        String::from_utf8(response.body).unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> RawResponse {
        self.raw(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
            .await
    }

    /// Sends bytes on a connection of their own and reads one response.
    pub(crate) async fn raw(&self, request: &[u8]) -> RawResponse {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A refusal may arrive, and the connection close, before all of a long request has been written.
        let _ = stream.write_all(request).await;
        RawResponse::read(&mut stream).await
    }
}

/// One response, as it arrived.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl RawResponse {
    /// Reads a response with `Content-Length`, or one without a body.
    pub(crate) async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Self {
        tokio::time::timeout(PATIENCE, async {
            let mut bytes = read_head(stream).await.expect("no response");
            let body = bytes.split_off(find(&bytes, b"\r\n\r\n").unwrap() + 4);
            let head = String::from_utf8(bytes).unwrap();
            let mut response = Self {
                status: head.split(' ').nth(1).unwrap().parse().unwrap(),
                head,
                body,
            };
            let length: usize = response
                .field("content-length")
                .map_or(0, |length| length.parse().unwrap());
            let already = response.body.len();
            response.body.resize(length, 0);
            stream
                .read_exact(&mut response.body[already..])
                .await
                .unwrap();
            response
        })
        .await
        .expect("no response in time")
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The slug of the problem in the response.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.field("content-type"), Some("application/problem+json"));
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        let slug = problem["type"].as_str().unwrap();
        slug.strip_prefix("urn:permafrost:problem:")
            .unwrap()
            .to_owned()
    }
}

/// Reads a header section including its end; `None` if the peer closes before that.
pub(crate) async fn read_head(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while find(&bytes, b"\r\n\r\n").is_none() {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
    }
    Some(bytes)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// What a fake enclave does with a request.
pub(crate) type Handler = Arc<dyn Fn(Request<Incoming>) -> HandlerFuture + Send + Sync>;
pub(crate) type HandlerFuture = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
pub(crate) type Body = Either<Full<Bytes>, Incoming>;

/// An HTTP server on the enclave's socket. Dropping it ends all its connections, as `kill -9` does.
pub(crate) struct Enclave {
    serving: JoinHandle<()>,
    connections: Arc<Mutex<usize>>,
    requests: Arc<Mutex<usize>>,
    socket: PathBuf,
}

impl Enclave {
    pub(crate) fn start<F>(
        socket: &Path,
        handler: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let requests = Arc::new(Mutex::new(0));
        let received = requests.clone();
        let handler: Handler = Arc::new(move |request| {
            *received.lock().unwrap() += 1;
            Box::pin(handler(request))
        });
        let listener = UnixListener::bind(socket).unwrap();
        let connections = Arc::new(Mutex::new(0));
        let count = connections.clone();
        let serving = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                all.spawn(serve(stream, handler.clone()));
            }
        });
        Self {
            serving,
            connections,
            requests,
            socket: socket.to_owned(),
        }
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn received(&self, count: usize) {
        tokio::time::timeout(PATIENCE, async {
            while *self.requests.lock().unwrap() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the requests do not arrive");
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Enclave {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn serve(stream: UnixStream, handler: Handler) {
    let service = service_fn(move |request| {
        let answering = handler(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

pub(crate) fn text(status: u16, text: impl Into<Bytes>) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Either::Left(Full::new(text.into())))
        .unwrap()
}

/// Reads the whole body, then responds with its length.
pub(crate) async fn count(request: Request<Incoming>) -> Response<Body> {
    match request.into_body().collect().await {
        Ok(body) => text(200, body.to_bytes().len().to_string()),
        Err(_) => text(400, "broken"),
    }
}

/// An enclave that keeps each header section as it arrived and responds with fixed bytes.
pub(crate) struct Recorder {
    heads: Arc<Mutex<VecDeque<Vec<u8>>>>,
    serving: JoinHandle<()>,
}

impl Recorder {
    /// `response` of `None` closes the connection instead.
    pub(crate) fn start(socket: &Path, response: Option<&'static [u8]>) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let heads = Arc::new(Mutex::new(VecDeque::new()));
        let kept = heads.clone();
        let serving = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let kept = kept.clone();
                all.spawn(async move {
                    while let Some(head) = read_head(&mut stream).await {
                        kept.lock().unwrap().push_back(head);
                        match response {
                            Some(response) => stream.write_all(response).await.unwrap(),
                            None => return,
                        }
                    }
                });
            }
        });
        Self { heads, serving }
    }

    /// The oldest header section that has not been taken yet.
    pub(crate) fn take(&self) -> Option<String> {
        let head = self.heads.lock().unwrap().pop_front()?;
        Some(head.iter().map(|byte| char::from(*byte)).collect())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
