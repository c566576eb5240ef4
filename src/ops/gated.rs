//! Gated activations of two inputs: `SwiGLU`, swish of the one times the other.

use super::kernel::Kernel;
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "SwiGLU",
    slots: &[data("A"), data("B")],
    storage: Storage::Overwrites,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct SwiGlu;

fn read(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(SwiGlu))
}

impl Operator for SwiGlu {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (gate, value) = (at.require(0)?, at.require(1)?);
        // The shapes are the same; the second may be known where the first is not.
        let known = if gate.shape.rank().is_some() { gate } else { value };
        Ok(vec![known.clone().into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    /// A swish (an exponential, an addition, a division, a multiplication) and a multiplication.
    fn work(&self, at: &At) -> Work {
        let each = Operations { exp: 1, add: 1, div: 1, mul: 2, ..Operations::default() };
        Work::elementwise(Class::Activation, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}
