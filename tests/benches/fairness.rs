//! What strangers at full speed leave for principals: how long a signature takes while eight connections send one open request after
//! another straight to the measured, static `permafrost-enclave`, compared with how long it takes on the idle enclave in the same run.
//!
//! It prints a line for each open operation. A ratio of the medians beyond 2 is what the enclave's budgets are there to prevent. Strangers
//! have processors of their own: here they have the lowest priority, and send as fast as the enclave and its principal leave them to.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_common::api::SignRequest;
use permafrost_common::http_signature::content_digest;
use permafrost_tests::{HonestStack, Measured, binaries, new_key};
use rustix::process::setpriority_process;

/// How many connections of strangers send at once.
const STRANGERS: usize = 8;

/// How long signatures are counted, with and without strangers.
const MEASURED: Duration = Duration::from_secs(5);

/// The same where `--quick` is asked for.
const QUICK: Duration = Duration::from_millis(700);

/// An open operation, and a request for it that goes as far as a stranger comes.
const REQUESTS: [(&str, &str, &str, &str); 11] = [
    ("health", "GET", "/v1/health", ""),
    ("attestation", "GET", "/v1/attestation?nonce=00ff", ""),
    ("openapi", "GET", "/openapi.json", ""),
    ("docs", "GET", "/docs", ""),
    (
        "oblivious",
        "POST",
        "/v1/oblivious",
        "not sealed, but long enough to be tried: 0123456789abcdef0123456789abcdef",
    ),
    (
        "create_challenge",
        "POST",
        "/v1/challenges",
        r#"{"purpose":"login"}"#,
    ),
    ("register", "POST", "/v1/users", "{}"),
    ("login", "POST", "/v1/sessions", "{}"),
    (
        "open_link",
        "POST",
        "/v1/links/open",
        r#"{"code":"AAAAAAAAAAAAAAAAAAAA"}"#,
    ),
    (
        "offer_passkey",
        "POST",
        "/v1/links/passkey",
        r#"{"code":"AAAAAAAAAAAAAAAAAAAA","passkey_name":"x"}"#,
    ),
    (
        "start_recovery",
        "POST",
        "/v1/recoveries",
        r#"{"user":"00000000000000000000000000000000","passkey_name":"x"}"#,
    ),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = |option: &str| arguments.iter().any(|argument| argument == option);
    // `cargo test --benches` only builds and starts it.
    if !asked("--bench") {
        return;
    }
    let during = match asked("--quick") {
        true => QUICK,
        false => MEASURED,
    };
    let measured = Measured::new("bench").people("");
    let stack = HonestStack::start_program(&binaries::measured_enclave(), measured);
    let principal = stack.principal("alice").await;
    let key = new_key(&principal).await.id;
    median(&principal, &key, QUICK).await;
    for (name, method, path, body) in REQUESTS {
        let idle = median(&principal, &key, during).await;
        let strangers = Strangers::start(&stack.enclave.socket(), &request(method, path, body));
        let busy = median(&principal, &key, during).await;
        let responses = strangers.stop();
        println!(
            "sign beside {name:<17} {idle:>8.2?} idle {busy:>8.2?} busy   ratio {:.2}   {:>6.0} responses/s to strangers",
            busy.as_secs_f64() / idle.as_secs_f64(),
            responses as f64 / during.as_secs_f64(),
        );
    }
}

/// The median latency of one client's signatures, one after the other.
async fn median(principal: &Principal, key: &str, during: Duration) -> Duration {
    let started = Instant::now();
    let mut latencies = Vec::new();
    while started.elapsed() < during {
        let digest = SignRequest::Digest {
            digest: "d1".repeat(32),
        };
        let sent = Instant::now();
        principal.sign(key, &digest).await.expect("signed");
        latencies.push(sent.elapsed());
    }
    latencies.sort();
    *latencies.get(latencies.len() / 2).expect("a signature")
}

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let media_type = match path {
        "/v1/oblivious" => "message/ohttp-req",
        _ => "application/json",
    };
    let digest = content_digest(body.as_bytes());
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Digest: {digest}\r\n\
         Request-Nonce: AAECAwQFBgcICQoLDA0ODw\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Strangers {
    stop: Arc<AtomicBool>,
    responses: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Strangers {
    fn start(socket: &Path, request: &[u8]) -> Self {
        let (stop, responses) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let threads = (0..STRANGERS).map(|_| {
            let (stop, responses) = (Arc::clone(&stop), Arc::clone(&responses));
            let (socket, request) = (PathBuf::from(socket), request.to_vec());
            std::thread::spawn(move || {
                setpriority_process(None, 19).expect("the lowest priority");
                let mut connection = UnixStream::connect(socket).expect("a connection");
                while !stop.load(Ordering::Relaxed) {
                    connection.write_all(&request).expect("a sent request");
                    read_response(&mut connection);
                    responses.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let threads = threads.collect();
        Self {
            stop,
            responses,
            threads,
        }
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a stranger");
        }
        self.responses.load(Ordering::Relaxed)
    }
}

fn read_response(connection: &mut UnixStream) {
    let mut response = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let read = connection.read(&mut buffer).expect("a response");
        response.extend_from_slice(buffer.get(..read).expect("what was read"));
        let Some(head) = response.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(response.get(..head).expect("a head")).to_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse::<usize>().ok())
            .expect("a length");
        if response.len() >= head + 4 + length {
            return;
        }
    }
}
