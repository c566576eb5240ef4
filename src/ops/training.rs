//! The preview's training operators: one step of an optimiser on tensors with their gradients and moments, and the
//! gradient of one value by others.

use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Adagrad", &[steer("R"), steer("T"), data("inputs")]),
    op("Adam", &[steer("R"), steer("T"), data("inputs")]),
    op("Momentum", &[steer("R"), steer("T"), data("inputs")]),
    op("Gradient", &[data("Inputs")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "ai.onnx.preview.training", name, slots, storage: Storage::Fresh, read }
}

#[derive(Debug)]
enum Training {
    /// Learning rate, step, then all tensors, all their gradients, and so many lists of moments.
    Step { moments: usize },
    /// By the first so many inputs.
    Gradient { by: usize },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.kind.name {
        "Gradient" => Training::Gradient { by: spec.attributes.strings("xs")?.unwrap_or(&[]).len() },
        "Adam" => Training::Step { moments: 2 },
        _ => Training::Step { moments: 1 },
    }))
}

impl Operator for Training {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// Every result has the type of what it replaces: the tensors, and after them their moments.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let replaced: Vec<_> = match *self {
            Training::Gradient { by } => at.inputs.iter().take(by).collect(),
            Training::Step { moments } => {
                let lists = at.inputs.get(2..).unwrap_or(&[]);
                let kinds = moments.saturating_add(2);
                if lists.is_empty() || !lists.len().is_multiple_of(kinds) {
                    return Err(OpError::invalid(format!(
                        "{} tensors are not {kinds} lists of one length",
                        lists.len()
                    )));
                }
                let tensors = lists.len() / kinds;
                lists.iter().take(tensors).chain(lists.iter().skip(tensors.saturating_mul(2))).collect()
            }
        };
        Ok(replaced.into_iter().map(|ty| ty.cloned().unwrap_or(ValueType::Unknown)).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, _: &At) -> Work {
        match self {
            Training::Step { .. } => Work::Uncounted(Class::Other, "a step of an optimiser is not counted".into()),
            Training::Gradient { .. } => Work::Unmodelled("a gradient costs what the graph behind it costs".into()),
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it trains")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};

    /// ONNX's `test_adam_multiple`, its shapes: two tensors, their gradients, two moments of each.
    #[test]
    fn an_optimiser_returns_tensors_and_moments_without_gradients() {
        let inputs = [1, 2].repeat(4);
        let case = inputs
            .iter()
            .fold(Case::new("ai.onnx.preview.training", "Adam", 1).input(f32(&[])).input(f32(&[])), |case, n| {
                case.input(f32(&[*n]))
            });
        let each = [1, 2].repeat(3).into_iter().map(|n| f32(&[n])).collect::<Vec<_>>();
        assert_eq!(case.outputs(6).infer().unwrap(), each);
    }
}
