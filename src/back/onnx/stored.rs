//! What is kept in a file that is written again: weights whose contents are to be others, in the network, in sub-graphs
//! and in functions. Those in attributes (`ai.onnx.ml`) stay, and it is said. Where weights are made up and the contents
//! of a constant are in another file, that is made up as well if nothing depends on it but numbers.

use super::Weights;
use super::fields::{Field, fields};
use super::fill::Fill;
use super::held::{Held, inside};
use super::message::Message;
use super::names::unique;
use super::pieces::{self, text};
use super::schema::{
    ATTRIBUTE_SPARSE_TENSOR, ATTRIBUTE_T, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NODE, GRAPH_SPARSE_INITIALIZER,
    NODE_ATTRIBUTE, NODE_INPUT, NODE_OP_TYPE, NODE_OUTPUT, SPARSE_VALUES, TENSOR_CONTENTS, TENSOR_NAME,
    TENSOR_RAW_DATA,
};
use super::slots::{WORTHWHILE, neutral, replaceable, slots};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::front::onnx::Read;
use crate::front::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use crate::graph::{Model, Role, Source, ValueId};
use crate::ops::rules::Slot;
use crate::tensor::{DType, Dim, Shape, TensorType};
use prost::Message as _;
use prost::bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Where something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    /// The field of a node.
    pub(super) node: u32,
    /// Whether tensors may be stored beside the nodes.
    pub(super) stores: bool,
    /// Whether those are inputs as well.
    pub(super) old: bool,
    /// Whether a node may stand for a weight.
    pub(super) by_node: bool,
}

/// Weights, and what they are to hold.
pub(super) struct Stock<'a> {
    model: &'a Model,
    weights: Weights,
    /// Where the file's first byte is in memory.
    start: usize,
    /// Values by the place where the file keeps them.
    places: HashMap<usize, Vec<ValueId>>,
    slots: Vec<Option<Slot>>,
    replaceable: Vec<bool>,
    /// Constants that are made up because their contents are in another file.
    made_up: Vec<bool>,
    taken: HashSet<Arc<str>>,
    /// Places of what was written with other contents.
    replaced: HashSet<usize>,
}

/// A weight whose contents are to be others.
struct Weight<'a> {
    place: usize,
    /// What its random numbers follow from.
    name: &'a str,
    ty: &'a TensorType,
    slot: Option<Slot>,
    /// Whether a node shall stand for it.
    by_node: bool,
    /// Whether it is no constant.
    learned: bool,
}

/// Most tensors that a message names.
const NAMED: usize = 4;

impl<'a> Stock<'a> {
    /// `start`: where the file's first byte is in memory; `opset`: its version of ONNX's operators.
    pub(super) fn new(
        read: &Read,
        model: &'a Model,
        held: &[Held],
        (weights, opset): (Weights, i64),
        start: usize,
    ) -> Stock<'a> {
        let slots = slots(model);
        let mut places: HashMap<usize, Vec<ValueId>> = HashMap::new();
        let (mut kept, mut made_up) = (vec![false; model.values.len()], vec![false; model.values.len()]);
        for (place, id) in &read.places {
            places.entry(*place).or_default().push(*id);
            kept[id.index()] = true;
        }
        let neutral = neutral(model);
        for tensor in held.iter().filter(|tensor| tensor.elsewhere) {
            let ids = tensor.message.as_ptr().addr().checked_sub(start).and_then(|place| places.get(&place));
            let ids = ids.map_or(&[][..], Vec::as_slice);
            let all = ids.iter().all(|id| neutral[id.index()]);
            for id in ids {
                made_up[id.index()] = all;
            }
        }
        let replaceable = replaceable(model, &slots, &kept, opset);
        let taken = model.values.iter().map(|(_, v)| Arc::clone(&v.name)).collect();
        Stock { model, weights, start, places, slots, replaceable, made_up, taken, replaced: HashSet::new() }
    }

    /// Whether nodes are to stand for weights.
    pub(super) fn needs_nodes(&self) -> bool {
        self.model.values.ids().any(|id| self.is_by_node(id))
    }

    /// Whether a node is to stand for a value.
    pub(super) fn is_by_node(&self, id: ValueId) -> bool {
        self.weights == Weights::Stripped && self.replaceable[id.index()]
    }

    /// Gives a name away, so that no new value has it.
    pub(super) fn take(&mut self, name: &Bytes) {
        self.taken.insert(String::from_utf8_lossy(name).into());
    }

    /// The weight that a message holds, if its contents are to be others.
    fn weight(&self, message: &Bytes, scope: Scope) -> Option<Weight<'a>> {
        let place = message.as_ptr().addr().checked_sub(self.start)?;
        let ids = self.places.get(&place)?;
        let learned = |id: &&ValueId| self.model.values[**id].stored().is_some_and(|s| s.role != Role::Constant);
        // Of the calls of a function, one in which it is a weight.
        let found = ids.iter().find(learned);
        let id = *found.or_else(|| ids.iter().find(|id| self.made_up[id.index()]))?;
        let value = &self.model.values[id];
        let by_node = scope.by_node && ids.iter().all(|id| self.is_by_node(*id));
        let (slot, learned) = (self.slots[id.index()], found.is_some());
        Some(Weight { place, name: &value.name, ty: value.ty.tensor()?, slot, by_node, learned })
    }

    fn fill(&self, weight: &Weight) -> Option<Fill> {
        Fill::new(self.weights, weight.name, weight.ty, weight.slot, weight.learned)
    }

    /// A stored tensor: with other contents if it is a weight.
    pub(super) fn tensor(&mut self, field: &Field, scope: Scope, first: &mut Message, rest: &mut Message) {
        if self.replaced_tensor(field, scope, first, rest).is_none() {
            rest.fields(&field.whole);
        }
    }

    fn replaced_tensor(&mut self, field: &Field, scope: Scope, first: &mut Message, rest: &mut Message) -> Option<()> {
        let weight = self.weight(&field.inside, scope)?;
        let is_sparse = field.number == GRAPH_SPARSE_INITIALIZER;
        let named = if is_sparse { inside(&field.inside, SPARSE_VALUES)? } else { field.inside.clone() };
        let name = inside(&named, TENSOR_NAME).unwrap_or_default();
        if weight.by_node {
            let out = if scope.stores { &mut *rest } else { &mut *first };
            let node = self.stand_in(&weight, &name, scope, out)?;
            first.encoded(GRAPH_NODE, &NodeProto { output: vec![name.clone()], name, ..node });
        } else {
            let fill = self.fill(&weight)?;
            let made = if is_sparse { sparse(&field.inside, &fill)? } else { refilled(&field.inside, fill) };
            rest.message(field.number, made);
        }
        self.replaced.insert(weight.place);
        Some(())
    }

    /// A node that makes a weight. Its sizes are added before.
    fn stand_in(&mut self, weight: &Weight, name: &Bytes, scope: Scope, out: &mut Message) -> Option<NodeProto> {
        let shape = unique(&format!("{}.shape", String::from_utf8_lossy(name)).into(), &mut self.taken);
        let node = pieces::of_shape(weight.name, &shape, weight.ty.dtype?, weight.slot)?;
        let sizes = pieces::shape_constant(&shape, &weight.ty.shape)?;
        if !scope.stores {
            out.encoded(scope.node, &pieces::constant_node(&shape, &sizes));
            return Some(node);
        }
        out.encoded(GRAPH_INITIALIZER, &sizes);
        if scope.old {
            let length = sizes.dims.iter().map(|n| Dim::Known(*n)).collect();
            let ty = TensorType::new(DType::I64, Shape::Ranked(length));
            out.encoded(GRAPH_INPUT, &pieces::value_info(&shape, &ty.into()));
        }
        Some(node)
    }

    /// A node that keeps a weight, with other contents; whether it is one.
    pub(super) fn node(&mut self, node: &Bytes, scope: Scope, out: &mut Message) -> bool {
        let Some(weight) = self.weight(node, scope) else { return false };
        let is_whole = inside(node, NODE_OP_TYPE).is_some_and(|op| &op[..] == b"Constant");
        let written = match (is_whole, weight.by_node) {
            (true, true) => self.emptied(node, &weight, scope, out),
            (true, false) => self.fill(&weight).and_then(|fill| constant(node, &weight, fill)),
            (false, true) => {
                let mut same = Message::default();
                same.fields(node);
                Some(same)
            }
            (false, false) if scope.stores => {
                let unfolded = self.unfolded(node, &weight, scope, out).is_some();
                self.replaced.extend(unfolded.then_some(weight.place));
                return unfolded;
            }
            (false, false) => None,
        };
        let Some(written) = written else { return false };
        self.replaced.insert(weight.place);
        out.message(scope.node, written);
        true
    }

    /// A node that stands for a weight in place of one that keeps it.
    fn emptied(&mut self, node: &Bytes, weight: &Weight, scope: Scope, out: &mut Message) -> Option<Message> {
        let name = inside(node, NODE_OUTPUT)?;
        let new = self.stand_in(weight, &name, scope, out)?;
        let mut copy = kept_of(node);
        copy.fields(&NodeProto { output: Vec::new(), name: Bytes::new(), ..new }.encode_to_vec().into());
        Some(copy)
    }

    /// A stored tensor in place of a node that stands for a weight.
    fn unfolded(&self, node: &Bytes, weight: &Weight, scope: Scope, out: &mut Message) -> Option<()> {
        let name = inside(node, NODE_OUTPUT)?;
        let name = String::from_utf8_lossy(&name);
        out.message(GRAPH_INITIALIZER, pieces::filled(&name, weight.ty, self.fill(weight)?)?);
        if scope.old {
            out.encoded(GRAPH_INPUT, &pieces::value_info(&name, &weight.ty.clone().into()));
        }
        Some(())
    }

    /// What to say of tensors whose contents stay what they are, or in other files, though weights are made up.
    pub(super) fn left(&self, held: &[Held]) -> Vec<Diagnostic> {
        let place = |tensor: &&Held| tensor.message.as_ptr().addr().checked_sub(self.start);
        let is_left = |tensor: &&Held| place(tensor).is_none_or(|place| !self.replaced.contains(&place));
        let elsewhere: HashSet<&str> =
            held.iter().filter(is_left).filter(|t| t.elsewhere).map(|t| t.name.as_str()).collect();
        let done: HashSet<ValueId> = self
            .places
            .iter()
            .filter(|(place, _)| self.replaced.contains(place))
            .flat_map(|(_, ids)| ids)
            .copied()
            .collect();
        let values = self.model.values.iter();
        let learned =
            values.filter(|(id, v)| v.stored().is_some_and(|s| s.role != Role::Constant) && !self.is_copy(*id));
        let learned = learned.filter(|(id, _)| !done.contains(id)).map(|(_, v)| &*v.name);
        // What no call reaches has no role.
        let idle = held.iter().filter(|t| place(t).is_none_or(|place| !self.places.contains_key(&place)));
        let idle = idle.filter(|t| t.message.len() as u64 >= WORTHWHILE).map(|t| t.name.as_str());
        let copied: Vec<&str> = learned.chain(idle).filter(|name| !elsewhere.contains(name)).collect();
        let mut said = Vec::new();
        if !elsewhere.is_empty() {
            let message = format!("the contents of {} cannot be made up and stay in other files", list(elsewhere));
            let warning = Diagnostic::warning("external-data", Origin::File, message);
            let note = "integers and what sizes depend on steer the network";
            said.push(warning.note(note).help("keep those files beside the new one"));
        }
        if !copied.is_empty() {
            let message = format!("the contents of {} are copied as they are", list(copied));
            let warning = Diagnostic::warning("weights-copied", Origin::File, message);
            said.push(warning.note("numbers in attributes of operators, and functions that nothing calls, stay"));
        }
        said
    }

    /// Whether a value is another name of a stored one.
    fn is_copy(&self, id: ValueId) -> bool {
        let Source::Inside(node, _) = self.model.values[id].source else { return false };
        let original = self.model.nodes[node].inputs.first().copied().flatten();
        original.and_then(|id| self.model.values[id].stored()).is_some_and(|s| s.role != Role::Constant)
    }
}

/// Some names, in order.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().checked_sub(NAMED).filter(|more| *more > 0);
    names.truncate(NAMED);
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ") + &more.map_or_else(String::new, |more| format!(" and {more} more"))
}

/// A tensor with other contents.
fn refilled(tensor: &Bytes, fill: Fill) -> Message {
    let mut made = Message::default();
    let kept = fields(tensor).filter(|f| !TENSOR_CONTENTS.contains(&f.number));
    kept.for_each(|f| made.fields(&f.whole));
    made.filled(TENSOR_RAW_DATA, fill);
    made
}

/// A tensor that is stored sparsely, with other contents in the same places.
fn sparse(tensor: &Bytes, fill: &Fill) -> Option<Message> {
    let mut made = Message::default();
    for field in fields(tensor) {
        if field.number != SPARSE_VALUES {
            made.fields(&field.whole);
            continue;
        }
        let sizes = TensorProto::decode(field.inside.clone()).ok()?.dims;
        let stored = sizes.iter().try_fold(1u64, |n, size| n.checked_mul(u64::try_from(*size).ok()?))?;
        made.message(SPARSE_VALUES, refilled(&field.inside, fill.clone().of(stored)));
    }
    Some(made)
}

/// A node's fields but for what it reads, its operator and its attributes.
fn kept_of(node: &Bytes) -> Message {
    let mut copy = Message::default();
    let kept = fields(node).filter(|f| ![NODE_INPUT, NODE_OP_TYPE, NODE_ATTRIBUTE].contains(&f.number));
    kept.for_each(|f| copy.fields(&f.whole));
    copy
}

/// A node that keeps a weight, with other contents.
fn constant(node: &Bytes, weight: &Weight, fill: Fill) -> Option<Message> {
    let attributes = fields(node).filter(|f| f.number == NODE_ATTRIBUTE);
    let stored = attributes.flat_map(|a| fields(&a.inside)).find(|f| f.number == ATTRIBUTE_SPARSE_TENSOR);
    let (name, kind, field, made) = match stored {
        Some(stored) => ("sparse_value", 11, ATTRIBUTE_SPARSE_TENSOR, sparse(&stored.inside, &fill)?),
        None => ("value", 4, ATTRIBUTE_T, pieces::filled("", weight.ty, fill)?),
    };
    let mut attribute = Message::default();
    attribute
        .fields(&AttributeProto { name: text(name), r#type: kind, ..AttributeProto::default() }.encode_to_vec().into());
    attribute.message(field, made);
    let mut copy = kept_of(node);
    copy.bytes(NODE_OP_TYPE, b"Constant");
    copy.message(NODE_ATTRIBUTE, attribute);
    Some(copy)
}
