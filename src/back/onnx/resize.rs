//! Declarations that hold for other sizes than those that a file was written for.

use super::fields::fields;
use super::message::Message;
use super::schema::INFO_TYPE;
use crate::front::onnx::proto::type_proto::Value;
use crate::front::onnx::proto::{TypeProto, ValueInfoProto};
use prost::Message as _;
use prost::bytes::Bytes;

/// A declared value with another type.
pub(super) fn typed(info: &Bytes, ty: Option<TypeProto>) -> Message {
    let mut out = without(info, INFO_TYPE);
    if let Some(ty) = ty {
        out.encoded(INFO_TYPE, &ty);
    }
    out
}

/// The declared type of a value with its sizes left open.
pub(super) fn open(info: &Bytes) -> Option<TypeProto> {
    let mut ty = ValueInfoProto::decode(info.clone()).ok()?.r#type?;
    let mut inner = Some(&mut ty);
    while let Some(ty) = inner.take() {
        match &mut ty.value {
            Some(Value::TensorType(tensor) | Value::SparseTensorType(tensor)) => {
                tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim).for_each(|dim| dim.value = None);
            }
            Some(Value::SequenceType(of)) => inner = of.elem_type.as_deref_mut(),
            Some(Value::OptionalType(of)) => inner = of.elem_type.as_deref_mut(),
            Some(Value::MapType(of)) => inner = of.value_type.as_deref_mut(),
            None => {}
        }
    }
    Some(ty)
}

/// A message without one of its fields.
pub(super) fn without(message: &Bytes, number: u32) -> Message {
    let mut out = Message::default();
    fields(message).filter(|f| f.number != number).for_each(|f| out.fields(&f.whole));
    out
}
