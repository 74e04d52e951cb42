//! A SOCKS5 proxy that stands in for Tor: it demands a user name and password, as a Tor port does when streams are to
//! be kept apart, and leads onion names to hidden-service listeners on loopback.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use smol::Executor;
use smol::io::{self, AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use socks5_proto::handshake::password::{Request as Login, Response as LoginAnswer};
use socks5_proto::handshake::{Method, Request as Greeting, Response as Choice};
use socks5_proto::{Address, Reply, Request, Response};

use super::tap::{Recording, copy};

/// One CONNECT that the proxy was asked for.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    pub(super) user: Vec<u8>,
    pub(super) host: String,
    pub(super) led_on: bool,
}

/// What the proxy leads to and what it has seen.
#[derive(Debug, Default)]
struct State {
    services: BTreeMap<String, SocketAddr>,
    connects: Vec<Connect>,
}

/// The stand-in for Tor.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxy {
    state: Arc<Mutex<State>>,
    pub(super) up: Recording,
    pub(super) down: Recording,
}

impl Proxy {
    /// Makes a hidden service reachable.
    pub(super) fn publish(&self, onion: &str, listener: SocketAddr) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).services.insert(onion.to_owned(), listener);
    }

    /// What was asked so far.
    pub(super) fn connects(&self) -> Vec<Connect> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).connects.clone()
    }

    /// Begins to listen.
    pub(super) async fn start(&self, executor: &Arc<Executor<'static>>, addr: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(addr).await?;
        let (proxy, spawner) = (self.clone(), Arc::clone(executor));
        let accept = async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = proxy.clone();
                spawner.spawn(async move { proxy.serve(client).await }).detach();
            }
        };
        executor.spawn(accept).detach();
        Ok(())
    }

    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::new();
        let greeting = next(&mut client, &mut buffer, async |mut data| Greeting::read_from(&mut data).await.ok()).await?;
        if !greeting.methods.contains(&Method::PASSWORD) {
            return answer(&mut client, |out| Choice::new(Method::UNACCEPTABLE).write_to_buf(out)).await;
        }
        answer(&mut client, |out| Choice::new(Method::PASSWORD).write_to_buf(out)).await?;
        let login = next(&mut client, &mut buffer, async |mut data| Login::read_from(&mut data).await.ok()).await?;
        answer(&mut client, |out| LoginAnswer::new(true).write_to_buf(out)).await?;
        let request = next(&mut client, &mut buffer, async |mut data| Request::read_from(&mut data).await.ok()).await?;
        let Address::DomainAddress(host, _) = request.address else {
            return answer(&mut client, |out| response(Reply::AddressTypeNotSupported).write_to_buf(out)).await;
        };
        let host = String::from_utf8_lossy(&host).into_owned();
        let listener = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let listener = state.services.get(&host).copied();
            state.connects.push(Connect { user: login.username, host, led_on: listener.is_some() });
            listener
        };
        let Some(listener) = listener else {
            return answer(&mut client, |out| response(Reply::HostUnreachable).write_to_buf(out)).await;
        };
        let service = TcpStream::connect(listener).await?;
        answer(&mut client, |out| response(Reply::Succeeded).write_to_buf(out)).await?;
        copy(client, service, &self.up, &self.down).await
    }
}

fn response(reply: Reply) -> Response {
    Response::new(reply, Address::SocketAddress(SocketAddr::from(([0, 0, 0, 0], 0))))
}

async fn answer(client: &mut TcpStream, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
    let mut out = Vec::new();
    encode(&mut out);
    client.write_all(&out).await
}

/// Reads until `parse` makes a message of what has arrived. A client says one thing at a time, so nothing of the next
/// message is lost with the buffer.
async fn next<T>(client: &mut TcpStream, buffer: &mut Vec<u8>, parse: impl AsyncFn(&[u8]) -> Option<T>) -> io::Result<T> {
    buffer.clear();
    loop {
        let mut byte = [0; 256];
        let count = client.read(&mut byte).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&byte[..count]);
        let parsed = pin!(parse(buffer)).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Some(message)) = parsed {
            return Ok(message);
        }
        if buffer.len() > 1_024 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}
