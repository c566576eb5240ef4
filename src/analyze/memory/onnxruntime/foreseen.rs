//! Which sizes the runtime knows before it runs: only values of known and equal sizes take over one another's memory.
//!
//! It sees what is stored, and follows sizes through operators as long as nothing but sizes of other values goes into
//! them: the product of two sizes is foreseen, a size times a stored number is not (measured on version 1.32, through
//! the types of a session's outputs). A size that the file leaves free is a name, which equals itself and nothing else,
//! and with which it does no arithmetic; what the file states of a value counts where it can tell no more itself. Where
//! our own inference knows more than that, each node is asked once more, with what the runtime knows.

use crate::graph::{Model, Node, NodeId, Source, ValueId};
use crate::ops::kernel::Kernel;
use crate::ops::rules::{At, SlotRole};
use crate::tensor::{Dim, Elements, Literal, Shape, TensorType, ValueType};
use foldhash::{HashMap, HashMapExt};

/// Types by value.
pub(super) type Types = HashMap<ValueId, ValueType>;

/// Types of the values of which the runtime knows less than the model: sizes in them are numbers, names, or not known.
pub(super) fn types(model: &Model) -> Types {
    let mut runtime = Runtime { model, types: HashMap::new(), contents: HashMap::new() };
    for input in &model.main.inputs {
        let Some(fed) = model.values[*input].ty.tensor() else { continue };
        let ty = completed(fed.without_rank().into(), model.stated.get(input));
        if model.stated.contains_key(input) && ty != model.values[*input].ty {
            runtime.types.insert(*input, ty);
        }
    }
    model.main.nodes.iter().for_each(|id| runtime.follow(*id));
    runtime.types
}

struct Runtime<'a> {
    model: &'a Model,
    /// Types that are less than the model's.
    types: Types,
    /// Contents of computed values, where it foresees any.
    contents: HashMap<ValueId, Literal>,
}

impl Runtime<'_> {
    fn follow(&mut self, id: NodeId) {
        let node = &self.model.nodes[id];
        let mut seen = node.inputs.iter().flatten();
        let less =
            seen.any(|v| self.types.contains_key(v) || self.contents(*v) != self.model.values[*v].literal.as_deref());
        let folds = node.outputs.iter().flatten().any(|v| self.model.values[*v].literal.as_deref().is_some());
        if !less && !folds {
            return;
        }
        let inputs: Vec<Option<&ValueType>> = node.inputs.iter().map(|v| v.map(|v| self.ty(v))).collect();
        let known: Vec<Option<&Literal>> = node.inputs.iter().map(|v| v.and_then(|v| self.contents(v))).collect();
        let at = At { inputs: &inputs, known: &known, outputs: &[], n_outputs: node.outputs.len(), bodies: &[] };
        let mut types = node.op.infer(&at).unwrap_or_default();
        let is_less =
            |(ty, output): (&ValueType, &Option<ValueId>)| output.is_some_and(|v| *ty != self.model.values[v].ty);
        if types.iter().zip(&node.outputs).any(is_less) && self.is_steered_blindly(node) {
            types.clear();
        }
        let outputs: Vec<&ValueType> = types.iter().collect();
        let literals = if self.follows(node) { node.op.fold(&At { outputs: &outputs, ..at }) } else { Vec::new() };
        let (mut types, mut literals) = (types.into_iter(), literals.into_iter());
        for output in &node.outputs {
            let (ty, literal) = (types.next().unwrap_or(ValueType::Unknown), literals.next().flatten());
            let Some(output) = *output else { continue };
            let ty = completed(ty, self.model.stated.get(&output));
            if ty != self.model.values[output].ty {
                self.types.insert(output, ty);
            }
            if let Some(literal) = literal {
                self.contents.insert(output, told(literal));
            }
        }
    }

    fn ty(&self, value: ValueId) -> &ValueType {
        self.types.get(&value).unwrap_or(&self.model.values[value].ty)
    }

    fn contents(&self, value: ValueId) -> Option<&Literal> {
        if is_stored(self.model, value) {
            self.model.values[value].literal.as_deref()
        } else {
            self.contents.get(&value)
        }
    }

    /// Whether it follows contents through a node: no stored contents are among what the node works on, and one list at
    /// most steers it (a choice of sizes, or axes; of a slice it does not see the bounds).
    fn follows(&self, node: &Node) -> bool {
        let stored = |v| is_stored(self.model, v) && self.model.values[v].literal.is_some();
        !inputs(node, SlotRole::Data).any(stored) && inputs(node, SlotRole::Steer).count() <= 1
    }

    /// Whether it does not foresee all that steers a node. Where sizes depend on that, it foresees none of them.
    fn is_steered_blindly(&self, node: &Node) -> bool {
        let unseen = |v| self.model.values[v].literal.is_some() && !self.contents(v).is_some_and(is_whole);
        inputs(node, SlotRole::Steer).any(unseen)
    }
}

/// What the runtime makes of a type that it infers, where the file states another one: numbers hold, then what is stated,
/// then names. (`mergeInShapeInfo`.)
fn completed(inferred: ValueType, stated: Option<&ValueType>) -> ValueType {
    let Some(TensorType { dtype, shape: Shape::Ranked(stated) }) = stated.and_then(ValueType::tensor) else {
        return inferred;
    };
    let stated = stated.iter().map(|dim| dim.symbols().first().map_or_else(|| dim.clone(), |name| Dim::named(name)));
    let (dtype, shape) = match &inferred {
        ValueType::Unknown => (*dtype, Shape::Ranked(stated.collect())),
        ValueType::Tensor(TensorType { dtype, shape: Shape::Unranked }) => (*dtype, Shape::Ranked(stated.collect())),
        ValueType::Tensor(TensorType { dtype, shape: Shape::Ranked(dims) }) if dims.len() == stated.len() => {
            let of_both = |(dim, stated): (&Dim, Dim)| match (dim, &stated) {
                (Dim::Known(_), _) | (_, Dim::Unknown) => dim.clone(),
                _ => stated,
            };
            (*dtype, Shape::Ranked(dims.iter().zip(stated).map(of_both).collect()))
        }
        _ => return inferred,
    };
    TensorType { dtype, shape }.into()
}

/// Contents without names: it does not follow those.
fn told(mut literal: Literal) -> Literal {
    if let Elements::Ints(ints) = &mut literal.elements {
        ints.iter_mut().filter(|n| n.known().is_none()).for_each(|n| *n = Dim::Unknown);
    }
    literal
}

/// Whether all of it is known.
fn is_whole(literal: &Literal) -> bool {
    match &literal.elements {
        Elements::Ints(ints) => ints.iter().all(|n| n.known().is_some()),
        Elements::Floats(_) => true,
        Elements::Ratios(_) => false,
    }
}

/// The inputs of a node in slots of a role.
fn inputs(node: &Node, role: SlotRole) -> impl Iterator<Item = ValueId> {
    let placed = node.inputs.iter().enumerate().filter_map(|(place, v)| Some((place, (*v)?)));
    placed.filter(move |(place, _)| node.kind.slot(*place).role == role).map(|(_, v)| v)
}

/// Whether the file holds a value.
fn is_stored(model: &Model, value: ValueId) -> bool {
    match model.values[value].source {
        Source::Stored(_) => true,
        Source::Node(node, _) | Source::Inside(node, _) => matches!(model.nodes[node].kind.kernel, Kernel::Loaded),
        Source::Input => false,
    }
}
