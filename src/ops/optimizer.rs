//! Steps of optimisers inside a graph (domain `ai.onnx.preview.training`): `Adagrad`, `Adam`, `Momentum`, and `Gradient`.
//!
//! After the learning rate R and the count of updates T come n tensors X, their n gradients G, and n of each further
//! state. Out come the new X and the new states: each as its old one.

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Adagrad", STEP, read_step),
    op("Adam", STEP, read_step),
    op("Momentum", STEP, read_step),
    op("Gradient", &[data("Inputs")], read_gradient),
];

const STEP: &[Slot] = &[steer("R"), steer("T"), data("inputs")];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind {
        domain: "ai.onnx.preview.training",
        name,
        slots,
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read,
    }
}

#[derive(Debug)]
struct Step {
    /// Tensors for each X, itself and its gradient included.
    groups: usize,
    /// What one element costs, by the specification's pseudo code; the rates, which are scalars, not counted.
    each: Operations,
}

fn read_step(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let none = Operations::default();
    let (groups, each) = match spec.kind.name {
        "Adagrad" => (3, Operations { mul: 3, add: 4, div: 2, ..none }),
        "Adam" => (4, Operations { mul: 8, add: 5, div: 2, ..none }),
        _ if spec.attributes.string("mode")? == Some("nesterov") => (3, Operations { mul: 5, add: 4, ..none }),
        _ => (3, Operations { mul: 4, add: 3, ..none }),
    };
    Ok(Box::new(Step { groups, each }))
}

impl Step {
    /// How many tensors are optimised.
    fn count(&self, at: &At) -> Result<usize, OpError> {
        let tensors = at.inputs.len().saturating_sub(2);
        if tensors > 0 && tensors.is_multiple_of(self.groups) {
            return Ok(tensors / self.groups);
        }
        let groups = self.groups;
        Err(OpError::invalid(format!(
            "{tensors} tensors after R and T, and {groups} for each optimised one were wanted"
        )))
    }
}

impl Operator for Step {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let count = self.count(at)?;
        // Every group but the second, the gradients.
        let kept = (2..at.inputs.len()).filter(|i| !(2 + count..2 + 2 * count).contains(i));
        kept.map(|i| at.require(i).map(|t| t.clone().into())).collect()
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let elements = || {
            let count = self.count(at).ok()?;
            (2..2 + count).try_fold(0u64, |sum, i| sum.checked_add(at.input_elements(i)?))
        };
        Work::elementwise(Class::Other, self.each, elements())
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

/// Derivatives with respect to the first inputs, as many as `xs` names.
#[derive(Debug)]
struct Gradient;

fn read_gradient(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Gradient))
}

impl Operator for Gradient {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        (0..at.n_outputs.min(at.inputs.len())).map(|i| at.require(i).map(|t| t.clone().into())).collect()
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, _: &At) -> Work {
        Work::Unmodelled("a backward pass through part of the graph".into())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a gradient depends on everything after it")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};

    #[test]
    fn gradients_are_used_up_and_states_come_out() {
        let adam = |sizes: &[u64]| {
            let case = Case::new("ai.onnx.preview.training", "Adam", 1).input(f32(&[])).input(f32(&[])).outputs(6);
            sizes.iter().fold(case, |case, n| case.input(f32(&[*n])))
        };
        let wanted = [1, 2, 1, 2, 1, 2].map(|n| f32(&[n])).to_vec();
        assert_eq!(adam(&[1, 2, 1, 2, 1, 2, 1, 2]).infer(), Ok(wanted));
        assert!(adam(&[1, 1, 1]).infer().is_err());
    }
}
