//! A generational slab: stable handles that notice when what they named is gone.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// Names one entry of a [`Table`]. A handle to a removed entry never finds its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Handle {
    slot: u32,
    generation: u32,
}

impl Handle {
    /// The dense index of the entry, for side tables.
    pub(crate) const fn slot(self) -> usize {
        self.slot as usize
    }

    pub(crate) const fn to_bits(self) -> u64 {
        (self.slot as u64) << 32 | self.generation as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self { slot: (bits >> 32) as u32, generation: bits as u32 }
    }
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// Entries in recycled slots; a steady population allocates nothing.
#[derive(Debug)]
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, value: T) -> Handle {
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            entry.value = Some(value);
            return Handle { slot, generation: entry.generation };
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 entries fit in memory");
        self.slots.push(Slot { generation: 0, value: Some(value) });
        Handle { slot, generation: 0 }
    }

    pub(crate) fn find(&self, handle: Handle) -> Option<&T> {
        let slot = self.slots.get(handle.slot())?;
        if slot.generation == handle.generation { slot.value.as_ref() } else { None }
    }

    pub(crate) fn find_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let slot = self.slots.get_mut(handle.slot())?;
        if slot.generation == handle.generation { slot.value.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, handle: Handle) -> Option<T> {
        let slot = self.slots.get_mut(handle.slot())?;
        if slot.generation != handle.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(handle.slot);
        Some(value)
    }

    /// The handle of the entry that now lives in `slot`.
    pub(crate) fn at(&self, slot: usize) -> Option<Handle> {
        let entry = self.slots.get(slot)?;
        entry.value.as_ref()?;
        Some(Handle { slot: u32::try_from(slot).ok()?, generation: entry.generation })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &T)> {
        self.slots.iter().zip(0u32..).filter_map(|(entry, slot)| {
            let value = entry.value.as_ref()?;
            Some((Handle { slot, generation: entry.generation }, value))
        })
    }
}

/// The entry of a handle whose holder knows that it is there, as it has just been found, or is kept beside it; one that may
/// have gone is looked for with [`find`](Table::find).
///
/// # Panics
/// If it is not: a bug of the holder.
impl<T> Index<Handle> for Table<T> {
    type Output = T;

    fn index(&self, handle: Handle) -> &T {
        self.find(handle).expect("who holds a handle gives it up with its entry")
    }
}

impl<T> IndexMut<Handle> for Table<T> {
    fn index_mut(&mut self, handle: Handle) -> &mut T {
        self.find_mut(handle).expect("who holds a handle gives it up with its entry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_the_same_after_a_way_through_a_number() {
        let mut table = Table::new();
        let first = table.insert("a");
        table.remove(first);
        let second = table.insert("b");
        assert_eq!(table.find(Handle::from_bits(second.to_bits())), Some(&"b"));
        assert_eq!(table.find(Handle::from_bits(first.to_bits())), None);
        assert_eq!(table.find(Handle::from_bits(u64::MAX)), None);
        assert_ne!(first.to_bits(), second.to_bits());
    }

    #[test]
    fn a_stale_handle_finds_nothing_after_its_slot_is_reused() {
        let mut table = Table::new();
        let first = table.insert("a");
        assert_eq!(table.remove(first), Some("a"));
        let second = table.insert("b");
        assert_eq!(first.slot(), second.slot());
        assert_eq!(table.find(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.find(second), Some(&"b"));
        assert_eq!(table.len(), 1);
    }
}
