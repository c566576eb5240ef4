//! Pooling over sliding windows: `MaxPool`, `AveragePool`, `LpPool`, and the language's `maxpool` and `avgpool`.
//!
//! With K window positions an output of max-pooling costs K − 1 comparisons; of average pooling K − 1 additions and a
//! division; of Lp pooling K powers, K − 1 additions and a root. Windows over the padding count like the others.

use super::attributes::{Attribute, Attributes};
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, pads, target};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use super::window::{Axis, Sliding, spatial};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("MaxPool").measured(Kernel::FRESH),
    op("AveragePool").measured(Kernel::FRESH),
    op("LpPool").measured(Kernel::FRESH),
];

const fn op(name: &'static str) -> OpKind {
    const X: &[Slot] = &[data("X")];
    OpKind { domain: "", name, slots: X, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    Layer {
        keyword: "maxpool",
        foreign: &["MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "MaxPool"],
        doc: "largest value of each window",
        example: "maxpool 2x2",
        lower: |call| lower(call, "MaxPool", "GlobalMaxPool", "AdaptiveMaxPool"),
        ..POOL
    },
    Layer {
        keyword: "avgpool",
        foreign: &[
            "AvgPool1D",
            "AvgPool2D",
            "AvgPool3D",
            "AveragePooling1D",
            "AveragePooling2D",
            "AveragePooling3D",
            "AveragePool",
            "GlobalAveragePooling2D",
            "AdaptiveAvgPool2d",
        ],
        doc: "mean of each window",
        example: "avgpool 2x2",
        lower: |call| lower(call, "AveragePool", "GlobalAveragePool", "AdaptiveAveragePool"),
        ..POOL
    },
];

const POOL: Layer = Layer {
    keyword: "",
    aliases: &[],
    foreign: &[],
    doc: "",
    number: Number::Window,
    kernel: Need::Optional,
    stride: true,
    words: &["same", "valid", "ceil", "global"],
    options: &[pads("pad"), target("to")],
    takes: Takes::Maps,
    modifier: false,
    example: "",
    lower: |_| Ok(Vec::new()),
};

fn lower(call: &Call, op: &'static str, global: &'static str, adaptive: &'static str) -> Result<Vec<Step>, OpError> {
    if call.has("global") {
        return Ok(vec![Step::new(global, Attributes::new())]);
    }
    if let Some(to) = call.sizes("to") {
        let step = match even_windows(call.spatial(), &to) {
            Some(window) => Step::new(op, window.write()),
            None => Step::own(adaptive, Attributes::new().with_sizes("output_size", &to)),
        };
        return Ok(vec![step]);
    }
    let kernel = needed_window(call)?;
    Ok(vec![Step::new(op, call.sliding(kernel.clone(), Some(kernel)).write())])
}

/// The window, or `missing-window`.
pub(super) fn needed_window(call: &Call) -> Result<Vec<u64>, OpError> {
    let keyword = call.keyword;
    call.window().ok_or_else(|| {
        OpError::new("missing-window", format!("`{keyword}` needs a window"))
            .help(format!("for example `{keyword} 2x2`"))
    })
}

/// Windows that lie side by side, where the sizes divide evenly.
fn even_windows(from: &[Dim], to: &[u64]) -> Option<Sliding> {
    let size = |(from, to): (&Dim, &u64)| from.size().filter(|n| *n > 0 && n.is_multiple_of(*to)).map(|n| n / to);
    let kernel = from.iter().zip(to).map(size).collect::<Option<Vec<_>>>()?;
    Some(Sliding { kernel: Some(kernel.clone()), strides: Some(kernel), ..Sliding::default() })
}

#[derive(Debug)]
struct Pool {
    kind: Kind,
    window: Sliding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Max,
    Average,
    /// Power of the norm.
    Lp(i64),
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let kind = match spec.kind.name {
        "MaxPool" => Kind::Max,
        "AveragePool" => Kind::Average,
        _ => Kind::Lp(lp_power(spec)?),
    };
    Ok(Box::new(Pool { kind, window: Sliding::read(spec.attributes)? }))
}

/// The power of an Lp norm. The first version of the operators had a float for it; only whether it is 1, 2 or another
/// one matters.
pub(super) fn lp_power(spec: &Spec) -> Result<i64, OpError> {
    let is = |p: f32, n: f32| (p - n).abs() < f32::EPSILON;
    match spec.attributes.get("p") {
        Some(Attribute::Float(p)) if spec.opset < 2 => Ok(if is(*p, 1.0) { 1 } else { 3 - i64::from(is(*p, 2.0)) }),
        _ => spec.attributes.int_or("p", 2),
    }
}

/// What the Lp norm of so many values costs: their powers, their sum, its root.
pub(super) fn lp_cost(power: i64, values: u64) -> Operations {
    let sum = Operations { add: values.saturating_sub(1), ..Operations::default() };
    match power {
        1 => Operations { compare: values, ..sum },
        2 => Operations { mul: values, div: 1, ..sum },
        _ => Operations { exp: values.saturating_add(1), ..sum },
    }
}

impl Pool {
    /// Spatial axes; the attribute gives their number while the input's is not known.
    fn axes(&self, at: &At) -> Result<Vec<Axis>, OpError> {
        let rank = match at.dims(0) {
            Some(x) => spatial(x)?.len(),
            None => self.window.kernel.as_ref().map_or(0, Vec::len),
        };
        self.window.axes(rank, None)
    }

    fn positions(&self) -> Option<u64> {
        self.window.kernel.as_ref()?.iter().try_fold(1u64, |p, k| p.checked_mul(*k))
    }
}

impl Operator for Pool {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let axes = self.axes(at)?;
        let unknown = vec![Dim::Unknown; axes.len() + 2];
        let inputs = x.shape.dims().unwrap_or(&unknown);
        let mut dims = inputs[..2].to_vec();
        dims.extend(self.window.outputs(&inputs[2..], &axes)?);
        let values = x.with_dims(dims.clone());
        let indices = TensorType::new(DType::I64, Shape::Ranked(dims));
        let outputs = [values, indices].into_iter().map(ValueType::from);
        Ok(outputs.take(if self.kind == Kind::Max { at.n_outputs } else { 1 }).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let class = match self.kind {
            Kind::Max => Class::MaxPool,
            // Nobody asks for windows of one value: the size asked for is the size that there is.
            Kind::Average if self.positions() == Some(1) => Class::AdaptiveAveragePool,
            Kind::Average => Class::AveragePool,
            Kind::Lp(_) => Class::Other,
        };
        let count = || {
            let window = self.positions()?;
            let others = window.saturating_sub(1);
            let each = match self.kind {
                Kind::Max => Operations { compare: others, ..Operations::default() },
                Kind::Average => Operations { add: others, div: 1, ..Operations::default() },
                Kind::Lp(power) => lp_cost(power, window),
            };
            Some((window, each.times(at.output_elements(0)?)?))
        };
        Work::windowed(class, count())
    }

    fn window(&self, at: &At) -> Window {
        match (self.axes(at), at.dims(0)) {
            (Ok(axes), Some(x)) => Window::Local(self.window.taps(x.get(2..).unwrap_or(&[]), &axes)),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
