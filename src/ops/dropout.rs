//! `Dropout`: at inference what goes in comes out. Training draws a mask: a comparison and a multiplication an element.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Arg, Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Dropout",
    slots: &[data("data"), steer("ratio"), steer("training_mode")],
    storage: Storage::Overwrites,
    kernel: Kernel::FRESH,
    read,
}];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "dropout",
    aliases: &[],
    foreign: &["Dropout1d", "Dropout2d", "Dropout3d", "SpatialDropout2D", "nn.Dropout"],
    doc: "sets this share of the values to zero while training",
    number: Number::Rate,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[],
    takes: Takes::Any,
    modifier: false,
    example: "dropout 50%",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let rate = match call.number {
        Some(Arg::Number(rate)) => rate,
        Some(Arg::Whole(0)) => 0.0,
        Some(Arg::Whole(1)) => 1.0,
        Some(Arg::Whole(n)) => {
            let error = OpError::new("dropout-rate", format!("a dropout rate lies between 0 and 1, not {n}"));
            return Err(if n <= 100 { error.help(format!("did you mean `dropout {n}%`?")) } else { error });
        }
        _ => return Err(OpError::invalid("`dropout` needs a rate").help("for example `dropout 50%`")),
    };
    if !(0.0..=1.0).contains(&rate) {
        return Err(OpError::new("dropout-rate", format!("a dropout rate lies between 0 and 1, not {rate}")));
    }
    let ratio = Literal { dims: Vec::new(), elements: Elements::Floats(vec![rate]) };
    Ok(vec![Step::new("Dropout", Attributes::new()).constant(1, DType::F32, ratio)])
}

#[derive(Debug)]
struct Dropout {
    /// Until version 10 the mask had the type of the data.
    typed_mask: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Dropout { typed_mask: spec.opset < 10 }))
}

impl Operator for Dropout {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let mask =
            TensorType { dtype: if self.typed_mask { x.dtype } else { Some(DType::Bool) }, shape: x.shape.clone() };
        Ok([x.clone(), mask].into_iter().map(ValueType::from).take(at.n_outputs).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        if at.ints(2) != Some(&[Dim::Known(1)]) {
            return Work::Free;
        }
        let each = Operations { compare: 1, mul: 1, ..Operations::default() };
        Work::elementwise(Class::Other, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}
