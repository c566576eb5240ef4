//! The memory pattern: on its first run ONNX Runtime records when each value comes and goes and gives it an offset; the
//! runs after that allocate one block that holds all of them.
//!
//! A value goes into the smallest room that holds it, the lowest of equal ones: room between two values, before the
//! first, or behind the last as far as the block reaches by then. If none does it goes behind the last value, and the
//! block grows. (`MemPatternPlanner::TraceAllocation`.)

use std::collections::{BTreeMap, BTreeSet};

/// The block, while it is being planned.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    /// Values in it: offset → end.
    used: BTreeMap<u64, u64>,
    /// Room between them: (size, offset).
    gaps: BTreeSet<(u64, u64)>,
    size: u64,
}

impl Pattern {
    /// The size of the block so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Gives a value of at least one byte its offset; `None` beyond 2^64.
    pub(super) fn place(&mut self, bytes: u64) -> Option<u64> {
        let gap = self.gaps.range((bytes, 0)..).next().copied();
        let end_of_last = self.used.last_key_value().map_or(0, |(_, end)| *end);
        let (room, offset) = gap.unwrap_or((self.size - end_of_last, end_of_last));
        let end = offset.checked_add(bytes)?;
        self.gaps.remove(&(room, offset));
        self.add_gap(end, room.saturating_sub(bytes));
        self.used.insert(offset, end);
        self.size = self.size.max(end);
        Some(offset)
    }

    /// Takes the value at an offset out.
    pub(super) fn remove(&mut self, offset: u64) {
        let Some(end) = self.used.remove(&offset) else { return };
        let start = self.used.range(..offset).next_back().map_or(0, |(_, end)| *end);
        let next = self.used.range(end..).next().map_or(self.size, |(next, _)| *next);
        self.gaps.remove(&(offset - start, start));
        self.gaps.remove(&(next - end, end));
        self.add_gap(start, next - start);
    }

    fn add_gap(&mut self, offset: u64, size: u64) {
        if size > 0 {
            self.gaps.insert((size, offset));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as the head of the file states it, by looking at every value.
    fn by_scanning(used: &[(u64, u64)], size: u64, bytes: u64) -> u64 {
        let (mut start, mut best) = (0, None);
        for (offset, end) in used.iter().copied().chain([(size, size)]) {
            let room = offset - start;
            if room >= bytes && best.is_none_or(|(least, _)| room < least) {
                best = Some((room, start));
            }
            start = end;
        }
        best.map_or(used.last().map_or(0, |(_, end)| *end), |(_, offset)| offset)
    }

    proptest! {
        #[test]
        fn rooms_are_found_as_by_looking_at_every_value(
            steps in prop::collection::vec((1u64..20, any::<bool>(), any::<prop::sample::Index>()), 1..60),
        ) {
            let mut pattern = Pattern::default();
            let mut used: Vec<(u64, u64)> = Vec::new();
            for (bytes, goes, which) in steps {
                if goes && !used.is_empty() {
                    let (offset, _) = used.remove(which.index(used.len()));
                    pattern.remove(offset);
                } else {
                    let offset = by_scanning(&used, pattern.size(), bytes);
                    prop_assert_eq!(pattern.place(bytes), Some(offset));
                    used.push((offset, offset + bytes));
                    used.sort_unstable();
                }
            }
        }
    }

    #[test]
    fn the_smallest_room_is_taken_be_it_at_the_end() {
        let mut pattern = Pattern::default();
        let places: Vec<_> = [8, 1, 3].iter().map(|bytes| pattern.place(*bytes)).collect();
        assert_eq!(places, [Some(0), Some(8), Some(9)]);
        pattern.remove(9);
        pattern.remove(0);
        // Three bytes are free behind the last value, eight before it.
        assert_eq!([pattern.place(3), pattern.place(9)], [Some(9), Some(12)]);
        assert_eq!(pattern.size(), 21);
    }
}
