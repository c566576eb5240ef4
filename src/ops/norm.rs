//! Normalisations by statistics of the example itself: `InstanceNormalization`, `LayerNormalization`,
//! `GroupNormalization`, `RMSNormalization`, `MeanVarianceNormalization`, and one of our own, `ChannelNormalization`
//! (over the channels of each position, as Keras and ConvNeXt do it on maps). The language's `instancenorm`,
//! `layernorm` and `groupnorm` have a scale and a shift for each channel.
//!
//! An element costs three additions (mean, deviation, variance) and two multiplications (square, division by the
//! deviation as a product); a scale another multiplication, a shift another addition. Each group of elements with
//! common statistics costs an addition (epsilon) and four divisions and roots. Without a mean (RMS) that is one
//! addition and two multiplications an element, and three divisions and roots a group.

use super::attributes::{Attribute, Attributes};
use super::axes::{axes, axis};
use super::definition::{Definition, Line};
use super::groups;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, norm,
};
use crate::tensor::{DType, Dim, Literal, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("InstanceNormalization").measured(Kernel::FRESH),
    op("LayerNormalization").measured(Kernel::FRESH),
    op("GroupNormalization"),
    op("RMSNormalization").measured(Kernel::FRESH),
    op("MeanVarianceNormalization"),
    // ONNX Runtime writes its own RMS normalisation into the standard domain.
    op("SimplifiedLayerNormalization"),
    OpKind { domain: super::OWN_DOMAIN, ..op("ChannelNormalization") },
];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("X"), norm("scale"), norm("bias")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// ONNX normalises over the last axes: the channels go there and back.
pub(super) static CHANNEL_NORMALIZATION: Definition = Definition {
    name: "ChannelNormalization",
    inputs: &["X", "scale", "bias"],
    attributes: &["channels_last", "channels_first"],
    lines: &[
        Line { op: "Transpose", inputs: &["X"], output: "last", attribute: Some(("perm", "channels_last")) },
        Line { op: "LayerNormalization", inputs: &["last", "scale", "bias"], output: "normal", attribute: None },
        Line { op: "Transpose", inputs: &["normal"], output: "Y", attribute: Some(("perm", "channels_first")) },
    ],
};

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    Layer {
        keyword: "groupnorm",
        foreign: &["GroupNorm", "nn.GroupNorm", "GroupNormalization"],
        doc: "normalises each group of channels of each example",
        number: Number::Needed("groups"),
        takes: Takes::Maps,
        modifier: false,
        example: "groupnorm 32",
        lower: lower_group,
        ..NORM
    },
    Layer {
        keyword: "layernorm",
        foreign: &["LayerNorm", "nn.LayerNorm", "LayerNormalization"],
        doc: "normalises over the channels, of each position if there are any",
        example: "layernorm",
        lower: lower_layer,
        ..NORM
    },
    Layer {
        keyword: "instancenorm",
        foreign: &["InstanceNorm2d", "InstanceNorm3d", "InstanceNormalization"],
        doc: "normalises each map of each example",
        takes: Takes::Maps,
        example: "instancenorm",
        lower: |_| Ok(vec![Step::new("InstanceNormalization", Attributes::new()).with_weights(affine())]),
        ..NORM
    },
];

const NORM: Layer = Layer {
    keyword: "",
    aliases: &[],
    foreign: &[],
    doc: "",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: true,
    example: "",
    lower: lower_layer,
};

fn affine() -> Open {
    Open { width: None, bias: true, scale: true }
}

fn lower_group(call: &Call) -> Result<Vec<Step>, OpError> {
    let groups = call.count().unwrap_or(1);
    groups::check(groups, &call.channels(), "channels")?;
    let attributes = Attributes::new().with_size("num_groups", groups);
    Ok(vec![Step::new("GroupNormalization", attributes).with_weights(affine())])
}

fn lower_layer(call: &Call) -> Result<Vec<Step>, OpError> {
    let step = if call.spatial().is_empty() {
        Step::new("LayerNormalization", Attributes::new().with_int("axis", -1))
    } else {
        let axes = (1..).take(call.spatial().len());
        let last = [0].into_iter().chain(axes.clone().map(|axis| axis + 1)).chain([1]).collect();
        let first = [0, 1 + axes.clone().last().unwrap_or(0)].into_iter().chain(axes).collect();
        let order = Attributes::new().with("channels_last", Attribute::Ints(last));
        Step::own("ChannelNormalization", order.with("channels_first", Attribute::Ints(first)))
    };
    Ok(vec![step.with_weights(affine())])
}

#[derive(Debug)]
struct Norm {
    kind: Kind,
    open: Open,
}

#[derive(Debug)]
enum Kind {
    Instance,
    Channel,
    /// Everything from the axis on; statistics of this type are outputs too. `mean`: whether it is subtracted.
    Layer {
        axis: i64,
        statistics: Option<DType>,
        mean: bool,
    },
    /// Until version 21 with a scale for each group, from then on for each channel.
    Group {
        groups: u64,
        by_group: bool,
    },
    /// Over these axes, without scale and shift; unless they are stated, over all but the channels. Until version 9 the
    /// examples have statistics of their own, and so have their channels unless `across`.
    MeanVariance {
        axes: Option<Vec<i64>>,
        examples: bool,
        across: bool,
    },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let statistics = || {
        let number = i32::try_from(attributes.int_or("stash_type", 1)?).unwrap_or(0);
        Ok(DType::from_onnx(number))
    };
    let from = |mean| Ok(Kind::Layer { axis: attributes.int_or("axis", -1)?, statistics: statistics()?, mean });
    let kind = match spec.kind.name {
        "InstanceNormalization" => Kind::Instance,
        "ChannelNormalization" => Kind::Channel,
        "LayerNormalization" => from(true)?,
        "RMSNormalization" | "SimplifiedLayerNormalization" => from(false)?,
        "GroupNormalization" => {
            Kind::Group { groups: groups::read(attributes, "num_groups")?, by_group: spec.opset < 21 }
        }
        _ => Kind::MeanVariance {
            axes: attributes.ints("axes")?.map(<[i64]>::to_vec).filter(|_| spec.opset >= 9),
            examples: spec.opset >= 9,
            across: spec.opset < 9 && attributes.flag("across_channels", false)?,
        },
    };
    Ok(Box::new(Norm { kind, open: spec.open.clone() }))
}

impl Norm {
    /// The axes over which statistics are taken.
    fn over(&self, rank: usize) -> Result<Vec<usize>, OpError> {
        match &self.kind {
            Kind::Instance => Ok((2..rank).collect()),
            Kind::Channel => Ok(vec![1]),
            Kind::Layer { axis: first, .. } => Ok((axis(*first, rank)?..rank).collect()),
            Kind::Group { .. } => Ok((1..rank).collect()),
            Kind::MeanVariance { axes: Some(stated), .. } => axes(stated, rank),
            Kind::MeanVariance { axes: None, examples, across } => {
                Ok((0..rank).filter(|axis| (*axis > 0 || *examples) && (*axis != 1 || *across)).collect())
            }
        }
    }

    /// How many elements share their statistics.
    fn shared(&self, dims: &[Dim]) -> Option<u64> {
        let over = self.over(dims.len()).ok()?;
        let all = over.iter().try_fold(1u64, |p, a| p.checked_mul(dims.get(*a)?.size()?))?;
        if let Kind::Group { groups, .. } = self.kind { all.checked_div(groups) } else { Some(all) }
    }
}

impl Operator for Norm {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let dims = at.dims(0).unwrap_or(&[]);
        let shape = match &self.kind {
            Kind::Layer { axis: first, .. } => dims.get(axis(*first, dims.len())?..).unwrap_or(&[]).to_vec(),
            _ => vec![dims.get(1).cloned().unwrap_or(Dim::Unknown)],
        };
        let mut weights = vec![OpenWeight::learned(1, shape.clone())];
        if self.open.bias {
            weights.push(OpenWeight::learned(2, shape));
        }
        Ok(weights)
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        if let Some(dims) = x.shape.dims() {
            self.over(dims.len())?;
            if let Kind::Group { groups, by_group } = self.kind {
                let channels = dims.get(1).cloned().unwrap_or(Dim::Unknown);
                groups::check(groups, &channels, "channels")?;
                check_scale(at, if by_group { Dim::from(groups) } else { channels }.known())?;
            } else if let Kind::Instance | Kind::Channel = self.kind {
                check_scale(at, dims.get(1).and_then(Dim::known))?;
            }
        }
        let mut outputs: Vec<ValueType> = vec![x.clone().into()];
        if let (Kind::Layer { axis: first, statistics, .. }, true) = (&self.kind, at.n_outputs > 1) {
            let kept = match x.shape.dims() {
                None => x.without_rank(),
                Some(dims) => {
                    let first = axis(*first, dims.len())?;
                    let one = |(i, d): (usize, &Dim)| if i < first { d.clone() } else { Dim::Known(1) };
                    x.with_dims(dims.iter().enumerate().map(one).collect())
                }
            };
            outputs.resize(at.n_outputs, TensorType { dtype: *statistics, ..kept }.into());
        }
        Ok(outputs)
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let mean = !matches!(self.kind, Kind::Layer { mean: false, .. });
        let affine = Operations { mul: u64::from(at.has(1)), add: u64::from(at.has(2)), ..Operations::default() };
        let count = || {
            let window = self.shared(at.dims(0)?)?;
            Some((window, cost(mean, affine, at.output_elements(0)?, window)?))
        };
        let class = match self.kind {
            Kind::Instance => Class::InstanceNorm,
            Kind::Layer { mean: true, .. } => Class::LayerNorm,
            Kind::Group { .. } => Class::GroupNorm,
            Kind::Layer { mean: false, .. } | Kind::Channel | Kind::MeanVariance { .. } => Class::OtherNorm,
        };
        Work::windowed(class, count())
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(|d| (d.len(), self.over(d.len()))) {
            Some((rank, Ok(over))) => Window::over(rank, over),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}

/// What it costs to normalise so many elements, so many of which share their statistics each, and what else each of
/// them costs. `mean`: whether it is subtracted.
pub(super) fn cost(mean: bool, more: Operations, elements: u64, shared: u64) -> Option<Operations> {
    let none = Operations::default();
    let (element, group) = if mean {
        (Operations { add: 3, mul: 2, ..none }, Operations { add: 1, div: 4, ..none })
    } else {
        (Operations { add: 1, mul: 2, ..none }, Operations { add: 1, div: 3, ..none })
    };
    let groups = elements.checked_div(shared).unwrap_or(0);
    element.plus(more)?.times(elements)?.plus(group.times(groups)?)
}

fn check_scale(at: &At, wanted: Option<i64>) -> Result<(), OpError> {
    match (wanted, at.dims(1).and_then(|s| s.first()?.known())) {
        (Some(c), Some(n)) if c != n => Err(OpError::new(
            "channels-mismatch",
            format!("the normalisation's scale has {n} entries where the input needs {c}"),
        )),
        _ => Ok(()),
    }
}
