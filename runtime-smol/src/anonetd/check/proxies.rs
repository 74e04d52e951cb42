//! Whether the proxies answer, and keep streams apart.

use std::time::Duration;

use anonet_core::{DialFailure, Isolation, StreamIsolation, ZoneKind};
use async_io::Timer;
use smol::future::{or, zip};
use smol::net::TcpStream;

use super::Finding;
use crate::dial::{SocksProxy, Transport};
use crate::driver::Service;
use crate::socks::{self, Greeted};

/// A proxy is on this machine or near it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the proxy of each zone that has one.
pub(super) async fn find(service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (zone, transport) in service.config.zones.iter().zip(&service.transports) {
        if let Transport::Socks(proxy) = transport {
            findings.push(look(zone.kind, zone.isolation, proxy).await);
        }
    }
    findings
}

async fn look(kind: ZoneKind, isolation: StreamIsolation, proxy: &SocksProxy) -> Finding {
    let subject = format!("proxy of {kind} {}", proxy.addr);
    // two that differ, as a proxy that isolates has to take any
    let credentials = [Isolation::new([0; 8]), Isolation::new([0xff; 8])];
    let greeted = match zip(greet(proxy, credentials[0]), greet(proxy, credentials[1])).await {
        (Ok(one), Ok(_)) => one,
        (Err(failure), _) | (_, Err(failure)) => return Finding::error(subject, failure.to_string()),
    };
    match (kind, isolation, greeted) {
        (ZoneKind::Public, ..) => Finding::ok(subject, "it answers"),
        (ZoneKind::Tor, StreamIsolation::PerDial, _) => {
            Finding::ok(subject, "it answers, and takes the credentials that give each connection a circuit of its own")
        }
        (ZoneKind::Tor, _, Greeted::WithCredentials) => {
            Finding::warning(subject, "it answers and takes credentials: --allow-no-isolation can be left out")
        }
        (ZoneKind::Tor, ..) => {
            Finding::warning(subject, "it answers, but all connections may share one circuit: peers can link your transactions")
        }
        _ => Finding::ok(subject, "it answers; all connections come from one destination, as is usual there"),
    }
}

/// Opens a stream to the proxy and goes as far as its choice of authentication.
async fn greet(proxy: &SocksProxy, isolation: Isolation) -> Result<Greeted, DialFailure> {
    let greet = async {
        let mut stream = TcpStream::connect(proxy.addr).await.map_err(|_| DialFailure::ProxyUnreachable)?;
        socks::greet(&mut stream, &proxy.auth, isolation).await
    };
    let late = async {
        Timer::after(PATIENCE).await;
        Err(DialFailure::ProxyUnreachable)
    };
    or(greet, late).await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use smol::Executor;
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    use smol::net::TcpListener;

    use super::super::Grade;
    use super::*;
    use crate::dial::SocksAuth;

    /// A proxy that chooses this method, and then says this to credentials.
    async fn proxy(executor: &Executor<'static>, method: u8, status: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let serve = async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut head = [0; 2];
                client.read_exact(&mut head).await.unwrap();
                client.read_exact(&mut vec![0; head[1].into()]).await.unwrap();
                client.write_all(&[5, method]).await.unwrap();
                if method == 2 {
                    client.read_exact(&mut [0; 35]).await.unwrap();
                    client.write_all(&[1, status]).await.unwrap();
                }
            }
        };
        executor.spawn(serve).detach();
        addr
    }

    #[test]
    fn what_each_kind_of_proxy_gets() {
        use StreamIsolation::{None as Shared, PerDial};
        use ZoneKind::{I2p, Tor};
        let executor = Executor::new();
        smol::block_on(executor.run(async {
            for (kind, isolation, method, status, grade, says) in [
                (Tor, PerDial, 2, 0, Grade::Ok, "a circuit of its own"),
                (Tor, PerDial, 0, 0, Grade::Error, "isolat"),
                (Tor, PerDial, 0xff, 0, Grade::Error, "isolat"),
                (Tor, PerDial, 2, 1, Grade::Error, "credentials"),
                (Tor, Shared, 2, 0, Grade::Warning, "can be left out"),
                (Tor, Shared, 0, 0, Grade::Warning, "share one circuit"),
                (I2p, Shared, 0, 0, Grade::Ok, "one destination"),
                (I2p, Shared, 2, 0, Grade::Ok, "one destination"),
            ] {
                let auth = if isolation == PerDial { SocksAuth::IsolationRequired } else { SocksAuth::IsolationOffered };
                let addr = proxy(&executor, method, status).await;
                let found = look(kind, isolation, &SocksProxy { addr, auth }).await;
                assert_eq!(found.grade, grade, "{kind} {method}: {found:?}");
                assert!(found.detail.contains(says), "{kind} {method}: {found:?}");
            }
            let nobody = SocksProxy { addr: "127.0.0.1:1".parse().unwrap(), auth: SocksAuth::None };
            let found = look(ZoneKind::Public, Shared, &nobody).await;
            assert_eq!(found.grade, Grade::Error);
            assert!(found.detail.contains("cannot be reached"), "{found:?}");
        }));
    }
}
