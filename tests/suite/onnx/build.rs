//! ONNX files from text, without any tool: a model is a line of JSON.
//!
//! `[name, {domain: version}, {input: type}, {input: [contents]}, [node…], {output: type}]`, where a node is
//! `[operator, "names of inputs", "names of outputs", {attribute: value}]` with `-` for a name left out, and a type is
//! `f32[2,N,?]`. An attribute may be a tensor (`{"tensor": ["i64[2]", [4, 5]]}`), a type, a graph (`{"graph": {…}}` with
//! `in`, `nodes`, `init` and `out`) or, inside a function, a reference (`{"ref": "alpha"}`).

use cnnsize::front::onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use cnnsize::tensor::DType;
use prost::Message;
use prost::bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A model with these operator sets, inputs, nodes and outputs.
pub(crate) fn model(opsets: &Value, graph: GraphProto, functions: &[Value]) -> ModelProto {
    ModelProto {
        ir_version: 10,
        graph: Some(graph),
        opset_import: imports(opsets),
        functions: functions.iter().map(|f| function(f).encode_to_vec().into()).collect(),
        ..ModelProto::default()
    }
}

/// The file that a model is.
pub(crate) fn file(model: &ModelProto) -> Arc<[u8]> {
    model.encode_to_vec().into()
}

pub(crate) fn graph(inputs: &Value, nodes: &Value, outputs: &Value) -> GraphProto {
    let infos = |v: &Value| v.as_object().unwrap().iter().map(|(n, t)| info(n, t.as_str().unwrap())).collect();
    GraphProto {
        node: nodes.as_array().unwrap().iter().map(|n| node(n).encode_to_vec().into()).collect(),
        input: infos(inputs),
        output: infos(outputs),
        ..GraphProto::default()
    }
}

fn imports(opsets: &Value) -> Vec<OperatorSetIdProto> {
    let import = |(domain, version): (&String, &Value)| OperatorSetIdProto {
        domain: bytes(domain),
        version: version.as_i64().unwrap(),
    };
    opsets.as_object().unwrap().iter().map(import).collect()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn names(text: &str) -> Vec<Bytes> {
    text.split_whitespace().map(|name| if name == "-" { Bytes::new() } else { bytes(name) }).collect()
}

pub(crate) fn node(value: &Value) -> NodeProto {
    let (op, inputs, outputs) = (value[0].as_str().unwrap(), &value[1], &value[2]);
    let (domain, op_type) = op.split_once("::").unwrap_or(("", op));
    let none = Map::new();
    let attributes = value.get(3).map_or(&none, |a| a.as_object().unwrap());
    NodeProto {
        input: names(inputs.as_str().unwrap()),
        output: names(outputs.as_str().unwrap()),
        op_type: bytes(op_type),
        domain: bytes(domain),
        attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        ..NodeProto::default()
    }
}

/// `["domain::name", "inputs", "outputs", {opsets}, [nodes], {attribute: default}]`
fn function(value: &Value) -> FunctionProto {
    let (domain, name) = value[0].as_str().unwrap().split_once("::").unwrap();
    FunctionProto {
        domain: bytes(domain),
        name: bytes(name),
        input: names(value[1].as_str().unwrap()),
        output: names(value[2].as_str().unwrap()),
        opset_import: imports(&value[3]),
        node: value[4].as_array().unwrap().iter().map(|n| node(n).encode_to_vec().into()).collect(),
        attribute_proto: value[5].as_object().unwrap().iter().map(|(name, value)| attribute(name, value)).collect(),
        ..FunctionProto::default()
    }
}

fn attribute(name: &str, value: &Value) -> AttributeProto {
    let mut made = AttributeProto { name: bytes(name), ..AttributeProto::default() };
    match value {
        Value::Number(n) if n.is_i64() => (made.i, made.r#type) = (n.as_i64(), 2),
        Value::Number(n) => (made.f, made.r#type) = (n.to_string().parse().ok(), 1),
        Value::String(text) => (made.s, made.r#type) = (Some(bytes(text)), 3),
        Value::Array(items) if items.first().is_some_and(Value::is_string) => {
            (made.strings, made.r#type) = (items.iter().map(|s| bytes(s.as_str().unwrap())).collect(), 8);
        }
        Value::Array(items) if items.first().is_some_and(Value::is_f64) => {
            (made.floats, made.r#type) = (items.iter().map(|x| x.to_string().parse().unwrap()).collect(), 6);
        }
        Value::Array(items) => (made.ints, made.r#type) = (items.iter().map(|n| n.as_i64().unwrap()).collect(), 7),
        Value::Object(fields) => match fields.iter().next().unwrap() {
            (kind, value) if kind == "tensor" => {
                (made.t, made.r#type) = (Some(tensor("", value).encode_to_vec().into()), 4);
            }
            (kind, value) if kind == "graph" => {
                (made.g, made.r#type) = (Some(inner(value).encode_to_vec().into()), 5);
            }
            (kind, value) if kind == "ref" => made.ref_attr_name = bytes(value.as_str().unwrap()),
            (kind, _) if kind == "type" => made.r#type = 13,
            (kind, _) => panic!("no attribute is a {kind}"),
        },
        Value::Null | Value::Bool(_) => panic!("no attribute is {value}"),
    }
    made
}

/// A graph inside an attribute.
fn inner(value: &Value) -> GraphProto {
    let list = |key: &str| value[key].as_array().unwrap();
    let pair = |v: &Value| info(v[0].as_str().unwrap(), v[1].as_str().unwrap());
    let stored = value["init"].as_object().unwrap().iter();
    GraphProto {
        node: list("nodes").iter().map(|n| node(n).encode_to_vec().into()).collect(),
        input: list("in").iter().map(pair).collect(),
        output: list("out").iter().map(|o| unknown(o.as_str().unwrap())).collect(),
        initializer: stored.map(|(name, value)| tensor(name, value).encode_to_vec().into()).collect(),
        ..GraphProto::default()
    }
}

/// `["i64[2]", [4, 5]]`; without contents it lies in another file.
pub(crate) fn tensor(name: &str, value: &Value) -> TensorProto {
    let (dtype, dims) = value[0].as_str().unwrap().trim_end_matches(']').split_once('[').unwrap();
    let raw: Option<Vec<u8>> = value.get(1).map(|contents| {
        let contents = contents.as_array().unwrap().iter();
        let one = |x: &Value| match dtype {
            "f32" => x.to_string().trim_matches('"').parse::<f32>().unwrap().to_le_bytes().to_vec(),
            "f64" => x.to_string().trim_matches('"').parse::<f64>().unwrap().to_le_bytes().to_vec(),
            "i64" => x.as_i64().unwrap().to_le_bytes().to_vec(),
            "i32" => i32::try_from(x.as_i64().unwrap()).unwrap().to_le_bytes().to_vec(),
            "bool" => vec![u8::from(x.as_i64() == Some(1))],
            _ => panic!("no contents of {dtype}"),
        };
        contents.flat_map(one).collect()
    });
    TensorProto {
        name: bytes(name),
        data_type: code(dtype),
        dims: dims.split(',').filter(|d| !d.is_empty()).map(|d| d.parse().unwrap()).collect(),
        data_location: i32::from(raw.is_none()),
        external_data: if raw.is_none() { vec![entry("location", "weights")] } else { Vec::new() },
        raw_data: raw.map(Into::into),
    }
}

/// Where the contents of a tensor lie.
pub(crate) fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: bytes(key), value: bytes(value) }
}

fn code(dtype: &str) -> i32 {
    DType::from_name(dtype).unwrap_or_else(|| panic!("no type {dtype}")).onnx()
}

fn unknown(name: &str) -> Bytes {
    ValueInfoProto { name: bytes(name), r#type: None }.encode_to_vec().into()
}

/// What is said of a value: `f32[2,N,?]`, or `f32` without its shape.
fn info(name: &str, ty: &str) -> Bytes {
    let (dtype, dims) = ty.split_once('[').map_or((ty, None), |(d, dims)| (d, Some(dims.trim_end_matches(']'))));
    let dim = |d: &str| tensor_shape_proto::Dimension {
        value: match d.parse() {
            Ok(n) => Some(tensor_shape_proto::dimension::Value::DimValue(n)),
            Err(_) if d == "?" => None,
            Err(_) => Some(tensor_shape_proto::dimension::Value::DimParam(bytes(d))),
        },
    };
    let shape = dims.map(|d| TensorShapeProto { dim: d.split(',').filter(|d| !d.is_empty()).map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: code(dtype), shape };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(tensor)) };
    ValueInfoProto { name: bytes(name), r#type: Some(ty) }.encode_to_vec().into()
}
