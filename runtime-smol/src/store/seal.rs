//! Rows that only the passphrase makes readable.
//!
//! Argon2id turns the passphrase and a stored salt into two keys. With one a row is sealed (XChaCha20-Poly1305, a fresh
//! random nonce each time); with the other the key of the row is made from the transaction's id, so that the file neither
//! shows an id nor lets one be looked up. A row is padded, as the exact size of a transaction can single it out.
//!
//! ```text
//! header  version 1 | memory in KiB, passes, lanes (u32, little-endian) | salt (16) | nonce (24) | tag (16)
//! row     version 1 | nonce (24) | sealed: id (32), length (u32, little-endian), plain row, zeros | tag (16)
//! ```

use std::fmt;

use anonet_core::TxId;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha3::{Digest, Sha3_256};

use super::row::Unreadable;

/// The version that this module writes, and the newest that it reads.
const VERSION: u8 = 1;

const SALT: usize = 16;
const NONCE: usize = 24;
const TAG: usize = 16;
const HEADER: usize = 1 + 3 * 4 + SALT + NONCE + TAG;

/// Sealed rows are as long as the next multiple of this, and what surrounds them.
const PADDING: usize = 1_024;

/// What the header's proof is bound to.
const HEADER_USE: &[u8] = b"anonet stash header";
/// What a row is bound to, before its key.
const ROW_USE: &[u8] = b"anonet stash row";
/// What the key of recipients is bound to.
const KEY_USE: &[u8] = b"anonet stash recipients";
/// What an id is hashed with, before the secret.
const ID_USE: &[u8] = b"anonet stash id";

/// What trying one passphrase costs: RFC 9106's second choice, on one lane as one thread computes it.
const COST: Cost = Cost { memory: 64 << 10, passes: 3, lanes: 1 };
/// The most that a file may ask of this machine: 1 GiB, and about a minute.
const COST_MAX: Cost = Cost { memory: 1 << 20, passes: 64, lanes: 16 };

/// The secret that seals a store. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Vec<u8>);

impl Passphrase {
    /// A passphrase of any bytes; `None` if there are none.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty()).then_some(Self(bytes))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

#[derive(Clone, Copy, Debug)]
struct Cost {
    /// In KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    fn is_within(self, most: Self) -> bool {
        self.memory <= most.memory && self.passes <= most.passes && self.lanes <= most.lanes
    }
}

/// Why a store cannot be unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// The passphrase is another one.
    WrongPassphrase,
    /// A later version sealed it.
    Newer,
    /// The header makes no sense.
    Bad,
    /// There is no memory or no randomness for it.
    System,
}

/// The keys of a sealed store. `Debug` does not show them.
pub(super) struct Seal {
    rows: XChaCha20Poly1305,
    ids: [u8; 32],
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// Fresh keys, and the header with which they are found again.
    pub(super) fn create(passphrase: &Passphrase) -> Result<(Self, Vec<u8>), Unopened> {
        let salt: [u8; SALT] = random()?;
        let seal = Self::derive(passphrase, &salt, COST)?;
        let mut header = vec![VERSION];
        for number in [COST.memory, COST.passes, COST.lanes] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&salt);
        let proof = seal.encrypt(HEADER_USE, &header, b"")?;
        header.extend_from_slice(&proof);
        Ok((seal, header))
    }

    /// The keys of a store that has this header.
    pub(super) fn open(header: &[u8], passphrase: &Passphrase) -> Result<Self, Unopened> {
        match header.first() {
            Some(&VERSION) => {}
            Some(&version) if version > VERSION => return Err(Unopened::Newer),
            _ => return Err(Unopened::Bad),
        }
        let header: &[u8; HEADER] = header.try_into().map_err(|_| Unopened::Bad)?;
        let (public, proof) = header.split_at(HEADER - NONCE - TAG);
        let number = |at: usize| public[at..at + 4].try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
        let cost = Cost { memory: number(1), passes: number(5), lanes: number(9) };
        if !cost.is_within(COST_MAX) {
            return Err(Unopened::Bad);
        }
        let seal = Self::derive(passphrase, &public[13..], cost)?;
        seal.decrypt(HEADER_USE, public, proof).ok_or(Unopened::WrongPassphrase)?;
        Ok(seal)
    }

    fn derive(passphrase: &Passphrase, salt: &[u8], cost: Cost) -> Result<Self, Unopened> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(64)).map_err(|_| Unopened::Bad)?;
        let mut keys = [0; 64];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(&passphrase.0, salt, &mut keys).map_err(|_| Unopened::System)?;
        let mut ids = [0; 32];
        ids.copy_from_slice(&keys[32..]);
        let rows = XChaCha20Poly1305::new_from_slice(&keys[..32]).map_err(|_| Unopened::System)?;
        Ok(Self { rows, ids })
    }

    /// The key of a transaction's row.
    pub(super) fn key(&self, id: TxId) -> [u8; 32] {
        Sha3_256::new().chain_update(ID_USE).chain_update(self.ids).chain_update(id.as_bytes()).finalize().into()
    }

    /// What stands under that key.
    pub(super) fn seal(&self, id: TxId, row: &[u8]) -> Result<Vec<u8>, Unopened> {
        let len = u32::try_from(row.len()).map_err(|_| Unopened::Bad)?;
        let mut plain = [id.as_bytes(), &len.to_le_bytes()[..], row].concat();
        plain.resize(plain.len().next_multiple_of(PADDING), 0);
        let sealed = self.encrypt(ROW_USE, &self.key(id), &plain)?;
        Ok([&[VERSION], &sealed[..]].concat())
    }

    /// The transaction and its row.
    pub(super) fn unseal(&self, key: &[u8; 32], sealed: &[u8]) -> Result<(TxId, Vec<u8>), Unreadable> {
        let sealed = match sealed.split_first() {
            Some((&VERSION, sealed)) => sealed,
            Some((&version, _)) if version > VERSION => return Err(Unreadable::Newer),
            _ => return Err(Unreadable::Bad),
        };
        let plain = self.decrypt(ROW_USE, key, sealed).ok_or(Unreadable::Bad)?;
        let (id, rest) = plain.split_first_chunk::<32>().ok_or(Unreadable::Bad)?;
        let (len, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Bad)?;
        let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Unreadable::Bad)?;
        Ok((TxId::new(*id), rest.get(..len).ok_or(Unreadable::Bad)?.to_vec()))
    }

    /// The key of recipients, as nonce, ciphertext and tag.
    pub(super) fn seal_key(&self, key: &[u8; 32]) -> Result<Vec<u8>, Unopened> {
        self.encrypt(KEY_USE, &[], key)
    }

    pub(super) fn unseal_key(&self, sealed: &[u8]) -> Option<[u8; 32]> {
        self.decrypt(KEY_USE, &[], sealed)?.try_into().ok()
    }

    /// Nonce, ciphertext and tag.
    fn encrypt(&self, usage: &[u8], place: &[u8], msg: &[u8]) -> Result<Vec<u8>, Unopened> {
        let nonce: [u8; NONCE] = random()?;
        let aad = [usage, place].concat();
        let sealed = self.rows.encrypt(&XNonce::from(nonce), Payload { msg, aad: &aad }).map_err(|_| Unopened::System)?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn decrypt(&self, usage: &[u8], place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
        let aad = [usage, place].concat();
        self.rows.decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad }).ok()
    }
}

fn random<const LEN: usize>() -> Result<[u8; LEN], Unopened> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(|_| Unopened::System)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.into()).unwrap()
    }

    #[test]
    fn a_seal_is_found_again_by_its_passphrase_alone() {
        let (seal, header) = Seal::create(&passphrase("correct")).unwrap();
        let id = TxId::new([7; 32]);
        let sealed = seal.seal(id, b"row").unwrap();
        let again = Seal::open(&header, &passphrase("correct")).unwrap();
        assert_eq!(again.key(id), seal.key(id));
        assert_eq!(again.unseal(&seal.key(id), &sealed), Ok((id, b"row".to_vec())));
        for wrong in ["incorrect", "correct ", "c"] {
            assert_eq!(Seal::open(&header, &passphrase(wrong)).err(), Some(Unopened::WrongPassphrase));
        }
        assert_eq!(Passphrase::new(Vec::new()), None);
    }

    #[test]
    fn equal_passphrases_and_rows_look_different() {
        let ((one, header), (two, other)) = (Seal::create(&passphrase("x")).unwrap(), Seal::create(&passphrase("x")).unwrap());
        let id = TxId::new([7; 32]);
        assert_ne!(header, other);
        assert_ne!(one.key(id), two.key(id));
        assert_ne!(one.seal(id, b"row").unwrap(), one.seal(id, b"row").unwrap());
    }

    #[test]
    fn every_change_is_noticed() {
        let (seal, header) = Seal::create(&passphrase("x")).unwrap();
        let id = TxId::new([7; 32]);
        let (key, sealed) = (seal.key(id), seal.seal(id, b"row").unwrap());
        for at in 1..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(seal.unseal(&key, &changed), Err(Unreadable::Bad), "{at}");
        }
        assert_eq!(seal.unseal(&[7; 32], &sealed), Err(Unreadable::Bad), "moved to another key");
        assert_eq!(seal.unseal(&key, &[&[2], &sealed[1..]].concat()), Err(Unreadable::Newer));
        for short in [&sealed[..0], &sealed[..1], &sealed[..30], &[0; 100]] {
            assert_eq!(seal.unseal(&key, short), Err(Unreadable::Bad));
        }
        let open = |header: &[u8]| Seal::open(header, &passphrase("x")).err();
        assert_eq!(open(&[&[2], &header[1..]].concat()), Some(Unopened::Newer));
        assert_eq!(open(&header[..HEADER - 1]), Some(Unopened::Bad));
        for at in [13, 30, HEADER - 1] {
            let mut changed = header.clone();
            changed[at] ^= 1;
            assert_eq!(open(&changed), Some(Unopened::WrongPassphrase), "{at}");
        }
        // what would take all memory or all day is not even tried
        for at in [4, 8, 12] {
            let mut changed = header.clone();
            changed[at] = 0xff;
            assert_eq!(open(&changed), Some(Unopened::Bad), "{at}");
        }
    }

    #[test]
    fn a_file_cannot_ask_for_more_memory_or_time_than_anybody_would_choose() {
        assert!(COST.is_within(COST_MAX) && COST_MAX.is_within(COST_MAX));
        for more in [
            Cost { memory: COST_MAX.memory + 1, ..COST_MAX },
            Cost { passes: COST_MAX.passes + 1, ..COST_MAX },
            Cost { lanes: COST_MAX.lanes + 1, ..COST_MAX },
        ] {
            assert!(!more.is_within(COST_MAX));
        }
    }

    #[test]
    fn sizes_are_rounded_up() {
        let (seal, _) = Seal::create(&passphrase("x")).unwrap();
        let len = |row: usize| seal.seal(TxId::new([7; 32]), &vec![1; row]).unwrap().len();
        let around = 1 + NONCE + TAG;
        assert_eq!(len(0), around + PADDING);
        assert_eq!(len(PADDING - 36), around + PADDING);
        assert_eq!(len(PADDING - 35), around + 2 * PADDING);
    }
}
