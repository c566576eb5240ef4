//! Attributes of a node. Sub-graphs are built elsewhere; what an operator cannot use is seen to be there.

use super::proto::{AttributeProto, SparseTensorProto, TensorProto};
use super::tensor::{self, Budget};
use super::{Words, text};
use crate::ops::attributes::{Attribute, Attributes};
use crate::tensor::{DType, Shape};
use prost::Message;
use prost::bytes::Bytes;

/// Reads them in order. `Err` names the attribute that is wrong, and says what is wrong with it.
pub(super) fn read(
    protos: impl ExactSizeIterator<Item = AttributeProto>,
    words: &mut Words,
    budget: &mut Budget,
) -> Result<Attributes, String> {
    let mut attributes = Attributes::with_room(protos.len());
    for proto in protos {
        let name = words.of(&proto.name);
        let value = value(proto, budget).map_err(|what| format!("attribute `{name}`: {what}"))?;
        attributes.push(name, value);
    }
    Ok(attributes)
}

fn value(proto: AttributeProto, budget: &mut Budget) -> Result<Attribute, String> {
    Ok(match kind(&proto) {
        1 => Attribute::Float(proto.f.unwrap_or_default()),
        2 => Attribute::Int(proto.i.unwrap_or_default()),
        3 => Attribute::String(text(&proto.s.unwrap_or_default())),
        4 => {
            let tensor = tensor::read(&proto.t.unwrap_or_default(), budget)?;
            let literal = tensor.literal.map(Box::new);
            let Some(dtype) = tensor.ty.dtype else { return Ok(Attribute::Other) };
            Attribute::Tensor { dtype, shape: tensor.ty.shape, literal }
        }
        6 => Attribute::Floats(proto.floats),
        7 => Attribute::Ints(proto.ints),
        8 => Attribute::Strings(proto.strings.iter().map(|s| text(s)).collect()),
        11 => {
            let (_, dtype, shape) = sparse(&proto.sparse_tensor.unwrap_or_default())?;
            Attribute::Tensor { dtype, shape, literal: None }
        }
        _ => Attribute::Other,
    })
}

/// The number of its type. The first versions of the format have none: the field that is there tells it.
fn kind(proto: &AttributeProto) -> i32 {
    match proto {
        _ if proto.r#type != 0 => proto.r#type,
        AttributeProto { f: Some(_), .. } => 1,
        AttributeProto { i: Some(_), .. } => 2,
        AttributeProto { s: Some(_), .. } => 3,
        AttributeProto { t: Some(_), .. } => 4,
        _ if !proto.floats.is_empty() => 6,
        _ if !proto.ints.is_empty() => 7,
        _ if !proto.strings.is_empty() => 8,
        _ => 0,
    }
}

/// Name, element type and sizes of a tensor that is stored sparsely: the whole, zeros included.
pub(super) fn sparse(bytes: &Bytes) -> Result<(Bytes, DType, Shape), String> {
    let proto = SparseTensorProto::decode(bytes.clone()).map_err(|e| e.to_string())?;
    let values = TensorProto::decode(proto.values).map_err(|e| e.to_string())?;
    let dtype = DType::from_onnx(values.data_type)
        .ok_or_else(|| format!("element type {} does not exist", values.data_type))?;
    let sizes: Option<Vec<u64>> = proto.dims.iter().map(|d| u64::try_from(*d).ok()).collect();
    let sizes = sizes.ok_or_else(|| format!("a size is negative: {:?}", proto.dims))?;
    let shape = Shape::known(&sizes);
    if shape.elements().is_none() {
        return Err(format!("{dtype}{shape} has more than 2^64 elements"));
    }
    Ok((values.name, dtype, shape))
}
