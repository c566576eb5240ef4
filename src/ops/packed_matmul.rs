//! ONNX Runtime's product with a weight matrix packed in blocks of few bits: `MatMulNBits`. The attributes K and N are
//! the matrix's sizes; unpacking a weight is not counted.

use super::kernel::Kernel;
use super::matmul::{arithmetic, rows};
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, bias, data,
    steer, weight,
};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "com.microsoft",
    name: "MatMulNBits",
    slots: &[data("A"), weight("B"), steer("scales"), steer("zero_points"), steer("g_idx"), bias("bias")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

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
