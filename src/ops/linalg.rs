//! Functions of square matrices [*, M, M]: `Det`, and ONNX Runtime's `Inverse`.

use super::kernel::Kernel;
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { domain: "", name: "Det", slots: &[data("X")], storage: Storage::Fresh, kernel: Kernel::Unmeasured, read },
    OpKind {
        domain: "com.microsoft",
        name: "Inverse",
        slots: &[data("X")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read,
    },
];

#[derive(Debug)]
enum Square {
    Determinant,
    Inverse,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(if spec.kind.name == "Det" { Square::Determinant } else { Square::Inverse }))
}

impl Operator for Square {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.clone().into()]) };
        let [batch @ .., rows, columns] = dims else {
            return Err(OpError::invalid(format!("the input has {} dimensions; matrices have 2 or more", dims.len())));
        };
        if let (Some(rows), Some(columns)) = (rows.known(), columns.known())
            && rows != columns
        {
            return Err(OpError::invalid(format!("the matrices are {rows} by {columns}, not square")));
        }
        let dims = match self {
            Square::Determinant => batch.to_vec(),
            Square::Inverse => dims.to_vec(),
        };
        Ok(vec![TensorType { dtype: x.dtype, shape: Shape::Ranked(dims) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Uncounted(Class::Other, "solving costs what its algorithm costs".into())
    }

    fn window(&self, _: &At) -> Window {
        Window::Global
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};

    #[test]
    fn a_determinant_is_one_number_for_each_square_matrix() {
        let det = |sizes: &[u64]| Case::new("", "Det", 11).input(f32(sizes)).infer();
        assert_eq!(det(&[4, 2, 2]).unwrap(), vec![f32(&[4])]);
        assert_eq!(det(&[2, 2]).unwrap(), vec![f32(&[])]);
        assert!(det(&[2, 3]).is_err() && det(&[2]).is_err());
    }
}
