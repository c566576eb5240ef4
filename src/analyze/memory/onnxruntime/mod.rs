//! What ONNX Runtime's CPU provider takes: a simulation of its own plan, with the graph run as it is written
//! (optimisation off). [`program`] is what the runtime calls, [`order`] when, [`reuse`] which values share memory,
//! [`pattern`] the one block that all runs after the first allocate for them; rooms say what each kernel does
//! ([`crate::ops::kernel`]).
//!
//! Counted is what a session asks its allocator for during one run: weights, and inputs, which belong to the caller,
//! are not in it. Nothing is counted as an arena rounds it.

mod foreseen;
mod order;
mod pattern;
mod program;
mod reuse;

use crate::base::quantity::Bytes;
use crate::graph::{Model, NodeId};
use pattern::Pattern;
use program::Program;
use reuse::Place;

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

/// Simulates a session with optimisation off and so many threads in an operator.
pub fn plan(model: &Model, threads: u64) -> Result<Plan, Unplanned> {
    let mut program = program::of(model, threads)?;
    order::sort(&mut program);
    runs(model, &program)
}

/// Simulates the session that optimised a graph, from the graph that it wrote: it writes nodes in the order in which it
/// runs them.
pub fn plan_of_written(model: &Model, threads: u64) -> Result<Plan, Unplanned> {
    runs(model, &program::of(model, threads)?)
}

fn runs(model: &Model, program: &Program) -> Result<Plan, Unplanned> {
    simulate(program, &model.main.nodes).ok_or(Unplanned { node: None, reason: "it is more than 2^64 bytes" })
}

/// Bytes are rounded up to this in the memory pattern (`kAllocAlignment`).
const ALIGNMENT: u64 = 256;

/// Both kinds of runs of calls in running order; `None` beyond 2^64 bytes.
fn simulate(program: &Program, nodes: &[NodeId]) -> Option<Plan> {
    let reuse = reuse::plan(program);
    let mut plan = Plan { first: Peak::default(), steady: Peak::default() };
    let mut pattern = Pattern::default();
    // By value: its offset in the pattern.
    let mut offsets = vec![None; program.values.len()];
    let (mut values, mut outputs) = (0u64, 0u64);
    for (step, call) in program.running().enumerate() {
        for output in &call.outputs {
            let bytes = program.values[*output].bytes;
            match reuse.places[*output] {
                Place::Own if bytes > 0 => {
                    values = values.checked_add(bytes)?;
                    offsets[*output] = Some(pattern.place(bytes.checked_next_multiple_of(ALIGNMENT)?)?);
                }
                Place::Delivered => outputs = outputs.checked_add(bytes)?,
                Place::Own | Place::Given | Place::Shared(_) => {}
            }
        }
        let held = |values| Peak {
            values: Bytes(values),
            outputs: Bytes(outputs),
            scratch: Bytes(call.scratch),
            at: nodes.get(call.place).copied(),
        };
        plan.first = larger(plan.first, held(values))?;
        plan.steady = larger(plan.steady, held(0))?;
        for value in reuse.released(step, call) {
            if let Some(offset) = offsets[value].take() {
                values = values.saturating_sub(program.values[value].bytes);
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
