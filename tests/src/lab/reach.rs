//! Whom a program may talk to and which files it may write, as its own command line and configuration file say; and what
//! of a [`Trace`] goes beyond that.
//!
//! Why system calls, and why of everything: peers of the lab are on loopback, where a packet does not say whose it is, and a
//! call does. It is also seen before anything can go wrong with the packet. What a call cannot show, that no packet takes
//! another way, `tests/lab/island` shows for whole suites: it listens on the only line out of a network namespace.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::options::Options;
use super::watch::{Target, Trace};

/// Files by whose reading a program shows that it is about to look a name up.
const NAME_SERVICE: [&str; 6] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services"];
/// monerod's ports in the networks that suites use: of peers and of RPC.
const MAINNET: (u16, u16) = (18_080, 18_081);
const TESTNET: (u16, u16) = (28_080, 28_081);
const STAGENET: (u16, u16) = (38_080, 38_081);

/// What one run of `anonetd` may do.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    targets: BTreeSet<SocketAddr>,
    listeners: BTreeSet<SocketAddr>,
    /// The control socket to call, for commands that do.
    control: Option<PathBuf>,
    /// Where it may write and listen.
    data_dir: Option<PathBuf>,
    /// A tour on loopback chooses its own ports.
    loopback: bool,
}

impl Reach {
    /// What these arguments of `anonetd` allow.
    ///
    /// # Panics
    ///
    /// When a configuration file that they name cannot be read.
    #[must_use]
    pub fn of(arguments: &[String]) -> Self {
        let options = Options::read(arguments);
        let data_dir = options.one("data-dir").map(PathBuf::from);
        match options.command() {
            "run" => Self { data_dir, ..Self::of_run(&options) },
            // it looks whether the listeners would work, and calls a node that has the directory
            "check" => Self { control: data_dir.as_ref().map(|dir| control_socket(dir)), data_dir, ..Self::of_run(&options) },
            "submit" if options.one("daemon-address").is_some() => Self { targets: daemon(&options, "proxy"), ..Self::default() },
            "demo" => Self { loopback: true, data_dir: Some(std::env::temp_dir()), ..Self::default() },
            _ => Self { control: data_dir.map(|dir| control_socket(&dir)), ..Self::default() },
        }
    }

    fn of_run(options: &Options) -> Self {
        let rpc = options.one("rpc-bind").unwrap_or("127.0.0.1:18091");
        let mut listeners: BTreeSet<SocketAddr> = rpc.parse().into_iter().collect();
        if options.has("offline") {
            return Self { listeners, ..Self::default() };
        }
        listeners.extend(options.all("anonymous-inbound").filter_map(inbound));
        let proxies = options.all("proxy").chain(options.all("tx-proxy"));
        let mut targets: BTreeSet<SocketAddr> = proxies.filter_map(proxy).collect();
        targets.extend(daemon(options, "daemon-proxy"));
        if !options.has("no-public") {
            listeners.extend(public_listeners(options));
            targets.extend(public_peers(options));
        }
        Self { targets, listeners, ..Self::default() }
    }

    /// Lets it talk to further addresses, such as the peers that are built in.
    pub fn also(&mut self, targets: impl IntoIterator<Item = SocketAddr>) {
        self.targets.extend(targets);
    }

    /// Everything in `trace` beyond this, in words; empty if there is nothing.
    #[must_use]
    pub fn foreign(&self, trace: &Trace) -> Vec<String> {
        // the first program is the one that was asked for
        let mut programs = 0;
        let mut foreign = Vec::new();
        for call in trace.calls() {
            programs += usize::from(matches!(call.target, Target::Program(_)));
            let fine = match &call.target {
                Target::Inet(addr) if call.name == "bind" => self.listeners.contains(addr) || self.is_of_a_tour(addr),
                Target::Inet(addr) => self.targets.contains(addr) || self.is_of_a_tour(addr),
                Target::Unix(path) if call.name == "bind" => self.is_own(Path::new(path)),
                Target::Unix(path) => self.control.as_deref() == Some(Path::new(path)),
                // of no family: the kernel never gives one, and strace may take it for the end of another call, see `watch.rs`
                Target::Socket(kind) => is_stream(kind) || kind.starts_with("AF_UNSPEC, "),
                Target::File(path, true) => self.is_own(path) || path == Path::new("/dev/null"),
                Target::File(path, false) => !is_of_a_name_service(path),
                Target::Program(_) => programs == 1,
                Target::Other(_) => false,
            };
            if !fine {
                foreign.push(format!("{} {}", call.name, call.target));
            }
        }
        foreign.sort();
        foreign.dedup();
        foreign
    }

    fn is_own(&self, path: &Path) -> bool {
        self.data_dir.as_ref().is_some_and(|dir| path.starts_with(dir))
    }

    fn is_of_a_tour(&self, addr: &SocketAddr) -> bool {
        self.loopback && addr.ip().is_loopback()
    }
}

fn control_socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// TCP, or a stream between processes of this machine. Nothing that sends datagrams, no raw socket, no netlink.
fn is_stream(kind: &str) -> bool {
    let mut words = kind.split(", ");
    let family = matches!(words.next(), Some("AF_INET" | "AF_INET6" | "AF_UNIX"));
    let stream = words.next().is_some_and(|kind| kind.split('|').any(|flag| flag == "SOCK_STREAM"));
    family && stream && matches!(words.next(), Some("IPPROTO_IP" | "IPPROTO_TCP" | "0"))
}

fn is_of_a_name_service(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    NAME_SERVICE.iter().any(|file| path == Path::new(file)) || name.starts_with("libnss_")
}

/// `[tor,|i2p,][socks5://][USER:PASSWORD@]IP:PORT[,…]`.
fn proxy(text: &str) -> Option<SocketAddr> {
    let items = text.split(',').map(|item| item.rsplit(['@', '/']).next().unwrap_or(item));
    items.filter_map(|item| item.parse().ok()).next()
}

/// The local end of `ADDRESS:PORT,[IP:]PORT[,…]`.
fn inbound(text: &str) -> Option<SocketAddr> {
    let local = text.split(',').nth(1)?;
    local.parse().ok().or_else(|| Some(SocketAddr::from(([127, 0, 0, 1], local.parse().ok()?))))
}

/// The proxy to the daemon, if there is one of its own, or else the daemon, if it is an address.
fn daemon(options: &Options, proxy_option: &str) -> BTreeSet<SocketAddr> {
    if let Some(text) = options.one(proxy_option) {
        return proxy(text).into_iter().collect();
    }
    let Some(text) = options.one("daemon-address") else { return BTreeSet::new() };
    let host = text.rsplit("://").next().unwrap_or(text).trim_end_matches('/');
    let host = host.replacen("localhost", "127.0.0.1", 1);
    with_port(&host, ports(options).1).into_iter().collect()
}

/// Whom the public network is entered by. Through a proxy none of them is dialled from here.
fn public_peers(options: &Options) -> Vec<SocketAddr> {
    let is_public = |text: &str| !text.starts_with("tor,") && !text.starts_with("i2p,");
    if options.all("proxy").any(is_public) {
        return Vec::new();
    }
    let exclusive = options.all("add-exclusive-node").next().is_some();
    let names: &[&str] = if exclusive { &["add-exclusive-node"] } else { &["add-peer", "add-priority-node", "seed-node"] };
    let texts = names.iter().flat_map(|name| options.all(name));
    texts.filter_map(|text| with_port(text, ports(options).0)).collect()
}

fn public_listeners(options: &Options) -> Vec<SocketAddr> {
    let port = |name: &str| options.one(name).map_or(ports(options).0, |port| port.parse().expect("a port"));
    let mut listeners = Vec::new();
    if options.one("p2p-bind-ip").or(options.one("p2p-bind-port")).is_some() {
        let ip: IpAddr = options.one("p2p-bind-ip").unwrap_or("0.0.0.0").parse().expect("an address");
        listeners.push(SocketAddr::new(ip, port("p2p-bind-port")));
    }
    if options.has("p2p-use-ipv6") {
        let ip = options.one("p2p-bind-ipv6-address").unwrap_or("::").trim_matches(['[', ']']);
        listeners.push(SocketAddr::new(ip.parse().expect("an address"), port("p2p-bind-port-ipv6")));
    }
    listeners
}

fn with_port(text: &str, port: u16) -> Option<SocketAddr> {
    let ip = || text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    text.parse().ok().or_else(|| Some(SocketAddr::new(ip()?, port)))
}

fn ports(options: &Options) -> (u16, u16) {
    match options.one("network") {
        Some("testnet") => TESTNET,
        Some("stagenet") => STAGENET,
        _ => MAINNET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(line: &str) -> Reach {
        Reach::of(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn shown(addrs: &BTreeSet<SocketAddr>) -> String {
        addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_say_who_may_be_reached() {
        for (line, targets, listeners) in [
            ("run", "", "127.0.0.1:18091"),
            ("--proxy tor,127.0.0.1:9050,10 --rpc-bind none", "127.0.0.1:9050", ""),
            ("run --proxy=socks5://a:b@127.0.0.1:9 --add-peer 9.9.9.9 --rpc-bind none", "127.0.0.1:9", ""),
            ("run --add-peer 9.9.9.9 --seed-node 8.8.8.8:1 --rpc-bind none", "8.8.8.8:1 9.9.9.9:18080", ""),
            ("run --add-peer 9.9.9.9 --add-exclusive-node [::1]:5 --rpc-bind none", "[::1]:5", ""),
            ("run --add-peer 9.9.9.9 --no-public --rpc-bind none", "", ""),
            ("run --offline --proxy tor,127.0.0.1:1 --add-peer 9.9.9.9 --rpc-bind 127.0.0.1:2", "", "127.0.0.1:2"),
            ("run --daemon-address localhost --rpc-bind none --network stagenet", "127.0.0.1:38081", ""),
            ("run --daemon-address https://a.onion:1 --daemon-proxy tor,u:p@127.0.0.1:7 --rpc-bind none", "127.0.0.1:7", ""),
            ("run --anonymous-inbound a.onion:1,18083,25 --rpc-bind none", "", "127.0.0.1:18083"),
            ("run --p2p-bind-port 5 --p2p-use-ipv6 --rpc-bind none", "", "0.0.0.0:5 [::]:18080"),
            ("submit f --daemon-address http://127.0.0.1:4", "127.0.0.1:4", ""),
            ("status --data-dir d", "", ""),
        ] {
            let reach = reach(line);
            assert_eq!((shown(&reach.targets).as_str(), shown(&reach.listeners).as_str()), (targets, listeners), "{line}");
        }
    }

    #[test]
    fn everything_else_is_foreign() {
        let reach = reach("run --data-dir /d --rpc-bind 127.0.0.1:1 --proxy tor,127.0.0.1:9,4 --no-public");
        let inet = |port, ip: &str| format!("{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")}}");
        let judge = |call: &str| reach.foreign(&Trace::parse(&format!("1 execve(\"/a\", [], 0x0) = 0\n1 {call} = 0\n")));
        for fine in [
            format!("connect(3, {}, 16)", inet(9, "127.0.0.1")),
            format!("bind(3, {}, 16)", inet(1, "127.0.0.1")),
            "bind(3, {sa_family=AF_UNIX, sun_path=\"/d/control.sock\"}, 17)".to_owned(),
            "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP)".to_owned(),
            "openat(AT_FDCWD, \"/d/stash.redb\", O_RDWR|O_CREAT|O_CLOEXEC, 0600)".to_owned(),
            "openat(AT_FDCWD, \"/etc/ssl/certs\", O_RDONLY)".to_owned(),
            "socket(AF_UNSPEC, SOCK_CLOEXEC|SOCK_NONBLOCK|0x25a6c6e0, 41)".to_owned(),
        ] {
            assert_eq!(judge(&fine), Vec::<String>::new(), "{fine}");
        }
        for foreign in [
            format!("connect(3, {}, 16)", inet(10, "127.0.0.1")),
            format!("connect(3, {}, 16)", inet(9, "127.0.0.2")),
            format!("connect(3, {}, 16)", inet(1, "127.0.0.1")),
            format!("bind(3, {}, 16)", inet(1, "0.0.0.0")),
            format!("sendto(3, \"\"..., 9, 0, {}, 16)", inet(53, "9.9.9.9")),
            "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/nscd/socket\"}, 110)".to_owned(),
            "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/systemd/resolve/io.systemd.Resolve\"}, 42)".to_owned(),
            "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP)".to_owned(),
            "socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)".to_owned(),
            "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)".to_owned(),
            "socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0)".to_owned(),
            "openat(AT_FDCWD, \"/etc/resolv.conf\", O_RDONLY|O_CLOEXEC)".to_owned(),
            "openat(AT_FDCWD, \"/lib/libnss_files.so.2\", O_RDONLY|O_CLOEXEC)".to_owned(),
            "openat(AT_FDCWD, \"/srv/elsewhere\", O_WRONLY|O_CREAT, 0600)".to_owned(),
            "execve(\"/bin/sh\", [\"\"...], 0x0)".to_owned(),
            "io_uring_setup(8, {flags=0})".to_owned(),
        ] {
            assert_eq!(judge(&foreign).len(), 1, "{foreign}");
        }
    }
}
