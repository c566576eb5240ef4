//! Interpolation to another size: `Resize` and `Upsample` in every version, and the language's `upsample`.
//!
//! An output of linear interpolation along d axes is a weighted sum of 2^d neighbours, of cubic interpolation of 4^d:
//! so many multiplications, and one addition less. The nearest neighbour costs nothing.

use super::attributes::{Attribute, Attributes};
use super::axes::axis;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, target};
use super::rules::{
    At, AxisSource, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Tap, Window, Work,
    data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("Resize"), op("Upsample")];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("X"), steer("roi"), steer("scales"), steer("sizes")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Fresh(tables), read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "upsample",
    aliases: &[],
    foreign: &["UpSampling1D", "UpSampling2D", "UpSampling3D", "Upsample", "nn.Upsample", "F.interpolate", "Resize"],
    doc: "larger maps by repetition or interpolation",
    number: Number::Optional("factor"),
    kernel: Need::Never,
    stride: false,
    words: &["nearest", "bilinear"],
    options: &[target("to")],
    takes: Takes::Maps,
    modifier: false,
    example: "upsample 2",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let rank = call.spatial().len();
    let axes = Attribute::Ints((2i64..).take(rank).collect());
    let mode = Attribute::String(if call.has("bilinear") { "linear" } else { "nearest" }.into());
    let step = Step::new("Resize", Attributes::new().with("axes", axes).with("mode", mode));
    let step = match (call.sizes("to"), call.count().map(u32::try_from)) {
        (Some(to), _) => step.constant(3, DType::I64, Literal::vector(to.into_iter().map(Dim::from).collect())),
        (None, Some(Ok(factor))) => {
            let scales = Literal { dims: vec![rank], elements: Elements::Floats(vec![f64::from(factor); rank]) };
            step.constant(2, DType::F32, scales)
        }
        (None, Some(Err(_))) => return Err(OpError::new("number-too-big", "a factor beyond 2^32")),
        (None, None) => {
            return Err(OpError::new("missing-factor", "`upsample` needs a factor")
                .help("for example `upsample 2`, or `upsample to=56x56`"));
        }
    };
    Ok(vec![step])
}

#[derive(Debug)]
struct Resize {
    /// The input with the scales.
    scales_at: usize,
    /// Scales that an attribute states.
    stated: Option<Vec<f32>>,
    /// The axes that scales and sizes are for; all by default.
    axes: Option<Vec<i64>>,
    policy: Policy,
    mode: Mode,
    alignment: Alignment,
}

/// What to do with the aspect ratio.
#[derive(Debug)]
enum Policy {
    Stretch,
    NotLarger,
    NotSmaller,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

impl Mode {
    fn read(attributes: &Attributes) -> Result<Mode, OpError> {
        Ok(match attributes.string("mode")?.unwrap_or("nearest") {
            "linear" | "bilinear" => Mode::Linear,
            "cubic" => Mode::Cubic,
            _ => Mode::Nearest,
        })
    }
}

/// Linear interpolation of two axes looks up two neighbours and two weights, 4 bytes each, for every row and column of
/// the output; of three axes six such for every plane, row and column, and a tensor of three axes is taken as those.
fn tables(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    let (from, to) = (at.tensor(0)?.shape.sizes()?, at.output(0)?.shape.sizes()?);
    if spec.attributes.flag("antialias", false).ok()? {
        return None;
    }
    match (Mode::read(spec.attributes).ok()?, &to[..]) {
        (Mode::Nearest | Mode::Cubic, _) => Some(0),
        _ if from == to => Some(0),
        (Mode::Linear, [_, rows, columns, last]) if from.last() == Some(last) && from.get(1) != Some(rows) => {
            rows.checked_add(*columns)?.checked_mul(16)
        }
        (Mode::Linear, [_, _, rows, columns]) => rows.checked_add(*columns)?.checked_mul(16),
        (Mode::Linear, [planes, rows, columns] | [_, _, planes, rows, columns]) => {
            planes.checked_add(*rows)?.checked_add(*columns)?.checked_mul(24)
        }
        (Mode::Linear, _) => None,
    }
}

/// Which positions of input and output lie on one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alignment {
    /// The middles of the first and the last ones' outer edges.
    HalfPixel,
    /// The first and the last ones.
    Corners,
    /// The first ones.
    Start,
    /// Those of a part of the input.
    Crop,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let stated =
        match (attributes.floats("scales")?, attributes.float("height_scale")?, attributes.float("width_scale")?) {
            (Some(scales), _, _) => Some(scales.to_vec()),
            (None, Some(height), Some(width)) => Some(vec![1.0, 1.0, height, width]),
            _ => None,
        };
    let policy = match attributes.string("keep_aspect_ratio_policy")?.unwrap_or("stretch") {
        "stretch" => Policy::Stretch,
        "not_larger" => Policy::NotLarger,
        "not_smaller" => Policy::NotSmaller,
        other => {
            return Err(OpError::invalid(format!("`keep_aspect_ratio_policy` is `{other}`, which no version knows")));
        }
    };
    let mode = Mode::read(attributes)?;
    let old = spec.opset < 11 || spec.kind.name == "Upsample";
    let alignment = match attributes.string("coordinate_transformation_mode")? {
        Some("align_corners") => Alignment::Corners,
        Some("asymmetric") => Alignment::Start,
        Some("tf_crop_and_resize") => Alignment::Crop,
        None if old => Alignment::Start,
        _ => Alignment::HalfPixel,
    };
    Ok(Box::new(Resize {
        scales_at: if old { 1 } else { 2 },
        stated,
        axes: attributes.ints("axes")?.map(<[i64]>::to_vec),
        policy,
        mode,
        alignment,
    }))
}

/// What is wanted of one axis.
#[derive(Clone, Debug)]
enum Wanted {
    Scale(f64),
    Size(Dim),
}

impl Resize {
    /// The axes that change, and to what; `None` when that is not known.
    fn wanted(&self, at: &At, rank: usize) -> Result<Option<Vec<(usize, Wanted)>>, OpError> {
        let axes = match &self.axes {
            Some(stated) => stated.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?,
            None => (0..rank).collect(),
        };
        let stated = self.stated.as_ref().map(|s| s.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
        let scales = stated.or_else(|| at.literal(self.scales_at)?.floats().map(<[f64]>::to_vec));
        let sizes = if self.scales_at == 2 { at.ints(3) } else { None };
        let wanted: Vec<Wanted> = match (sizes, scales) {
            (Some(sizes), _) if !sizes.is_empty() => sizes.iter().cloned().map(Wanted::Size).collect(),
            (_, Some(scales)) if !scales.is_empty() => scales.into_iter().map(Wanted::Scale).collect(),
            _ => return Ok(None),
        };
        if wanted.len() != axes.len() {
            return Err(OpError::invalid(format!("{} scales or sizes for {} axes", wanted.len(), axes.len())));
        }
        Ok(Some(axes.into_iter().zip(wanted).collect()))
    }

    /// The sizes that the policy makes of those wanted: one scale for all axes, the smallest or the largest of theirs.
    fn kept_ratio(&self, dims: &[Dim], wanted: &[(usize, Wanted)]) -> Option<Vec<Dim>> {
        let pair = |(a, wanted): &(usize, Wanted)| match wanted {
            Wanted::Size(to) => Some((to.size()?, dims.get(*a)?.size().filter(|n| *n > 0)?)),
            Wanted::Scale(_) => None,
        };
        let pairs = wanted.iter().map(pair).collect::<Option<Vec<_>>>()?;
        let order = |(to, from): &(u64, u64), (other_to, other_from): &(u64, u64)| {
            (u128::from(*to) * u128::from(*other_from)).cmp(&(u128::from(*other_to) * u128::from(*from)))
        };
        let scale = match self.policy {
            Policy::NotLarger => pairs.iter().min_by(|a, b| order(a, b)),
            _ => pairs.iter().max_by(|a, b| order(a, b)),
        };
        let (to, from) = *scale?;
        // Rounded to the nearest whole number, halves up: ⌊(2·size·to + from) / (2·from)⌋.
        let rounded = |(_, size): &(u64, u64)| {
            let twice = u128::from(*size).checked_mul(u128::from(to))?.checked_mul(2)?.checked_add(from.into())?;
            u64::try_from(twice / (u128::from(from) * 2)).ok().map(Dim::from)
        };
        pairs.iter().map(rounded).collect()
    }

    fn outputs(&self, at: &At, dims: &[Dim]) -> Result<Vec<Dim>, OpError> {
        let Some(wanted) = self.wanted(at, dims.len())? else {
            let changes = |i: usize| match &self.axes {
                Some(axes) => axes.iter().any(|a| axis(*a, dims.len()) == Ok(i)),
                None => true,
            };
            return Ok(dims
                .iter()
                .enumerate()
                .map(|(i, d)| if changes(i) { Dim::Unknown } else { d.clone() })
                .collect());
        };
        let mut outputs = dims.to_vec();
        let by_size = wanted.iter().any(|(_, w)| matches!(w, Wanted::Size(_)));
        if by_size && !matches!(self.policy, Policy::Stretch) {
            let sizes = self.kept_ratio(dims, &wanted);
            for (i, (a, _)) in wanted.iter().enumerate() {
                outputs[*a] = sizes.as_ref().and_then(|s| s.get(i).cloned()).unwrap_or(Dim::Unknown);
            }
            return Ok(outputs);
        }
        for (a, wanted) in &wanted {
            outputs[*a] = match wanted {
                Wanted::Size(size) => size.clone(),
                Wanted::Scale(scale) => scaled(&dims[*a], *scale),
            };
        }
        Ok(outputs)
    }
}

/// ⌊size · scale⌋ in the 32-bit floats that runtimes use; for a free size where the scale is a fraction of whole
/// numbers for certain. With `tf_crop_and_resize` the specification's text has the cropped part as a factor too, but
/// neither ONNX Runtime nor onnx's own inference does.
fn scaled(size: &Dim, scale: f64) -> Dim {
    if let Some(n) = size.known() {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as runtimes compute it")]
        let product = f64::from((n as f32) * (scale as f32));
        return whole(product.floor());
    }
    let denominator = [1u16, 2, 4, 8, 16, 32].into_iter().find(|d| (scale * f64::from(*d)).fract() == 0.0);
    denominator.map_or(Dim::Unknown, |d| size.times(&whole(scale * f64::from(d))).floor_div(&Dim::Known(i64::from(d))))
}

/// A float without a fraction as a size.
pub(super) fn whole(x: f64) -> Dim {
    // Beyond 2^53 a float is no longer exact.
    if x.abs() > 9_007_199_254_740_992.0 || x.fract() != 0.0 {
        return Dim::Unknown;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    Dim::Known(x as i64)
}

impl Operator for Resize {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let shape = match x.shape.dims() {
            Some(dims) => Shape::Ranked(self.outputs(at, dims)?),
            None => match (at.ints(3), &self.axes) {
                (Some(sizes), None) if self.scales_at == 2 && !sizes.is_empty() => Shape::Ranked(sizes.to_vec()),
                _ => Shape::Unranked,
            },
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let changed = at.dims(0)?.iter().zip(at.output(0)?.shape.dims()?).filter(|(from, to)| from != to).count();
            let axes = u32::try_from(changed).ok()?;
            let window = match self.mode {
                Mode::Nearest => 1,
                Mode::Linear => 2u64.checked_pow(axes)?,
                Mode::Cubic => 4u64.checked_pow(axes)?,
            };
            let weighted = if window > 1 { window } else { 0 };
            let each = Operations { mul: weighted, add: weighted.saturating_sub(1), ..Operations::default() };
            Some((window, each.times(at.output_elements(0)?)?))
        };
        let class = match (self.mode, at.dims(0).map_or(4, <[Dim]>::len)) {
            (Mode::Nearest, _) => Class::Nearest,
            (Mode::Linear, 0..=3) => Class::Linear,
            (Mode::Linear, 4) => Class::Bilinear,
            (Mode::Linear, _) => Class::Multilinear,
            (Mode::Cubic, _) => Class::Cubic,
        };
        Work::windowed(class, count())
    }

    fn window(&self, at: &At) -> Window {
        let slid = || {
            let pairs = at.dims(0)?.iter().zip(at.output(0)?.shape.dims()?).enumerate();
            let one = |(axis, (from, to))| self.tap(from, to).map(|tap| AxisSource::Slid(axis, tap));
            pairs.map(one).collect::<Option<Vec<_>>>()
        };
        slid().map_or(Window::Opaque("the sizes are not known"), |from| Window::Axes { from, whole: Vec::new() })
    }
}

impl Resize {
    /// Output `u` lies at `(u·num + shift) / den` of the input, and reads that position and its neighbours.
    fn tap(&self, from: &Dim, to: &Dim) -> Option<Tap> {
        if from == to {
            return Some(Tap::point(0));
        }
        let (from, to) = (from.known().filter(|n| *n > 0)?, to.known().filter(|n| *n > 0)?);
        let (num, den, shift) = match self.alignment {
            Alignment::Corners if to > 1 => (from - 1, to - 1, 0),
            Alignment::HalfPixel => (from.checked_mul(2)?, to.checked_mul(2)?, from.checked_sub(to)?),
            Alignment::Start | Alignment::Corners => (from, to, 0),
            Alignment::Crop => return None,
        };
        let (first, last) = match (self.mode, self.alignment) {
            // The nearest position of a half-pixel grid is half a position on from the one below.
            (Mode::Nearest, Alignment::HalfPixel) => (from, from),
            (Mode::Nearest, _) => (shift, shift),
            (Mode::Linear, _) => (shift, shift.checked_add(den)?),
            (Mode::Cubic, _) => (shift.checked_sub(den)?, shift.checked_add(den.checked_mul(2)?)?),
        };
        Some(Tap { num: num.unsigned_abs(), den: den.unsigned_abs(), first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// onnx/backend/test/case/node/resize.py: sizes and policies of `resize_*_not_larger` and `_not_smaller`.
    #[test]
    fn a_kept_ratio_rounds_halves_up() {
        let of = |policy, from: [i64; 2], to: [i64; 2]| {
            let resize = Resize {
                scales_at: 2,
                stated: None,
                axes: None,
                policy,
                mode: Mode::Nearest,
                alignment: Alignment::HalfPixel,
            };
            let wanted: Vec<_> = to.into_iter().map(|n| Wanted::Size(Dim::Known(n))).enumerate().collect();
            resize.kept_ratio(&from.map(Dim::Known), &wanted)
        };
        assert_eq!(of(Policy::NotLarger, [2, 4], [7, 8]), Some(vec![Dim::Known(4), Dim::Known(8)]));
        assert_eq!(of(Policy::NotSmaller, [2, 4], [7, 8]), Some(vec![Dim::Known(7), Dim::Known(14)]));
        assert_eq!(of(Policy::NotLarger, [2, 4], [1, 3]), Some(vec![Dim::Known(1), Dim::Known(2)]));
        assert_eq!(of(Policy::NotSmaller, [2, 4], [1, 3]), Some(vec![Dim::Known(2), Dim::Known(3)]));
    }

    #[test]
    fn scales_are_32_bit_floats_and_free_sizes_stay_free() {
        // 10 · 0.7 is 7 in 32 bits, 6.999… in 64.
        assert_eq!(scaled(&Dim::Known(10), f64::from(0.7f32)), Dim::Known(7));
        let n = Dim::symbol("N");
        assert_eq!(scaled(&n, 2.0).to_string(), "2*N");
        assert_eq!(scaled(&n, 0.5).to_string(), "floor((N)/(2))");
        assert_eq!(scaled(&n, f64::from(0.7f32)), Dim::Unknown);
    }
}
