//! What the runtime takes for a model, predicted: for the graph as it is given, and for the one that it makes of it.

use super::job::Fill;
use super::subject::Case;
use crate::analyze::memory::onnxruntime::{self, Plan, Unplanned};
use crate::front::onnx::{self, Bindings};
use crate::graph::Model;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Threads with which memory is measured.
const THREADS: u64 = 1;

/// The plan for a case, or why there is none. `written`: the graph that the runtime ran in its place.
pub(super) fn of(case: &Case, written: Option<&Path>) -> Result<Plan, String> {
    match written {
        None => onnxruntime::plan(case.model, THREADS).map_err(|unplanned| why(unplanned, case.model)),
        Some(path) => {
            let model = read(case, path)?;
            onnxruntime::plan_of_written(&model, THREADS).map_err(|unplanned| why(unplanned, &model))
        }
    }
}

fn why(unplanned: Unplanned, model: &Model) -> String {
    let node = unplanned.node.map(|id| format!(" (`{}`)", model.nodes[id].name));
    format!("{}{}", unplanned.reason, node.unwrap_or_default())
}

/// A graph that the runtime wrote, with the inputs of the case.
fn read(case: &Case, path: &Path) -> Result<Model, String> {
    let bytes: Arc<[u8]> =
        fs::read(path).map_err(|error| format!("the graph that ran cannot be read: {error}"))?.into();
    let mut bindings = Bindings::default();
    for feed in case.feeds()? {
        let contents: Option<Vec<String>> = match &feed.fill {
            Fill::Ints(ints) => Some(ints.iter().map(ToString::to_string).collect()),
            Fill::Floats(floats) => Some(floats.iter().map(ToString::to_string).collect()),
            Fill::Any | Fill::Ones => None,
        };
        bindings.values.extend(contents.map(|contents| (feed.name.clone(), contents)));
        bindings.inputs.push((Some(feed.name), feed.dims));
    }
    let read = onnx::read(Arc::clone(&bytes), &bindings);
    // What is not known of it, its plan will miss.
    let mut model = read.model.ok_or_else(|| {
        let found = read.diagnostics.last().map_or("", |found| &found.message);
        format!("the graph that ran cannot be read: {found}")
    })?;
    // It was fed these sizes, and knew of them what it states.
    let values = Bindings { values: bindings.values, ..Bindings::default() };
    model.stated = onnx::read(bytes, &values).model.map(|model| model.stated).unwrap_or_default();
    Ok(model)
}
