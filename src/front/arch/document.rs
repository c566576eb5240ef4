//! What a text is for the rest of the program: something to be read, and models to be lowered.

use super::resolve::{self, BlockId, Module};
use super::unused::Unused;
use super::{ast, lower};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::base::source::{Sources, Span};
use crate::graph;
use crate::tensor::DType;
use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;

/// Reads the files that a text imports.
pub trait Loader {
    /// The text of the file at this path, which is relative to where the importing file's own path is.
    fn load(&self, path: &Path) -> Result<String, LoadError>;
}

/// Why a file that is imported was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such file.
    Missing,
    /// It lies outside the project.
    Escapes,
    /// It is larger than a text may be.
    TooBig,
    /// It cannot be read, and why.
    Unreadable(String),
}

/// The framework that a text is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// Keras: sizes as height, width, channels.
    Keras,
    /// PyTorch: sizes as channels, height, width.
    Pytorch,
    /// Caffe: pools round up.
    Caffe,
    /// ONNX.
    Onnx,
    /// None: a paper.
    Paper,
}

impl Framework {
    /// All of them.
    pub const ALL: &'static [Framework] =
        &[Framework::Keras, Framework::Pytorch, Framework::Caffe, Framework::Onnx, Framework::Paper];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Framework::Keras => "keras",
            Framework::Pytorch => "pytorch",
            Framework::Caffe => "caffe",
            Framework::Onnx => "onnx",
            Framework::Paper => "paper",
        }
    }

    /// The framework that a word stands for.
    pub fn from_name(name: &str) -> Option<Framework> {
        Framework::ALL.iter().copied().find(|f| f.name() == name)
    }
}

/// A text with everything that it imports.
#[derive(Debug)]
pub struct Document {
    /// The texts: the file itself first.
    pub sources: Sources,
    /// What is wrong with them whatever the sizes.
    pub diagnostics: Vec<Diagnostic>,
    /// The file itself, what it imports, and last the prelude.
    pub(super) modules: Vec<Module>,
    /// Blocks that call themselves.
    pub(super) recursive: HashSet<BlockId>,
    /// What nothing refers to, once somebody has asked.
    pub(super) unused: OnceLock<Unused>,
}

/// A model's name and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelName<'a> {
    /// The name; for bare statements the file's.
    pub name: &'a str,
    /// The name's place, or the first statement's.
    pub span: Span,
}

/// Parses a text and what it imports. `path` is the text's own, as messages shall show it.
pub fn read(path: &Path, text: String, loader: &dyn Loader) -> Document {
    let resolve::Resolved { sources, modules, recursive, diagnostics } = resolve::resolve(path, text, loader);
    Document { sources, diagnostics, modules, recursive, unused: OnceLock::new() }
}

/// What differs from the text.
#[derive(Clone, Debug)]
pub struct Overrides {
    /// Examples at once.
    pub batch: Option<u64>,
    /// Sizes of inputs by name; without a name, of the inputs in order.
    pub input: Vec<(Option<String>, ast::Size)>,
    /// Values of `let`s at the top.
    pub lets: Vec<(String, ast::Rational)>,
    /// Element type of what is stored.
    pub weights: Option<DType>,
    /// Element type of what is computed.
    pub activations: Option<DType>,
    /// Whether `->` claims are checked: they are about the model as written.
    pub claims: bool,
}

impl Default for Overrides {
    /// As written, claims checked.
    fn default() -> Self {
        Overrides { batch: None, input: Vec::new(), lets: Vec::new(), weights: None, activations: None, claims: true }
    }
}

/// A model of a text as a graph.
#[derive(Debug)]
pub struct Lowered {
    /// The graph.
    pub model: graph::Model,
    /// Examples at once.
    pub batch: u64,
    /// Element type of what is stored.
    pub weights: DType,
    /// Element type of what is computed.
    pub activations: DType,
    /// The framework that the text names.
    pub framework: Option<Framework>,
    /// Claims about quantities, in order.
    pub expects: Vec<ast::Expect>,
    /// What is wrong with the model, beyond the document's own findings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Document {
    /// The file's models, in order. A file with bare statements is one model, named after the file.
    pub fn models(&self) -> impl Iterator<Item = ModelName<'_>> {
        self.modules.first().into_iter().flat_map(|m| &m.models).map(|m| ModelName { name: &m.name, span: m.span })
    }

    /// The batch that the file states.
    pub fn batch(&self) -> Option<u64> {
        self.modules.first().and_then(|module| module.settings.batch)
    }

    /// The element types that the file states: of what is stored, of what is computed.
    pub fn precision(&self) -> (Option<DType>, Option<DType>) {
        self.modules.first().map_or((None, None), |module| (module.settings.weights, module.settings.activations))
    }

    /// The framework that the file names.
    pub fn framework(&self) -> Option<Framework> {
        self.modules.first().and_then(|module| module.settings.framework)
    }

    /// `no-model`, for a file that is to be sized and has nothing to size. Silent where a broken line may be the reason.
    pub fn no_model(&self) -> Option<Diagnostic> {
        let broken = self.diagnostics.iter().any(|d| d.severity == Severity::Error);
        if broken || self.models().next().is_some() {
            return None;
        }
        let blocks = self.modules.first().is_some_and(|m| !m.blocks.is_empty());
        let message = if blocks { "this file describes blocks but no model" } else { "this file describes no model" };
        let help = "add `input 3@224x224` (or another size) and layers, or import it from another file";
        Some(Diagnostic::error("no-model", Origin::File, message).help(help))
    }

    /// Expands a model into a graph. Works on broken texts too: what is broken has no known size.
    ///
    /// # Panics
    /// If there is no model of this number.
    pub fn lower(&self, model: usize, overrides: &Overrides) -> Lowered {
        lower::lower(self, model, overrides)
    }
}
