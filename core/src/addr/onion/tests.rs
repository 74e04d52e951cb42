use alloc::format;
use alloc::string::{String, ToString};

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;

use super::super::AddrError::*;
use super::super::tests::{B32, CIV5, VWW6, ZPV4, onion, onion_of_key};
use super::super::{Addr, OnionAddr};

#[test]
fn onion_hosts() {
    let wrong = format!("wrongchecksum{}d", "7".repeat(42));
    let rows = [
        (VWW6.to_string(), Ok(())),
        (ZPV4.to_string(), Ok(())),
        (VWW6.to_uppercase(), Ok(())),
        // the point is not looked at
        (CIV5.to_string(), Ok(())),
        (ZPV4.replace("3ad", "3ac"), Err(OnionVersion)),
        (wrong, Err(OnionVersion)),
        (VWW6.replace("pyyd", "pzyd"), Err(OnionChecksum)),
        (VWW6.replace("vww6", "vwx6"), Err(OnionChecksum)),
        ("xmrto2bturnore26".to_string(), Err(LegacyOnion)),
        (VWW6[1..].to_string(), Err(OnionLength)),
        (format!("a{VWW6}"), Err(OnionLength)),
        (String::new(), Err(OnionLength)),
        (format!("www.{VWW6}"), Err(OnionAlphabet)),
        (VWW6.replace('w', "1"), Err(OnionAlphabet)),
        (VWW6.replace('w', "ⓦ"), Err(OnionAlphabet)),
    ];
    for (name, expected) in rows {
        let host = format!("{name}.onion");
        let result = OnionAddr::from_host(host.as_bytes(), 80);
        assert_eq!(result.map(|_| ()), expected, "{host}");
        if let Ok(onion) = result {
            assert_eq!(onion.host().as_str(), host.to_lowercase());
            assert_eq!(onion.host().as_bytes().len(), 62);
        }
    }
    for host in ["", "onion", VWW6, "<unknown tor host>", "a.i2p", "x.onion."] {
        assert_eq!(OnionAddr::from_host(host.as_bytes(), 80), Err(Suffix), "{host}");
    }
    let printed = OnionAddr::from_host(format!("{VWW6}.ONION").as_bytes(), 0).unwrap();
    assert_eq!(printed.port(), 0);
    assert_eq!(printed.host().as_str(), format!("{VWW6}.onion"));
}

#[test]
fn onion_points() {
    assert_eq!(onion(CIV5, 1).check_point(), Err(OnionPoint));
    for name in [
        VWW6,
        ZPV4,
        "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid",
        "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid",
        "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd",
        "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad",
        "aclc4e2jhhtr44guufbnwk5bzwhaecinax4yip4wr4tjn27sjsfg6zqd",
        "lykcas4tus7mkm4bhsgqe4drtd4awi7gja24goscc47xfgzj54yofyqd",
    ] {
        assert_eq!(onion(name, 1).check_point(), Ok(()), "{name}");
    }
    // all points of small order, the neutral element among them, and a good point plus each
    for torsion in &EIGHT_TORSION {
        let small = onion_of_key(torsion.compress().as_bytes());
        assert_eq!(small.check_point(), Err(OnionTorsion));
        let mixed = onion_of_key((ED25519_BASEPOINT_POINT + torsion).compress().as_bytes());
        let neutral = torsion == &EdwardsPoint::default();
        assert_eq!(mixed.check_point(), if neutral { Ok(()) } else { Err(OnionTorsion) });
    }
    // y written as p + y, with either sign of x; some of these would decompress
    let mut decompressed = 0;
    for (low, high) in (0xed..=0xff).flat_map(|low| [(low, 0x7f), (low, 0xff)]) {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (low, high);
        decompressed += usize::from(CompressedEdwardsY(key).decompress().is_some());
        assert_eq!(onion_of_key(&key).check_point(), Err(OnionPoint), "{low:x} {high:x}");
    }
    assert!(decompressed > 0);
    // the neutral element with a negative zero
    let mut key = [0; 32];
    (key[0], key[31]) = (1, 0x80);
    assert_eq!(onion_of_key(&key).check_point(), Err(OnionPoint));
    let i2p = Addr::parse(B32, 0).unwrap();
    assert_eq!(i2p.check_point(), Ok(()));
}
