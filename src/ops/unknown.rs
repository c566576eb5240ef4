//! What an operator becomes that no room knows: opaque on every question, so that its figures are unknown, by name, and
//! nothing else is.

use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{Literal, ValueType};

/// Stands in for the kind of every operator that is not in [`super::ROOMS`].
pub static UNKNOWN: OpKind = OpKind {
    domain: "?",
    name: "?",
    slots: &[data("input")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
};

#[derive(Debug)]
struct Unknown {
    why: &'static str,
}

fn read(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Unknown { why: "the operator is not known" }))
}

/// Stands in for an operator of a node that is in error: it says nothing on any question, rather than something wrong.
pub fn faulty() -> Box<dyn Operator> {
    Box::new(Unknown { why: "the node is in error" })
}

impl Operator for Unknown {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![ValueType::Unknown; at.n_outputs])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, _: &At) -> Work {
        Work::Unmodelled(self.why.into())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque(self.why)
    }
}
