//! ONNX files: generated messages, whole graphs and models with what others found in them, files made to do harm.

mod batch;
pub(crate) mod build;
mod extreme;
mod graphs;
mod hostile;
mod impossible;
mod layouts;
mod models;
mod packed;
mod proto;
mod tokens;

pub(crate) use extreme::{EXTREMES, extreme};

use cnnsize::analyze::report::Report;
use cnnsize::analyze::{Options, Sizing, analyze, convention};
use cnnsize::base::diagnostic::Diagnostic;
use cnnsize::front::onnx::Read;
use cnnsize::lint;

/// What is said of a network that was read.
fn report(read: Read) -> Report {
    let options = Options {
        source: String::new(),
        format: "onnx",
        batch: read.batch,
        precision: String::new(),
        convention: convention::default(),
        dims: read.dims,
    };
    analyze(&read.model.expect("a model"), options)
}

/// What lints find in a network that was read, if there is one.
fn lints(read: &Read) -> Vec<Diagnostic> {
    let sizing = |model| Sizing::of(model, read.batch, convention::default());
    read.model.as_ref().map_or_else(Vec::new, |model| lint::check(&sizing(model), None))
}
