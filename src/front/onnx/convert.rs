//! Nodes → graph, in running order.

use super::bind::Feeds;
use super::body::Owner;
use super::order;
use super::proto::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto};
use super::tensor::{self, Budget};
use super::types::{Symbols, declared, value_info};
use super::{File, Outcome, Words, attrs, shown, text, undecodable};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::graph::{Builder, NodeId, NodeSpec, Role, Stored, ValueId};
use crate::ops::attributes::Attributes;
use crate::ops::control::body_attributes;
use crate::ops::rules::{OpError, OpKind};
use crate::ops::unknown::UNKNOWN;
use crate::ops::{ml_models, packed};
use crate::tensor::{TensorType, ValueType};
use foldhash::{HashMap, HashMapExt};
use prost::Message;
use prost::bytes::Bytes;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Versions of the operator sets that a file or a function uses.
pub(super) struct Opsets(HashMap<Bytes, i64>);

impl Opsets {
    pub(super) fn new(imports: &[OperatorSetIdProto]) -> Opsets {
        Opsets(imports.iter().map(|i| (standard(&i.domain), i.version)).collect())
    }

    /// The version of a domain; 1 where a file says nothing, as the first ones did.
    fn version(&self, domain: &Bytes) -> i64 {
        self.0.get(domain).copied().unwrap_or(1)
    }
}

/// The standard domain has two spellings.
fn standard(domain: &Bytes) -> Bytes {
    if &domain[..] == b"ai.onnx" { Bytes::new() } else { domain.clone() }
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Value(ValueId),
    /// An optional input of a function that its call leaves out.
    LeftOut,
}

impl Meaning {
    pub(super) fn value(self) -> Option<ValueId> {
        match self {
            Meaning::Value(id) => Some(id),
            Meaning::LeftOut => None,
        }
    }
}

type Names = HashMap<Bytes, Meaning>;

/// What names mean at one place: in the network, or inside one call of a function.
pub(super) struct Frame {
    /// The graph's own names, then those of the sub-graphs that are open.
    pub(super) scopes: Vec<Names>,
    /// The call that everything inside is named after.
    pub(super) prefix: Option<Arc<str>>,
    /// What attributes of nodes may refer to.
    pub(super) attributes: HashMap<Bytes, AttributeProto>,
    pub(super) opsets: Rc<Opsets>,
    /// Names that the function's outputs have outside.
    pub(super) delivered: HashMap<Bytes, Arc<str>>,
    /// Place in stored order of the node of the network that everything here belongs to.
    pub(super) index: Option<usize>,
}

/// Builds the graph.
pub(super) struct Converter<'a> {
    pub(super) builder: Builder,
    pub(super) frames: Vec<Frame>,
    pub(super) findings: Vec<Diagnostic>,
    /// See [`super::Read::places`].
    pub(super) places: Vec<(usize, ValueId)>,
    /// See [`crate::graph::Model::packed`].
    pub(super) packed: HashMap<ValueId, u64>,
    file: &'a File,
    symbols: Symbols,
    /// Attributes and scopes by name, each once.
    words: Words,
    /// The scope of the node before: the nodes of a block mostly come in a row.
    scope: Arc<str>,
    /// Operators that occur, by domain and then by name.
    operators: HashMap<Bytes, HashMap<Bytes, (Arc<str>, &'static OpKind)>>,
    constants: Budget,
    /// Nodes that functions and sub-graphs may still expand to.
    pub(super) expansion: usize,
    /// Whether the runs of a loop are being gone through.
    pub(super) rehearsing: bool,
    /// Declared types, read when the first unknown operator needs one.
    declared: Option<HashMap<Bytes, ValueType>>,
    pub(super) unknown: BTreeMap<String, (usize, Origin)>,
    pub(super) external: BTreeMap<String, usize>,
    /// Errors beyond those that are listed.
    unlisted: usize,
}

/// Errors that are listed one by one.
const LISTED: usize = 50;

impl<'a> Converter<'a> {
    pub(super) fn new(file: &'a File) -> Converter<'a> {
        let network = Frame {
            scopes: vec![Names::new()],
            prefix: None,
            attributes: HashMap::new(),
            opsets: Rc::new(Opsets(file.opsets.0.clone())),
            delivered: HashMap::new(),
            index: None,
        };
        Converter {
            builder: Builder::new(),
            frames: vec![network],
            findings: Vec::new(),
            places: Vec::new(),
            packed: HashMap::new(),
            file,
            symbols: Symbols::default(),
            words: Words::default(),
            scope: Arc::default(),
            operators: HashMap::new(),
            constants: Budget::new(),
            expansion: most_expansion(file),
            rehearsing: false,
            declared: None,
            unknown: BTreeMap::new(),
            external: BTreeMap::new(),
            unlisted: 0,
        }
    }

    /// Builds the whole network with its inputs fixed.
    pub(super) fn network(&mut self, feeds: Feeds) -> Outcome<()> {
        self.symbols = feeds.symbols;
        for feed in feeds.inputs {
            let id = self.builder.input(&text(&feed.name), feed.ty);
            if let Some(literal) = feed.literal {
                self.builder.set_literal(id, literal);
            }
            self.define(&feed.name, id, 0)?;
        }
        let file = self.file;
        let nodes = file.graph.node.len();
        self.builder.reserve(nodes);
        self.frames.iter_mut().flat_map(|frame| &mut frame.scopes).for_each(|names| names.reserve(nodes));
        self.nodes(&file.graph.node)?;
        self.outputs(&file.graph)?;
        self.summarise();
        Ok(())
    }

    /// Adds what a graph stores.
    pub(super) fn stored(&mut self, graph: &GraphProto) -> Outcome<()> {
        let constant = Stored { role: Role::Constant, frozen: false };
        for bytes in &graph.initializer {
            // The name is at hand even if the rest is wrong.
            let tensor = tensor::read(bytes, &mut self.constants).map_err(|what| {
                let name = super::proto::TensorProto::decode(bytes.clone()).map(|t| text(&t.name)).unwrap_or_default();
                damaged_tensor(&name, &what)
            })?;
            if let Some(file) = tensor.external {
                *self.external.entry(file).or_default() += 1;
            }
            let id = self.builder.stored(&self.value_name(&tensor.name), tensor.ty, tensor.literal, constant);
            self.keep(bytes, id);
            self.define(&tensor.name, id, 0)?;
        }
        for bytes in &graph.sparse_initializer {
            let (name, dtype, shape) = attrs::sparse(bytes).map_err(|what| damaged_tensor("", &what))?;
            let ty = TensorType::new(dtype, shape);
            let id = self.builder.stored(&self.value_name(&name), ty, None, constant);
            self.keep(bytes, id);
            self.define(&name, id, 0)?;
        }
        Ok(())
    }

    /// Adds nodes in their stored order, or in a running order if that is none.
    pub(super) fn nodes(&mut self, nodes: &[Bytes]) -> Outcome<()> {
        // One message for all of them keeps the room that its lists have.
        let mut node = NodeProto::default();
        for (index, bytes) in nodes.iter().enumerate() {
            decode_into(&mut node, bytes)?;
            if self.is_ready(&node) {
                self.node(&mut node, index, Some(bytes))?;
                continue;
            }
            let order = order::sort(nodes, index, &|name| self.lookup(name).is_some())?;
            let message = "nodes are not stored in running order; they were put into one";
            let origin = self.origin(&self.node_name(&node), index);
            self.findings.push(Diagnostic::hint("stored-order", origin, message));
            for index in order {
                decode_into(&mut node, &nodes[index])?;
                self.node(&mut node, index, Some(&nodes[index]))?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// Whether all that a node reads is there.
    fn is_ready(&self, node: &NodeProto) -> bool {
        let there = |name: &Bytes| name.is_empty() || self.lookup(name).is_some();
        // Sub-graphs are looked through once, from the outermost graph.
        let outermost = self.frames.last().is_none_or(|f| f.scopes.len() <= 1);
        if outermost && node.attribute.iter().any(|a| a.g.is_some()) {
            order::reads(node).iter().all(there)
        } else {
            node.input.iter().all(there)
        }
    }

    /// Adds a node, which the file has in these bytes, and takes its attributes.
    fn node(&mut self, node: &mut NodeProto, index: usize, bytes: Option<&Bytes>) -> Outcome<()> {
        let name = self.node_name(node);
        self.spend(&name, index)?;
        let domain = standard(&node.domain);
        let (op_type, kind) = self.operator(&domain, &node.op_type);
        // An operator of our own is one node, though our files define it for others as several.
        if crate::ops::definition(kind).is_none()
            && let Some(function) = self.file.functions.called(node)
        {
            return self.call(node, index, &function);
        }
        let opset = self.opset(&domain);
        let mut inputs = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(if input.is_empty() { None } else { self.found(input, &name, index)? });
        }
        let refers = node.attribute.iter().any(is_reference);
        if refers {
            node.attribute = node.attribute.drain(..).filter_map(|a| self.resolve(a)).collect();
        }
        // What is kept in a call is not kept in the function's node.
        let own = bytes.filter(|_| !refers);
        let graphs: Vec<Bytes> = body_attributes(kind)
            .iter()
            .filter_map(|wanted| node.attribute.iter().find(|a| &a.name[..] == wanted.as_bytes())?.g.clone())
            .collect();
        let read = attrs::read(node.attribute.drain(..), &mut self.words, &mut self.constants);
        let (attributes, wrong) = match read {
            Ok(attributes) => (attributes, None),
            Err(what) => (Attributes::new(), Some(OpError::invalid(what))),
        };
        let (bodies, ended) = if graphs.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let owner = Owner { kind, attributes: &attributes, opset, inputs: &inputs, index };
            self.bodies(&owner, &graphs)?
        };
        for (slot, ty) in ml_models::learned(kind, &attributes) {
            let stored = Stored { role: Role::Constant, frozen: false };
            let of_slot = format!("{name}.{}", kind.slot(slot).name);
            inputs.resize(slot, None);
            inputs.push(Some(self.builder.stored(&of_slot, ty, None, stored)));
        }
        let scope = self.scope(&name);
        let origin = self.origin(&name, index);
        let (id, result) = self.builder.add(NodeSpec {
            group: Arc::clone(&name),
            name,
            kind: if wrong.is_some() { &UNKNOWN } else { kind },
            op_type,
            attributes,
            opset,
            inputs,
            outputs: node.output.iter().map(|o| self.value_name(o)).collect(),
            open: None,
            bodies,
            scope,
            origin: origin.clone(),
        });
        let failed = wrong.or(result.err());
        let known = !std::ptr::eq(kind, &raw const UNKNOWN);
        if failed.is_none() {
            for (output, ty) in self.builder.node(id).outputs.clone().into_iter().zip(ended) {
                if let Some(output) = output {
                    self.builder.set_type(output, ty);
                }
            }
        }
        if let Some(error) = failed {
            self.report(error, &origin);
        } else if !known {
            self.unknown_operator(&domain, &node.op_type, origin);
        }
        for (position, proto) in node.output.iter().enumerate() {
            let Some(Some(output)) = self.builder.node(id).outputs.get(position).copied() else { continue };
            if !known && let Some(ty) = self.declared(proto) {
                self.builder.set_type(output, ty);
            }
            self.define(proto, output, index)?;
        }
        self.mark_stored(kind, id, own);
        self.take_blocks(kind, id);
        self.take_packed(kind, id);
        Ok(())
    }

    /// Remembers how many numbers a packed weight holds.
    fn take_packed(&mut self, kind: &OpKind, id: NodeId) {
        let node = self.builder.node(id);
        let input = |position: usize| node.inputs.get(position).copied().flatten();
        let of = |position: usize| self.builder.get(input(position)?).ty.tensor();
        let Some((position, numbers)) = packed::packed(kind, &node.attributes, of) else { return };
        if let Some(weight) = input(position) {
            self.packed.insert(weight, numbers);
        }
    }

    /// A constant is kept in its node; a tensor that a node fills is a stand-in for one, where it serves as a weight.
    fn mark_stored(&mut self, kind: &OpKind, id: NodeId, bytes: Option<&Bytes>) {
        let holds = match (kind.domain, kind.name) {
            ("", "Constant") => true,
            // Inside of a sub-graph no node counts as made of stored values.
            ("", "ConstantOfShape") => self.builder.node(id).constant || self.reads_stored(id),
            _ => false,
        };
        if holds && let Some(Some(output)) = self.builder.node(id).outputs.first().copied() {
            self.builder.set_stored(output, Stored { role: Role::Constant, frozen: false });
            if let Some(bytes) = bytes {
                self.keep(bytes, output);
            }
        }
    }

    /// Whether everything that a node reads is stored.
    fn reads_stored(&self, id: NodeId) -> bool {
        self.builder.node(id).inputs.iter().flatten().all(|input| self.builder.get(*input).stored().is_some())
    }

    /// Remembers where the file keeps a value.
    fn keep(&mut self, bytes: &Bytes, id: ValueId) {
        let place = bytes.as_ptr().addr().checked_sub(self.file.start).filter(|place| *place < self.file.size);
        self.places.extend(place.map(|place| (place, id)));
    }

    /// One more node; `Err` when functions and sub-graphs make too many.
    fn spend(&mut self, name: &Arc<str>, index: usize) -> Outcome<()> {
        let inside = self.frames.len() > 1 || self.frames.last().is_some_and(|f| f.scopes.len() > 1);
        if !inside {
            return Ok(());
        }
        if let Some(left) = self.expansion.checked_sub(1) {
            self.expansion = left;
            return Ok(());
        }
        let message = "functions and sub-graphs expand to too many nodes";
        let error = Diagnostic::error("onnx-too-many", self.origin(name, index), message);
        Err(error.note(format!("at most {} for a file of this size", most_expansion(self.file))).into())
    }

    /// An operator, with its name as the file has it.
    fn operator(&mut self, domain: &Bytes, name: &Bytes) -> (Arc<str>, &'static OpKind) {
        if let Some((op_type, kind)) = self.operators.get(domain).and_then(|names| names.get(name)) {
            return (Arc::clone(op_type), kind);
        }
        let op_type: Arc<str> = text(name).into();
        let kind = crate::ops::find(&text(domain), &op_type).unwrap_or(&UNKNOWN);
        self.operators.entry(domain.clone()).or_default().insert(name.clone(), (Arc::clone(&op_type), kind));
        (op_type, kind)
    }

    fn opset(&self, domain: &Bytes) -> i64 {
        self.frames.last().map_or(1, |f| f.opsets.version(domain))
    }

    /// An attribute with what it refers to put in its place; `None` if the call has nothing there.
    pub(super) fn resolve(&self, attribute: AttributeProto) -> Option<AttributeProto> {
        if !is_reference(&attribute) {
            return Some(attribute);
        }
        let given = self.frames.last()?.attributes.get(&attribute.ref_attr_name)?;
        Some(AttributeProto { name: attribute.name, ..given.clone() })
    }

    /// What a graph delivers.
    pub(super) fn outputs(&mut self, graph: &GraphProto) -> Outcome<Vec<ValueId>> {
        let mut delivered = Vec::with_capacity(graph.output.len());
        for (name, _) in graph.output.iter().filter_map(value_info) {
            let Some(id) = self.lookup(&name).and_then(Meaning::value) else {
                let message = format!("`{}` is to be delivered, and nothing makes it", shown(&text(&name)));
                let error = Diagnostic::error("undefined-name", Origin::File, message);
                return Err(error.help("export the model again: a part of its graph is missing").into());
            };
            self.builder.output(id);
            delivered.push(id);
        }
        Ok(delivered)
    }

    /// What a name stands for here.
    pub(super) fn lookup(&self, name: &Bytes) -> Option<Meaning> {
        self.frames.last()?.scopes.iter().rev().find_map(|names| names.get(name)).copied()
    }

    fn found(&self, name: &Bytes, node: &Arc<str>, index: usize) -> Outcome<Option<ValueId>> {
        self.lookup(name).map(Meaning::value).ok_or_else(|| {
            let message = format!("`{}` is read here, and nothing makes it", shown(&text(name)));
            let error = Diagnostic::error("undefined-name", self.origin(node, index), message);
            error.help("export the model again: a part of its graph is missing").into()
        })
    }

    /// Whether the innermost graph has this name already.
    pub(super) fn is_own(&self, name: &Bytes) -> bool {
        self.frames.last().and_then(|f| f.scopes.last()).is_some_and(|names| names.contains_key(name))
    }

    /// Gives a name its meaning in the innermost graph.
    pub(super) fn define(&mut self, name: &Bytes, id: ValueId, index: usize) -> Outcome<()> {
        let Some(names) = self.frames.last_mut().and_then(|f| f.scopes.last_mut()) else { return Ok(()) };
        let Some(Meaning::Value(first)) = names.insert(name.clone(), Meaning::Value(id)) else { return Ok(()) };
        let maker = |id: ValueId| match self.builder.get(id).producer() {
            Some((node, _)) => format!("node `{}`", shown(&self.builder.node(node).name)),
            None => "the graph itself".into(),
        };
        let message = format!("`{}` is made twice: by {} and by {}", shown(&text(name)), maker(first), maker(id));
        let node = self.builder.get(id).producer().map(|(node, _)| Arc::clone(&self.builder.node(node).name));
        let origin = node.map_or(Origin::File, |name| self.origin(&name, index));
        let error = Diagnostic::error("duplicate-name", origin, message);
        Err(error.help("export the model again: every value needs a name of its own").into())
    }

    /// Lets the outer name of what a function delivers stand for it.
    pub(super) fn deliver(&mut self, outer: &Bytes, made: ValueId, index: usize) -> Outcome<()> {
        let outer_name = self.value_name(outer);
        if *self.builder.get(made).name == *outer_name {
            return self.define(outer, made, index);
        }
        // It goes through under another name: a node shows that.
        let identity =
            NodeProto { op_type: Bytes::from_static(b"Identity"), output: vec![outer.clone()], ..NodeProto::default() };
        let Some(names) = self.frames.last_mut().and_then(|f| f.scopes.last_mut()) else { return Ok(()) };
        let inner = Bytes::from(format!("{outer_name}\0inner"));
        names.insert(inner.clone(), Meaning::Value(made));
        self.node(&mut NodeProto { input: vec![inner], ..identity }, index, None)
    }

    /// Begins the names of a sub-graph of the node at this place.
    pub(super) fn enter(&mut self, index: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.index.get_or_insert(index);
            frame.scopes.push(Names::new());
        }
    }

    /// Ends them.
    pub(super) fn leave(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.scopes.pop();
            if self.frames.len() == 1 && self.frames[0].scopes.len() == 1 {
                self.frames[0].index = None;
            }
        }
    }

    /// The name of a value as reports show it.
    pub(super) fn value_name(&self, name: &Bytes) -> Arc<str> {
        let plain = String::from_utf8_lossy(name);
        match self.frames.last() {
            Some(Frame { prefix: Some(prefix), delivered, .. }) if !name.is_empty() => {
                delivered.get(name).cloned().unwrap_or_else(|| format!("{prefix}/{plain}").into())
            }
            _ => plain.as_ref().into(),
        }
    }

    /// A node's own name, or its first output's.
    pub(super) fn node_name(&self, node: &NodeProto) -> Arc<str> {
        let plain = String::from_utf8_lossy(&node.name);
        match node.output.iter().find(|o| !o.is_empty()) {
            Some(output) if plain.is_empty() => self.value_name(output),
            _ => match self.frames.last().and_then(|f| f.prefix.as_ref()) {
                Some(prefix) => format!("{prefix}/{plain}").into(),
                None => plain.as_ref().into(),
            },
        }
    }

    /// The block that a node belongs to: what exporters write before the last slash of its name.
    fn scope(&mut self, name: &str) -> Arc<str> {
        let path = name.rsplit_once('/').map_or("", |(path, _)| path.trim_start_matches('/'));
        if *self.scope != *path {
            self.scope = self.words.of(path.as_bytes());
        }
        Arc::clone(&self.scope)
    }

    pub(super) fn index(&self, index: usize) -> usize {
        self.frames.last().and_then(|f| f.index).unwrap_or(index)
    }

    pub(super) fn origin(&self, name: &Arc<str>, index: usize) -> Origin {
        Origin::Node { name: Arc::clone(name), index: self.index(index) }
    }

    fn report(&mut self, error: OpError, origin: &Origin) {
        if self.findings.len() >= LISTED {
            self.unlisted += 1;
            return;
        }
        let mut finding = Diagnostic::error(error.code, origin.clone(), error.message);
        finding.notes = error.notes;
        finding.help = error.help;
        self.findings.push(finding);
    }

    fn unknown_operator(&mut self, domain: &Bytes, op_type: &Bytes, origin: Origin) {
        let name = match &domain[..] {
            b"" => text(op_type),
            _ => format!("{}::{}", text(domain), text(op_type)),
        };
        self.unknown.entry(name).or_insert((0, origin)).0 += 1;
    }

    /// What the file says of an output whose operator is unknown.
    fn declared(&mut self, name: &Bytes) -> Option<ValueType> {
        let graph = &self.file.graph;
        let symbols = &self.symbols;
        let types = self.declared.get_or_insert_with(|| {
            let infos = graph.value_info.iter().chain(&graph.output).filter_map(value_info);
            infos.filter_map(|(name, ty)| Some((name, declared(&ty?, symbols)))).collect()
        });
        types.get(name).cloned()
    }

    fn summarise(&mut self) {
        for (name, (nodes, origin)) in std::mem::take(&mut self.unknown) {
            let more = if nodes > 1 { format!(", here and in {} more nodes", nodes - 1) } else { String::new() };
            let message = format!("the operator `{}` is not known{more}", shown(&name));
            let note = "what it computes is not counted; the sizes of its outputs are those that the file declares, if it does";
            self.findings.push(Diagnostic::warning("unknown-operator", origin, message).note(note));
        }
        for (file, tensors) in std::mem::take(&mut self.external) {
            let what = if tensors == 1 { "a tensor lies".into() } else { format!("{tensors} tensors lie") };
            let place =
                if file.is_empty() { "another file, which is not named".into() } else { format!("`{}`", shown(&file)) };
            let message =
                format!("the contents of {what} in {place}, which was not opened: sizes are all that is needed");
            let leaves = file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..");
            self.findings.push(if leaves {
                Diagnostic::warning("external-data", Origin::File, message)
                    .note("the path leads out of the model's folder")
            } else {
                Diagnostic::hint("external-data", Origin::File, message)
            });
        }
        if self.unlisted > 0 {
            let message = format!("{} more errors are not listed", self.unlisted);
            self.findings.push(Diagnostic::error("more-errors", Origin::File, message));
        }
    }
}

/// Puts another node in the place of one.
fn decode_into(node: &mut NodeProto, bytes: &Bytes) -> Outcome<()> {
    node.clear();
    node.merge(bytes.clone()).map_err(|e| undecodable(&e))
}

/// Whether an attribute stands for one of the call of the function that it is in.
fn is_reference(attribute: &AttributeProto) -> bool {
    !attribute.ref_attr_name.is_empty()
}

/// Nodes that functions and sub-graphs may expand to.
fn most_expansion(file: &File) -> usize {
    limits::ONNX_EXPANSION.saturating_add(file.size / 16)
}

fn damaged_tensor(name: &str, what: &str) -> Box<Diagnostic> {
    let message = format!("initialiser `{}`: {what}", shown(name));
    Diagnostic::error("invalid-tensor", Origin::File, message).help("export the model again").into()
}
