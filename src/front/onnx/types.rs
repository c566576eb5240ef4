//! Types as a file declares them.

use super::proto::type_proto::Value;
use super::proto::{TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto};
use super::text;
use crate::tensor::{DType, Dim, List, Shape, TensorType, ValueType};
use prost::Message;
use prost::bytes::Bytes;
use std::collections::BTreeMap;

/// Values of symbols, as far as they are bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols(pub(super) BTreeMap<String, i64>);

impl Symbols {
    /// The value of a symbol, or the symbol.
    pub(super) fn dim(&self, name: &str) -> Dim {
        self.0.get(name).map_or_else(|| Dim::symbol(name), |n| Dim::Known(*n))
    }
}

/// Name and declared type of a value.
pub(super) fn value_info(bytes: &Bytes) -> Option<(Bytes, Option<TypeProto>)> {
    let info = ValueInfoProto::decode(bytes.clone()).ok()?;
    Some((info.name, info.r#type))
}

/// One dimension as a file writes it.
pub(super) enum Written {
    /// A number that may be a size.
    Size(i64),
    /// A symbol: any string but `?`, which exporters write for different sizes at once.
    Symbol(String),
    /// Nothing, `?`, or a negative number.
    Open,
}

impl From<&tensor_shape_proto::Dimension> for Written {
    fn from(dim: &tensor_shape_proto::Dimension) -> Written {
        use tensor_shape_proto::dimension::Value;
        match &dim.value {
            Some(Value::DimValue(n)) if *n >= 0 => Written::Size(*n),
            Some(Value::DimParam(name)) if !name.is_empty() && &name[..] != b"?" => Written::Symbol(text(name)),
            _ => Written::Open,
        }
    }
}

/// A type; `dim` says what becomes of the dimension at a position.
pub(super) fn value_type(proto: &TypeProto, dim: &mut dyn FnMut(usize, Written) -> Dim) -> ValueType {
    let inner = |proto: Option<&TypeProto>, dim: &mut dyn FnMut(usize, Written) -> Dim| {
        Box::new(proto.map_or(ValueType::Unknown, |p| value_type(p, dim)))
    };
    match &proto.value {
        None => ValueType::Unknown,
        Some(Value::TensorType(t) | Value::SparseTensorType(t)) => {
            TensorType { dtype: DType::from_onnx(t.elem_type), shape: shape(t.shape.as_ref(), dim) }.into()
        }
        Some(Value::SequenceType(s)) => List::of(*inner(s.elem_type.as_deref(), dim)).into(),
        Some(Value::OptionalType(o)) => ValueType::Optional(inner(o.elem_type.as_deref(), dim)),
        Some(Value::MapType(m)) => match DType::from_onnx(m.key_type) {
            Some(key) => ValueType::Map(key, inner(m.value_type.as_deref(), dim)),
            None => ValueType::Unknown,
        },
    }
}

fn shape(proto: Option<&TensorShapeProto>, dim: &mut dyn FnMut(usize, Written) -> Dim) -> Shape {
    let Some(proto) = proto else { return Shape::Unranked };
    Shape::Ranked(proto.dim.iter().enumerate().map(|(i, d)| dim(i, d.into())).collect())
}

/// A declared type with symbols as far as they are bound, and nothing where the file says nothing.
pub(super) fn declared(proto: &TypeProto, symbols: &Symbols) -> ValueType {
    value_type(proto, &mut |_, written| match written {
        Written::Size(n) => Dim::Known(n),
        Written::Symbol(name) => symbols.dim(&name),
        Written::Open => Dim::Unknown,
    })
}
