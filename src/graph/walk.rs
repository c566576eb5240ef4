//! Walks over a model: who reads a value, and from when to when it lives.

use super::{Body, Model, ValueId};

/// How many nodes of the network read each value, outputs of the network counting as one more reader. Uses inside a
/// sub-graph count at the node that owns it.
pub fn users(model: &Model) -> Vec<u32> {
    let mut counts = vec![0u32; model.values.len()];
    for node in &model.main.nodes {
        each_use(model, *node, &mut |value| counts[value.index()] = counts[value.index()].saturating_add(1));
    }
    for output in &model.main.outputs {
        counts[output.index()] = counts[output.index()].saturating_add(1);
    }
    counts
}

/// The steps at which a value lives, both ends included. Step `i` is the running of the network's i-th node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// First step.
    pub start: usize,
    /// Last step.
    pub end: usize,
}

/// From when to when each activation of the network lives; `None` for values that are none (stored, constant, inside a
/// sub-graph) and for inputs that nobody reads.
///
/// A node's outputs appear while its inputs are still there; a value goes after its last use, at once if nobody uses it.
/// Inputs of the network are there from the start to their last use; its outputs stay to the end.
pub fn lifetimes(model: &Model) -> Vec<Option<Lifetime>> {
    let mut lives: Vec<Option<Lifetime>> = vec![None; model.values.len()];
    let last = model.main.nodes.len().saturating_sub(1);
    for input in &model.main.inputs {
        lives[input.index()] = Some(Lifetime { start: 0, end: 0 });
    }
    for (step, id) in model.main.nodes.iter().enumerate() {
        each_use(model, *id, &mut |value| {
            if let Some(life) = &mut lives[value.index()] {
                life.end = step;
            }
        });
        let node = &model.nodes[*id];
        if !node.constant {
            for output in node.outputs.iter().flatten() {
                lives[output.index()] = Some(Lifetime { start: step, end: step });
            }
        }
    }
    for output in &model.main.outputs {
        if let Some(life) = &mut lives[output.index()] {
            life.end = last;
        }
    }
    lives
}

/// Calls `each` for every value that a node reads, those that its sub-graphs take from outside included.
pub(crate) fn each_use(model: &Model, id: super::NodeId, each: &mut impl FnMut(ValueId)) {
    let node = &model.nodes[id];
    node.inputs.iter().flatten().for_each(|v| each(*v));
    let mut pending: Vec<&Body> = node.bodies.iter().collect();
    while let Some(body) = pending.pop() {
        body.outputs.iter().for_each(|v| each(*v));
        for inner in &body.nodes {
            let inner = &model.nodes[*inner];
            inner.inputs.iter().flatten().for_each(|v| each(*v));
            pending.extend(&inner.bodies);
        }
    }
}
