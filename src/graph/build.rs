//! The one way to make a [`Model`]: values and nodes are added in running order, and each node's outputs are inferred
//! and folded as it comes.

use super::{Body, Label, Model, Node, NodeId, Role, Source, Stored, Value, ValueId};
use crate::base::arena::Arena;
use crate::base::diagnostic::Origin;
use crate::ops::attributes::Attributes;
use crate::ops::rules::{At, BodyOutput, OpError, OpKind, Open, Operator, SlotRole, Spec};
use crate::ops::unknown::faulty;
use crate::tensor::{DType, Literal, Shape, TensorType, ValueType, literal};
use std::collections::HashMap;
use std::sync::Arc;

/// A node to be added.
pub struct NodeSpec<'a> {
    /// Its name.
    pub name: Arc<str>,
    /// Its operator; [`UNKNOWN`](crate::ops::unknown::UNKNOWN) when no room knows it.
    pub kind: &'static OpKind,
    /// The operator's name as the file has it.
    pub op_type: Arc<str>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Version of the operator's domain.
    pub opset: i64,
    /// What goes in.
    pub inputs: Vec<Option<ValueId>>,
    /// Names of what comes out; an empty name is an output left out.
    pub outputs: Vec<Arc<str>>,
    /// Weights that the operator is to own.
    pub open: Option<OpenSpec<'a>>,
    /// Sub-graphs, already built.
    pub bodies: Vec<Body>,
    /// The line that it belongs to.
    pub group: Arc<str>,
    /// The block that it belongs to.
    pub scope: Arc<str>,
    /// Where it stands.
    pub origin: Origin,
}

/// Weights that a layer of the language leaves open.
#[derive(Clone, Debug)]
pub struct OpenSpec<'a> {
    /// Widths.
    pub open: Open,
    /// Their element type.
    pub dtype: DType,
    /// Whether training leaves them as they are.
    pub frozen: bool,
    /// Weights of another layer to be used again.
    pub shared: Option<Shared<'a>>,
}

/// Weights of another layer to be used again.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The key of `share=`, for messages.
    pub key: &'a str,
    /// The weights, in the operator's order.
    pub weights: &'a [ValueId],
}

/// Builds a [`Model`].
#[derive(Debug, Default)]
pub struct Builder {
    values: Arena<Value>,
    nodes: Arena<Node>,
    /// The network's body, and inside it the sub-graphs that are being built.
    open: Vec<OpenBody>,
}

/// A body that is being built, and how much there was before it.
#[derive(Debug, Default)]
struct OpenBody {
    body: Body,
    values: usize,
    nodes: usize,
}

impl Builder {
    /// An empty network.
    pub fn new() -> Builder {
        Builder { open: vec![OpenBody::default()], ..Builder::default() }
    }

    /// Makes room for so many more nodes, each with an output.
    pub fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve(nodes);
        self.values.reserve(nodes);
        self.body().nodes.reserve(nodes);
    }

    /// Adds a value that the caller feeds.
    pub fn input(&mut self, name: &str, ty: ValueType) -> ValueId {
        let id = self.value(name, ty, None, Source::Input);
        self.body().inputs.push(id);
        id
    }

    /// Adds a value that the file keeps.
    pub fn stored(&mut self, name: &str, ty: TensorType, literal: Option<Literal>, stored: Stored) -> ValueId {
        self.value(name, ty.into(), literal, Source::Stored(stored))
    }

    /// Marks a value as delivered.
    pub fn output(&mut self, id: ValueId) {
        self.body().outputs.push(id);
    }

    /// Begins a sub-graph: what is added from now on belongs to it.
    pub fn begin_body(&mut self) {
        self.open.push(OpenBody { body: Body::default(), values: self.values.len(), nodes: self.nodes.len() });
    }

    /// Ends the sub-graph begun last.
    pub fn end_body(&mut self) -> Body {
        self.close().map(|b| b.body).unwrap_or_default()
    }

    /// Ends the sub-graph begun last as if it had never been begun: to build it once more with wider input types.
    /// Ids of its values and nodes must not be used again.
    pub fn abandon_body(&mut self) {
        if let Some(body) = self.close() {
            self.values.truncate(body.values);
            self.nodes.truncate(body.nodes);
        }
    }

    fn close(&mut self) -> Option<OpenBody> {
        if self.open.len() > 1 { self.open.pop() } else { None }
    }

    fn body(&mut self) -> &mut Body {
        if self.open.is_empty() {
            self.open.push(OpenBody::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last].body
    }

    fn value(&mut self, name: impl Into<Arc<str>>, ty: ValueType, literal: Option<Literal>, source: Source) -> ValueId {
        self.values.push(Value { name: name.into(), ty, literal: literal.map(Box::new), source })
    }

    /// Whether there is such a value, or it was made in a sub-graph that was abandoned.
    pub fn has(&self, id: ValueId) -> bool {
        id.index() < self.values.len()
    }

    /// Everything known of a value so far.
    pub fn get(&self, id: ValueId) -> &Value {
        &self.values[id]
    }

    /// Everything known of a node so far.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Changes what a stored value is, once its first use says so.
    pub fn set_role(&mut self, id: ValueId, role: Role) {
        if let Source::Stored(stored) | Source::Inside(_, stored) = &mut self.values[id].source {
            stored.role = role;
        }
    }

    /// Says that the file keeps this value inside the node that delivers it.
    pub fn set_stored(&mut self, id: ValueId, stored: Stored) {
        if let Some((node, 0)) = self.values[id].producer() {
            self.values[id].source = Source::Inside(node, stored);
        }
    }

    /// Says what a value holds, where that is known from outside the graph.
    pub fn set_literal(&mut self, id: ValueId, literal: Literal) {
        self.values[id].literal = Some(Box::new(literal));
    }

    /// Replaces what is known of an output whose producer could not say (a declared type, where the operator is unknown).
    pub fn set_type(&mut self, id: ValueId, ty: ValueType) {
        self.values[id].ty = ty;
    }

    /// Adds a node and infers what comes out. When that fails the node is there all the same, its outputs unknown.
    pub fn add(&mut self, spec: NodeSpec) -> (NodeId, Result<(), OpError>) {
        let NodeSpec {
            name,
            kind,
            op_type,
            attributes,
            opset,
            mut inputs,
            outputs,
            open,
            bodies,
            group,
            scope,
            origin,
        } = spec;
        let nothing = Open::default();
        let read = (kind.read)(&Spec {
            kind,
            attributes: &attributes,
            opset,
            open: open.as_ref().map_or(&nothing, |o| &o.open),
        });
        let (op, mut result) = match read {
            Ok(op) => (op, Ok(())),
            Err(error) => (faulty(), Err(error)),
        };
        if let Some(open) = &open
            && result.is_ok()
        {
            result = self.add_weights(&*op, &name, kind, open, &mut inputs, outputs.len());
        }
        let (types, literals) = match result
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|()| self.infer(&*op, &inputs, &bodies, outputs.len()))
        {
            Ok(inferred) => inferred,
            Err(error) => {
                result = Err(error);
                (Vec::new(), Vec::new())
            }
        };
        // A failed node says nothing on any question, rather than something wrong.
        let op = if result.is_ok() { op } else { faulty() };
        let constant = inputs.iter().flatten().all(|i| self.is_constant(*i)) && self.open.len() <= 1;
        let node = Node {
            name,
            kind,
            op_type,
            attributes,
            opset,
            op,
            inputs,
            outputs: Vec::with_capacity(outputs.len()),
            bodies,
            group,
            scope,
            constant,
            origin,
        };
        let id = self.nodes.push(node);
        let mut types = types.into_iter();
        let mut literals = literals.into_iter();
        for (position, name) in outputs.into_iter().enumerate() {
            let ty = types.next().unwrap_or(ValueType::Unknown);
            let literal = literals.next().flatten();
            let value = (!name.is_empty()).then(|| self.value(name, ty, literal, Source::Node(id, position)));
            self.nodes[id].outputs.push(value);
        }
        self.body().nodes.push(id);
        (id, result)
    }

    /// A constant node is made of stored values alone. (Inputs of a sub-graph are not.)
    fn is_constant(&self, id: ValueId) -> bool {
        match self.values[id].source {
            Source::Input => false,
            Source::Stored(_) | Source::Inside(..) => true,
            Source::Node(node, _) => self.nodes[node].constant,
        }
    }

    fn add_weights(
        &mut self,
        op: &dyn Operator,
        name: &str,
        kind: &'static OpKind,
        open: &OpenSpec,
        inputs: &mut Vec<Option<ValueId>>,
        n_outputs: usize,
    ) -> Result<(), OpError> {
        let wanted = self.ask(inputs, &[], n_outputs, |at| op.weights(at))?;
        if let Some(shared) = open.shared {
            self.check_shared(&wanted.iter().map(|w| w.shape.clone()).collect::<Vec<_>>(), shared)?;
        }
        for (i, weight) in wanted.into_iter().enumerate() {
            let slot = kind.slot(weight.slot);
            let role = match slot.role {
                _ if !weight.learned => Role::Constant,
                SlotRole::Data | SlotRole::Weight => Role::Weight,
                SlotRole::Bias => Role::Bias,
                SlotRole::Norm => Role::Norm,
                SlotRole::Buffer => Role::Buffer,
                SlotRole::Steer => Role::Constant,
            };
            let id = if let Some(shared) = open.shared {
                shared.weights[i]
            } else {
                let ty = TensorType::new(open.dtype, weight.shape);
                let name = [name, ".", slot.name].concat();
                self.value(name, ty.into(), None, Source::Stored(Stored { role, frozen: open.frozen }))
            };
            if inputs.len() <= weight.slot {
                inputs.resize(weight.slot + 1, None);
            }
            inputs[weight.slot] = Some(id);
        }
        Ok(())
    }

    fn check_shared(&self, wanted: &[Shape], shared: Shared) -> Result<(), OpError> {
        let has: Vec<_> = shared
            .weights
            .iter()
            .map(|id| self.values[*id].ty.tensor().map_or(Shape::Unranked, |t| t.shape.clone()))
            .collect();
        if has == wanted {
            return Ok(());
        }
        let count = |shapes: &[Shape]| shapes.iter().filter_map(Shape::elements).fold(0u64, u64::saturating_add);
        let shapes = |shapes: &[Shape]| shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
        let message =
            format!("layers sharing `{}` have different weights ({} and {})", shared.key, count(&has), count(wanted));
        Err(OpError::new("share-mismatch", message).note(format!("first {}, here {}", shapes(&has), shapes(wanted))))
    }

    fn ask<R>(&self, inputs: &[Option<ValueId>], bodies: &[Body], n_outputs: usize, ask: impl FnOnce(&At) -> R) -> R {
        around(&self.values, inputs, bodies, |inputs, known, bodies| {
            ask(&At { inputs, known, outputs: &[], n_outputs, bodies })
        })
    }

    fn infer(
        &self,
        op: &dyn Operator,
        inputs: &[Option<ValueId>],
        bodies: &[Body],
        n_outputs: usize,
    ) -> Result<Inferred, OpError> {
        around(&self.values, inputs, bodies, |inputs, known, bodies| {
            let types = op.infer(&At { inputs, known, outputs: &[], n_outputs, bodies })?;
            for ty in &types {
                check_size(ty)?;
            }
            let literals = few(&ValueType::Unknown, types.iter(), |outputs| {
                op.fold(&At { inputs, known, outputs, n_outputs, bodies })
            });
            let small = |l: Option<Literal>| l.filter(|l| l.len() <= literal::ELEMENTS);
            Ok((types, literals.into_iter().map(small).collect()))
        })
    }

    /// The finished network. Sub-graphs must have been ended.
    pub fn finish(mut self, name: String, labels: Vec<Label>) -> Model {
        let main = std::mem::take(self.body());
        Model {
            name,
            values: self.values,
            nodes: self.nodes,
            main,
            labels,
            stated: HashMap::new(),
            packed: HashMap::new(),
        }
    }
}

type Inferred = (Vec<ValueType>, Vec<Option<Literal>>);

/// Most things around a node that are gathered without allocating.
// Every node asks several times, and nearly all have few inputs and outputs.
const FEW: usize = 8;

/// Lists what is around a node; `filler` stands where nothing is, and is never seen.
pub(super) fn few<T: Copy, R>(filler: T, things: impl ExactSizeIterator<Item = T>, ask: impl FnOnce(&[T]) -> R) -> R {
    if things.len() > FEW {
        return ask(&things.collect::<Vec<_>>());
    }
    let (mut list, n) = ([filler; FEW], things.len());
    list.iter_mut().zip(things).for_each(|(place, thing)| *place = thing);
    ask(&list[..n])
}

/// Gathers what is known around a node and asks.
pub(super) fn around<R>(
    values: &Arena<Value>,
    inputs: &[Option<ValueId>],
    bodies: &[Body],
    ask: impl FnOnce(&[Option<&ValueType>], &[Option<&Literal>], &[Vec<BodyOutput>]) -> R,
) -> R {
    let delivered = |o: &ValueId| BodyOutput { ty: &values[*o].ty, known: values[*o].literal.as_deref() };
    let bodies: Vec<Vec<_>> = bodies.iter().map(|b| b.outputs.iter().map(delivered).collect()).collect();
    few(None, inputs.iter().map(|i| i.map(|i| &values[i].ty)), |types| {
        few(None, inputs.iter().map(|i| i.and_then(|i| values[i].literal.as_deref())), |known| {
            ask(types, known, &bodies)
        })
    })
}

/// Sizes must not be negative, and their product must be countable.
fn check_size(ty: &ValueType) -> Result<(), OpError> {
    let Some(tensor) = ty.tensor() else { return Ok(()) };
    let Some(dims) = tensor.shape.dims() else { return Ok(()) };
    if let Some(negative) = dims.iter().find_map(|d| d.known().filter(|n| *n < 0)) {
        return Err(OpError::new("negative-size", format!("a size of {negative} comes out: {}", tensor.shape)));
    }
    let all_known = dims.iter().all(|d| d.known().is_some());
    let countable = tensor
        .shape
        .elements()
        .is_some_and(|n| tensor.dtype.is_none_or(|d| d == DType::String || d.bytes(n).is_some()));
    if all_known && !countable {
        return Err(OpError::new("number-too-big", format!("a tensor of {} has more than 2^64 bytes", tensor.shape)));
    }
    Ok(())
}
