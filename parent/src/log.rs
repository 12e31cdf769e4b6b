//! The parent's log: lines on stderr, written by a thread of their own. If nothing reads the terminal or pipe, lines are
//! dropped, and no request is held up.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait to be written.
const WAITING_MAX: usize = 4096;

/// How long writing the last lines may take when the program ends.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// The format of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One JSON object, for programs.
    Json,
    /// Time, level and text, for a person at a terminal.
    Text,
}

/// Starts logging for the whole program, at `level` and above. Lines are lost after the returned value is dropped.
///
/// If a logger was started before, that one stays.
pub fn start(format: Format, level: Level) -> Log {
    let queue = Queue::start();
    let log = Log {
        queue: queue.clone(),
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(queue)
        .with_ansi(false);
    // Only tests start a second logger; the first one stays.
    let _already_started = match format {
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        Format::Text => builder.with_target(false).compact().try_init(),
    };
    log
}

/// When dropped, writes the waiting lines, for at most a second.
#[derive(Debug)]
pub struct Log {
    queue: Queue,
}

impl Drop for Log {
    fn drop(&mut self) {
        let until = Instant::now() + FLUSH_TIME;
        while self.queue.waiting.load(Ordering::Acquire) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let dropped = self.queue.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let _unread = writeln!(
                io::stderr(),
                "{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"lines\":{dropped}}}"
            );
        }
    }
}

#[derive(Clone, Debug)]
struct Queue {
    lines: SyncSender<Vec<u8>>,
    waiting: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    fn start() -> Self {
        let (lines, receiver) = sync_channel(WAITING_MAX);
        let waiting = Arc::new(AtomicU64::new(0));
        let written = waiting.clone();
        thread::spawn(move || write_lines(&receiver, &written));
        Self {
            lines,
            waiting,
            dropped: Arc::new(AtomicU64::new(0)),
        }
    }
}

fn write_lines(lines: &Receiver<Vec<u8>>, waiting: &AtomicU64) {
    for line in lines {
        // A closed stderr must not stop the program.
        let _unread = io::stderr().write_all(&line);
        waiting.fetch_sub(1, Ordering::Release);
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for Queue {
    /// Receives one whole event: the subscriber writes each event with one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.waiting.fetch_add(1, Ordering::Release);
        if self.lines.try_send(line.to_vec()).is_err() {
            self.waiting.fetch_sub(1, Ordering::Release);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
