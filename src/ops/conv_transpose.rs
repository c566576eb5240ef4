//! Transposed convolution: `ConvTranspose`, and the language's `upconv`.
//!
//! With K kernel positions, C input channels, g groups, n filters and I input positions (batch included): parameters
//! K·(C/g)·n + n, and K·(C/g)·n·I multiply-accumulates: every input value is multiplied once with every weight of its
//! channel. The bias adds one addition an output.

use super::attributes::Attribute;
use super::groups;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, pads, sizes, whole};
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Spec, Storage, Tap, Window, Work,
    bias, data, weight,
};
use super::window::{Axis, Padding, Sliding, spatial};
use crate::tensor::{DType, Dim, Literal, Shape, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "ConvTranspose",
    slots: &[data("X"), weight("W"), bias("B")],
    storage: Storage::Fresh,
    kernel: Kernel::Fresh(columns),
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "upconv",
    aliases: &["deconv"],
    foreign: &[
        "ConvTranspose",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
        "Deconvolution",
    ],
    doc: "transposed convolution: a stride makes the maps larger",
    number: Number::Width("filters"),
    kernel: Need::Required,
    stride: true,
    words: &["same", "valid", "bias", "nobias"],
    options: &[whole("groups"), pads("pad"), sizes("outpad")],
    takes: Takes::Maps,
    modifier: false,
    example: "upconv 64 2x2 /2",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let window = call.sliding(call.kernel.clone().unwrap_or_default(), None);
    let groups = call.whole("groups").unwrap_or(1);
    groups::check(groups, &call.channels(), "input channels")?;
    groups::check(groups, &Dim::from(call.count().unwrap_or(groups)), "filters")?;
    let mut attributes = window.write();
    if let Some(extra) = call.sizes("outpad") {
        attributes = attributes.with_sizes("output_padding", &extra);
    }
    if groups > 1 {
        attributes = attributes.with_size("group", groups);
    }
    let open = Open { width: call.count(), bias: !call.has("nobias"), scale: false };
    Ok(vec![Step::new("ConvTranspose", attributes).with_weights(open)])
}

#[derive(Debug)]
struct ConvTranspose {
    window: Sliding,
    groups: u64,
    extra: Option<Vec<u64>>,
    stated: Option<Vec<u64>>,
    open: Open,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(ConvTranspose {
        window: Sliding::read(spec.attributes)?,
        groups: groups::read(spec.attributes, "group")?,
        extra: spec.attributes.sizes("output_padding")?,
        stated: match spec.attributes.get("output_shape") {
            Some(Attribute::Ints(none)) if none.is_empty() => None,
            _ => spec.attributes.sizes("output_shape")?,
        },
        open: spec.open.clone(),
    }))
}

/// The kernel multiplies one group of one example at a time into columns, which it then adds up into the output:
/// 4·K·(n/g)·I bytes with the input positions I of one example.
fn columns(_: &Spec, at: &At, _: u64) -> Option<u64> {
    let x = at.tensor(0).filter(|x| x.dtype == Some(DType::F32))?.shape.sizes()?;
    let weights = at.tensor(1)?.shape.sizes()?;
    // The weights are [C, n/g, kernel…].
    let mut positions = x.get(2..)?.iter().chain(weights.get(1..)?);
    positions.try_fold(4u64, |product, n| product.checked_mul(*n))
}

impl ConvTranspose {
    /// Spatial axes with the kernel of the attribute or else of the weights; `None` while either is unknown.
    fn axes(&self, at: &At) -> Result<Option<Vec<Axis>>, OpError> {
        let from_weights = at.dims(1).and_then(|w| w.iter().skip(2).map(Dim::size).collect::<Option<Vec<_>>>());
        let rank = match (at.dims(0), &self.window.kernel, &from_weights) {
            (Some(x), _, _) => spatial(x)?.len(),
            (None, Some(k), _) | (None, None, Some(k)) => k.len(),
            (None, None, None) => return Ok(None),
        };
        if self.window.kernel.is_none() && from_weights.is_none() {
            return Ok(None);
        }
        self.window.axes(rank, from_weights).map(Some)
    }

    /// Output size and padding before, for each axis.
    fn outputs(&self, inputs: &[Dim], axes: &[Axis]) -> Result<Vec<(Dim, Dim)>, OpError> {
        let rank = axes.len();
        let extra = self.extra.clone().unwrap_or_else(|| vec![0; rank]);
        // Some files state batch and channels too.
        let stated = self.stated.as_ref().map(|s| s.get(s.len().saturating_sub(rank)..).unwrap_or(&[]));
        if extra.len() != rank || stated.is_some_and(|s| s.len() != rank) {
            return Err(OpError::invalid(format!("`output_padding` or `output_shape` do not fit {rank} spatial axes")));
        }
        let one = |(i, (input, axis)): (usize, (&Dim, &Axis))| {
            let stride = Dim::from(axis.stride);
            let full = input
                .minus(&Dim::Known(1))
                .times(&stride)
                .plus(&Dim::Known(axis.extent()))
                .plus(&extra.get(i).map_or(Dim::Unknown, |e| Dim::from(*e)));
            let fixed = match (stated.and_then(|s| s.get(i)), &self.window.padding) {
                (Some(size), _) => Dim::from(*size),
                (None, Padding::SameUpper | Padding::SameLower) => input.times(&stride),
                (None, Padding::Valid) => return (full, Dim::Known(0)),
                (None, Padding::Explicit(pads)) => {
                    let (before, after) = pads.get(i).copied().unwrap_or((0, 0));
                    return (full.minus(&Dim::Known(before)).minus(&Dim::Known(after)), Dim::Known(before));
                }
            };
            // What is too much goes, half of it before; an odd one after only with SAME_UPPER.
            let padding = full.minus(&fixed);
            let half = padding.floor_div(&Dim::Known(2));
            let before = if self.window.padding == Padding::SameUpper { half } else { padding.minus(&half) };
            (fixed, before)
        };
        Ok(inputs.iter().zip(axes).enumerate().map(one).collect())
    }
}

impl Operator for ConvTranspose {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let channels = at.dims(0).and_then(|x| x.get(1)).cloned().unwrap_or(Dim::Unknown);
        let filters = self.open.width.map_or(Dim::Unknown, Dim::from);
        let per_group = filters.exact_div(&Dim::from(self.groups)).unwrap_or(Dim::Unknown);
        let kernel = self.axes(at)?.unwrap_or_default().into_iter().map(|a| Dim::from(a.kernel));
        let mut weights = vec![OpenWeight::learned(1, [channels, per_group].into_iter().chain(kernel).collect())];
        if self.open.bias {
            weights.push(OpenWeight::learned(2, vec![filters]));
        }
        Ok(weights)
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let w = at.require(1)?;
        let Some(axes) = self.axes(at)? else {
            let shape = x.shape.rank().map_or(Shape::Unranked, Shape::of_rank);
            return Ok(vec![crate::tensor::TensorType { dtype: x.dtype, shape }.into()]);
        };
        if let (Some(x), Some(w)) = (x.shape.dims(), w.shape.dims()) {
            if w.len() != x.len() {
                return Err(OpError::invalid(format!("weights of {} dimensions on an input of {}", w.len(), x.len())));
            }
            if x[1].agree(&w[0]).is_none() {
                let message = format!("the input has {} channels, the weights expect {}", x[1], w[0]);
                return Err(OpError::new("channels-mismatch", message));
            }
        }
        let filters = w.shape.dims().and_then(|w| w.get(1)).map_or(Dim::Unknown, |n| n.times(&Dim::from(self.groups)));
        let unknown = vec![Dim::Unknown; axes.len() + 2];
        let inputs = x.shape.dims().unwrap_or(&unknown);
        let mut dims = vec![inputs[0].clone(), filters];
        dims.extend(self.outputs(&inputs[2..], &axes)?.into_iter().map(|(size, _)| size));
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let w = at.tensor(1)?.shape.sizes()?;
            let (channels, per_channel) = w.split_first()?;
            let per_channel = per_channel.iter().try_fold(1u64, |p, n| p.checked_mul(*n))?;
            let kernel = w.get(2..)?.iter().try_fold(1u64, |p, n| p.checked_mul(*n))?;
            let biases = if at.has(2) { at.output_elements(0)? } else { 0 };
            Some(Arithmetic {
                class: Class::TransposedConvolution,
                macs: at.input_elements(0)?.checked_mul(per_channel)?,
                biases,
                window: kernel.checked_mul(channels.checked_div(self.groups)?)?,
                operations: Operations { add: biases, ..Operations::default() },
            })
        };
        Work::counted(count())
    }

    /// Output o sees the inputs i with o = i·s − before + d·j for a kernel position j.
    fn window(&self, at: &At) -> Window {
        let taps = || {
            let axes = self.axes(at).ok()??;
            let inputs = at.dims(0)?.get(2..)?;
            let outputs = self.outputs(inputs, &axes).ok()?;
            let tap = |(axis, (_, before)): (&Axis, (Dim, Dim))| {
                // ⌈(o + before − (extent − 1)) / s⌉ to ⌊(o + before) / s⌋.
                let before = before.known()?;
                let stride = i64::try_from(axis.stride).ok()?;
                let first = before.checked_sub(axis.extent())?.checked_add(stride)?;
                Some(Tap { num: 1, den: axis.stride, first, last: before })
            };
            axes.iter().zip(outputs).map(tap).collect::<Option<Vec<_>>>()
        };
        taps().map_or(Window::Opaque("the kernel's size is not known"), Window::Local)
    }
}
