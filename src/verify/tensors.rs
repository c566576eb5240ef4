//! Types of values: which are looked at, in slices that fit into memory, and how they compare.

use super::job::Typed;
use super::report::{Mismatch, Pair, Tensors, Type};
use super::subject::Case;
use crate::graph::ValueId;
use std::collections::HashSet;
use std::ops::Range;

/// Bytes of values that are kept at once to be looked at.
const SLICE: u64 = 512 << 20;

/// Values that nodes deliver and that the runtime can show: tensors with a name in the outermost graph, but no constants,
/// which the runtime takes for stored.
fn all<'a>(case: &'a Case) -> impl Iterator<Item = ValueId> + 'a {
    let nodes = case.model.main.nodes.iter().map(|id| &case.model.nodes[*id]).filter(|node| !node.inputs.is_empty());
    let outputs = nodes.flat_map(|node| node.outputs.iter().flatten().copied());
    outputs.filter(|id| case.file.name(*id).is_some() && case.model.values[*id].ty.tensor().is_some())
}

/// Values that cannot be compared: something else than tensors, or not known to be one.
fn others(case: &Case) -> Vec<String> {
    let nodes = case.model.main.nodes.iter().map(|id| &case.model.nodes[*id]);
    let outputs = nodes.flat_map(|node| node.outputs.iter().flatten().copied());
    let others = outputs.filter(|id| case.file.name(*id).is_some() && case.model.values[*id].ty.tensor().is_none());
    others.map(|id| case.model.values[id].name.to_string()).collect()
}

/// Stretches of the values, each of which fits into memory at once; a larger value has one to itself.
pub(super) fn slices(case: &Case) -> Vec<Range<usize>> {
    let mut slices: Vec<Range<usize>> = Vec::new();
    let mut room = 0u64;
    for (position, id) in all(case).enumerate() {
        let bytes = case.model.values[id].ty.bytes().unwrap_or(0);
        match (slices.last_mut(), room.checked_sub(bytes)) {
            (Some(slice), Some(left)) => {
                slice.end = position + 1;
                room = left;
            }
            _ => {
                slices.push(position..position + 1);
                room = SLICE.saturating_sub(bytes);
            }
        }
    }
    slices
}

/// Names of a slice's values.
pub(super) fn names(case: &Case, slice: Range<usize>) -> Vec<String> {
    of_slice(case, slice).filter_map(|id| case.file.name(id)).map(ToString::to_string).collect()
}

/// Those of them that the model does not deliver anyway.
pub(super) fn between(case: &Case, slice: Range<usize>) -> Vec<String> {
    let delivered: HashSet<ValueId> = case.model.main.outputs.iter().copied().collect();
    let between = of_slice(case, slice).filter(|id| !delivered.contains(id));
    between.filter_map(|id| case.file.name(id)).map(ToString::to_string).collect()
}

fn of_slice<'a>(case: &'a Case, slice: Range<usize>) -> impl Iterator<Item = ValueId> + 'a {
    all(case).skip(slice.start).take(slice.len())
}

/// Holds what was measured against what is predicted, in the order of the values. Slices that could not be run are absent.
pub(super) fn compare(case: &Case, measured: Vec<(Range<usize>, Vec<Typed>)>) -> Tensors {
    let mut tensors = Tensors { open: others(case), ..Tensors::default() };
    let mut bytes = Pair { predicted: Some(0), measured: Some(0) };
    let add = |sum: Option<u64>, n: Option<u64>| sum?.checked_add(n?);
    for (slice, types) in measured {
        for (id, typed) in of_slice(case, slice).zip(types) {
            let Some(ty) = case.model.values[id].ty.tensor() else { continue };
            let predicted = Type::predicted(ty);
            let measured = Type::measured(typed);
            let name = case.model.values[id].name.to_string();
            tensors.compared += 1;
            bytes.predicted = add(bytes.predicted, predicted.bytes());
            bytes.measured = add(bytes.measured, measured.bytes());
            if !predicted.is_complete() {
                tensors.open.push(name.clone());
            }
            if !predicted.allows(&measured) {
                tensors.mismatches.push(Mismatch { name, predicted, measured });
            } else if let Some(bytes) = measured.bytes() {
                tensors.sizes.push((name, bytes));
            }
        }
    }
    Tensors { bytes, ..tensors }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::subject::File;
    use super::*;
    use crate::base::diagnostic::Origin;
    use crate::graph::{Builder, Model, NodeSpec};
    use crate::ops::attributes::Attributes;
    use crate::ops::layer::OPSET;
    use crate::tensor::{DType, Shape, TensorType};

    /// A rectifier of 1x3x4, and another of what that delivers.
    pub(in crate::verify) fn model() -> Model {
        let mut builder = Builder::new();
        let mut value = builder.input("x", TensorType::new(DType::F32, Shape::known(&[1, 3, 4])).into());
        for name in ["a", "b"] {
            let (node, _) = builder.add(NodeSpec {
                name: name.into(),
                kind: crate::ops::find("", "Relu").unwrap(),
                op_type: "Relu".into(),
                attributes: Attributes::new(),
                opset: OPSET,
                inputs: vec![Some(value)],
                outputs: vec![name.into()],
                open: None,
                bodies: Vec::new(),
                group: name.into(),
                scope: "".into(),
                origin: Origin::File,
            });
            value = builder.node(node).outputs[0].unwrap();
        }
        builder.output(value);
        builder.finish("two".into(), Vec::new())
    }

    #[test]
    fn a_wrong_prediction_is_found_and_named() {
        let model = model();
        let case = Case { model: &model, batch: 1, file: File::exported(&model).unwrap() };
        assert_eq!(slices(&case).first(), Some(&(0..2)));
        assert_eq!((names(&case, 0..2), between(&case, 0..2)), (vec!["a".into(), "b".into()], vec!["a".into()]));
        let typed = |dtype: &str, dims: &[i64]| Typed { dtype: dtype.into(), dims: dims.to_vec() };
        let right = typed("f32", &[1, 3, 4]);
        let measured = |second: Typed| compare(&case, vec![(0..2, vec![right.clone(), second])]);
        assert_eq!(measured(right.clone()).mismatches, []);
        for wrong in [typed("f32", &[1, 3, 5]), typed("f16", &[1, 3, 4]), typed("f32", &[1, 12])] {
            let tensors = measured(wrong);
            assert_eq!((tensors.compared, tensors.agree()), (2, 1));
            assert_eq!(tensors.mismatches[0].name, "b");
        }
    }
}
