//! Rotary position embedding: `RotaryEmbedding` of ONNX, and of ONNX Runtime before it. Pairs of features are turned by
//! an angle that the token's position gives: four products and two sums a pair.

use super::attention::share;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, buffer, data,
    steer,
};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("", &[data("X"), buffer("cos_cache"), buffer("sin_cache"), steer("position_ids")]),
    op("com.microsoft", &[data("input"), steer("position_ids"), buffer("cos_cache"), buffer("sin_cache")]),
];

const fn op(domain: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain, name: "RotaryEmbedding", slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
struct Rotary {
    heads: i64,
    /// Features of a head that are turned; all where it is 0.
    turned: i64,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let heads = spec.attributes.int_or("num_heads", 0)?;
    let turned = spec.attributes.int_or("rotary_embedding_dim", 0)?;
    Ok(Box::new(Rotary { heads, turned }))
}

impl Rotary {
    /// Values that are turned.
    fn values(&self, at: &At) -> Option<u64> {
        let all = at.tensor(0)?.shape.volume();
        if self.turned == 0 {
            return all.size();
        }
        let dims = at.dims(0)?;
        let last = dims.last()?;
        let head = if dims.len() == 3 { share(last, &Dim::Known(self.heads)).ok()? } else { last.clone() };
        all.exact_div(&head)?.times(&Dim::Known(self.turned)).size()
    }
}

impl Operator for Rotary {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        match x.shape.rank() {
            Some(3 | 4) | None => Ok(vec![x.clone().into()]),
            Some(rank) => Err(OpError::invalid(format!("the input has {rank} dimensions, not 3 or 4"))),
        }
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let each = Operations { mul: 2, add: 1, ..Operations::default() };
        Work::elementwise(Class::Other, each, self.values(at))
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it mixes features of a head")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    /// ONNX's `test_rotary_embedding_with_rotary_dim`: 4 of the 8 features of a head are turned.
    #[test]
    fn only_the_stated_features_are_turned() {
        let case = Case::new("", "RotaryEmbedding", 23).int("rotary_embedding_dim", 4).input(f32(&[2, 4, 3, 8]));
        assert_eq!(case.infer().unwrap(), vec![f32(&[2, 4, 3, 8])]);
        let Work::Counted(count) = case.work() else { panic!("not counted") };
        assert_eq!((count.operations.mul, count.operations.add), (2 * 96, 96));
    }
}
