//! ONNX: graph → bytes.
//!
//! [`encode`] writes a model of the language: operators and attributes are ONNX's already, so each node is written as it
//! is. [`rebuild`] writes a graph that was read, with other sizes or weights, and copies everything else. Names stay
//! ([`names`]), weights are made up ([`fill`]) for what reads them ([`slots`]), and the file is a [`Message`] that is
//! written without ever being held.

mod encode;
mod expose;
mod fields;
mod fill;
mod message;
mod names;
mod rebuild;
mod schema;
mod slots;

pub use expose::exposing;
pub use message::Message;
pub use rebuild::{Rebuilt, rebuild};

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::front::onnx::proto::NodeProto;
use crate::graph::{Model, Node, Role, Source, ValueId};
use crate::ops::definition::Definition;
use crate::ops::layer::OPSET;
use crate::ops::rules::{Slot, SlotRole};
use crate::ops::{OWN_DOMAIN, definition};
use crate::tensor::{DType, TensorType};
use fill::Fill;
use names::Names;
use schema::{
    GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NAME, GRAPH_NODE, GRAPH_OUTPUT, GRAPH_VALUE_INFO, MODEL_FUNCTION,
    MODEL_GRAPH, MODEL_IR_VERSION, MODEL_OPSET_IMPORT, MODEL_PRODUCER_NAME, MODEL_PRODUCER_VERSION, TENSOR_RAW_DATA,
};
use slots::{replaceable, slots};
use std::sync::Arc;

/// What weights hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Zeros; variances are 1.
    Zero,
    /// Numbers of the size with which training begins: whatever runs stays finite. The same seed gives the same numbers.
    Random {
        /// Any number.
        seed: u64,
    },
    /// Nothing: a `ConstantOfShape` node stands for each weight. Everything is there but the bytes.
    Stripped,
}

/// A layer that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The layer's name.
    pub layer: Arc<str>,
    /// Its operator.
    pub op: Arc<str>,
    /// Why not.
    pub why: String,
    /// Where it stands.
    pub origin: Origin,
    /// What to do.
    help: &'static str,
}

impl Refused {
    /// The same as a finding.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = format!("`{}` is no layer of ONNX: {}", self.layer, self.why);
        Diagnostic::error("not-in-onnx", self.origin.clone(), message).help(self.help)
    }
}

/// Version of the format: that of ONNX 1.16, which every runtime since ONNX Runtime 1.18 reads.
const IR_VERSION: u64 = 10;

/// Most bytes of a protocol-buffer message; no library reads a larger one.
pub const MOST_BYTES: u64 = (1 << 31) - 1;

/// A model of the language as an ONNX file. `Err` lists every layer that ONNX cannot say.
///
/// Operators are those of version [`OPSET`] of the standard domain. Every input, output and value between has its type;
/// every value has the name of its line, or one derived from it.
pub fn encode(model: &Model, weights: Weights) -> Result<Message, Vec<Refused>> {
    let slots = slots(model);
    let replaceable = replaceable(model, &slots);
    let mut writer = Writer { model, weights, names: Names::of(model), slots, replaceable, graph: Message::default() };
    let refused: Vec<Refused> = model.main.nodes.iter().filter_map(|id| refuse(model, &model.nodes[*id])).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut initializers = Message::default();
    writer.stored(&mut initializers)?;
    writer.nodes()?;
    let Writer { names, mut graph, .. } = writer;
    graph.bytes(GRAPH_NAME, model.name.as_bytes());
    graph.append(initializers);
    let info = |id: &ValueId| encode::value_info(names.get(*id), &model.values[*id].ty);
    model.main.inputs.iter().for_each(|id| graph.encoded(GRAPH_INPUT, &info(id)));
    let mut delivered = Vec::new();
    for id in &model.main.outputs {
        if !delivered.contains(id) {
            graph.encoded(GRAPH_OUTPUT, &info(id));
            delivered.push(*id);
        }
    }
    let between = model.main.nodes.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten());
    between.filter(|id| !delivered.contains(id)).for_each(|id| graph.encoded(GRAPH_VALUE_INFO, &info(id)));
    let mut file = Message::default();
    file.number(MODEL_IR_VERSION, IR_VERSION);
    file.bytes(MODEL_PRODUCER_NAME, env!("CARGO_PKG_NAME").as_bytes());
    file.bytes(MODEL_PRODUCER_VERSION, env!("CARGO_PKG_VERSION").as_bytes());
    file.message(MODEL_GRAPH, graph);
    file.encoded(MODEL_OPSET_IMPORT, &encode::opset("", OPSET));
    let definitions = definitions(model);
    if !definitions.is_empty() {
        file.encoded(MODEL_OPSET_IMPORT, &encode::opset(OWN_DOMAIN, 1));
    }
    for definition in definitions {
        file.message(MODEL_FUNCTION, encode::function(definition));
    }
    Ok(file)
}

/// The name of every value in the file that [`encode`] writes.
pub fn names(model: &Model) -> Vec<Arc<str>> {
    Names::of(model).all()
}

/// Definitions of the operators of our own that a model has, each once.
fn definitions(model: &Model) -> Vec<&'static Definition> {
    let mut found: Vec<&'static Definition> = Vec::new();
    for definition in model.main.nodes.iter().filter_map(|id| definition(model.nodes[*id].kind)) {
        if found.iter().all(|known| known.name != definition.name) {
            found.push(definition);
        }
    }
    found
}

struct Writer<'a> {
    model: &'a Model,
    weights: Weights,
    names: Names,
    slots: Vec<Option<Slot>>,
    replaceable: Vec<bool>,
    graph: Message,
}

impl Writer<'_> {
    /// Adds what the model stores: constants as they are, weights as they are wished.
    fn stored(&mut self, initializers: &mut Message) -> Result<(), Vec<Refused>> {
        let model = self.model;
        let mut done = vec![false; model.values.len()];
        for node in model.main.nodes.iter().map(|id| &model.nodes[*id]) {
            for id in node.inputs.iter().flatten().copied() {
                let Source::Stored(stored) = model.values[id].source else { continue };
                if std::mem::replace(&mut done[id.index()], true) {
                    continue;
                }
                let learned = stored.role != Role::Constant;
                self.one(id, learned, initializers)
                    .ok_or_else(|| vec![lacking(node, &format!("what `{}` holds", model.values[id].name))])?;
            }
        }
        Ok(())
    }

    /// Adds one stored value; `None` where too little is known of it.
    fn one(&mut self, id: ValueId, learned: bool, initializers: &mut Message) -> Option<()> {
        let value = &self.model.values[id];
        let name = Arc::clone(self.names.get(id));
        let ty = value.ty.tensor()?;
        let slot = self.slots[id.index()];
        if let Some(literal) = &value.literal {
            initializers.encoded(GRAPH_INITIALIZER, &encode::constant(&name, ty, literal)?);
        } else if self.weights == Weights::Stripped && self.replaceable[id.index()] {
            let shape = self.names.fresh(&format!("{name}.shape"));
            initializers.encoded(GRAPH_INITIALIZER, &encode::shape_constant(&shape, &ty.shape)?);
            self.graph.encoded(GRAPH_NODE, &encode::of_shape(&name, &shape, ty.dtype?, slot)?);
        } else {
            let fill = Fill::new(self.weights, &name, ty, slot, learned)?;
            initializers.message(GRAPH_INITIALIZER, filled(&name, ty, fill)?);
        }
        Some(())
    }

    /// Adds the nodes in running order.
    fn nodes(&mut self) -> Result<(), Vec<Refused>> {
        let model = self.model;
        for node in model.main.nodes.iter().map(|id| &model.nodes[*id]) {
            let proto = self.node(node).ok_or_else(|| vec![lacking(node, "one of its attributes")])?;
            self.graph.encoded(GRAPH_NODE, &proto);
        }
        Ok(())
    }

    fn node(&self, node: &Node) -> Option<NodeProto> {
        let names = |values: &[Option<ValueId>]| {
            values.iter().map(|id| id.map_or_else(Default::default, |id| encode::text(self.names.get(id)))).collect()
        };
        Some(NodeProto {
            input: names(&node.inputs),
            output: names(&node.outputs),
            name: encode::text(&node.name),
            op_type: encode::text(&node.op_type),
            attribute: node.attributes.iter().map(|(n, a)| encode::attribute(n, a)).collect::<Option<_>>()?,
            domain: encode::text(node.kind.domain),
            ..NodeProto::default()
        })
    }
}

/// A tensor with made-up contents.
fn filled(name: &str, ty: &TensorType, fill: Fill) -> Option<Message> {
    let mut tensor = Message::default();
    tensor.fields(&prost::Message::encode_to_vec(&encode::tensor(name, ty)?).into());
    tensor.filled(TENSOR_RAW_DATA, fill);
    Some(tensor)
}

/// Element types in which ONNX's operators compute.
const COMPUTED: &[DType] = &[DType::F64, DType::F32, DType::F16, DType::BF16];

/// Why a node cannot be written, if it cannot.
fn refuse(model: &Model, node: &Node) -> Option<Refused> {
    if node.kind.domain == OWN_DOMAIN && definition(node.kind).is_none() {
        let help = "`--format dot` or `--format mermaid` draws it";
        return Some(refusal(node, format!("it has no operator `{}`", node.op_type), help));
    }
    let slots =
        node.inputs.iter().enumerate().filter(|(position, _)| node.kind.slot(*position).role != SlotRole::Steer);
    let types: Vec<DType> =
        slots.filter_map(|(_, id)| model.values[(*id)?].ty.tensor().and_then(|t| t.dtype)).collect();
    let (first, other) = (types.first()?, types.iter().find(|t| Some(*t) != types.first()));
    let why = match other {
        Some(other) => format!("`{}` computes in one type, and here are {first} and {other}", node.op_type),
        None if !COMPUTED.contains(first) => format!("`{}` does not compute in {first}", node.op_type),
        None => return None,
    };
    Some(refusal(node, why, "give one floating-point type for everything: `--precision fp32`"))
}

fn refusal(node: &Node, why: String, help: &'static str) -> Refused {
    let (layer, op) = (Arc::clone(&node.name), Arc::clone(&node.op_type));
    Refused { layer, op, why, origin: node.origin.clone(), help }
}

/// Of a model of the language everything is known once it has no errors.
fn lacking(node: &Node, what: &str) -> Refused {
    refusal(node, format!("{what} is not known"), "size the model first, and mend what is said")
}
