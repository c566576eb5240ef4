//! A model in the two forms that are held against each other: as we read it, and as the file that the runtime reads.

use super::child::Content;
use super::job::{Feed, Fill};
use crate::back::onnx::{self, Message, Refused, Weights};
use crate::base::diagnostic::Diagnostic;
use crate::front;
use crate::graph::{Model, NodeId, ValueId};
use crate::tensor::Elements;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// A model built for a batch, with its file.
pub struct Case<'a> {
    /// The model.
    pub model: &'a Model,
    /// Examples at once.
    pub batch: u64,
    /// What the runtime reads.
    pub file: File,
}

/// A file for the runtime, and what is called what in it.
pub struct File {
    pub(super) content: Arc<dyn Content>,
    /// By value: its name, where it has one in the outermost graph.
    names: Vec<Option<Arc<str>>>,
    /// By node of the network: its place among the file's nodes that are no constants, as the runtime numbers them.
    places: HashMap<usize, NodeId>,
}

impl Content for Message {
    fn size(&self) -> u64 {
        self.size()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out)
    }
}

impl Content for Arc<[u8]> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self)
    }
}

impl File {
    /// The file that a model of the language is exported to. `Err` lists the layers that ONNX cannot say.
    pub fn exported(model: &Model) -> Result<File, Vec<Refused>> {
        let content: Message = onnx::encode(model, WEIGHTS)?;
        let names = onnx::names(model).into_iter().map(Some).collect();
        let places = model.main.nodes.iter().copied().enumerate().collect();
        Ok(File { content: Arc::new(content), names, places })
    }

    /// A graph's file, these bytes. `Err` is a finding about a file that nobody can read.
    pub fn rebuilt(model: &Model, bytes: Arc<[u8]>) -> Result<File, Box<Diagnostic>> {
        let outline = front::onnx::outline(Arc::clone(&bytes))?;
        let by_name: HashMap<&str, ValueId> = named(model).map(|id| (&*model.values[id].name, id)).collect();
        let mut names: Vec<Option<Arc<str>>> = vec![None; model.values.len()];
        for id in &model.main.inputs {
            names[id.index()] = Some(Arc::clone(&model.values[*id].name));
        }
        let mut places = HashMap::new();
        let mut place = 0;
        for node in &outline {
            for output in &node.outputs {
                if let Some(id) = by_name.get(output.as_str()) {
                    names[id.index()] = Some(Arc::clone(&model.values[*id].name));
                }
            }
            if node.is_constant {
                continue;
            }
            let made = node.outputs.iter().find_map(|output| model.values[*by_name.get(output.as_str())?].producer());
            if let Some((id, _)) = made {
                places.insert(place, id);
            }
            place += 1;
        }
        Ok(File { content: Arc::new(bytes), names, places })
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.content.size()
    }

    /// The node of the network that the runtime knows by this number.
    pub(super) fn node(&self, place: usize) -> Option<NodeId> {
        self.places.get(&place).copied()
    }

    /// The value's name in the file.
    pub(super) fn name(&self, id: ValueId) -> Option<&Arc<str>> {
        self.names.get(id.index())?.as_ref()
    }
}

/// Weights that are made up: numbers with which whatever runs stays finite.
pub const WEIGHTS: Weights = Weights::Random { seed: 1 };

/// Values that nodes of the network deliver.
fn named(model: &Model) -> impl Iterator<Item = ValueId> {
    model.main.nodes.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten().copied())
}

impl Case<'_> {
    /// What goes into the model. `Err` names an input that cannot be made, and what to do.
    pub(super) fn feeds(&self) -> Result<Vec<Feed>, String> {
        self.model.main.inputs.iter().map(|id| self.feed(*id)).collect()
    }

    fn feed(&self, id: ValueId) -> Result<Feed, String> {
        let value = &self.model.values[id];
        let name = self.file.name(id).unwrap_or(&value.name).to_string();
        let Some((tensor, dtype)) = value.ty.tensor().and_then(|t| Some((t, t.dtype?))) else {
            return Err(format!("input `{name}` is not a tensor of a known type"));
        };
        let Some(dims) = tensor.shape.sizes() else {
            let help = format!("say its size: `--input {name}=1x3x224x224`, or `--dim NAME=N`");
            return Err(format!("input `{name}` has the shape {}; {help}", tensor.shape));
        };
        let fill = match value.literal.as_deref().map(|literal| &literal.elements) {
            Some(Elements::Ints(ints)) => {
                let known: Option<Vec<i64>> = ints.iter().map(crate::tensor::Dim::known).collect();
                known.map_or(Fill::Any, Fill::Ints)
            }
            Some(Elements::Floats(floats)) => Fill::Floats(floats.clone()),
            Some(Elements::Ratios(_)) | None => Fill::Any,
        };
        Ok(Feed { name, dtype: dtype.name().into(), dims, fill })
    }
}
