//! What ONNX Runtime's CPU provider takes: a simulation of its own plan, with the graph run as it is written
//! (optimisation off). [`order`] is when each node runs, [`reuse`] which values share memory, [`pattern`] the one block
//! that all runs after the first allocate for them; rooms say what each kernel does ([`crate::ops::kernel`]).
//!
//! Counted is what a session asks its allocator for during one run: weights, and inputs, which belong to the caller,
//! are not in it. Nothing is counted as an arena rounds it.

mod order;
mod pattern;
mod reuse;

use crate::base::quantity::Bytes;
use crate::graph::{Model, NodeId, ValueId};
use crate::ops::kernel::Kernel;
use crate::ops::rules::{Open, Spec};
use pattern::Pattern;
use reuse::{Place, Reuse};

/// The most memory that a session holds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In its first run: every value is allocated by itself.
    pub first: Peak,
    /// In every later run with the same sizes: values lie in one block.
    pub steady: Peak,
}

/// What makes up the most memory held at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Values between nodes: those alive in a first run; the block of the memory pattern in later ones.
    pub values: Bytes,
    /// Outputs of the network, which the caller gets.
    pub outputs: Bytes,
    /// What the running kernel holds beside its inputs and outputs.
    pub scratch: Bytes,
    /// The first node at which this much is held; none in a network without nodes.
    pub at: Option<NodeId>,
}

impl Peak {
    /// All of it.
    pub fn total(&self) -> Option<Bytes> {
        self.values.checked_add(self.outputs)?.checked_add(self.scratch)
    }
}

/// Why there is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unplanned {
    /// The first node that prevents it; none where an input of the network does.
    pub node: Option<NodeId>,
    /// What is not known.
    pub reason: &'static str,
}

/// Simulates runs with so many threads in an operator.
pub fn plan(model: &Model, threads: u64) -> Result<Plan, Unplanned> {
    let order = order::running(model);
    let reuse = reuse::plan(model, &order)?;
    let steps = steps(model, &order, &reuse, threads)?;
    let too_large = Unplanned { node: None, reason: "it is more than 2^64 bytes" };
    runs(&steps, &reuse).ok_or(too_large)
}

/// Bytes are rounded up to this in the memory pattern (`kAllocAlignment`).
const ALIGNMENT: u64 = 256;

/// The running of a node.
struct Step {
    node: NodeId,
    /// Outputs in memory of their own, and their bytes.
    own: Vec<(ValueId, u64)>,
    /// Bytes of outputs that the caller gets.
    delivered: u64,
    scratch: u64,
}

fn steps(model: &Model, order: &[NodeId], reuse: &Reuse, threads: u64) -> Result<Vec<Step>, Unplanned> {
    let step = |id: &NodeId| {
        let unknown = |reason| Unplanned { node: Some(*id), reason };
        let node = &model.nodes[*id];
        let kernel = node.kind.kernel;
        if matches!(kernel, Kernel::Unmeasured) {
            return Err(unknown("what its kernel does with memory was not measured"));
        }
        let spec = Spec { kind: node.kind, attributes: &node.attributes, opset: node.opset, open: &Open::default() };
        let scratch = model.at(*id, |_, at| kernel.scratch(&spec, at, threads));
        let scratch = scratch.ok_or(unknown("what its kernel holds while it runs is not known"))?;
        let (mut own, mut delivered) = (Vec::new(), 0u64);
        for output in node.outputs.iter().flatten() {
            let bytes = || model.values[*output].ty.bytes().ok_or(unknown("the size of a value is not known"));
            match reuse.places[output.index()] {
                Place::Own => own.push((*output, bytes()?)),
                Place::Delivered => delivered = delivered.saturating_add(bytes()?),
                Place::Given | Place::Shared => {}
            }
        }
        Ok(Step { node: *id, own, delivered, scratch })
    };
    order.iter().map(step).collect()
}

/// Both kinds of runs; `None` beyond 2^64 bytes.
fn runs(steps: &[Step], reuse: &Reuse) -> Option<Plan> {
    let mut plan = Plan { first: Peak::default(), steady: Peak::default() };
    let mut pattern = Pattern::default();
    // By value: its bytes and its offset in the pattern. Empty values have none.
    let mut alive = vec![None; reuse.places.len()];
    let (mut values, mut outputs) = (0u64, 0u64);
    for (step, released) in steps.iter().zip(&reuse.released) {
        for (value, bytes) in step.own.iter().filter(|(_, bytes)| *bytes > 0) {
            let offset = pattern.place(bytes.checked_next_multiple_of(ALIGNMENT)?)?;
            alive[value.index()] = Some((*bytes, offset));
            values = values.checked_add(*bytes)?;
        }
        outputs = outputs.checked_add(step.delivered)?;
        let held = |values| Peak {
            values: Bytes(values),
            outputs: Bytes(outputs),
            scratch: Bytes(step.scratch),
            at: Some(step.node),
        };
        plan.first = larger(plan.first, held(values))?;
        plan.steady = larger(plan.steady, held(0))?;
        for value in released {
            if let Some((bytes, offset)) = alive[value.index()].take() {
                values = values.saturating_sub(bytes);
                pattern.remove(offset);
            }
        }
    }
    plan.steady.values = Bytes(pattern.size());
    plan.steady.total()?;
    Some(plan)
}

/// The first of two unless the second is more; `None` beyond 2^64 bytes.
fn larger(a: Peak, b: Peak) -> Option<Peak> {
    Some(if b.total()? > a.total()? || a.at.is_none() { b } else { a })
}
