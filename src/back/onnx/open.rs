//! The batch left open in a network that was built for two batches: a size that is larger in the second by as much as the
//! batch is a multiple of the batch's symbol.

use crate::graph::Model;
use crate::tensor::{Dim, List, Shape, TensorType, ValueType};

/// Puts a symbol where `model` and `other`, the same network for these two batches, differ. A size that follows neither
/// is not known.
pub(super) fn open(model: &mut Model, other: &Model, batches: (u64, u64), symbol: &str) {
    let symbol = Dim::symbol(symbol);
    for (id, value) in other.values.iter().take(model.values.len()) {
        opened(&mut model.values[id].ty, &value.ty, batches, &symbol);
    }
}

fn opened(ty: &mut ValueType, other: &ValueType, batches: (u64, u64), symbol: &Dim) {
    match (ty, other) {
        (ValueType::Tensor(tensor), ValueType::Tensor(TensorType { shape: Shape::Ranked(others), .. })) => {
            let Shape::Ranked(dims) = &mut tensor.shape else { return };
            for (dim, other) in dims.iter_mut().zip(others).filter(|(dim, other)| *dim != *other) {
                *dim = multiple(dim, other, batches).map_or(Dim::Unknown, |n| symbol.times(&n.into()));
            }
        }
        (ValueType::Sequence(list), ValueType::Sequence(other)) => {
            let mut element = list.element().clone();
            opened(&mut element, other.element(), batches, symbol);
            **list = List::of(element);
        }
        (ValueType::Optional(of), ValueType::Optional(other)) | (ValueType::Map(_, of), ValueType::Map(_, other)) => {
            opened(of, other, batches, symbol);
        }
        _ => {}
    }
}

/// How many times the batch a size is, if it is that for both batches.
fn multiple(dim: &Dim, other: &Dim, (batch, other_batch): (u64, u64)) -> Option<u64> {
    let of = |dim: &Dim, batch: u64| dim.size().filter(|size| size.is_multiple_of(batch))?.checked_div(batch);
    of(dim, batch).filter(|n| of(other, other_batch) == Some(*n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_follows_the_batch_is_a_multiple_of_it() {
        let open = |a: i64, b: i64| {
            let mut ty = ValueType::Tensor(TensorType { dtype: None, shape: Shape::Ranked(vec![Dim::Known(a)]) });
            let other = TensorType { dtype: None, shape: Shape::Ranked(vec![Dim::Known(b)]) }.into();
            opened(&mut ty, &other, (2, 3), &Dim::symbol("N"));
            ty.tensor().map(|t| t.shape.to_string())
        };
        assert_eq!(open(2, 3).as_deref(), Some("[N]"));
        assert_eq!(open(8, 12).as_deref(), Some("[4*N]"));
        assert_eq!(open(7, 7).as_deref(), Some("[7]"));
        assert_eq!(open(3, 4).as_deref(), Some("[?]"));
    }
}
