//! `cnnsize init`: a configuration to begin with, commented, with today's figures as budgets.

use super::input;
use super::settings::Sizing;
use super::size::Sizer;
use super::{Exit, config, terminal};
use cnnsize::base::quantity::{AtLeast, Quantity};
use cnnsize::render::escape::visible;
use cnnsize::render::units::{Units, bytes};
use cnnsize::render::{Entry, Outcome};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Write a cnnsize.yaml with today's figures as budgets
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Models to list [default: every .arch and .onnx below this folder]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

const NAME: &str = "cnnsize.yaml";

const HEAD: &str = "\
# Models of this project and what they may cost. `cnnsize check` holds them to it.
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
    let files = if args.files.is_empty() { found() } else { args.files.clone() };
    let mut text = String::from(HEAD);
    let mut listed = 0;
    for file in files {
        let sizing = Sizing::default();
        match input::read(&file, None, &Sizer { sizing: &sizing, single: false }) {
            Ok(entries) if entries.iter().all(|entry| matches!(entry.outcome, Outcome::Sized(_))) => {
                text += &entry(&file, &entries)?;
                listed += 1;
            }
            Ok(_) => {
                let shown = file.display().to_string();
                terminal::tell(|err| writeln!(err, "`{}` has no model that can be sized: left out", visible(&shown)));
            }
            Err(message) => return Err(message),
        }
    }
    if listed == 0 {
        return Err("no model found; name one: `cnnsize init models/net.arch`".into());
    }
    terminal::save(path, |out| out.write_all(text.as_bytes()))?;
    terminal::tell(|err| writeln!(err, "wrote `{NAME}`; `cnnsize check` holds the models to it"));
    Ok(())
}

/// Models below this folder, in the order of their names; hidden folders are left alone.
fn found() -> Vec<PathBuf> {
    let rule = glob::MatchOptions { require_literal_leading_dot: true, ..config::MATCH };
    let patterns = ["**/*.arch", "**/*.onnx"];
    let mut files: Vec<PathBuf> = patterns
        .iter()
        .filter_map(|pattern| glob::glob_with(pattern, rule).ok())
        .flatten()
        .filter_map(Result::ok)
        .collect();
    files.sort();
    files
}

/// One entry, with the largest figures of the file's models as limits.
fn entry(file: &Path, entries: &[Entry]) -> Result<String, String> {
    let shown = file.to_str().ok_or_else(|| format!("`{}` is not UTF-8", visible(&file.display().to_string())))?;
    let reports = || {
        entries.iter().filter_map(|entry| match &entry.outcome {
            Outcome::Sized(figures) => Some(&figures.report),
            Outcome::Broken(_) => None,
        })
    };
    // A JSON string is a YAML one; a pattern's signs stand for themselves in brackets.
    let quoted = serde_json::to_string(&glob::Pattern::escape(shown)).map_err(|error| error.to_string())?;
    let mut out = format!("  - path: {quoted}\n    budget:\n");
    let mut line = |name: &str, figures: Vec<AtLeast<u64>>, memory: bool| {
        let most = figures.into_iter().reduce(AtLeast::max).and_then(AtLeast::known);
        let _ = match most {
            Some(n) if memory => writeln!(out, "      {name}: {n} B    # {}", bytes(n, Units::Si)),
            Some(n) => writeln!(out, "      {name}: {n}"),
            None => writeln!(out, "      # {name}: not fully known"),
        };
    };
    line("params", reports().map(|r| plain(r.totals.parameters, 1)).collect(), false);
    line("macs", reports().map(|r| plain(r.totals.macs, r.settings.batch)).collect(), false);
    line("infer.memory", reports().map(|r| plain(r.inference.minimum, 1)).collect(), true);
    line("train.memory", reports().map(|r| plain(r.training.minimum, 1)).collect(), true);
    Ok(out)
}

/// A figure without its unit, for one of `batch` examples.
fn plain<Q: Quantity>(amount: AtLeast<Q>, batch: u64) -> AtLeast<u64> {
    let batch = batch.max(1);
    let incomplete = amount.incomplete || !amount.least.count().is_multiple_of(batch);
    AtLeast { least: amount.least.count() / batch, incomplete }
}
