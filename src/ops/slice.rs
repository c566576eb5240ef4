//! `Slice` in every version, and the language's `crop`.

use super::attributes::Attributes;
use super::axes::{axis, known};
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, target};
use super::rules::{
    At, AxisSource, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Tap, Window, Work, data, steer,
};
use crate::tensor::shape::joined;
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Slice",
    slots: &[data("data"), steer("starts"), steer("ends"), steer("axes"), steer("steps")],
    storage: Storage::Fresh,
    kernel: Kernel::FRESH,
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "crop",
    aliases: &[],
    foreign: &["Cropping1D", "Cropping2D", "Cropping3D", "CenterCrop"],
    doc: "takes the middle: so many positions less on each side, or to a size",
    number: Number::Optional("positions"),
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[target("to")],
    takes: Takes::Maps,
    modifier: false,
    example: "crop 2",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let sizes = sizes_of(call.input())?;
    let to = match (call.sizes("to"), call.count()) {
        (Some(to), _) => to,
        (None, Some(edge)) => {
            let less = |n: &u64| n.checked_sub(edge.checked_mul(2)?).filter(|n| *n > 0);
            sizes.iter().map(less).collect::<Option<_>>().ok_or_else(|| {
                let from = call.input().shape.notation();
                OpError::new("crop-grows", format!("nothing is left of {from} without {edge} positions on each side"))
            })?
        }
        (None, None) => {
            return Err(OpError::new("missing-window", "`crop` needs a number of positions or a size")
                .help("for example `crop 2`, or `crop to=28x28`"));
        }
    };
    Ok(crop_to(call.input(), &to)?.into_iter().collect())
}

fn sizes_of(x: &TensorType) -> Result<Vec<u64>, OpError> {
    let spatial = x.shape.dims().and_then(|d| d.get(2..)).unwrap_or(&[]);
    let sizes = spatial.iter().map(Dim::size).collect::<Option<_>>();
    sizes.ok_or_else(|| OpError::invalid("the size of the maps is not known here"))
}

/// The step that cuts maps to a size around their middle; none when they have it already.
pub(super) fn crop_to(x: &TensorType, to: &[u64]) -> Result<Option<Step>, OpError> {
    let sizes = sizes_of(x)?;
    if sizes.len() != to.len() || sizes.iter().zip(to).any(|(from, to)| to > from) {
        let to = joined(&to.iter().map(|n| Dim::from(*n)).collect::<Vec<_>>());
        let error = OpError::new("crop-grows", format!("cannot crop {} to {to}", x.shape.notation()));
        return Err(error.help("crop the other one"));
    }
    if sizes == to {
        return Ok(None);
    }
    let starts: Vec<u64> = sizes.iter().zip(to).map(|(from, to)| (from - to) / 2).collect();
    let ends = starts.iter().zip(to).map(|(start, to)| Dim::from(start.saturating_add(*to))).collect();
    let axes = (2..).take(to.len()).map(Dim::Known).collect();
    let starts = starts.into_iter().map(Dim::from).collect();
    let constants = [starts, ends, axes].into_iter().enumerate();
    let step = Step::new("Slice", Attributes::new());
    Ok(Some(constants.fold(step, |step, (i, list)| step.constant(i + 1, DType::I64, Literal::vector(list)))))
}

/// The lists that say what to take. Before version 10 they are attributes.
#[derive(Debug)]
struct Slice {
    stated: Option<Lists>,
}

#[derive(Clone, Debug)]
struct Lists {
    starts: Vec<Dim>,
    ends: Vec<Dim>,
    axes: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let dims = |list: &[i64]| list.iter().map(|n| Dim::Known(*n)).collect();
    let stated = match (spec.attributes.ints("starts")?, spec.attributes.ints("ends")?) {
        (Some(starts), Some(ends)) if spec.opset < 10 => Some(Lists {
            starts: dims(starts),
            ends: dims(ends),
            axes: spec.attributes.ints("axes")?.map(<[i64]>::to_vec),
            steps: None,
        }),
        _ => None,
    };
    Ok(Box::new(Slice { stated }))
}

/// What is taken along one axis.
#[derive(Clone, Debug)]
struct Cut {
    axis: usize,
    start: Dim,
    end: Dim,
    step: Option<i64>,
}

impl Slice {
    /// One cut an axis; `None` when not even the axes are known.
    fn cuts(&self, at: &At, rank: usize) -> Result<Option<Vec<Cut>>, OpError> {
        let Some(lists) = self.stated.clone().or_else(|| from_inputs(at, rank)) else { return Ok(None) };
        let axes = lists.axes.unwrap_or_else(|| (0..).take(lists.starts.len()).collect());
        if axes.len() != lists.starts.len() || lists.ends.len() != lists.starts.len() {
            return Err(OpError::invalid("`starts`, `ends` and `axes` differ in length"));
        }
        let steps = lists.steps.map(|s| s.into_iter().map(Some).collect());
        let steps: Vec<Option<i64>> = steps.unwrap_or_else(|| vec![if at.has(4) { None } else { Some(1) }; axes.len()]);
        if steps.len() != axes.len() || steps.contains(&Some(0)) {
            return Err(OpError::invalid("`steps` has a zero, or another length than `starts`"));
        }
        let bounds = lists.starts.into_iter().zip(lists.ends);
        let cuts = axes.iter().zip(bounds).zip(steps);
        let cuts = cuts.map(|((a, (start, end)), step)| Ok(Cut { axis: axis(*a, rank)?, start, end, step }));
        cuts.collect::<Result<_, _>>().map(Some)
    }
}

fn from_inputs(at: &At, rank: usize) -> Option<Lists> {
    let axes = if at.has(3) { Some(known(at.ints(3)?)?) } else { None };
    // Bounds that are not known leave the size of their axes open, but no others.
    let open = |slot: usize| {
        let length = axes.as_ref().map(Vec::len).or_else(|| match at.dims(slot) {
            Some([n]) => n.size().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= rank),
            _ => None,
        });
        at.ints(slot).map(<[Dim]>::to_vec).or_else(|| length.map(|n| vec![Dim::Unknown; n]))
    };
    let (starts, ends) = (open(1)?, open(2)?);
    let steps = at.ints(4).and_then(known);
    Some(Lists { starts, ends, axes, steps })
}

impl Operator for Slice {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.without_rank().into()]) };
        let Some(cuts) = self.cuts(at, dims.len())? else {
            return Ok(vec![TensorType { dtype: x.dtype, shape: Shape::of_rank(dims.len()) }.into()]);
        };
        let mut dims = dims.to_vec();
        for cut in cuts {
            dims[cut.axis] = length(&dims[cut.axis], &cut);
        }
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            literal::bounded(&x.dims)?;
            let mut kept: Vec<Vec<usize>> = x.dims.iter().map(|n| (0..*n).collect()).collect();
            for cut in self.cuts(at, x.dims.len()).ok()?? {
                let size = i64::try_from(x.dims[cut.axis]).ok()?;
                kept[cut.axis] = positions(size, cut.start.known()?, cut.end.known()?, cut.step?)?;
            }
            let dims = kept.iter().map(Vec::len).collect();
            let places = x.dims.iter().zip(&kept).try_fold(vec![0usize], |places, (size, kept)| {
                let inner = |p: &usize| kept.iter().map(|k| Some(p.checked_mul(*size)? + k)).collect::<Vec<_>>();
                places.iter().flat_map(inner).collect::<Option<Vec<_>>>()
            })?;
            x.pick(dims, places)
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        let Some(x) = at.dims(0) else { return Window::Opaque("the number of dimensions is not known") };
        let Ok(Some(cuts)) = self.cuts(at, x.len()) else { return Window::Opaque("what is taken is not known") };
        let from = x.iter().enumerate().map(|(axis, size)| match cuts.iter().find(|c| c.axis == axis) {
            None => AxisSource::Axis(axis),
            Some(cut) => tap(size, cut).map_or(AxisSource::some_of(axis), |tap| AxisSource::Slid(axis, tap)),
        });
        Window::Axes { from: from.collect(), whole: Vec::new() }
    }
}

/// The receptive-field step along an axis that is cut; none where it is read backwards.
fn tap(size: &Dim, cut: &Cut) -> Option<Tap> {
    let stride = cut.step.and_then(|s| u64::try_from(s).ok())?;
    let start = cut.start.known()?;
    let start = match (start < 0, size.known()) {
        (true, Some(n)) => n.saturating_add(start).max(0),
        (true, None) => return None,
        (false, _) => start,
    };
    Tap::sliding(start, 1, stride)
}

/// From here on a bound on a free size means "to the end": exporters write 10^9 as well as the largest integers.
const FAR: i64 = 1_000_000_000;

/// How many positions a cut keeps of an axis.
///
/// Bounds beyond the ends are moved to them, negative ones count from the end. Forwards that is
/// ⌈max(0, min(end, size) − start) / step⌉, which a free size leaves as an expression.
fn length(size: &Dim, cut: &Cut) -> Dim {
    let Some(step) = cut.step else { return Dim::Unknown };
    let (start, end) = (&cut.start, &cut.end);
    if let (Some(size), Some(start), Some(end)) = (size.known(), start.known(), end.known()) {
        let (start, end) = bounds(size, start, end, step);
        return Dim::Known(end).minus(&Dim::Known(start)).ceil_div(&Dim::Known(step)).larger(&Dim::Known(0));
    }
    let to_the_end = *end == *size || end.known().is_some_and(|n| n >= FAR);
    if step < 0 {
        // Backwards through all of a free size; other ways back stay unknown.
        let whole = start.known().is_some_and(|n| n == -1 || n >= FAR) && end.known().is_some_and(|n| n <= -FAR);
        return step.checked_neg().filter(|_| whole).map_or(Dim::Unknown, |s| size.ceil_div(&Dim::Known(s)));
    }
    let kept = match (sign(start), sign(end)) {
        (Some(Sign::Minus), _) if to_the_end => size.smaller(&Dim::Known(0).minus(start)),
        (Some(first), Some(last)) => {
            let start = if first == Sign::Plus { start.clone() } else { size.plus(start).larger(&Dim::Known(0)) };
            let end = match last {
                Sign::Plus if to_the_end => size.clone(),
                Sign::Plus => end.smaller(size),
                Sign::Minus => size.plus(end),
            };
            end.minus(&start).larger(&Dim::Known(0))
        }
        _ => Dim::Unknown,
    };
    kept.ceil_div(&Dim::Known(step))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

/// Which end a bound counts from, where that is certain.
fn sign(bound: &Dim) -> Option<Sign> {
    let below_zero = || Dim::Known(-1).minus(bound).is_never_negative();
    if bound.is_never_negative() { Some(Sign::Plus) } else { below_zero().then_some(Sign::Minus) }
}

/// First position and the one after the last, moved into the axis: forwards between 0 and the size, backwards between
/// the last position and −1.
fn bounds(size: i64, start: i64, end: i64, step: i64) -> (i64, i64) {
    let from_end = |n: i64| if n < 0 { n.saturating_add(size) } else { n };
    let last = size.saturating_sub(1);
    match (step > 0, size > 0) {
        (_, false) => (0, 0),
        (true, true) => (from_end(start).clamp(0, size), from_end(end).clamp(0, size)),
        (false, true) => (from_end(start).clamp(0, last), from_end(end).clamp(-1, last)),
    }
}

/// The positions that a cut keeps, in its order.
fn positions(size: i64, start: i64, end: i64, step: i64) -> Option<Vec<usize>> {
    let (start, end) = bounds(size, start, end, step);
    let mut kept = Vec::new();
    let mut position = start;
    while (step > 0 && position < end) || (step < 0 && position > end) {
        kept.push(usize::try_from(position).ok()?);
        position = position.checked_add(step)?;
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(size: &Dim, start: i64, end: i64, step: i64) -> String {
        length(size, &Cut { axis: 0, start: Dim::Known(start), end: Dim::Known(end), step: Some(step) }).to_string()
    }

    /// Lengths of Python's slices, which ONNX adopts; `i64::MIN` stands for an end left out of a backward slice.
    #[test]
    fn lengths_are_those_of_python() {
        let ten = Dim::Known(10);
        for (start, end, step, wanted) in [
            (0, 10, 1, "10"),
            (1, -1, 1, "8"),
            (-3, i64::MAX, 1, "3"),
            (0, 10, 3, "4"),
            (8, 2, 1, "0"),
            (-1, i64::MIN, -1, "10"),
            (8, 2, -2, "3"),
            (20, 0, -4, "3"),
            (-20, 5, 1, "5"),
        ] {
            assert_eq!(cut(&ten, start, end, step), wanted, "{start}:{end}:{step}");
        }
        assert_eq!(cut(&Dim::Known(0), -1, i64::MIN, -1), "0");
    }

    #[test]
    fn a_free_size_stays_in_the_answer() {
        let n = Dim::symbol("N");
        assert_eq!(cut(&n, 0, i64::MAX, 1), "N");
        assert_eq!(cut(&n, 0, FAR, 1), "N");
        assert_eq!(cut(&n, 0, 1, 1), "1");
        assert_eq!(cut(&n, 0, 2, 1), "min(2, N)");
        assert_eq!(cut(&n, -2, i64::MAX, 1), "min(2, N)");
        assert_eq!(cut(&n, 1, -1, 1), "max(0, N - 2)");
        assert_eq!(cut(&n, 0, i64::MAX, 2), "ceil((N)/(2))");
        assert_eq!(cut(&n, -1, i64::MIN, -1), "N");
        let all = Cut { axis: 0, start: Dim::Known(0), end: n.clone(), step: Some(1) };
        assert_eq!(length(&n, &all), n);
    }
}
