//! A model of the language as an ONNX file: its operators and attributes are ONNX's already.

use super::fill::Fill;
use super::message::Message;
use super::names::Names;
use super::open::open;
use super::refuse::{Refused, lacking, refuse};
use super::schema::{
    GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NAME, GRAPH_NODE, GRAPH_OUTPUT, GRAPH_VALUE_INFO, MODEL_FUNCTION,
    MODEL_GRAPH, MODEL_IR_VERSION, MODEL_OPSET_IMPORT, MODEL_PRODUCER_NAME, MODEL_PRODUCER_VERSION,
};
use super::slots::{replaceable, slots};
use super::{Weights, pieces};
use crate::front::onnx::proto::NodeProto;
use crate::graph::{Model, Node, Role, Source, ValueId};
use crate::ops::definition::Definition;
use crate::ops::layer::OPSET;
use crate::ops::rules::Slot;
use crate::ops::{OWN_DOMAIN, definition};
use std::sync::Arc;

/// Version of the format: that of ONNX 1.16, which every runtime since ONNX Runtime 1.18 reads.
const IR_VERSION: u64 = 10;
/// The domain of what ONNX Runtime adds to ONNX.
const RUNTIME_DOMAIN: &str = "com.microsoft";

/// A model of the language as an ONNX file. `Err` lists every layer that ONNX cannot say.
///
/// Operators are those of version [`OPSET`] of the standard domain. Every input, output and value between has its type;
/// every value has the name of its line, or one derived from it.
pub fn encode(model: &Model, weights: Weights) -> Result<Message, Vec<Refused>> {
    let refused: Vec<Refused> = model.main.nodes.iter().filter_map(|id| refuse(model, &model.nodes[*id])).collect();
    if refused.is_empty() { encode_as_is(model, weights) } else { Err(refused) }
}

/// The same for nodes that a graph of others had: what types they compute in is theirs to say.
pub fn encode_as_is(model: &Model, weights: Weights) -> Result<Message, Vec<Refused>> {
    let slots = slots(model);
    let replaceable = replaceable(model, &slots, &vec![true; model.values.len()], OPSET);
    let mut writer = Writer { model, weights, names: Names::of(model), slots, replaceable, graph: Message::default() };
    let mut initializers = Message::default();
    writer.stored(&mut initializers)?;
    writer.nodes()?;
    let Writer { names, mut graph, .. } = writer;
    graph.bytes(GRAPH_NAME, model.name.as_bytes());
    graph.append(initializers);
    let info = |id: &ValueId| pieces::value_info(names.get(*id), &model.values[*id].ty);
    model.main.inputs.iter().for_each(|id| graph.encoded(GRAPH_INPUT, &info(id)));
    // A value that is delivered twice is one output.
    let mut delivered = vec![false; model.values.len()];
    for id in &model.main.outputs {
        if !std::mem::replace(&mut delivered[id.index()], true) {
            graph.encoded(GRAPH_OUTPUT, &info(id));
        }
    }
    let made = model.main.nodes.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten());
    made.filter(|id| !delivered[id.index()]).for_each(|id| graph.encoded(GRAPH_VALUE_INFO, &info(id)));
    let mut file = Message::default();
    file.number(MODEL_IR_VERSION, IR_VERSION);
    file.bytes(MODEL_PRODUCER_NAME, env!("CARGO_PKG_NAME").as_bytes());
    file.bytes(MODEL_PRODUCER_VERSION, env!("CARGO_PKG_VERSION").as_bytes());
    file.message(MODEL_GRAPH, graph);
    file.encoded(MODEL_OPSET_IMPORT, &pieces::opset("", OPSET));
    if model.main.nodes.iter().any(|id| model.nodes[*id].kind.domain == RUNTIME_DOMAIN) {
        file.encoded(MODEL_OPSET_IMPORT, &pieces::opset(RUNTIME_DOMAIN, 1));
    }
    let definitions = definitions(model);
    if !definitions.is_empty() {
        file.encoded(MODEL_OPSET_IMPORT, &pieces::opset(OWN_DOMAIN, 1));
    }
    for definition in definitions {
        file.message(MODEL_FUNCTION, pieces::function(definition));
    }
    Ok(file)
}

/// The same for any batch: `model` and `other` are one network, built for these two different batches.
pub fn encode_open(
    mut model: Model,
    other: &Model,
    batches: (u64, u64),
    weights: Weights,
) -> Result<Message, Vec<Refused>> {
    open(&mut model, other, batches, SYMBOL);
    encode(&model, weights)
}

/// What the batch is called.
const SYMBOL: &str = "N";

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
            initializers.encoded(GRAPH_INITIALIZER, &pieces::constant(&name, ty, literal)?);
        } else if self.weights == Weights::Stripped && self.replaceable[id.index()] {
            let shape = self.names.fresh(&format!("{name}.shape"));
            initializers.encoded(GRAPH_INITIALIZER, &pieces::shape_constant(&shape, &ty.shape)?);
            self.graph.encoded(GRAPH_NODE, &pieces::of_shape(&name, &shape, ty.dtype?, slot)?);
        } else {
            let fill = Fill::new(self.weights, &name, ty, slot, learned)?;
            initializers.message(GRAPH_INITIALIZER, pieces::filled(&name, ty, fill)?);
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
            values.iter().map(|id| id.map_or_else(Default::default, |id| pieces::text(self.names.get(id)))).collect()
        };
        Some(NodeProto {
            input: names(&node.inputs),
            output: names(&node.outputs),
            name: pieces::text(&node.name),
            op_type: pieces::text(&node.op_type),
            attribute: node.attributes.iter().map(|(n, a)| pieces::attribute(n, a)).collect::<Option<_>>()?,
            domain: pieces::text(node.kind.domain),
            ..NodeProto::default()
        })
    }
}
