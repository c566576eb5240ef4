//! A graph that was read, written again: every field of the file is copied as it is, unknown ones too, but for shapes
//! that the caller fixed and weights that the caller wants otherwise.
//!
//! Nodes, functions, metadata and constants that steer stay. Weights inside of sub-graphs and functions stay as well,
//! those in attributes (`ai.onnx.ml`), and those that are stored sparsely. Where weights are made up and the contents of
//! a constant are in another file, that is made up as well if nothing depends on it but numbers. Sizes that the caller's may have made wrong are left open there.

use super::Weights;
use super::fields::{Field, fields};
use super::fill::Fill;
use super::held::{Held, held};
use super::message::Message;
use super::names::unique;
use super::pieces::{self, text};
use super::resize::{has_graphs, open, resized_node, typed, without};
use super::schema::{
    ATTRIBUTE_T, FUNCTION_VALUE_INFO, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NODE, GRAPH_OUTPUT, GRAPH_VALUE_INFO,
    INFO_NAME, MODEL_FUNCTION, MODEL_GRAPH, MODEL_IR_VERSION, MODEL_OPSET_IMPORT, NODE_ATTRIBUTE, NODE_INPUT,
    NODE_OP_TYPE, NODE_OUTPUT, TENSOR_CONTENTS, TENSOR_NAME, TENSOR_RAW_DATA,
};
use super::slots::{neutral, replaceable, slots};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::front::onnx::proto::{AttributeProto, NodeProto, OperatorSetIdProto, TypeProto};
use crate::front::onnx::{self, Bindings, Contents, Read};
use crate::graph::{Model, Precision, Role, Source, ValueId};
use crate::ops::rules::Slot;
use crate::tensor::{DType, Dim, Shape, TensorType};
use prost::Message as _;
use prost::bytes::Bytes;
use prost::encoding::decode_varint;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

/// A file that was read, and the same written again.
#[derive(Debug)]
pub struct Rebuilt {
    /// What was read.
    pub read: Read,
    /// The new file; `None` if an error was found in the old one.
    pub message: Option<Message>,
}

/// Reads a file and prepares it to be written again, with its inputs fixed as `bindings` say. `weights`: what they shall
/// hold; `None` leaves them, and what lies in other files stays there. Where some are given, a warning names what lies in
/// other files all the same.
pub fn rebuild(mut file: impl Contents, bindings: &Bindings, weights: Option<Weights>) -> io::Result<Rebuilt> {
    let size = file.size();
    file.fetch(0..size)?;
    let bytes = Bytes::from_owner(file.whole());
    // Element types are part of the nodes, which are copied.
    let bindings = &Bindings { precision: Precision::default(), ..bindings.clone() };
    let mut read = onnx::read(bytes.clone(), bindings);
    let sound = !read.diagnostics.iter().any(|d| d.severity == Severity::Error);
    let Some(model) = read.model.as_ref().filter(|_| sound) else { return Ok(Rebuilt { read, message: None }) };
    // Contents that steer change no declaration; sizes do.
    let resized = bindings.batch.is_some() || !bindings.dims.is_empty() || !bindings.inputs.is_empty();
    let rebuilder = Rebuilder::new(model, weights, resized, &bytes);
    if weights == Some(Weights::Stripped) && rebuilder.replaceable.contains(&true) && opset(&bytes) < OF_SHAPE_SINCE {
        let message = format!(
            "version {} of ONNX's operators has no `ConstantOfShape`, which stands for weights from version {} on",
            opset(&bytes),
            OF_SHAPE_SINCE
        );
        let error = Diagnostic::error("old-operators", Origin::File, message);
        read.diagnostics.push(error.help("`--weights zero` writes them as zeros"));
        return Ok(Rebuilt { read, message: None });
    }
    let elsewhere = rebuilder.elsewhere();
    let message = rebuilder.file(&bytes);
    read.diagnostics.extend(elsewhere);
    Ok(Rebuilt { read, message: Some(message) })
}

/// The version of the standard domain that brought `ConstantOfShape`.
const OF_SHAPE_SINCE: i64 = 9;
/// Most tensors that a message names.
const NAMED: usize = 4;
/// Up to this version of the format every stored value is an input too.
const STORED_ARE_INPUTS: u64 = 3;

/// Version of the standard domain that a file uses.
fn opset(file: &Bytes) -> i64 {
    let imports = fields(file).filter(|f| f.number == MODEL_OPSET_IMPORT);
    let imports = imports.filter_map(|f| OperatorSetIdProto::decode(f.inside).ok());
    let standard = |i: &OperatorSetIdProto| i.domain.is_empty() || &i.domain[..] == b"ai.onnx";
    imports.filter(standard).map(|i| i.version).last().unwrap_or(1)
}

struct Rebuilder<'a> {
    model: &'a Model,
    weights: Option<Weights>,
    /// Whether declared shapes may be wrong now.
    resized: bool,
    /// Values of the network by name.
    values: HashMap<&'a str, ValueId>,
    slots: Vec<Option<Slot>>,
    replaceable: Vec<bool>,
    held: Held,
    /// Constants that are made up because their contents are in another file.
    made_up: Vec<bool>,
    taken: HashSet<Arc<str>>,
    stored_are_inputs: bool,
}

/// A weight whose contents are to be others.
struct Weight<'a> {
    name: String,
    ty: &'a TensorType,
    slot: Option<Slot>,
    /// Whether a node shall stand for it.
    by_node: bool,
    /// Whether it is no constant.
    learned: bool,
}

impl Weight<'_> {
    fn fill(&self, weights: Weights) -> Option<Fill> {
        Fill::new(weights, &self.name, self.ty, self.slot, self.learned)
    }
}

impl<'a> Rebuilder<'a> {
    fn new(model: &'a Model, weights: Option<Weights>, resized: bool, file: &Bytes) -> Rebuilder<'a> {
        let mut values = HashMap::new();
        let stored = model.values.iter().filter(|(_, v)| matches!(v.source, Source::Stored(_))).map(|(id, _)| id);
        let made = model.main.nodes.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten().copied());
        // The network's own stored values come before those of sub-graphs.
        for id in stored.chain(model.main.inputs.iter().copied()).chain(made) {
            values.entry(&*model.values[id].name).or_insert(id);
        }
        let slots = slots(model);
        let holds = held(file);
        let (mut of_graph, mut made_up) = (vec![false; model.values.len()], vec![false; model.values.len()]);
        let neutral = neutral(model);
        for (name, elsewhere) in &holds.tensors {
            let Some(id) = values.get(&**name) else { continue };
            of_graph[id.index()] = true;
            made_up[id.index()] = *elsewhere && neutral[id.index()];
        }
        let version = fields(file).filter(|f| f.number == MODEL_IR_VERSION).last();
        let version = version.and_then(|f| decode_varint(&mut f.inside.clone()).ok());
        Rebuilder {
            replaceable: replaceable(model, &slots, &of_graph, opset(file)),
            slots,
            held: holds,
            made_up,
            taken: model.values.iter().map(|(_, v)| Arc::clone(&v.name)).collect(),
            stored_are_inputs: version.is_none_or(|v| v <= STORED_ARE_INPUTS),
            model,
            weights,
            resized,
            values,
        }
    }

    fn file(mut self, file: &Bytes) -> Message {
        let mut out = Message::default();
        for field in fields(file) {
            match field.number {
                MODEL_GRAPH => out.message(MODEL_GRAPH, self.graph(&field.inside)),
                MODEL_FUNCTION if self.resized => {
                    out.message(MODEL_FUNCTION, without(&field.inside, FUNCTION_VALUE_INFO));
                }
                _ => out.fields(&field.whole),
            }
        }
        out
    }

    /// The network. What stands for weights comes before the nodes that read them.
    fn graph(&mut self, graph: &Bytes) -> Message {
        let (mut first, mut rest) = (Message::default(), Message::default());
        for field in fields(graph) {
            let inside = &field.inside;
            match field.number {
                GRAPH_INITIALIZER => self.initializer(&field, &mut first, &mut rest),
                GRAPH_NODE => self.node(&field, &mut rest),
                GRAPH_INPUT if self.is_stored(inside) => {
                    let weight = self.weight(&name_of(inside));
                    if !weight.is_some_and(|w| w.by_node) {
                        rest.fields(&field.whole);
                    }
                }
                GRAPH_INPUT | GRAPH_OUTPUT if self.resized => {
                    let ty = self.type_of(inside).or_else(|| open(inside));
                    rest.message(field.number, typed(inside, ty));
                }
                GRAPH_VALUE_INFO if self.resized => {
                    if let Some(ty) = self.type_of(inside) {
                        rest.message(field.number, typed(inside, Some(ty)));
                    }
                }
                _ => rest.fields(&field.whole),
            }
        }
        first.append(rest);
        first
    }

    /// The weight of this name, if its contents are to be others.
    fn weight(&self, name: &[u8]) -> Option<Weight<'a>> {
        let weights = self.weights?;
        let name = String::from_utf8_lossy(name).into_owned();
        let id = *self.values.get(&*name)?;
        let value = &self.model.values[id];
        let learned = value.stored()?.role != Role::Constant;
        if !learned && !self.made_up[id.index()] {
            return None;
        }
        let by_node = weights == Weights::Stripped && self.replaceable[id.index()];
        Some(Weight { name, ty: value.ty.tensor()?, slot: self.slots[id.index()], by_node, learned })
    }

    /// What to say of tensors whose contents stay in other files though weights are made up.
    fn elsewhere(&self) -> Option<Diagnostic> {
        let weights = self.weights?;
        let made = |name: &str| {
            let weight = self.weight(name.as_bytes());
            weight.is_some_and(|weight| weight.by_node || weight.fill(weights).is_some())
        };
        let outer =
            self.held.tensors.iter().filter(|(name, elsewhere)| **elsewhere && !made(name)).map(|(name, _)| name);
        let mut names: Vec<_> = outer.chain(&self.held.inner).map(|name| format!("`{name}`")).collect();
        names.sort();
        let more = names.len().checked_sub(NAMED).filter(|more| *more > 0);
        names.truncate(NAMED);
        let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
        let message = format!("the contents of {}{more} cannot be made up and stay in other files", names.join(", "));
        let warning = Diagnostic::warning("external-data", Origin::File, message);
        let warning =
            warning.note("integers and what sizes depend on steer the network; sub-graphs are copied as they are");
        (!names.is_empty()).then(|| warning.help("keep those files beside the new one"))
    }

    fn is_stored(&self, info: &Bytes) -> bool {
        let id = self.values.get(&*String::from_utf8_lossy(&name_of(info)));
        id.is_some_and(|id| matches!(self.model.values[*id].source, Source::Stored(_)))
    }

    /// What was inferred of a value, if that says at least how many sizes it has.
    fn type_of(&self, info: &Bytes) -> Option<TypeProto> {
        let id = self.values.get(&*String::from_utf8_lossy(&name_of(info)))?;
        let ty = &self.model.values[*id].ty;
        let ranked = ty.tensor().is_none_or(|tensor| tensor.shape.rank().is_some());
        if ranked { pieces::value_type(ty) } else { None }
    }

    /// A stored tensor: with other contents if it is a weight and that is wanted.
    fn initializer(&mut self, field: &Field, first: &mut Message, rest: &mut Message) {
        let name = fields(&field.inside).find(|f| f.number == TENSOR_NAME).map(|f| f.inside).unwrap_or_default();
        let Some((weights, weight)) = self.weights.zip(self.weight(&name)) else { return rest.fields(&field.whole) };
        if weight.by_node
            && let Some(node) = self.stand_in(&weight, rest)
        {
            return first.encoded(GRAPH_NODE, &NodeProto { output: vec![name.clone()], name, ..node });
        }
        match weight.fill(weights) {
            Some(fill) => {
                let mut tensor = Message::default();
                let kept = fields(&field.inside).filter(|f| !TENSOR_CONTENTS.contains(&f.number));
                kept.for_each(|f| tensor.fields(&f.whole));
                tensor.filled(TENSOR_RAW_DATA, fill);
                rest.message(GRAPH_INITIALIZER, tensor);
            }
            None => rest.fields(&field.whole),
        }
    }

    /// A node that makes a weight, whose sizes are added to what is stored.
    fn stand_in(&mut self, weight: &Weight, out: &mut Message) -> Option<NodeProto> {
        let name = unique(&format!("{}.shape", weight.name).into(), &mut self.taken);
        let node = pieces::of_shape(&weight.name, &name, weight.ty.dtype?, weight.slot)?;
        let sizes = pieces::shape_constant(&name, &weight.ty.shape)?;
        out.encoded(GRAPH_INITIALIZER, &sizes);
        if self.stored_are_inputs {
            let length = sizes.dims.iter().map(|n| Dim::Known(*n)).collect();
            let ty = TensorType::new(DType::I64, Shape::Ranked(length));
            out.encoded(GRAPH_INPUT, &pieces::value_info(&name, &ty.into()));
        }
        Some(node)
    }

    /// A node: with other contents if a weight is kept in it, and with graphs whose shapes are right.
    fn node(&mut self, field: &Field, out: &mut Message) {
        let inside = &field.inside;
        let new = match self.kept_in(inside) {
            Some(("Constant", weight)) if weight.by_node => self.stand_in(&weight, out).map(|node| {
                let mut copy = kept_of(inside);
                copy.fields(&NodeProto { output: Vec::new(), name: Bytes::new(), ..node }.encode_to_vec().into());
                copy
            }),
            Some(("Constant", weight)) => self.weights.and_then(|weights| constant(inside, &weight, weights)),
            Some((_, weight)) if !weight.by_node => return self.unfolded(field, &weight, out),
            None if self.resized && has_graphs(inside) => Some(resized_node(inside)),
            _ => None,
        };
        match new {
            Some(node) => out.message(GRAPH_NODE, node),
            None => out.fields(&field.whole),
        }
    }

    /// A stored tensor in place of a node that stands for a weight.
    fn unfolded(&self, field: &Field, weight: &Weight, out: &mut Message) {
        let fill = self.weights.and_then(|weights| weight.fill(weights));
        let Some(tensor) = fill.and_then(|fill| pieces::filled(&weight.name, weight.ty, fill)) else {
            return out.fields(&field.whole);
        };
        out.message(GRAPH_INITIALIZER, tensor);
        if self.stored_are_inputs {
            out.encoded(GRAPH_INPUT, &pieces::value_info(&weight.name, &weight.ty.clone().into()));
        }
    }

    /// The weight that is kept in a node, if its contents are to be others, and the node's operator.
    fn kept_in(&self, node: &Bytes) -> Option<(&'static str, Weight<'a>)> {
        self.weights?;
        let output = fields(node).find(|f| f.number == NODE_OUTPUT)?.inside;
        let weight = self.weight(&output)?;
        let id = self.values.get(&*weight.name)?;
        let Source::Inside(maker, _) = self.model.values[*id].source else { return None };
        let kind = self.model.nodes[maker].kind;
        // A copy of another weight holds nothing itself.
        (kind.domain.is_empty() && matches!(kind.name, "Constant" | "ConstantOfShape")).then_some((kind.name, weight))
    }
}

/// A node's fields but for what it reads, its operator and its attributes.
fn kept_of(node: &Bytes) -> Message {
    let mut copy = Message::default();
    let kept = fields(node).filter(|f| ![NODE_INPUT, NODE_OP_TYPE, NODE_ATTRIBUTE].contains(&f.number));
    kept.for_each(|f| copy.fields(&f.whole));
    copy
}

/// A node that keeps a weight, with other contents.
fn constant(node: &Bytes, weight: &Weight, weights: Weights) -> Option<Message> {
    let fill = weight.fill(weights)?;
    let mut attribute = Message::default();
    attribute
        .fields(&AttributeProto { name: text("value"), r#type: 4, ..AttributeProto::default() }.encode_to_vec().into());
    attribute.message(ATTRIBUTE_T, pieces::filled("", weight.ty, fill)?);
    let mut copy = kept_of(node);
    copy.bytes(NODE_OP_TYPE, b"Constant");
    copy.message(NODE_ATTRIBUTE, attribute);
    Some(copy)
}

/// The name of a declared value.
fn name_of(info: &Bytes) -> Bytes {
    fields(info).filter(|f| f.number == INFO_NAME).last().map(|f| f.inside).unwrap_or_default()
}
