//! Stored weights of which an element holds several numbers, and how many numbers they are: the reading operator says it.

use super::attributes::Attributes;
use super::rules::OpKind;
use super::{packed_gather, packed_matmul};
use crate::tensor::TensorType;

/// Position of the input that is packed, and the numbers in it; `None` for an operator whose weights are as they are stored.
/// `of`: types of the inputs.
pub fn packed<'a>(
    kind: &OpKind,
    attributes: &Attributes,
    of: impl Fn(usize) -> Option<&'a TensorType>,
) -> Option<(usize, u64)> {
    let is_one_of = |ops: &[OpKind]| ops.iter().any(|op| (op.domain, op.name) == (kind.domain, kind.name));
    if is_one_of(packed_matmul::OPS) {
        return Some((1, packed_matmul::numbers(attributes)?));
    }
    if is_one_of(packed_gather::OPS) {
        return Some((0, packed_gather::numbers(attributes, of(0)?)?));
    }
    None
}
