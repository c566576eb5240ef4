//! Between floats and small integers: `QuantizeLinear`, `DequantizeLinear`, `DynamicQuantizeLinear`. Shapes stay; whether
//! scales go per tensor, per axis or per block changes neither shapes nor the number of operations.

use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
    weight,
};
use crate::tensor::{DType, Literal, Shape, TensorType, ValueType};

/// The operators of this room. What is dequantised is a weight where it is stored.
pub(super) static OPS: &[OpKind] = &[
    op("QuantizeLinear", &[data("x"), steer("y_scale"), steer("y_zero_point")]).measured(Kernel::FRESH),
    OpKind {
        kernel: Kernel::Repeated,
        ..op("DequantizeLinear", &[weight("x"), steer("x_scale"), steer("x_zero_point")])
    },
    op("DynamicQuantizeLinear", &[data("x")]).measured(Kernel::FRESH),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Quantize {
    /// To small integers, of the stated type.
    To(Option<DType>),
    /// Back to floats, of the stated type.
    From(Option<DType>),
    /// To small integers by the data's own range.
    Dynamic,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    // 0 is the attribute's default: undefined.
    let stated = match spec.attributes.int("output_dtype") {
        Ok(Some(0)) => None,
        _ => dtype(spec.attributes, "output_dtype")?,
    };
    Ok(Box::new(match spec.kind.name {
        "QuantizeLinear" => Quantize::To(stated),
        "DequantizeLinear" => Quantize::From(stated),
        _ => Quantize::Dynamic,
    }))
}

impl Operator for Quantize {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let shape = at.require(0)?.shape.clone();
        let dtype = match self {
            Quantize::To(_) if at.has(2) => at.require(2)?.dtype,
            Quantize::To(stated) => Some(stated.unwrap_or(DType::U8)),
            Quantize::From(Some(stated)) => Some(*stated),
            Quantize::From(None) => at.require(1)?.dtype,
            Quantize::Dynamic => {
                let scale = TensorType::new(DType::F32, Shape::scalar());
                let zero_point = TensorType::new(DType::U8, Shape::scalar());
                return Ok(vec![TensorType::new(DType::U8, shape).into(), scale.into(), zero_point.into()]);
            }
        };
        Ok(vec![TensorType { dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    /// saturate(round(x / scale) + zero point) is a division, an addition, a rounding and two comparisons with the limits;
    /// (x − zero point) · scale a subtraction and a multiplication. Without a zero point nothing is added. Finding the
    /// range is two more comparisons.
    fn work(&self, at: &At) -> Work {
        let add = u64::from(at.has(2));
        let each = match self {
            Quantize::To(_) => Operations { div: 1, add, compare: 3, ..Operations::default() },
            Quantize::From(_) => Operations { mul: 1, add, ..Operations::default() },
            Quantize::Dynamic => Operations { div: 1, add: 1, compare: 5, ..Operations::default() },
        };
        Work::elementwise(Class::Other, each, at.input_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Quantize::To(_) | Quantize::From(_) => Window::Pointwise,
            Quantize::Dynamic => Window::Global,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;
    use crate::tensor::Dim;

    fn of(dtype: DType, sizes: &[i64]) -> ValueType {
        tensor(dtype, &sizes.iter().map(|n| Dim::Known(*n)).collect::<Vec<_>>())
    }

    #[test]
    fn the_zero_point_then_the_attribute_then_the_default_decide_the_type() {
        let quantize = || Case::new("", "QuantizeLinear", 21).input(f32(&[2, 3])).input(f32(&[]));
        assert_eq!(quantize().infer(), Ok(vec![of(DType::U8, &[2, 3])]));
        assert_eq!(quantize().int("output_dtype", 22).infer(), Ok(vec![of(DType::I4, &[2, 3])]));
        assert_eq!(quantize().input(of(DType::I8, &[])).infer(), Ok(vec![of(DType::I8, &[2, 3])]));
        let back = Case::new("", "DequantizeLinear", 23).input(of(DType::I4, &[2])).input(of(DType::F16, &[]));
        assert_eq!(back.infer(), Ok(vec![of(DType::F16, &[2])]));
        assert_eq!(back.int("output_dtype", 1).infer(), Ok(vec![f32(&[2])]));
    }
}
