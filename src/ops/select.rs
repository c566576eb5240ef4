//! Selections: the largest elements, those that are not zero, the distinct ones, the boxes that do not overlap. How many
//! come out is mostly decided by the data; what is certain is their rank and every size that does not depend on it.

use super::axes::{axis, known};
use super::cells::{coordinates, position};
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType, literal};
use std::cmp::Reverse;

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { kernel: Kernel::FRESH, ..op("TopK", &[data("X"), steer("K")], read_top) },
    op("NonZero", &[data("X")], read_non_zero),
    op("Unique", &[data("X")], read_unique),
    op("Compress", &[data("input"), steer("condition")], read_compress),
    op(
        "NonMaxSuppression",
        &[
            data("boxes"),
            data("scores"),
            steer("max_output_boxes_per_class"),
            steer("iou_threshold"),
            steer("score_threshold"),
        ],
        read_boxes,
    ),
];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Select {
    /// The `k` largest along an axis; `k` is an attribute before version 10.
    Top {
        axis: i64,
        k: Option<i64>,
        largest: bool,
        /// Without, the order of what comes out is the runtime's own.
        sorted: bool,
    },
    NonZero,
    Unique {
        axis: Option<i64>,
    },
    Compress {
        axis: Option<i64>,
    },
    Boxes,
}

fn read_top(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Select::Top {
        axis: spec.attributes.int_or("axis", -1)?,
        k: spec.attributes.int("k")?,
        largest: spec.attributes.flag("largest", true)?,
        sorted: spec.attributes.flag("sorted", true)?,
    }))
}

fn read_non_zero(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Select::NonZero))
}

fn read_unique(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Select::Unique { axis: spec.attributes.int("axis")? }))
}

fn read_compress(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Select::Compress { axis: spec.attributes.int("axis")? }))
}

fn read_boxes(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Select::Boxes))
}

impl Operator for Select {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let indices = |dims: Vec<Dim>| TensorType::new(DType::I64, Shape::Ranked(dims));
        let types = match self {
            Select::Top { axis, k, .. } => {
                let k = k.map(Dim::Known).or_else(|| at.literal(1)?.whole()).unwrap_or(Dim::Unknown);
                let shape = replaced(&x.shape, *axis, |size| fewer(&k, size))?;
                vec![TensorType { dtype: x.dtype, shape: shape.clone() }, TensorType::new(DType::I64, shape)]
            }
            Select::NonZero => {
                let rank = x.shape.rank().map_or(Dim::Unknown, Dim::from);
                let count = at
                    .literal(0)
                    .and_then(non_zero)
                    .map_or(Dim::Unknown, |found| Dim::from(found.dims.get(1).copied().unwrap_or_default()));
                vec![indices(vec![rank, count])]
            }
            Select::Unique { axis: None } => {
                let unique = TensorType { dtype: x.dtype, shape: Shape::Ranked(vec![Dim::Unknown]) };
                let (first, count) = (indices(vec![Dim::Unknown]), indices(vec![Dim::Unknown]));
                vec![unique, first, indices(vec![x.shape.volume()]), count]
            }
            Select::Unique { axis: Some(stated) } => {
                let shape = replaced(&x.shape, *stated, |_| Ok(Dim::Unknown))?;
                let size = match x.shape.dims() {
                    Some(dims) => dims[axis(*stated, dims.len())?].clone(),
                    None => Dim::Unknown,
                };
                let (first, count) = (indices(vec![Dim::Unknown]), indices(vec![Dim::Unknown]));
                vec![TensorType { dtype: x.dtype, shape }, first, indices(vec![size]), count]
            }
            Select::Compress { axis } => {
                let condition = at.ints(1).and_then(known);
                // A condition may be longer than what it selects from; only a size that is known cuts it.
                let selected = |size: Option<u64>| {
                    let end = size.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
                    let count = |all: &Vec<i64>| Dim::from(all.iter().take(end).filter(|c| **c != 0).count());
                    let cut = |all: &&Vec<i64>| size.is_some() || all.iter().all(|c| *c == 0);
                    condition.as_ref().filter(cut).map_or(Dim::Unknown, count)
                };
                let shape = match axis {
                    None => Shape::Ranked(vec![selected(x.shape.elements())]),
                    Some(axis) => replaced(&x.shape, *axis, |size| Ok(selected(size.size())))?,
                };
                vec![TensorType { dtype: x.dtype, shape }]
            }
            Select::Boxes => {
                // Without a limit the specification's default is to select none.
                let count = if at.has(2) { Dim::Unknown } else { Dim::Known(0) };
                vec![indices(vec![count, Dim::Known(3)])]
            }
        };
        Ok(types.into_iter().map(ValueType::from).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        match self {
            Select::NonZero => vec![at.literal(0).and_then(non_zero)],
            Select::Top { axis, largest, sorted: true, .. } => {
                top(at, *axis, *largest).map_or(vec![None; 2], |(values, indices)| vec![Some(values), Some(indices)])
            }
            Select::Compress { axis } => vec![compressed(at, *axis)],
            Select::Top { .. } | Select::Unique { .. } | Select::Boxes => vec![None; at.n_outputs],
        }
    }

    /// `TopK` with a heap of k: at most ⌈log2(k + 1)⌉ comparisons an element. `NonZero`: one an element.
    fn work(&self, at: &At) -> Work {
        let compare = |compare| Operations { compare, ..Operations::default() };
        match self {
            Select::Top { axis: stated, .. } => {
                let k = at
                    .output(0)
                    .and_then(|t| t.shape.dims())
                    .and_then(|dims| dims.get(axis(*stated, dims.len()).ok()?)?.size());
                let steps = k.map(|k| compare(u64::from(u64::BITS - k.leading_zeros())));
                Work::operations(Class::Other, steps.and_then(|each| each.times(at.input_elements(0)?)))
            }
            Select::NonZero => Work::elementwise(Class::Other, compare(1), at.input_elements(0)),
            Select::Compress { .. } => Work::Free,
            Select::Unique { .. } | Select::Boxes => {
                Work::Uncounted(Class::Other, "how many comparisons it takes is decided by the data".into())
            }
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("which positions are selected is decided by the data")
    }
}

/// A shape with another size along one axis.
fn replaced(shape: &Shape, stated: i64, size: impl FnOnce(&Dim) -> Result<Dim, OpError>) -> Result<Shape, OpError> {
    let Some(dims) = shape.dims() else { return Ok(Shape::Unranked) };
    let at = axis(stated, dims.len())?;
    let mut dims = dims.to_vec();
    dims[at] = size(&dims[at])?;
    Ok(Shape::Ranked(dims))
}

/// `k`, if so many are there.
fn fewer(k: &Dim, size: &Dim) -> Result<Dim, OpError> {
    match (k.known(), size.known()) {
        (Some(k), Some(n)) if k > n => Err(OpError::invalid(format!("the largest {k} of {n} elements are wanted"))),
        _ => Ok(k.clone()),
    }
}

/// The largest (or smallest) integers along an axis, the best first and of equal ones the first, and their indices.
fn top(at: &At, stated: i64, largest: bool) -> Option<(Literal, Literal)> {
    let x = at.literal(0)?;
    let values = known(x.ints()?)?;
    let along = axis(stated, x.dims.len()).ok()?;
    let size = *x.dims.get(along)?;
    let k = usize::try_from(at.output(0)?.shape.dims()?.get(along)?.size()?).ok()?;
    let mut dims = x.dims.clone();
    dims[along] = k;
    let (mut places, mut indices) = (vec![0; literal::bounded(&dims)?], vec![Dim::Known(0); literal::bounded(&dims)?]);
    for mut place in coordinates(&x.dims)?.filter(|place| place[along] == 0) {
        let mut order = Vec::with_capacity(size);
        for i in 0..size {
            place[along] = i;
            let here = position(&x.dims, &place)?;
            order.push((*values.get(here)?, i, here));
        }
        if largest {
            order.sort_by_key(|(value, i, _)| (Reverse(*value), *i));
        } else {
            order.sort_by_key(|(value, i, _)| (*value, *i));
        }
        for (rank, (_, i, here)) in order.into_iter().take(k).enumerate() {
            place[along] = rank;
            let to = position(&dims, &place)?;
            (places[to], indices[to]) = (here, Dim::from(i));
        }
    }
    Some((x.pick(dims.clone(), places)?, Literal { dims, elements: Elements::Ints(indices) }))
}

/// What a known condition leaves along an axis, or of all elements in a row.
fn compressed(at: &At, stated: Option<i64>) -> Option<Literal> {
    let (x, condition) = (at.literal(0)?, known(at.ints(1)?)?);
    let dims = if stated.is_some() { x.dims.clone() } else { vec![x.len()] };
    let along = axis(stated.unwrap_or(0), dims.len()).ok()?;
    let keeps = |place: &usize| condition.get(*place).is_some_and(|c| *c != 0);
    let places = coordinates(&dims)?.filter(|place| keeps(&place[along]));
    let places = places.map(|place| position(&dims, &place)).collect::<Option<Vec<_>>>()?;
    let mut left = dims.clone();
    left[along] = (0..dims[along]).filter(keeps).count();
    x.pick(left, places)
}

/// Indices of the elements that are not zero: a row an axis, a column an element. `None` unless all are known.
fn non_zero(literal: &Literal) -> Option<Literal> {
    let found: Vec<usize> = match &literal.elements {
        Elements::Ints(v) => known(v)?.iter().enumerate().filter(|(_, n)| **n != 0).map(|(i, _)| i).collect(),
        Elements::Floats(v) => v.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(i, _)| i).collect(),
        Elements::Ratios(_) => return None,
    };
    let mut rows = Vec::new();
    for (position, size) in literal.dims.iter().enumerate() {
        let stride = literal.dims[position + 1..].iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
        for i in &found {
            rows.push(Dim::from(i.checked_div(stride)?.checked_rem(*size)?));
        }
    }
    Some(Literal { dims: vec![literal.dims.len(), found.len()], elements: Elements::Ints(rows) })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, ints};
    use super::*;

    #[test]
    fn indices_of_what_is_not_zero() {
        // The example of numpy.nonzero: [[3, 0, 0], [0, 4, 0], [5, 6, 0]].
        let x = ints(&[3, 3], &[3, 0, 0, 0, 4, 0, 5, 6, 0]);
        assert_eq!(non_zero(&x), Some(ints(&[2, 4], &[0, 1, 2, 2, 0, 1, 0, 1])));
        // A scalar has no axes: a shape of (0, N), says the specification.
        assert_eq!(non_zero(&ints(&[], &[7])), Some(ints(&[0, 1], &[])));
        assert_eq!(non_zero(&ints(&[0], &[])), Some(ints(&[1, 0], &[])));
    }

    #[test]
    fn known_elements_are_ranked_and_picked() {
        // The specification's example of `TopK`, sorted; of equal elements the first comes first.
        let top = |largest| {
            let x = ints(&[3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
            Case::new("", "TopK", 11).int("largest", largest).known(x).known(ints(&[1], &[3])).outputs(2).fold()
        };
        let (values, indices) = ([3, 2, 1, 7, 6, 5, 10, 10, 9], [3, 2, 1, 3, 2, 1, 2, 3, 1]);
        assert_eq!(top(1), [Some(ints(&[3, 3], &values)), Some(ints(&[3, 3], &indices))]);
        let (values, indices) = ([0, 1, 2, 4, 5, 6, 8, 9, 10], [0, 1, 2, 0, 1, 2, 0, 1, 2]);
        assert_eq!(top(0), [Some(ints(&[3, 3], &values)), Some(ints(&[3, 3], &indices))]);
        // The two smallest integers there are, of which the larger one stands last.
        let lowest = Case::new("", "TopK", 11).known(ints(&[2], &[i64::MIN, i64::MIN + 1])).known(ints(&[1], &[1]));
        assert_eq!(lowest.outputs(2).fold(), [Some(ints(&[1], &[i64::MIN + 1])), Some(ints(&[1], &[1]))]);
        // The specification's first two examples of `Compress`.
        let x = || ints(&[3, 2], &[1, 2, 3, 4, 5, 6]);
        let rows = Case::new("", "Compress", 11).int("axis", 0).known(x()).known(ints(&[3], &[0, 1, 1]));
        assert_eq!(rows.fold(), [Some(ints(&[2, 2], &[3, 4, 5, 6]))]);
        let flat = Case::new("", "Compress", 11).known(x()).known(ints(&[5], &[0, 1, 0, 0, 1]));
        assert_eq!(flat.fold(), [Some(ints(&[2], &[2, 5]))]);
    }

    #[test]
    fn a_condition_longer_than_the_axis_selects_from_the_axis_alone() {
        let case = Case::new("", "Compress", 11).int("axis", -1).input(f32(&[3, 2])).known(ints(&[3], &[0, 1, 1]));
        assert_eq!(case.infer(), Ok(vec![f32(&[3, 1])]));
    }

    #[test]
    fn the_largest_are_k_along_the_axis_in_every_version() {
        let new = Case::new("", "TopK", 11).input(f32(&[3, 4])).known(ints(&[1], &[2])).outputs(2);
        let old = Case::new("", "TopK", 1).int("k", 2).int("axis", 1).input(f32(&[3, 4])).outputs(2);
        let indices = TensorType::new(DType::I64, Shape::known(&[3, 2])).into();
        assert_eq!(new.infer(), Ok(vec![f32(&[3, 2]), indices]));
        assert_eq!(old.infer(), new.infer());
        let too_many = Case::new("", "TopK", 11).input(f32(&[3, 4])).known(ints(&[1], &[5]));
        assert!(too_many.infer().is_err());
    }
}
