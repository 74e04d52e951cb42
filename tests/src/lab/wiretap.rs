//! A plain forwarder that keeps what one side says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Listens on a port of its own, passes every connection on to another one, and keeps what the callers say.
#[derive(Debug)]
pub struct Wiretap {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    speaking: Arc<AtomicUsize>,
}

impl Wiretap {
    /// A way to the port `to` of this machine. It serves until the test program ends.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    #[must_use]
    pub fn before(to: u16) -> Self {
        Self::between(0, to)
    }

    /// The same from the port `from`, such as one that a hidden service leads to.
    ///
    /// # Panics
    ///
    /// When it cannot listen there.
    #[must_use]
    pub fn between(from: u16, to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", from)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let speaking = Arc::<AtomicUsize>::default();
        let (kept, callers) = (heard.clone(), speaking.clone());
        thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let speaks = Speaks::begin(&callers);
                // a port that is closed is closed to the caller, too
                let Ok(callee) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (Ok(from), Ok(back)) = (caller.try_clone(), callee.try_clone()) else { continue };
                let kept = kept.clone();
                thread::spawn(move || {
                    pass(from, callee, |bytes| lock(&kept).extend_from_slice(bytes));
                    drop(speaks);
                });
                thread::spawn(move || pass(back, caller, |_| {}));
            }
        });
        Self { port, heard, speaking }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All that callers said so far, of all connections in the order of arrival.
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        self.heard_since(0)
    }

    /// The same without the first `at` bytes.
    #[must_use]
    pub fn heard_since(&self, at: usize) -> Vec<u8> {
        lock(&self.heard).get(at..).unwrap_or_default().to_vec()
    }

    /// How many connections are open whose caller may have said more than was heard so far.
    #[must_use]
    pub fn speaking(&self) -> usize {
        self.speaking.load(Ordering::SeqCst)
    }
}

/// One caller who may say more.
#[derive(Debug)]
struct Speaks(Arc<AtomicUsize>);

impl Speaks {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Speaks {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut copy = || -> io::Result<()> {
        let mut piece = [0; 16 << 10];
        loop {
            let read = from.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            keep(&piece[..read]);
            to.write_all(&piece[..read])?;
        }
    };
    // whatever ended it, the other side is to see an end
    let _ = copy();
    let _ = to.shutdown(Shutdown::Write);
}

fn lock(heard: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
