//! Sizing an ONNX graph.

use super::load;
use super::settings::Sizing;
use super::values::precision_name;
use cnnsize::analyze::{self, Options};
use cnnsize::base::diagnostic::{Diagnostic, Severity};
use cnnsize::base::source::Sources;
use cnnsize::front::arch::ast::Size;
use cnnsize::front::onnx::{self, Bindings, Contents, Read};
use cnnsize::graph::{Model, Precision, Source};
use cnnsize::render::{Broken, Entry, Figures, Layout, Outcome};
use cnnsize::tensor::DType;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// The graph of a file, which may be opened twice. `single`: with inference memory for one example.
pub(super) fn entry<C: Contents>(
    path: &Path,
    open: impl Fn() -> io::Result<C>,
    sizing: &Sizing,
    single: bool,
) -> io::Result<Entry> {
    let (read, sizing) = read(&open, sizing)?;
    let source = path.display().to_string();
    let sources = Rc::new(Sources::default());
    let Some(mut model) = read.model else {
        let name = stem(path);
        let broken = Broken { name, source, format: "onnx", diagnostics: read.diagnostics };
        return Ok(Entry { outcome: Outcome::Broken(broken), sources });
    };
    if model.name.is_empty() {
        model.name = stem(path);
    }
    let mut why = None;
    let single = if single && read.batch != 1 {
        let mut one = Bindings { batch: Some(1), ..bindings(&sizing) };
        one.dims.retain(|(name, _)| read.batch_symbol.as_ref() != Some(name));
        let one = onnx::read(open()?, &one);
        let wrong = one.diagnostics.iter().find(|found| found.severity == Severity::Error);
        why = wrong.map(|wrong| {
            let message = format!("what one example takes is not known: {}", wrong.message);
            Diagnostic::hint("one-example-unknown", wrong.origin.clone(), message)
        });
        let model = one.model.filter(|_| one.batch == 1 && why.is_none());
        model.map(|model| analyze::inference(&model))
    } else {
        None
    };
    let options = Options {
        source,
        format: "onnx",
        batch: read.batch,
        precision: precision(&model, &sizing),
        convention: sizing.convention(),
        dims: read.dims,
    };
    let mut report = analyze::analyze(&model, options);
    report.diagnostics = read.diagnostics;
    report.diagnostics.extend(why);
    report.diagnostics.extend(sizing.notice());
    // Taking a graph of a million nodes apart takes a third of the time of building it, and the process ends soon.
    std::mem::forget(model);
    Ok(Entry { outcome: Outcome::Sized(Box::new(Figures { report, single, layout: Layout::Chw })), sources })
}

/// Reads a graph, and says with which settings: the defaults of a configuration hold where it leaves its batch open.
pub(super) fn read<C: Contents>(open: &impl Fn() -> io::Result<C>, sizing: &Sizing) -> io::Result<(Read, Sizing)> {
    settled(sizing, |bindings| Ok(onnx::read(open()?, bindings)), |read| read)
}

/// What is made of a graph, and with which settings, as for [`read`]. `of`: what was read for it.
pub(super) fn settled<T>(
    sizing: &Sizing,
    make: impl Fn(&Bindings) -> io::Result<T>,
    of: impl Fn(&T) -> &Read,
) -> io::Result<(T, Sizing)> {
    let mut sizing = sizing.clone();
    let made = make(&bindings(&sizing))?;
    let is_open = of(&made).diagnostics.iter().any(|found| found.code == "batch-assumed");
    if !is_open || sizing.configured.batch.is_none() {
        return Ok((made, sizing));
    }
    sizing.fall_back_on_batch();
    Ok((make(&bindings(&sizing))?, sizing))
}

/// The graph of a file without errors, with its batch.
pub(super) fn model(path: &Path, sizing: &Sizing) -> io::Result<Option<(Model, u64)>> {
    let (read, _) = read(&|| load::open(path), sizing)?;
    Ok(read.model.map(|model| (model, read.batch)))
}

pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn bindings(sizing: &Sizing) -> Bindings {
    let sizes = |size: &Size| match size {
        Size::Shape(channels, sizes) => [&[*channels], &**sizes].concat(),
        Size::Dims(sizes) => sizes.clone(),
        Size::Number(n) => vec![*n],
    };
    Bindings {
        batch: sizing.batch,
        dims: sizing.dim.clone(),
        inputs: sizing.input.iter().map(|(name, size)| (name.clone(), sizes(size))).collect(),
        values: sizing.value.clone(),
        precision: sizing.precision.map_or_else(Precision::default, |asked| Precision {
            weights: asked.weights,
            activations: asked.activations,
        }),
    }
}

/// The element types of the parameters, or else of the inputs: a graph states its own. Where others were asked for, both if
/// they differ, and under the word that asked for them (`tf32` for `fp32`).
fn precision(model: &Model, sizing: &Sizing) -> String {
    let learned = model.values.iter().filter(|(_, v)| matches!(v.source, Source::Stored(s) if s.role.is_parameter()));
    let learned: BTreeSet<DType> = learned.filter_map(|(_, v)| v.ty.tensor()?.dtype).collect();
    let fed: BTreeSet<DType> = model.main.inputs.iter().filter_map(|id| model.values[*id].ty.tensor()?.dtype).collect();
    let asked = sizing.precision.and_then(|asked| Some((asked.name?, asked.weights?)));
    let name = |dtype: &DType| match asked {
        Some((name, wanted)) if wanted == *dtype => name.to_owned(),
        _ => precision_name(*dtype, *dtype),
    };
    let names = |types: &BTreeSet<DType>| types.iter().map(name).collect::<Vec<_>>().join("+");
    match (names(&learned), names(&fed)) {
        (learned, fed) if learned.is_empty() => fed,
        (learned, fed) if sizing.precision.is_some() && learned != fed => {
            format!("weights={learned} activations={fed}")
        }
        (learned, _) => learned,
    }
}
