//! The enclave log: one JSON object per line, on standard error, or to the parent over a connection of its own (`docs/log.md`).
//!
//! Much console output has hung whole enclaves, and a parent that does not read must not slow down a request. So no request waits
//! for the receiver: lines go into a bounded queue, a separate thread carries them, and lines that find no room are dropped and
//! counted.

mod carrier;
mod line;
mod queue;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use permafrost_common::transport::Address;
use tracing_subscriber::fmt::MakeWriter;

use queue::Queue;

pub use line::LINE_MAX;
pub use queue::{BYTES_MAX, LINES_MAX};

/// Where the log lines of this process go.
#[derive(Clone, Debug)]
pub struct Log(Option<Arc<Queue>>);

impl Log {
    /// From now on sends the log lines of this process to an address, or writes them to standard error.
    ///
    /// # Errors
    ///
    /// The thread that carries them cannot start.
    pub fn start(to: Option<Address>) -> io::Result<Self> {
        let json = tracing_subscriber::fmt().json();
        let Some(address) = to else {
            // A process has one logger: the first one stays.
            let _there_is_one = json.with_writer(io::stderr).try_init();
            return Ok(Self(None));
        };
        let queue = Arc::new(Queue::default());
        carrier::start(Arc::clone(&queue), address)?;
        let _there_is_one = json.with_writer(Lines(Arc::clone(&queue))).try_init();
        Ok(Self(Some(queue)))
    }

    /// Whether lines go to an address, and none to standard error.
    pub fn are_sent(&self) -> bool {
        self.0.is_some()
    }

    /// Sends what is waiting, and waits until the receiver has taken it, for at most `time`. Later lines are lost.
    pub fn end(&self, time: Duration) {
        if let Some(queue) = &self.0 {
            queue.end(time);
        }
    }
}

/// Puts into the queue what the subscriber writes, which is one event per call.
struct Lines(Arc<Queue>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.push(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
