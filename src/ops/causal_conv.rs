//! A depthwise convolution that looks only back, and keeps the last values for the next call: `CausalConvWithState`.
//!
//! With K taps on C channels of length L: K·B·C·L multiply-accumulates. The state is the last K − 1 positions.

use super::activation;
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Tap, Window, Work, bias,
    data, weight,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operator of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "CausalConvWithState",
    slots: &[data("input"), weight("weight"), bias("bias"), data("past_state")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct CausalConv {
    activated: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let activated = match spec.attributes.string("activation")?.unwrap_or("none") {
        "none" | "" => false,
        "silu" | "swish" => true,
        other => {
            let error = OpError::invalid(format!("`activation` is `{other}`"));
            return Err(error.help("write `silu`, `swish` or `none`"));
        }
    };
    Ok(Box::new(CausalConv { activated }))
}

fn taps(at: &At) -> Dim {
    at.dims(1).and_then(|w| w.get(2)).cloned().unwrap_or(Dim::Unknown)
}

impl Operator for CausalConv {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let state = match x.shape.dims() {
            None => Shape::of_rank(3),
            Some([batch, channels, _]) => {
                Shape::Ranked(vec![batch.clone(), channels.clone(), taps(at).minus(&Dim::Known(1))])
            }
            Some(dims) => {
                return Err(OpError::invalid(format!("the input has {} dimensions, not 3", dims.len())));
            }
        };
        Ok(vec![x.clone().into(), TensorType { dtype: x.dtype, shape: state }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let outputs = at.output_elements(0)?;
            let window = taps(at).size()?;
            let biases = if at.has(2) { outputs } else { 0 };
            let function = if self.activated { activation::cost("Swish").1 } else { Operations::default() };
            let added = Operations { add: biases, ..Operations::default() };
            Some(Arithmetic {
                class: Class::Convolution,
                macs: outputs.checked_mul(window)?,
                biases,
                window,
                operations: function.times(outputs)?.plus(added)?,
            })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        let tap = |taps: i64| Tap::sliding(taps.checked_neg()?.checked_add(1)?, u64::try_from(taps).ok()?, 1);
        match taps(at).known().and_then(tap) {
            Some(tap) => Window::Local(vec![tap]),
            None => Window::Opaque("the kernel's size is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    /// ONNX's `test_causal_conv_with_state_with_bias`.
    #[test]
    fn the_state_is_one_shorter_than_the_kernel() {
        let case = Case::new("", "CausalConvWithState", 27)
            .input(f32(&[2, 4, 8]))
            .input(f32(&[4, 1, 4]))
            .input(f32(&[4]))
            .outputs(2);
        assert_eq!(case.infer().unwrap(), vec![f32(&[2, 4, 8]), f32(&[2, 4, 3])]);
        let Work::Counted(count) = case.work() else { panic!("not counted") };
        assert_eq!((count.macs, count.biases), (64 * 4, 64));
        let window = case.ask(&[], |op, at| op.window(at)).unwrap();
        assert_eq!(window, Window::Local(vec![Tap { num: 1, den: 1, first: -3, last: 0 }]));
    }
}
