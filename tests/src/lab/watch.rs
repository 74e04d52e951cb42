//! What a program really asked the kernel for: `strace` output as values, and the search for
//! a transaction in recorded bytes.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::wait_for;

/// The system calls with which a process can reach another one. `io_uring_setup` is among
/// them because sockets driven by a ring make no further calls.
const WATCHED: &str = "trace=connect,bind,sendto,sendmsg,sendmmsg,io_uring_setup";

/// Whom a [`Call`] names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Target {
    /// An IPv4 or IPv6 address.
    Inet(SocketAddr),
    /// A Unix socket's path.
    Unix(String),
    /// Anything else, as `strace` wrote it.
    Other(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// One system call that names an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Its name, such as `connect`.
    pub name: String,
    /// The address.
    pub target: Target,
}

/// The watched system calls of a program and all its threads, from start to end.
#[derive(Clone, Debug)]
pub struct Trace {
    calls: Vec<Call>,
}

impl Trace {
    /// The command that runs `program` under `strace`, which writes to `file`.
    ///
    /// The program itself is the child of whoever runs this (`-D`), so that its process id
    /// and exit code are seen.
    pub(super) fn wrap(program: &Command, file: &Path) -> Command {
        let mut command = Command::new("strace");
        command
            .args(["-D", "-f", "-q", "-s", "0", "-e", "signal=none", "-e", WATCHED, "-o"])
            .arg(file)
            .arg("--")
            .arg(program.get_program())
            .args(program.get_args());
        for (key, value) in program.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command
    }

    /// Runs a program to its end under `strace`.
    ///
    /// # Panics
    ///
    /// When it fails, or when `strace` is missing or may not trace.
    #[must_use]
    pub fn of(program: &Command, file: &Path) -> Self {
        let mut child =
            Self::wrap(program, file).spawn().unwrap_or_else(|error| panic!("strace: {error}; install the package strace"));
        let status = child.wait().expect("our own child");
        assert!(status.success(), "{program:?} under strace: {status}");
        Self::read(file, child.id())
    }

    /// Reads what `strace` wrote about the ended process `pid`.
    ///
    /// # Panics
    ///
    /// When it does not say that the process ended, so is not whole.
    pub(super) fn read(file: &Path, pid: u32) -> Self {
        // the tracer is a process of its own and may write its last line a moment later
        let end = format!("{pid} ");
        let text = wait_for("strace writes its last line", Duration::from_secs(5), || {
            let text = fs::read_to_string(file).unwrap_or_default();
            let ended = |line: &str| line.starts_with(&end) && line.contains("+++ exited");
            let whole = text.lines().any(ended);
            if whole { Ok(text) } else { Err("not there") }
        });
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        Self { calls: text.lines().filter_map(parse_line).collect() }
    }

    /// Every call that names an address, in order. A send without one (on a connected
    /// socket) is not here: its `connect` is.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The distinct addresses it reached out to, by any call but `bind`.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        self.distinct(|call| call.name != "bind")
    }

    /// The distinct addresses it took for itself.
    #[must_use]
    pub fn bound(&self) -> Vec<Target> {
        self.distinct(|call| call.name == "bind")
    }

    fn distinct(&self, keep: impl Fn(&Call) -> bool) -> Vec<Target> {
        let kept = self.calls.iter().filter(|call| keep(call));
        let mut targets: Vec<Target> = kept.map(|call| call.target.clone()).collect();
        targets.sort();
        targets.dedup();
        targets
    }
}

/// `PID  name(fd, {sa_family=…}, …) = result`, also when the call was interrupted by another
/// thread's (`<unfinished ...>`): the arguments stand before that.
fn parse_line(line: &str) -> Option<Call> {
    let (_pid, rest) = line.trim_start().split_once(' ')?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    if name == "io_uring_setup" {
        let target = Target::Other("io_uring".to_owned());
        return Some(Call { name: name.to_owned(), target });
    }
    let (_, address) = arguments.split_once("{sa_family=")?;
    let address = address.split_once('}').map_or(address, |(inner, _)| inner);
    Some(Call { name: name.to_owned(), target: parse_address(address) })
}

fn parse_address(text: &str) -> Target {
    let parsed = match text.split(',').next() {
        Some("AF_INET") => inet(text, "sin_port=htons(", "inet_addr(\""),
        Some("AF_INET6") => inet(text, "sin6_port=htons(", "inet_pton(AF_INET6, \""),
        Some("AF_UNIX") => between(text, "sun_path=", "\"").map(Target::Unix),
        _ => None,
    };
    parsed.unwrap_or_else(|| Target::Other(text.to_owned()))
}

fn inet(text: &str, port: &str, ip: &str) -> Option<Target> {
    let port: u16 = between(text, port, ")")?.parse().ok()?;
    let ip: IpAddr = between(text, ip, "\"")?.parse().ok()?;
    Some(Target::Inet(SocketAddr::new(ip, port)))
}

/// What stands after `start` up to `end`; a quote right after `start` is skipped.
fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, after) = text.split_once(start)?;
    let after = after.strip_prefix('"').unwrap_or(after);
    Some(after.split_once(end)?.0.to_owned())
}

/// Whether `stream` contains any 32-byte piece of `secret`, however the pieces were cut.
///
/// Every 32-byte window of the stream is compared with every piece of `secret`, taken each
/// 32 bytes, so any 63 bytes of it in a row are found.
#[must_use]
pub fn contains_part(stream: &[u8], secret: &[u8]) -> bool {
    const PIECE: usize = 32;
    let pieces: std::collections::HashSet<&[u8]> = secret.chunks_exact(PIECE).collect();
    stream.windows(PIECE).any(|window| pieces.contains(window))
}

#[cfg(test)]
mod tests {
    use super::{Target, Trace, contains_part};

    #[test]
    fn strace_lines_become_targets() {
        let trace = Trace::parse(concat!(
            "7451  connect(3, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 ECONNREFUSED (Connection refused)\n",
            "7452  connect(4, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28 <unfinished ...>\n",
            "7452  <... connect resumed>)             = 0\n",
            "7451  sendto(5, \"\"..., 40, MSG_NOSIGNAL, NULL, 0) = 40\n",
            "7451  sendto(6, \"\"..., 29, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"9.9.9.9\")}, 16) = 29\n",
            "7451  sendmsg(6, {msg_name={sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, msg_namelen=12, msg_iov=[{iov_base=\"\"..., iov_len=20}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 20\n",
            "7451  connect(7, {sa_family=AF_UNIX, sun_path=\"/run/nscd/socket\"}, 110) = -1 ENOENT (No such file or directory)\n",
            "7451  bind(8, {sa_family=AF_INET, sin_port=htons(18091), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n",
            "7451  io_uring_setup(8, {flags=0}) = 9\n",
            "7451  +++ exited with 0 +++\n",
        ));
        let shown = |targets: Vec<Target>| {
            let lines: Vec<String> = targets.iter().map(ToString::to_string).collect();
            lines.join(" ")
        };
        assert_eq!(
            shown(trace.targets()),
            "9.9.9.9:53 127.0.0.1:9 [::1]:53 unix:/run/nscd/socket \
             AF_NETLINK, nl_pid=0, nl_groups=00000000 io_uring"
        );
        assert_eq!(shown(trace.bound()), "127.0.0.1:18091");
        assert_eq!(trace.calls().len(), 7);
    }

    #[test]
    fn parts_are_found_wherever_they_were_cut() {
        let secret: Vec<u8> = (0..200_u32).map(|i| (i * 31 % 251) as u8).collect();
        for start in 0..secret.len() - 63 {
            let stream = [&[7; 100], &secret[start..start + 63], &[7; 9]].concat();
            assert!(contains_part(&stream, &secret), "63 bytes from {start}");
        }
        assert!(!contains_part(&[7; 500], &secret));
        assert!(!contains_part(&secret[..31], &secret));
        assert!(!contains_part(&[], &secret));
    }
}
