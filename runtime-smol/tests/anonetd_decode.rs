//! `anonetd decode` on captured frames and on nonsense.

mod common;

use std::fs;

use common::{anonetd, run_with_input, stderr, stdout, vectors};
use serde_json::Value;

#[test]
fn every_vector_decodes() {
    let mut count = 0;
    for set in ["tor", "i2p"] {
        for file in fs::read_dir(vectors().join(set)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".hex") || name.starts_with("tx-") {
                continue;
            }
            let input = fs::read(&path).unwrap();
            for form in [None, Some("--json")] {
                let output = run_with_input(anonetd().arg("decode").args(form), &input);
                assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
                assert!(!output.stdout.is_empty(), "{name}");
                let json = stdout(&output).lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
                assert_eq!(json, form.is_some(), "{name}");
            }
            count += 1;
        }
    }
    assert_eq!(count, 40);
}

#[test]
fn fragments_and_noise_are_shown() {
    let decode = |name: &str| {
        let input = fs::read(vectors().join("tor").join(name)).unwrap();
        stdout(&run_with_input(anonetd().arg("decode"), &input))
    };
    let text = decode("tor_new_transactions_noise_fragments.hex");
    for expected in ["fragment  first", "fragment  last", "NEW_TRANSACTIONS (2002)", "fluff=false"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(decode("tor_dummy.hex").contains("noise     3039 bytes"));
}

#[test]
fn a_bad_frame_is_named() {
    let input = b"0121010101010101 0a00000000000000 01 eb030000 00000000 01000000 01000000 01110101010102010100\nff";
    let output = run_with_input(anonetd().arg("decode"), input);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("PING (1003)"));
    assert!(stderr(&output).contains("bad frame at byte 43"), "{}", stderr(&output));
}
