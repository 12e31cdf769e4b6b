//! Carries lines to the receiver of the enclave log, on a thread of its own.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use permafrost_common::transport::{Address, Stream, connect_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::queue::Queue;

/// The time for one attempt to connect.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// The first pause between two connections; each next one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause between two connections.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// After a connection that lasted this long, the pauses start again with the first.
const WENT_WELL: Duration = Duration::from_secs(10);

/// How long one batch may take. After that the carrier tries another connection, in case nothing reads from this one.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// When the program ends: how long the receiver may take to confirm that it has read everything.
const TAKEN_TIME: Duration = Duration::from_secs(2);

/// Carries everything that comes into the queue to this address, until the queue ends.
///
/// The thread has a runtime of its own, so that requests and the carrier do not delay each other, and the carrier still runs when
/// the program ends or panics.
pub(super) fn start(queue: Arc<Queue>, address: Address) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || {
            runtime.block_on(carry(&queue, &address));
            queue.ended();
        })
        .map(drop)
}

async fn carry(queue: &Queue, address: &Address) {
    let mut pause = PAUSE_MIN;
    let mut hand = None;
    loop {
        let began = Instant::now();
        // The receiver may appear later, and there is no other place to report why it is absent.
        if let Ok(stream) = connect_within(address, CONNECT_TIME).await
            && over_one_connection(queue, stream, &mut hand).await == Ended::ByTheQueue
        {
            return;
        }
        pause = match began.elapsed() > WENT_WELL {
            true => PAUSE_MIN,
            false => PAUSE_MAX.min(pause * 2),
        };
        if queue.is_ending() {
            sleep(PAUSE_MIN).await;
        } else {
            let _ending_or_not = timeout(pause, queue.ending()).await;
        }
    }
}

#[derive(Eq, PartialEq)]
enum Ended {
    /// The queue has ended and everything in it was carried.
    ByTheQueue,
    /// The connection is no longer usable.
    ByTheOther,
}

/// `hand` holds what was taken from the queue and may not be written yet: the next connection begins with it, so that a reset
/// loses none of it. A line that arrives twice has the same number.
async fn over_one_connection(queue: &Queue, stream: Stream, hand: &mut Option<Vec<u8>>) -> Ended {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut said = [0];
    // The receiver sends nothing, so an end, an error or a byte from it ends the connection.
    let mut other_ends = pin!(from.read(&mut said));
    loop {
        let batch = match hand {
            Some(batch) => batch,
            None => tokio::select! {
                _ = &mut other_ends => return Ended::ByTheOther,
                batch = queue.batch() => match batch {
                    Some(batch) => hand.insert(batch),
                    None => break,
                },
            },
        };
        tokio::select! {
            _ = &mut other_ends => return Ended::ByTheOther,
            written = timeout(WRITE_TIME, to.write_all(batch)) => {
                if !matches!(written, Ok(Ok(()))) {
                    return Ended::ByTheOther;
                }
            }
        }
        *hand = None;
    }
    let _whatever_it_says = to.shutdown().await;
    let _it_takes_too_long = timeout(TAKEN_TIME, other_ends).await;
    Ended::ByTheQueue
}

#[cfg(test)]
mod tests;
