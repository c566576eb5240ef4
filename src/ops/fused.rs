//! ONNX Runtime's fused convolutions and products: an ordinary operator on some of the inputs, with a bias or a tensor
//! added, an activation function applied or quantised values scaled on the way out.
//!
//! On top of the ordinary arithmetic an output costs one addition for each tensor added, what its activation function
//! costs, and for quantised values what stands at [`scaling`].

use super::activation::cost;
use super::find;
use super::im2col::im2col;
use super::kernel::Kernel;
use super::quantized_kernel::{gemm, qlinear_conv, quantised_factor};
use super::rules::{
    Arithmetic, At, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias, data,
    steer, weight,
};
use super::twin::{channels_after, channels_first};
use crate::tensor::{DType, Literal, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { kernel: Kernel::InPlace(&[3], im2col), ..op("FusedConv", CONV) },
    op("NhwcFusedConv", CONV),
    op("NhwcConv", CONV),
    op("QLinearConv", QLINEAR_CONV).measured(Kernel::Fresh(qlinear_conv)),
    OpKind { kernel: Kernel::FRESH, ..op("FusedGemm", &[data("A"), weight("B"), bias("C")]) },
    op("QGemm", QGEMM).measured(Kernel::Fresh(gemm)),
    op("MatMulIntegerToFloat", INTEGER_TO_FLOAT).measured(Kernel::FRESH),
    op("DynamicQuantizeMatMul", &[data("A"), weight("B"), steer("b_scale"), steer("b_zero_point"), bias("bias")])
        .measured(Kernel::Fresh(quantised_factor)),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "com.microsoft", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

const CONV: &[Slot] = &[data("X"), weight("W"), bias("B"), data("Z")];
const QLINEAR_CONV: &[Slot] = &[
    data("x"),
    steer("x_scale"),
    steer("x_zero_point"),
    weight("w"),
    steer("w_scale"),
    steer("w_zero_point"),
    steer("y_scale"),
    steer("y_zero_point"),
    bias("B"),
];
const QGEMM: &[Slot] = &[
    data("A"),
    steer("a_scale"),
    steer("a_zero_point"),
    weight("B"),
    steer("b_scale"),
    steer("b_zero_point"),
    bias("C"),
    steer("y_scale"),
    steer("y_zero_point"),
];
const INTEGER_TO_FLOAT: &[Slot] = &[
    data("A"),
    weight("B"),
    steer("a_scale"),
    steer("b_scale"),
    steer("a_zero_point"),
    steer("b_zero_point"),
    bias("bias"),
];

#[derive(Debug)]
struct Fused {
    name: &'static str,
    ordinary: Box<dyn Operator>,
    /// Where the ordinary operator's own inputs are.
    inputs: &'static [usize],
    /// An input that is added to what comes out, and whether it is a bias.
    added: Option<(usize, bool)>,
    /// The input whose type is that of the output; the first that is there.
    typed_by: &'static [usize],
    activation: Operations,
    channels_last: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let name = spec.kind.name;
    let (ordinary, inputs, added, typed_by): (_, &'static [usize], _, &'static [usize]) = match name {
        "FusedConv" | "NhwcFusedConv" | "NhwcConv" => ("Conv", &[0, 1, 2], Some((3, false)), &[0]),
        "QLinearConv" => ("Conv", &[0, 3, 8], None, &[7]),
        "FusedGemm" => ("Gemm", &[0, 1, 2], None, &[0]),
        "QGemm" => ("Gemm", &[0, 3, 6], None, &[8, 1]),
        "MatMulIntegerToFloat" => ("MatMul", &[0, 1], Some((6, true)), &[2]),
        _ => ("MatMul", &[0, 1], Some((4, true)), &[0]),
    };
    let kind = find("", ordinary).ok_or_else(|| OpError::invalid(format!("`{ordinary}` is not known")))?;
    let activation = match spec.attributes.string("activation")? {
        None | Some("") => Operations::default(),
        Some("Clip") => Operations { compare: 2, ..Operations::default() },
        Some(name) => cost(name).1,
    };
    Ok(Box::new(Fused {
        name,
        ordinary: (kind.read)(&Spec { kind, ..*spec })?,
        inputs,
        added,
        typed_by,
        activation,
        channels_last: name.starts_with("Nhwc") || spec.attributes.flag("channels_last", false)?,
    }))
}

/// What quantised values cost, for each output and for each value of the first input. A quantised output is scaled,
/// shifted, rounded and limited (a multiplication, an addition, three comparisons); sums of whole numbers that become
/// floats are scaled; floats that are quantised first are compared for their range too.
fn scaling(name: &str, quantised: bool) -> (Operations, Operations) {
    let none = Operations::default();
    let to_quantised = Operations { mul: 1, add: 1, compare: 3, ..none };
    let to_float = Operations { mul: 1, ..none };
    match name {
        "QLinearConv" => (to_quantised, none),
        "QGemm" if quantised => (to_quantised, none),
        "QGemm" | "MatMulIntegerToFloat" => (to_float, none),
        "DynamicQuantizeMatMul" => (to_float, Operations { mul: 1, add: 1, compare: 5, ..none }),
        _ => (none, none),
    }
}

impl Fused {
    /// Asks the ordinary operator with its own inputs, channels first.
    fn ask<R>(&self, at: &At, ask: impl FnOnce(&dyn Operator, &At) -> R) -> R {
        if !self.channels_last {
            return at.with_inputs(self.inputs, |at| ask(&*self.ordinary, at));
        }
        let first = at.inputs.first().copied().flatten().map(channels_first);
        let mut inputs = at.inputs.to_vec();
        if let Some(x) = inputs.first_mut() {
            *x = first.as_ref();
        }
        let outputs: Vec<ValueType> = at.outputs.iter().map(|ty| channels_first(ty)).collect();
        let outputs: Vec<_> = outputs.iter().collect();
        let turned = At { inputs: &inputs, outputs: &outputs, ..*at };
        turned.with_inputs(self.inputs, |at| ask(&*self.ordinary, at))
    }
}

impl Operator for Fused {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let dtype: Option<DType> = self.typed_by.iter().find_map(|i| at.tensor(*i)).and_then(|t| t.dtype);
        let typed = |ty: ValueType| match ty {
            ValueType::Tensor(t) => TensorType { dtype, ..t }.into(),
            other => other,
        };
        let turned = |ty| if self.channels_last { channels_after(ty) } else { ty };
        Ok(self.ask(at, |op, at| op.infer(at))?.into_iter().map(typed).map(turned).collect())
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let ordinary = self.ask(at, |op, at| op.work(at));
        let Work::Counted(ordinary) = ordinary else { return ordinary };
        let count = || {
            let outputs = at.output_elements(0)?;
            let (each, each_input) = scaling(self.name, at.has(8));
            let sums = match self.added {
                Some((slot, is_bias)) if at.has(slot) => (outputs, if is_bias { outputs } else { 0 }),
                _ => (0, 0),
            };
            let operations = ordinary
                .operations
                .plus(Operations { add: sums.0, ..Operations::default() })?
                .plus(each.plus(self.activation)?.times(outputs)?)?
                .plus(each_input.times(at.input_elements(0)?)?)?;
            Some(Arithmetic { operations, biases: ordinary.biases.checked_add(sums.1)?, ..ordinary })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        if self.channels_last {
            // Taps are for axes 2, 3, …, where this layout does not have its spatial axes.
            return Window::Opaque("channels come last");
        }
        self.ask(at, |op, at| op.window(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;
    use crate::tensor::Shape;

    #[test]
    fn a_fused_convolution_adds_and_rectifies_every_output() {
        // 8 filters of 3x3x4 on 4@6x6 without padding: 8·4·4 outputs, each with a bias, a sum and a comparison.
        let conv = Case::new("com.microsoft", "FusedConv", 1)
            .with("activation", super::super::attributes::Attribute::String("Relu".into()))
            .input(f32(&[1, 4, 6, 6]))
            .input(f32(&[8, 4, 3, 3]))
            .input(f32(&[8]))
            .input(f32(&[1, 8, 4, 4]));
        let Work::Counted(work) = conv.work() else { panic!("not counted") };
        assert_eq!(work.macs, 128 * 36);
        assert_eq!(work.operations, Operations { add: 256, compare: 128, ..Operations::default() });
    }

    #[test]
    fn channels_last_stay_last() {
        let case = Case::new("com.microsoft", "NhwcConv", 1).input(f32(&[1, 6, 6, 4])).input(f32(&[8, 4, 3, 3]));
        let out = case.infer().unwrap();
        assert_eq!(out[0].tensor().unwrap().shape, Shape::known(&[1, 4, 4, 8]));
        let Work::Counted(work) = case.work() else { panic!("not counted") };
        assert_eq!(work.macs, 128 * 36);
    }
}
