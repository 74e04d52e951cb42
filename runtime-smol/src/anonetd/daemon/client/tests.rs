use std::sync::Arc;

use super::super::fake::{FakeDaemon, Reply, answer, run};
use super::*;

const CAP: usize = 1_000;

fn chunked(body: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body:x}\r\n");
    [head.as_bytes(), &vec![b'x'; body], b"\r\n0\r\n\r\n"].concat()
}

#[test]
fn a_connection_is_kept_for_the_next_question_and_replaced_once_it_is_gone() {
    run(async |executor| {
        let last = Reply::LastBody(b"2".to_vec());
        let fake = FakeDaemon::start(executor, [Reply::Body(200, b"1".to_vec()), last, Reply::Body(200, b"3".to_vec())]).await;
        let client = fake.client();
        for (number, connections) in [(b"1", 1), (b"2", 1), (b"3", 2), (b"3", 2)] {
            let body = client.post("/get_info", Bytes::from_static(b"{}"), CAP).await.unwrap();
            assert_eq!((&body[..], fake.connections()), (&number[..], connections));
        }
        assert!(fake.questions().iter().all(|(path, body)| path == "/get_info" && body == b"{}"));
    });
}

#[test]
fn every_answer_that_is_none_has_its_name() {
    let large = answer(200, &[b'x'; CAP + 1]);
    for (reply, expected) in [
        (Reply::Body(200, vec![b'x'; CAP]), Ok(CAP)),
        (Reply::Body(200, vec![b'x'; CAP + 1]), Err(CallError::TooLarge { cap: CAP })),
        (Reply::Raw(chunked(CAP)), Ok(CAP)),
        (Reply::Raw(chunked(CAP + 1)), Err(CallError::TooLarge { cap: CAP })),
        (Reply::Body(401, Vec::new()), Err(CallError::Login)),
        (Reply::Body(404, b"Not found".to_vec()), Err(CallError::NotServed)),
        (Reply::Body(500, Vec::new()), Err(CallError::Status(500))),
        (Reply::Body(302, Vec::new()), Err(CallError::Status(302))),
        (Reply::Raw(answer(200, &[b'x'; 90])[..80].to_vec()), Err(CallError::Broken)),
        (Reply::Raw(Vec::new()), Err(CallError::Broken)),
        (Reply::Raw(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), Err(CallError::Garbage)),
        (Reply::Raw([b"HTTP/1.1 200 OK\r\nX: ", &vec![b'x'; HEADER_BYTES][..]].concat()), Err(CallError::Garbage)),
        (Reply::Raw(large[..large.len() - 1].to_vec()), Err(CallError::TooLarge { cap: CAP })),
    ] {
        run(async |executor| {
            let fake = FakeDaemon::start(executor, [reply.clone()]).await;
            let found = fake.client().post("/get_info", Bytes::new(), CAP).await;
            assert_eq!(found.map(|body| body.len()), expected, "{reply:?}");
        });
    }
}

#[test]
fn silence_ends_and_a_closed_port_is_named() {
    run(async |executor| {
        let fake = FakeDaemon::start(executor, [Reply::Silence]).await;
        let patience = Patience { dial: Duration::from_secs(10), answer: Duration::from_millis(50) };
        let client = HttpClient::with_patience(Transport::Direct, fake.addr.clone(), patience);
        assert_eq!(client.post("/get_info", Bytes::new(), CAP).await, Err(CallError::Late));
        assert_eq!(client.idle.list().len(), 0, "what answers late is not asked again");
        let nobody = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = HttpClient::new(Transport::Direct, anonet_core::Addr::from(nobody));
        assert_eq!(client.post("/get_info", Bytes::new(), CAP).await, Err(CallError::Refused));
    });
}

#[test]
fn few_connections_are_kept() {
    run(async |executor| {
        let fake = FakeDaemon::start(executor, [Reply::Body(200, b"1".to_vec())]).await;
        let client = Arc::new(fake.client());
        let ask = |client: Arc<HttpClient>| async move { client.post("/get_info", Bytes::new(), CAP).await.unwrap() };
        let tasks: Vec<_> = (0..IDLE + 3).map(|_| executor.spawn(ask(client.clone()))).collect();
        for task in tasks {
            task.await;
        }
        assert!(fake.connections() > IDLE && client.idle.list().len() == IDLE, "{}", fake.connections());
    });
}

#[test]
fn wallets_share_sixteen_exchanges_and_the_next_one_waits() {
    run(async |executor| {
        let fake = FakeDaemon::start(executor, [Reply::Silence]).await;
        let client = Arc::new(fake.client().for_wallets());
        let ask = |client: Arc<HttpClient>| async move { client.post("/get_info", Bytes::new(), CAP).await };
        let tasks: Vec<_> = (0..WALLET_EXCHANGES + 3).map(|_| executor.spawn(ask(client.clone()))).collect();
        while fake.connections() < WALLET_EXCHANGES {
            Timer::after(Duration::from_millis(5)).await;
        }
        Timer::after(Duration::from_millis(100)).await;
        assert_eq!(fake.connections(), WALLET_EXCHANGES);
        // who gives up makes room
        for task in tasks {
            task.cancel().await;
        }
        assert!(client.places.as_ref().unwrap().try_acquire().is_some());
    });
}
