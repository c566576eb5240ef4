//! Tensors that a file holds, in the network, in sub-graphs and in functions, and whether their contents are in another
//! file.

use super::fields::{Field, fields};
use super::schema::{
    ATTRIBUTE_G, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE_TENSOR, ATTRIBUTE_T, FUNCTION_NODE, GRAPH_INITIALIZER, GRAPH_NODE,
    GRAPH_SPARSE_INITIALIZER, MODEL_FUNCTION, MODEL_GRAPH, NODE_ATTRIBUTE, NODE_OUTPUT, SPARSE_INDICES, SPARSE_VALUES,
    TENSOR_DATA_LOCATION, TENSOR_NAME,
};
use prost::bytes::Bytes;
use prost::encoding::decode_varint;

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Its name, or that of what its node delivers.
    pub(super) name: String,
    /// The message that the reader remembers it by: the tensor's own, or its node's.
    pub(super) message: Bytes,
    /// Whether its contents are in another file.
    pub(super) elsewhere: bool,
}

/// The tensors that a file holds.
pub(super) fn held(file: &Bytes) -> Vec<Held> {
    let mut held = Vec::new();
    for field in fields(file) {
        match field.number {
            MODEL_GRAPH => graph(&field.inside, &mut held),
            MODEL_FUNCTION => {
                fields(&field.inside).filter(|f| f.number == FUNCTION_NODE).for_each(|f| node(&f, &mut held));
            }
            _ => {}
        }
    }
    held
}

/// Adds those of a graph. (A file is nested as deep as the reader allows.)
fn graph(graph: &Bytes, held: &mut Vec<Held>) {
    for field in fields(graph) {
        match field.number {
            GRAPH_INITIALIZER => held.push(Held {
                name: name(&field.inside, TENSOR_NAME),
                elsewhere: is_elsewhere(&field.inside),
                message: field.inside,
            }),
            GRAPH_SPARSE_INITIALIZER => held.push(Held {
                name: inside(&field.inside, SPARSE_VALUES).map(|v| name(&v, TENSOR_NAME)).unwrap_or_default(),
                elsewhere: is_sparse_elsewhere(&field.inside),
                message: field.inside,
            }),
            GRAPH_NODE => node(&field, held),
            _ => {}
        }
    }
}

/// Adds those of a node's attributes.
fn node(node: &Field, held: &mut Vec<Held>) {
    let attributes = fields(&node.inside).filter(|f| f.number == NODE_ATTRIBUTE);
    for field in attributes.flat_map(|a| fields(&a.inside)) {
        let elsewhere = match field.number {
            ATTRIBUTE_T => is_elsewhere(&field.inside),
            ATTRIBUTE_SPARSE_TENSOR => is_sparse_elsewhere(&field.inside),
            ATTRIBUTE_G | ATTRIBUTE_GRAPHS => {
                graph(&field.inside, held);
                continue;
            }
            _ => continue,
        };
        held.push(Held { name: name(&node.inside, NODE_OUTPUT), message: node.inside.clone(), elsewhere });
    }
}

/// The text in the first of these fields.
fn name(message: &Bytes, number: u32) -> String {
    inside(message, number).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

/// What is in the first of these fields.
pub(super) fn inside(message: &Bytes, number: u32) -> Option<Bytes> {
    fields(message).find(|f| f.number == number).map(|f| f.inside)
}

/// Whether the contents of a tensor are in another file.
fn is_elsewhere(tensor: &Bytes) -> bool {
    let location = fields(tensor).filter(|f| f.number == TENSOR_DATA_LOCATION).last();
    location.and_then(|f| decode_varint(&mut f.inside.clone()).ok()) == Some(1)
}

fn is_sparse_elsewhere(tensor: &Bytes) -> bool {
    [SPARSE_VALUES, SPARSE_INDICES].iter().filter_map(|number| inside(tensor, *number)).any(|part| is_elsewhere(&part))
}
