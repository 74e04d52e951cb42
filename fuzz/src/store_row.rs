//! Any bytes as a row of the stash's file.

use anonet_smol::fuzzing::rewrite_row;

/// Bytes of a row of the present version but for the transaction: version, time, exposure, and 32 uses with their number.
const HEAD: usize = 1 + 8 + 1 + 1 + 32 * 20;

/// # Panics
/// If what can be read is not written so that it is read alike, or the transaction in it is not the end of the bytes.
pub fn store_row(data: &[u8]) {
    let Some((written, blob)) = rewrite_row(data) else { return };
    assert!(data.ends_with(blob) && data.len() - blob.len() <= HEAD);
    assert_eq!((written.len(), written[0]), (HEAD + blob.len(), 2));
    assert_eq!(written[1..10], data[1..10], "when it was submitted, and who may know of it");
    let uses = if data[0] == 2 { usize::from(data[10]) } else { 0 };
    assert!(uses <= 32 && usize::from(written[10]) == uses);
    let end = 11 + uses * 20;
    assert!(uses == 0 || written[11..end] == data[11..end], "a host that may have it is forgotten");
    assert!(written[end..HEAD].iter().all(|byte| *byte == 0), "what stood in places without a use stays");
    assert_eq!(rewrite_row(&written), Some((written.clone(), blob)));
}
