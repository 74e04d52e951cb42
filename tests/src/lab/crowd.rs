//! Many callers who open a socket and say nothing.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// Between two looks at who was thrown out.
const LOOK: Duration = Duration::from_millis(50);

/// So many open sockets at one port of this machine; those that are closed are opened again.
#[derive(Debug)]
pub struct Crowd {
    leaves: Arc<AtomicBool>,
    thrown_out: Arc<AtomicUsize>,
    keeper: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Comes with `size` sockets to `port`, and stays until it is dropped.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    #[must_use]
    pub fn at(port: u16, size: usize) -> Self {
        let (leaves, thrown_out) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut callers: Vec<_> = (0..size).map(|_| call(port).expect("somebody listens")).collect();
        let (told, count) = (leaves.clone(), thrown_out.clone());
        let keeper = spawn(move || {
            while !told.load(Ordering::Relaxed) {
                callers.retain_mut(is_open);
                count.fetch_add(size - callers.len(), Ordering::Relaxed);
                callers.extend((callers.len()..size).map_while(|_| call(port).ok()));
                sleep(LOOK);
            }
        });
        Self { leaves, thrown_out, keeper: Some(keeper) }
    }

    /// How many of its sockets were closed so far.
    #[must_use]
    pub fn thrown_out(&self) -> usize {
        self.thrown_out.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.leaves.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn call(port: u16) -> std::io::Result<TcpStream> {
    let caller = TcpStream::connect(("127.0.0.1", port))?;
    caller.set_nonblocking(true)?;
    Ok(caller)
}

fn is_open(caller: &mut TcpStream) -> bool {
    match caller.read(&mut [0; 64]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
