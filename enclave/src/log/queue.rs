//! A bounded queue of lines that wait to be sent.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::line;

/// The most lines that wait.
pub const LINES_MAX: usize = 1024;

/// The most bytes that wait.
pub const BYTES_MAX: usize = 256 * 1024;

/// The most bytes of one batch. Its last line may exceed this.
const BATCH: usize = 16 * 1024;

/// Lines that wait. Putting a line in never blocks: if there is no room, the oldest lines are dropped and counted, because the
/// newest say why the enclave ends.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified when there is something for the carrier: a line, or the end.
    called: Notify,
    /// Notified when the carrier has ended.
    carried: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How many lines there have been.
    count: u64,
    /// How many were dropped since the last line that said so.
    lost: u64,
    /// [`Queue::end`] was called.
    ending: bool,
    /// The carrier has ended.
    ended: bool,
}

impl Queue {
    /// Puts an event in, as a line.
    pub(super) fn push(&self, event: &[u8]) {
        let mut waiting = self.lock();
        waiting.count += 1;
        let line = line::of_event(waiting.count, event);
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        while waiting.lines.len() > LINES_MAX || waiting.bytes > BYTES_MAX {
            let Some(oldest) = waiting.lines.pop_front() else {
                break;
            };
            waiting.bytes -= oldest.len();
            waiting.lost += 1;
        }
        drop(waiting);
        self.called.notify_one();
    }

    /// The next lines, oldest first, with one before them that says how many were lost; waits until there are any. Nothing
    /// when there are none and [`Queue::end`] was called.
    pub(super) async fn batch(&self) -> Option<Vec<u8>> {
        loop {
            let called = self.called.notified();
            {
                let mut waiting = self.lock();
                let batch = waiting.batch();
                if !batch.is_empty() {
                    return Some(batch);
                }
                if waiting.ending {
                    return None;
                }
            }
            called.await;
        }
    }

    /// Whether [`Queue::end`] was called.
    pub(super) fn is_ending(&self) -> bool {
        self.lock().ending
    }

    /// Returns when [`Queue::end`] was called.
    pub(super) async fn ending(&self) {
        while !self.is_ending() {
            self.called.notified().await;
        }
    }

    /// Asks the carrier to carry what is left and to end, and waits for that, for at most `time`.
    pub(super) fn end(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut waiting = self.lock();
        waiting.ending = true;
        self.called.notify_one();
        while !waiting.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            waiting = self
                .carried
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Says that the carrier has ended.
    pub(super) fn ended(&self) {
        self.lock().ended = true;
        self.carried.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn batch(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        if self.lost > 0 {
            batch = line::of_loss(self.lost);
            self.lost = 0;
        }
        while batch.len() < BATCH
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.len();
            batch.extend_from_slice(&line);
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(queue: &Queue) -> Vec<serde_json::Value> {
        let mut text = Vec::new();
        loop {
            let batch = queue.lock().batch();
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() < BATCH + line::LINE_MAX);
            text.extend(batch);
        }
        let lines = text.split(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_come_out_in_order_with_numbers_from_one() {
        let queue = Queue::default();
        for _ in 0..LINES_MAX {
            queue.push(b"{\"a\":1}\n");
        }
        let lines = everything(&queue);
        let numbers = lines.iter().map(|line| line["number"].as_u64().unwrap());
        assert!(numbers.eq(1..=LINES_MAX as u64));
    }

    #[test]
    fn beyond_so_many_lines_the_oldest_are_lost_and_counted() {
        let queue = Queue::default();
        for _ in 0..LINES_MAX + 5 {
            queue.push(b"{\"a\":1}\n");
        }
        assert_eq!(queue.lock().lines.len(), LINES_MAX);
        let lines = everything(&queue);
        assert_eq!(lines[0]["fields"]["lost"], 5);
        assert_eq!(lines[1]["number"], 6);
        assert_eq!(lines.last().unwrap()["number"], LINES_MAX + 5);
        assert_eq!(lines.len(), 1 + LINES_MAX);
    }

    #[test]
    fn beyond_so_many_bytes_the_oldest_are_lost_and_counted() {
        let queue = Queue::default();
        let event = format!("{{\"a\":\"{}\"}}", "b".repeat(4000));
        for _ in 0..500 {
            queue.push(event.as_bytes());
            let waiting = queue.lock();
            let bytes: usize = waiting.lines.iter().map(Vec::len).sum();
            assert_eq!(waiting.bytes, bytes);
            assert!(bytes <= BYTES_MAX);
        }
        let lines = everything(&queue);
        let lost = lines[0]["fields"]["lost"].as_u64().unwrap();
        assert_eq!(lines[1]["number"], lost + 1);
        assert_eq!(lost as usize + lines.len() - 1, 500);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn a_loss_is_reported_once() {
        let queue = Queue::default();
        for _ in 0..LINES_MAX + 1 {
            queue.push(b"{\"a\":1}");
        }
        assert_eq!(everything(&queue)[0]["fields"]["lost"], 1);
        queue.push(b"{\"a\":1}");
        assert_eq!(everything(&queue)[0]["number"], LINES_MAX + 2);
    }

    #[test]
    fn the_end_without_a_carrier_takes_no_longer_than_its_limit() {
        let queue = Queue::default();
        let began = Instant::now();
        queue.end(Duration::from_millis(50));
        assert!(began.elapsed() >= Duration::from_millis(50));
        queue.ended();
        queue.end(Duration::from_secs(3600));
    }
}
