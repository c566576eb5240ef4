//! The same elements under another shape: `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`, `Identity`; the language's
//! `flatten`.

use super::attributes::Attributes;
use super::axes::{axes, axis, known};
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, AxisSource, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType, shape};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Reshape", &[data("data"), steer("shape")]),
    op("Flatten", &[data("input")]),
    op("Squeeze", &[data("data"), steer("axes")]),
    op("Unsqueeze", &[data("data"), steer("axes")]),
    op("Identity", &[data("input")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::View, kernel: Kernel::Alias, read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "flatten",
    aliases: &[],
    foreign: &["nn.Flatten"],
    doc: "maps as one vector",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: false,
    example: "flatten",
    lower,
}];

fn lower(_: &Call) -> Result<Vec<Step>, OpError> {
    Ok(vec![Step::new("Flatten", Attributes::new().with_int("axis", 1))])
}

#[derive(Debug)]
enum View {
    /// To a shape that an attribute (version 1) or the second input states.
    Reshape { stated: Option<Vec<i64>>, zero_copies: bool },
    /// To a matrix: the dimensions before the axis, and those from it on.
    Flatten { axis: i64 },
    /// Without axes of size 1; the axes are an attribute before version 13, an input from then on.
    Squeeze { stated: Option<Vec<i64>> },
    /// With axes of size 1.
    Unsqueeze { stated: Option<Vec<i64>> },
    /// As it is.
    Identity,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let list = |name| Ok(spec.attributes.ints(name)?.map(<[i64]>::to_vec));
    Ok(Box::new(match spec.kind.name {
        "Reshape" => View::Reshape { stated: list("shape")?, zero_copies: !spec.attributes.flag("allowzero", false)? },
        "Flatten" => View::Flatten { axis: spec.attributes.int_or("axis", 1)? },
        "Squeeze" => View::Squeeze { stated: list("axes")? },
        "Unsqueeze" => View::Unsqueeze { stated: list("axes")? },
        _ => View::Identity,
    }))
}

/// What an operator knows of the axes that it is to squeeze or insert.
enum Axes {
    Known(Vec<i64>),
    /// So many.
    Count(usize),
    Unknown,
    None,
}

fn stated_axes(stated: Option<&Vec<i64>>, at: &At) -> Axes {
    if !at.has(1) {
        return stated.map_or(Axes::None, |axes| Axes::Known(axes.clone()));
    }
    match (at.ints(1).and_then(known), at.dims(1)) {
        (Some(axes), _) => Axes::Known(axes),
        (None, Some([Dim::Known(n)])) => usize::try_from(*n).map_or(Axes::Unknown, Axes::Count),
        (None, Some([])) => Axes::Count(1),
        _ => Axes::Unknown,
    }
}

impl Operator for View {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        if let View::Identity = self {
            let any = at.inputs.first().copied().flatten();
            return Ok(vec![any.ok_or_else(|| OpError::invalid("input 0 is missing"))?.clone()]);
        }
        let x = at.require(0)?;
        let shape = match self {
            View::Reshape { stated, zero_copies } => reshape(x, stated.as_deref(), *zero_copies, at)?,
            View::Flatten { axis } => flatten(x.shape.dims(), *axis)?,
            View::Squeeze { stated } => squeeze(x.shape.dims(), &stated_axes(stated.as_ref(), at))?,
            View::Unsqueeze { stated } => unsqueeze(x.shape.dims(), &stated_axes(stated.as_ref(), at))?,
            View::Identity => x.shape.clone(),
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            let sizes = at.output(0)?.shape.sizes()?;
            let dims = sizes.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
            let elements = dims.iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
            (elements == x.len()).then(|| Literal { dims, elements: x.elements.clone() })
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        if let View::Identity = self {
            return Window::Pointwise;
        }
        match (at.dims(0), at.output(0).and_then(|t| t.shape.dims())) {
            (Some(from), Some(to)) => Window::Axes { from: regrouped(from, to), whole: Vec::new() },
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}

/// Where the axes of a new shape come from. Sizes of 1 come and go; the others are matched from the first on, in the
/// shortest groups whose products agree, and a group of one axis on both sides is that axis.
fn regrouped(from: &[Dim], to: &[Dim]) -> Vec<AxisSource> {
    let real = |dims: &[Dim]| (0..dims.len()).filter(|i| dims[*i] != Dim::Known(1)).collect::<Vec<_>>();
    let (mut old, mut new) = (real(from).into_iter().peekable(), real(to).into_iter().peekable());
    let mut sources = vec![AxisSource::Same; to.len()];
    while new.peek().is_some() {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let (mut have, mut made) = (Dim::Known(1), Dim::Known(1));
        loop {
            // The smaller side takes its next axis; what cannot be compared takes all that is left.
            let grow_new = after.is_empty() || made.known().zip(have.known()).is_some_and(|(m, h)| m < h);
            let (side, group, product, dims) = if grow_new && new.peek().is_some() {
                (&mut new, &mut after, &mut made, to)
            } else {
                (&mut old, &mut before, &mut have, from)
            };
            let side_is_empty = side.peek().is_none();
            if side_is_empty {
                before.extend(old.by_ref());
                after.extend(new.by_ref());
                break;
            }
            if let Some(axis) = side.next() {
                group.push(axis);
                *product = product.times(&dims[axis]);
            }
            if !before.is_empty() && have == made && have != Dim::Unknown {
                break;
            }
        }
        for axis in &after {
            sources[*axis] = match (before.as_slice(), after.len()) {
                ([one], 1) => AxisSource::Axis(*one),
                (_, 1) => AxisSource::Regrouped { axes: before.clone(), parts: Vec::new() },
                _ => part(spans(from, &before), spans(to, &after), *axis)
                    .unwrap_or_else(|| AxisSource::Regrouped { axes: Vec::new(), parts: before.clone() }),
            };
        }
    }
    sources
}

/// An axis in a group: how far apart its neighbours lie, and how far all of it reaches.
type Span = (usize, u64, u64);

/// The axes of a group, in the order in which elements are stored; `None` where a size is not known.
fn spans(dims: &[Dim], group: &[usize]) -> Option<Vec<Span>> {
    let mut reach = 1u64;
    let mut spans = Vec::with_capacity(group.len());
    for axis in group.iter().rev() {
        let step = reach;
        reach = reach.checked_mul(dims.get(*axis)?.size()?)?;
        spans.push((*axis, step, reach));
    }
    Some(spans)
}

/// What lies along one axis of a new shape: old axes that repeat within it, and those that go on beyond it; `None` where
/// old and new borders do not meet.
fn part(old: Option<Vec<Span>>, new: Option<Vec<Span>>, axis: usize) -> Option<AxisSource> {
    let (_, step, reach) = new?.into_iter().find(|(own, ..)| *own == axis)?;
    let (mut axes, mut parts) = (Vec::new(), Vec::new());
    let divides = |a: u64, b: u64| b.checked_rem(a) == Some(0);
    for (own, from, to) in old?.into_iter().rev() {
        let meets = |border: u64| {
            if border <= from {
                divides(border, from)
            } else if border >= to {
                divides(to, border)
            } else {
                divides(from, border) && divides(border, to)
            }
        };
        if !meets(step) || !meets(reach) {
            return None;
        }
        if step <= from && to <= reach {
            axes.push(own);
        } else if from < reach && step < to {
            parts.push(own);
        }
    }
    Some(AxisSource::Regrouped { axes, parts })
}

fn reshape(x: &TensorType, stated: Option<&[i64]>, zero_copies: bool, at: &At) -> Result<Shape, OpError> {
    let wanted: Vec<Dim> = match (at.ints(1), stated) {
        (Some(wanted), _) => wanted.to_vec(),
        (None, Some(stated)) if !at.has(1) => stated.iter().map(|n| Dim::Known(*n)).collect(),
        (None, _) => {
            return Ok(match at.dims(1) {
                Some([Dim::Known(n)]) => usize::try_from(*n).map_or(Shape::Unranked, Shape::of_rank),
                _ => Shape::Unranked,
            });
        }
    };
    resolve(x.shape.dims(), &wanted, zero_copies)
}

/// The shape that a list of sizes asks for: 0 copies the input's size at its position (unless told otherwise), −1
/// stands for what is left, and so does a single size that is not known.
fn resolve(input: Option<&[Dim]>, wanted: &[Dim], zero_copies: bool) -> Result<Shape, OpError> {
    let mut rest: Vec<Option<&Dim>> = input.unwrap_or(&[]).iter().map(Some).collect();
    let mut sizes = Vec::new();
    let mut open = Vec::new();
    for (i, size) in wanted.iter().enumerate() {
        let size = match size {
            Dim::Known(0) if zero_copies => match (input, rest.get_mut(i)) {
                // What is copied leaves nothing to share out, known or not.
                (Some(_), Some(copied)) => {
                    sizes.push((copied.take().cloned().unwrap_or(Dim::Unknown), true));
                    continue;
                }
                (Some(_), None) => {
                    return Err(OpError::invalid(format!(
                        "size 0 at position {i} copies a dimension that is not there"
                    )));
                }
                (None, _) => Dim::Unknown,
            },
            Dim::Known(-1) => {
                open.push(i);
                Dim::Known(1)
            }
            Dim::Known(n) if *n < 0 => return Err(OpError::invalid(format!("a size of {n} at position {i}"))),
            Dim::Unknown => {
                open.push(i);
                Dim::Known(1)
            }
            size => size.clone(),
        };
        sizes.push((size, false));
    }
    let minus_ones = wanted.iter().filter(|d| **d == Dim::Known(-1)).count();
    if minus_ones > 1 {
        return Err(OpError::invalid("more than one size of -1"));
    }
    let have = if input.is_some() {
        rest.iter().flatten().fold(Dim::Known(1), |product, d| product.times(d))
    } else {
        Dim::Unknown
    };
    let used = sizes.iter().filter(|(_, copied)| !copied).fold(Dim::Known(1), |product, (d, _)| product.times(d));
    let left = match (have.known(), used.known()) {
        // Nothing is left of nothing; which size stood for it cannot be told.
        (Some(0), Some(0)) if !open.is_empty() => Dim::Unknown,
        (Some(have), Some(used)) if open.is_empty() && have != used => return Err(mismatch(input, &sizes, have, used)),
        (Some(have), Some(used)) if !open.is_empty() && (used == 0 || have.checked_rem(used) != Some(0)) => {
            return Err(mismatch(input, &sizes, have, used));
        }
        _ => have.floor_div(&used),
    };
    let mut dims: Vec<Dim> = sizes.into_iter().map(|(d, _)| d).collect();
    for i in &open {
        dims[*i] = if open.len() == 1 { left.clone() } else { Dim::Unknown };
    }
    Ok(Shape::Ranked(dims))
}

fn mismatch(input: Option<&[Dim]>, sizes: &[(Dim, bool)], have: i64, used: i64) -> OpError {
    let from = Shape::Ranked(input.unwrap_or(&[]).to_vec());
    let to = Shape::Ranked(sizes.iter().map(|(d, _)| d.clone()).collect());
    let message = format!("{from} does not go into the shape {to}: {have} elements for {used}");
    OpError::new("reshape-mismatch", message)
        .help("a size fixed at export works only with the input size, and the batch, that it was exported for")
}

fn flatten(dims: Option<&[Dim]>, stated: i64) -> Result<Shape, OpError> {
    let Some(dims) = dims else { return Ok(Shape::of_rank(2)) };
    let after_last = usize::try_from(stated).is_ok_and(|a| a == dims.len());
    let (before, after) = dims.split_at(if after_last { dims.len() } else { axis(stated, dims.len())? });
    Ok(Shape::Ranked(vec![shape::product(before), shape::product(after)]))
}

fn squeeze(dims: Option<&[Dim]>, squeezed: &Axes) -> Result<Shape, OpError> {
    let Some(dims) = dims else { return Ok(Shape::Unranked) };
    match squeezed {
        Axes::Known(stated) => {
            let gone = axes(stated, dims.len())?;
            if let Some((i, size)) =
                gone.iter().map(|i| (i, &dims[*i])).find(|(_, d)| d.known().is_some_and(|n| n != 1))
            {
                return Err(OpError::invalid(format!(
                    "axis {i} has size {size}; only a size of 1 can be squeezed away"
                )));
            }
            Ok(Shape::Ranked(
                dims.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, d)| d.clone()).collect(),
            ))
        }
        Axes::None if dims.iter().all(|d| d.known().is_some()) => {
            Ok(Shape::Ranked(dims.iter().filter(|d| **d != Dim::Known(1)).cloned().collect()))
        }
        Axes::Count(n) => Ok(dims.len().checked_sub(*n).map_or(Shape::Unranked, Shape::of_rank)),
        // A free size may turn out to be 1: not even the number of dimensions is known.
        Axes::None | Axes::Unknown => Ok(Shape::Unranked),
    }
}

fn unsqueeze(dims: Option<&[Dim]>, inserted: &Axes) -> Result<Shape, OpError> {
    let Some(dims) = dims else { return Ok(Shape::Unranked) };
    match inserted {
        Axes::Known(stated) => {
            let rank = dims.len().saturating_add(stated.len());
            let new = axes(stated, rank)?;
            let mut old = dims.iter().cloned();
            let one = |i| if new.contains(&i) { Some(Dim::Known(1)) } else { old.next() };
            Ok(Shape::Ranked((0..rank).filter_map(one).collect()))
        }
        Axes::Count(n) => Ok(Shape::of_rank(dims.len().saturating_add(*n))),
        Axes::Unknown => Ok(Shape::Unranked),
        Axes::None => Err(OpError::invalid("the axes to insert are missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Dim {
        Dim::symbol("N")
    }

    fn to(input: &[Dim], wanted: &[i64]) -> Result<String, &'static str> {
        let wanted: Vec<_> = wanted.iter().map(|n| Dim::Known(*n)).collect();
        resolve(Some(input), &wanted, true).map(|s| s.to_string()).map_err(|e| e.code)
    }

    #[test]
    fn copied_and_left_over_sizes_keep_symbols() {
        let maps = [n(), Dim::Known(512), Dim::Known(7), Dim::Known(7)];
        assert_eq!(to(&maps, &[0, -1]).as_deref(), Ok("[N, 25088]"));
        assert_eq!(to(&maps, &[-1, 25088]).as_deref(), Ok("[N, 25088]"));
        assert_eq!(to(&maps, &[0, 0, -1]).as_deref(), Ok("[N, 512, 49]"));
        assert_eq!(to(&[Dim::Unknown, Dim::Known(6), Dim::Known(2)], &[0, -1]).as_deref(), Ok("[?, 12]"));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let sizes = [Dim::Known(2), Dim::Known(3)];
        assert_eq!(to(&sizes, &[4, -1]), Err("reshape-mismatch"));
        assert_eq!(to(&sizes, &[5]), Err("reshape-mismatch"));
        assert_eq!(to(&sizes, &[0, 0, 0]), Err("invalid-node"));
        assert_eq!(to(&sizes, &[-1, -1]), Err("invalid-node"));
        assert_eq!(to(&sizes, &[-2, 3]), Err("invalid-node"));
    }

    #[test]
    fn a_single_unknown_size_follows_from_the_others() {
        let wanted = [Dim::Unknown, Dim::Known(3)];
        assert_eq!(resolve(Some(&[n(), Dim::Known(6)]), &wanted, true).unwrap().to_string(), "[2*N, 3]");
        let two = [Dim::Unknown, Dim::Unknown];
        assert_eq!(resolve(Some(&[n(), Dim::Known(6)]), &two, true), Ok(Shape::of_rank(2)));
    }

    #[test]
    fn axes_that_keep_their_place_are_found_again() {
        let sources = |from: &[u64], to: &[u64]| {
            let dims = |sizes: &[u64]| sizes.iter().map(|n| Dim::from(*n)).collect::<Vec<_>>();
            regrouped(&dims(from), &dims(to))
        };
        let both =
            |axes: &[usize], parts: &[usize]| AxisSource::Regrouped { axes: axes.to_vec(), parts: parts.to_vec() };
        let (axis, of, some) = (AxisSource::Axis, |axes: &[usize]| both(axes, &[]), |parts: &[usize]| both(&[], parts));
        let shuffled = sources(&[2, 116, 28, 28], &[2, 2, 58, 28, 28]);
        assert_eq!(shuffled, [axis(0), some(&[1]), some(&[1]), axis(2), axis(3)]);
        assert_eq!(sources(&[2, 58, 2, 7], &[2, 116, 7]), [axis(0), of(&[1, 2]), axis(3)]);
        assert_eq!(sources(&[1, 16, 1, 9], &[16, 9, 1]), [axis(1), axis(3), AxisSource::Same]);
        assert_eq!(sources(&[5, 8, 7, 7], &[5, 392]), [axis(0), of(&[1, 2, 3])]);
        assert_eq!(sources(&[2, 3], &[3, 2]), [some(&[0, 1]), some(&[0, 1])]);
        let free = regrouped(&[n(), Dim::Known(6)], &[n(), Dim::Known(2), Dim::Known(3)]);
        assert_eq!(free, [axis(0), some(&[1]), some(&[1])]);
        // Groups of channels: whole maps, and a part of the channels.
        assert_eq!(sources(&[2, 12, 5, 7], &[2, 3, 140]), [axis(0), some(&[1]), both(&[2, 3], &[1])]);
    }
}
