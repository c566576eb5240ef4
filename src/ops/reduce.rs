//! Reductions over axes: sums, products, means, extrema, norms and their logarithms, and the positions of extrema.
//!
//! The axes are an attribute in old versions and an input in new ones (`ReduceSum` from 13, the others from 18); either
//! is read whatever the version. Costs are one step per input element, and what is done once per result.

use super::axes::{axes, axis, known};
use super::cells::{coordinates, position as cell};
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, AxisSource, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window,
    Work, data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, Ratio, Shape, TensorType, ValueType, literal};
use std::cmp::Ordering;

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    reduction("ReduceMax").measured(Kernel::FRESH),
    reduction("ReduceMin").measured(Kernel::FRESH),
    reduction("ReduceSum").measured(Kernel::FRESH),
    reduction("ReduceProd").measured(Kernel::FRESH),
    reduction("ReduceMean").measured(Kernel::FRESH),
    reduction("ReduceL1").measured(Kernel::FRESH),
    reduction("ReduceL2").measured(Kernel::FRESH),
    reduction("ReduceLogSum").measured(Kernel::FRESH),
    reduction("ReduceLogSumExp").measured(Kernel::FRESH),
    reduction("ReduceSumSquare").measured(Kernel::FRESH),
    position("ArgMax").measured(Kernel::FRESH),
    position("ArgMin").measured(Kernel::FRESH),
];

const fn reduction(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("data"), steer("axes")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read: read_reduction }
}

const fn position(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("data")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read: read_position }
}

/// What each input element costs, and what each result costs on top.
fn cost(name: &str) -> (Operations, Operations) {
    let none = Operations::default();
    match name {
        "ReduceMax" | "ReduceMin" => (Operations { compare: 1, ..none }, none),
        "ReduceProd" => (Operations { mul: 1, ..none }, none),
        "ReduceMean" => (Operations { add: 1, ..none }, Operations { div: 1, ..none }),
        "ReduceL1" => (Operations { compare: 1, add: 1, ..none }, none),
        "ReduceL2" => (Operations { mul: 1, add: 1, ..none }, Operations { div: 1, ..none }),
        "ReduceLogSum" => (Operations { add: 1, ..none }, Operations { exp: 1, ..none }),
        "ReduceLogSumExp" => (Operations { exp: 1, add: 1, ..none }, Operations { exp: 1, ..none }),
        "ReduceSumSquare" => (Operations { mul: 1, add: 1, ..none }, none),
        _ => (Operations { add: 1, ..none }, none),
    }
}

#[derive(Debug)]
struct Reduction {
    name: &'static str,
    axes: Option<Vec<i64>>,
    keep: bool,
    nothing_without_axes: bool,
}

fn read_reduction(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Reduction {
        name: spec.kind.name,
        axes: spec.attributes.ints("axes")?.map(<[i64]>::to_vec),
        keep: spec.attributes.flag("keepdims", true)?,
        nothing_without_axes: spec.attributes.flag("noop_with_empty_axes", false)?,
    }))
}

impl Reduction {
    /// The axes that are reduced; `None` when an input that is not known names them.
    fn reduced(&self, at: &At, rank: usize) -> Result<Option<Vec<usize>>, OpError> {
        let stated = if at.has(1) {
            let empty = at.dims(1).is_some_and(|d| *d == [Dim::Known(0)]);
            if empty { Some(Vec::new()) } else { at.ints(1).and_then(known) }
        } else {
            Some(self.axes.clone().unwrap_or_default())
        };
        match stated {
            None => Ok(None),
            Some(none) if none.is_empty() && !self.nothing_without_axes => Ok(Some((0..rank).collect())),
            Some(stated) => axes(&stated, rank).map(Some),
        }
    }
}

impl Operator for Reduction {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let shape = match x.shape.dims() {
            // All axes go: what comes out is a scalar, whatever goes in.
            None if !at.has(1) && self.axes.is_none() && !self.keep && !self.nothing_without_axes => Shape::scalar(),
            None => Shape::Unranked,
            Some(dims) => match self.reduced(at, dims.len())? {
                Some(axes) => without(dims, &axes, self.keep),
                None if self.keep => Shape::Ranked(dims.iter().map(one_or_unknown).collect()),
                None => match at.dims(1) {
                    Some([Dim::Known(n)]) if *n > 0 => {
                        let axes = usize::try_from(*n).unwrap_or(usize::MAX);
                        Shape::of_rank(dims.len().checked_sub(axes).ok_or_else(|| too_many(axes, dims.len()))?)
                    }
                    _ => Shape::Unranked,
                },
            },
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        type Of<T> = fn(&T, &T) -> T;
        let (ints, floats, ratios): (Of<Dim>, Option<Of<f64>>, Of<Ratio>) = match self.name {
            "ReduceMax" => (Dim::larger, Some(|a, b| a.max(*b)), Ratio::larger),
            "ReduceMin" => (Dim::smaller, Some(|a, b| a.min(*b)), Ratio::smaller),
            "ReduceSum" => (Dim::plus, None, Ratio::plus),
            "ReduceProd" => (Dim::times, None, Ratio::times),
            _ => return vec![None],
        };
        let folded = || {
            let literal = at.literal(0)?;
            let axes = self.reduced(at, literal.dims.len()).ok()??;
            let elements = match &literal.elements {
                Elements::Ints(none) if none.is_empty() => {
                    // The sum of nothing is 0, its product 1; nothing has no extremum.
                    let neutral = match self.name {
                        "ReduceSum" => 0,
                        "ReduceProd" => 1,
                        _ => return None,
                    };
                    let results = at.output_elements(0).and_then(|n| usize::try_from(n).ok())?;
                    literal::bounded(&[results])?;
                    Elements::Ints(vec![Dim::Known(neutral); results])
                }
                Elements::Ints(values) => Elements::Ints(fold(values, &literal.dims, &axes, ints)?),
                Elements::Floats(values) => Elements::Floats(fold(values, &literal.dims, &axes, floats?)?),
                Elements::Ratios(values) => {
                    Elements::of_ratios(fold(values, &literal.dims, &axes, ratios)?, at.tensor(0)?.dtype?)
                }
            };
            let size = |(i, n): (usize, &usize)| match axes.contains(&i) {
                true if self.keep => Some(1),
                true => None,
                false => Some(*n),
            };
            Some(Literal { dims: literal.dims.iter().enumerate().filter_map(size).collect(), elements })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let (each, per_result) = cost(self.name);
            let (inputs, results) = (at.input_elements(0)?, at.output_elements(0)?);
            let operations = each.times(inputs)?.plus(per_result.times(results)?)?;
            Some((inputs, results, operations))
        };
        reduction_work(if self.name == "ReduceMean" { Class::Mean } else { Class::Reduction }, count())
    }

    fn window(&self, at: &At) -> Window {
        let rank = at.dims(0).map(<[Dim]>::len);
        window(rank.and_then(|rank| Some((rank, self.reduced(at, rank).ok().flatten()?))), self.keep)
    }
}

fn too_many(axes: usize, rank: usize) -> OpError {
    OpError::invalid(format!("{axes} axes to reduce in a tensor of {rank} dimensions"))
}

/// A dimension that may or may not be reduced.
fn one_or_unknown(dim: &Dim) -> Dim {
    if *dim == Dim::Known(1) { Dim::Known(1) } else { Dim::Unknown }
}

/// The shape after some axes went, or became 1.
fn without(dims: &[Dim], axes: &[usize], keep: bool) -> Shape {
    let kept = dims.iter().enumerate().filter_map(|(i, d)| match axes.contains(&i) {
        true if keep => Some(Dim::Known(1)),
        true => None,
        false => Some(d.clone()),
    });
    Shape::Ranked(kept.collect())
}

/// Every result's elements combined in row-major order.
fn fold<T: Clone>(values: &[T], dims: &[usize], axes: &[usize], combine: fn(&T, &T) -> T) -> Option<Vec<T>> {
    let kept = |i: usize| !axes.contains(&i);
    let sizes: Vec<usize> = dims.iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, n)| *n).collect();
    let results = literal::bounded(&sizes)?;
    let mut sums: Vec<Option<T>> = vec![None; results];
    for (position, value) in values.iter().enumerate() {
        // The coordinates of the element, last axis first, make the position of its result.
        let (mut rest, mut target, mut stride) = (position, 0usize, 1usize);
        for (i, n) in dims.iter().enumerate().rev() {
            if kept(i) {
                target += rest.checked_rem(*n)? * stride;
                stride *= n;
            }
            rest = rest.checked_div(*n)?;
        }
        let sum = sums.get_mut(target)?;
        *sum = Some(sum.as_ref().map_or_else(|| value.clone(), |s| combine(s, value)));
    }
    sums.into_iter().collect()
}

/// From the number of elements that go in, of results, and the operations.
fn reduction_work(class: Class, count: Option<(u64, u64, Operations)>) -> Work {
    let Some((inputs, results, operations)) = count else { return Work::operations(class, None) };
    let window = inputs.checked_div(results).unwrap_or(0);
    Work::Counted(Arithmetic { window, ..Arithmetic::elementwise(class, operations) })
}

/// All of the reduced axes, the same position of the others.
fn window(reduced: Option<(usize, Vec<usize>)>, keep: bool) -> Window {
    let Some((rank, axes)) = reduced else { return Window::Opaque("the reduced axes are not known") };
    let from = (0..rank).filter_map(|a| match axes.contains(&a) {
        true if keep => Some(AxisSource::Same),
        true => None,
        false => Some(AxisSource::Axis(a)),
    });
    Window::Axes { from: from.collect(), whole: axes }
}

#[derive(Debug)]
struct Position {
    largest: bool,
    axis: i64,
    keep: bool,
    /// Which of equal extrema it is.
    last: bool,
}

fn read_position(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Position {
        largest: spec.kind.name == "ArgMax",
        axis: spec.attributes.int_or("axis", 0)?,
        keep: spec.attributes.flag("keepdims", true)?,
        last: spec.attributes.flag("select_last_index", false)?,
    }))
}

impl Operator for Position {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let shape = match at.require(0)?.shape.dims() {
            None => Shape::Unranked,
            Some(dims) => without(dims, &[axis(self.axis, dims.len())?], self.keep),
        };
        Ok(vec![TensorType::new(DType::I64, shape).into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            let values = known(x.ints()?)?;
            let along = axis(self.axis, x.dims.len()).ok()?;
            let mut dims = x.dims.clone();
            let size = std::mem::replace(dims.get_mut(along)?, 1);
            let found = |mut place: Vec<usize>| {
                let mut best: Option<(i64, usize)> = None;
                for i in 0..size {
                    place[along] = i;
                    let value = *values.get(cell(&x.dims, &place)?)?;
                    let better = best.is_none_or(|(than, _)| match value.cmp(&than) {
                        Ordering::Equal => self.last,
                        Ordering::Greater => self.largest,
                        Ordering::Less => !self.largest,
                    });
                    if better {
                        best = Some((value, i));
                    }
                }
                best.map(|(_, i)| Dim::from(i))
            };
            let elements = Elements::Ints(coordinates(&dims)?.map(found).collect::<Option<_>>()?);
            if !self.keep {
                dims.remove(along);
            }
            Some(Literal { dims, elements })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let (inputs, results) = (at.input_elements(0)?, at.output_elements(0)?);
            Some((inputs, results, Operations { compare: inputs, ..Operations::default() }))
        };
        reduction_work(Class::Reduction, count())
    }

    fn window(&self, at: &At) -> Window {
        let reduced = at.dims(0).and_then(|dims| Some((dims.len(), vec![axis(self.axis, dims.len()).ok()?])));
        window(reduced, self.keep)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, ints, tensor};
    use super::*;
    use crate::ops::attributes::Attribute;

    #[test]
    fn axes_are_an_attribute_or_an_input_and_none_means_all_unless_said_otherwise() {
        let mean = || Case::new("", "ReduceMean", 18).input(f32(&[2, 3, 4, 5]));
        let axes = |v: &[i64]| Literal::vector(v.iter().map(|n| Dim::Known(*n)).collect());
        let old = mean().with("axes", Attribute::Ints(vec![-1, 2]));
        assert_eq!(old.infer(), Ok(vec![f32(&[2, 3, 1, 1])]));
        assert_eq!(mean().known(axes(&[-1, 2])).int("keepdims", 0).infer(), Ok(vec![f32(&[2, 3])]));
        assert_eq!(mean().int("keepdims", 0).infer(), Ok(vec![f32(&[])]));
        assert_eq!(mean().known(axes(&[])).infer(), Ok(vec![f32(&[1, 1, 1, 1])]));
        assert_eq!(mean().known(axes(&[])).int("noop_with_empty_axes", 1).infer(), Ok(vec![f32(&[2, 3, 4, 5])]));
        assert!(mean().known(axes(&[4])).infer().is_err());
    }

    #[test]
    fn the_rank_is_known_where_the_axes_are_not() {
        let sum = || {
            let axes = tensor(DType::I64, &[Dim::Known(1)]);
            Case::new("", "ReduceSum", 13).input(f32(&[2, 1, 4])).input(axes)
        };
        let kept = tensor(DType::F32, &[Dim::Unknown, Dim::Known(1), Dim::Unknown]);
        assert_eq!(sum().infer(), Ok(vec![kept]));
        assert_eq!(sum().int("keepdims", 0).infer(), Ok(vec![tensor(DType::F32, &[Dim::Unknown, Dim::Unknown])]));
    }

    #[test]
    fn positions_of_extrema_and_reductions_of_nothing() {
        let table = ints(&[2, 3], &[7, 9, 9, 4, 4, 8]);
        let largest = |last| Case::new("", "ArgMax", 13).int("axis", 1).int("select_last_index", last);
        assert_eq!(largest(0).known(table.clone()).fold(), [Some(ints(&[2, 1], &[1, 2]))]);
        assert_eq!(largest(1).known(table.clone()).fold(), [Some(ints(&[2, 1], &[2, 2]))]);
        let smallest = Case::new("", "ArgMin", 13).int("keepdims", 0).known(table);
        assert_eq!(smallest.fold(), [Some(ints(&[3], &[1, 1, 1]))]);
        let nothing = |op| Case::new("", op, 18).int("keepdims", 0).known(ints(&[0], &[])).fold();
        assert_eq!(nothing("ReduceProd"), [Some(ints(&[], &[1]))]);
        assert_eq!(nothing("ReduceMax"), [None]);
    }

    #[test]
    fn a_literal_is_reduced_along_its_axes() {
        let of = |n: &[i64]| n.iter().map(|n| Dim::Known(*n)).collect::<Vec<_>>();
        let folded = |op, literal: &Literal, axis, keep| {
            let case = Case::new("", op, 11)
                .known(literal.clone())
                .with("axes", Attribute::Ints(vec![axis]))
                .int("keepdims", keep);
            case.fold().into_iter().next().flatten()
        };
        let table = Literal { dims: vec![2, 3], elements: Elements::Ints(of(&[1, 2, 3, 4, 5, 6])) };
        let columns = Literal { dims: vec![3], elements: Elements::Ints(of(&[5, 7, 9])) };
        assert_eq!(folded("ReduceSum", &table, 0, 0), Some(columns));
        let rows = Literal { dims: vec![2, 1], elements: Elements::Ints(of(&[6, 120])) };
        assert_eq!(folded("ReduceProd", &table, 1, 1), Some(rows));
        let sizes = Literal::vector(vec![Dim::symbol("N"), Dim::Known(3)]);
        let volume = Literal::scalar(Dim::symbol("N").times(&Dim::Known(3)));
        assert_eq!(folded("ReduceProd", &sizes, 0, 0), Some(volume));
        let scales = Literal { dims: vec![2], elements: Elements::Floats(vec![0.5, 2.0]) };
        let largest = Literal { dims: vec![], elements: Elements::Floats(vec![2.0]) };
        assert_eq!(folded("ReduceMax", &scales, 0, 0), Some(largest));
    }
}
