//! Random numbers: of a stated shape, of the shape of another tensor, or drawn by probabilities.

use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("RandomNormal", &[]),
    op("RandomUniform", &[]),
    op("RandomNormalLike", &[steer("input")]),
    op("RandomUniformLike", &[steer("input")]),
    op("Bernoulli", &[data("input")]),
    op("Multinomial", &[data("input")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Random {
    Made(TensorType),
    Like(Option<DType>),
    Drawn { dtype: DType, samples: Dim },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let dtype = dtype(attributes, "dtype")?;
    Ok(Box::new(match spec.kind.name {
        "RandomNormal" | "RandomUniform" => {
            let Some(shape) = attributes.sizes("shape")? else { return Err(OpError::invalid("`shape` is missing")) };
            Random::Made(TensorType::new(dtype.unwrap_or(DType::F32), Shape::known(&shape)))
        }
        "Multinomial" => Random::Drawn {
            dtype: dtype.unwrap_or(DType::I32),
            samples: Dim::Known(attributes.int_or("sample_size", 1)?),
        },
        _ => Random::Like(dtype),
    }))
}

impl Operator for Random {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let output = match self {
            Random::Made(ty) => ty.clone(),
            Random::Like(dtype) => {
                let like = at.require(0)?;
                TensorType { dtype: dtype.or(like.dtype), shape: like.shape.clone() }
            }
            Random::Drawn { dtype, samples } => {
                let batch = at.require(0)?.shape.dims().and_then(<[Dim]>::first).cloned();
                let dims = vec![batch.unwrap_or(Dim::Unknown), samples.clone()];
                TensorType::new(*dtype, Shape::Ranked(dims))
            }
        };
        Ok(vec![output.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Uncounted(Class::Other, "a random number costs what its generator costs".into())
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Random::Made(_) => Window::Opaque("nothing goes in"),
            Random::Like(_) => Window::Pointwise,
            Random::Drawn { .. } => Window::Global,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    #[test]
    fn shapes_are_stated_copied_or_counted() {
        let made = Case::new("", "RandomNormal", 22).with("shape", Attribute::Ints(vec![2, 3]));
        assert_eq!(made.infer().unwrap(), vec![f32(&[2, 3])]);
        let like = Case::new("", "RandomUniformLike", 22).int("dtype", 11).input(f32(&[2, 3]));
        assert_eq!(like.infer().unwrap(), vec![tensor(DType::F64, &[Dim::Known(2), Dim::Known(3)])]);
        let drawn = Case::new("", "Multinomial", 22).int("sample_size", 7).input(f32(&[2, 3]));
        assert_eq!(drawn.infer().unwrap(), vec![tensor(DType::I32, &[Dim::Known(2), Dim::Known(7)])]);
    }
}
