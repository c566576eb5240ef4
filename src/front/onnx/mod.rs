//! ONNX: bytes → graph.
//!
//! [`sniff`] looks whether it is ONNX at all, [`wire`] checks the whole file once before anything is decoded, [`proto`]
//! (generated) decodes what is needed and leaves the contents of weights where they are, [`bind`] fixes what the caller
//! asks for, [`convert`] walks the nodes into the one graph builder, [`roles`] tells weights from constants, and
//! [`claims`] holds what the file declares against what was inferred.

mod attrs;
mod bind;
mod body;
mod claims;
mod convert;
mod function;
mod order;
#[rustfmt::skip]
pub mod proto;
mod rebatch;
mod roles;
mod sniff;
mod tensor;
mod types;
mod wire;

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::Model;
use prost::Message;
use prost::bytes::Bytes;
use std::borrow::Cow;

/// What the caller fixes of a graph.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// Examples at once.
    pub batch: Option<u64>,
    /// Values of symbols.
    pub dims: Vec<(String, u64)>,
    /// Whole shapes of inputs; without a name, of the only one.
    pub inputs: Vec<(Option<String>, Vec<u64>)>,
    /// Contents of inputs that steer shapes, as they were typed.
    pub values: Vec<(String, Vec<String>)>,
}

/// What came of a file.
#[derive(Debug)]
pub struct Read {
    /// The network, unless the file is too broken to have one.
    pub model: Option<Model>,
    /// Findings about the file and about what was asked for.
    pub diagnostics: Vec<Diagnostic>,
    /// Examples at once, as the network was built; 1 where the graph has no batch.
    pub batch: u64,
    /// Symbols that were bound, with their values.
    pub dims: Vec<(String, u64)>,
}

/// The bytes of a file, read or mapped.
pub trait Contents: AsRef<[u8]> + Send + 'static {
    /// The reader is going through all of it: reading ahead pays.
    fn read_ahead(&self);
}

impl Contents for Vec<u8> {
    fn read_ahead(&self) {}
}

/// Reads an ONNX file. Contents of weights are never looked at, and other files never opened.
pub fn read(file: impl Contents, bindings: &Bindings) -> Read {
    let mut diagnostics = Vec::new();
    let nothing = |diagnostics| Read { model: None, diagnostics, batch: bindings.batch.unwrap_or(1), dims: Vec::new() };
    let file = match decode(file) {
        Ok(file) => file,
        Err(error) => return nothing(vec![*error]),
    };
    match rebatch::convert(&file, bindings, &mut diagnostics) {
        Ok(made) => {
            let dims = made.symbols.0.iter().filter_map(|(name, n)| u64::try_from(*n).ok().map(|n| (name.clone(), n)));
            Read { dims: dims.collect(), model: Some(made.model), diagnostics, batch: made.batch }
        }
        Err(error) => {
            diagnostics.push(*error);
            nothing(diagnostics)
        }
    }
}

/// A result, or the finding that ends the reading.
type Outcome<T> = Result<T, Box<Diagnostic>>;

/// A file whose outermost messages are decoded.
struct File {
    graph: proto::GraphProto,
    functions: function::Functions,
    opsets: convert::Opsets,
    /// Bytes in the file.
    size: usize,
}

fn decode(file: impl Contents) -> Outcome<File> {
    let bytes = file.as_ref();
    if let Some(other) = sniff::sniff(bytes) {
        return Err(other.into());
    }
    let size = bytes.len();
    wire::check(bytes, &mut || file.read_ahead())?;
    let model = proto::ModelProto::decode(Bytes::from_owner(file)).map_err(|e| undecodable(&e))?;
    let Some(graph) = model.graph else {
        return Err(Diagnostic::error("onnx-damaged", Origin::File, "the file holds no graph")
            .help("export the model again, or give the file that has the graph")
            .into());
    };
    let functions = function::Functions::decode(&model.functions)?;
    Ok(File { graph, functions, opsets: convert::Opsets::new(&model.opset_import), size })
}

/// What the pass over the wire did not find: a field of another type than ONNX gives it.
fn undecodable(error: &prost::DecodeError) -> Box<Diagnostic> {
    Diagnostic::error("onnx-damaged", Origin::File, error.to_string()).into()
}

/// Bytes as text. Names need not be UTF-8; what is not is replaced where it is shown.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name inside a message: not endless.
fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// Characters of a name that a message shows.
const SHOWN: usize = 120;
