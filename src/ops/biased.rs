//! What ONNX Runtime's optimiser makes of an addition and the function after it (domain `com.microsoft`), and its own
//! forms of the Gaussian error linear unit.

use super::activation;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias, data,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Gelu", Storage::Overwrites, &[data("X")]).measured(Kernel::FRESH),
    op("QuickGelu", Storage::Overwrites, &[data("X")]).measured(Kernel::FRESH),
    op("FastGelu", Storage::Overwrites, &[data("X"), bias("bias")]).measured(Kernel::Fresh(sum)),
    op("BiasGelu", Storage::Overwrites, &[data("A"), bias("B")]).measured(Kernel::Fresh(sum)),
    op("BiasSplitGelu", Storage::Fresh, &[data("X"), bias("bias")]),
    op("BiasAdd", Storage::Fresh, &[data("X"), bias("bias"), data("skip")]),
    op("BiasSoftmax", Storage::Fresh, &[data("data"), data("bias")]),
];

const fn op(name: &'static str, storage: Storage, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "com.microsoft", name, slots, storage, kernel: Kernel::Unmeasured, read }
}

/// The sum with the bias, if there is one. (`bias_gelu.cc`.)
fn sum(_: &Spec, at: &At, _: u64) -> Option<u64> {
    if at.has(1) { at.tensor(0)?.bytes() } else { Some(0) }
}

#[derive(Debug)]
enum Biased {
    /// Of each value, with what is given added first.
    Gelu,
    /// x · sigmoid(αx).
    Quick,
    /// One half of the features times the other half's function.
    Split,
    /// A bias and another tensor.
    Sum,
    Softmax,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.kind.name {
        "QuickGelu" => Biased::Quick,
        "BiasSplitGelu" => Biased::Split,
        "BiasAdd" => Biased::Sum,
        "BiasSoftmax" => Biased::Softmax,
        _ => Biased::Gelu,
    }))
}

impl Operator for Biased {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let (Biased::Split, Some(dims)) = (self, x.shape.dims()) else { return Ok(vec![x.clone().into()]) };
        let Some((last, first)) = dims.split_last() else { return Err(OpError::invalid("the input is a scalar")) };
        let half = last.floor_div(&Dim::Known(2));
        let dims = first.iter().cloned().chain([half]).collect();
        Ok(vec![TensorType { dtype: x.dtype, shape: Shape::Ranked(dims) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let none = Operations::default();
        let (class, function, more) = match self {
            Biased::Gelu => (Class::Gelu, "Gelu", Operations { add: u64::from(at.has(1)), ..none }),
            Biased::Quick => (Class::Silu, "Swish", Operations { mul: 1, ..none }),
            Biased::Split => (Class::Activation, "Gelu", Operations { add: 2, mul: 1, ..none }),
            Biased::Sum => return Work::elementwise(Class::Add, Operations { add: 2, ..none }, at.output_elements(0)),
            Biased::Softmax => {
                let each = Operations { compare: 1, add: 3, exp: 1, div: 1, ..none };
                return Work::elementwise(Class::Softmax, each, at.output_elements(0));
            }
        };
        let each = activation::cost(function).1.plus(more).unwrap_or(more);
        Work::elementwise(class, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Biased::Gelu | Biased::Quick | Biased::Sum => Window::Pointwise,
            Biased::Split => Window::Opaque("it multiplies features with others"),
            Biased::Softmax => Window::Global,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    #[test]
    fn a_split_halves_the_features_and_a_bias_costs_an_addition() {
        let case = |name| Case::new("com.microsoft", name, 1).input(f32(&[2, 9, 8]));
        assert_eq!(case("BiasSplitGelu").input(f32(&[8])).infer().unwrap(), vec![f32(&[2, 9, 4])]);
        let additions = |case: Case| match case.work() {
            Work::Counted(count) => count.operations.add,
            other => panic!("{other:?}"),
        };
        assert_eq!(additions(case("FastGelu").input(f32(&[8]))), additions(case("FastGelu")) + 2 * 9 * 8);
    }
}
