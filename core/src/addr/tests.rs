use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use curve25519_dalek::{EdwardsPoint, Scalar};
use proptest::prelude::*;
use sha3::{Digest, Sha3_256};

use super::AddrError::*;
use super::*;

pub(super) const VWW6: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd";
pub(super) const ZPV4: &str = "zpv4fa3szgel7vf6jdjeugizdclq2vzkelscs2bhbgnlldzzggcen3ad";
pub(super) const CIV5: &str = "civ5tgldg3yx73ytse6hvvk3nm6q3zctbqvytpszihm35b33ze73kxad";
pub(super) const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";

const _: () = assert!(size_of::<Addr>() <= 40 && size_of::<AddrError>() == 1);

pub(super) fn onion(name: &str, port: u16) -> Addr {
    Addr::Onion(OnionAddr::from_host(format!("{name}.onion").as_bytes(), port).unwrap())
}

/// The onion name of any 32 bytes, with the right checksum.
pub(super) fn onion_of_key(key: &[u8]) -> OnionAddr {
    let digest = Sha3_256::digest([&b".onion checksum"[..], key, &[3]].concat());
    let name = base32::encode(key.iter().chain(&digest[..2]).copied().chain([3])).chain(*b".onion");
    OnionAddr::from_host(&name.collect::<Vec<_>>(), 1).unwrap()
}

/// Each row: text, default port, what is printed or the error.
fn check_parse(rows: &[(&str, u16, Result<&str, AddrError>)]) {
    for &(text, default_port, expected) in rows {
        let printed = Addr::parse(text, default_port).map(|addr| addr.reveal().to_string());
        assert_eq!(printed.as_deref(), expected.as_ref().copied(), "{text:?}");
    }
}

#[test]
fn local_text() {
    let vww6 = format!("{VWW6}.onion");
    let at = |port: &str| format!("{vww6}{port}");
    for (port, default_port, expected) in [
        (":18083", 0, Ok(18083)),
        (":18083", 5, Ok(18083)),
        ("", 18080, Ok(18080)),
        (":", 18080, Ok(18080)),
        (":00231", 0, Ok(231)),
        (":65535", 0, Ok(65535)),
        (":65536", 0, Err(Port)),
        (":99999999999999999999", 0, Err(Port)),
        (":-1", 0, Err(Port)),
        (":+1", 0, Err(Port)),
        (":0x1", 0, Err(Port)),
        (":80:81", 0, Err(Port)),
        (":0", 18080, Err(PortZero)),
        (":", 0, Err(PortMissing)),
        ("", 0, Err(PortMissing)),
        (".", 18080, Err(TrailingDot)),
        (".:80", 18080, Err(TrailingDot)),
    ] {
        let parsed = Addr::parse(&at(port), default_port);
        assert_eq!(parsed.as_ref().map(Addr::port).map_err(|why| *why), expected, "{port:?}");
        let upper = Addr::parse(&at(port).to_uppercase(), default_port);
        // "0x1" is no port in either case
        assert_eq!(upper, parsed);
    }
    check_parse(&[
        (&format!("{CIV5}.onion:1"), 0, Err(OnionPoint)),
        ("xmrto2bturnore26.onion:18083", 0, Err(LegacyOnion)),
        ("XMRTO2BTURNORE26.ONION", 0, Err(LegacyOnion)),
        ("www.example.onion:80", 0, Err(OnionAlphabet)),
        (&format!(" {vww6}:1"), 0, Err(Whitespace)),
        (&format!("{vww6}\n"), 1, Err(Whitespace)),
        (&format!("http://{vww6}/"), 1, Err(Url)),
        (".onion", 1, Err(OnionLength)),
        (B32, 0, Ok(B32)),
        (&format!("{B32}:"), 0, Ok(B32)),
        (&format!("{B32}:0"), 0, Ok(B32)),
        (&format!("{B32}:2000"), 18080, Ok(B32)),
        (&format!("{B32}:65536"), 0, Err(Port)),
        (&format!("{B32}:garbage"), 0, Err(Port)),
        (&format!("{B32}."), 0, Err(TrailingDot)),
        ("Example.I2P:1", 0, Ok("example.i2p")),
        ("a_b.I2p", 0, Err(I2pName)),
        ("", 1, Err(Empty)),
        (":80", 1, Err(Empty)),
        ("1.2.3.4", 18080, Ok("1.2.3.4:18080")),
        ("1.2.3.4:", 18080, Ok("1.2.3.4:18080")),
        ("1.2.3.4:7", 18080, Ok("1.2.3.4:7")),
        ("1.2.3.4", 0, Err(PortMissing)),
        ("1.2.3.4:0", 18080, Err(PortZero)),
        ("1.2.3.4:x", 18080, Err(Port)),
        ("1.2.3.256:1", 0, Err(HostName)),
        ("::1", 18080, Ok("[::1]:18080")),
        ("2001:DB8::1", 18080, Ok("[2001:db8::1]:18080")),
        ("[2001:db8::1]", 18080, Ok("[2001:db8::1]:18080")),
        ("[2001:db8::1]:9", 18080, Ok("[2001:db8::1]:9")),
        ("[2001:db8::1]:", 18080, Ok("[2001:db8::1]:18080")),
        ("[2001:db8::1]:x", 18080, Err(Port)),
        ("[2001:db8::1]9", 18080, Err(Ipv6)),
        ("[2001:db8::1", 18080, Err(Ipv6)),
        ("2001:db8::1]:1", 18080, Err(Ipv6)),
        ("[1.2.3.4]:1", 18080, Err(Ipv6)),
        ("[fe80::1%1]:1", 18080, Err(Ipv6)),
        ("1:2:3", 18080, Err(Ipv6)),
        ("::ffff:1.2.3.4", 18080, Ok("1.2.3.4:18080")),
        ("[::ffff:1.2.3.4]:5", 18080, Ok("1.2.3.4:5")),
        ("onion", 1, Err(HostName)),
        ("example.com", 1, Err(HostName)),
        ("localhost:80", 1, Err(HostName)),
    ]);
    assert!(LegacyOnion.to_string().contains("56 characters"));
    assert!(HostName.to_string().contains("never asks DNS"));
}

#[test]
fn hosts_and_groups() {
    let parse = |text: &str| Addr::parse(text, 80).unwrap();
    let mapped = Addr::Ipv6("[::ffff:1.2.3.4]:80".parse().unwrap());
    // host, other, same host, same group
    let rows = [
        (parse("1.2.3.4"), parse("1.2.3.4:81"), true, true),
        (parse("1.2.3.4"), mapped.clone(), true, true),
        (parse("1.2.3.4"), parse("1.2.3.255"), false, true),
        (parse("1.2.3.4"), parse("1.2.4.4"), false, false),
        (parse("2001:db8::1"), parse("2001:db8:ffff::1"), false, true),
        (parse("2001:db8::1"), parse("2001:db9::1"), false, false),
        (onion(VWW6, 1), onion(VWW6, 2), true, true),
        (onion(VWW6, 1), onion(ZPV4, 1), false, false),
        (parse(B32), parse(&format!("{B32}:5")), true, true),
        (parse(B32), parse("test.i2p"), false, false),
        (onion(VWW6, 1), parse(B32), false, false),
    ];
    for (one, other, same_host, same_group) in rows {
        assert_eq!(one.same_host(&other), same_host, "{} {}", one.reveal(), other.reveal());
        assert_eq!(one.group() == other.group(), same_group, "{}", one.reveal());
        assert_eq!(one == other, same_host && one.port() == other.port() && one != mapped && other != mapped);
    }
}

#[test]
fn local_ips() {
    for (ip, local) in [
        ("127.0.0.1", true),
        ("127.255.0.9", true),
        ("10.0.0.1", true),
        ("172.16.0.1", true),
        ("172.32.0.1", false),
        ("192.168.1.1", true),
        ("169.254.1.1", true),
        ("0.0.0.0", true),
        ("8.8.8.8", false),
        ("::1", true),
        ("::", true),
        ("fe80::1", true),
        ("fd00::1", true),
        ("fec0::1", false),
        ("2001:db8::1", false),
    ] {
        assert_eq!(Addr::parse(ip, 1).unwrap().is_local(), local, "{ip}");
    }
    let mapped = Addr::Ipv6("[::ffff:127.0.0.1]:80".parse().unwrap());
    assert!(mapped.is_local());
    assert!(!onion(VWW6, 1).is_local());
}

#[test]
fn zones_and_socks_hosts() {
    for (text, zone, port, host) in [
        ("1.2.3.4:5", "public", 5, "1.2.3.4"),
        ("[2001:db8::1]:5", "public", 5, "2001:db8::1"),
        (&format!("{VWW6}.onion:5"), "tor", 5, &format!("{VWW6}.onion")),
        (&format!("{B32}:5"), "i2p", I2P_PORT, B32),
        ("Test.i2p", "i2p", 1, "test.i2p"),
    ] {
        let addr = Addr::parse(text, 0).unwrap();
        assert_eq!((addr.zone().name(), addr.port()), (zone, port), "{text}");
        assert_eq!(addr.zone().is_anonymity(), zone != "public");
        let mut written = String::new();
        addr.write_host(&mut written).unwrap();
        assert_eq!(written, host);
    }
}

proptest! {
    #[test]
    fn printed_text_is_read_back_and_debug_hides_it(addr in any_addr()) {
        let printed = addr.reveal().to_string();
        prop_assert_eq!(Addr::parse(&printed, 0), Ok(addr.clone()));
        prop_assert_eq!(Addr::parse(&printed.to_uppercase(), 0), Ok(addr.clone()));

        let debug = format!("{addr:?}");
        prop_assert_eq!(debug, format!("Addr({}:…)", addr.zone()));
        let parts = format!("{:?} {:?}", addr.group(), addr.reveal());
        let host = match &addr {
            Addr::Onion(onion) => format!("{onion:?} {:?}", onion.host()),
            Addr::I2p(i2p) => format!("{i2p:?} {:?}", i2p.host()),
            _ => String::new(),
        };
        prop_assert!(parts.contains('…') && !parts.contains(&printed[..8]), "{}", parts);
        prop_assert!(!host.contains(&printed[..8]), "{}", host);
    }

    #[test]
    fn hostile_hosts_never_panic(host in proptest::collection::vec(any::<u8>(), 0..80), suffix in 0..3_usize) {
        let host = [&host[..], [&b".onion"[..], b".b32.i2p", b".i2p"][suffix]].concat();
        let _ = OnionAddr::from_host(&host, 0);
        if let Ok(i2p) = I2pAddr::from_host(&host) {
            prop_assert_eq!(i2p.host().as_bytes().to_vec(), host.to_ascii_lowercase());
        }
    }

    #[test]
    fn base32_round_trip(bytes: [u8; 32], bits in 1_u8..16) {
        let mut text: Vec<u8> = base32::encode(bytes.into_iter()).collect();
        prop_assert_eq!(text.len(), 52);
        prop_assert_eq!(base32::decode::<32>(&text), Some((bytes, 0)));
        prop_assert_eq!(base32::decode::<31>(&text), None);
        prop_assert_eq!(base32::decode::<33>(&text), None);
        let last = text[51];
        let value = if last.is_ascii_digit() { last - b'2' + 26 } else { last - b'a' };
        text[51] = b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(value | bits)];
        prop_assert_eq!(base32::decode::<32>(&text), Some((bytes, bits)));
    }
}

fn any_addr() -> impl Strategy<Value = Addr> {
    let public = (any::<core::net::IpAddr>(), 1..=u16::MAX).prop_map(|(ip, port)| SocketAddr::new(ip, port).into());
    let onion = (any::<[u8; 32]>(), 1..=u16::MAX).prop_map(|(seed, port)| {
        let point = EdwardsPoint::mul_base(&(Scalar::from_bytes_mod_order(seed) + Scalar::ONE));
        let mut onion = onion_of_key(point.compress().as_bytes());
        onion.port = port;
        Addr::Onion(onion)
    });
    let b32 = any::<[u8; 32]>().prop_map(|hash| base32::encode(hash.into_iter()).collect());
    let human = "[a-z0-9]{4,9}([.-][a-z0-9]{4,8}){0,4}".prop_map(String::into_bytes);
    let i2p = prop_oneof![
        b32.prop_map(|name: Vec<u8>| [&name[..], b".b32.i2p"].concat()),
        human.prop_map(|name| [&name[..], b".i2p"].concat()),
    ];
    prop_oneof![public, onion, i2p.prop_map(|host| Addr::I2p(I2pAddr::from_host(&host).unwrap()))]
}
