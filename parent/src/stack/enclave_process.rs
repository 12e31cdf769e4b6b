//! The enclave program as a child process: start, watch, restart, stop.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The pause before the first restart; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// The longest pause before a restart.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// An enclave that ran this long starts again without a pause to speak of.
const RAN_WELL: Duration = Duration::from_secs(30);

/// How long the enclave may take to end itself.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The last lines of the log that are kept for an error.
const TAIL_LINES: usize = 8;

/// What the enclave is started with.
#[derive(Clone, Debug)]
pub struct EnclaveCommand {
    /// `permafrost-enclave`, built with the emulator.
    pub program: PathBuf,
    /// The measured configuration.
    pub config: PathBuf,
    /// Its `--listen`.
    pub listen: String,
    /// Its `--store`.
    pub store: String,
    /// Its `--egress`.
    pub egress: String,
    /// What the emulated NSM keeps.
    pub state: PathBuf,
    /// Where its log lines go; `None`: to this program's stderr.
    pub log: Option<PathBuf>,
}

/// A running enclave, restarted when it ends by itself. Call [`EnclaveProcess::stop`] to end it; dropped
/// without that, it is killed.
#[derive(Debug)]
pub struct EnclaveProcess {
    stop: watch::Sender<bool>,
    status: watch::Receiver<Status>,
    watching: JoinHandle<()>,
    tail: Tail,
}

/// What is known about the child.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// How often it was started.
    pub starts: u32,
    /// How often it ended by itself.
    pub ends: u32,
    /// How it ended the last time.
    pub ended: Option<Ended>,
}

/// How a child ended by itself.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The system's description.
    pub how: String,
    /// Whether it refused how it was called (exit code 2): starting it again would not help.
    pub wrong_call: bool,
}

impl EnclaveProcess {
    /// Starts the enclave and watches it.
    ///
    /// # Errors
    /// Where the program cannot be started at all, or its log cannot be opened.
    pub fn start(command: EnclaveCommand) -> io::Result<Self> {
        let tail = Tail::default();
        let log = LogTarget::open(command.log.as_deref())?;
        let child = spawn(&command, &tail, &log)?;
        let (stop, stopping) = watch::channel(false);
        let (report, status) = watch::channel(Status {
            pid: child.id(),
            starts: 1,
            ends: 0,
            ended: None,
        });
        let watching = tokio::spawn(watch_over(
            command,
            child,
            tail.clone(),
            log,
            stopping,
            report,
        ));
        Ok(Self {
            stop,
            status,
            watching,
            tail,
        })
    }

    /// What is known about the child now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The last lines that it logged.
    pub fn log_tail(&self) -> Vec<String> {
        self.tail.lines()
    }

    /// Asks the enclave to end, kills it if it takes longer than five seconds, and waits until it is gone.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.watching).await {
            tracing::warn!(%error, "the enclave's watcher failed");
        }
    }
}

impl Drop for EnclaveProcess {
    fn drop(&mut self) {
        // The child goes with its watcher: kill_on_drop.
        self.watching.abort();
    }
}

async fn watch_over(
    command: EnclaveCommand,
    first: Child,
    tail: Tail,
    log: LogTarget,
    mut stopping: watch::Receiver<bool>,
    report: watch::Sender<Status>,
) {
    let mut child = first;
    let mut backoff = BACKOFF_MIN;
    loop {
        let started = Instant::now();
        // Held here: waiting for a child closes what is left in it, and a closed stdin ends the enclave.
        let stdin = child.stdin.take();
        tokio::select! {
            ended = child.wait() => {
                let ended = Ended::of(&ended);
                tracing::warn!(how = ended.how, "the enclave ended by itself and is started again");
                report.send_modify(|status| {
                    status.pid = None;
                    status.ends += 1;
                    status.ended = Some(ended);
                });
            }
            () = told(&mut stopping) => return end(child, stdin).await,
        }
        if started.elapsed() > RAN_WELL {
            backoff = BACKOFF_MIN;
        }
        child = loop {
            tokio::select! {
                () = tokio::time::sleep(backoff) => {}
                () = told(&mut stopping) => return,
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
            match spawn(&command, &tail, &log) {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "the enclave did not start again"),
            }
        };
        report.send_modify(|status| {
            status.pid = child.id();
            status.starts += 1;
        });
    }
}

/// Returns when the process is to stop, or when its owner is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _told_or_dropped = stopping.wait_for(|stop| *stop).await;
}

fn spawn(command: &EnclaveCommand, tail: &Tail, log: &LogTarget) -> io::Result<Child> {
    let mut child = Command::new(&command.program)
        .arg("--config")
        .arg(&command.config)
        .args(["--listen", &command.listen, "--store", &command.store])
        .args(["--egress", &command.egress])
        .args(["--nsm", "emulator", "--state"])
        .arg(&command.state)
        // If this program dies, the pipe closes and the enclave ends too.
        .arg("--exit-on-stdin-close")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C is for this program, which then ends the enclave in order.
        .process_group(0)
        .spawn()?;
    if let Some(stderr) = child.stderr.take() {
        let (tail, log) = (tail.clone(), log.clone());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.write(&line);
                tail.push(readable(&line));
            }
        });
    }
    Ok(child)
}

/// A log line of the enclave as a person reads it: level and message of what is JSON, everything else as it is.
fn readable(line: &str) -> String {
    let entry: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let text = |pointer| entry.pointer(pointer).and_then(serde_json::Value::as_str);
    match (text("/level"), text("/fields/message").or(text("/message"))) {
        (Some(level), Some(message)) => format!("{level} {}", message.trim_end()),
        _ => line.to_owned(),
    }
}

async fn end(mut child: Child, stdin: Option<ChildStdin>) {
    // The id is there until the child has been waited for, so it cannot be another process's by now.
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(pid) = pid
        && let Err(error) = kill_process(pid, Signal::TERM)
    {
        tracing::debug!(%error, "no SIGTERM for the enclave");
    }
    drop(stdin);
    if tokio::time::timeout(STOP_TIME, child.wait()).await.is_err() {
        tracing::warn!("the enclave did not end within 5 s and is killed");
        if let Err(error) = child.kill().await {
            tracing::error!(%error, "the enclave could not be killed");
        }
    }
}

impl Ended {
    fn of(ended: &io::Result<ExitStatus>) -> Self {
        match ended {
            Ok(status) => Self {
                how: status.to_string(),
                wrong_call: status.code() == Some(2),
            },
            Err(error) => Self {
                how: error.to_string(),
                wrong_call: false,
            },
        }
    }
}

/// Where the child's log lines go.
#[derive(Clone, Debug)]
enum LogTarget {
    File(Arc<Mutex<std::fs::File>>),
    Stderr,
}

impl LogTarget {
    fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Stderr);
        };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self::File(Arc::new(Mutex::new(file))))
    }

    /// Ignores failures: without a reader, the child would stall.
    fn write(&self, line: &str) {
        let line = format!("{line}\n");
        let _best_effort = match self {
            Self::File(file) => file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(line.as_bytes()),
            Self::Stderr => io::stderr().write_all(line.as_bytes()),
        };
    }
}

#[derive(Clone, Debug, Default)]
struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
