//! A daemon of a few lines, and a peer, that do what a test tells them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anonet_core::Network;
use anonet_core::levin::{self, Kind};
use anonet_core::wire::{HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, TxForm, command};
use bytes::BytesMut;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// What it knows and was asked.
#[derive(Default)]
pub struct Says {
    /// The answer to a transaction.
    pub to_tx: Value,
    pub pool: Vec<String>,
    /// For each unit of weight, in atomic units.
    pub fee: u64,
    /// Those that it has told.
    pub fees_told: Vec<u64>,
    /// A part of its answer about the backlog of its pool.
    pub backlog: Vec<u8>,
    /// Transactions of the top block, whose height is 2.
    pub mined: Vec<String>,
    /// The bodies of all `/send_raw_transaction`.
    pub sent: Vec<Value>,
    /// Answers to paths of which it knows nothing else.
    pub replies: BTreeMap<String, Vec<u8>>,
    /// Path and body of all that it was asked, in order.
    pub asked: Vec<(String, Vec<u8>)>,
}

/// A synchronized daemon on a chain of three blocks.
pub struct Monerod {
    pub port: u16,
    pub says: Arc<Mutex<Says>>,
}

impl Monerod {
    pub fn start() -> Self {
        Self::start_on(0)
    }

    pub fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let says = Arc::new(Mutex::new(Says { to_tx: json!({ "status": "OK" }), ..Says::default() }));
        let shared = says.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let says = shared.clone();
                thread::spawn(move || while serve(&mut &stream, &says).is_some() {});
            }
        });
        Self { port, says }
    }

    /// The same, and it speaks TLS alone.
    pub fn start_with_tls(config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let says = Arc::new(Mutex::new(Says { to_tx: json!({ "status": "OK" }), ..Says::default() }));
        let shared = says.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (says, connection) = (shared.clone(), ServerConnection::new(config.clone()).unwrap());
                let mut stream = StreamOwned::new(connection, stream);
                thread::spawn(move || {
                    while serve(&mut stream, &says).is_some() {}
                    // what is left unread would take an alert away from the caller
                    io::copy(&mut stream.sock, &mut io::sink())
                });
            }
        });
        Self { port, says }
    }

    pub fn option(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn answer_with(&self, answer: Value) {
        self.says.lock().unwrap().to_tx = answer;
    }

    pub fn reply(&self, path: &str, reply: impl Into<Vec<u8>>) {
        self.says.lock().unwrap().replies.insert(path.to_owned(), reply.into());
    }

    /// The bodies that were posted to this path.
    pub fn asked(&self, path: &str) -> Vec<Vec<u8>> {
        let says = self.says.lock().unwrap();
        says.asked.iter().filter(|(asked, _)| asked == path).map(|(_, body)| body.clone()).collect()
    }

    pub fn sent(&self) -> Vec<Value> {
        self.says.lock().unwrap().sent.clone()
    }
}

fn serve(stream: &mut (impl Read + Write), says: &Mutex<Says>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?;
    let answer = {
        let mut says = says.lock().unwrap();
        says.asked.push((path.to_owned(), body.clone()));
        match says.replies.get(path) {
            Some(reply) => reply.clone(),
            None if body.windows(18).any(|window| window == b"get_txpool_backlog") => {
                [b"{\"id\": \"0\",\"result\": {", &says.backlog[..], b"\"status\": \"OK\"}}"].concat()
            }
            None => {
                let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
                answer(path, request, &mut says).to_string().into_bytes()
            }
        }
    };
    write!(stream, "HTTP/1.1 200 Ok\r\nContent-Length: {}\r\n\r\n", answer.len()).ok()?;
    stream.write_all(&answer).ok()?;
    stream.flush().ok()
}

fn answer(path: &str, request: Value, says: &mut Says) -> Value {
    let hash = |byte: u64| format!("{byte:02x}").repeat(32);
    let header = |height: u64| {
        json!({ "height": height, "hash": hash(height + 1), "prev_hash": hash(height), "major_version": 16,
                "cumulative_difficulty": 3, "cumulative_difficulty_top64": 0 })
    };
    match (path, request["method"].as_str()) {
        ("/get_info", _) => {
            json!({ "status": "OK", "height": 3, "target_height": 0, "nettype": "fakechain", "synchronized": true })
        }
        ("/json_rpc", Some("get_last_block_header")) => json!({ "result": { "block_header": header(2) } }),
        ("/json_rpc", Some("get_block")) => {
            let height = request["params"]["height"].as_u64().unwrap();
            let txs = if height == 2 { says.mined.clone() } else { Vec::new() };
            json!({ "result": { "block_header": header(height), "tx_hashes": txs } })
        }
        ("/json_rpc", Some("get_fee_estimate")) => {
            says.fees_told.push(says.fee);
            json!({ "result": { "fee": says.fee, "quantization_mask": 10_000 } })
        }
        ("/get_transaction_pool_hashes", _) => json!({ "status": "OK", "tx_hashes": says.pool }),
        ("/send_raw_transaction", _) => {
            says.sent.push(request);
            says.to_tx.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn frame(kind: Kind, command: u32, body: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    levin::frame(&mut out, kind, command, body);
    out
}

const fn node_data() -> NodeData {
    NodeData { my_port: 0, network_id: Network::Regtest.id(), peer_id: 7, rpc_credits_per_hash: 0, rpc_port: 0, support_flags: 1 }
}

/// A peer with an open link.
pub struct Peer {
    stream: TcpStream,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// A public peer, once the node has dialled it.
    pub fn listen(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let peer = Self::on(stream);
        let (node, sync) = (node_data(), Network::Regtest.genesis_sync());
        peer.write(&frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
            HandshakeResponse::encode(out, &node, &sync, [].iter());
        }));
        peer
    }

    /// A peer that came through a hidden service.
    pub fn connect(port: u16) -> Self {
        let peer = Self::on(TcpStream::connect(("127.0.0.1", port)).unwrap());
        let hello = HandshakeRequest {
            node: NodeData { peer_id: 1, support_flags: 0, ..node_data() },
            sync: Network::Regtest.genesis_sync(),
        };
        peer.write(&frame(Kind::Request, command::HANDSHAKE, |out| hello.encode(out)));
        peer
    }

    fn on(stream: TcpStream) -> Self {
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut reading, hears) = (stream.try_clone().unwrap(), heard.clone());
        thread::spawn(move || {
            let mut chunk = [0; 4_096];
            while let Ok(count @ 1..) = reading.read(&mut chunk) {
                hears.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Self { stream, heard }
    }

    fn write(&self, bytes: &[u8]) {
        (&self.stream).write_all(bytes).unwrap();
    }

    pub fn send(&self, form: TxForm, blob: &[u8]) {
        self.write(&frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, form, 0, [blob].into_iter())
        }));
    }

    pub fn has_heard(&self, part: &[u8]) -> bool {
        self.heard.lock().unwrap().windows(part.len()).any(|window| window == part)
    }

    /// Whether the node has closed the link.
    pub fn is_closed(&self) -> bool {
        self.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        (&self.stream).write_all(&[]).is_err() || matches!(self.stream.peek(&mut [0]), Ok(0))
    }
}
