//! Copies a stream both ways and keeps what passes, so that the story can tell what was on the wire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use smol::Executor;
use smol::future::or;
use smol::io::{self, AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

/// Bytes that passed, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    fn extend(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether any 32 bytes in a row of `secret` passed.
    pub(super) fn holds_part_of(&self, secret: &[u8]) -> bool {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts: std::collections::HashSet<&[u8]> = secret.windows(32).collect();
        bytes.windows(32).any(|window| parts.contains(window))
    }
}

/// Copies between two streams until either ends; `up` keeps what `from` sends, `down` what it is sent.
pub(super) async fn copy(from: TcpStream, to: TcpStream, up: &Recording, down: &Recording) -> io::Result<()> {
    or(one_way(from.clone(), to.clone(), up), one_way(to, from, down)).await
}

async fn one_way(mut from: TcpStream, mut to: TcpStream, kept: &Recording) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        kept.extend(&buffer[..count]);
        to.write_all(&buffer[..count]).await?;
    }
}

/// Listens in front of `target` and records what is sent to it.
pub(super) async fn in_front_of(executor: &Arc<Executor<'static>>, target: SocketAddr) -> io::Result<(SocketAddr, Recording)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (addr, recording) = (listener.local_addr()?, Recording::default());
    let (kept, spawner) = (recording.clone(), Arc::clone(executor));
    let accept = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            let forward = async move { copy(stream, TcpStream::connect(target).await?, &kept, &Recording::default()).await };
            spawner.spawn(forward).detach();
        }
    };
    executor.spawn(accept).detach();
    Ok((addr, recording))
}
