//! What each stored value is: a weight, a bias, a statistic, or a constant.
//!
//! The slot that reads a value says it. Between a weight and that slot there may be nodes that only prepare it
//! (`Identity`, `DequantizeLinear`, `Transpose`, `Reshape`, weight standardisation): those whose inputs are all stored.
//! What their output is, their data inputs are too.

use crate::graph::{Body, Model, Node, NodeId, Role, Source, Stored, ValueId};
use crate::ops::rules::SlotRole;
use crate::tensor::{DType, TensorType};
use std::collections::HashSet;

/// What a reader takes a value for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use {
    role: Role,
    /// Whether the slot is made for it. An ordinary data slot is not, and then the value's type decides.
    certain: bool,
}

impl Use {
    fn of(slot: SlotRole) -> Option<Use> {
        let role = match slot {
            SlotRole::Data => return None,
            SlotRole::Weight => Role::Weight,
            SlotRole::Bias => Role::Bias,
            SlotRole::Norm => Role::Norm,
            SlotRole::Buffer => Role::Buffer,
            SlotRole::Steer => Role::Constant,
        };
        Some(Use { role, certain: true })
    }

    /// Of two readers the one that takes it for something learned is right, and of two of those the first.
    fn rank(self) -> u8 {
        match self.role {
            Role::Weight | Role::Bias | Role::Norm => 2,
            Role::Buffer => 1,
            Role::Constant => 0,
        }
    }
}

/// Gives every stored value its role. Those that nothing reads are constants.
pub(super) fn assign(model: &mut Model) {
    let merged = merged(model);
    for (node, output) in &merged {
        let stored = Stored { role: Role::Constant, frozen: false };
        model.values[*output].source = Source::Inside(*node, stored);
    }
    let mut pass = Pass {
        model,
        merged: merged.iter().map(|(node, _)| *node).collect(),
        prepared: vec![false; model.values.len()],
        uses: vec![None; model.values.len()],
    };
    pass.prepare(&model.main);
    pass.read(&model.main);
    let stored: Vec<ValueId> = model.values.ids().filter(|id| model.values[*id].stored().is_some()).collect();
    // A file that keeps its weights as initialisers has in its nodes what the model's author wrote.
    let keeps = |id: &ValueId| matches!(model.values[*id].source, Source::Stored(_));
    let written = stored.iter().filter(|id| keeps(id)).any(|id| pass.role(*id, false).is_parameter());
    let roles: Vec<(ValueId, Role)> = stored.into_iter().map(|id| (id, pass.role(id, written))).collect();
    for (id, role) in roles {
        if let Source::Stored(stored) | Source::Inside(_, stored) = &mut model.values[id].source {
            stored.role = role;
        }
    }
}

/// Weights that had equal contents when they were exported, and that PyTorch's exporter merged: one keeps its contents
/// and its readers, the others became `Identity` of it. (Where nothing else reads the stored value, the node is only
/// how another exporter reads a variable.)
fn merged(model: &Model) -> Vec<(NodeId, ValueId)> {
    let is_copy = |node: &Node| node.kind.domain.is_empty() && node.kind.name == "Identity";
    let mut read = vec![false; model.values.len()];
    for (_, node) in model.nodes.iter().filter(|(_, node)| !is_copy(node)) {
        for input in node.inputs.iter().flatten() {
            read[input.index()] = true;
        }
    }
    let copies = model.nodes.iter().filter(|(_, node)| is_copy(node));
    let merged = |(id, node): (NodeId, &Node)| match (node.inputs.as_slice(), node.outputs.as_slice()) {
        ([Some(input)], [Some(output)]) => {
            let stored = matches!(model.values[*input].source, Source::Stored(_));
            (stored && read[input.index()]).then_some((id, *output))
        }
        _ => None,
    };
    copies.filter_map(merged).collect()
}

struct Pass<'a> {
    model: &'a Model,
    /// Nodes that stand for a stored value of their own.
    merged: HashSet<NodeId>,
    /// Values that are stored, or made of stored ones alone.
    prepared: Vec<bool>,
    uses: Vec<Option<Use>>,
}

impl Pass<'_> {
    /// Marks what is prepared, in running order.
    fn prepare(&mut self, body: &Body) {
        for id in &body.nodes {
            let node = &self.model.nodes[*id];
            for inner in &node.bodies {
                self.prepare(inner);
            }
            let prepared = node.bodies.is_empty() && node.inputs.iter().flatten().all(|i| self.is_prepared(*i));
            for output in node.outputs.iter().flatten() {
                self.prepared[output.index()] = prepared;
            }
        }
    }

    fn is_prepared(&self, id: ValueId) -> bool {
        self.prepared[id.index()] || self.model.values[id].stored().is_some()
    }

    /// Asks every reader, the last one first.
    fn read(&mut self, body: &Body) {
        for id in body.nodes.iter().rev() {
            let node = &self.model.nodes[*id];
            for inner in node.bodies.iter().rev() {
                self.read(inner);
            }
            if self.merged.contains(id) {
                continue;
            }
            let first = node.outputs.iter().flatten().next();
            let prepares = first.is_some_and(|o| self.prepared[o.index()]);
            for (position, input) in node.inputs.iter().enumerate() {
                let Some(input) = input else { continue };
                let found = match Use::of(node.kind.slot(position).role) {
                    Some(certain) => Some(certain),
                    None if prepares => first.and_then(|o| self.uses[o.index()]),
                    None => Some(Use { role: Role::Weight, certain: false }),
                };
                let slot = &mut self.uses[input.index()];
                if found.is_some_and(|new| slot.is_none_or(|old| new.rank() >= old.rank())) {
                    *slot = found;
                }
            }
        }
    }

    /// The role of a stored value; `written` says that what nodes hold was written by the model's author, unless it is in
    /// a slot for weights or biases.
    fn role(&self, id: ValueId, written: bool) -> Role {
        let value = &self.model.values[id];
        let (Some(found), Some(tensor)) = (self.uses[id.index()], value.ty.tensor()) else { return Role::Constant };
        if found.role == Role::Constant || !may_be_learned(tensor, found.certain) {
            return Role::Constant;
        }
        // A single number in a slot for anything belongs to a formula (a scale, an epsilon) far more often than it is
        // learned, unless it is named as what a module of PyTorch holds.
        if !found.certain && tensor.shape.elements() == Some(1) && !is_member(&value.name) {
            return Role::Constant;
        }
        let Source::Inside(node, _) = value.source else { return found.role };
        let filled = self.model.nodes[node].inputs.iter().any(Option::is_some);
        let constant = match found {
            _ if self.merged.contains(&node) => false,
            Use { role: Role::Weight | Role::Bias, certain: true } => false,
            Use { certain: true, .. } => written && !filled,
            Use { certain: false, .. } => written || filled,
        };
        if constant { Role::Constant } else { found.role }
    }
}

/// Whether a name is a path of modules with an attribute at its end, as PyTorch's exporters keep it: `blocks.0.act.scale`.
fn is_member(name: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let parts: Vec<&str> = name.split('.').collect();
    let numbered = parts.last().is_none_or(|last| last.bytes().all(|b| b.is_ascii_digit()));
    parts.len() > 1 && !numbered && parts.iter().all(|part| !part.is_empty() && plain(part))
}

/// Floats may be learned; narrow integers may be what quantisation made of them, where a slot asks for weights.
fn may_be_learned(tensor: &TensorType, certain: bool) -> bool {
    match tensor.dtype {
        Some(dtype) if dtype.is_float() => true,
        Some(DType::I64 | DType::U64) | None => false,
        Some(dtype) => certain && dtype.is_integer(),
    }
}
