//! ONNX: bytes → graph.
//!
//! [`sniff`] looks whether it is ONNX at all, [`wire`] checks the whole file once before anything is decoded, [`proto`]
//! (generated) decodes what is needed and leaves the contents of weights where they are, [`bind`] fixes what the caller
//! asks for, [`axis`] finds the batch, [`convert`] walks the nodes into the one graph builder, [`blocks`] tells how many channels the optimiser's
//! blocks hold, [`roles`] tells weights from constants, and [`claims`] holds what the file declares against what was
//! inferred.

mod attrs;
mod axis;
mod bind;
mod blocks;
mod body;
mod claims;
mod convert;
mod function;
mod order;
mod outline;
#[rustfmt::skip]
pub mod proto;
mod rebatch;
mod roles;
mod sniff;
mod steering;
mod tensor;
mod types;
mod wire;

pub use outline::{Outline, outline};

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::{Model, Precision, ValueId};
use foldhash::HashSet;
use prost::Message;
use prost::bytes::Bytes;
use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

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
    /// Element types in place of 32-bit floats.
    pub precision: Precision,
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
    /// The symbol that the file has for that.
    pub batch_symbol: Option<String>,
    /// Symbols that were bound, with their values.
    pub dims: Vec<(String, u64)>,
    /// Where the file keeps what is stored: where a message begins (of a tensor, or of the node that holds one), and which
    /// value that is. Those of a function are several when it is called as often.
    pub places: Vec<(usize, ValueId)>,
}

/// The bytes of a file, of which only those that are needed have to be read.
pub trait Contents {
    /// The bytes once everything needed is there.
    type Whole: AsRef<[u8]> + Send + 'static;
    /// How many bytes there are.
    fn size(&self) -> usize;
    /// A stretch of them. The starts of the stretches never go back.
    fn fetch(&mut self, stretch: Range<usize>) -> io::Result<&[u8]>;
    /// All of them; what was never fetched may be anything.
    fn whole(self) -> Self::Whole;
}

impl Contents for Arc<[u8]> {
    type Whole = Arc<[u8]>;

    fn size(&self) -> usize {
        self.len()
    }

    fn fetch(&mut self, stretch: Range<usize>) -> io::Result<&[u8]> {
        self.get(stretch).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn whole(self) -> Arc<[u8]> {
        self
    }
}

impl Contents for Bytes {
    type Whole = Bytes;

    fn size(&self) -> usize {
        self.len()
    }

    fn fetch(&mut self, stretch: Range<usize>) -> io::Result<&[u8]> {
        self.get(stretch).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn whole(self) -> Bytes {
        self
    }
}

/// Reads an ONNX file. Contents of weights are never looked at, and other files never opened.
pub fn read(file: impl Contents, bindings: &Bindings) -> Read {
    let mut diagnostics = Vec::new();
    let nothing = |diagnostics| {
        let batch = bindings.batch.unwrap_or(1);
        Read { model: None, diagnostics, batch, batch_symbol: None, dims: Vec::new(), places: Vec::new() }
    };
    let file = match decode(file) {
        Ok(file) => file,
        Err(error) => return nothing(vec![*error]),
    };
    match rebatch::convert(&file, bindings, &mut diagnostics) {
        Ok(made) => {
            let dims = made.symbols.0.iter().filter_map(|(name, n)| u64::try_from(*n).ok().map(|n| (name.clone(), n)));
            Read {
                dims: dims.collect(),
                model: Some(made.model),
                diagnostics,
                batch: made.batch,
                batch_symbol: made.batch_symbol,
                places: made.places,
            }
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
    /// Where its first byte is in memory.
    start: usize,
}

fn decode(mut file: impl Contents) -> Outcome<File> {
    let size = file.size();
    let start = file.fetch(0..size.min(sniff::WINDOW)).map_err(|error| wire::unreadable(0, &error))?;
    if let Some(other) = sniff::sniff(start) {
        return Err(other.into());
    }
    wire::check(&mut file)?;
    let whole = Bytes::from_owner(file.whole());
    let start = whole.as_ptr().addr();
    let model = proto::ModelProto::decode(whole).map_err(|e| undecodable(&e))?;
    let Some(graph) = model.graph else {
        return Err(Diagnostic::error("onnx-damaged", Origin::File, "the file holds no graph")
            .help("export the model again, or give the file that has the graph")
            .into());
    };
    let functions = function::Functions::decode(&model.functions)?;
    Ok(File { graph, functions, opsets: convert::Opsets::new(&model.opset_import), size, start })
}

/// What the pass over the wire did not find: a field of another type than ONNX gives it.
fn undecodable(error: &prost::DecodeError) -> Box<Diagnostic> {
    Diagnostic::error("onnx-damaged", Origin::File, error.to_string()).into()
}

/// Bytes as text. Names need not be UTF-8; what is not is replaced where it is shown.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Texts that come again and again, each kept once.
#[derive(Default)]
struct Words(HashSet<Arc<str>>);

impl Words {
    fn of(&mut self, bytes: &[u8]) -> Arc<str> {
        let word = String::from_utf8_lossy(bytes);
        if let Some(known) = self.0.get(&*word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.0.insert(Arc::clone(&word));
        word
    }
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
