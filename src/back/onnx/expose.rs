//! Values between nodes made outputs, without reading the file again: protocol-buffer messages merge, so a message with
//! nothing but a graph that has these outputs, put behind a file's bytes, adds them to the file's own.

use super::schema::{GRAPH_OUTPUT, MODEL_GRAPH};
use super::{Message, pieces};
use crate::front::onnx::proto::ValueInfoProto;

/// What to put behind a file's bytes to have these values as outputs too. They must not be outputs already.
pub fn exposing(names: &[String]) -> Message {
    let mut graph = Message::default();
    for name in names {
        graph.encoded(GRAPH_OUTPUT, &ValueInfoProto { name: pieces::text(name), r#type: None });
    }
    let mut file = Message::default();
    file.message(MODEL_GRAPH, graph);
    file
}
