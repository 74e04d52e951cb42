use std::sync::atomic::{AtomicUsize, Ordering};

use smol::channel::{Receiver, Sender, bounded};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::unix::UnixStream;

use super::*;

const LIMITS: HttpLimits = HttpLimits {
    body: 4 * SMALL_BODY,
    connections: 2 * LARGE_BODIES,
    headers_within: Duration::from_secs(3_600),
    body_within: Duration::from_secs(3_600),
    rest_within: Duration::from_secs(3_600),
};

/// Answers with the length of each body, once it may; and how many have arrived.
struct Slow {
    permitted: Receiver<()>,
    arrived: Arc<AtomicUsize>,
}

impl Site for Slow {
    fn admit(&self, _: &Parts) -> Result<(), Answer> {
        Ok(())
    }

    async fn answer(&self, call: Call) -> Reply {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        let _ = self.permitted.recv().await;
        Answer::ok(&call.body.len()).into_reply()
    }
}

/// Callers of a server.
struct Callers {
    executor: Arc<Executor<'static>>,
    connect: Sender<io::Result<UnixStream>>,
    may: Sender<()>,
    arrived: Arc<AtomicUsize>,
}

impl Callers {
    /// Of a server that answers so many requests and leaves the others waiting.
    fn new(executor: &Arc<Executor<'static>>, limits: HttpLimits, answers: usize) -> Self {
        let ((connect, incoming), (may, permitted), arrived) = (bounded(64), bounded(64), Arc::<AtomicUsize>::default());
        (0..answers).for_each(|_| may.try_send(()).unwrap());
        let (site, tasks) = (Arc::new(Slow { permitted, arrived: arrived.clone() }), executor.clone());
        executor.spawn(async move { serve(&tasks, Box::pin(incoming), limits, site).await }).detach();
        Self { executor: executor.clone(), connect, may, arrived }
    }

    fn connect(&self) -> UnixStream {
        let (here, there) = UnixStream::pair().unwrap();
        self.connect.try_send(Ok(there)).unwrap();
        here
    }

    /// A request whose answer is read to its end, or until nothing more can happen.
    fn ask(&self, head: String, body: usize) -> smol::Task<String> {
        let mut stream = self.connect();
        self.executor.spawn(async move {
            let request = [head.as_bytes(), &vec![b'x'; body]].concat();
            let _ = stream.write_all(&request).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8(answer).unwrap()
        })
    }

    fn post(&self, body: usize) -> smol::Task<String> {
        self.ask(format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {body}\r\n\r\n"), body)
    }
}

/// Lets everything go on that can.
async fn settle() {
    Timer::after(Duration::from_millis(150)).await;
}

fn run(test: impl AsyncFnOnce(&Arc<Executor<'static>>)) {
    let executor = Arc::new(Executor::new());
    let late = async {
        Timer::after(Duration::from_secs(30)).await;
        panic!("the test hangs");
    };
    smol::block_on(executor.run(or(test(&executor), late)));
}

#[test]
fn a_body_is_taken_up_to_its_limit_with_a_length_and_without() {
    run(async |executor| {
        let callers = Callers::new(executor, LIMITS, 64);
        let chunked = |body: usize| {
            let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
            format!("{head}{body:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(body))
        };
        for (body, status) in [(LIMITS.body, "HTTP/1.1 200"), (LIMITS.body + 1, "HTTP/1.1 413")] {
            assert!(callers.post(body).await.starts_with(status), "{body}");
            assert!(callers.ask(chunked(body), 0).await.starts_with(status), "{body} in a chunk");
        }
    });
}

#[test]
fn eight_large_bodies_are_held_at_once_and_small_ones_beside_them() {
    run(async |executor| {
        let callers = Callers::new(executor, LIMITS, 0);
        let large: Vec<_> = (0..=LARGE_BODIES).map(|_| callers.post(SMALL_BODY + 1)).collect();
        settle().await;
        let arrived = || callers.arrived.load(Ordering::Relaxed);
        assert_eq!(arrived(), LARGE_BODIES, "the last one waits");
        let small = callers.post(SMALL_BODY);
        settle().await;
        assert_eq!(arrived(), LARGE_BODIES + 1, "a small one waits for no place");
        (0..LARGE_BODIES + 2).for_each(|_| callers.may.try_send(()).unwrap());
        assert!(small.await.ends_with("65536"));
        for body in large {
            assert!(body.await.ends_with("65537"));
        }
    });
}

#[test]
fn connections_beyond_the_limit_are_closed_and_their_places_come_back() {
    run(async |executor| {
        let callers = Callers::new(executor, LIMITS, 64);
        let mut held: Vec<_> = (0..LIMITS.connections).map(|_| callers.connect()).collect();
        let mut byte = [0];
        assert_eq!(callers.connect().read(&mut byte).await.unwrap(), 0, "one too many");
        held.pop();
        settle().await;
        assert!(callers.post(1).await.starts_with("HTTP/1.1 200"));
    });
}

#[test]
fn headers_have_16_kib_and_no_more() {
    run(async |executor| {
        let callers = Callers::new(executor, LIMITS, 64);
        let head = |length: usize| {
            let (begin, end) = ("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\nX: ", "\r\n\r\n");
            format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))
        };
        assert!(callers.ask(head(HEADER_BYTES - 1), 0).await.starts_with("HTTP/1.1 200"));
        let refused = callers.ask(head(HEADER_BYTES + 1), 0).await;
        assert!(refused.starts_with("HTTP/1.1 431") || refused.is_empty(), "{refused}");
    });
}

#[test]
fn a_body_has_its_time() {
    run(async |executor| {
        let callers = Callers::new(executor, HttpLimits { body_within: Duration::from_millis(50), ..LIMITS }, 64);
        let slow = callers.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".into(), 8).await;
        assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    });
}
