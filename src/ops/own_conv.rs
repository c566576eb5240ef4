//! Convolutions and sums that ONNX cannot say, in a domain of our own: `LinkedConv` (LeNet's table of connected maps,
//! the language's `conv … links=`), `LocalConv` (`local`: a kernel of its own for every position), and `Subsample`
//! (LeNet's: the sum of each window times one coefficient, plus one bias a map).
//!
//! With K kernel positions, C input channels, L linked pairs of maps, n filters and O output positions:
//!
//! | | parameters | multiply-accumulates |
//! |---|---|---|
//! | `LinkedConv` | K·L + n | K·L·O |
//! | `LocalConv` | O·(K·C·n + n) | K·C·n·O |
//! | `Subsample` | 2C | none: K additions and a multiplication an output |

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, pads, sizes};
use super::pool::needed_window;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work,
    bias, data, weight,
};
use super::window::{Axis, Sliding, spatial};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("LinkedConv"), op("LocalConv"), op("Subsample")];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("X"), weight("W"), bias("B")];
    OpKind { domain: super::OWN_DOMAIN, name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    Layer {
        keyword: "local",
        aliases: &[],
        foreign: &["LocallyConnected1D", "LocallyConnected2D"],
        doc: "convolution with a kernel of its own for every position",
        number: Number::Width("filters"),
        kernel: Need::Required,
        stride: true,
        words: &["same", "valid", "bias", "nobias"],
        options: &[pads("pad"), sizes("dilation")],
        takes: Takes::Maps,
        modifier: false,
        example: "local 32 3x3",
        lower: lower_local,
    },
    Layer {
        keyword: "subsample",
        aliases: &[],
        foreign: &[],
        doc: "LeNet's pooling: the sum of each window times a learned coefficient, plus a bias",
        number: Number::Window,
        kernel: Need::Required,
        stride: true,
        words: &[],
        options: &[],
        takes: Takes::Maps,
        modifier: false,
        example: "subsample 2x2",
        lower: lower_subsample,
    },
];

/// The step for `conv … links=L`.
pub(super) fn linked(call: &Call, window: &Sliding, links: u64, open: Open) -> Result<Step, OpError> {
    let filters = open.width.unwrap_or(0);
    if let Some(channels) = call.channels().size()
        && let Some(pairs) = channels.checked_mul(filters)
        && (links == 0 || links > pairs)
    {
        let message = format!("{links} links between {channels} and {filters} maps, which make {pairs} pairs");
        return Err(OpError::new("links-range", message).help(format!("`links=` takes a number from 1 to {pairs}")));
    }
    let attributes = window.write().with_size("links", links).with_size("filters", filters);
    Ok(Step::own("LinkedConv", attributes).with_weights(open))
}

fn lower_local(call: &Call) -> Result<Vec<Step>, OpError> {
    let window = call.sliding(call.kernel.clone().unwrap_or_default(), None);
    let open = Open { width: call.count(), bias: !call.has("nobias"), scale: false };
    Ok(vec![Step::own("LocalConv", window.write()).with_weights(open)])
}

fn lower_subsample(call: &Call) -> Result<Vec<Step>, OpError> {
    let kernel = needed_window(call)?;
    let window = call.sliding(kernel.clone(), Some(kernel));
    Ok(vec![Step::own("Subsample", window.write()).with_weights(Open { width: None, bias: true, scale: false })])
}

#[derive(Debug)]
struct OwnConv {
    kind: Kind,
    window: Sliding,
    open: Open,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Linked { links: u64, filters: u64 },
    Local,
    Subsample,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let size = |attributes: &Attributes, name: &str| {
        let stated = attributes.int(name)?.and_then(|n| u64::try_from(n).ok());
        stated.ok_or_else(|| OpError::invalid(format!("`{name}` is missing")))
    };
    let kind = match spec.kind.name {
        "LinkedConv" => {
            Kind::Linked { links: size(spec.attributes, "links")?, filters: size(spec.attributes, "filters")? }
        }
        "LocalConv" => Kind::Local,
        _ => Kind::Subsample,
    };
    Ok(Box::new(OwnConv { kind, window: Sliding::read(spec.attributes)?, open: spec.open.clone() }))
}

impl OwnConv {
    /// Spatial axes, and the output's size along each; empty while the input's rank is not known.
    fn outputs(&self, at: &At) -> Result<(Vec<Axis>, Vec<Dim>), OpError> {
        let Some(x) = at.dims(0) else { return Ok((Vec::new(), Vec::new())) };
        let inputs = spatial(x)?;
        let axes = self.window.axes(inputs.len(), None)?;
        let outputs = self.window.outputs(inputs, &axes)?;
        Ok((axes, outputs))
    }

    fn filters(&self, at: &At) -> Dim {
        match self.kind {
            Kind::Linked { filters, .. } => Dim::from(filters),
            Kind::Local => at.dims(1).and_then(|w| w.first()).cloned().unwrap_or(Dim::Unknown),
            Kind::Subsample => channels(at),
        }
    }
}

fn channels(at: &At) -> Dim {
    at.dims(0).and_then(|x| x.get(1)).cloned().unwrap_or(Dim::Unknown)
}

impl Operator for OwnConv {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let (axes, outputs) = self.outputs(at)?;
        let kernel = axes.iter().map(|a| Dim::from(a.kernel));
        let width = self.open.width.map_or(Dim::Unknown, Dim::from);
        let (matrix, bias) = match self.kind {
            Kind::Linked { links, .. } => ([Dim::from(links)].into_iter().chain(kernel).collect(), vec![width]),
            Kind::Local => {
                let matrix = [width.clone(), channels(at)].into_iter().chain(kernel).chain(outputs.iter().cloned());
                (matrix.collect(), [width].into_iter().chain(outputs).collect())
            }
            Kind::Subsample => (vec![channels(at)], vec![channels(at)]),
        };
        let mut weights = vec![OpenWeight::learned(1, matrix)];
        if self.open.bias {
            weights.push(OpenWeight::learned(2, bias));
        }
        Ok(weights)
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.without_rank().into()]) };
        let (_, outputs) = self.outputs(at)?;
        let dims = [dims[0].clone(), self.filters(at)].into_iter().chain(outputs).collect();
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let (axes, _) = self.outputs(at).ok()?;
            let kernel = axes.iter().try_fold(1u64, |p, a| p.checked_mul(a.kernel))?;
            let outputs = at.output_elements(0)?;
            let biases = if at.has(2) { outputs } else { 0 };
            let none = Operations::default();
            if let Kind::Subsample = self.kind {
                let sums = outputs.checked_mul(kernel.saturating_sub(1))?;
                let operations = Operations { add: sums.checked_add(biases)?, mul: outputs, ..none };
                return Some(Arithmetic { class: Class::AveragePool, macs: 0, biases, window: kernel, operations });
            }
            let (macs, window) = if let Kind::Linked { links, filters } = self.kind {
                let weights = kernel.checked_mul(links)?;
                (weights.checked_mul(outputs.checked_div(filters)?)?, weights.div_ceil(filters))
            } else {
                let window = kernel.checked_mul(channels(at).size()?)?;
                (outputs.checked_mul(window)?, window)
            };
            let operations = Operations { add: biases, ..none };
            Some(Arithmetic { class: Class::Convolution, macs, biases, window, operations })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        match (self.outputs(at), at.dims(0)) {
            (Ok((axes, _)), Some(x)) => Window::Local(self.window.taps(x.get(2..).unwrap_or(&[]), &axes)),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
