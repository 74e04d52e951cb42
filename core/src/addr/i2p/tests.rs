use alloc::format;
use alloc::string::String;

use super::super::AddrError::*;
use super::super::tests::B32;
use super::super::{AddrError, I2pAddr};

#[test]
fn i2p_hosts() {
    let long = |count: usize| format!("{}.i2p", "a".repeat(count));
    let human: [(String, Result<(), AddrError>); 20] = [
        ("test.i2p".into(), Ok(())),
        ("a-b.c.i2p".into(), Ok(())),
        ("Example.I2P".into(), Ok(())),
        ("1.i2p".into(), Ok(())),
        ("test.b32.i2p.i2p".into(), Ok(())),
        (format!("{B32}.i2p"), Ok(())),
        (long(63), Ok(())),
        (long(64), Err(I2pName)),
        (".i2p".into(), Err(I2pName)),
        ("-a.i2p".into(), Err(I2pName)),
        ("a-.i2p".into(), Err(I2pName)),
        (".a.i2p".into(), Err(I2pName)),
        ("a..i2p".into(), Err(I2pName)),
        ("a..b.i2p".into(), Err(I2pName)),
        ("a.-b.i2p".into(), Err(I2pName)),
        ("a--b.i2p".into(), Err(I2pName)),
        ("a_b.i2p".into(), Err(I2pName)),
        ("ä.i2p".into(), Err(I2pName)),
        ("i2p".into(), Err(Suffix)),
        ("<unknown i2p host>".into(), Err(Suffix)),
    ];
    for (host, expected) in human {
        let result = I2pAddr::from_host(host.as_bytes());
        assert_eq!(result.as_ref().map(|_| ()).map_err(|why| *why), expected, "{host}");
        if let Ok(i2p) = result {
            assert_eq!(i2p.host().as_str(), host.to_lowercase());
            assert!(!i2p.is_b32());
        }
    }
    let xmr2 = "xmrto2bturnore26".repeat(3) + "xmr2.b32.i2p";
    let b32: [(String, Result<(), AddrError>); 11] = [
        (B32.into(), Ok(())),
        (B32.to_uppercase(), Ok(())),
        ("vdmnehdjkpkg57nthgnjfuaqgku673r5bpbqg56ix6fyqoywgqrq.b32.i2p".into(), Ok(())),
        ("ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq.b32.i2p".into(), Ok(())),
        // monerod ignores the 4 bits that the last character has too many, its own examples have them
        ("vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopn.b32.i2p".into(), Err(I2pTail)),
        (xmr2, Err(I2pTail)),
        (B32.replace("nheq", "nher"), Err(I2pTail)),
        (".b32.i2p".into(), Err(I2pLength)),
        ("test.b32.i2p".into(), Err(I2pLength)),
        (format!("aaaa{B32}"), Err(I2pLength)),
        (B32.replace("uq", "u1"), Err(I2pAlphabet)),
    ];
    for (host, expected) in b32 {
        let result = I2pAddr::from_host(host.as_bytes());
        assert_eq!(result.as_ref().map(|_| ()).map_err(|why| *why), expected, "{host}");
        if let Ok(i2p) = result {
            assert_eq!(i2p.host().as_str(), host.to_lowercase());
            assert!(i2p.is_b32());
        }
    }
}
