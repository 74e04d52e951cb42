//! A daemon that says what a test tells it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anonet_core::addr::Addr;
use async_io::Timer;
use serde_json::Value;
use smol::Executor;
use smol::future::{or, pending};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

use super::client::{HttpClient, Patience};
use crate::dial::Transport;

/// What it does with one question.
#[derive(Clone, Debug)]
pub(in super::super) enum Reply {
    /// A whole answer of HTTP.
    Body(u16, Vec<u8>),
    /// These bytes, and then the end of the connection.
    Raw(Vec<u8>),
    /// A whole answer, after which it ends the connection without a word of it.
    LastBody(Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

impl Reply {
    pub(in super::super) fn json(value: &Value) -> Self {
        Self::Body(200, value.to_string().into())
    }
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    questions: Vec<(String, Vec<u8>)>,
}

/// The replies in their order; the last one is given again and again.
#[derive(Clone, Debug)]
pub(in super::super) struct FakeDaemon {
    pub(in super::super) addr: Addr,
    seen: Arc<Mutex<Seen>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl FakeDaemon {
    pub(in super::super) async fn start(executor: &Arc<Executor<'static>>, replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            addr: listener.local_addr().unwrap().into(),
            seen: Arc::default(),
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
        };
        let (serving, tasks) = (fake.clone(), executor.clone());
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.seen.lock().unwrap().connections += 1;
                let fake = serving.clone();
                tasks.spawn(async move { drop(fake.serve(stream).await) }).detach();
            }
        };
        executor.spawn(accept).detach();
        fake
    }

    pub(in super::super) fn client(&self) -> HttpClient {
        let patience = Patience { dial: Duration::from_secs(10), answer: Duration::from_secs(10) };
        HttpClient::with_patience(Transport::Direct, self.addr.clone(), patience)
    }

    pub(in super::super) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Path and body of all that it was asked.
    pub(in super::super) fn questions(&self) -> Vec<(String, Vec<u8>)> {
        self.seen.lock().unwrap().questions.clone()
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let question = read_request(&mut stream).await?;
            self.seen.lock().unwrap().questions.push(question);
            let reply = {
                let mut replies = self.replies.lock().unwrap();
                if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
            };
            match reply.expect("a test gives replies") {
                Reply::Body(status, body) => stream.write_all(&answer(status, &body)).await?,
                Reply::LastBody(body) => return stream.write_all(&answer(200, &body)).await,
                Reply::Raw(bytes) => return stream.write_all(&bytes).await,
                Reply::Silence => pending().await,
            }
        }
    }
}

/// An answer as monerod frames it.
pub(in super::super) fn answer(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} Whatever\r\nServer: Epee-based\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ASCII");
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let path = head.split(' ').nth(1).expect("a request line").to_owned();
    Ok((path, body))
}

/// Runs a test that would otherwise hang.
pub(in super::super) fn run(test: impl AsyncFnOnce(&Arc<Executor<'static>>)) {
    let executor = Arc::new(Executor::new());
    let late = async {
        Timer::after(Duration::from_secs(30)).await;
        panic!("the test hangs");
    };
    smol::block_on(executor.run(or(test(&executor), late)));
}
