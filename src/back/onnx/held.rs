//! What a graph's file holds itself: tensors by name, and whether their contents are in another file.

use super::fields::{Field, fields};
use super::schema::{
    ATTRIBUTE_G, ATTRIBUTE_GRAPHS, ATTRIBUTE_T, GRAPH_INITIALIZER, GRAPH_NODE, MODEL_GRAPH, NODE_ATTRIBUTE,
    NODE_OP_TYPE, NODE_OUTPUT, TENSOR_DATA_LOCATION, TENSOR_NAME,
};
use prost::bytes::Bytes;
use prost::encoding::decode_varint;
use std::collections::BTreeMap;

/// A file's tensors.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Those of the outermost graph, its own and those in its nodes, by name; whether their contents are in another file.
    pub(super) tensors: BTreeMap<String, bool>,
    /// Names of those inside of sub-graphs whose contents are in another file.
    pub(super) inner: Vec<String>,
}

/// The tensors that a file holds.
pub(super) fn held(file: &Bytes) -> Held {
    let mut held = Held::default();
    for field in fields(file).filter(|f| f.number == MODEL_GRAPH).flat_map(|graph| fields(&graph.inside)) {
        if let Some((name, elsewhere)) = tensor(&field) {
            held.tensors.insert(name, elsewhere);
        }
        inner(&field, &mut held.inner);
    }
    held
}

/// The tensor that a field of a graph holds: an initializer, or what a node makes of its attributes alone.
fn tensor(field: &Field) -> Option<(String, bool)> {
    let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
    let of = |number: u32| fields(&field.inside).find(|f| f.number == number).map(|f| f.inside);
    match field.number {
        GRAPH_INITIALIZER => Some((text(of(TENSOR_NAME)?), is_elsewhere(&field.inside))),
        GRAPH_NODE if matches!(&of(NODE_OP_TYPE)?[..], b"Constant" | b"ConstantOfShape") => {
            let mut attributes = fields(&field.inside).filter(|f| f.number == NODE_ATTRIBUTE);
            let elsewhere =
                attributes.any(|a| fields(&a.inside).any(|f| f.number == ATTRIBUTE_T && is_elsewhere(&f.inside)));
            Some((text(of(NODE_OUTPUT)?), elsewhere))
        }
        _ => None,
    }
}

/// Adds what the sub-graphs of a node keep in other files. (A file is nested as deep as the reader allows.)
fn inner(node: &Field, names: &mut Vec<String>) {
    if node.number != GRAPH_NODE {
        return;
    }
    let attributes = fields(&node.inside).filter(|f| f.number == NODE_ATTRIBUTE);
    let graphs = attributes.flat_map(|a| fields(&a.inside));
    for field in graphs.filter(|f| matches!(f.number, ATTRIBUTE_G | ATTRIBUTE_GRAPHS)).flat_map(|g| fields(&g.inside)) {
        names.extend(tensor(&field).filter(|(_, elsewhere)| *elsewhere).map(|(name, _)| name));
        inner(&field, names);
    }
}

/// Whether the contents of a tensor are in another file.
fn is_elsewhere(tensor: &Bytes) -> bool {
    let location = fields(tensor).filter(|f| f.number == TENSOR_DATA_LOCATION).last();
    location.and_then(|f| decode_varint(&mut f.inside.clone()).ok()) == Some(1)
}
