//! The other end of a stream, which says what it says.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use smol::io::{AsyncRead, AsyncWrite};

/// Says these bytes in pieces of these sizes (1 to 256, in turn; whole without any), whatever it is told, and keeps that.
pub(crate) struct Says<'a> {
    says: &'a [u8],
    sizes: &'a [u8],
    reads: usize,
    told: Vec<u8>,
}

impl<'a> Says<'a> {
    pub(crate) const fn new(says: &'a [u8], sizes: &'a [u8]) -> Self {
        Self { says, sizes, reads: 0, told: Vec::new() }
    }

    /// Bytes that were not read.
    pub(crate) const fn left(&self) -> usize {
        self.says.len()
    }

    /// What it was told.
    pub(crate) fn told(self) -> Vec<u8> {
        self.told
    }
}

impl AsyncRead for &mut Says<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let size = self.sizes.get(self.reads % self.sizes.len().max(1)).map_or(usize::MAX, |&size| 1 + usize::from(size));
        let count = size.min(buffer.len()).min(self.says.len());
        let (now, later) = self.says.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.says = later;
        self.reads += 1;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for &mut Says<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.told.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
