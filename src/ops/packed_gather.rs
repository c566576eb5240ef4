//! ONNX Runtime's gather from a table packed in blocks of few bits, `GatherBlockQuantized`: what is picked is dequantised.
//! A table of bytes has 8/`bits` numbers in each, along the last axis.

use super::attributes::Attributes;
use super::axes::axis;
use super::gather::slices;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, steer, weight,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "com.microsoft",
    name: "GatherBlockQuantized",
    slots: &[weight("data"), steer("indices"), steer("scales"), steer("zero_points")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct Gather {
    axis: i64,
    bits: u64,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Gather { axis: spec.attributes.int_or("gather_axis", 0)?, bits: bits(spec.attributes)? }))
}

fn bits(attributes: &Attributes) -> Result<u64, OpError> {
    let stated = attributes.int_or("bits", 4)?;
    let known = [2, 4, 8].into_iter().find(|bits| i64::try_from(*bits) == Ok(stated));
    known.ok_or_else(|| OpError::invalid(format!("`bits` is {stated}; 2, 4 or 8 is expected")))
}

/// Numbers in an element of the table.
fn each(dtype: Option<DType>, bits: u64) -> Option<u64> {
    Some(if dtype? == DType::U8 { 8u64.checked_div(bits)? } else { 1 })
}

/// Numbers in a table of this type.
pub(super) fn numbers(attributes: &Attributes, table: &TensorType) -> Option<u64> {
    each(table.dtype, bits(attributes).ok()?)?.checked_mul(table.shape.elements()?)
}

impl Operator for Gather {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (table, indices, dtype) = (at.require(0)?, at.require(1)?, at.require(2)?.dtype);
        let (Some(dims), Some(indices)) = (table.shape.dims(), indices.shape.dims()) else {
            return Ok(vec![TensorType { dtype, shape: Shape::Unranked }.into()]);
        };
        let place = axis(self.axis, dims.len())?;
        let mut unpacked = dims.to_vec();
        if let Some(last) = unpacked.last_mut() {
            *last = each(table.dtype, self.bits).map_or(Dim::Unknown, |n| last.times(&n.into()));
        }
        let shape = Shape::Ranked([&unpacked[..place], indices, &unpacked[place + 1..]].concat());
        Ok(vec![TensorType { dtype, shape }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    /// What is picked is dequantised: (x − zero point) · scale.
    fn work(&self, at: &At) -> Work {
        let each = Operations { mul: 1, add: u64::from(at.has(3)), ..Operations::default() };
        Work::elementwise(Class::Other, each, at.output_elements(0))
    }

    fn window(&self, at: &At) -> Window {
        match (at.dims(0), at.dims(1)) {
            (Some(table), Some(indices)) => slices(self.axis, table.len(), indices.len()),
            _ => Window::Opaque("which positions are gathered is not known"),
        }
    }
}
