//! Sizing the models of an `.arch` text.

use super::project::Project;
use super::settings::Sizing;
use super::values::precision_name;
use cnnsize::analyze::report::Inference;
use cnnsize::analyze::{self, Options, claim};
use cnnsize::base::diagnostic::{Diagnostic, Severity};
use cnnsize::base::source::Sources;
use cnnsize::base::suggest;
use cnnsize::front::arch::{self, Document, Framework, Lowered, Overrides};
use cnnsize::graph::Model;
use cnnsize::render::escape::visible;
use cnnsize::render::{Broken, Entry, Figures, Layout, Outcome};
use std::path::Path;
use std::rc::Rc;

/// Every model of a text that is asked for by some settings. `single`: with inference memory for one example.
pub(super) fn entries(path: &Path, text: String, sizings: &[Sizing], single: bool) -> Result<Vec<Entry>, String> {
    let mut document = arch::read(path, text, &Project::of(path));
    let source = path.display().to_string();
    let mut outcomes = Vec::new();
    let mut found = std::mem::take(&mut document.diagnostics);
    if has_errors(&found) {
        outcomes.push(broken(path, found));
    } else if let Some(why) = document.no_model() {
        outcomes.push(broken(path, found.into_iter().chain([why]).collect()));
    } else {
        for sizing in sizings {
            let sizing = &sizing.of_text(&document);
            found.extend(sizing.notice());
            for index in chosen(&document, path, sizing)? {
                outcomes.push(outcome(&document, index, &source, std::mem::take(&mut found), sizing, single));
            }
        }
    }
    let sources = Rc::new(document.sources);
    Ok(outcomes.into_iter().map(|outcome| Entry { outcome, sources: Rc::clone(&sources) }).collect())
}

/// The models of a text without errors, each with its batch.
pub(super) fn models(path: &Path, text: String, sizing: &Sizing) -> Result<Vec<(Model, u64)>, String> {
    let document = arch::read(path, text, &Project::of(path));
    let sizing = &sizing.of_text(&document);
    let overrides = overrides(sizing).unwrap_or_default();
    let chosen = chosen(&document, path, sizing)?;
    let lowered = chosen.into_iter().map(|index| document.lower(index, &overrides));
    Ok(lowered.map(|lowered| (lowered.model, lowered.batch)).collect())
}

/// The one model of a text that is asked for by some settings, unless the text is broken, and what is to be said of
/// either.
pub(super) fn one(
    path: &Path,
    text: String,
    sizings: &[Sizing],
) -> Result<(Option<Lowered>, Vec<Diagnostic>, Sources), String> {
    let mut document = arch::read(path, text, &Project::of(path));
    let mut found = std::mem::take(&mut document.diagnostics);
    found.extend(document.no_model());
    if has_errors(&found) {
        return Ok((None, found, document.sources));
    }
    let mut asked = Vec::new();
    for sizing in sizings {
        asked.extend(chosen(&document, path, sizing)?.into_iter().map(|index| (index, sizing)));
    }
    let [(index, sizing)] = asked[..] else {
        let names: Vec<_> = document.models().map(|model| model.name).collect();
        let message = format!(
            "`{}` has {} models; say which: `--model {}`",
            path.display(),
            names.len(),
            names.join("`, `--model ")
        );
        return Err(visible(&message).into_owned());
    };
    let sizing = &sizing.of_text(&document);
    let mut lowered = document.lower(index, &overrides(sizing).unwrap_or_default());
    found.append(&mut lowered.diagnostics);
    found.extend(sizing.notice());
    Ok((Some(lowered), found, document.sources))
}

/// Numbers of the models that `--model` asks for, or of all.
pub(super) fn chosen(document: &Document, path: &Path, sizing: &Sizing) -> Result<Vec<usize>, String> {
    let Some(wanted) = &sizing.model else { return Ok((0..document.models().count()).collect()) };
    if let Some(index) = document.models().position(|model| model.name == wanted) {
        return Ok(vec![index]);
    }
    let names: Vec<_> = document.models().map(|model| model.name).collect();
    let help = match suggest::nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", names.join(", ")),
    };
    Err(visible(&format!("`{}` has no model `{wanted}`; {help}", path.display())).into_owned())
}

/// Claims are checked on the model as written; what is shown is the model with the settings of the command line.
fn outcome(
    document: &Document,
    index: usize,
    source: &str,
    mut findings: Vec<Diagnostic>,
    sizing: &Sizing,
    single: bool,
) -> Outcome {
    let mut written = document.lower(index, &Overrides::default());
    findings.append(&mut written.diagnostics);
    let mut is_broken = findings.iter().any(|found| found.severity == Severity::Error && !is_claim(found));
    if !is_broken {
        findings.extend(claim::check(document, index, &written));
    }
    let overrides = overrides(sizing);
    let shown = match &overrides {
        None => written,
        Some(overrides) => {
            let mut shown = document.lower(index, overrides);
            is_broken |= has_errors(&shown.diagnostics);
            let further = std::mem::take(&mut shown.diagnostics).into_iter();
            findings.extend(further.filter(|found| !findings.contains(found)).collect::<Vec<_>>());
            shown
        }
    };
    if is_broken {
        return Outcome::Broken(Broken {
            name: shown.model.name,
            source: source.into(),
            format: "arch",
            diagnostics: findings,
        });
    }
    let layout = layout(shown.framework);
    let single = (single && shown.batch != 1).then(|| one_example(document, index, overrides));
    let mut report = analyze::analyze(&shown.model, options(&shown, source, sizing));
    report.diagnostics = findings;
    Outcome::Sized(Box::new(Figures { report, single, layout }))
}

fn one_example(document: &Document, index: usize, overrides: Option<Overrides>) -> Inference {
    let one = Overrides { batch: Some(1), claims: false, ..overrides.unwrap_or_default() };
    analyze::inference(&document.lower(index, &one).model)
}

fn options(lowered: &Lowered, source: &str, sizing: &Sizing) -> Options {
    let asked = sizing.precision.as_ref().and_then(|precision| precision.name);
    Options {
        source: source.into(),
        format: "arch",
        batch: lowered.batch,
        precision: asked.map_or_else(|| precision_name(lowered.weights, lowered.activations), str::to_string),
        convention: sizing.convention(),
        dims: Vec::new(),
    }
}

/// What the command line changes; `None` when nothing.
pub(super) fn overrides(sizing: &Sizing) -> Option<Overrides> {
    let precision = sizing.precision.unwrap_or_default();
    let changed =
        sizing.batch.is_some() || sizing.precision.is_some() || !sizing.input.is_empty() || !sizing.lets.is_empty();
    changed.then(|| Overrides {
        batch: sizing.batch,
        input: sizing.input.clone(),
        lets: sizing.lets.clone(),
        weights: precision.weights,
        activations: precision.activations,
        claims: false,
    })
}

fn layout(framework: Option<Framework>) -> Layout {
    match framework {
        Some(Framework::Keras) => Layout::Hwc,
        Some(Framework::Pytorch) => Layout::Chw,
        Some(Framework::Caffe | Framework::Onnx | Framework::Paper) | None => Layout::Channels,
    }
}

/// A file that gives no model.
pub(super) fn broken(path: &Path, diagnostics: Vec<Diagnostic>) -> Outcome {
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Outcome::Broken(Broken { name, source: path.display().to_string(), format: "arch", diagnostics })
}

pub(super) fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| found.severity == Severity::Error)
}

/// A claim that does not hold leaves the model's figures as they are.
pub(super) fn is_claim(found: &Diagnostic) -> bool {
    found.code == "shape-claim"
}
