//! Lists of tensors. Of a list its elements' common type is known, not its length.

use super::axes::axis;
use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("SequenceConstruct", &[data("inputs")]),
    op("SequenceEmpty", &[]),
    op("SequenceAt", &[data("input_sequence"), steer("position")]),
    op("SequenceInsert", &[data("input_sequence"), data("tensor"), steer("position")]),
    op("SequenceErase", &[data("input_sequence"), steer("position")]),
    op("SequenceLength", &[data("input_sequence")]),
    op("ConcatFromSequence", &[data("input_sequence")]),
    op("SplitToSequence", &[data("input"), steer("split")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Sequence {
    Construct,
    Empty(DType),
    At,
    Insert,
    Erase,
    Length,
    Concat { axis: i64, new_axis: bool },
    Split { axis: i64, keep: bool },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    Ok(Box::new(match spec.kind.name {
        "SequenceConstruct" => Sequence::Construct,
        "SequenceEmpty" => Sequence::Empty(dtype(attributes, "dtype")?.unwrap_or(DType::F32)),
        "SequenceAt" => Sequence::At,
        "SequenceInsert" => Sequence::Insert,
        "SequenceErase" => Sequence::Erase,
        "SequenceLength" => Sequence::Length,
        "ConcatFromSequence" => {
            let Some(axis) = attributes.int("axis")? else { return Err(OpError::invalid("`axis` is missing")) };
            Sequence::Concat { axis, new_axis: attributes.flag("new_axis", false)? }
        }
        _ => Sequence::Split { axis: attributes.int_or("axis", 0)?, keep: attributes.flag("keepdims", true)? },
    }))
}

fn list(element: ValueType) -> ValueType {
    ValueType::Sequence(Box::new(element))
}

/// The type of the elements of the list that goes in.
fn element<'a>(at: &At<'a>) -> Result<&'a ValueType, OpError> {
    match at.inputs.first().copied().flatten() {
        Some(ValueType::Sequence(element)) => Ok(element),
        Some(unknown @ ValueType::Unknown) => Ok(unknown),
        Some(_) => Err(OpError::invalid("input 0 is not a sequence")),
        None => Err(OpError::invalid("input 0 is missing")),
    }
}

/// All elements behind one another: along an axis that they have, or along a new one.
fn concatenated(element: &ValueType, along: i64, new_axis: bool) -> Result<ValueType, OpError> {
    let Some(tensor) = element.tensor() else { return Ok(ValueType::Unknown) };
    let Some(dims) = tensor.shape.dims() else { return Ok(element.clone()) };
    let mut dims = dims.to_vec();
    if new_axis {
        dims.insert(axis(along, dims.len().saturating_add(1))?, Dim::Unknown);
    } else {
        let position = axis(along, dims.len())?;
        dims[position] = Dim::Unknown;
    }
    Ok(TensorType { dtype: tensor.dtype, shape: Shape::Ranked(dims) }.into())
}

/// What the parts of a tensor have in common. Parts of 1 lose their axis unless it is kept; with stated lengths it is
/// kept whatever `keepdims` says.
fn part(at: &At, along: i64, keep: bool) -> Result<TensorType, OpError> {
    let whole = at.require(0)?;
    let Some(dims) = whole.shape.dims() else { return Ok(whole.clone()) };
    let along = axis(along, dims.len())?;
    let mut dims = dims.to_vec();
    let lengths = at.literal(1).and_then(|l| Some((l.dims.is_empty(), l.ints()?)));
    match lengths {
        None if at.has(1) => dims[along] = Dim::Unknown,
        None if keep => dims[along] = Dim::Known(1),
        None => {
            dims.remove(along);
        }
        Some((scalar, lengths)) => {
            let [first, rest @ ..] = lengths else { return Err(OpError::invalid("`split` is empty")) };
            let even = if scalar { dims[along].exact_div(first).is_some() } else { rest.iter().all(|n| n == first) };
            dims[along] = if even { first.clone() } else { Dim::Unknown };
        }
    }
    Ok(TensorType { dtype: whole.dtype, shape: Shape::Ranked(dims) })
}

impl Operator for Sequence {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let output = match *self {
            Sequence::Construct => {
                let first = at.require(0)?.clone();
                let all = (1..at.inputs.len()).try_fold(first, |all, i| Ok(all.join(at.require(i)?)))?;
                list(all.into())
            }
            Sequence::Empty(dtype) => list(TensorType::new(dtype, Shape::Unranked).into()),
            Sequence::At => element(at)?.clone(),
            Sequence::Insert => list(element(at)?.join(&at.require(1)?.clone().into())),
            Sequence::Erase => list(element(at)?.clone()),
            Sequence::Length => {
                element(at)?;
                TensorType::new(DType::I64, Shape::scalar()).into()
            }
            Sequence::Concat { axis, new_axis } => concatenated(element(at)?, axis, new_axis)?,
            Sequence::Split { axis, keep } => list(part(at, axis, keep)?.into()),
        };
        Ok(vec![output])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("which tensor of a list it is is not known")
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn parts(case: &Case) -> ValueType {
        let Ok([ValueType::Sequence(part)]) = <[ValueType; 1]>::try_from(case.infer().unwrap()) else {
            panic!("not a list")
        };
        *part
    }

    #[test]
    fn a_list_knows_what_its_elements_share() {
        let case = Case::new("", "SequenceConstruct", 11).input(f32(&[2, 3])).input(f32(&[4, 3]));
        let element = tensor(DType::F32, &[Dim::Unknown, Dim::Known(3)]);
        assert_eq!(parts(&case), element);
        let joined = Case::new("", "ConcatFromSequence", 11).input(list(element)).int("axis", -1).int("new_axis", 1);
        let dims = [Dim::Unknown, Dim::Known(3), Dim::Unknown];
        assert_eq!(joined.infer().unwrap(), vec![tensor(DType::F32, &dims)]);
        assert!(Case::new("", "SequenceAt", 11).input(f32(&[2])).infer().is_err());
    }

    /// The specification: a scalar makes parts of that length, the last one perhaps shorter; without it, parts of 1.
    #[test]
    fn a_split_knows_its_parts_where_they_are_alike() {
        let split =
            |size: i64| Case::new("", "SplitToSequence", 11).input(f32(&[6, 5])).known(Literal::scalar(size.into()));
        assert_eq!(parts(&split(3)), f32(&[3, 5]));
        assert_eq!(parts(&split(4)), tensor(DType::F32, &[Dim::Unknown, Dim::Known(5)]));
        let ones = |keep: i64| Case::new("", "SplitToSequence", 11).int("keepdims", keep).int("axis", 1);
        assert_eq!(parts(&ones(0).input(f32(&[6, 5]))), f32(&[6]));
        assert_eq!(parts(&ones(1).input(f32(&[6, 5]))), f32(&[6, 1]));
        assert!(Case::new("", "SequenceEmpty", 11).with("dtype", Attribute::Int(99)).infer().is_err());
    }
}
