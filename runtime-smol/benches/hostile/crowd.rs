//! So many hostile streams at once; those that the node ends are opened again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use smol::channel::{Sender, bounded};
use smol::net::TcpStream;
use smol::{Executor, Timer};

use super::kinds::Kind;

/// Before a stream that was ended is opened again.
const PAUSE: Duration = Duration::from_millis(50);

/// Hostile peers, on a thread of their own. They leave when this is dropped.
pub(crate) struct Crowd {
    ended: Arc<AtomicUsize>,
    leave: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Sends so many to these listeners, of these kinds in turn.
    pub(crate) fn send(size: usize, kinds: &[Kind], listeners: &[SocketAddr]) -> Self {
        let (leave, left) = bounded(1);
        let ended = Arc::<AtomicUsize>::default();
        let (kinds, listeners, count) = (kinds.to_vec(), listeners.to_vec(), ended.clone());
        let thread = thread::spawn(move || {
            let executor = Executor::new();
            for number in 0..size {
                // each kind comes to each listener
                let (kind, at) = (kinds[number % kinds.len()], listeners[number / kinds.len() % listeners.len()]);
                executor.spawn(come_again(kind, at, count.clone())).detach();
            }
            // an error says that it is to leave, too
            let _ = smol::block_on(executor.run(left.recv()));
        });
        Self { ended, leave, thread: Some(thread) }
    }

    /// How many streams the node has ended so far, or not let in.
    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.leave.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn come_again(kind: Kind, at: SocketAddr, ended: Arc<AtomicUsize>) {
    loop {
        if let Ok(stream) = TcpStream::connect(at).await {
            // whatever ended it, it comes again
            let _ = kind.act(stream).await;
        }
        ended.fetch_add(1, Ordering::Relaxed);
        Timer::after(PAUSE).await;
    }
}
