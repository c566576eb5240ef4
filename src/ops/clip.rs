//! `Clip`, with limits as attributes (before version 11) or as inputs; the language's `relu6`. A comparison an element
//! for each limit.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, Ratio, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Clip",
    slots: &[data("input"), steer("min"), steer("max")],
    storage: Storage::Overwrites,
    kernel: Kernel::IN_PLACE,
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "relu6",
    aliases: &[],
    foreign: &["ReLU6", "nn.ReLU6"],
    doc: "min(max(x, 0), 6)",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: true,
    example: "relu6",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let limit = |x: f64| Literal { dims: Vec::new(), elements: Elements::Floats(vec![x]) };
    let dtype = call.input().dtype.unwrap_or(DType::F32);
    let step = Step::new("Clip", Attributes::new());
    Ok(vec![step.constant(1, dtype, limit(0.0)).constant(2, dtype, limit(6.0))])
}

#[derive(Debug)]
struct Clip {
    /// Limits that are attributes.
    stated: (Option<f32>, Option<f32>),
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let stated = |name| if spec.opset < 11 { spec.attributes.float(name) } else { Ok(None) };
    Ok(Box::new(Clip { stated: (stated("min")?, stated("max")?) }))
}

impl Operator for Clip {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            // An input that is there but not known leaves the result unknown.
            let limit = |slot| if at.has(slot) { at.literal(slot).map(Some) } else { Some(None) };
            let (min, max) = (limit(1)?, limit(2)?);
            let elements = match &x.elements {
                Elements::Ints(values) => {
                    let whole = |l: Option<&'_ Literal>| l.map_or(Some(None), |l| l.int().cloned().map(Some));
                    let (min, max) = (whole(min)?, whole(max)?);
                    let raise = |n: &Dim| min.as_ref().map_or_else(|| n.clone(), |m| m.larger(n));
                    let lower = |n: Dim| max.as_ref().map_or_else(|| n.clone(), |m| m.smaller(&n));
                    Elements::Ints(values.iter().map(raise).map(lower).collect())
                }
                Elements::Floats(values) => {
                    let one = |l: Option<&Literal>, stated: Option<f32>| match l {
                        Some(l) => l.floats().and_then(|v| v.first().copied()).map(Some),
                        None => Some(stated.map(f64::from)),
                    };
                    let (min, max) = (one(min, self.stated.0)?, one(max, self.stated.1)?);
                    let clip = |x: &f64| x.max(min.unwrap_or(f64::NEG_INFINITY)).min(max.unwrap_or(f64::INFINITY));
                    Elements::Floats(values.iter().map(clip).collect())
                }
                Elements::Ratios(values) => {
                    let one = |l: Option<&Literal>, stated: Option<f32>| match l {
                        Some(l) => l.elements.ratios().and_then(|v| v.first().cloned()).map(Some),
                        None => Some(stated.map(|x| Ratio::of(x.into()))),
                    };
                    let (min, max) = (one(min, self.stated.0)?, one(max, self.stated.1)?);
                    let raise = |r: &Ratio| min.as_ref().map_or_else(|| r.clone(), |m| r.larger(m));
                    let lower = |r: Ratio| max.as_ref().map_or_else(|| r.clone(), |m| r.smaller(m));
                    Elements::of_ratios(values.iter().map(raise).map(lower).collect(), at.tensor(0)?.dtype?)
                }
            };
            Some(Literal { dims: x.dims.clone(), elements })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let given = [at.has(1) || self.stated.0.is_some(), at.has(2) || self.stated.1.is_some()];
        let compare = given.into_iter().map(u64::from).sum();
        let each = Operations { compare, ..Operations::default() };
        let limits = [limit(at, 1, self.stated.0), limit(at, 2, self.stated.1)];
        let class = if limits == [Some(0.0), Some(6.0)] { Class::Rectifier6 } else { Class::Clip };
        Work::elementwise(class, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

/// A limit, if there is one and it is known.
fn limit(at: &At, slot: usize, stated: Option<f32>) -> Option<f64> {
    if at.has(slot) { at.literal(slot)?.floats()?.first().copied() } else { stated.map(f64::from) }
}
