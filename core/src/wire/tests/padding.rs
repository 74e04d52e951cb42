//! Filler: every message of transactions ends on a multiple of the grain (dandelion-noise §8).

use super::*;

fn padded(form: TxForm, txs: &[&[u8]]) -> Vec<u8> {
    encoded(|out| NewTransactions::encode_padded(out, form, txs.iter().copied()))
}

#[test]
fn every_size_in_both_forms_is_aligned_with_the_least_filler() {
    let blob = vec![7; 1_000_000];
    let sizes = (1..=4_096).chain([16_382, 16_383, 16_384, 65_535, 999_999, 1_000_000]);
    for size in sizes {
        for form in [TxForm::Fluff, TxForm::Stem] {
            let tx = &blob[..size];
            let body = padded(form, &[tx]);
            assert_eq!(body.len() % NewTransactions::GRAIN, 0, "{size} {form:?}");
            let bare = encoded(|out| NewTransactions::encode(out, form, 0, [tx].into_iter())).len();
            // one more grain only where no filler fits: its own length takes a byte more from 64 bytes on
            let waste = body.len() - bare;
            assert!(waste <= NewTransactions::GRAIN || (waste, bare % 1_024) == (1_088, 960), "{size} {form:?}: {waste}");
            let message = NewTransactions::decode(&body).unwrap();
            assert_eq!((message.tx_count(), message.txs().next()), (1, Some(tx)));
            assert!(message.padding.iter().all(|&byte| byte == b' '));
        }
    }
}

#[test]
fn many_transactions_are_aligned_too() {
    for count in 0..70 {
        let blob = [9; 61];
        let txs: Vec<&[u8]> = (0..count).map(|size| &blob[..size % 61]).collect();
        let body = padded(TxForm::Fluff, &txs);
        assert_eq!(body.len() % NewTransactions::GRAIN, 0, "{count}");
        assert_eq!(NewTransactions::decode(&body).unwrap().tx_count(), count);
    }
}
