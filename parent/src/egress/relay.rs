//! Carries bytes in both directions, within limits.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use permafrost_common::transport::WRITE_MAX;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::outcome::{Carried, Outcome};

/// The limits of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The time without a byte in either direction.
    pub(super) idle: Duration,
    /// The total time.
    pub(super) time: Duration,
    /// The bytes in each direction.
    pub(super) bytes: u64,
}

/// Carries bytes between two streams until both have closed or a limit is reached.
///
/// The end of one direction is passed on, and the other direction continues (RFC 9293 section 3.6). The first byte beyond
/// the limit ends the connection; all bytes before it are passed on.
pub(super) async fn relay<E, H>(enclave: E, host: H, limits: Limits, carried: &Carried) -> Outcome
where
    E: AsyncRead + AsyncWrite,
    H: AsyncRead + AsyncWrite,
{
    let activity = Activity::new();
    let (from_enclave, to_enclave) = tokio::io::split(enclave);
    let (from_host, to_host) = tokio::io::split(host);
    let out = pass(from_enclave, to_host, limits.bytes, |bytes| {
        activity.now();
        carried.to_host(bytes);
    });
    let back = pass(from_host, to_enclave, limits.bytes, |bytes| {
        activity.now();
        carried.to_enclave(bytes);
    });
    tokio::select! {
        biased;
        outcome = both(out, back) => outcome,
        () = tokio::time::sleep(limits.time) => Outcome::TimeLimit,
        () = activity.ceased(limits.idle) => Outcome::IdleTimeout,
    }
}

/// Why a direction was cut before its end.
enum Cut {
    Broken,
    ByteLimit,
}

async fn both(
    out: impl Future<Output = Result<(), Cut>>,
    back: impl Future<Output = Result<(), Cut>>,
) -> Outcome {
    let (mut out, mut back) = (pin!(out), pin!(back));
    let (first, out_ended) = tokio::select! {
        ended = &mut out => (ended, true),
        ended = &mut back => (ended, false),
    };
    if let Err(cut) = first {
        return cut.into();
    }
    let second = if out_ended { back.await } else { out.await };
    match second {
        Err(Cut::ByteLimit) => Outcome::ByteLimit,
        // A side that has closed its direction may leave without reading the rest, as TLS clients do.
        Err(Cut::Broken) | Ok(()) => Outcome::Done,
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    limit: u64,
    carried: impl Fn(u64),
) -> Result<(), Cut> {
    let mut buffer = vec![0; WRITE_MAX];
    let mut left = limit;
    loop {
        let read = from.read(&mut buffer).await.map_err(|_| Cut::Broken)?;
        if read == 0 {
            return to.shutdown().await.map_err(|_| Cut::Broken);
        }
        let fits = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        let chunk = buffer.get(..fits).unwrap_or_default();
        to.write_all(chunk).await.map_err(|_| Cut::Broken)?;
        to.flush().await.map_err(|_| Cut::Broken)?;
        carried(fits as u64);
        left = left.saturating_sub(fits as u64);
        if fits < read {
            return Err(Cut::ByteLimit);
        }
    }
}

impl From<Cut> for Outcome {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Broken => Self::Broken,
            Cut::ByteLimit => Self::ByteLimit,
        }
    }
}

/// The time of the last byte.
struct Activity {
    began: Instant,
    /// In milliseconds after the start.
    last: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    fn now(&self) {
        let elapsed = self.began.elapsed().as_millis();
        self.last.store(
            u64::try_from(elapsed).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    /// Returns when no byte has passed for this long.
    async fn ceased(&self, idle: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let until = self.began + last + idle;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}
