//! Asks one operator in a unit test, as the graph builder does: types and contents in, answers out.

use super::attributes::{Attribute, Attributes};
use super::rules::{At, BodyOutput, OpError, Open, Operator, Spec, Work};
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};

/// A value that goes into an operator or out of a sub-graph.
type Wire = (ValueType, Option<Literal>);

/// An operator with what is around it.
pub(super) struct Case {
    domain: &'static str,
    name: &'static str,
    opset: i64,
    attributes: Attributes,
    inputs: Vec<Option<Wire>>,
    bodies: Vec<Vec<Wire>>,
    n_outputs: usize,
}

impl Case {
    /// An operator of this version of its domain, without attributes and inputs, with one output.
    pub(super) fn new(domain: &'static str, name: &'static str, opset: i64) -> Case {
        let attributes = Attributes::new();
        Case { domain, name, opset, attributes, inputs: Vec::new(), bodies: Vec::new(), n_outputs: 1 }
    }

    /// One more attribute.
    pub(super) fn with(mut self, name: &str, value: Attribute) -> Case {
        self.attributes.push(name, value);
        self
    }

    /// One more attribute that is a whole number.
    pub(super) fn int(self, name: &str, value: i64) -> Case {
        self.with(name, Attribute::Int(value))
    }

    /// One more input.
    pub(super) fn input(mut self, ty: ValueType) -> Case {
        self.inputs.push(Some((ty, None)));
        self
    }

    /// One more input, an i64 tensor whose contents are known.
    pub(super) fn known(mut self, literal: Literal) -> Case {
        let ty = TensorType::new(DType::I64, literal.shape());
        self.inputs.push(Some((ty.into(), Some(literal))));
        self
    }

    /// One more input, left out.
    pub(super) fn absent(mut self) -> Case {
        self.inputs.push(None);
        self
    }

    /// One more sub-graph, by what it delivers.
    pub(super) fn body(mut self, outputs: Vec<Wire>) -> Case {
        self.bodies.push(outputs);
        self
    }

    /// So many outputs.
    pub(super) fn outputs(mut self, n: usize) -> Case {
        self.n_outputs = n;
        self
    }

    /// The types that come out.
    pub(super) fn infer(&self) -> Result<Vec<ValueType>, OpError> {
        self.ask(&[], |op, at| op.infer(at))?
    }

    /// The contents that come out.
    pub(super) fn fold(&self) -> Vec<Option<Literal>> {
        let types = self.infer().unwrap();
        self.ask(&types, |op, at| op.fold(at)).unwrap()
    }

    /// What it computes.
    pub(super) fn work(&self) -> Work {
        let types = self.infer().unwrap();
        self.ask(&types, |op, at| op.work(at)).unwrap()
    }

    /// Asks anything with the outputs' types as given.
    pub(super) fn ask<R>(
        &self,
        outputs: &[ValueType],
        ask: impl FnOnce(&dyn Operator, &At) -> R,
    ) -> Result<R, OpError> {
        let kind = super::find(self.domain, self.name).unwrap();
        let op = (kind.read)(&Spec { kind, attributes: &self.attributes, opset: self.opset, open: &Open::default() })?;
        let inputs: Vec<_> = self.inputs.iter().map(|i| i.as_ref().map(|(ty, _)| ty)).collect();
        let known: Vec<_> = self.inputs.iter().map(|i| i.as_ref().and_then(|(_, l)| l.as_ref())).collect();
        let bodies: Vec<Vec<_>> = self
            .bodies
            .iter()
            .map(|b| b.iter().map(|(ty, known)| BodyOutput { ty, known: known.as_ref() }).collect())
            .collect();
        let outputs: Vec<_> = outputs.iter().collect();
        Ok(ask(
            &*op,
            &At { inputs: &inputs, known: &known, outputs: &outputs, n_outputs: self.n_outputs, bodies: &bodies },
        ))
    }
}

/// Known integers.
pub(super) fn ints(dims: &[usize], values: &[i64]) -> Literal {
    Literal { dims: dims.to_vec(), elements: Elements::Ints(values.iter().map(|n| Dim::Known(*n)).collect()) }
}

/// The type of an f32 tensor of these sizes.
pub(super) fn f32(sizes: &[u64]) -> ValueType {
    TensorType::new(DType::F32, Shape::known(sizes)).into()
}

/// The type of a tensor of these sizes.
pub(super) fn tensor(dtype: DType, dims: &[Dim]) -> ValueType {
    TensorType::new(dtype, Shape::Ranked(dims.to_vec())).into()
}
