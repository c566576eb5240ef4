//! A network as if it had been written in another element type.

use super::{Model, Node, NodeId, Role, Source, ValueId};
use crate::ops::control::{Made, Read, body_inputs, flow};
use crate::ops::rules::{At, BodyOutput};
use crate::tensor::DType;

/// Element types that take the place of 32-bit floats; `None` leaves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Of learned values, statistics, and what is computed from stored values alone.
    pub weights: Option<DType>,
    /// Of what is fed, and what is computed from it.
    pub activations: Option<DType>,
}

impl Model {
    /// Gives the network's 32-bit floats other element types, and says whether there were any: its inputs, its learned
    /// values and statistics, and all that is computed from those. A value stays as it is where its operator states its
    /// type whatever goes in (a cast to 32-bit floats, the scale of a quantisation), and so does what is computed from
    /// constants and integers alone, such as the sizes that a resize is told. Shapes are those of the file.
    pub fn set_precision(&mut self, precision: Precision) -> bool {
        let mut pass = Pass::new(self);
        for (id, value) in self.values.iter() {
            if value.stored().is_some_and(|stored| stored.role != Role::Constant) {
                pass.follow(id);
            }
        }
        self.main.inputs.iter().for_each(|id| pass.follow(*id));
        let follows = pass.run();
        for id in self.values.ids() {
            let of_weights = !self.is_activation(id);
            if follows[id.index()]
                && let Some(to) = if of_weights { precision.weights } else { precision.activations }
            {
                self.values[id].ty = self.values[id].ty.with(DType::F32, to);
            }
        }
        follows.contains(&true)
    }
}

/// Follows values from what is fed and learned on, each once.
struct Pass<'a> {
    model: &'a Model,
    /// By value: whether it takes on the new type.
    follows: Vec<bool>,
    /// Those of which the readers have not been asked.
    pending: Vec<ValueId>,
    /// By value: the nodes that read it.
    readers: Vec<Vec<(NodeId, Read)>>,
    /// By node: whether it has answered for good.
    asked: Vec<bool>,
}

impl<'a> Pass<'a> {
    fn new(model: &'a Model) -> Pass<'a> {
        let mut readers = vec![Vec::new(); model.values.len()];
        for (id, node) in model.nodes.iter() {
            for (i, input) in node.inputs.iter().enumerate() {
                if let Some(input) = input {
                    readers[input.index()].push((id, Read::Input(i)));
                }
            }
            for (b, body) in node.bodies.iter().enumerate() {
                for (o, output) in body.outputs.iter().enumerate() {
                    readers[output.index()].push((id, Read::Delivered(b, o)));
                }
            }
        }
        let (follows, asked) = (vec![false; model.values.len()], vec![false; model.nodes.len()]);
        Pass { model, follows, pending: Vec::new(), readers, asked }
    }

    /// A value follows, if it holds 32-bit floats.
    fn follow(&mut self, id: ValueId) {
        if !self.follows[id.index()] && self.model.values[id].ty.holds(DType::F32) {
            self.follows[id.index()] = true;
            self.pending.push(id);
        }
    }

    /// By value: whether it follows.
    fn run(mut self) -> Vec<bool> {
        while let Some(value) = self.pending.pop() {
            for (id, read) in std::mem::take(&mut self.readers[value.index()]) {
                let node = &self.model.nodes[id];
                if node.bodies.is_empty() {
                    // The answer is the same, whatever it is that follows.
                    if !std::mem::replace(&mut self.asked[id.index()], true) {
                        self.node(id, node);
                    }
                    continue;
                }
                let first = node.inputs.first().copied().flatten();
                let known = first.and_then(|first| self.model.values[first].literal.as_deref());
                match flow((node.kind, &node.attributes, node.opset), (node.inputs.len(), known), read) {
                    Some(made) => made.into_iter().for_each(|made| self.handed_on(id, node, made)),
                    None => {
                        self.carried(node);
                        self.node(id, node);
                    }
                }
            }
        }
        self.follows
    }

    /// A node with sub-graphs hands on something that follows.
    fn handed_on(&mut self, id: NodeId, node: &Node, made: Made) {
        match made {
            Made::BodyInput(position) => {
                let inputs = node.bodies.iter().filter_map(|body| body.inputs.get(position));
                inputs.for_each(|input| self.follow(*input));
            }
            Made::Output(position) => {
                let output = node.outputs.get(position).copied().flatten();
                output.filter(|output| self.is_made_by(*output, id)).into_iter().for_each(|output| self.follow(output));
            }
        }
    }

    fn is_made_by(&self, value: ValueId, node: NodeId) -> bool {
        matches!(self.model.values[value].source, Source::Node(made, _) if made == node)
    }

    /// An input of a sub-graph follows if it would be no 32-bit float any more.
    fn carried(&mut self, node: &Node) {
        let asked = |narrow: &dyn Fn(ValueId) -> bool| {
            self.ask(node, narrow, |at| body_inputs(node.kind, &node.attributes, node.opset, at)).unwrap_or_default()
        };
        let (now, then) = (asked(&|_| false), asked(&|id| self.follows[id.index()]));
        for (position, (now, then)) in now.iter().zip(&then).enumerate() {
            if now.ty.holds(DType::F32) && !then.ty.holds(DType::F32) {
                let inputs = node.bodies.iter().filter_map(|body| body.inputs.get(position));
                inputs.for_each(|input| self.follow(*input));
            }
        }
    }

    /// An output follows if the operator would deliver 16-bit floats for those that go in: for 32-bit floats that are
    /// constants too, but not where sub-graphs hand on what goes in.
    fn node(&mut self, id: NodeId, node: &Node) {
        let narrow = |id: ValueId| node.bodies.is_empty() || self.follows[id.index()];
        // Where the operator takes no 16-bit floats, nothing follows.
        let probed = self.ask(node, &narrow, |at| node.op.infer(at)).unwrap_or_default();
        for (output, ty) in node.outputs.iter().zip(probed) {
            let Some(output) = *output else { continue };
            if self.is_made_by(output, id) && !ty.holds(DType::F32) {
                self.follow(output);
            }
        }
    }

    /// Asks something about a node as if 16-bit floats came in for those 32-bit ones that `narrow` names.
    fn ask<R>(&self, node: &Node, narrow: &dyn Fn(ValueId) -> bool, ask: impl FnOnce(&At) -> R) -> R {
        let typed = |id: ValueId| {
            let ty = &self.model.values[id].ty;
            if narrow(id) { ty.with(DType::F32, DType::F16) } else { ty.clone() }
        };
        let known = |id: ValueId| self.model.values[id].literal.as_deref();
        let types: Vec<_> = node.inputs.iter().map(|i| i.map(typed)).collect();
        let inputs: Vec<_> = types.iter().map(Option::as_ref).collect();
        let literals: Vec<_> = node.inputs.iter().map(|i| i.and_then(known)).collect();
        let delivered: Vec<Vec<_>> =
            node.bodies.iter().map(|b| b.outputs.iter().map(|o| typed(*o)).collect()).collect();
        let bodies: Vec<Vec<_>> = node
            .bodies
            .iter()
            .zip(&delivered)
            .map(|(body, types)| {
                body.outputs.iter().zip(types).map(|(o, ty)| BodyOutput { ty, known: known(*o) }).collect()
            })
            .collect();
        ask(&At { inputs: &inputs, known: &literals, outputs: &[], n_outputs: node.outputs.len(), bodies: &bodies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Origin;
    use crate::graph::{Body, Builder, NodeSpec, Stored};
    use crate::ops::attributes::Attributes;
    use crate::tensor::{Shape, TensorType};

    /// `(x·w, cast of it to f32, their sum, index of its largest)` where x is fed and w is a weight.
    fn network() -> (Model, Vec<ValueId>) {
        let mut builder = Builder::new();
        let float = |sizes: &[u64]| TensorType::new(DType::F32, Shape::known(sizes));
        let x = builder.input("x", float(&[2, 3]).into());
        let w = builder.stored("w", float(&[3, 4]), None, Stored { role: Role::Weight, frozen: false });
        let mut add = |op: &str, inputs: &[ValueId], attributes: Attributes| {
            let (id, result) = builder.add(NodeSpec {
                name: op.into(),
                kind: crate::ops::find("", op).unwrap(),
                op_type: op.into(),
                attributes,
                opset: 21,
                inputs: inputs.iter().copied().map(Some).collect(),
                outputs: vec![op.into()],
                open: None,
                bodies: Vec::new(),
                group: op.into(),
                scope: "".into(),
                origin: Origin::File,
            });
            assert_eq!(result, Ok(()));
            builder.node(id).outputs[0].unwrap()
        };
        let product = add("MatMul", &[x, w], Attributes::new());
        let cast = add("Cast", &[product], Attributes::new().with_int("to", 1));
        let sum = add("Add", &[cast, product], Attributes::new());
        let index = add("ArgMax", &[sum], Attributes::new());
        (builder.finish("network".into(), Vec::new()), vec![x, w, product, cast, sum, index])
    }

    /// `(first value, the value in the body, its sum with 1, last value)` of a loop that adds 1, where the first value is fed or
    /// a constant.
    fn counting(fed: bool) -> (Model, [ValueId; 4]) {
        let mut builder = Builder::new();
        let float = TensorType::new(DType::F32, Shape::known(&[4]));
        let constant = Stored { role: Role::Constant, frozen: false };
        builder.input("x", float.clone().into());
        let first = if fed {
            builder.input("v", float.clone().into())
        } else {
            builder.stored("v", float.clone(), None, constant)
        };
        let one = builder.stored("one", float.clone(), None, constant);
        let spec = |op: &str, inputs: &[Option<ValueId>], bodies: Vec<Body>| NodeSpec {
            name: op.into(),
            kind: crate::ops::find("", op).unwrap(),
            op_type: op.into(),
            attributes: Attributes::new(),
            opset: 21,
            inputs: inputs.to_vec(),
            outputs: vec![op.into()],
            open: None,
            bodies,
            group: op.into(),
            scope: "".into(),
            origin: Origin::File,
        };
        builder.begin_body();
        builder.input("i", TensorType::new(DType::I64, Shape::scalar()).into());
        let condition = builder.input("condition", TensorType::new(DType::Bool, Shape::scalar()).into());
        let carried = builder.input("carried", float.into());
        let (add, result) = builder.add(spec("Add", &[Some(carried), Some(one)], Vec::new()));
        assert_eq!(result, Ok(()));
        let sum = builder.node(add).outputs[0].unwrap();
        builder.output(condition);
        builder.output(sum);
        let body = builder.end_body();
        let (id, result) = builder.add(spec("Loop", &[None, None, Some(first)], vec![body]));
        assert_eq!(result, Ok(()));
        let last = builder.node(id).outputs[0].unwrap();
        (builder.finish("counting".into(), Vec::new()), [first, carried, sum, last])
    }

    #[test]
    fn what_goes_into_a_loop_follows_what_is_carried_into_it() {
        let both = Precision { weights: Some(DType::F16), activations: Some(DType::F16) };
        let (mut model, ids) = counting(false);
        assert!(model.set_precision(both));
        assert_eq!(types(&model, &ids), [DType::F32; 4]);
        let (mut model, ids) = counting(true);
        assert!(model.set_precision(both));
        assert_eq!(types(&model, &ids), [DType::F16; 4]);
    }

    /// Each run of a loop hands every value on to the next place. The first is fed, all others are constants, and so many
    /// that asking about all of them in every run would not end.
    #[test]
    fn what_is_handed_on_in_a_loop_follows_through_all_its_places() {
        const PLACES: usize = 20_000;
        let mut builder = Builder::new();
        let float = TensorType::new(DType::F32, Shape::known(&[4]));
        let constant = Stored { role: Role::Constant, frozen: false };
        let fed = builder.input("x", float.clone().into());
        let others = (1..PLACES).map(|i| builder.stored(&format!("c{i}"), float.clone(), None, constant));
        let first: Vec<_> = [fed].into_iter().chain(others.collect::<Vec<_>>()).collect();
        builder.begin_body();
        builder.input("i", TensorType::new(DType::I64, Shape::scalar()).into());
        let condition = builder.input("condition", TensorType::new(DType::Bool, Shape::scalar()).into());
        let carried: Vec<_> = (0..PLACES).map(|i| builder.input(&format!("v{i}"), float.clone().into())).collect();
        builder.output(condition);
        carried[PLACES - 1..].iter().chain(&carried[..PLACES - 1]).for_each(|id| builder.output(*id));
        let body = builder.end_body();
        let (id, result) = builder.add(NodeSpec {
            name: "loop".into(),
            kind: crate::ops::find("", "Loop").unwrap(),
            op_type: "Loop".into(),
            attributes: Attributes::new(),
            opset: 21,
            inputs: [None, None].into_iter().chain(first.iter().copied().map(Some)).collect(),
            outputs: (0..PLACES).map(|i| format!("y{i}").into()).collect(),
            open: None,
            bodies: vec![body],
            group: "loop".into(),
            scope: "".into(),
            origin: Origin::File,
        });
        assert_eq!(result, Ok(()));
        let last: Vec<_> = builder.node(id).outputs.iter().copied().flatten().collect();
        let mut model = builder.finish("places".into(), Vec::new());
        assert!(model.set_precision(Precision { weights: Some(DType::F16), activations: Some(DType::F16) }));
        assert!(types(&model, &carried).iter().chain(&types(&model, &last)).all(|ty| *ty == DType::F16));
        assert_eq!(types(&model, &first[1..]), vec![DType::F32; PLACES - 1]);
    }

    fn types(model: &Model, ids: &[ValueId]) -> Vec<DType> {
        ids.iter().map(|id| model.values[*id].ty.tensor().unwrap().dtype.unwrap()).collect()
    }

    #[test]
    fn inputs_weights_and_what_follows_change_and_stated_types_stay() {
        use DType::{BF16, F16, F32, I8, I64};
        let (mut model, ids) = network();
        assert!(model.set_precision(Precision { weights: Some(F16), activations: Some(F16) }));
        assert_eq!(types(&model, &ids), [F16, F16, F16, F32, F16, I64]);
        let (mut model, ids) = network();
        model.set_precision(Precision { weights: Some(I8), activations: Some(BF16) });
        assert_eq!(types(&model, &ids), [BF16, I8, BF16, F32, BF16, I64]);
        let (mut model, ids) = network();
        model.set_precision(Precision { weights: Some(I8), activations: None });
        assert_eq!(types(&model, &ids), [F32, I8, F32, F32, F32, I64]);
    }
}
