//! Batch normalisation: `BatchNormalization` in every version, and the language's `bn`.
//!
//! Learned are a scale and a shift for each channel (2C); the running mean and variance (2C) are buffers. At inference
//! all four fold into one multiplication and one addition an element. In training mode the statistics cost three
//! additions and a multiplication an element more, and two divisions and a root a channel.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, buffer, data, norm,
};
use crate::tensor::{Dim, Literal, Shape, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "BatchNormalization",
    slots: &[data("X"), norm("scale"), norm("B"), buffer("input_mean"), buffer("input_var")],
    storage: Storage::Fresh,
    kernel: Kernel::Fresh(inference_alone),
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "bn",
    aliases: &[],
    foreign: &["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "BatchNormalization", "batchnorm"],
    doc: "batch normalisation",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &["noaffine", "noscale"],
    options: &[],
    takes: Takes::Any,
    modifier: true,
    example: "bn",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let affine = !call.has("noaffine");
    let open = Open { width: None, bias: affine, scale: affine && !call.has("noscale") };
    Ok(vec![Step::new("BatchNormalization", Attributes::new()).with_weights(open)])
}

#[derive(Debug)]
struct BatchNorm {
    training: bool,
    open: Open,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let training = spec.attributes.flag("training_mode", false)?;
    Ok(Box::new(BatchNorm { training, open: spec.open.clone() }))
}

/// Nothing at inference; training was not measured.
fn inference_alone(spec: &Spec, _: &At, _: u64) -> Option<u64> {
    (spec.attributes.flag("training_mode", false) == Ok(false)).then_some(0)
}

/// The second axis; a tensor of one dimension has a single channel.
fn channels(at: &At) -> Dim {
    match at.dims(0) {
        Some([_, channels, ..]) => channels.clone(),
        Some(_) => Dim::Known(1),
        None => Dim::Unknown,
    }
}

impl Operator for BatchNorm {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let weight = |slot, learned| OpenWeight { slot, shape: Shape::Ranked(vec![channels(at)]), learned };
        Ok(vec![weight(1, self.open.scale), weight(2, self.open.bias), weight(3, true), weight(4, true)])
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        if let (Some(c), Some(n)) = (channels(at).known(), at.dims(1).and_then(|s| s.first()?.known()))
            && c != n
        {
            return Err(OpError::new(
                "channels-mismatch",
                format!("the input has {c} channels, the normalisation's scale has {n}"),
            ));
        }
        // The statistics look like those that come in (old versions may have one for every position).
        let statistics = at.require(3)?;
        let statistics = match statistics.shape {
            Shape::Ranked(_) => statistics.clone(),
            Shape::Unranked => statistics.with_dims(vec![channels(at)]),
        };
        let mut outputs = vec![x.clone().into()];
        outputs.resize(at.n_outputs.max(1), statistics.into());
        Ok(outputs)
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let none = Operations::default();
            let each = if self.training {
                Operations { add: 4, mul: 2, ..none }
            } else {
                Operations { add: 1, mul: 1, ..none }
            };
            let mut operations = each.times(at.output_elements(0)?)?;
            if self.training {
                operations = operations.plus(Operations { div: 3, ..none }.times(channels(at).size()?)?)?;
            }
            Some(operations)
        };
        Work::operations(Class::BatchNorm, count())
    }

    fn window(&self, _: &At) -> Window {
        if self.training { Window::Global } else { Window::Pointwise }
    }
}
