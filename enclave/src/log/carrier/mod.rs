//! Carries lines to whoever takes them, on a thread that does nothing else.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use permafrost_common::transport::{Address, Stream, connect_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::queue::Queue;

/// For one attempt to connect.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// The first pause between two connections; each next one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause between two connections.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A connection that was good for so long begins with the first pause again.
const WENT_WELL: Duration = Duration::from_secs(10);

/// How long one batch may take. Then another connection is tried, in case nobody is at the end of this one.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// How long the other side may take to say that it has read everything, when the program ends.
const TAKEN_TIME: Duration = Duration::from_secs(2);

/// Carries everything that comes into the queue to this address, until the queue ends.
///
/// The thread has a runtime of its own: what a request does cannot hold it up, nor it a request, and when the program ends or
/// panics it still runs.
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
        // Who is not there now may be there later, and nobody could be told why.
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
    /// Everything was carried, and nothing more will come.
    ByTheQueue,
    /// The connection is of no use any more.
    ByTheOther,
}

/// `hand` has what was taken from the queue and is not known to be written: the next connection begins with it, so that a
/// reset loses none of it. The number of a line tells one that comes twice.
async fn over_one_connection(queue: &Queue, stream: Stream, hand: &mut Option<Vec<u8>>) -> Ended {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut said = [0];
    // The other side has nothing to say: whatever comes, an end, an error or a byte, is the end.
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
