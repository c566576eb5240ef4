//! ONNX Runtime's twins of standard operators (domain `com.microsoft`): what its quantiser and its layout and shape
//! passes leave behind. Each follows the rules of a standard operator on some of its inputs.
//!
//! The arithmetic is that of the standard operator: bringing quantised operands to one scale is not counted, as ONNX
//! Runtime does it by tables or inside its kernels.

use super::kernel::Kernel;
use super::quantized_kernel::{floats, softmax};
use super::rules::{
    At, BodyOutput, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("QLinearAdd", Storage::Fresh, PAIR).measured(Kernel::FRESH),
    op("QLinearMul", Storage::Fresh, PAIR).measured(Kernel::FRESH),
    op("QLinearLeakyRelu", Storage::Overwrites, ONE).measured(Kernel::FRESH),
    op("QLinearSigmoid", Storage::Overwrites, ONE).measured(Kernel::FRESH),
    op("QLinearSoftmax", Storage::Overwrites, ONE).measured(Kernel::Fresh(softmax)),
    op("QLinearAveragePool", Storage::Fresh, ONE).measured(Kernel::Fresh(floats)),
    op("QLinearGlobalAveragePool", Storage::Fresh, ONE).measured(Kernel::FRESH),
    op("QLinearReduceMean", Storage::Fresh, ONE),
    op("QLinearConcat", Storage::Fresh, &[steer("Y_scale"), steer("Y_zero_point"), data("inputs")])
        .measured(Kernel::FRESH),
    op("QLinearWhere", Storage::Fresh, &WHERE),
    op("MulInteger", Storage::Fresh, &[data("A"), steer("A_zero_point"), data("B"), steer("B_zero_point")]),
    op("ReduceSumInteger", Storage::Fresh, &[data("data")]),
    op("NhwcMaxPool", Storage::Fresh, &[data("x")]),
    op("QuantizeLinear", Storage::Fresh, &[data("x"), steer("y_scale"), steer("y_zero_point")]),
    op("DequantizeLinear", Storage::Fresh, &[data("x"), steer("x_scale"), steer("x_zero_point")]),
    op("GatherND", Storage::Fresh, &[data("data"), steer("indices")]),
    op("ExpandDims", Storage::View, &[data("X"), steer("axis")]),
    op("Range", Storage::Fresh, &[steer("start"), steer("limit"), steer("delta")]),
];

const ONE: &[Slot] = &[data("X"), steer("x_scale"), steer("x_zero_point"), steer("y_scale"), steer("y_zero_point")];

const PAIR: &[Slot] = &[
    data("A"),
    steer("A_scale"),
    steer("A_zero_point"),
    data("B"),
    steer("B_scale"),
    steer("B_zero_point"),
    steer("C_scale"),
    steer("C_zero_point"),
];

const WHERE: [Slot; 9] = [
    steer("condition"),
    data("X"),
    steer("x_scale"),
    steer("x_zero_point"),
    data("Y"),
    steer("y_scale"),
    steer("y_zero_point"),
    steer("z_scale"),
    steer("z_zero_point"),
];

const fn op(name: &'static str, storage: Storage, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "com.microsoft", name, slots, storage, kernel: Kernel::Unmeasured, read }
}

/// Which inputs the standard operator gets.
#[derive(Clone, Copy, Debug)]
enum Inputs {
    /// These, in this order.
    Picked(&'static [usize]),
    /// Every third one from the third on: operands that bring a scale and a zero point each.
    Thirds,
}

/// The standard operator that one of this domain follows, the version whose rules it has, and its inputs.
fn standard(name: &str) -> (&'static str, i64, Inputs) {
    match name {
        "QLinearAdd" => ("Add", 14, Inputs::Picked(&[0, 3])),
        "QLinearMul" => ("Mul", 14, Inputs::Picked(&[0, 3])),
        "QLinearLeakyRelu" => ("LeakyRelu", 16, Inputs::Picked(&[0])),
        "QLinearSigmoid" => ("Sigmoid", 13, Inputs::Picked(&[0])),
        "QLinearSoftmax" => ("Softmax", 13, Inputs::Picked(&[0])),
        "QLinearAveragePool" => ("AveragePool", 11, Inputs::Picked(&[0])),
        "QLinearGlobalAveragePool" => ("GlobalAveragePool", 1, Inputs::Picked(&[0])),
        "QLinearReduceMean" => ("ReduceMean", 13, Inputs::Picked(&[0])),
        "QLinearConcat" => ("Concat", 13, Inputs::Thirds),
        "QLinearWhere" => ("Where", 16, Inputs::Picked(&[0, 1, 4])),
        "MulInteger" => ("Mul", 14, Inputs::Picked(&[0, 2])),
        "ReduceSumInteger" => ("ReduceSum", 11, Inputs::Picked(&[0])),
        "NhwcMaxPool" => ("MaxPool", 12, Inputs::Picked(&[0])),
        "QuantizeLinear" => ("QuantizeLinear", 13, Inputs::Picked(&[0, 1, 2])),
        "DequantizeLinear" => ("DequantizeLinear", 13, Inputs::Picked(&[0, 1, 2])),
        "GatherND" => ("GatherND", 11, Inputs::Picked(&[0, 1])),
        "ExpandDims" => ("Unsqueeze", 13, Inputs::Picked(&[0, 1])),
        _ => ("Range", 11, Inputs::Picked(&[0, 1, 2])),
    }
}

#[derive(Debug)]
struct Twin {
    standard: Box<dyn Operator>,
    inputs: Inputs,
    /// Channels come after the spatial axes.
    channels_last: bool,
    makes: Option<DType>,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let (name, opset, inputs) = standard(spec.kind.name);
    let unknown = || OpError::invalid(format!("`{name}`, whose rules it has, is not known"));
    let kind = super::find("", name).ok_or_else(unknown)?;
    // A quantised softmax says itself which version it was made from.
    let opset = if name == "Softmax" { spec.attributes.int_or("opset", opset)? } else { opset };
    Ok(Box::new(Twin {
        standard: (kind.read)(&Spec { kind, opset, ..*spec })?,
        inputs,
        channels_last: spec.kind.name == "NhwcMaxPool" || spec.attributes.flag("channels_last", false)?,
        makes: matches!(spec.kind.name, "MulInteger" | "ReduceSumInteger").then_some(DType::I32),
    }))
}

/// [N, …, C] as [N, C, …].
pub(super) fn channels_first(ty: &ValueType) -> ValueType {
    match ty.tensor().map(|t| (t.dtype, t.shape.dims())) {
        Some((dtype, Some([batch, spatial @ .., channels]))) => {
            let dims: Vec<Dim> = [batch, channels].into_iter().chain(spatial).cloned().collect();
            TensorType { dtype, shape: Shape::Ranked(dims) }.into()
        }
        _ => ty.clone(),
    }
}

/// [N, C, …] as [N, …, C].
pub(super) fn channels_after(ty: ValueType) -> ValueType {
    match ty.tensor().map(|t| (t.dtype, t.shape.dims())) {
        Some((dtype, Some([batch, channels, spatial @ ..]))) => {
            let dims: Vec<Dim> = std::iter::once(batch).chain(spatial).chain([channels]).cloned().collect();
            TensorType { dtype, shape: Shape::Ranked(dims) }.into()
        }
        _ => ty,
    }
}

impl Twin {
    /// Asks the standard operator with what is around it.
    fn ask<R>(&self, at: &At, ask: impl FnOnce(&dyn Operator, &At) -> R) -> R {
        let positions: Vec<usize> = match self.inputs {
            Inputs::Picked(positions) => positions.iter().copied().filter(|p| *p < at.inputs.len()).collect(),
            Inputs::Thirds => (2..at.inputs.len()).step_by(3).collect(),
        };
        let turned = |ty: &ValueType| if self.channels_last { channels_first(ty) } else { ty.clone() };
        let input = |p: &usize| at.inputs.get(*p).copied().flatten().map(turned);
        let types: Vec<Option<ValueType>> = positions.iter().map(input).collect();
        let inputs: Vec<Option<&ValueType>> = types.iter().map(Option::as_ref).collect();
        let known: Vec<Option<&Literal>> = positions.iter().map(|p| at.literal(*p)).collect();
        let outputs: Vec<ValueType> = at.outputs.iter().map(|ty| turned(ty)).collect();
        let outputs: Vec<&ValueType> = outputs.iter().collect();
        let bodies: &[Vec<BodyOutput>] = &[];
        ask(&*self.standard, &At { inputs: &inputs, known: &known, outputs: &outputs, n_outputs: at.n_outputs, bodies })
    }
}

impl Operator for Twin {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let made = |ty: ValueType| match (self.makes, ty) {
            (Some(dtype), ValueType::Tensor(t)) => TensorType::new(dtype, t.shape).into(),
            (_, ty) => ty,
        };
        let turned = |ty| if self.channels_last { channels_after(ty) } else { ty };
        Ok(self.ask(at, |op, at| op.infer(at))?.into_iter().map(made).map(turned).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        self.ask(at, |op, at| op.fold(at))
    }

    fn work(&self, at: &At) -> Work {
        self.ask(at, |op, at| op.work(at))
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
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn bytes(sizes: &[i64]) -> ValueType {
        tensor(DType::U8, &sizes.iter().copied().map(Dim::Known).collect::<Vec<_>>())
    }

    fn twin(name: &'static str) -> Case {
        Case::new("com.microsoft", name, 1)
    }

    /// Adds an operand with its scale and zero point.
    fn operand(case: Case, sizes: &[i64]) -> Case {
        case.input(bytes(sizes)).input(f32(&[])).input(bytes(&[]))
    }

    #[test]
    fn every_twin_has_a_standard_operator() {
        for kind in OPS {
            assert!(super::super::find("", standard(kind.name).0).is_some(), "{}", kind.name);
        }
    }

    #[test]
    fn operands_are_found_between_their_scales() {
        let sum = operand(operand(twin("QLinearAdd"), &[1, 8, 5, 5]), &[8, 1, 1]).input(f32(&[])).input(bytes(&[]));
        assert_eq!(sum.infer().unwrap(), vec![bytes(&[1, 8, 5, 5])]);
        let Work::Counted(count) = sum.work() else { panic!("not counted") };
        assert_eq!(count.operations.add, 200);
        let joined = twin("QLinearConcat").int("axis", 1).input(f32(&[])).input(bytes(&[]));
        let joined = operand(operand(joined, &[1, 8, 5, 5]), &[1, 3, 5, 5]);
        assert_eq!(joined.infer().unwrap(), vec![bytes(&[1, 11, 5, 5])]);
    }

    #[test]
    fn pools_find_their_spatial_axes_in_either_layout() {
        let kernel = Attribute::Ints(vec![2, 2]);
        let pool = twin("NhwcMaxPool")
            .with("kernel_shape", kernel.clone())
            .with("strides", kernel)
            .input(bytes(&[1, 8, 6, 3]));
        assert_eq!(pool.infer().unwrap(), vec![bytes(&[1, 4, 3, 3])]);
        let Work::Counted(count) = pool.work() else { panic!("not counted") };
        assert_eq!(count.operations.compare, 4 * 3 * 3 * 3);
        let global = |last: i64| operand(twin("QLinearGlobalAveragePool").int("channels_last", last), &[1, 8, 6, 3]);
        assert_eq!(global(1).infer().unwrap(), vec![bytes(&[1, 1, 1, 3])]);
        assert_eq!(global(0).infer().unwrap(), vec![bytes(&[1, 8, 1, 1])]);
    }
}
