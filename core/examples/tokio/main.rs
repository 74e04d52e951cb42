//! Drives a node with tokio, on one thread: a task owns the node, and each stream has one that reads and one that writes.
//! Sends one transaction to one hidden service through Tor, and ends.
#![allow(missing_docs, unreachable_pub, reason = "a program")]

mod driver;
#[path = "../shared/mod.rs"]
mod shared;

use std::net::SocketAddr;

use anonet_core::{Addr, DialFailure, Isolation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::shared::{SOCKS_ANSWER, socks_answered, socks_request};

fn main() {
    let errand = shared::Errand::read();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has an event queue");
    runtime.block_on(driver::run(errand.node(), errand.proxy, shared::on_event));
}

/// Asks the proxy for a stream, and waits for it.
async fn dial(proxy: SocketAddr, addr: &Addr, isolation: Isolation) -> Result<TcpStream, DialFailure> {
    let mut stream = TcpStream::connect(proxy).await.map_err(|_| DialFailure::ProxyUnreachable)?;
    let mut answer = [0; SOCKS_ANSWER];
    let asked = async {
        stream.write_all(&socks_request(&addr.reveal().to_string(), isolation.as_bytes())).await?;
        stream.read_exact(&mut answer).await
    };
    asked.await.map_err(|_| DialFailure::ProxyClosed)?;
    socks_answered(&answer).map(|()| stream)
}
