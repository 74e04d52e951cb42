//! Questions by HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Posts JSON to a port of this machine, as a wallet does, and returns the answer.
///
/// # Errors
///
/// Why there is none in JSON.
pub fn post(port: u16, path: &str, body: &Value, timeout: Duration) -> Result<Value, String> {
    let body = body.to_string();
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(timeout))?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        read_answer(&mut stream)
    };
    let answer = exchange().map_err(|error| format!("{path}: {error}"))?;
    let text = String::from_utf8_lossy(&answer);
    let json = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(json).map_err(|error| format!("{path}: {error}: {text}"))
}

/// All up to the length that the head names, as monerod does not always close a connection that was to be closed.
fn read_answer(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut answer, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        let read = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..read]);
        if read == 0 || is_whole(&answer) {
            return Ok(answer);
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}
