//! Declarations that hold for other sizes than those that a file was written for.

use super::fields::fields;
use super::message::Message;
use super::schema::{
    ATTRIBUTE_G, ATTRIBUTE_GRAPHS, GRAPH_INPUT, GRAPH_NODE, GRAPH_OUTPUT, GRAPH_VALUE_INFO, INFO_TYPE, NODE_ATTRIBUTE,
};
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

/// Whether a node has graphs inside.
pub(super) fn has_graphs(node: &Bytes) -> bool {
    let mut attributes = fields(node).filter(|f| f.number == NODE_ATTRIBUTE);
    attributes.any(|a| fields(&a.inside).any(|f| matches!(f.number, ATTRIBUTE_G | ATTRIBUTE_GRAPHS)))
}

/// A node whose graphs leave the sizes of what goes in and out open. (A file is nested as deep as the reader allows.)
pub(super) fn resized_node(node: &Bytes) -> Message {
    let mut out = Message::default();
    for field in fields(node) {
        if field.number != NODE_ATTRIBUTE {
            out.fields(&field.whole);
            continue;
        }
        let mut attribute = Message::default();
        for field in fields(&field.inside) {
            match field.number {
                ATTRIBUTE_G | ATTRIBUTE_GRAPHS => attribute.message(field.number, resized_graph(&field.inside)),
                _ => attribute.fields(&field.whole),
            }
        }
        out.message(NODE_ATTRIBUTE, attribute);
    }
    out
}

/// A graph inside of a node. What flows in it is inferred anew by whoever runs it.
fn resized_graph(graph: &Bytes) -> Message {
    let mut out = Message::default();
    for field in fields(graph) {
        match field.number {
            GRAPH_NODE if has_graphs(&field.inside) => out.message(GRAPH_NODE, resized_node(&field.inside)),
            GRAPH_INPUT | GRAPH_OUTPUT => out.message(field.number, typed(&field.inside, open(&field.inside))),
            GRAPH_VALUE_INFO => {}
            _ => out.fields(&field.whole),
        }
    }
    out
}
