//! Classical models (domain `ai.onnx.ml`): linear ones, support vector machines and ensembles of trees. Their learned
//! numbers are attributes. Sizes that the specification leaves open are those that ONNX Runtime 1.32 makes.

use super::attributes::{Attribute, Attributes};
use super::kernel::Kernel;
use super::ml_features::table;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias,
    data, weight,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("LinearClassifier", LINEAR),
    op("LinearRegressor", LINEAR),
    op("SVMClassifier", VECTORS),
    op("SVMRegressor", VECTORS),
    op("TreeEnsemble", &[data("X"), weight("nodes_splits"), weight("leaf_weights"), weight("membership_values")]),
    op("TreeEnsembleClassifier", &[data("X"), weight("nodes_values"), weight("class_weights"), bias("base_values")]),
    op("TreeEnsembleRegressor", &[data("X"), weight("nodes_values"), weight("target_weights"), bias("base_values")]),
];

/// Slots behind the first are for the attributes of these names, see [`learned`].
const LINEAR: &[Slot] = &[data("X"), weight("coefficients"), bias("intercepts")];
const VECTORS: &[Slot] =
    &[data("X"), weight("support_vectors"), weight("coefficients"), bias("rho"), bias("prob_a"), bias("prob_b")];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "ai.onnx.ml", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// Learned numbers that an operator keeps in its attributes: the slot for each list, and its type. Of the thresholds of
/// trees those of leaves are no numbers: a leaf compares nothing.
pub fn learned(kind: &OpKind, attributes: &Attributes) -> Vec<(usize, TensorType)> {
    let is_leaf = |mode: &&String| *mode == "LEAF";
    let leaves = || attributes.strings("nodes_modes").ok()?.map(|modes| modes.iter().filter(is_leaf).count());
    let of = |(position, slot): (usize, &Slot)| {
        let found = attributes.get(slot.name).or_else(|| attributes.get(&format!("{}_as_tensor", slot.name)));
        let (dtype, all) = match found? {
            Attribute::Floats(values) => (DType::F32, values.len() as u64),
            Attribute::Tensor { dtype, shape, .. } => (*dtype, shape.elements()?),
            _ => return None,
        };
        let none = if slot.name == "nodes_values" { leaves().unwrap_or(0) as u64 } else { 0 };
        let count = all.saturating_sub(none);
        (count > 0).then(|| (position, TensorType::new(dtype, Shape::known(&[count]))))
    };
    let models = OPS.iter().any(|own| (own.domain, own.name) == (kind.domain, kind.name));
    if models { kind.slots.iter().enumerate().skip(1).filter_map(of).collect() } else { Vec::new() }
}

#[derive(Debug)]
struct Model {
    /// The type of the labels, for a classifier.
    labels: Option<DType>,
    /// Scores for each row.
    scores: Dim,
    /// Whether scores have the input's type; else they are f32.
    same_type: bool,
    cost: Cost,
}

/// What a row costs.
#[derive(Debug)]
enum Cost {
    /// So many multiply-accumulates and so many intercepts.
    Linear {
        macs: usize,
        intercepts: usize,
    },
    /// So many values of support vectors to be multiplied, and so many coefficients of their kernels.
    Vectors {
        values: usize,
        coefficients: usize,
        kernels: usize,
        function: bool,
    },
    Trees,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let name = spec.kind.name;
    let classifier = match name {
        "LinearClassifier" | "SVMClassifier" => Some("classlabels_ints"),
        "TreeEnsembleClassifier" => Some("classlabels_int64s"),
        _ => None,
    };
    let classes = classifier.map(|integers| classes(attributes, integers)).transpose()?;
    let count = classes.map_or(0, |(_, count)| count);
    let many = |n: usize| u64::try_from(n).map_or(Dim::Unknown, Dim::from);
    let scores = match name {
        "LinearClassifier" => match length(attributes, "intercepts")? {
            1 if count == 2 => Dim::Known(2),
            0 => many(count),
            intercepts => many(intercepts),
        },
        "SVMClassifier" => many(pairs(attributes, count)?),
        "TreeEnsembleClassifier" => many(count),
        "LinearRegressor" => Dim::Known(attributes.int_or("targets", 1)?),
        "SVMRegressor" => Dim::Known(1),
        _ => attributes.int("n_targets")?.map_or(Dim::Unknown, Dim::Known),
    };
    Ok(Box::new(Model {
        labels: classes.map(|(dtype, _)| dtype),
        scores,
        same_type: name == "TreeEnsemble",
        cost: cost(name, attributes)?,
    }))
}

fn cost(name: &str, attributes: &Attributes) -> Result<Cost, OpError> {
    let coefficients = length(attributes, "coefficients")?;
    let values = length(attributes, "support_vectors")?;
    Ok(match name {
        "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => Cost::Trees,
        "SVMClassifier" | "SVMRegressor" if values > 0 => {
            let kernels = match attributes.ints("vectors_per_class")? {
                Some(counts) => {
                    counts.iter().try_fold(0usize, |sum, n| sum.checked_add(whole(*n, "vectors_per_class").ok()?))
                }
                None => Some(whole(attributes.int_or("n_supports", 0)?, "n_supports")?),
            };
            let kernels = kernels.ok_or_else(|| OpError::invalid("`vectors_per_class` is impossible"))?;
            let function = attributes.string("kernel_type")?.is_some_and(|kernel| kernel != "LINEAR");
            Cost::Vectors { values, coefficients, kernels, function }
        }
        "SVMClassifier" | "SVMRegressor" => Cost::Linear { macs: coefficients, intercepts: length(attributes, "rho")? },
        _ => Cost::Linear { macs: coefficients, intercepts: length(attributes, "intercepts")? },
    })
}

/// The type and number of the classes.
fn classes(attributes: &Attributes, integers: &str) -> Result<(DType, usize), OpError> {
    match attributes.strings("classlabels_strings")? {
        Some(strings) if !strings.is_empty() => Ok((DType::String, strings.len())),
        _ => Ok((DType::I64, attributes.ints(integers)?.unwrap_or(&[]).len())),
    }
}

/// Scores of a support vector machine: one for each class where it has probabilities or no support vectors; else one
/// for each pair of classes, and two for a single pair.
fn pairs(attributes: &Attributes, classes: usize) -> Result<usize, OpError> {
    let one_each = length(attributes, "prob_a")? > 0 || length(attributes, "support_vectors")? == 0;
    let impossible = || OpError::invalid("too many classes");
    match classes {
        _ if one_each => Ok(classes),
        0..=2 => Ok(2),
        n => n.checked_mul(n.saturating_sub(1)).map(|twice| twice / 2).ok_or_else(impossible),
    }
}

fn length(attributes: &Attributes, name: &str) -> Result<usize, OpError> {
    Ok(attributes.floats(name)?.unwrap_or(&[]).len())
}

fn whole(n: i64, name: &str) -> Result<usize, OpError> {
    usize::try_from(n).map_err(|_| OpError::invalid(format!("`{name}` has the negative entry {n}")))
}

impl Model {
    fn arithmetic(&self, rows: u64) -> Option<Arithmetic> {
        let all = |n: usize| u64::try_from(n).ok()?.checked_mul(rows);
        let none = Operations::default();
        let (macs, biases, operations) = match self.cost {
            Cost::Linear { macs, intercepts } => {
                (all(macs)?, all(intercepts)?, Operations { add: all(intercepts)?, ..none })
            }
            Cost::Vectors { values, coefficients, kernels, function } => {
                let functions = if function { all(kernels)? } else { 0 };
                (all(values.checked_add(coefficients)?)?, 0, Operations { exp: functions, ..none })
            }
            Cost::Trees => return None,
        };
        Some(Arithmetic { class: Class::Dense, macs, biases, window: 1, operations })
    }
}

impl Operator for Model {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// Scores are `[N, E]`; a classifier's labels `[N]` come before them.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let (rows, _) = table(&x.shape)?;
        let dtype = if self.same_type { x.dtype } else { Some(DType::F32) };
        let scores = TensorType { dtype, shape: Shape::Ranked(vec![rows.clone(), self.scores.clone()]) };
        let labels = self.labels.map(|dtype| TensorType::new(dtype, Shape::Ranked(vec![rows])));
        Ok(labels.into_iter().chain([scores]).map(Into::into).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        if matches!(self.cost, Cost::Trees) {
            return Work::Uncounted(Class::Other, "how deep a tree is walked depends on the data".into());
        }
        let rows = at.tensor(0).and_then(|x| table(&x.shape).ok()).and_then(|(rows, _)| rows.size());
        Work::counted(rows.and_then(|rows| self.arithmetic(rows)))
    }

    fn window(&self, _: &At) -> Window {
        Window::Global
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn labels(n: i64) -> Attribute {
        Attribute::Ints((0..n).collect())
    }

    /// Sizes as ONNX Runtime 1.32 makes them; 5 rows of 3 features with 3 coefficients each.
    #[test]
    fn one_intercept_scores_two_classes() {
        let case = Case::new("ai.onnx.ml", "LinearClassifier", 1)
            .with("coefficients", Attribute::Floats(vec![1.0; 3]))
            .with("intercepts", Attribute::Floats(vec![0.0]))
            .with("classlabels_ints", labels(2))
            .input(f32(&[5, 3]))
            .outputs(2);
        assert_eq!(case.infer().unwrap(), vec![tensor(DType::I64, &[Dim::Known(5)]), f32(&[5, 2])]);
        let Work::Counted(count) = case.work() else { panic!("not counted") };
        assert_eq!((count.macs, count.biases), (15, 5));
    }

    /// Three nodes, one of which compares, and two leaves with a weight each.
    #[test]
    fn thresholds_of_leaves_are_not_learned() {
        let words = |modes: &[&str]| Attribute::Strings(modes.iter().map(|m| (*m).to_owned()).collect());
        let mut attributes = Attributes::new();
        attributes.push("nodes_modes", words(&["BRANCH_LEQ", "LEAF", "LEAF"]));
        attributes.push("nodes_values", Attribute::Floats(vec![0.5, 0.0, 0.0]));
        attributes.push("target_weights", Attribute::Floats(vec![1.0, 2.0]));
        let learned = |name| learned(OPS.iter().find(|kind| kind.name == name).unwrap(), &attributes);
        let float = |n| TensorType::new(DType::F32, Shape::known(&[n]));
        assert_eq!(learned("TreeEnsembleRegressor"), [(1, float(1)), (2, float(2))]);
        assert_eq!(learned("LinearRegressor"), []);
    }

    #[test]
    fn support_vectors_score_pairs_of_classes_unless_there_are_probabilities() {
        let case = |classes| {
            Case::new("ai.onnx.ml", "SVMClassifier", 1)
                .with("support_vectors", Attribute::Floats(vec![1.0; 12]))
                .with("classlabels_ints", labels(classes))
                .input(f32(&[5, 3]))
        };
        let scores = |case: Case| case.infer().unwrap().remove(1);
        assert_eq!(scores(case(4)), f32(&[5, 6]));
        assert_eq!(scores(case(2)), f32(&[5, 2]));
        assert_eq!(scores(case(4).with("prob_a", Attribute::Floats(vec![1.0; 6]))), f32(&[5, 4]));
    }
}
