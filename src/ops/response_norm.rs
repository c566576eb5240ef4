//! Normalisations without parameters: local response normalisation `LRN` (the language's `lrn`), `LpNormalization`.

use super::attributes::{Attribute, Attributes};
use super::axes::axis;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, number};
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{DType, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "LRN",
        slots: &[data("X")],
        storage: Storage::Fresh,
        kernel: Kernel::Fresh(squares),
        read: read_lrn,
    },
    OpKind {
        domain: "",
        name: "LpNormalization",
        slots: &[data("input")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_lp,
    },
];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "lrn",
    aliases: &[],
    foreign: &["LocalResponseNorm", "LocalResponseNormalization"],
    doc: "local response normalisation over neighbouring channels",
    number: Number::Needed("channels"),
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[number("alpha"), number("beta"), number("bias")],
    takes: Takes::Maps,
    modifier: false,
    example: "lrn 5",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let mut attributes = Attributes::new().with_size("size", call.count().unwrap_or(1));
    for name in ["alpha", "beta", "bias"] {
        if let Some(value) = call.real(name) {
            #[expect(clippy::cast_possible_truncation, reason = "the attribute is a 32-bit float")]
            attributes.push(name, Attribute::Float(value as f32));
        }
    }
    Ok(vec![Step::new("LRN", attributes)])
}

/// x / (bias + alpha/n · Σ x²)^beta over n neighbouring channels. For each element: its square, n − 1 additions, a
/// multiplication by alpha/n, the addition of the bias, a power and a division.
#[derive(Debug)]
struct Lrn {
    size: u64,
}

fn read_lrn(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Lrn { size: lrn_size(spec)? }))
}

fn lrn_size(spec: &Spec) -> Result<u64, OpError> {
    let size = spec.attributes.int("size")?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    size.ok_or_else(|| OpError::invalid("`size` needs a number of channels of at least 1"))
}

/// The kernel keeps the scale of every element, and the squares of one example with size − 1 channels of zeros around
/// them: bytes(x) + 4·(C + size − 1)·H·W.
fn squares(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    let x = at.tensor(0).filter(|x| x.dtype == Some(DType::F32))?;
    let [_, channels, height, width] = x.shape.sizes()?[..] else { return None };
    let padded = channels.checked_add(lrn_size(spec).ok()?)?.checked_sub(1)?;
    let padded = padded.checked_mul(height)?.checked_mul(width)?.checked_mul(4)?;
    x.bytes()?.checked_add(padded)
}

impl Operator for Lrn {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let each = Operations { mul: 2, add: self.size, exp: 1, div: 1, compare: 0 };
            Some((self.size, each.times(at.output_elements(0)?)?))
        };
        Work::windowed(Class::ResponseNorm, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

/// x / ‖x‖ along an axis. For each element: its square or absolute value, an addition and a division; for each norm of
/// power 2 a root.
#[derive(Debug)]
struct LpNormalization {
    axis: i64,
    power: i64,
}

fn read_lp(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let power = spec.attributes.int_or("p", 2)?;
    if power != 1 && power != 2 {
        return Err(OpError::invalid(format!("`p` is {power}; only the norms 1 and 2 are defined")));
    }
    Ok(Box::new(LpNormalization { axis: spec.attributes.int_or("axis", -1)?, power }))
}

impl Operator for LpNormalization {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        if let Some(rank) = x.shape.rank() {
            axis(self.axis, rank)?;
        }
        Ok(vec![x.clone().into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let dims = at.dims(0)?;
            let elements = at.output_elements(0)?;
            let along = dims.get(axis(self.axis, dims.len()).ok()?)?.size()?;
            let norms = elements.checked_div(along).unwrap_or(0);
            let none = Operations::default();
            let (each, root) = match self.power {
                1 => (Operations { compare: 1, add: 1, div: 1, ..none }, none),
                _ => (Operations { mul: 1, add: 1, div: 1, ..none }, Operations { div: 1, ..none }),
            };
            Some((along, each.times(elements)?.plus(root.times(norms)?)?))
        };
        Work::windowed(Class::ResponseNorm, count())
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(|d| (d.len(), axis(self.axis, d.len()))) {
            Some((rank, Ok(along))) => Window::over(rank, vec![along]),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
