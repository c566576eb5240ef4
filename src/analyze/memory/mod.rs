//! Memory of a forward pass: what is alive when, and what one block for all of it takes.

mod arena;
pub mod onnxruntime;
mod storage;

use super::elements;
use super::params;
use super::report::Inference;
use crate::base::quantity::{AtLeast, Bytes, Elements};
use crate::graph::{Lifetime, Model, NodeId, ValueId, lifetimes};
use crate::ops::rules::Storage;

/// Bytes of a value at its own element type, or unknown.
pub(super) fn bytes(model: &Model, id: ValueId) -> AtLeast<Bytes> {
    model.values[id].ty.bytes().map_or_else(AtLeast::unknown, |n| AtLeast::exact(Bytes(n)))
}

/// The figures of inference memory ([`Inference`] defines each).
pub(super) fn measure(model: &Model) -> Inference {
    let lives = lifetimes(model);
    let steps = model.main.nodes.len().max(1);
    let mut no_reuse = AtLeast::default();
    let own = blocks(model, &lives).inspect(|block| no_reuse = no_reuse.plus(block.bytes));
    let (activation_peak, step) = peak(own, steps);
    let (shared, _) = storage::overwriting(model, &lives);
    let (overwriting, overwriting_step) = peak(shared.iter().copied(), steps);
    let name = |step: usize| model.main.nodes.get(step).map(|id| model.nodes[*id].name.to_string());
    let stored = params::total(model);
    Inference {
        minimum: overwriting.plus(stored.parameter_bytes).plus(stored.buffer_bytes),
        overwriting,
        overwriting_at: name(overwriting_step),
        activation_peak,
        peak_at: name(step),
        arena: arena::pack(&shared, steps).total,
        no_reuse,
        onnxruntime: onnxruntime::plan(model, 1).ok().and_then(|plan| plan.first.total()),
    }
}

/// Bytes of values alive at once, those that may be overwritten not counted twice.
pub(super) fn alive_at_once(model: &Model) -> AtLeast<Bytes> {
    let (shared, _) = storage::overwriting(model, &lifetimes(model));
    peak(shared.into_iter(), model.main.nodes.len().max(1)).0
}

/// The values in memory at the step at which the overwriting figure is largest, in running order; of those that share
/// memory, the first.
pub(super) fn alive_at_overwriting_peak(model: &Model) -> Vec<ValueId> {
    let (shared, first) = storage::overwriting(model, &lifetimes(model));
    let (_, step) = peak(shared.iter().copied(), model.main.nodes.len().max(1));
    let alive = shared.iter().zip(first).filter(|(b, _)| b.life.start <= step && step <= b.life.end);
    alive.map(|(_, value)| value).collect()
}

/// A stretch of memory with the steps during which it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) life: Lifetime,
    pub(super) bytes: AtLeast<Bytes>,
}

/// Every activation in memory of its own.
fn blocks(model: &Model, lives: &[Option<Lifetime>]) -> impl Iterator<Item = Block> {
    let block = |id: ValueId| lives[id.index()].map(|life| Block { life, bytes: bytes(model, id) });
    model.values.ids().filter_map(block)
}

/// The largest sum of blocks alive in one step, and the first step at which it is reached.
fn peak(blocks: impl Iterator<Item = Block>, steps: usize) -> (AtLeast<Bytes>, usize) {
    // Bytes that appear at a step, and bytes that are gone from the next one on.
    let mut change = vec![(0u64, 0u64); steps + 1];
    let mut incomplete = false;
    for block in blocks {
        incomplete |= block.bytes.incomplete;
        let at = |slot: &mut u64| *slot = slot.saturating_add(block.bytes.least.0);
        at(&mut change[block.life.start].0);
        at(&mut change[block.life.end + 1].1);
    }
    let (mut alive, mut best, mut best_step) = (0u64, 0u64, 0);
    for (step, (appear, gone)) in change.iter().take(steps).enumerate() {
        alive = alive.saturating_sub(*gone).saturating_add(*appear);
        if alive > best {
            (best, best_step) = (alive, step);
        }
    }
    // A sum beyond 2^64 is not a number.
    let overflow = best == u64::MAX;
    (AtLeast { least: Bytes(best), incomplete: incomplete || overflow }, best_step)
}

/// Layer outputs as papers and textbooks count them: functions in place make none.
pub(super) struct Activations {
    /// By node.
    each: Vec<(AtLeast<Elements>, AtLeast<Bytes>)>,
}

impl Activations {
    /// Bytes that this node of the network adds.
    pub(super) fn bytes_of(&self, id: NodeId) -> AtLeast<Bytes> {
        self.each[id.index()].1
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> AtLeast<Bytes> {
        self.each.iter().map(|e| e.1).sum()
    }

    /// Values of all of them.
    pub(super) fn elements(&self) -> AtLeast<Elements> {
        self.each.iter().map(|e| e.0).sum()
    }
}

/// Counts the outputs of every node that is computed from what is fed and does not work in place.
pub(super) fn activations(model: &Model) -> Activations {
    let mut each = vec![Default::default(); model.nodes.len()];
    for id in &model.main.nodes {
        let node = &model.nodes[*id];
        if !node.constant && node.kind.storage == Storage::Fresh {
            let outputs = || node.outputs.iter().flatten();
            each[id.index()] =
                (outputs().map(|v| elements(model, *v)).sum(), outputs().map(|v| bytes(model, *v)).sum());
        }
    }
    Activations { each }
}
