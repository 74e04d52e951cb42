//! A SOCKS5 proxy that does what a test tells it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smol::channel::{Receiver, Sender, bounded};
use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, Timer};

/// The answer to a CONNECT that succeeded.
pub(crate) const ACCEPTED: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// What a host is to the proxy.
#[derive(Clone)]
pub(crate) enum Route {
    /// A stream to this address.
    To(SocketAddr),
    /// The same, but after so many bytes it reads no more from the client until the channel closes.
    Stall(SocketAddr, usize, Receiver<()>),
    /// These bytes for an answer, and nothing more.
    Answer(Vec<u8>),
    /// No answer.
    Silence,
}

/// How the proxy writes its answers.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    AtOnce,
    ByteByByte,
}

/// What the proxy saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Connect {
        user: Vec<u8>,
        password: Vec<u8>,
        host: String,
    },
    /// A client hung up that had no stream.
    Gone,
}

pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    pub(crate) seen: Receiver<Seen>,
}

impl Proxy {
    pub(crate) async fn start(executor: &Executor<'static>, pace: Pace, routes: &[(&str, Route)]) -> Self {
        Self::start_on(executor, 0, pace, routes).await
    }

    pub(crate) async fn start_on(executor: &Executor<'static>, port: u16, pace: Pace, routes: &[(&str, Route)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, seen) = bounded(1_024);
        let routes: HashMap<String, Route> = routes.iter().map(|(host, route)| ((*host).to_owned(), route.clone())).collect();
        let routes = Arc::new(routes);
        let accept = async move {
            let clients = Executor::new();
            let accept = async {
                while let Ok((client, _)) = listener.accept().await {
                    clients.spawn(serve(client, pace, routes.clone(), sender.clone())).detach();
                }
            };
            clients.run(accept).await;
        };
        executor.spawn(accept).detach();
        Self { addr, seen }
    }
}

async fn serve(mut client: TcpStream, pace: Pace, routes: Arc<HashMap<String, Route>>, seen: Sender<Seen>) -> io::Result<()> {
    let greeting = read(&mut client, 3).await?;
    assert_eq!(greeting, [5, 1, 2], "Tor streams must isolate");
    say(&mut client, pace, &[5, 2]).await?;
    let head = read(&mut client, 2).await?;
    let user = read(&mut client, head[1].into()).await?;
    let len = read(&mut client, 1).await?[0];
    let password = read(&mut client, len.into()).await?;
    say(&mut client, pace, &[1, 0]).await?;
    let head = read(&mut client, 5).await?;
    assert_eq!(head[..4], [5, 1, 0, 3]);
    let name = read(&mut client, head[4].into()).await?;
    let port = read(&mut client, 2).await?;
    assert_eq!(port, 18_083_u16.to_be_bytes());
    let host = String::from_utf8(name).unwrap();
    let route = routes.get(&host).cloned().unwrap_or(Route::Silence);
    let _ = seen.try_send(Seen::Connect { user, password, host });
    match route {
        Route::To(addr) => relay(client, pace, addr, usize::MAX, bounded(1).1).await?,
        Route::Stall(addr, after, released) => relay(client, pace, addr, after, released).await?,
        Route::Answer(bytes) => {
            say(&mut client, pace, &bytes).await?;
            let _ = client.read(&mut [0; 1_024]).await;
        }
        Route::Silence => {
            let left = client.read(&mut [0]).await;
            assert!(!matches!(left, Ok(1)), "data before the answer");
            let _ = seen.try_send(Seen::Gone);
        }
    }
    Ok(())
}

async fn relay(mut client: TcpStream, pace: Pace, addr: SocketAddr, after: usize, released: Receiver<()>) -> io::Result<()> {
    let peer = TcpStream::connect(addr).await?;
    say(&mut client, pace, &ACCEPTED).await?;
    or(copy(client.clone(), peer.clone(), after, released), copy(peer, client, usize::MAX, bounded(1).1)).await
}

/// Copies until the stream ends; pauses after so many bytes until `released` is closed.
async fn copy(mut from: TcpStream, mut to: TcpStream, after: usize, released: Receiver<()>) -> io::Result<()> {
    let mut chunk = [0; 4_096];
    let mut copied = 0;
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        copied += count;
        if copied > after {
            let _ = released.recv().await;
        }
        to.write_all(&chunk[..count]).await?;
    }
}

async fn read(client: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn say(client: &mut TcpStream, pace: Pace, bytes: &[u8]) -> io::Result<()> {
    match pace {
        Pace::AtOnce => client.write_all(bytes).await,
        Pace::ByteByByte => {
            for byte in bytes {
                client.write_all(&[*byte]).await?;
                Timer::after(Duration::from_millis(1)).await;
            }
            Ok(())
        }
    }
}
