//! `Softmax`, `LogSoftmax` and `Hardmax`; the language's `softmax`.
//!
//! Before version 13 the axis splits the dimensions in two, and everything from it on is normalised together.
//! An element of a softmax costs a comparison (for the largest), a subtraction, an exponential, an addition and a
//! division; of its logarithm another subtraction in place of the division, and each sum a logarithm; of a hardmax a
//! comparison.

use super::attributes::Attributes;
use super::axes::axis;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { kernel: Kernel::InPlace(&[0], turned), ..op("Softmax") },
    OpKind { kernel: Kernel::InPlace(&[0], turned), ..op("LogSoftmax") },
    OpKind { kernel: Kernel::Fresh(turned), ..op("Hardmax") },
];

const fn op(name: &'static str) -> OpKind {
    const X: &[Slot] = &[data("input")];
    OpKind { domain: "", name, slots: X, storage: Storage::Overwrites, kernel: Kernel::Unmeasured, read }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "softmax",
    aliases: &[],
    foreign: &["nn.Softmax"],
    doc: "shares that add up to 1, over a vector or over the channels of each position",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: true,
    example: "dense 10 softmax",
    lower,
}];

fn lower(_: &Call) -> Result<Vec<Step>, OpError> {
    Ok(vec![Step::new("Softmax", Attributes::new().with_int("axis", 1))])
}

#[derive(Debug)]
struct Softmax {
    name: &'static str,
    axis: i64,
    /// Everything from the axis on.
    together: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Softmax::read(spec)?))
}

/// Unless the axis is the last, the kernel transposes to make it so, and back: both are kept beside the output.
fn turned(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    let dims = at.dims(0)?;
    let (_, end) = Softmax::read(spec).ok()?.span(dims).ok()?;
    if end == dims.len() { Some(0) } else { at.output(0)?.bytes()?.checked_mul(2) }
}

impl Softmax {
    fn read(spec: &Spec) -> Result<Softmax, OpError> {
        let together = spec.opset < 13;
        let axis = spec.attributes.int_or("axis", if together { 1 } else { -1 })?;
        Ok(Softmax { name: spec.kind.name, axis, together })
    }

    /// The axes that are normalised: the first and the one after the last.
    fn span(&self, dims: &[Dim]) -> Result<(usize, usize), OpError> {
        // Splitting after the last axis leaves every element alone.
        if self.together && usize::try_from(self.axis).is_ok_and(|a| a == dims.len()) {
            return Ok((dims.len(), dims.len()));
        }
        let first = axis(self.axis, dims.len())?;
        Ok((first, if self.together { dims.len() } else { first + 1 }))
    }
}

impl Operator for Softmax {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        if let Some(dims) = x.shape.dims() {
            self.span(dims)?;
        }
        Ok(vec![x.clone().into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let none = Operations::default();
        let (class, each, sum) = match self.name {
            "Softmax" => (Class::Softmax, Operations { compare: 1, add: 2, exp: 1, div: 1, ..none }, none),
            "LogSoftmax" => {
                (Class::LogSoftmax, Operations { compare: 1, add: 3, exp: 1, ..none }, Operations { exp: 1, ..none })
            }
            _ => (Class::Other, Operations { compare: 1, ..none }, none),
        };
        let count = || {
            let dims = at.dims(0)?;
            let elements = at.output_elements(0)?;
            let (first, end) = self.span(dims).ok()?;
            let window = dims.get(first..end)?.iter().try_fold(1u64, |p, d| p.checked_mul(d.size()?))?;
            let sums = elements.checked_div(window).unwrap_or(0);
            Some((window, each.times(elements)?.plus(sum.times(sums)?)?))
        };
        Work::windowed(class, count())
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(|d| (d.len(), self.span(d))) {
            Some((rank, Ok((first, end)))) => Window::over(rank, (first..end).collect()),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
