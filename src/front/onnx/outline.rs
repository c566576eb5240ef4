//! The nodes of a file's outermost graph by name, in stored order: how others number them.

use super::proto::NodeProto;
use super::{Contents, Outcome, decode, text, undecodable};
use prost::Message;

/// A node as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Whether it holds a constant.
    pub is_constant: bool,
    /// Names of what comes out.
    pub outputs: Vec<String>,
}

/// Reads them. `Err` is a finding about a file that [`super::read`] would refuse too.
pub fn outline(file: impl Contents) -> Outcome<Vec<Outline>> {
    let node = |bytes: &prost::bytes::Bytes| {
        let node = NodeProto::decode(bytes.clone()).map_err(|error| undecodable(&error))?;
        let outputs = node.output.iter().map(|name| text(name)).collect();
        Ok(Outline { is_constant: &node.op_type[..] == b"Constant", outputs })
    };
    decode(file)?.graph.node.iter().map(node).collect()
}
