//! Values that may be absent: made, asked whether they are there, opened. Since version 18 a value that cannot be
//! absent may be asked and opened too.

use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] =
    &[op("Optional", Storage::View), op("OptionalHasElement", Storage::Fresh), op("OptionalGetElement", Storage::View)];

const fn op(name: &'static str, storage: Storage) -> OpKind {
    const INPUT: &[Slot] = &[data("input")];
    OpKind { domain: "", name, slots: INPUT, storage, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Optional {
    Make,
    HasElement,
    GetElement,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.kind.name {
        "Optional" => Optional::Make,
        "OptionalHasElement" => Optional::HasElement,
        _ => Optional::GetElement,
    }))
}

fn input<'a>(at: &At<'a>) -> Option<&'a ValueType> {
    at.inputs.first().copied().flatten()
}

impl Operator for Optional {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![match self {
            Optional::Make => ValueType::Optional(Box::new(input(at).cloned().unwrap_or(ValueType::Unknown))),
            Optional::HasElement => TensorType::new(DType::Bool, Shape::scalar()).into(),
            Optional::GetElement => match input(at) {
                Some(ValueType::Optional(element)) => (**element).clone(),
                Some(other) => other.clone(),
                None => return Err(OpError::invalid("input 0 is missing")),
            },
        }])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![match (self, input(at)) {
            (Optional::HasElement, None) => Some(Literal::scalar(Dim::Known(0))),
            (Optional::HasElement, Some(ValueType::Tensor(_) | ValueType::Sequence(_) | ValueType::Map(..))) => {
                Some(Literal::scalar(Dim::Known(1)))
            }
            (Optional::GetElement, Some(_)) => at.literal(0).cloned(),
            _ => None,
        }]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    #[test]
    fn whether_a_value_is_there_is_known_unless_its_type_leaves_it_open() {
        let truth = |n: i64| vec![Some(Literal::scalar(Dim::Known(n)))];
        let asked = || Case::new("", "OptionalHasElement", 18);
        assert_eq!(asked().absent().fold(), truth(0));
        assert_eq!(asked().input(f32(&[2])).fold(), truth(1));
        let wrapped = ValueType::Optional(Box::new(f32(&[2])));
        assert_eq!(asked().input(wrapped.clone()).fold(), vec![None]);
        assert_eq!(Case::new("", "OptionalGetElement", 15).input(wrapped).infer().unwrap(), vec![f32(&[2])]);
    }
}
