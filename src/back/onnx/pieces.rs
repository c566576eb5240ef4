//! Nodes, attributes, types and constants as messages of the schema.

use super::fill::{Fill, brain, half};
use super::message::Message as Fields;
use super::schema::{
    FUNCTION_ATTRIBUTE, FUNCTION_DOMAIN, FUNCTION_INPUT, FUNCTION_NAME, FUNCTION_NODE, FUNCTION_OPSET_IMPORT,
    FUNCTION_OUTPUT, TENSOR_RAW_DATA,
};
use crate::front::onnx::proto::tensor_shape_proto::{Dimension, dimension};
use crate::front::onnx::proto::{
    AttributeProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use crate::ops::OWN_DOMAIN;
use crate::ops::attributes::Attribute;
use crate::ops::definition::Definition;
use crate::ops::layer::OPSET;
use crate::ops::rules::Slot;
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};
use prost::Message;
use prost::bytes::Bytes;

/// Text as the schema holds it.
pub(super) fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Name and type of a value; a type that is not known is left out.
pub(super) fn value_info(name: &str, ty: &ValueType) -> ValueInfoProto {
    ValueInfoProto { name: text(name), r#type: value_type(ty) }
}

/// The type of a value, if it is known.
pub(super) fn value_type(ty: &ValueType) -> Option<TypeProto> {
    use type_proto::Value;
    let inner = |ty: &ValueType| value_type(ty).map(Box::new);
    let value = match ty {
        ValueType::Tensor(tensor) => {
            Value::TensorType(type_proto::Tensor { elem_type: tensor.dtype?.onnx(), shape: shape(&tensor.shape) })
        }
        ValueType::Sequence(of) => {
            Value::SequenceType(Box::new(type_proto::Sequence { elem_type: inner(of.element()) }))
        }
        ValueType::Optional(of) => Value::OptionalType(Box::new(type_proto::Optional { elem_type: inner(of) })),
        ValueType::Map(key, of) => {
            Value::MapType(Box::new(type_proto::Map { key_type: key.onnx(), value_type: inner(of) }))
        }
        ValueType::Unknown => return None,
    };
    Some(TypeProto { value: Some(value) })
}

fn shape(shape: &Shape) -> Option<TensorShapeProto> {
    let dim = |dim: &Dim| {
        let value = match dim {
            Dim::Known(n) => Some(dimension::Value::DimValue(*n)),
            Dim::Unknown => None,
            Dim::Symbolic(_) => Some(dimension::Value::DimParam(text(&dim.to_string()))),
        };
        Dimension { value }
    };
    Some(TensorShapeProto { dim: shape.dims()?.iter().map(dim).collect() })
}

/// Sizes as a tensor has them; `None` while one is not known.
pub(super) fn sizes(shape: &Shape) -> Option<Vec<i64>> {
    shape.dims()?.iter().map(Dim::known).collect()
}

/// What a tensor is, without its contents.
pub(super) fn tensor(name: &str, ty: &TensorType) -> Option<TensorProto> {
    let data_type = ty.dtype?.onnx();
    Some(TensorProto { dims: sizes(&ty.shape)?, data_type, name: text(name), ..TensorProto::default() })
}

/// A tensor with made-up contents.
pub(super) fn filled(name: &str, ty: &TensorType, fill: Fill) -> Option<Fields> {
    let mut made = Fields::default();
    made.fields(&tensor(name, ty)?.encode_to_vec().into());
    made.filled(TENSOR_RAW_DATA, fill);
    Some(made)
}

/// A small constant with its contents; `None` where they are not all known, or of a type that has no numbers here.
pub(super) fn constant(name: &str, ty: &TensorType, literal: &Literal) -> Option<TensorProto> {
    let raw_data = Some(contents(ty.dtype?, &literal.elements)?.into());
    Some(TensorProto { raw_data, ..tensor(name, ty)? })
}

fn contents(dtype: DType, elements: &Elements) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match elements {
        Elements::Ints(ints) => {
            for n in ints {
                let n = n.known()?;
                match dtype {
                    DType::I64 => bytes.extend(n.to_le_bytes()),
                    DType::I32 => bytes.extend(i32::try_from(n).ok()?.to_le_bytes()),
                    DType::U8 | DType::Bool => bytes.extend(u8::try_from(n).ok()?.to_le_bytes()),
                    _ => return None,
                }
            }
        }
        Elements::Floats(floats) => {
            for x in floats {
                #[expect(clippy::cast_possible_truncation, reason = "rounding to the type is the point")]
                let single = *x as f32;
                match dtype {
                    DType::F64 => bytes.extend(x.to_le_bytes()),
                    DType::F32 => bytes.extend(single.to_le_bytes()),
                    DType::F16 => bytes.extend(half(single).to_le_bytes()),
                    DType::BF16 => bytes.extend(brain(single).to_le_bytes()),
                    _ => return None,
                }
            }
        }
        Elements::Ratios(_) => return None,
    }
    Some(bytes)
}

/// The type of an attribute that is a tensor.
const TENSOR: i32 = 4;
/// The type of an attribute that is a list of whole numbers.
const INTS: i32 = 7;

/// An attribute; `None` for one of which the graph keeps too little to write it.
pub(super) fn attribute(name: &str, value: &Attribute) -> Option<AttributeProto> {
    let mut proto = AttributeProto { name: text(name), ..AttributeProto::default() };
    proto.r#type = match value {
        Attribute::Float(x) => {
            proto.f = Some(*x);
            1
        }
        Attribute::Int(n) => {
            proto.i = Some(*n);
            2
        }
        Attribute::String(s) => {
            proto.s = Some(text(s));
            3
        }
        Attribute::Tensor { dtype, shape, literal } => {
            let tensor = constant("", &TensorType::new(*dtype, shape.clone()), literal.as_deref()?)?;
            proto.t = Some(tensor.encode_to_vec().into());
            TENSOR
        }
        Attribute::Floats(v) => {
            proto.floats.clone_from(v);
            6
        }
        Attribute::Ints(v) => {
            proto.ints.clone_from(v);
            INTS
        }
        Attribute::Strings(v) => {
            proto.strings = v.iter().map(|s| text(s)).collect();
            8
        }
        Attribute::Other => return None,
    };
    Some(proto)
}

/// An operator of our own as a function of standard ones.
pub(super) fn function(definition: &Definition) -> Fields {
    let mut function = Fields::default();
    function.bytes(FUNCTION_NAME, definition.name.as_bytes());
    definition.inputs.iter().for_each(|name| function.bytes(FUNCTION_INPUT, name.as_bytes()));
    definition.lines.iter().rev().take(1).for_each(|line| function.bytes(FUNCTION_OUTPUT, line.output.as_bytes()));
    definition.attributes.iter().for_each(|name| function.bytes(FUNCTION_ATTRIBUTE, name.as_bytes()));
    for line in definition.lines {
        let attribute = line.attribute.map(|(name, of_call)| AttributeProto {
            name: text(name),
            r#type: INTS,
            ref_attr_name: text(of_call),
            ..AttributeProto::default()
        });
        let node = NodeProto {
            input: line.inputs.iter().map(|name| text(name)).collect(),
            output: vec![text(line.output)],
            op_type: text(line.op),
            attribute: attribute.into_iter().collect(),
            ..NodeProto::default()
        };
        function.encoded(FUNCTION_NODE, &node);
    }
    function.encoded(FUNCTION_OPSET_IMPORT, &opset("", OPSET));
    function.bytes(FUNCTION_DOMAIN, OWN_DOMAIN.as_bytes());
    function
}

/// A version of a domain's operators.
pub(super) fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: text(domain), version }
}

/// The sizes of a shape as a constant.
pub(super) fn shape_constant(name: &str, shape: &Shape) -> Option<TensorProto> {
    let sizes = Literal::vector(shape.dims()?.to_vec());
    constant(name, &TensorType::new(DType::I64, sizes.shape()), &sizes)
}

/// A node that keeps a tensor.
pub(super) fn constant_node(name: &str, tensor: &TensorProto) -> NodeProto {
    let attribute = AttributeProto {
        name: text("value"),
        t: Some(tensor.encode_to_vec().into()),
        r#type: TENSOR,
        ..AttributeProto::default()
    };
    NodeProto {
        output: vec![text(name)],
        op_type: text("Constant"),
        attribute: vec![attribute],
        ..NodeProto::default()
    }
}

/// A node that makes a weight out of its sizes.
pub(super) fn of_shape(name: &str, shape: &str, dtype: DType, slot: Option<Slot>) -> Option<NodeProto> {
    let one = TensorType::new(dtype, Shape::known(&[1]));
    let mut contents = Vec::new();
    Fill::single(dtype, slot).write(&mut contents).ok()?;
    let value = TensorProto { raw_data: Some(contents.into()), ..tensor("", &one)? };
    let attribute = AttributeProto {
        name: text("value"),
        t: Some(value.encode_to_vec().into()),
        r#type: TENSOR,
        ..AttributeProto::default()
    };
    Some(NodeProto {
        input: vec![text(shape)],
        output: vec![text(name)],
        name: text(name),
        op_type: text("ConstantOfShape"),
        attribute: vec![attribute],
        ..NodeProto::default()
    })
}
