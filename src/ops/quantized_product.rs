//! Convolutions and matrix products of quantised values: the ordinary operator on the inputs left when scales and zero
//! points are set aside.
//!
//! Beyond the product, a zero point of the first factor is subtracted from each of its values, and a quantised result
//! costs what quantising does: a multiplication, an addition, a rounding and two comparisons with the limits.

use super::find;
use super::kernel::Kernel;
use super::quantized_kernel::{conv_integer, qlinear_conv, sums};
use super::rules::{
    Arithmetic, At, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias, data,
    steer, weight,
};
use crate::tensor::{DType, Literal, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("ConvInteger", &[data("x"), weight("w"), steer("x_zero_point"), steer("w_zero_point")])
        .measured(Kernel::Fresh(conv_integer)),
    op("MatMulInteger", &[data("A"), weight("B"), steer("a_zero_point"), steer("b_zero_point")])
        .measured(Kernel::FRESH),
    op(
        "QLinearConv",
        &[
            data("x"),
            steer("x_scale"),
            steer("x_zero_point"),
            weight("w"),
            steer("w_scale"),
            steer("w_zero_point"),
            steer("y_scale"),
            steer("y_zero_point"),
            bias("B"),
        ],
    )
    .measured(Kernel::Fresh(qlinear_conv)),
    op(
        "QLinearMatMul",
        &[
            data("a"),
            steer("a_scale"),
            steer("a_zero_point"),
            weight("b"),
            steer("b_scale"),
            steer("b_zero_point"),
            steer("y_scale"),
            steer("y_zero_point"),
        ],
    )
    .measured(Kernel::Fresh(sums)),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
struct Quantized {
    product: Box<dyn Operator>,
    /// Where the product's own inputs are.
    inputs: &'static [usize],
    /// Where the zero point of the result is, which decides its type; 32-bit sums without it.
    result: Option<usize>,
}

/// The zero point of the first factor comes third in all of them.
const ZERO_POINT: usize = 2;

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let (name, inputs, result): (_, &'static [usize], _) = match spec.kind.name {
        "ConvInteger" => ("Conv", &[0, 1], None),
        "MatMulInteger" => ("MatMul", &[0, 1], None),
        "QLinearConv" => ("Conv", &[0, 3, 8], Some(7)),
        _ => ("MatMul", &[0, 3], Some(7)),
    };
    let kind = find("", name).ok_or_else(|| OpError::invalid(format!("`{name}` is not known")))?;
    let product = (kind.read)(&Spec { kind, ..*spec })?;
    Ok(Box::new(Quantized { product, inputs, result }))
}

impl Operator for Quantized {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let dtype = match self.result {
            Some(zero_point) => at.require(zero_point)?.dtype,
            None => Some(DType::I32),
        };
        let products = at.with_inputs(self.inputs, |at| self.product.infer(at))?;
        let typed = |ty: ValueType| match ty {
            ValueType::Tensor(t) => TensorType { dtype, ..t }.into(),
            other => other,
        };
        Ok(products.into_iter().map(typed).collect())
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let product = at.with_inputs(self.inputs, |at| self.product.work(at));
        let Work::Counted(product) = product else { return product };
        let more = || {
            let none = Operations::default();
            let shifted = if at.has(ZERO_POINT) { Operations { add: at.input_elements(0)?, ..none } } else { none };
            let quantising =
                if self.result.is_some() { Operations { mul: 1, add: 1, compare: 3, ..none } } else { none };
            product.operations.plus(shifted)?.plus(quantising.times(at.output_elements(0)?)?)
        };
        match more() {
            Some(operations) => Work::Counted(Arithmetic { operations, ..product }),
            None => Work::counted(None),
        }
    }

    fn window(&self, at: &At) -> Window {
        at.with_inputs(self.inputs, |at| self.product.window(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Class;
    use super::super::testing::{Case, f32, tensor};
    use super::*;
    use crate::tensor::Dim;

    #[test]
    fn a_quantised_convolution_costs_the_ordinary_one_and_the_quantising() {
        let of = |sizes: &[i64]| tensor(DType::U8, &sizes.iter().map(|n| Dim::Known(*n)).collect::<Vec<_>>());
        let case = Case::new("", "QLinearConv", 10)
            .input(of(&[1, 3, 8, 8]))
            .input(f32(&[]))
            .input(of(&[]))
            .input(of(&[4, 3, 3, 3]))
            .input(f32(&[]))
            .input(of(&[]))
            .input(f32(&[]))
            .input(of(&[]));
        assert_eq!(case.infer(), Ok(vec![of(&[1, 4, 6, 6])]));
        // 4·6·6 = 144 outputs of 27 products; 3·8·8 = 192 inputs are shifted.
        let operations = Operations { add: 192 + 144, mul: 144, compare: 3 * 144, ..Operations::default() };
        let wanted = Arithmetic { class: Class::Convolution, macs: 144 * 27, biases: 0, window: 27, operations };
        assert_eq!(case.work(), Work::Counted(wanted));
    }
}
