//! The network as a graph of values and operators, with the type of every value: what both front ends make and every
//! analysis reads. Only [`Builder`] makes one, and it infers each node as it is added, so a [`Model`] exists only if
//! every edge was visited.

mod build;
mod precision;
mod walk;

pub use build::{Builder, NodeSpec, OpenSpec, Shared};
pub use precision::Precision;
pub(crate) use walk::each_use;
pub use walk::{Lifetime, lifetimes, users};

use crate::base::arena::{Arena, Id};
use crate::base::diagnostic::Origin;
use crate::ops::attributes::Attributes;
use crate::ops::rules::{At, OpKind, Operator};
use crate::tensor::{Literal, ValueType};
use std::collections::HashMap;
use std::sync::Arc;

/// The place of a [`Node`].
pub type NodeId = Id<Node>;
/// The place of a [`Value`].
pub type ValueId = Id<Value>;

/// A network with every value's type.
#[derive(Debug)]
pub struct Model {
    /// Its name: the language's `model NAME`, the graph's name, or the file's.
    pub name: String,
    /// Every value, those of sub-graphs included.
    pub values: Arena<Value>,
    /// Every node, those of sub-graphs included.
    pub nodes: Arena<Node>,
    /// The network itself.
    pub main: Body,
    /// Names that the text gives to lines (empty for a graph without text).
    pub labels: Vec<Label>,
    /// Types that the file states of values, with the sizes free that are free there (none of a text); where the caller
    /// fixed sizes, as a file for those would.
    pub stated: HashMap<ValueId, ValueType>,
    /// Numbers in stored values of which an element holds several: 4-bit weights that are kept as bytes.
    pub packed: HashMap<ValueId, u64>,
}

/// A line of the text that has a name: what comes out of it, and every operator that it expands to.
#[derive(Clone, Debug)]
pub struct Label {
    /// The name, `call.inner` for a label inside a block call.
    pub name: Arc<str>,
    /// What comes out.
    pub value: ValueId,
    /// All it expands to, in running order.
    pub nodes: Vec<NodeId>,
    /// The line with the values of its names, `conv 64 1x1` for `conv c 1x1`, where it has any.
    pub written: Option<Arc<str>>,
}

/// A list of nodes in the order in which they run, with what goes in and what comes out: the network, or a sub-graph of
/// a control-flow node.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// What is fed.
    pub inputs: Vec<ValueId>,
    /// In running order (the file's, unless that is not topological).
    pub nodes: Vec<NodeId>,
    /// What is delivered.
    pub outputs: Vec<ValueId>,
}

/// A value on a wire.
#[derive(Debug)]
pub struct Value {
    /// Its own name.
    pub name: Arc<str>,
    /// Its type, as far as it is known.
    pub ty: ValueType,
    /// Its contents, if it is a small constant that steers shapes. Few values have any.
    pub literal: Option<Box<Literal>>,
    /// Where it comes from.
    pub source: Source,
}

impl Value {
    /// What it is as a stored value, if the file keeps it.
    pub fn stored(&self) -> Option<Stored> {
        match self.source {
            Source::Stored(stored) | Source::Inside(_, stored) => Some(stored),
            Source::Input | Source::Node(..) => None,
        }
    }

    /// The node that delivers it, and at which position.
    pub fn producer(&self) -> Option<(NodeId, usize)> {
        match self.source {
            Source::Node(node, position) => Some((node, position)),
            Source::Inside(node, _) => Some((node, 0)),
            Source::Input | Source::Stored(_) => None,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Fed by the caller.
    Input,
    /// Kept in the file.
    Stored(Stored),
    /// The output of a node at this position.
    Node(NodeId, usize),
    /// Kept in the file inside the node whose only output it is (`Constant`, `ConstantOfShape` in a file without its
    /// weights, or `Identity` of another stored value that the exporter found equal to it).
    Inside(NodeId, Stored),
}

/// What a stored value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its role.
    pub role: Role,
    /// Whether training leaves it as it is.
    pub frozen: bool,
}

/// The role of a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A learned kernel or matrix.
    Weight,
    /// A learned bias.
    Bias,
    /// A learned scale or shift of a normalisation.
    Norm,
    /// A running statistic.
    Buffer,
    /// Steers the computation; not counted.
    Constant,
}

impl Role {
    /// Whether it is learned.
    pub fn is_parameter(self) -> bool {
        matches!(self, Role::Weight | Role::Bias | Role::Norm)
    }
}

/// An operator in its place.
#[derive(Debug)]
pub struct Node {
    /// Its own name; for a node without one, its first output's.
    pub name: Arc<str>,
    /// Its operator's static half.
    pub kind: &'static OpKind,
    /// The operator's name as the file has it (that of `kind`, unless that is unknown).
    pub op_type: Arc<str>,
    /// Domain and name of the operator as the file has them, and its attributes, for writing it back.
    pub attributes: Attributes,
    /// Version of its domain.
    pub opset: i64,
    /// The operator.
    pub op: Box<dyn Operator>,
    /// What goes in; `None` for an optional input that is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// What comes out; `None` for an optional output that nobody asked for.
    pub outputs: Vec<Option<ValueId>>,
    /// Sub-graphs.
    pub bodies: Vec<Body>,
    /// The line of the text that it belongs to (a report's row), or the node itself.
    pub group: Arc<str>,
    /// The block that it belongs to; empty at the top.
    pub scope: Arc<str>,
    /// Whether every input is stored or made from stored values alone: it is computed once, and makes no activation.
    pub constant: bool,
    /// Where it stands in the file.
    pub origin: Origin,
}

impl Model {
    /// Asks something about a node with what is known around it.
    pub fn at<R>(&self, id: NodeId, ask: impl FnOnce(&dyn Operator, &At) -> R) -> R {
        let node = &self.nodes[id];
        build::around(&self.values, &node.inputs, &node.bodies, |inputs, known, bodies| {
            let outputs = node.outputs.iter().map(|o| o.map_or(&ValueType::Unknown, |o| &self.values[o].ty));
            build::few(&ValueType::Unknown, outputs, |outputs| {
                ask(&*node.op, &At { inputs, known, outputs, n_outputs: outputs.len(), bodies })
            })
        })
    }

    /// Whether a value costs activation memory: fed, or computed from what is fed.
    pub fn is_activation(&self, id: ValueId) -> bool {
        match self.values[id].source {
            Source::Input => true,
            Source::Stored(_) | Source::Inside(..) => false,
            Source::Node(node, _) => !self.nodes[node].constant,
        }
    }
}
