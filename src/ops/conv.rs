//! Convolution: `Conv`, and the language's `conv`, `dwconv` and `sepconv`.
//!
//! With K kernel positions, C input channels, g groups, n filters and O output positions (batch included):
//! parameters K·(C/g)·n + n, multiply-accumulates K·(C/g)·n·O, and n·O additions for the bias.

use super::attributes::Attributes;
use super::groups;
use super::im2col::im2col;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, pads, sizes, whole};
use super::own_conv::linked;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, bias,
    data, weight,
};
use super::window::{Axis, Sliding, spatial};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Conv",
    slots: &[data("X"), weight("W"), bias("B")],
    storage: Storage::Fresh,
    kernel: Kernel::Fresh(im2col),
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    Layer {
        keyword: "conv",
        aliases: &[],
        foreign: &[
            "Conv1D",
            "Conv2D",
            "Conv3D",
            "Conv1d",
            "Conv2d",
            "Conv3d",
            "nn.Conv2d",
            "Convolution",
            "Convolution2D",
            "convolutional",
        ],
        doc: "convolution",
        number: Number::Width("filters"),
        kernel: Need::Required,
        stride: true,
        words: &["same", "valid", "bias", "nobias"],
        options: &[whole("groups"), pads("pad"), sizes("dilation"), whole("links")],
        takes: Takes::Maps,
        modifier: false,
        example: "conv 64 3x3",
        lower: lower_conv,
    },
    Layer {
        keyword: "dwconv",
        aliases: &[],
        foreign: &["DepthwiseConv2D", "DepthwiseConvolution"],
        doc: "depthwise convolution: every channel on its own",
        number: Number::Window,
        kernel: Need::Required,
        stride: true,
        words: &["same", "valid", "bias", "nobias"],
        options: &[whole("mult"), pads("pad"), sizes("dilation")],
        takes: Takes::Maps,
        modifier: false,
        example: "dwconv 3x3 same",
        lower: lower_depthwise,
    },
    Layer {
        keyword: "sepconv",
        aliases: &[],
        foreign: &["SeparableConv2D", "SeparableConvolution2D", "SeparableConv1D"],
        doc: "depthwise convolution without bias, then a 1x1 convolution",
        number: Number::Width("filters"),
        kernel: Need::Required,
        stride: true,
        words: &["same", "valid", "bias", "nobias"],
        options: &[whole("mult"), pads("pad"), sizes("dilation")],
        takes: Takes::Maps,
        modifier: false,
        example: "sepconv 64 3x3 same",
        lower: lower_separable,
    },
];

fn lower_conv(call: &Call) -> Result<Vec<Step>, OpError> {
    let window = call.sliding(call.kernel.clone().unwrap_or_default(), None);
    let open = Open { width: call.count(), bias: !call.has("nobias"), scale: false };
    if let Some(links) = call.whole("links") {
        return Ok(vec![linked(call, &window, links, open)?]);
    }
    let groups = call.whole("groups").unwrap_or(1);
    groups::check(groups, &call.channels(), "input channels")?;
    groups::check(groups, &Dim::from(call.count().unwrap_or(groups)), "filters")?;
    Ok(vec![Step::new("Conv", grouped(&window, groups)).with_weights(open)])
}

fn lower_depthwise(call: &Call) -> Result<Vec<Step>, OpError> {
    let window = call.sliding(call.window().unwrap_or_default(), None);
    Ok(vec![depthwise(call, &window)?.with_weights(depthwise_open(call, !call.has("nobias"))?)])
}

fn lower_separable(call: &Call) -> Result<Vec<Step>, OpError> {
    let window = call.sliding(call.kernel.clone().unwrap_or_default(), None);
    let first = depthwise(call, &window)?.with_weights(depthwise_open(call, false)?).named("depthwise");
    let point = Sliding { kernel: Some(vec![1; call.spatial().len()]), ..Sliding::default() };
    let open = Open { width: call.count(), bias: !call.has("nobias"), scale: false };
    let second = Step::new("Conv", point.write()).with_weights(open).named("pointwise");
    Ok(vec![first, second])
}

fn depthwise(call: &Call, window: &Sliding) -> Result<Step, OpError> {
    Ok(Step::new("Conv", grouped(window, known_channels(call)?)))
}

fn depthwise_open(call: &Call, bias: bool) -> Result<Open, OpError> {
    let width = known_channels(call)?.checked_mul(call.whole("mult").unwrap_or(1));
    Ok(Open {
        width: Some(width.ok_or_else(|| OpError::new("number-too-big", "too many channels"))?),
        bias,
        scale: false,
    })
}

fn known_channels(call: &Call) -> Result<u64, OpError> {
    call.channels().size().ok_or_else(|| OpError::invalid("the number of channels is not known here"))
}

fn grouped(window: &Sliding, groups: u64) -> Attributes {
    let attributes = window.write();
    if groups == 1 { attributes } else { attributes.with_size("group", groups) }
}

#[derive(Debug)]
struct Conv {
    window: Sliding,
    groups: u64,
    open: Open,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let groups = groups::read(spec.attributes, "group")?;
    Ok(Box::new(Conv { window: Sliding::read(spec.attributes)?, groups, open: spec.open.clone() }))
}

impl Conv {
    /// Spatial axes with the kernel of the attribute or else of the weights; `None` while the rank is unknown.
    fn axes(&self, at: &At) -> Result<Option<Vec<Axis>>, OpError> {
        let from_weights = at.dims(1).map(|w| w.iter().skip(2).map(Dim::size).collect::<Option<Vec<_>>>());
        let rank = match (at.dims(0), at.dims(1), &self.window.kernel) {
            (Some(x), _, _) => spatial(x)?.len(),
            (None, Some(w), _) => w.len().saturating_sub(2),
            (None, None, Some(k)) => k.len(),
            (None, None, None) => return Ok(None),
        };
        match (&self.window.kernel, from_weights) {
            (None, None | Some(None)) => Ok(None),
            (_, kernel) => self.window.axes(rank, kernel.flatten()).map(Some),
        }
    }
}

impl Operator for Conv {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let dims = at.dims(0).unwrap_or(&[]);
        let channels = dims.get(1).cloned().unwrap_or(Dim::Unknown);
        let per_group = channels.exact_div(&Dim::from(self.groups)).unwrap_or(Dim::Unknown);
        let filters = self.open.width.map_or(Dim::Unknown, Dim::from);
        let kernel = self.axes(at)?.unwrap_or_default().into_iter().map(|a| Dim::from(a.kernel));
        let mut weights =
            vec![OpenWeight::learned(1, [filters.clone(), per_group].into_iter().chain(kernel).collect())];
        if self.open.bias {
            weights.push(OpenWeight::learned(2, vec![filters]));
        }
        Ok(weights)
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let w = at.require(1)?;
        let Some(axes) = self.axes(at)? else {
            return Ok(vec![
                TensorType { dtype: x.dtype, shape: x.shape.rank().map_or(Shape::Unranked, Shape::of_rank) }.into(),
            ]);
        };
        if let (Some(x), Some(w)) = (x.shape.dims(), w.shape.dims()) {
            if w.len() != x.len() {
                return Err(OpError::invalid(format!("weights of {} dimensions on an input of {}", w.len(), x.len())));
            }
            check_channels(&x[1], &w[1], self.groups)?;
        }
        let filters = w.shape.dims().and_then(|w| w.first()).cloned().unwrap_or(Dim::Unknown);
        let unknown = vec![Dim::Unknown; axes.len() + 2];
        let inputs = x.shape.dims().unwrap_or(&unknown);
        let mut dims = vec![inputs[0].clone(), filters];
        dims.extend(self.window.outputs(&inputs[2..], &axes)?);
        Ok(vec![TensorType { dtype: x.dtype, shape: Shape::Ranked(dims) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let w = at.tensor(1)?.shape.sizes()?;
            let (filters, window) = w.split_first()?;
            let window = window.iter().try_fold(1u64, |p, n| p.checked_mul(*n))?;
            let outputs = at.output_elements(0)?;
            let biases = if at.has(2) { outputs } else { 0 };
            // Without filters there is nothing to multiply, whatever the window says.
            let macs = if *filters == 0 { 0 } else { outputs.checked_mul(window)? };
            Some(Arithmetic {
                class: Class::Convolution,
                macs,
                biases,
                window,
                operations: Operations { add: biases, ..Operations::default() },
            })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        match (self.axes(at), at.dims(0)) {
            (Ok(Some(axes)), Some(x)) => Window::Local(self.window.taps(&x[2..], &axes)),
            _ => Window::Opaque("the kernel's size is not known"),
        }
    }
}

/// Input channels must be what the weights expect, times the groups.
fn check_channels(input: &Dim, per_group: &Dim, groups: u64) -> Result<(), OpError> {
    let expected = per_group.times(&Dim::from(groups));
    match (input.known(), expected.known()) {
        (Some(a), Some(b)) if a != b => Err(OpError::new(
            "channels-mismatch",
            format!("the input has {a} channels, the weights expect {b} ({per_group} in each of {groups} groups)"),
        )),
        _ => Ok(()),
    }
}
