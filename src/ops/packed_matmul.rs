//! ONNX Runtime's products with a weight matrix packed in blocks of few bits: `MatMulNBits` and `MatMulBnb4`. The
//! attributes K and N are the matrix's sizes; unpacking a weight is not counted. Scales and zero points belong to the
//! quantisation, as those of `DequantizeLinear` do.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::matmul::{arithmetic, rows};
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias,
    data, steer, weight,
};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("MatMulNBits", &[data("A"), weight("B"), steer("scales"), steer("zero_points"), steer("g_idx"), bias("bias")]),
    op("MatMulBnb4", &[data("A"), weight("B"), steer("absmax")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    let (storage, kernel) = (Storage::Fresh, Kernel::Unmeasured);
    OpKind { domain: "com.microsoft", name, slots, storage, kernel, read }
}

/// Weights in the packed matrix: N·K, however many bytes blocks that are not full add.
pub(super) fn numbers(attributes: &Attributes) -> Option<u64> {
    let size = |name: &str| u64::try_from(attributes.int(name).ok()??).ok();
    size("N")?.checked_mul(size("K")?)
}

#[derive(Debug)]
struct MatMulNBits {
    inner: u64,
    columns: u64,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let size = |name: &str| {
        let stated = spec.attributes.int(name)?.and_then(|n| u64::try_from(n).ok());
        stated.ok_or_else(|| OpError::invalid(format!("`{name}` is missing")))
    };
    Ok(Box::new(MatMulNBits { inner: size("K")?, columns: size("N")? }))
}

impl Operator for MatMulNBits {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let a = at.require(0)?;
        let Some((inner, rows)) = a.shape.dims().and_then(|d| d.split_last()) else {
            return Ok(vec![a.without_rank().into()]);
        };
        if inner.agree(&Dim::from(self.inner)).is_none() {
            let message = format!("the input has {inner} values where the weights expect {}", self.inner);
            return Err(OpError::new("matmul-mismatch", message));
        }
        Ok(vec![a.with_dims(rows.iter().cloned().chain([Dim::from(self.columns)]).collect()).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let outputs = at.output_elements(0)?;
            let biases = if at.has(5) { outputs } else { 0 };
            let operations = Operations { add: biases, ..Operations::default() };
            Some(Arithmetic { biases, operations, ..arithmetic(Class::Dense, outputs, self.inner)? })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0) {
            Some(a) => rows(a.len()),
            None => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
