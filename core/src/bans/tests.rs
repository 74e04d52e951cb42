use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use super::*;
use crate::addr::AddrError;
use crate::wire::WireError;

const START: Instant = Instant::from_micros(1 << 40);
const HOUR: Duration = Duration::from_secs(3_600);
const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";

fn addr(text: &str) -> Addr {
    Addr::parse(text, 18_080).unwrap()
}

fn who(text: &str) -> Banned {
    Banned::parse(text).unwrap()
}

fn host(number: u32) -> Addr {
    Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::from(0x2d00_0000 + number), 18_080))
}

#[test]
fn a_ban_covers_its_host_on_every_port_or_its_subnet_and_nothing_else() {
    let table: [(&str, &[&str], &[&str]); 8] = [
        ("45.1.2.3", &["45.1.2.3:1", "[::ffff:45.1.2.3]:2"], &["45.1.2.4", ONION]),
        ("45.1.2.99/24", &["45.1.2.0", "45.1.2.255"], &["45.1.3.0", "[2d01:200::]:1"]),
        ("0.0.0.0/0", &["1.1.1.1"], &["[2001:db8::1]:1", B32]),
        ("2001:db8::1", &["[2001:db8::1]:9"], &["[2001:db8::2]:9"]),
        ("2001:db8:5::/48", &["[2001:db8:5:1::9]:9"], &["[2001:db8:6::1]:9"]),
        ("::/0", &["[2001:db8::1]:9"], &["45.1.2.3"]),
        (ONION, &["zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:7"], &[B32]),
        (B32, &[B32], &[ONION]),
    ];
    for (text, covered, free) in table {
        let who = who(text);
        let mut bans = Bans::new(9);
        bans.ban(START, who.clone(), None).unwrap();
        for (addresses, expected) in [(covered, true), (free, false)] {
            for address in addresses {
                assert_eq!(who.covers(&addr(address)), expected, "{text} {address}");
                assert_eq!(bans.cover(START, &addr(address)), expected, "{text} {address}");
            }
        }
        assert_eq!(Banned::parse(&who.reveal().to_string()), Ok(who), "{text}");
    }
}

#[test]
fn texts_that_name_nobody_are_refused_with_the_reason() {
    assert_eq!(Banned::parse("example.com"), Err(BannedError::Host(AddrError::HostName)));
    for text in ["45.1.2.3/33", "45.1.2.3/", "45.1.2.3/+4", "::/129", "45.1.2.3/4/4"] {
        assert_eq!(Banned::parse(text), Err(BannedError::Prefix), "{text}");
    }
    assert_eq!(Banned::parse("x.onion/4"), Err(BannedError::NoIp));
    assert_eq!(who("45.1.2.3:18080"), who("45.1.2.3"));
}

#[test]
fn bans_end_are_lifted_and_are_counted() {
    let mut bans = Bans::new(3);
    bans.ban(START, who("45.1.0.0/16"), Some(START + HOUR)).unwrap();
    bans.ban(START, who("45.1.2.3"), Some(START + HOUR * 2)).unwrap();
    bans.ban(START, who("45.1.2.3"), None).unwrap();
    bans.ban(START, who(ONION), None).unwrap();
    assert_eq!(bans.ban(START, who(B32), None), Err(BansFull(3)));
    assert!(bans.take_changed() && !bans.take_changed());
    let later = START + HOUR;
    assert!(bans.cover(later, &addr("45.1.2.3")) && !bans.cover(later, &addr("45.1.2.4")));
    assert!(bans.cover(START, &addr("45.1.2.4")));
    assert_eq!(bans.reports(later).count(), 2);
    // one has ended, so there is room
    bans.ban(later, who(B32), None).unwrap();
    assert!(bans.lift(&who("45.1.2.3")) && !bans.lift(&who("45.1.2.3")));
    assert!(!bans.cover(later, &addr("45.1.2.3")));
    assert_eq!((bans.ends.len(), bans.by_end.len(), bans.sorts.len()), (2, 0, 1));
}

#[test]
fn eleven_faults_in_a_day_or_three_grave_ones_lead_to_a_ban() {
    let light = CloseReason::Message { command: 1_001, error: WireError::PeerIdZero };
    let blame = |bans: &mut Bans, reason: &CloseReason, count: u32| {
        (0..count).map(|_| bans.blame(START, &host(1), reason).is_some()).collect::<Vec<_>>()
    };
    let mut bans = Bans::new(100);
    assert_eq!(blame(&mut bans, &light, 11), [&[false; 10][..], &[true]].concat());
    // starts over at 5
    assert_eq!(blame(&mut bans, &light, 6), [false, false, false, false, false, true]);
    let mut bans = Bans::new(100);
    assert_eq!(blame(&mut bans, &CloseReason::Flood, 3), [false, false, true]);
    let mut bans = Bans::new(100);
    for reason in [CloseReason::SlowReader, CloseReason::Ended, CloseReason::Shutdown, CloseReason::OwnAddress] {
        assert!(!blame(&mut bans, &reason, 300).contains(&true), "{reason}");
    }
    // one fault a day is forgiven
    for day in 0..40 {
        assert_eq!(bans.blame(START + HOUR * 24 * day, &host(1), &light), None);
    }
    let (who, until) = (0..11).find_map(|_| bans.blame(START, &addr(ONION), &light)).unwrap();
    assert!(who.covers(&addr(ONION)) && until == START + HOUR * 24);
}

#[test]
fn hosts_with_faults_are_bounded_and_half_of_the_bans_are_the_users() {
    let mut bans = Bans::new(4);
    for number in 0..scores::HOSTS as u32 + 10 {
        assert_eq!(bans.blame(START, &host(number), &CloseReason::Flood), None);
    }
    assert_eq!(bans.scores.len(), (scores::HOSTS, scores::HOSTS));
    let mut guilty = |number| (0..3).find_map(|_| bans.blame(START, &host(number), &CloseReason::Flood));
    assert!(guilty(1_000_000).is_some());
    bans.ban(START, who("1.1.1.1"), None).unwrap();
    bans.ban(START, who("1.1.1.2"), None).unwrap();
    let mut guilty = |number| (0..3).find_map(|_| bans.blame(START, &host(number), &CloseReason::Flood));
    assert!(guilty(1_000_001).is_none(), "two of four places are taken");
}

#[test]
fn a_ban_that_is_lifted_leaves_others_of_its_size() {
    let mut bans = Bans::new(9);
    for text in ["45.1.2.0/24", "45.1.3.0/24"] {
        bans.ban(START, who(text), None).unwrap();
    }
    assert!(bans.lift(&who("45.1.2.0/24")));
    assert_eq!(["45.1.2.9", "45.1.3.9"].map(|text| bans.cover(START, &addr(text))), [false, true]);
    assert!(bans.lift(&who("45.1.3.0/24")));
    assert!(!bans.cover(START, &addr("45.1.3.9")));
}
