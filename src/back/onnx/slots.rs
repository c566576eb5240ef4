//! Where each stored value ends up: the slot that says what its numbers are for.

use crate::graph::{Model, NodeId, Role, Source, ValueId};
use crate::ops::rules::{Slot, SlotRole};
use crate::tensor::{DType, TensorType};

/// For every value, the first slot made for weights that reads it, at once or after it was prepared by nodes that see
/// stored values only. `None` where it is read as ordinary data, or not at all.
pub(super) fn slots(model: &Model) -> Vec<Option<Slot>> {
    let readers = readers(model);
    let mut found = vec![None; model.values.len()];
    // Values come before what is made of them, so that from the end every reader's answer is there.
    for id in model.values.ids().rev() {
        found[id.index()] = readers[id.index()].iter().find_map(|(node, position)| {
            let node = &model.nodes[*node];
            let slot = node.kind.slot(*position);
            match slot.role {
                SlotRole::Weight | SlotRole::Bias | SlotRole::Norm | SlotRole::Buffer => Some(slot),
                SlotRole::Data if node.constant => node.outputs.iter().flatten().find_map(|o| found[o.index()]),
                SlotRole::Data | SlotRole::Steer => None,
            }
        });
    }
    found
}

/// By value: the nodes that read it, and at which position.
fn readers(model: &Model) -> Vec<Vec<(NodeId, usize)>> {
    let mut readers = vec![Vec::new(); model.values.len()];
    for (id, node) in model.nodes.iter() {
        for (position, input) in node.inputs.iter().enumerate() {
            if let Some(input) = input {
                readers[input.index()].push((id, position));
            }
        }
    }
    readers
}

/// By value: whether a constant may hold ones (zeros, if they are integers) as well, because no size depends on it and
/// whatever runs stays finite with it: floats that are computed with, scales and zero points of a quantisation.
pub(super) fn neutral(model: &Model) -> Vec<bool> {
    let readers = readers(model);
    let mut neutral = vec![false; model.values.len()];
    // Values come before what is made of them.
    for (id, value) in model.values.iter().rev() {
        let dtype = value.ty.tensor().and_then(|t| t.dtype);
        // Floats of 8 bits and fewer cannot be made up as ones.
        let float = dtype.is_some_and(|dtype| dtype.is_float() && dtype.bits() >= 16);
        neutral[id.index()] = readers[id.index()].iter().all(|(node, position)| {
            let node = &model.nodes[*node];
            let slot = node.kind.slot(*position);
            match slot.role {
                SlotRole::Data if node.constant => node.outputs.iter().flatten().all(|o| neutral[o.index()]),
                SlotRole::Steer if slot.name.ends_with("zero_point") => true,
                SlotRole::Steer => float && slot.name.ends_with("_scale"),
                SlotRole::Data | SlotRole::Weight | SlotRole::Bias | SlotRole::Norm | SlotRole::Buffer => float,
            }
        });
    }
    neutral
}

/// Bytes from which on a weight takes more than what would stand in its place.
pub(super) const WORTHWHILE: u64 = 256;

/// Which weights a node may stand for so that a reader takes what it makes for the same weight. That is so in slots made
/// for weights; what is read as ordinary data would pass for a constant. `held`: whether the file holds it as a tensor;
/// `opset`: the version of ONNX's operators.
pub(super) fn replaceable(model: &Model, slots: &[Option<Slot>], held: &[bool], opset: i64) -> Vec<bool> {
    let mut replaceable = vec![false; model.values.len()];
    let learned = |id: ValueId| model.values[id].stored().is_some_and(|s| s.role.is_parameter());
    let bytes = |id: ValueId| model.values[id].ty.tensor().and_then(TensorType::bytes).unwrap_or(0);
    for (id, value) in model.values.iter() {
        let weight = value.stored().is_some_and(|s| s.role != Role::Constant) && slots[id.index()].is_some();
        let made = value.ty.tensor().and_then(|t| t.dtype).is_some_and(|dtype| is_made(dtype, opset));
        replaceable[id.index()] = held[id.index()] && weight && made && bytes(id) >= WORTHWHILE;
    }
    let mut written = false;
    for (_, value) in model.values.iter() {
        let Source::Inside(node, stored) = value.source else { continue };
        // Copies of a weight are weights only as long as the file stores that.
        if let Some(Some(original)) = model.nodes[node].inputs.first()
            && matches!(model.values[*original].source, Source::Stored(_))
        {
            replaceable[original.index()] = false;
        }
        written |= stored.role == Role::Constant;
    }
    // Constants in nodes pass for weights where the file stores no weight otherwise: the smallest one stays.
    let stored = || model.values.iter().filter(|(id, v)| matches!(v.source, Source::Stored(_)) && learned(*id));
    if written && stored().all(|(id, _)| replaceable[id.index()]) {
        let smallest = stored().map(|(id, _)| id).min_by_key(|id| bytes(*id));
        if let Some(id) = smallest {
            replaceable[id.index()] = false;
        }
    }
    replaceable
}

/// Whether `ConstantOfShape` makes tensors of this type in this version of ONNX's operators.
fn is_made(dtype: DType, opset: i64) -> bool {
    match dtype {
        DType::BF16 | DType::F8E4M3FN | DType::F8E4M3FNUZ | DType::F8E5M2 | DType::F8E5M2FNUZ => opset >= 20,
        DType::I4 | DType::U4 => opset >= 21,
        DType::F4E2M1 => opset >= 23,
        DType::F8E8M0 => opset >= 24,
        DType::F64 | DType::F32 | DType::F16 => true,
        _ => dtype.is_integer() && dtype.bits() >= 8,
    }
}
