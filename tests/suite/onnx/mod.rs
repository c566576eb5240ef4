//! ONNX files: generated messages, whole graphs and models with what others found in them, files made to do harm.

pub(crate) mod build;
mod extreme;
mod graphs;
mod hostile;
mod impossible;
mod layouts;
mod models;
mod proto;

pub(crate) use extreme::{EXTREMES, extreme};

use cnnsize::analyze::report::Report;
use cnnsize::analyze::{Options, analyze, convention};
use cnnsize::front::onnx::Read;

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
