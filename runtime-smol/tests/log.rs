//! What a log says, and what it keeps to itself. Alone in its file: what other tests' threads log must not count.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use anonet_core::Event;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use self::support::proxy::{Pace, Proxy};
use self::support::{ONIONS, TestNode, run};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is logged while a node meets a proxy that is not there, three times.
fn log_of_a_missing_proxy(level: Level) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    run(async |executor| {
        let mut proxy = Proxy::start(executor, Pace::AtOnce, &[]).await;
        // a port on which nobody listens
        proxy.addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = TestNode::client(executor, &proxy, &ONIONS[..3]);
        for _ in 0..3 {
            client.until(|event| matches!(event, Event::Down { .. }).then_some(())).await;
        }
        client.handle.shutdown().await;
    });
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn failed_dials_are_left_to_the_application_and_named_at_debug_level() {
    assert_eq!(log_of_a_missing_proxy(Level::INFO), "");
    let text = log_of_a_missing_proxy(Level::DEBUG);
    let told = text.lines().filter(|line| line.contains(".onion:18083") && line.contains("the proxy cannot be reached"));
    assert!(told.count() >= 3, "{text}");
}
