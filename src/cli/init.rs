//! `cnnsize init`: a configuration to begin with, commented, with today's figures as budgets.

use super::input;
use super::settings::Sizing;
use super::size::Sizer;
use super::{Exit, terminal};
use cnnsize::analyze::report::Report;
use cnnsize::base::diagnostic::Severity;
use cnnsize::base::quantity::{AtLeast, Quantity};
use cnnsize::render::escape::visible;
use cnnsize::render::units::{Units, bytes};
use cnnsize::render::{Entry, Outcome};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Write a cnnsize.yaml with today's figures as budgets
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Models to list [default: every .arch and .onnx below this folder, but for hidden folders]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

const NAME: &str = "cnnsize.yaml";

const HEAD: &str = "\
# Models of this project and what they may cost. `cnnsize check` holds them to it. `model: NAME` makes an entry one of this
# model of the file alone.
# Described by `cnnsize schema config`.

# Settings for models that do not say them: batch, precision, dim, value, convention, strict.
# defaults: { batch: 32, precision: fp16 }

# Lints by level: off, hint, warning, error.
# lints: { even-same: off }

# Files that no pattern below shall find.
# exclude: [scratch/**]

# A budget limits any quantity that `expect` knows. Counts are for one example, memory is for the batch and needs its unit.
# `max-growth: 5 %` or `max-growth: { depth: 0 % }` holds a model to cnnsize.lock.json, which `cnnsize check --update-baseline`
# writes.
models:
";

pub(super) fn run(args: &Args) -> Exit {
    Exit::of(write(args))
}

fn write(args: &Args) -> Result<(), String> {
    let path = Path::new(NAME);
    if path.exists() {
        return Err(format!("`{NAME}` is here already; move it away to have a new one"));
    }
    let mut files = args.files.clone();
    if files.is_empty() {
        search(Path::new(""), &mut files);
    }
    let sizings = [Sizing::default()];
    let mut text = String::from(HEAD);
    let mut listed = 0;
    for file in files {
        let entries = match input::read(&file, None, &Sizer { sizings: &sizings, single: false }) {
            Ok(entries) => entries,
            Err(message) if args.files.is_empty() => {
                leave_out(&file, &message);
                continue;
            }
            Err(message) => return Err(message),
        };
        let broken = entries.iter().find(|entry| matches!(entry.outcome, Outcome::Broken(_)));
        match (file.to_str(), broken) {
            (None, _) => leave_out(&file, "its path is not UTF-8"),
            (_, Some(broken)) => {
                let error = broken.diagnostics().iter().find(|found| found.severity == Severity::Error);
                leave_out(&file, error.map_or("it has no model that can be sized", |error| &error.message));
            }
            (Some(path), None) => {
                text += &listing(path, &entries)?;
                listed += 1;
            }
        }
    }
    if listed == 0 {
        return Err("no model found; name one: `cnnsize init models/net.arch`".into());
    }
    terminal::save(path, |out| out.write_all(text.as_bytes()))?;
    terminal::tell(|err| writeln!(err, "wrote `{NAME}`; `cnnsize check` holds the models to it"));
    Ok(())
}

/// Says which file is not listed, and why.
fn leave_out(path: &Path, why: &str) {
    let shown = path.display().to_string();
    terminal::tell(|err| writeln!(err, "left out `{}`: {}", visible(&shown), visible(why)));
}

/// Folders of what other programs build or fetch.
const FOREIGN: &[&str] = &["target", "node_modules", "__pycache__"];

/// Adds the models in a folder and below it, in the order of their names. Hidden folders are left alone; links to folders
/// are too, since they may lead round in a circle.
fn search(folder: &Path, files: &mut Vec<PathBuf>) {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut inside: Vec<_> = match fs::read_dir(here) {
        Ok(inside) => inside.filter_map(Result::ok).collect(),
        Err(error) => return leave_out(here, &error.to_string()),
    };
    inside.sort_by_key(fs::DirEntry::file_name);
    for found in inside {
        let name = found.file_name();
        let path = folder.join(&name);
        let Ok(kind) = found.file_type() else { continue };
        let is_model = path.extension().is_some_and(|extension| extension == "arch" || extension == "onnx");
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() && FOREIGN.iter().any(|foreign| name == *foreign) {
            leave_out(&path, "it holds what other programs made; name files of it to list them");
        } else if kind.is_dir() {
            search(&path, files);
        } else if path.is_dir() {
            leave_out(&path, "it is a link to a folder");
        } else if is_model {
            files.push(path);
        }
    }
}

/// One entry for each model, with its figures as limits.
fn listing(path: &str, entries: &[Entry]) -> Result<String, String> {
    // A JSON string is a YAML one; a pattern's signs stand for themselves in brackets.
    let quoted = |text: &str| serde_json::to_string(text).map_err(|error| error.to_string());
    let mut out = String::new();
    for entry in entries {
        let Outcome::Sized(figures) = &entry.outcome else { continue };
        out += &format!("  - path: {}\n", quoted(&glob::Pattern::escape(path))?);
        if entries.len() > 1 {
            out += &format!("    model: {}\n", quoted(&figures.report.name)?);
        }
        out += "    budget:\n";
        budget(&figures.report, &mut out);
    }
    Ok(out)
}

fn budget(report: &Report, out: &mut String) {
    let mut line = |name: &str, figure: AtLeast<u64>, memory: bool| {
        let _ = match figure.known() {
            Some(n) if memory => writeln!(out, "      {name}: {n} B    # {}", bytes(n, Units::Si)),
            Some(n) => writeln!(out, "      {name}: {n}"),
            None => writeln!(out, "      # {name}: not fully known"),
        };
    };
    line("params", plain(report.totals.parameters, 1), false);
    line("macs", plain(report.totals.macs, report.settings.batch), false);
    line("infer.memory", plain(report.inference.minimum, 1), true);
    line("train.memory", plain(report.training.minimum, 1), true);
}

/// A figure without its unit, for one of `batch` examples.
fn plain<Q: Quantity>(amount: AtLeast<Q>, batch: u64) -> AtLeast<u64> {
    let batch = batch.max(1);
    let incomplete = amount.incomplete || !amount.least.count().is_multiple_of(batch);
    AtLeast { least: amount.least.count() / batch, incomplete }
}
