//! Lists of tensors. Of a list its elements' common type is known, and each of them where their number is.

use super::axes::axis;
use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{DType, Dim, List, Literal, Shape, TensorType, ValueType};

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

/// The list that goes in.
fn list(at: &At) -> Result<List, OpError> {
    match at.inputs.first().copied().flatten() {
        Some(ValueType::Sequence(list)) => Ok((**list).clone()),
        Some(ValueType::Unknown) => Ok(List::of(ValueType::Unknown)),
        Some(_) => Err(OpError::invalid("input 0 is not a sequence")),
        None => Err(OpError::invalid("input 0 is missing")),
    }
}

/// All elements behind one another: along an axis that they have, or along a new one.
fn concatenated(list: &List, along: i64, new_axis: bool) -> Result<ValueType, OpError> {
    let Some(tensor) = list.element().tensor() else { return Ok(ValueType::Unknown) };
    let Some(dims) = tensor.shape.dims() else { return Ok(list.element().clone()) };
    let mut dims = dims.to_vec();
    if new_axis {
        dims.insert(axis(along, dims.len().saturating_add(1))?, list.length().map_or(Dim::Unknown, Dim::from));
    } else {
        let position = axis(along, dims.len())?;
        let size = |ty: &ValueType| ty.tensor()?.shape.dims()?.get(position).cloned();
        let stretch = |(ty, n): &(ValueType, u64)| size(ty).unwrap_or(Dim::Unknown).times(&Dim::from(*n));
        let total = |all: &[_]| all.iter().fold(Dim::Known(0), |sum, one| sum.plus(&stretch(one)));
        dims[position] = list.items().map_or(Dim::Unknown, total);
    }
    Ok(TensorType { dtype: tensor.dtype, shape: Shape::Ranked(dims) }.into())
}

/// The parts of a tensor. Parts of 1 lose their axis unless it is kept; with stated lengths it is kept whatever
/// `keepdims` says.
fn parts(at: &At, along: i64, keep: bool) -> Result<List, OpError> {
    let whole = at.require(0)?;
    let Some(dims) = whole.shape.dims() else { return Ok(List::of(whole.clone().into())) };
    let along = axis(along, dims.len())?;
    let part = |size: &Dim| {
        let mut dims = dims.to_vec();
        dims[along] = size.clone();
        ValueType::from(whole.with_dims(dims))
    };
    let lengths = at.literal(1).and_then(|l| Some((l.dims.is_empty(), l.ints()?)));
    let one = match lengths {
        None if at.has(1) => return Ok(List::of(part(&Dim::Unknown))),
        None if keep => part(&Dim::Known(1)),
        None => {
            let mut dims = dims.to_vec();
            dims.remove(along);
            whole.with_dims(dims).into()
        }
        Some((_, [])) => return Err(OpError::invalid("`split` is empty")),
        Some((true, [each, ..])) => {
            let equal = dims[along].floor_div(each);
            let rest = dims[along].minus(&equal.times(each));
            let element = if rest == Dim::Known(0) { part(each) } else { part(&Dim::Unknown) };
            return Ok(match equal.size() {
                Some(n) => List::new(element, [(part(each), n), (part(&rest), u64::from(rest != Dim::Known(0)))]),
                None => List::of(element),
            });
        }
        Some((false, lengths)) => {
            return Ok(List::new(ValueType::Unknown, lengths.iter().map(|size| (part(size), 1))));
        }
    };
    Ok(match dims[along].size() {
        Some(n) => List::new(one.clone(), [(one, n)]),
        None => List::of(one),
    })
}

/// The position that an input states: `Ok(None)` where it is left out, `Err` where it is not known.
fn position(at: &At, input: usize) -> Result<Option<i64>, ()> {
    if !at.has(input) {
        return Ok(None);
    }
    at.literal(input).and_then(Literal::int).and_then(Dim::known).map(Some).ok_or(())
}

impl Operator for Sequence {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let output = match *self {
            Sequence::Construct => {
                let one = |i: usize| Ok((at.require(i)?.clone().into(), 1));
                let all = (0..at.inputs.len().max(1)).map(one).collect::<Result<Vec<_>, _>>()?;
                List::new(ValueType::Unknown, all).into()
            }
            Sequence::Empty(dtype) => List::new(TensorType::new(dtype, Shape::Unranked).into(), []).into(),
            Sequence::At => list(at)?.get(position(at, 1).ok().flatten()),
            Sequence::Insert => list(at)?.inserted(at.require(1)?.clone().into(), position(at, 2)).into(),
            // Without a position the last one goes.
            Sequence::Erase => list(at)?.erased(position(at, 1).map(|at| at.unwrap_or(-1)).ok()).into(),
            Sequence::Length => {
                list(at)?;
                TensorType::new(DType::I64, Shape::scalar()).into()
            }
            Sequence::Concat { axis, new_axis } => concatenated(&list(at)?, axis, new_axis)?,
            Sequence::Split { axis, keep } => parts(at, axis, keep)?.into(),
        };
        Ok(vec![output])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let length = || list(at).ok()?.length().map(|n| Literal::scalar(n.into()));
        vec![if let Sequence::Length = self { length() } else { None }]
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

    fn parts(case: &Case) -> List {
        let Ok([ValueType::Sequence(parts)]) = <[ValueType; 1]>::try_from(case.infer().unwrap()) else {
            panic!("not a list")
        };
        *parts
    }

    #[test]
    fn a_list_knows_what_its_elements_share() {
        let case = Case::new("", "SequenceConstruct", 11).input(f32(&[2, 3])).input(f32(&[4, 3]));
        let element = tensor(DType::F32, &[Dim::Unknown, Dim::Known(3)]);
        assert_eq!(*parts(&case).element(), element);
        let joined = |list: List| Case::new("", "ConcatFromSequence", 11).input(list.into()).int("new_axis", 1);
        let dims = [Dim::Unknown, Dim::Known(3), Dim::Unknown];
        assert_eq!(joined(List::of(element.clone())).int("axis", -1).infer().unwrap(), vec![tensor(DType::F32, &dims)]);
        let dims = [Dim::Unknown, Dim::Known(3), Dim::Known(2)];
        assert_eq!(joined(parts(&case)).int("axis", -1).infer().unwrap(), vec![tensor(DType::F32, &dims)]);
        let chained = Case::new("", "ConcatFromSequence", 11).input(parts(&case).into()).int("axis", 0);
        assert_eq!(chained.infer().unwrap(), vec![f32(&[6, 3])]);
        let length = Case::new("", "SequenceLength", 11).input(parts(&case).into());
        assert_eq!(length.fold(), vec![Some(Literal::scalar(Dim::Known(2)))]);
        assert!(Case::new("", "SequenceAt", 11).input(f32(&[2])).infer().is_err());
    }

    /// The specification: a scalar makes parts of that length, the last one perhaps shorter; without it, parts of 1.
    #[test]
    fn a_split_knows_its_parts() {
        let split =
            |size: i64| Case::new("", "SplitToSequence", 11).input(f32(&[6, 5])).known(Literal::scalar(size.into()));
        assert_eq!(parts(&split(3)), List::new(f32(&[3, 5]), [(f32(&[3, 5]), 2)]));
        assert_eq!(parts(&split(4)), List::new(f32(&[4, 5]), [(f32(&[4, 5]), 1), (f32(&[2, 5]), 1)]));
        let ones = |keep: i64| Case::new("", "SplitToSequence", 11).int("keepdims", keep).int("axis", 1);
        assert_eq!(parts(&ones(0).input(f32(&[6, 5]))), List::new(f32(&[6]), [(f32(&[6]), 5)]));
        assert_eq!(parts(&ones(1).input(f32(&[6, 5]))), List::new(f32(&[6, 1]), [(f32(&[6, 1]), 5)]));
        assert!(Case::new("", "SequenceEmpty", 11).with("dtype", Attribute::Int(99)).infer().is_err());
    }
}
