//! Log lines: one JSON object each, on standard error, or to the parent by a connection of their own (`docs/log.md`).
//!
//! A console that is written to much has hung whole enclaves, and a parent that does not read may not slow a request. So
//! nothing here waits for whoever reads: lines go into a bounded queue, a thread of its own carries them, and what has no
//! room is lost and counted.

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
    /// Sends the log lines of this process, from now on, to an address, or writes them to standard error.
    ///
    /// # Errors
    ///
    /// There is no thread for them.
    pub fn start(to: Option<Address>) -> io::Result<Self> {
        let json = tracing_subscriber::fmt().json();
        let Some(address) = to else {
            // A process has one logger: where there is one, it stays.
            let _there_is_one = json.with_writer(io::stderr).try_init();
            return Ok(Self(None));
        };
        let queue = Arc::new(Queue::default());
        carrier::start(Arc::clone(&queue), address)?;
        let _there_is_one = json.with_writer(Lines(Arc::clone(&queue))).try_init();
        Ok(Self(Some(queue)))
    }

    /// Whether they go to an address, and standard error has none of them.
    pub fn are_sent(&self) -> bool {
        self.0.is_some()
    }

    /// Sends what is waiting, and waits until the other side has taken it, but not longer than `time`. Lines after this are lost.
    pub fn end(&self, time: Duration) {
        if let Some(queue) = &self.0 {
            queue.end(time);
        }
    }
}

/// Puts into the queue what the subscriber writes: each event with one call.
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
