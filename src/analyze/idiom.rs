//! What PyTorch writes as one call and its exporters as several operators, where that decides what a tool counts.

use crate::graph::{Model, NodeId, Source, ValueId};
use crate::ops::rules::{Arithmetic, Class, Work};

/// What is known of a network's operators beyond each of them.
#[derive(Default)]
pub(super) struct Idioms {
    /// Whether two computed matrices are multiplied anywhere, as attention does.
    attention: bool,
    /// By node.
    parts: Vec<Option<Part>>,
}

/// What an operator is as a part of something larger.
#[derive(Clone, Copy)]
enum Part {
    /// The sigmoid of x · sigmoid(x).
    Silu,
    /// Its multiplication.
    Gate,
    /// The addition of a dense layer's bias.
    Bias,
}

impl Idioms {
    /// Looks at every node.
    pub(super) fn of(model: &Model) -> Idioms {
        let own = |id| match model.at(id, |op, at| op.work(at)) {
            Work::Counted(arithmetic) => Some(arithmetic),
            Work::Free | Work::Runs(_) | Work::Uncounted(..) | Work::Unmodelled(_) => None,
        };
        let known: Vec<Option<Arithmetic>> = model.nodes.ids().map(own).collect();
        let attention = known.iter().flatten().any(|a| a.class == Class::Product);
        let mut idioms = Idioms { attention, parts: vec![None; known.len()] };
        for id in model.nodes.ids() {
            let Some(arithmetic) = known[id.index()] else { continue };
            match arithmetic.class {
                Class::Multiply => {
                    if let Some(sigmoid) = gate(model, id, &known) {
                        idioms.parts[sigmoid.index()] = Some(Part::Silu);
                        idioms.parts[id.index()] = Some(Part::Gate);
                    }
                }
                Class::Add if is_bias(model, id, &known) => idioms.parts[id.index()] = Some(Part::Bias),
                _ => {}
            }
        }
        idioms
    }

    /// The arithmetic of the call that a node is a part of, given its own. Outside of attention, a dense layer at each
    /// position is like any other.
    pub(super) fn called(&self, id: NodeId, own: Arithmetic) -> Arithmetic {
        match self.parts.get(id.index()).copied().flatten() {
            Some(Part::Silu) => Arithmetic { class: Class::Silu, ..own },
            Some(Part::Gate) => Arithmetic { class: Class::Other, ..own },
            Some(Part::Bias) => Arithmetic { class: self.dense(), biases: own.operations.add, ..own },
            None if own.class == Class::PositionDense => Arithmetic { class: self.dense(), ..own },
            None => own,
        }
    }

    fn dense(&self) -> Class {
        if self.attention { Class::PositionDense } else { Class::Dense }
    }
}

/// The two operands of a node, in either order.
fn operands(model: &Model, id: NodeId) -> Option<[(ValueId, ValueId); 2]> {
    let [Some(a), Some(b)] = model.nodes[id].inputs[..] else { return None };
    Some([(a, b), (b, a)])
}

/// The node that makes a value as its first output.
fn maker(model: &Model, value: ValueId) -> Option<NodeId> {
    if let Source::Node(node, 0) = model.values[value].source { Some(node) } else { None }
}

/// The sigmoid of a multiplication x · sigmoid(x).
fn gate(model: &Model, id: NodeId, known: &[Option<Arithmetic>]) -> Option<NodeId> {
    operands(model, id)?.into_iter().find_map(|(x, gated)| {
        let sigmoid = maker(model, gated)?;
        let reads = model.nodes[sigmoid].inputs.first() == Some(&Some(x));
        (reads && known[sigmoid.index()]?.class == Class::Sigmoid).then_some(sigmoid)
    })
}

/// Whether an addition adds a stored vector to what a dense layer without bias delivers.
fn is_bias(model: &Model, id: NodeId, known: &[Option<Arithmetic>]) -> bool {
    let adds = |(product, vector): (ValueId, ValueId)| {
        let dense = known[maker(model, product)?.index()]?;
        let stored =
            model.values[vector].stored().is_some() && model.values[vector].ty.tensor()?.shape.dims()?.len() == 1;
        Some(stored && dense.class == Class::PositionDense && dense.biases == 0)
    };
    operands(model, id).is_some_and(|pairs| pairs.into_iter().any(|pair| adds(pair) == Some(true)))
}
