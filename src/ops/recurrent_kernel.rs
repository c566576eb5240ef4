//! What ONNX Runtime's kernels for recurrent layers hold while they run, of 32-bit floats on one thread, from the sources
//! of version 1.32 (`rnn.cc`, `deep_cpu_gru.cc`, `deep_cpu_lstm.cc`) and measured in graphs of one node.
//!
//! With S steps, a batch of B, D directions, I inputs and H hidden units.

use super::rules::{At, Spec};
use crate::tensor::DType;

struct Sizes {
    steps: u64,
    batch: u64,
    directions: u64,
    inputs: u64,
    hidden: u64,
}

impl Sizes {
    fn of(spec: &Spec, at: &At, threads: u64) -> Option<Sizes> {
        let floats = at.tensor(0).filter(|x| x.dtype == Some(DType::F32))?;
        let (x, r) = (floats.shape.sizes()?, at.tensor(2)?.shape.sizes()?);
        let ([steps, batch, inputs], [directions, _, hidden]) =
            (<[u64; 3]>::try_from(x).ok()?, <[u64; 3]>::try_from(r).ok()?);
        let one_thread = threads == 1 && !spec.attributes.flag("layout", false).ok()?;
        one_thread.then_some(Sizes { steps, batch, directions, inputs, hidden })
    }

    /// B·H floats, so many times.
    fn states(&self, times: u64) -> Option<u64> {
        self.batch.checked_mul(self.hidden)?.checked_mul(times)
    }

    /// S·B·H floats, so many times.
    fn sequences(&self, times: u64) -> Option<u64> {
        self.steps.checked_mul(self.states(times)?)
    }

    /// Of the directions those that go backwards, each with the inputs and its outputs turned round.
    fn turned(&self, spec: &Spec) -> Option<u64> {
        let backwards = match spec.attributes.string("direction").ok()? {
            Some("reverse" | "bidirectional") => 1,
            _ => 0,
        };
        self.steps.checked_mul(self.batch)?.checked_mul(self.inputs.checked_add(self.hidden)?)?.checked_mul(backwards)
    }

    /// For each direction: its buffers, and the lengths of the sequences where none are given.
    fn each(&self, at: &At, buffers: u64) -> Option<u64> {
        let lengths = if at.has(4) { 0 } else { self.batch };
        buffers.checked_add(lengths)?.checked_mul(self.directions)
    }
}

/// The inputs' share of one direction at a time, S·B·H, and D times that for outputs that nobody asked for.
pub(super) fn rnn(spec: &Spec, at: &At, threads: u64) -> Option<u64> {
    let sizes = Sizes::of(spec, at, threads)?;
    let unwanted = if is_delivered(at, 0) { 0 } else { sizes.directions };
    bytes(sizes.sequences(unwanted.checked_add(1)?)?)
}

/// A direction holds 3·S·B·H for its gates, two states, a third where the reset comes after the product, and the biases
/// once for each example: three, or four in the latter case.
pub(super) fn gru(spec: &Spec, at: &At, threads: u64) -> Option<u64> {
    let sizes = Sizes::of(spec, at, threads)?;
    let late = u64::from(spec.attributes.flag("linear_before_reset", false).ok()?);
    let states = 2 + late + if at.has(3) { 3 + late } else { 0 };
    let buffers = sizes.sequences(3)?.checked_add(sizes.states(states)?)?;
    let unwanted = if is_delivered(at, 1) { 0 } else { sizes.directions };
    let all = sizes.each(at, buffers)?.checked_add(sizes.turned(spec)?)?.checked_add(sizes.states(unwanted)?)?;
    bytes(all)
}

/// A direction holds 4·S·B·H for its gates, three states, two of a single example, and four biases.
pub(super) fn lstm(spec: &Spec, at: &At, threads: u64) -> Option<u64> {
    // With peepholes it was not measured.
    let sizes = Sizes::of(spec, at, threads).filter(|_| !at.has(7))?;
    let single = sizes.hidden.checked_mul(if at.has(3) { 6 } else { 2 })?;
    let buffers = sizes.sequences(4)?.checked_add(sizes.states(3)?)?.checked_add(single)?;
    let unwanted = [1, 2].into_iter().filter(|output| !is_delivered(at, *output)).count();
    let unwanted = sizes.states(sizes.directions.checked_mul(u64::try_from(unwanted).ok()?)?)?;
    bytes(sizes.each(at, buffers)?.checked_add(sizes.turned(spec)?)?.checked_add(unwanted)?)
}

/// Whether the node has this output.
fn is_delivered(at: &At, output: usize) -> bool {
    at.output(output).is_some()
}

fn bytes(floats: u64) -> Option<u64> {
    floats.checked_mul(4)
}
