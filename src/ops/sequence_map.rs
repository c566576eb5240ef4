//! `SequenceMap`: a sub-graph run on every element of a list.
//!
//! Other lists are walked along with the first one; tensors go into every run as they are. Each output of the sub-graph
//! becomes a list.

use super::control::{BodyInput, body};
use super::kernel::Kernel;
use super::rules::{At, BodyOutput, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{List, Literal, ValueType};

/// The operator of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "SequenceMap",
    slots: &[data("input_sequence"), data("additional_inputs")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct SequenceMap;

fn read(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(SequenceMap))
}

/// What goes into a run: an element of each list.
pub(super) fn body_inputs(at: &At) -> Vec<BodyInput> {
    let one = |input: Option<&ValueType>| match input {
        Some(ValueType::Sequence(list)) => list.element().clone().into(),
        Some(other) => other.clone().into(),
        None => ValueType::Unknown.into(),
    };
    at.inputs.iter().copied().map(one).collect()
}

/// How many elements the first list has.
fn length(at: &At) -> Option<u64> {
    match at.inputs.first().copied().flatten() {
        Some(ValueType::Sequence(list)) => list.length(),
        _ => None,
    }
}

impl Operator for SequenceMap {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let list = |one: &BodyOutput| match length(at) {
            Some(n) => List::new(one.ty.clone(), [(one.ty.clone(), n)]),
            None => List::of(one.ty.clone()),
        };
        Ok(body(at, "body", 0)?.iter().map(|one| list(one).into()).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        match length(at) {
            Some(n) => Work::Runs(vec![n]),
            None => Work::Unmodelled("how many elements the list has is not known".into()),
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a sub-graph decides it")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    #[test]
    fn lists_are_taken_apart_and_put_together_again() {
        let list = |sizes: &[u64]| ValueType::from(List::of(f32(sizes)));
        let case = Case::new("", "SequenceMap", 17).input(list(&[3])).input(f32(&[4]));
        let inputs = case.ask(&[], |_, at| body_inputs(at)).unwrap();
        assert_eq!(inputs.into_iter().map(|i| i.ty).collect::<Vec<_>>(), vec![f32(&[3]), f32(&[4])]);
        assert_eq!(case.body(vec![(f32(&[7]), None)]).infer().unwrap(), vec![list(&[7])]);
    }
}
