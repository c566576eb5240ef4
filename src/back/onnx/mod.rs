//! ONNX: graph → bytes.
//!
//! [`encode`] writes a model of the language: operators and attributes are ONNX's already, so each node is written as it
//! is. Names stay ([`names`]), weights are made up ([`fill`]), and the file is a [`Message`] that is written without ever
//! being held.

mod encode;
mod fill;
mod message;
mod names;

pub use message::Message;

use crate::front::onnx::proto::{NodeProto, OperatorSetIdProto};
use crate::graph::{Model, Node, Role, Source, ValueId};
use crate::ops::OWN_DOMAIN;
use crate::ops::layer::OPSET;
use crate::ops::rules::{Slot, SlotRole};
use crate::tensor::{DType, TensorType};
use fill::Fill;
use names::Names;
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
    let mut writer = Writer { model, weights, names: Names::of(model), graph: Message::default() };
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
    file.encoded(MODEL_OPSET_IMPORT, &OperatorSetIdProto { version: OPSET, ..OperatorSetIdProto::default() });
    Ok(file)
}

// Numbers of fields, as `proto.rs` has them.
const MODEL_IR_VERSION: u32 = 1;
const MODEL_PRODUCER_NAME: u32 = 2;
const MODEL_PRODUCER_VERSION: u32 = 3;
const MODEL_GRAPH: u32 = 7;
const MODEL_OPSET_IMPORT: u32 = 8;
const GRAPH_NODE: u32 = 1;
const GRAPH_NAME: u32 = 2;
const GRAPH_INITIALIZER: u32 = 5;
const GRAPH_INPUT: u32 = 11;
const GRAPH_OUTPUT: u32 = 12;
const GRAPH_VALUE_INFO: u32 = 13;
const TENSOR_RAW_DATA: u32 = 9;

struct Writer<'a> {
    model: &'a Model,
    weights: Weights,
    names: Names,
    graph: Message,
}

impl Writer<'_> {
    /// Adds what the model stores: constants as they are, weights as they are wished.
    fn stored(&mut self, initializers: &mut Message) -> Result<(), Vec<Refused>> {
        let model = self.model;
        let mut done = vec![false; model.values.len()];
        for node in model.main.nodes.iter().map(|id| &model.nodes[*id]) {
            for (position, id) in node.inputs.iter().enumerate() {
                let Some(id) = *id else { continue };
                let Source::Stored(stored) = model.values[id].source else { continue };
                if std::mem::replace(&mut done[id.index()], true) {
                    continue;
                }
                let learned = stored.role != Role::Constant;
                self.one(id, node.kind.slot(position), learned, initializers).ok_or_else(|| {
                    vec![refusal(node, format!("what `{}` holds is not known", model.values[id].name))]
                })?;
            }
        }
        Ok(())
    }

    /// Adds one stored value; `None` where too little is known of it.
    fn one(&mut self, id: ValueId, slot: Slot, learned: bool, initializers: &mut Message) -> Option<()> {
        let value = &self.model.values[id];
        let name = Arc::clone(self.names.get(id));
        let ty = value.ty.tensor()?;
        if let Some(literal) = &value.literal {
            initializers.encoded(GRAPH_INITIALIZER, &encode::constant(&name, ty, literal)?);
        } else if self.weights == Weights::Stripped && learned {
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
            let proto = self.node(node).ok_or_else(|| vec![refusal(node, "an attribute of it was not kept".into())])?;
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
    if node.kind.domain == OWN_DOMAIN {
        return Some(refusal(node, "ONNX has no such operator".into()));
    }
    if !node.bodies.is_empty() {
        return Some(refusal(node, "graphs inside a node are not written".into()));
    }
    let slots =
        node.inputs.iter().enumerate().filter(|(position, _)| node.kind.slot(*position).role != SlotRole::Steer);
    let types: Vec<DType> =
        slots.filter_map(|(_, id)| model.values[(*id)?].ty.tensor().and_then(|t| t.dtype)).collect();
    let (first, other) = (types.first()?, types.iter().find(|t| Some(*t) != types.first()));
    let one = "give one type for both: `--precision fp32`";
    match other {
        Some(other) => {
            Some(refusal(node, format!("ONNX computes in one type, and here are {first} and {other}; {one}")))
        }
        None if !COMPUTED.contains(first) => {
            Some(refusal(node, format!("ONNX has no such operator for {first}; {}", one.replace("both", "everything"))))
        }
        None => None,
    }
}

fn refusal(node: &Node, why: String) -> Refused {
    Refused { layer: Arc::clone(&node.name), op: Arc::clone(&node.op_type), why }
}
