//! One block of memory for all activations, with an offset for each ("dynamic storage allocation").
//!
//! Greedy by size: largest first, each at the lowest offset that is free during its whole life. Blocks that meet in time
//! are found through a segment tree over the steps, so the cost is n log n plus the number of meetings; past a budget of
//! meetings the rest is stacked on top, which is valid and never more than no reuse at all.

use super::Block;
use crate::base::quantity::{AtLeast, Bytes};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Meetings in time that are looked at before the rest is stacked.
const MEETINGS: usize = 20_000_000;

/// Where every block lies.
pub(super) struct Packing {
    /// Size of the arena.
    pub(super) total: AtLeast<Bytes>,
    /// Offset of each block, in the order given.
    #[cfg(test)]
    pub(super) offsets: Vec<u64>,
}

/// Gives every block an offset.
pub(super) fn pack(blocks: &[Block], steps: usize) -> Packing {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_unstable_by_key(|i| (Reverse(blocks[*i].bytes.least.0), blocks[*i].life.start, *i));
    let mut placed = Placed::new(steps);
    let mut offsets = vec![0u64; blocks.len()];
    let (mut total, mut budget) = (0u64, MEETINGS);
    let mut met = Vec::new();
    for i in order {
        let block = &blocks[i];
        let size = block.bytes.least.0;
        met.clear();
        placed.meeting(block, budget, &mut met);
        budget = budget.saturating_sub(met.len());
        let offset = if budget == 0 { total } else { lowest_gap(size, &mut met, blocks, &offsets) };
        offsets[i] = offset;
        total = total.max(offset.saturating_add(size));
        placed.add(i, block);
    }
    let incomplete = blocks.iter().any(|b| b.bytes.incomplete) || total == u64::MAX;
    Packing {
        total: AtLeast { least: Bytes(total), incomplete },
        #[cfg(test)]
        offsets,
    }
}

/// The lowest offset at which `size` bytes fit between the blocks that it meets.
fn lowest_gap(size: u64, met: &mut [usize], blocks: &[Block], offsets: &[u64]) -> u64 {
    met.sort_unstable_by_key(|j| offsets[*j]);
    let mut offset = 0u64;
    for j in met {
        if offsets[*j] >= offset.saturating_add(size) {
            break;
        }
        offset = offset.max(offsets[*j].saturating_add(blocks[*j].bytes.least.0));
    }
    offset
}

/// Blocks that have an offset, to be found by the steps at which they live.
struct Placed {
    /// Leaves of the segment tree: a power of two of at least the number of steps.
    leaves: usize,
    /// By tree node: the place in `covers` of the block added last that covers all of its steps (but not of its parent's).
    covering: Vec<Option<usize>>,
    /// Blocks, each with the place of the one added before it to the same tree node.
    covers: Vec<(usize, Option<usize>)>,
    /// The steps at which blocks begin, each with the block.
    starting: BTreeSet<(usize, usize)>,
}

impl Placed {
    fn new(steps: usize) -> Placed {
        let leaves = steps.next_power_of_two();
        Placed { leaves, covering: vec![None; 2 * leaves], covers: Vec::new(), starting: BTreeSet::new() }
    }

    fn add(&mut self, index: usize, block: &Block) {
        self.starting.insert((block.life.start, index));
        let (mut low, mut high) = (block.life.start + self.leaves, block.life.end + self.leaves + 1);
        while low < high {
            if low % 2 == 1 {
                self.cover(low, index);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.cover(high, index);
            }
            (low, high) = (low / 2, high / 2);
        }
    }

    fn cover(&mut self, node: usize, index: usize) {
        let before = self.covering[node].replace(self.covers.len());
        self.covers.push((index, before));
    }

    /// Blocks alive at some step of this one's life: those alive when it begins, and those that begin while it lives.
    fn meeting(&self, block: &Block, most: usize, found: &mut Vec<usize>) {
        let mut node = block.life.start + self.leaves;
        while node > 0 {
            let mut cover = self.covering[node];
            while let Some(place) = cover.filter(|_| found.len() < most) {
                let (index, before) = self.covers[place];
                found.push(index);
                cover = before;
            }
            node /= 2;
        }
        let meanwhile = (block.life.start + 1, 0)..=(block.life.end, usize::MAX);
        if block.life.start < block.life.end {
            let left = most.saturating_sub(found.len());
            found.extend(self.starting.range(meanwhile).map(|(_, index)| *index).take(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Lifetime;
    use proptest::prelude::*;

    fn block(start: usize, end: usize, bytes: u64) -> Block {
        Block { life: Lifetime { start, end }, bytes: AtLeast::exact(Bytes(bytes)) }
    }

    #[test]
    fn blocks_that_never_meet_share_an_offset() {
        let packing = pack(&[block(0, 1, 100), block(2, 3, 60), block(1, 2, 10)], 4);
        assert_eq!(packing.offsets, [0, 0, 100]);
        assert_eq!(packing.total, AtLeast::exact(Bytes(110)));
    }

    proptest! {
        /// Checked by brute force over all pairs.
        #[test]
        fn blocks_alive_together_never_overlap(raw in prop::collection::vec((0usize..20, 0usize..20, 1u64..50), 1..40)) {
            let blocks: Vec<Block> = raw.iter().map(|(a, b, n)| block(*a.min(b), *a.max(b), *n)).collect();
            let packing = pack(&blocks, 20);
            let alive = |step: usize| blocks.iter().filter(|b| b.life.start <= step && step <= b.life.end).map(|b| b.bytes.least.0).sum::<u64>();
            let load = (0..20).map(alive).max().unwrap_or(0);
            prop_assert!(packing.total.least.0 >= load);
            prop_assert!(packing.total.least.0 <= blocks.iter().map(|b| b.bytes.least.0).sum());
            for (i, a) in blocks.iter().enumerate() {
                for (j, b) in blocks.iter().enumerate().skip(i + 1) {
                    let together = a.life.start <= b.life.end && b.life.start <= a.life.end;
                    let apart = packing.offsets[i] + a.bytes.least.0 <= packing.offsets[j] || packing.offsets[j] + b.bytes.least.0 <= packing.offsets[i];
                    prop_assert!(!together || apart, "{a:?} and {b:?}");
                }
            }
        }
    }
}
