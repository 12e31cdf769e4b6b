//! Keeps every single write at or below [`WRITE_MAX`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that reach a socket in one write.
///
/// Linux since commit 6693731487a8 keeps a vsock packet in one piece only while it fits, with its 44-byte header and
/// the kernel's own bookkeeping (320 bytes on x86-64), into an allocation of 32 KiB: 32,404 bytes at most. This is
/// the next lower multiple of a 4 KiB page: 28,672 bytes.
pub const WRITE_MAX: usize = 28 * 1024;

/// A stream whose writes are cut to [`WRITE_MAX`] bytes; everything else passes unchanged.
#[derive(Debug)]
pub(super) struct BoundedWrites<S>(S);

impl<S> BoundedWrites<S> {
    pub(super) fn new(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedWrites<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, first_piece(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match first_pieces(bufs) {
            Pieces::Whole(bufs) => Pin::new(&mut self.0).poll_write_vectored(cx, bufs),
            Pieces::Part(buf) => Pin::new(&mut self.0).poll_write(cx, buf),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

/// The part of a vectored write that goes out now: some whole buffers, or the beginning of one.
enum Pieces<'a> {
    Whole(&'a [IoSlice<'a>]),
    Part(&'a [u8]),
}

fn first_pieces<'a>(bufs: &'a [IoSlice<'a>]) -> Pieces<'a> {
    let mut total = 0usize;
    let fits = bufs
        .iter()
        .take_while(|buf| {
            total = total.saturating_add(buf.len());
            total <= WRITE_MAX
        })
        .count();
    let (whole, rest) = bufs.split_at(fits);
    match rest.first() {
        // A buffer that does not fit behind nothing but empty ones: a write of those would look like the end.
        Some(buf) if whole.iter().all(|buf| buf.is_empty()) => Pieces::Part(first_piece(buf)),
        _ => Pieces::Whole(whole),
    }
}

fn first_piece(buf: &[u8]) -> &[u8] {
    buf.get(..WRITE_MAX).unwrap_or(buf)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Keeps everything written and records the size of every write.
    #[derive(Default)]
    struct Recorder {
        written: Vec<u8>,
        sizes: Vec<usize>,
    }

    impl AsyncWrite for Recorder {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.written.extend_from_slice(buf);
            self.sizes.push(buf.len());
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let size = bufs.iter().map(|buf| buf.len()).sum();
            for buf in bufs {
                self.written.extend_from_slice(buf);
            }
            self.sizes.push(size);
            Poll::Ready(Ok(size))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn the_limit_leaves_room_for_what_the_kernel_adds() {
        const { assert!(WRITE_MAX + 44 + 320 <= 32 * 1024) }
    }

    #[tokio::test]
    async fn a_mebibyte_reaches_the_socket_in_bounded_writes() {
        let message = pattern(1 << 20);
        let mut stream = BoundedWrites::new(Recorder::default());
        stream.write_all(&message).await.unwrap();
        assert!(stream.0.sizes.iter().all(|size| *size <= WRITE_MAX));
        assert_eq!(stream.0.written, message);
    }

    proptest! {
        #[test]
        fn vectored_writes_are_bounded_and_lose_nothing(
            lengths in prop::collection::vec(prop_oneof![
                Just(0usize), 1usize..100, Just(WRITE_MAX - 1), Just(WRITE_MAX), Just(WRITE_MAX + 1), 0usize..200_000
            ], 0..12)
        ) {
            let message = pattern(lengths.iter().sum());
            let mut parts: Vec<&[u8]> = Vec::new();
            let mut rest = message.as_slice();
            for length in lengths {
                let (part, after) = rest.split_at(length);
                parts.push(part);
                rest = after;
            }
            let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let recorder = runtime.block_on(async {
                let mut stream = BoundedWrites::new(Recorder::default());
                let mut bufs = slices.as_mut_slice();
                while bufs.iter().any(|buf| !buf.is_empty()) {
                    let written = poll_fn(|cx| Pin::new(&mut stream).poll_write_vectored(cx, bufs)).await.unwrap();
                    assert!(written > 0, "a write of nothing while bytes are left");
                    IoSlice::advance_slices(&mut bufs, written);
                }
                stream.0
            });
            prop_assert!(recorder.sizes.iter().all(|size| *size <= WRITE_MAX));
            prop_assert_eq!(recorder.written, message);
        }
    }
}
