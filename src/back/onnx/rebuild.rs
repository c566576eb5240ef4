//! A graph that was read, written again: every field of the file is copied as it is, unknown ones too, but for shapes
//! that the caller fixed and weights that the caller wants otherwise ([`super::stored`]).
//!
//! Nodes, functions, metadata and constants that steer stay. Sizes that the caller's may have made wrong are left open
//! where they are not known.

use super::Weights;
use super::fields::{Field, fields};
use super::held::{held, inside};
use super::message::Message;
use super::open::open;
use super::pieces;
use super::resize::{self, typed};
use super::schema::{
    ATTRIBUTE_G, ATTRIBUTE_GRAPHS, FUNCTION_INPUT, FUNCTION_NODE, FUNCTION_OPSET_IMPORT, FUNCTION_VALUE_INFO,
    GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NODE, GRAPH_OUTPUT, GRAPH_SPARSE_INITIALIZER, GRAPH_VALUE_INFO, INFO_NAME,
    MODEL_FUNCTION, MODEL_GRAPH, MODEL_IR_VERSION, MODEL_OPSET_IMPORT, NODE_ATTRIBUTE, NODE_OUTPUT,
};
use super::stored::{Scope, Stock};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::front::onnx::proto::{OperatorSetIdProto, TypeProto};
use crate::front::onnx::{self, Bindings, Contents, Read};
use crate::graph::{Model, Precision, Source, ValueId};
use crate::tensor::Dim;
use prost::Message as _;
use prost::bytes::Bytes;
use prost::encoding::decode_varint;
use std::collections::HashMap;
use std::io;

/// A file that was read, and the same written again.
#[derive(Debug)]
pub struct Rebuilt {
    /// What was read.
    pub read: Read,
    /// The new file; `None` if an error was found in the old one.
    pub message: Option<Message>,
}

/// What is to be otherwise in the new file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// What weights shall hold; `None` leaves them, and what lies in other files stays there. Where some are given, a
    /// warning names what lies in other files all the same, and what is copied.
    pub weights: Option<Weights>,
    /// Whether the file shall be for any batch, whatever it was exported for.
    pub any_batch: bool,
}

/// Reads a file and prepares it to be written again, with its inputs fixed as `bindings` say. A batch that the file leaves
/// open stays so unless they fix it.
pub fn rebuild(mut file: impl Contents, bindings: &Bindings, changes: Changes) -> io::Result<Rebuilt> {
    let size = file.size();
    file.fetch(0..size)?;
    let bytes = Bytes::from_owner(file.whole());
    // Element types are part of the nodes, which are copied.
    let bindings = &Bindings { precision: Precision::default(), ..bindings.clone() };
    let mut read = onnx::read(bytes.clone(), bindings);
    let is_open = read.diagnostics.iter().any(|found| found.code == "batch-assumed");
    let any_batch = changes.any_batch && !is_open;
    // Contents that steer change no declaration; sizes do.
    let resized = any_batch || bindings.batch.is_some() || !bindings.dims.is_empty() || !bindings.inputs.is_empty();
    let opened = (is_sound(&read) && resized && (any_batch || is_open)).then(|| for_any_batch(&bytes, bindings));
    if let Some(opened) = opened.as_ref().filter(|opened| any_batch && !is_sound(opened)) {
        let new = opened.diagnostics.iter().filter(|found| !read.diagnostics.contains(found)).cloned();
        let help = "leave `--symbolic-batch` out, or name a batch: `--batch 8`";
        let new: Vec<_> = new.map(|found| if is_error(&found) { found.help(help) } else { found }).collect();
        read.diagnostics.extend(new);
        return Ok(Rebuilt { read, message: None });
    }
    let source = opened.as_ref().filter(|opened| is_sound(opened)).unwrap_or(&read);
    let Some(model) = source.model.as_ref().filter(|_| is_sound(source)) else {
        return Ok(Rebuilt { read, message: None });
    };
    let opset = opset(&bytes, MODEL_OPSET_IMPORT);
    let held = held(&bytes);
    let stock =
        changes.weights.map(|weights| Stock::new(source, model, &held, (weights, opset), bytes.as_ptr().addr()));
    if stock.as_ref().is_some_and(Stock::needs_nodes) && opset < OF_SHAPE_SINCE {
        let message = format!(
            "version {opset} of ONNX's operators has no `ConstantOfShape`, which stands for weights from version \
             {OF_SHAPE_SINCE} on"
        );
        let error = Diagnostic::error("old-operators", Origin::File, message);
        read.diagnostics.push(error.help("`--weights zero` writes them as zeros"));
        return Ok(Rebuilt { read, message: None });
    }
    let mut rebuilder = Rebuilder { values: by_name(model), model, resized, old: is_old(&bytes), opset, stock };
    let message = rebuilder.file(&bytes);
    let said = rebuilder.stock.map_or_else(Vec::new, |stock| stock.left(&held));
    read.diagnostics.extend(said);
    Ok(Rebuilt { read, message: Some(message) })
}

fn is_error(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

fn is_sound(read: &Read) -> bool {
    !read.diagnostics.iter().any(is_error)
}

/// The network of a file with its batch a symbol, or what forbids that.
fn for_any_batch(file: &Bytes, bindings: &Bindings) -> Read {
    let for_batch = |n| onnx::read(file.clone(), &Bindings { batch: Some(n), ..bindings.clone() });
    let (mut read, other) = (for_batch(BATCHES.0), for_batch(BATCHES.1));
    if !is_sound(&other) {
        return other;
    }
    if let (Some(model), Some(other)) = (&mut read.model, &other.model) {
        let taken = |name: &&str| {
            let inputs = model.main.inputs.iter().filter_map(|id| model.values[*id].ty.tensor()?.shape.dims());
            inputs.flatten().flat_map(Dim::symbols).any(|symbol| &*symbol == *name)
        };
        let new = || SYMBOLS.iter().copied().find(|name| !taken(name)).unwrap_or("batch").to_owned();
        let symbol = read.batch_symbol.clone().unwrap_or_else(new);
        open(model, other, BATCHES, &symbol);
    }
    read
}

/// Batches for which a network is built to see which sizes follow the batch.
const BATCHES: (u64, u64) = (2, 3);
/// What a batch may be called.
const SYMBOLS: [&str; 3] = ["N", "batch", "batch_size"];
/// The version of the standard domain that brought `ConstantOfShape`.
const OF_SHAPE_SINCE: i64 = 9;
/// Up to this version of the format every stored value is an input too.
const STORED_ARE_INPUTS: u64 = 3;

/// Version of the standard domain that a file or a function uses; `number`: the field with its imports.
fn opset(message: &Bytes, number: u32) -> i64 {
    let imports = fields(message).filter(|f| f.number == number);
    let imports = imports.filter_map(|f| OperatorSetIdProto::decode(f.inside).ok());
    let standard = |i: &OperatorSetIdProto| i.domain.is_empty() || &i.domain[..] == b"ai.onnx";
    imports.filter(standard).map(|i| i.version).last().unwrap_or(1)
}

fn is_old(file: &Bytes) -> bool {
    let version = fields(file).filter(|f| f.number == MODEL_IR_VERSION).last();
    let version = version.and_then(|f| decode_varint(&mut f.inside.clone()).ok());
    version.is_none_or(|v| v <= STORED_ARE_INPUTS)
}

/// Values of the network by name. Its own stored values come before those of sub-graphs.
fn by_name(model: &Model) -> HashMap<&str, ValueId> {
    let mut values = HashMap::new();
    let stored = model.values.iter().filter(|(_, v)| matches!(v.source, Source::Stored(_))).map(|(id, _)| id);
    let made = model.main.nodes.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten().copied());
    for id in stored.chain(model.main.inputs.iter().copied()).chain(made) {
        values.entry(&*model.values[id].name).or_insert(id);
    }
    values
}

struct Rebuilder<'a> {
    model: &'a Model,
    values: HashMap<&'a str, ValueId>,
    /// Whether declared shapes may be wrong now.
    resized: bool,
    /// Whether every stored value is an input too.
    old: bool,
    opset: i64,
    /// What weights are to hold, if it is something else.
    stock: Option<Stock<'a>>,
}

impl Rebuilder<'_> {
    fn file(&mut self, file: &Bytes) -> Message {
        let mut out = Message::default();
        for field in fields(file) {
            match field.number {
                MODEL_GRAPH => {
                    let scope = Scope { node: GRAPH_NODE, stores: true, old: self.old, by_node: true };
                    out.message(MODEL_GRAPH, self.graph(&field.inside, true, scope));
                }
                MODEL_FUNCTION => out.message(MODEL_FUNCTION, self.function(&field.inside)),
                _ => out.fields(&field.whole),
            }
        }
        out
    }

    /// The network, or a graph inside of a node, where what flows is inferred anew by whoever runs it. What stands for
    /// weights comes before the nodes that read them.
    fn graph(&mut self, graph: &Bytes, outermost: bool, scope: Scope) -> Message {
        let (mut first, mut rest) = (Message::default(), Message::default());
        for field in fields(graph) {
            let inside = &field.inside;
            match field.number {
                GRAPH_INITIALIZER | GRAPH_SPARSE_INITIALIZER => match &mut self.stock {
                    Some(stock) => stock.tensor(&field, scope, &mut first, &mut rest),
                    None => rest.fields(&field.whole),
                },
                GRAPH_NODE => self.node(&field, scope, &mut rest),
                GRAPH_INPUT if outermost && self.stored(inside).is_some() => {
                    let stored = self.stored(inside);
                    if !self.stock.as_ref().zip(stored).is_some_and(|(stock, id)| stock.is_by_node(id)) {
                        rest.fields(&field.whole);
                    }
                }
                GRAPH_INPUT | GRAPH_OUTPUT if self.resized => {
                    let ty = self.type_of(inside).filter(|_| outermost).or_else(|| resize::open(inside));
                    rest.message(field.number, typed(inside, ty));
                }
                GRAPH_VALUE_INFO if self.resized => {
                    if let Some(ty) = self.type_of(inside).filter(|_| outermost) {
                        rest.message(field.number, typed(inside, Some(ty)));
                    }
                }
                _ => rest.fields(&field.whole),
            }
        }
        first.append(rest);
        first
    }

    /// A function of the file's own. It has nodes alone.
    fn function(&mut self, function: &Bytes) -> Message {
        if let Some(stock) = &mut self.stock {
            let nodes = fields(function).filter(|f| f.number == FUNCTION_NODE).flat_map(|node| fields(&node.inside));
            let made = nodes.filter(|f| f.number == NODE_OUTPUT);
            made.chain(fields(function).filter(|f| f.number == FUNCTION_INPUT)).for_each(|f| stock.take(&f.inside));
        }
        let by_node = opset(function, FUNCTION_OPSET_IMPORT) >= self.opset;
        let scope = Scope { node: FUNCTION_NODE, stores: false, old: self.old, by_node };
        let mut out = Message::default();
        for field in fields(function) {
            match field.number {
                FUNCTION_NODE => self.node(&field, scope, &mut out),
                FUNCTION_VALUE_INFO if self.resized => {}
                _ => out.fields(&field.whole),
            }
        }
        out
    }

    /// A node: with other contents if a weight is kept in it, and with graphs of which the same holds.
    fn node(&mut self, field: &Field, scope: Scope, out: &mut Message) {
        if self.stock.as_mut().is_some_and(|stock| stock.node(&field.inside, scope, out)) {
            return;
        }
        let mut attributes = fields(&field.inside).filter(|f| f.number == NODE_ATTRIBUTE);
        let is_graph = |number| matches!(number, ATTRIBUTE_G | ATTRIBUTE_GRAPHS);
        let changes = self.resized || self.stock.is_some();
        if !changes || !attributes.any(|a| fields(&a.inside).any(|f| is_graph(f.number))) {
            return out.fields(&field.whole);
        }
        // In the oldest files only the network's inputs may be stored.
        let inner = Scope { node: GRAPH_NODE, stores: !self.old, ..scope };
        let mut node = Message::default();
        for field in fields(&field.inside) {
            if field.number != NODE_ATTRIBUTE {
                node.fields(&field.whole);
                continue;
            }
            let mut attribute = Message::default();
            for field in fields(&field.inside) {
                if is_graph(field.number) {
                    attribute.message(field.number, self.graph(&field.inside, false, inner));
                } else {
                    attribute.fields(&field.whole);
                }
            }
            node.message(NODE_ATTRIBUTE, attribute);
        }
        out.message(scope.node, node);
    }

    /// The stored value that an input of the network is.
    fn stored(&self, info: &Bytes) -> Option<ValueId> {
        let id = *self.values.get(&*name_of(info))?;
        matches!(self.model.values[id].source, Source::Stored(_)).then_some(id)
    }

    /// What was inferred of a value, if that says at least how many sizes it has.
    fn type_of(&self, info: &Bytes) -> Option<TypeProto> {
        let ty = &self.model.values[*self.values.get(&*name_of(info))?].ty;
        let ranked = ty.tensor().is_none_or(|tensor| tensor.shape.rank().is_some());
        if ranked { pieces::value_type(ty) } else { None }
    }
}

/// The name of a declared value.
fn name_of(info: &Bytes) -> String {
    inside(info, INFO_NAME).map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default()
}
