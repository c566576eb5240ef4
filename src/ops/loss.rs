//! Losses over classes: `NegativeLogLikelihoodLoss` and `SoftmaxCrossEntropyLoss`, on scores [N, C, d1, …] and labels
//! [N, d1, …].

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, buffer, data,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("NegativeLogLikelihoodLoss", &[data("input"), data("target"), buffer("weight")]),
    op("SoftmaxCrossEntropyLoss", &[data("scores"), data("labels"), buffer("weights")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
struct Loss {
    /// Whether logarithms of probabilities are computed from scores first.
    softmax: bool,
    reduced: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let reduced = match spec.attributes.string("reduction")?.unwrap_or("mean") {
        "none" => false,
        "sum" | "mean" => true,
        other => {
            let error = OpError::invalid(format!("`reduction` is `{other}`"));
            return Err(error.help("write `none`, `sum` or `mean`"));
        }
    };
    Ok(Box::new(Loss { softmax: spec.kind.name == "SoftmaxCrossEntropyLoss", reduced }))
}

/// The scores without their classes: one loss for each label.
fn samples(at: &At) -> Result<Shape, OpError> {
    let labels = at.require(1)?.shape.dims();
    match at.require(0)?.shape.dims() {
        None => Ok(labels.map_or(Shape::Unranked, |l| Shape::Ranked(l.to_vec()))),
        Some([batch, _, rest @ ..]) => {
            if let Some(labels) = labels.filter(|l| l.len() != rest.len().saturating_add(1)) {
                let (found, wanted) = (labels.len(), rest.len().saturating_add(1));
                return Err(OpError::invalid(format!("labels of {found} dimensions; these scores take {wanted}")));
            }
            let sizes = std::iter::once(batch).chain(rest).cloned().enumerate();
            let better = |(i, size): (usize, Dim)| match labels.and_then(|l| l.get(i)) {
                Some(label) if size.known().is_none() && label.known().is_some() => label.clone(),
                _ => size,
            };
            Ok(Shape::Ranked(sizes.map(better).collect()))
        }
        Some(dims) => Err(OpError::invalid(format!("scores of {} dimensions; a loss takes 2 or more", dims.len()))),
    }
}

impl Operator for Loss {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let scores = at.require(0)?;
        let samples = samples(at)?;
        let shape = if self.reduced { Shape::scalar() } else { samples };
        let loss = TensorType { dtype: scores.dtype, shape }.into();
        Ok(if self.softmax { vec![loss, scores.clone().into()] } else { vec![loss] })
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    /// For each score of a softmax a maximum, an exponential, a difference from the maximum, a sum, and a difference
    /// from its logarithm; for each sample that logarithm; then for each sample a weight, a sign and a sum.
    fn work(&self, at: &At) -> Work {
        let each = Operations { compare: 1, exp: 1, add: 3, ..Operations::default() };
        let count = || {
            let samples = samples(at).ok()?.elements()?;
            let weighted = u64::from(at.has(2));
            let sample = Operations {
                exp: u64::from(self.softmax),
                mul: weighted,
                add: if self.reduced { 2 } else { 1 },
                ..Operations::default()
            };
            let softmax = if self.softmax { each.times(at.input_elements(0)?)? } else { Operations::default() };
            softmax.plus(sample.times(samples)?)
        };
        Work::operations(if self.softmax { Class::Softmax } else { Class::Reduction }, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it looks at a score by its label")
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32, tensor};
    use super::*;
    use crate::tensor::DType;

    fn loss(reduction: &str) -> Case {
        let labels = tensor(DType::I64, &[Dim::Known(3), Dim::Known(6)]);
        Case::new("", "SoftmaxCrossEntropyLoss", 13)
            .with("reduction", Attribute::String(reduction.into()))
            .input(tensor(DType::F32, &[Dim::symbol("N"), Dim::Known(5), Dim::Known(6)]))
            .input(labels)
            .outputs(2)
    }

    #[test]
    fn only_an_unreduced_loss_keeps_its_samples() {
        let log_prob = tensor(DType::F32, &[Dim::symbol("N"), Dim::Known(5), Dim::Known(6)]);
        assert_eq!(loss("none").infer().unwrap(), vec![f32(&[3, 6]), log_prob.clone()]);
        assert_eq!(loss("mean").infer().unwrap(), vec![f32(&[]), log_prob]);
        assert!(loss("max").infer().is_err());
    }
}
