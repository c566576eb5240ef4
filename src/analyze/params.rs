//! Parameters and buffers: walked over stored *values*, so that shared ones come out once by themselves. A layer is
//! shown those that it is the first to use.

use super::elements;
use crate::base::quantity::{AtLeast, Bytes, Elements};
use crate::graph::{Body, Model, NodeId, Role, Stored, ValueId};

/// Stored values, sorted by what training does with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Parameters that training changes.
    pub(super) trainable: AtLeast<Elements>,
    /// Parameters that it leaves as they are.
    pub(super) frozen: AtLeast<Elements>,
    /// Weights among the parameters: without biases and norms.
    pub(super) weights: AtLeast<Elements>,
    /// Biases among the parameters.
    pub(super) biases: AtLeast<Elements>,
    /// Running statistics.
    pub(super) buffers: AtLeast<Elements>,
    /// Bytes of the parameters.
    pub(super) parameter_bytes: AtLeast<Bytes>,
    /// Bytes of the buffers.
    pub(super) buffer_bytes: AtLeast<Bytes>,
}

impl Count {
    /// All learned values.
    pub(super) fn parameters(self) -> AtLeast<Elements> {
        self.trainable.plus(self.frozen)
    }

    /// Both together.
    pub(super) fn plus(self, other: Count) -> Count {
        Count {
            trainable: self.trainable.plus(other.trainable),
            frozen: self.frozen.plus(other.frozen),
            weights: self.weights.plus(other.weights),
            biases: self.biases.plus(other.biases),
            buffers: self.buffers.plus(other.buffers),
            parameter_bytes: self.parameter_bytes.plus(other.parameter_bytes),
            buffer_bytes: self.buffer_bytes.plus(other.buffer_bytes),
        }
    }

    fn of(model: &Model, id: ValueId, stored: Stored) -> Count {
        let n = elements(model, id);
        let bytes = super::memory::bytes(model, id);
        let none = Count::default();
        let parameter = |count: Count| {
            let count = Count { parameter_bytes: bytes, ..count };
            if stored.frozen { Count { frozen: n, ..count } } else { Count { trainable: n, ..count } }
        };
        match stored.role {
            Role::Weight => parameter(Count { weights: n, ..none }),
            Role::Bias => parameter(Count { biases: n, ..none }),
            Role::Norm => parameter(none),
            Role::Buffer => Count { buffers: n, buffer_bytes: bytes, ..none },
            Role::Constant => none,
        }
    }
}

/// What a model stores.
pub(super) struct Params {
    /// Everything, used or not.
    pub(super) total: Count,
    /// By node; `None` for the many that are the first to use nothing.
    by_node: Vec<Option<Box<Count>>>,
}

impl Params {
    /// What this node of the network is the first to use, its sub-graphs included.
    pub(super) fn first_used_by(&self, id: NodeId) -> Count {
        self.by_node[id.index()].as_deref().copied().unwrap_or_default()
    }
}

/// Everything that these nodes use, each stored value once, whoever else uses it.
pub(super) fn used_by(model: &Model, nodes: &[NodeId]) -> Count {
    let mut values: Vec<ValueId> =
        nodes.iter().flat_map(|id| model.nodes[*id].inputs.iter().flatten().copied()).collect();
    values.sort_unstable();
    values.dedup();
    let stored = |id: ValueId| model.values[id].stored().map(|stored| Count::of(model, id, stored));
    values.into_iter().filter_map(stored).fold(Count::default(), Count::plus)
}

/// Everything that a model stores.
pub(super) fn total(model: &Model) -> Count {
    let stored = |id: ValueId| model.values[id].stored().map(|stored| Count::of(model, id, stored));
    model.values.ids().filter_map(stored).fold(Count::default(), Count::plus)
}

/// Counts what a model stores, and where it is first used.
pub(super) fn count(model: &Model) -> Params {
    let stored = |id: ValueId| model.values[id].stored().map(|stored| Count::of(model, id, stored));
    let mut seen = vec![false; model.values.len()];
    let mut by_node: Vec<Option<Box<Count>>> = vec![None; model.nodes.len()];
    let mut pending = Vec::new();
    for outer in &model.main.nodes {
        pending.push(*outer);
        while let Some(id) = pending.pop() {
            let node = &model.nodes[id];
            let delivered = node.bodies.iter().flat_map(|b: &Body| &b.outputs).copied();
            for value in node.inputs.iter().chain(&node.outputs).flatten().copied().chain(delivered) {
                if !std::mem::replace(&mut seen[value.index()], true)
                    && let Some(count) = stored(value)
                {
                    let own = by_node[outer.index()].get_or_insert_default();
                    **own = own.plus(count);
                }
            }
            pending.extend(node.bodies.iter().flat_map(|b| b.nodes.iter().rev()));
        }
    }
    Params { total: total(model), by_node }
}
