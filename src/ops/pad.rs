//! `Pad` in every version, and the language's `pad`.

use super::attributes::{Attribute, Attributes};
use super::axes::{axis, known};
use super::cells::{coordinates, position};
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, whole};
use super::rules::{
    At, AxisSource, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Tap, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("").measured(Kernel::FRESH), op("com.microsoft").measured(Kernel::FRESH)];

const fn op(domain: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("data"), steer("pads"), steer("constant_value"), steer("axes")];
    OpKind { domain, name: "Pad", slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "pad",
    aliases: &[],
    foreign: &["ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "ZeroPad2d", "F.pad"],
    doc: "zeros around the maps, or further channels of zeros",
    number: Number::Pads,
    kernel: Need::Optional,
    stride: false,
    words: &[],
    options: &[whole("channels")],
    takes: Takes::Maps,
    modifier: false,
    example: "pad 1",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let rank = call.spatial().len();
    let mut pads = vec![(0, 0)];
    if let Some(wanted) = call.whole("channels") {
        let Some(channels) = call.channels().size() else {
            return Err(OpError::invalid("the number of channels is not known here"));
        };
        let Some(more) = wanted.checked_sub(channels) else {
            let message = format!("`pad channels={wanted}` would drop channels: there are {channels}");
            let ones = vec!["1"; rank].join("x");
            return Err(
                OpError::new("pad-shrinks", message).help(format!("`conv {wanted} {ones}` makes {wanted} of them"))
            );
        };
        pads.push((0, more));
        pads.resize(rank.saturating_add(2), (0, 0));
    } else {
        let around = call.number.as_ref().and_then(|n| call.pads_of(n));
        let around = around.or_else(|| call.kernel.as_ref().map(|k| k.iter().map(|n| (*n, *n)).collect()));
        pads.push((0, 0));
        pads.extend(around.ok_or_else(|| {
            OpError::new("missing-factor", "`pad` needs a number of positions")
                .help("for example `pad 1`, `pad 0:1` or `pad channels=64`")
        })?);
    }
    let list = pads.iter().map(|p| p.0).chain(pads.iter().map(|p| p.1)).map(Dim::from).collect();
    Ok(vec![Step::new("Pad", Attributes::new()).constant(1, DType::I64, Literal::vector(list))])
}

/// The pads are an attribute before version 11 (called `paddings` in the first), an input from then on; from version 18
/// on they may be for some axes only.
#[derive(Debug)]
struct Pad {
    stated: Option<Vec<i64>>,
    /// Whether what is added is the constant that an input states, or zero.
    constant: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let stated = match spec.attributes.get("paddings") {
        Some(Attribute::Ints(pads)) => Some(pads.clone()),
        _ => spec.attributes.ints("pads")?.map(<[i64]>::to_vec),
    };
    // Before version 11 the constant is an attribute.
    let zero = spec.attributes.float("value")?.is_none_or(|value| value == 0.0);
    let constant = zero && matches!(spec.attributes.string("mode")?, None | Some("constant"));
    Ok(Box::new(Pad { stated, constant }))
}

impl Pad {
    /// What stands before and after each axis; unknown where it is.
    fn pads(&self, at: &At, rank: usize) -> Result<Vec<(Dim, Dim)>, OpError> {
        let axes = match (at.has(3), at.ints(3).and_then(known)) {
            (false, _) => (0..rank).collect(),
            (true, Some(stated)) => stated.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?,
            (true, None) => return Ok(vec![(Dim::Unknown, Dim::Unknown); rank]),
        };
        let list: Option<Vec<Dim>> = match &self.stated {
            Some(stated) => Some(stated.iter().map(|n| Dim::Known(*n)).collect()),
            None => at.ints(1).map(<[Dim]>::to_vec),
        };
        let list = list.unwrap_or_else(|| vec![Dim::Unknown; axes.len().saturating_mul(2)]);
        if list.len() != axes.len().saturating_mul(2) {
            return Err(OpError::invalid(format!("{} pads for {} axes", list.len(), axes.len())));
        }
        let (before, after) = list.split_at(axes.len());
        let mut pads = vec![(Dim::Known(0), Dim::Known(0)); rank];
        for (i, pad) in axes.iter().zip(before.iter().cloned().zip(after.iter().cloned())) {
            pads[*i] = pad;
        }
        Ok(pads)
    }
}

impl Operator for Pad {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else {
            let rank = self.stated.as_ref().map(|p| p.len() / 2);
            return Ok(vec![TensorType { dtype: x.dtype, shape: rank.map_or(Shape::Unranked, Shape::of_rank) }.into()]);
        };
        let pads = self.pads(at, dims.len())?;
        let dims = dims.iter().zip(pads).map(|(d, (before, after))| d.plus(&before).plus(&after)).collect();
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0).filter(|_| self.constant)?;
            let pads = self.pads(at, x.dims.len()).ok()?;
            let before = pads.iter().map(|(before, _)| before.known()).collect::<Option<Vec<_>>>()?;
            let dims = at.output(0)?.shape.sizes()?;
            let dims = dims.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
            // What is added stands behind the elements that are there.
            let value = if at.has(2) { at.literal(2)?.clone() } else { x.zero() };
            let source = |place: Vec<usize>| {
                let moved =
                    |(at, before): (&usize, &i64)| i64::try_from(*at).ok()?.checked_sub(*before)?.try_into().ok();
                let place = place.iter().zip(&before).map(moved).collect::<Option<Vec<usize>>>();
                place.and_then(|place| position(&x.dims, &place)).unwrap_or(x.len())
            };
            x.chain(&value)?.pick(dims.clone(), coordinates(&dims)?.map(source))
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        let Some(Ok(pads)) = at.dims(0).map(|d| self.pads(at, d.len())) else {
            return Window::Opaque("the number of dimensions is not known");
        };
        let slid = |(axis, (before, _)): (usize, &(Dim, Dim))| {
            Some(AxisSource::Slid(axis, Tap::point(before.known()?.saturating_neg())))
        };
        match pads.iter().enumerate().map(slid).collect() {
            Some(from) => Window::Axes { from, whole: Vec::new() },
            None => Window::Opaque("the pads are not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, ints};

    /// The specification's example, with whole numbers; a negative pad cuts.
    #[test]
    fn known_elements_get_a_border() {
        let pad = |pads: &[i64]| {
            let case = Case::new("", "Pad", 13).known(ints(&[3, 2], &[10, 12, 23, 34, 45, 57]));
            case.known(ints(&[4], pads)).fold()
        };
        let wanted = ints(&[3, 4], &[0, 0, 10, 12, 0, 0, 23, 34, 0, 0, 45, 57]);
        assert_eq!(pad(&[0, 2, 0, 0]), [Some(wanted)]);
        assert_eq!(pad(&[-1, 0, 0, -1]), [Some(ints(&[2, 1], &[23, 45]))]);
    }
}
