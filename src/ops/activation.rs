//! Activation functions of one input: a row each. They keep shape and type, own no weights and may overwrite their
//! input.

use super::attributes::{Attribute, Attributes};
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use crate::tensor::{Dim, Elements, Literal, Ratio, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    in_place("Relu"),
    in_place("LeakyRelu"),
    in_place("ThresholdedRelu"),
    in_place("Elu"),
    in_place("Selu"),
    in_place("Celu"),
    op("Gelu").measured(Kernel::FRESH),
    in_place("Sigmoid"),
    in_place("HardSigmoid"),
    self_gated("HardSwish", false),
    self_gated("Swish", true),
    self_gated("Mish", false),
    in_place("Tanh"),
    in_place("Softplus"),
    in_place("Softsign"),
    in_place("Shrink"),
];

const X: &[Slot] = &[data("X")];

const fn op(name: &'static str) -> OpKind {
    OpKind { domain: "", name, slots: X, storage: Storage::Overwrites, kernel: Kernel::Unmeasured, read }
}

const fn in_place(name: &'static str) -> OpKind {
    OpKind { kernel: Kernel::IN_PLACE, ..op(name) }
}

const fn self_gated(name: &'static str, scaled: bool) -> OpKind {
    OpKind { kernel: Kernel::SelfGated { scaled }, ..op(name) }
}

/// What one element costs, itemised. The functions as usually computed: a sigmoid is one exponential, one addition,
/// one division.
pub(super) fn cost(name: &str) -> (Class, Operations) {
    let none = Operations::default();
    match name {
        "Relu" => (Class::Rectifier, Operations { compare: 1, ..none }),
        "ThresholdedRelu" => (Class::Activation, Operations { compare: 1, ..none }),
        "LeakyRelu" => (Class::LeakyRectifier, Operations { compare: 1, mul: 1, ..none }),
        "Shrink" => (Class::Activation, Operations { compare: 2, add: 1, ..none }),
        "HardSigmoid" => (Class::Activation, Operations { compare: 2, mul: 1, add: 1, ..none }),
        "HardSwish" => (Class::Activation, Operations { compare: 2, mul: 2, add: 1, ..none }),
        "Elu" => (Class::Elu, Operations { compare: 1, exp: 1, mul: 1, add: 1, ..none }),
        "Selu" | "Celu" => (Class::Activation, Operations { compare: 1, exp: 1, mul: 1, add: 1, ..none }),
        "Gelu" => (Class::Gelu, Operations { exp: 1, mul: 3, add: 1, ..none }),
        "Swish" => (Class::Silu, Operations { exp: 1, add: 1, div: 1, mul: 1, ..none }),
        "Mish" => (Class::Activation, Operations { exp: 3, add: 1, mul: 1, ..none }),
        "Tanh" => (Class::Tanh, Operations { exp: 1, ..none }),
        "Softplus" => (Class::Activation, Operations { exp: 2, add: 1, ..none }),
        "Softsign" => (Class::Activation, Operations { div: 1, add: 1, ..none }),
        _ => (Class::Sigmoid, Operations { exp: 1, add: 1, div: 1, ..none }),
    }
}

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    layer("relu", &["ReLU", "nn.ReLU"], "max(x, 0)", |_| one("Relu")),
    layer("leaky", &["LeakyReLU", "nn.LeakyReLU"], "x, or a hundredth of it below zero", |_| one("LeakyRelu")),
    layer("elu", &["nn.ELU"], "exponential linear unit", |_| one("Elu")),
    layer("selu", &["nn.SELU"], "self-normalising linear unit", |_| one("Selu")),
    layer("gelu", &["nn.GELU"], "Gaussian error linear unit", |_| one("Gelu")),
    layer("silu", &["SiLU", "Swish", "nn.SiLU"], "x · sigmoid(x)", |_| one("Swish")),
    layer("hswish", &["Hardswish", "nn.Hardswish"], "x · hsigmoid(x)", |_| one("HardSwish")),
    layer("hsigmoid", &["Hardsigmoid", "nn.Hardsigmoid"], "a sigmoid of straight lines", |_| {
        // MobileNetV3's: max(0, min(1, x/6 + 1/2)).
        Ok(vec![Step::new("HardSigmoid", Attributes::new().with("alpha", Attribute::Float(1.0 / 6.0)))])
    }),
    layer("sigmoid", &["nn.Sigmoid"], "1 / (1 + e^−x)", |_| one("Sigmoid")),
    layer("tanh", &["nn.Tanh"], "hyperbolic tangent", |_| one("Tanh")),
    layer("softplus", &["nn.Softplus"], "ln(1 + e^x)", |_| one("Softplus")),
    layer("mish", &["nn.Mish"], "x · tanh(softplus(x))", |_| one("Mish")),
];

const fn layer(
    keyword: &'static str,
    foreign: &'static [&'static str],
    doc: &'static str,
    lower: fn(&Call) -> Result<Vec<Step>, OpError>,
) -> Layer {
    Layer {
        keyword,
        aliases: &[],
        foreign,
        doc,
        number: Number::None,
        kernel: Need::Never,
        stride: false,
        words: &[],
        options: &[],
        takes: Takes::Any,
        modifier: true,
        example: keyword,
        lower,
    }
}

fn one(op: &'static str) -> Result<Vec<Step>, OpError> {
    Ok(vec![Step::new(op, Attributes::new())])
}

#[derive(Debug)]
struct Activation {
    name: &'static str,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Activation { name: spec.kind.name }))
}

impl Operator for Activation {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    /// A rectifier keeps sizes from going below zero.
    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let rectified = |literal: &Literal| {
            let elements = match &literal.elements {
                Elements::Ints(v) => Elements::Ints(v.iter().map(|n| n.larger(&Dim::Known(0))).collect()),
                Elements::Floats(v) => Elements::Floats(v.iter().map(|x| x.max(0.0)).collect()),
                Elements::Ratios(v) => {
                    let zero = Ratio::whole(Dim::Known(0));
                    Elements::of_ratios(v.iter().map(|r| r.larger(&zero)).collect(), at.tensor(0)?.dtype?)
                }
            };
            Some(Literal { dims: literal.dims.clone(), elements })
        };
        vec![at.literal(0).filter(|_| self.name == "Relu").and_then(rectified)]
    }

    fn work(&self, at: &At) -> Work {
        let (class, each) = cost(self.name);
        Work::elementwise(class, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}
