//! A network as if it had been written in another element type.

use super::{Body, Model, Node, NodeId, Role, Source, ValueId};
use crate::ops::rules::{At, BodyOutput};
use crate::tensor::{DType, ValueType};

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
        let mut pass = Pass { follows: vec![false; self.values.len()], model: self };
        for id in pass.model.values.ids() {
            pass.follows[id.index()] = pass.begins(id);
        }
        let main = pass.model.main.clone();
        pass.body(&main);
        let follows = pass.follows;
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

struct Pass<'a> {
    model: &'a Model,
    /// By value: whether it takes on the new type.
    follows: Vec<bool>,
}

impl Pass<'_> {
    /// Whether a value is one of those that the rest is computed from.
    fn begins(&self, id: ValueId) -> bool {
        let value = &self.model.values[id];
        let begins = match value.source {
            Source::Input => true,
            Source::Stored(stored) | Source::Inside(_, stored) => stored.role != Role::Constant,
            Source::Node(..) => false,
        };
        begins && value.ty.holds(DType::F32)
    }

    fn body(&mut self, body: &Body) {
        for id in &body.nodes {
            let node = &self.model.nodes[*id];
            node.bodies.iter().for_each(|inner| self.body(inner));
            self.node(*id, node);
        }
    }

    /// An output follows if something does that goes in, and the operator would deliver 16-bit floats for those.
    fn node(&mut self, id: NodeId, node: &Node) {
        let delivered = node.bodies.iter().flat_map(|b| &b.outputs).copied();
        let mut read = node.inputs.iter().flatten().copied().chain(delivered);
        if !read.any(|v| self.follows[v.index()]) {
            return;
        }
        let probed = self.probe(node);
        for (output, ty) in node.outputs.iter().zip(probed) {
            let Some(output) = *output else { continue };
            let is_own = matches!(self.model.values[output].source, Source::Node(made, _) if made == id);
            if is_own && self.model.values[output].ty.holds(DType::F32) && !ty.holds(DType::F32) {
                self.follows[output.index()] = true;
            }
        }
    }

    /// Types of a node's outputs if 16-bit floats came in wherever 32-bit ones do. Where it takes none, nothing follows.
    fn probe(&self, node: &Node) -> Vec<ValueType> {
        let narrow = |id: ValueId| self.model.values[id].ty.with(DType::F32, DType::F16);
        let known = |id: ValueId| self.model.values[id].literal.as_deref();
        let types: Vec<_> = node.inputs.iter().map(|i| i.map(narrow)).collect();
        let inputs: Vec<_> = types.iter().map(Option::as_ref).collect();
        let literals: Vec<_> = node.inputs.iter().map(|i| i.and_then(known)).collect();
        let delivered: Vec<Vec<_>> =
            node.bodies.iter().map(|b| b.outputs.iter().map(|o| narrow(*o)).collect()).collect();
        let bodies: Vec<Vec<_>> = node
            .bodies
            .iter()
            .zip(&delivered)
            .map(|(body, types)| {
                body.outputs.iter().zip(types).map(|(o, ty)| BodyOutput { ty, known: known(*o) }).collect()
            })
            .collect();
        let n_outputs = node.outputs.len();
        let at = At { inputs: &inputs, known: &literals, outputs: &[], n_outputs, bodies: &bodies };
        node.op.infer(&at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Origin;
    use crate::graph::{Builder, NodeSpec, Stored};
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
