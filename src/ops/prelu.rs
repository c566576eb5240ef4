//! `PRelu`: below zero the value times a learned slope. The language's `prelu` has one slope a channel. A comparison
//! and a multiplication an element.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data, weight,
};
use crate::tensor::{Dim, Literal, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "PRelu",
    slots: &[data("X"), weight("slope")],
    storage: Storage::Overwrites,
    kernel: Kernel::FRESH,
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "prelu",
    aliases: &[],
    foreign: &["PReLU", "nn.PReLU"],
    doc: "x, or below zero x times a learned slope for its channel",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: true,
    example: "prelu",
    lower,
}];

fn lower(_: &Call) -> Result<Vec<Step>, OpError> {
    Ok(vec![Step::new("PRelu", Attributes::new()).with_weights(Open::default())])
}

#[derive(Debug)]
struct PRelu {
    /// Whether the slope is aligned at the end, as it is from version 7 on; before it belongs to the channels.
    aligned: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(PRelu { aligned: spec.opset >= 7 }))
}

impl Operator for PRelu {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        // The slope is aligned at the end, so behind the channels stands a 1 for every spatial axis.
        let dims = at.dims(0).unwrap_or(&[]);
        let channels = dims.get(1).cloned().unwrap_or(Dim::Unknown);
        let ones = dims.iter().skip(2).map(|_| Dim::Known(1));
        Ok(vec![OpenWeight::learned(1, [channels].into_iter().chain(ones).collect())])
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        // The slope should not be larger than what it is for. Where it is, ONNX Runtime repeats that.
        let slope = at.tensor(1).map(|slope| &slope.shape).filter(|slope| self.aligned && slope.rank().is_some());
        let repeated = slope.and_then(|slope| x.shape.broadcast(slope).ok());
        Ok(vec![TensorType { dtype: x.dtype, shape: repeated.unwrap_or_else(|| x.shape.clone()) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let each = Operations { compare: 1, mul: 1, ..Operations::default() };
        Work::elementwise(Class::ParametricRectifier, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}
