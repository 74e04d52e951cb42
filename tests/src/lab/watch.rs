//! What a program really asked the kernel for: `strace` output as values.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// The system calls with which a process can get a socket, name an address, open a file or become another program.
/// `io_uring_setup` is among them because sockets driven by a ring make no further calls. Not every machine has all of
/// those with a question mark.
const OPENINGS: &str = "execve,execveat,socket,connect,bind,io_uring_setup,openat,?open,?creat,?openat2";
/// Those with which a socket can send to an address that it was never connected to. A program makes one for each write,
/// and each costs some 20 us under `strace`.
const SENDS: &str = "sendto,sendmsg,sendmmsg";

/// How closely a program is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Watching {
    /// Everything that names an address.
    All,
    /// All but the calls that send, for suites that measure time. As a socket that is not one of TCP is a finding itself,
    /// only TCP Fast Open would go unseen.
    Openings,
}

/// Whom a [`Call`] names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Target {
    /// An IPv4 or IPv6 address.
    Inet(SocketAddr),
    /// A Unix socket's path.
    Unix(String),
    /// A kind of socket: family and type.
    Socket(String),
    /// A file that is opened, and whether it may be written or made.
    File(PathBuf, bool),
    /// A program that takes the place of this one.
    Program(PathBuf),
    /// Anything else, as `strace` wrote it.
    Other(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Socket(kind) => write!(f, "socket of {kind}"),
            Self::File(path, written) => write!(f, "{}{}", path.display(), if *written { ", to write" } else { "" }),
            Self::Program(path) => write!(f, "program {}", path.display()),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// One system call that names an address, a kind of socket, a file or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Its name, such as `connect`.
    pub name: String,
    /// What it names.
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
    /// and exit code are seen. With a filter in the kernel only the watched calls stop the program, which a node needs to keep
    /// its pace. The price: strace 6.1 may miss the first watched call of a new thread, and then show its end as another call,
    /// whose number is the result (41 bytes sent: `socket(AF_UNSPEC, …`). What it misses leaves its trace at `tests/lab/island`.
    pub(super) fn wrap(program: &Command, file: &Path, watching: Watching) -> Command {
        let mut command = Self::strace(program, file, watching);
        command.args(["--seccomp-bpf", "-D", "--"]).arg(program.get_program()).args(program.get_args());
        command
    }

    /// The same, but `strace` is the child and ends when `file` is whole, with the program's exit code. Each call stops the
    /// program, so that none is missed.
    pub(super) fn wrap_command(program: &Command, file: &Path) -> Command {
        let mut command = Self::strace(program, file, Watching::All);
        command.arg("--").arg(program.get_program()).args(program.get_args());
        command
    }

    /// `strace` up to its own options. Without the signals it would not say that they killed it.
    fn strace(program: &Command, file: &Path, watching: Watching) -> Command {
        let sends = if watching == Watching::All { format!(",{SENDS}") } else { String::new() };
        let mut command = Command::new("strace");
        command
            .args(["-f", "-q", "-s", "0", "-e", "signal=KILL,ABRT,SEGV", "-e"])
            .arg(format!("trace={OPENINGS}{sends}"))
            .arg("-o")
            .arg(file);
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
        let mut command = Self::wrap_command(program, file);
        let status = command.status().unwrap_or_else(|error| panic!("strace: {error}; install the package strace"));
        assert!(status.success(), "{program:?} under strace: {status}");
        Self::read(file)
    }

    /// Reads what `strace` wrote about a program that has ended.
    ///
    /// # Panics
    ///
    /// When it does not say that the program ended, so is not whole.
    pub(super) fn read(file: &Path) -> Self {
        // the tracer is a process of its own and may write its last line a moment later
        let begin = super::now();
        loop {
            let text = fs::read_to_string(file).unwrap_or_default();
            if is_whole(&text) {
                return Self::parse(&text);
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "strace does not write its last line to {}", file.display());
            sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        Self { calls: text.lines().flat_map(parse_line).collect() }
    }

    /// Every call that names something, in order. A send without an address (on a connected
    /// socket) is not here: its `connect` is.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The distinct addresses it reached out to.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        self.distinct(|call| matches!(call.target, Target::Inet(_) | Target::Unix(_) | Target::Other(_)) && call.name != "bind")
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

/// Whether the first process that it tells of has ended, in whatever way.
fn is_whole(text: &str) -> bool {
    let Some((first, _)) = text.trim_start().split_once(' ') else { return false };
    let ended = |line: &str| line.contains("+++ exited") || line.contains("+++ killed");
    text.lines().any(|line| ended(line) && line.trim_start().split(' ').next() == Some(first))
}

/// `PID  name(fd, {sa_family=…}, …) = result`, also when the call was interrupted by another
/// thread's (`<unfinished ...>`): the arguments stand before that.
fn parse_line(line: &str) -> Vec<Call> {
    let Some((_pid, rest)) = line.trim_start().split_once(' ') else { return Vec::new() };
    let Some((name, arguments)) = rest.trim_start().split_once('(') else { return Vec::new() };
    let targets = match name {
        "io_uring_setup" => vec![Target::Other("io_uring".to_owned())],
        "socket" => vec![Target::Socket(arguments.split(')').next().unwrap_or(arguments).to_owned())],
        "execve" | "execveat" => vec![Target::Program(quoted(arguments))],
        "openat" | "open" | "creat" | "openat2" => vec![Target::File(quoted(arguments), name == "creat" || writes(arguments))],
        // one call of sendmmsg names many
        _ => arguments
            .split("{sa_family=")
            .skip(1)
            .map(|address| parse_address(address.split('}').next().unwrap_or(address)))
            .collect(),
    };
    targets.into_iter().map(|target| Call { name: name.to_owned(), target }).collect()
}

/// The first path in quotes.
fn quoted(arguments: &str) -> PathBuf {
    arguments.split('"').nth(1).unwrap_or(arguments).into()
}

/// Whether a file is opened so that it can be changed.
fn writes(arguments: &str) -> bool {
    let flags = arguments.rsplit('"').next().unwrap_or(arguments);
    ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"].iter().any(|flag| flags.contains(flag))
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

#[cfg(test)]
mod tests {
    use super::{Target, Trace};

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
            "7451  socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 5\n",
            "7451  openat(AT_FDCWD, \"/srv/a file\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3\n",
            "7451  openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY|O_CLOEXEC <unfinished ...>\n",
            "7451  execve(\"/bin/true\", [\"\"...], 0x7ffd /* 20 vars */) = 0\n",
            "7452  sendmmsg(6, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"8.8.8.8\")}, msg_namelen=16}}, {msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(2), sin_addr=inet_addr(\"8.8.8.8\")}, msg_namelen=16}}], 2, 0) = 2\n",
            "7451  +++ exited with 0 +++\n",
        ));
        let shown = |targets: Vec<Target>| {
            let lines: Vec<String> = targets.iter().map(ToString::to_string).collect();
            lines.join(" ")
        };
        assert_eq!(
            shown(trace.targets()),
            "8.8.8.8:1 8.8.8.8:2 9.9.9.9:53 127.0.0.1:9 [::1]:53 unix:/run/nscd/socket \
             AF_NETLINK, nl_pid=0, nl_groups=00000000 io_uring"
        );
        assert_eq!(shown(trace.bound()), "127.0.0.1:18091");
        assert_eq!(trace.calls().len(), 13);
        let others: Vec<Target> = trace.calls()[7..11].iter().map(|call| call.target.clone()).collect();
        assert_eq!(
            shown(others),
            "socket of AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP /srv/a file, to write /etc/hosts program /bin/true"
        );
    }
}
