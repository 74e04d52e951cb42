//! A SOCKS proxy on loopback that stands in for tor, with faults on demand.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use super::process::{WorkDir, free_port, lab, output_of, start, tool};
use super::tor::port_in;

/// What the proxy does with SOCKS5 authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// Takes user and password if they are offered, as tor does.
    Any,
    /// Refuses clients that do not offer user and password.
    Require,
    /// Chooses "no authentication", as i2pd 2.45 does.
    None,
    /// Refuses every client.
    Reject,
}

impl Auth {
    fn option(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Require => "require",
            Self::None => "none",
            Self::Reject => "reject",
        }
    }
}

/// One CONNECT, or the failure to get that far, as the proxy logged it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Connect {
    /// The number of the connection, from 1 on, also that of its capture.
    pub id: u64,
    /// The host asked for; absent when the client did not get to ask.
    pub name: Option<String>,
    /// The port asked for.
    pub port: Option<u16>,
    /// The user name sent, which is empty in SOCKS4a.
    pub user: Option<String>,
    /// The password sent.
    pub password: Option<String>,
    /// `ok`, `code N`, `hang`, `raw reply`, or why the client got no answer.
    pub result: String,
}

/// A SOCKS4a and SOCKS5 proxy on loopback, which records everything it carries.
#[derive(Debug)]
pub struct FakeSocks {
    port: u16,
    process: Child,
    dir: WorkDir,
}

impl FakeSocks {
    /// Starts a proxy on any free port. `map` says what happens to which name; its rules are
    /// in `tests/lab/fakesocks --help`.
    #[must_use]
    pub fn start(map: &Value, auth: Auth) -> Self {
        Self::start_on(free_port(), map, auth)
    }

    /// The same on a given port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_on(port: u16, map: &Value, auth: Auth) -> Self {
        Self::launch(map, &["--port", &port.to_string(), "--auth", auth.option()])
    }

    fn launch(map: &Value, options: &[&str]) -> Self {
        start("fakesocks", || {
            let dir = WorkDir::new("socks");
            write_map(&dir, map);
            let errors = fs::File::create(dir.path().join("errors")).map_err(|error| error.to_string())?;
            let mut process = tool("fakesocks")
                .arg("--map")
                .arg(dir.path().join("map.json"))
                .arg("--log")
                .arg(dir.path().join("log.jsonl"))
                .arg("--capture")
                .arg(dir.path().join("streams"))
                .args(options)
                // it ends with this process, too, if nobody drops it
                .arg("--owned")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(errors)
                .spawn()
                .map_err(|error| error.to_string())?;
            let mut line = String::new();
            if let Some(output) = process.stdout.take() {
                BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
            }
            // ended by `Drop` also when it said nothing
            let mut started = Self { port: 0, process, dir };
            let ready: Value =
                serde_json::from_str(&line).map_err(|_| fs::read_to_string(started.dir.path().join("errors")).unwrap_or(line))?;
            started.port = port_in(&ready, "port");
            Ok(started)
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> u64 {
        self.process.id().into()
    }

    /// Changes the rules for all later connections.
    pub fn set_map(&self, map: &Value) {
        write_map(&self.dir, map);
    }

    /// Every CONNECT so far, in order.
    #[must_use]
    pub fn connects(&self) -> Vec<Connect> {
        let lines = self.log_lines("connect");
        let connects = lines.map(|line| serde_json::from_value(line).expect("a CONNECT line"));
        connects.collect()
    }

    /// The streams that reached a target, closed or not: the id of each and what the client
    /// sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<(u64, Vec<u8>)> {
        let Ok(folder) = fs::read_dir(self.dir.path().join("streams")) else {
            return Vec::new();
        };
        let mut sent = Vec::new();
        for path in folder.map(|entry| entry.expect("the captures can be listed").path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let id = name.and_then(|name| name.strip_suffix(".up")?.parse().ok());
            if let Some(id) = id {
                sent.push((id, fs::read(&path).expect("a capture can be read")));
            }
        }
        sent.sort();
        sent
    }

    fn log_lines(&self, event: &str) -> impl Iterator<Item = Value> {
        let text = fs::read_to_string(self.dir.path().join("log.jsonl")).unwrap_or_default();
        // the last line may be half written
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<Value> = text[..whole]
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .filter(|line: &Value| line["event"] == event)
            .collect();
        lines.into_iter()
    }
}

impl Drop for FakeSocks {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        if let Err(error) = ended {
            eprintln!("lab: fakesocks on port {}: {error}", self.port);
        }
    }
}

/// Written beside and renamed: the proxy reads it at any moment.
fn write_map(dir: &WorkDir, map: &Value) {
    let scratch = dir.path().join("map.new");
    fs::write(&scratch, map.to_string()).expect("the map can be written");
    fs::rename(&scratch, dir.path().join("map.json")).expect("the map can be replaced");
}

/// A plain TCP forwarder that records what passes: a public peer with a listener on its line.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    recorder: FakeSocks,
}

impl Tap {
    /// Forwards a free port to `target`, a loopback port.
    #[must_use]
    pub fn start(target: u16) -> Self {
        Self::start_on(free_port(), target)
    }

    /// Forwards `port` to `target`, both on loopback.
    #[must_use]
    pub fn start_on(port: u16, target: u16) -> Self {
        let route = format!("{port}={target}");
        let recorder = FakeSocks::launch(&Value::Object(serde_json::Map::new()), &["--tap", &route]);
        Self { port, recorder }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What clients sent so far: the number of each connection, and its bytes.
    #[must_use]
    pub fn sent(&self) -> Vec<(u64, Vec<u8>)> {
        self.recorder.sent()
    }
}

/// Valid onion names that nobody holds the key of, always the same ones.
///
/// # Panics
///
/// When Python does not run.
#[must_use]
pub fn onions(count: usize) -> Vec<String> {
    const PRINT: &str = "import sys, labutil\n\
                         for i in range(int(sys.argv[1])): print(labutil.make_onion('anonet %d' % i))";
    let text = output_of(
        Command::new("python3")
            .args(["-c", PRINT, &count.to_string()])
            .env("PYTHONPATH", lab())
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
    .unwrap_or_else(|reason| panic!("lab: {reason}"));
    text.lines().map(str::to_owned).collect()
}
