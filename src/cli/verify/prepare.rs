//! What a file gives for the runtime: models as we read them, each with the file that the runtime reads.

use super::super::input::Reader;
use super::super::settings::{CONFIGURED, Sizing};
use super::super::{arch, onnx};
use cnnsize::back::onnx::{Changes, MOST_BYTES, Rebuilt, Refused, rebuild};
use cnnsize::base::diagnostic::{Diagnostic, Severity};
use cnnsize::front::onnx::{Bindings, Contents};
use cnnsize::graph::Model;
use cnnsize::render::{Broken, Entry, Outcome};
use cnnsize::verify::{File, WEIGHTS};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// What came of a file.
pub(super) enum Prepared {
    /// Its models, built for one batch, and which settings of a configuration hold for them.
    Models(Vec<Built>, Vec<Diagnostic>),
    /// What is wrong with it.
    Broken(Vec<Entry>),
}

/// A model that was built for a batch.
pub(super) struct Built {
    pub(super) model: Model,
    pub(super) batch: u64,
    /// What the runtime reads, or why there is nothing.
    pub(super) file: Result<File, Vec<String>>,
}

/// Reads files for the runtime.
pub(super) struct Preparer {
    /// Settings that hold; a graph goes by the first.
    pub(super) sizings: Vec<Sizing>,
    /// Whether the weights of a graph are its own.
    pub(super) keep: bool,
}

impl Reader for Preparer {
    type Made = Prepared;

    fn text(&self, path: &Path, text: String) -> Result<Prepared, String> {
        if self.keep {
            return Err("a text has no weights to keep; `--weights random` makes some up".into());
        }
        let entries = arch::entries(path, text.clone(), &self.sizings, false)?;
        if entries.iter().any(|entry| is_wrong(entry.diagnostics())) {
            return Ok(Prepared::Broken(entries));
        }
        let said =
            entries.iter().flat_map(Entry::diagnostics).filter(|found| found.code == CONFIGURED).cloned().collect();
        let mut models = Vec::new();
        for sizing in &self.sizings {
            models.extend(arch::models(path, text.clone(), sizing)?);
        }
        let built = models.into_iter().map(|(model, batch)| {
            let why = |refused: &Refused| refused.diagnostic().message;
            let file = match File::exported(&model) {
                Ok(file) if file.size() > MOST_BYTES => Err(too_large(file.size())),
                Ok(file) => Ok(file),
                Err(refused) => Err(refused.iter().map(why).collect()),
            };
            Built { model, batch, file }
        });
        Ok(Prepared::Models(built.collect(), said))
    }

    fn graph<C: Contents>(
        &self,
        path: &Path,
        open: impl Fn() -> io::Result<C>,
    ) -> io::Result<Result<Prepared, String>> {
        let Some(sizing) = self.sizings.first() else { return Ok(Ok(Prepared::Models(Vec::new(), Vec::new()))) };
        if let Err(message) = sizing.no_precision("what runs is the graph as it is") {
            return Ok(Err(message));
        }
        let wanted = Changes { weights: if self.keep { None } else { Some(WEIGHTS) }, any_batch: false };
        let rebuilt = onnx::settled(sizing, |bindings| rebuild(open()?, bindings, wanted), |rebuilt| &rebuilt.read)?;
        let (Rebuilt { read, message }, sizing) = rebuilt;
        let broken = |found| Ok(Ok(Prepared::Broken(vec![graph_entry(path, found)])));
        let (Some(mut model), Some(message)) = (read.model, message) else { return broken(read.diagnostics) };
        let mut file = Err(too_large(message.size()));
        if message.size() <= MOST_BYTES {
            let mut bytes = Vec::new();
            message.write(&mut bytes)?;
            let bytes = Arc::<[u8]>::from(bytes);
            // Nodes that stand for weights are gone: what is predicted is what the file that runs needs.
            let values = Bindings { values: sizing.value.clone(), ..Bindings::default() };
            match cnnsize::front::onnx::read(Arc::clone(&bytes), &values).model {
                Some(again) => model = again,
                None => return broken(read.diagnostics),
            }
            file = match File::rebuilt(&model, bytes) {
                Ok(file) => Ok(file),
                Err(error) => return broken(vec![*error]),
            };
        }
        if model.name.is_empty() {
            model.name = onnx::stem(path);
        }
        let said = sizing.notice().into_iter().collect();
        Ok(Ok(Prepared::Models(vec![Built { model, batch: read.batch, file }], said)))
    }

    fn wrong(&self, path: &Path, why: Diagnostic) -> Result<Prepared, String> {
        let entry = Entry { outcome: arch::broken(path, vec![why]), sources: Rc::default() };
        Ok(Prepared::Broken(vec![entry]))
    }
}

fn is_wrong(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| found.severity == Severity::Error)
}

fn graph_entry(path: &Path, diagnostics: Vec<Diagnostic>) -> Entry {
    let (name, source) = (onnx::stem(path), path.display().to_string());
    Entry { outcome: Outcome::Broken(Broken { name, source, format: "onnx", diagnostics }), sources: Rc::default() }
}

/// What to say of a file that no runtime reads.
fn too_large(size: u64) -> Vec<String> {
    vec![format!("the model would take {size} bytes as a file, and ONNX files have at most {MOST_BYTES}")]
}
