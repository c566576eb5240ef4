//! Everything that is to be said about one file.

use super::budget;
use super::lock::{Lock, Record};
use crate::cli::config::{self, Config};
use crate::cli::input::Reader;
use crate::cli::settings::Sizing;
use crate::cli::{arch, onnx};
use cnnsize::analyze::{self, claim};
use cnnsize::base::diagnostic::{Diagnostic, Origin, Severity};
use cnnsize::base::source::Sources;
use cnnsize::front::arch::{self as language, Document, ModelName, Overrides};
use cnnsize::front::onnx::Contents;
use cnnsize::graph::Model;
use cnnsize::lint;
use std::io;
use std::path::Path;

/// What files are held against.
pub(super) struct Judge<'a> {
    /// Settings of the command line.
    pub args: &'a Sizing,
    pub config: Option<&'a Config>,
    pub lock: Option<&'a Lock>,
    /// Whether today's figures are to be the baseline.
    pub is_baseline: bool,
}

/// What was found about a file.
#[derive(Default)]
pub(super) struct Judged {
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// Whether it is a text of blocks alone, for others to import.
    pub is_library: bool,
    /// The figures of its models, for the baseline.
    pub records: Vec<(String, Record)>,
}

/// A model without errors.
struct Sound<'a> {
    model: &'a Model,
    batch: u64,
    /// The text that it is from; a graph has none.
    document: Option<&'a Document>,
    settings: &'a Sizing,
    /// Lints that the text allows.
    allowed: &'a [&'a str],
}

impl Reader for Judge<'_> {
    type Made = Judged;

    fn text(&self, path: &Path, text: String) -> Result<Judged, String> {
        let mut document = language::read(path, text, &crate::cli::project::Project::of(path));
        let mut judged = Judged { diagnostics: std::mem::take(&mut document.diagnostics), ..Judged::default() };
        if !arch::has_errors(&judged.diagnostics) {
            judged.is_library = document.models().next().is_none();
            let sizings = config::sizings(self.config, self.args, path);
            judged.diagnostics.extend(self.unlisted(&document, &sizings));
            for sizing in sizings {
                let sizing = sizing.of_text(&document);
                for index in arch::chosen(&document, path, &sizing)? {
                    self.model(path, &document, index, &sizing, &mut judged);
                }
            }
        }
        judged.sources = document.sources;
        Ok(judged)
    }

    fn graph<C: Contents>(&self, path: &Path, open: impl Fn() -> io::Result<C>) -> io::Result<Result<Judged, String>> {
        let sizings = config::sizings(self.config, self.args, path);
        let (read, sizing) = onnx::read(&open, sizings.first().unwrap_or(self.args))?;
        let mut judged = Judged { diagnostics: read.diagnostics, ..Judged::default() };
        if let Some(mut model) = read.model.filter(|_| !arch::has_errors(&judged.diagnostics)) {
            if model.name.is_empty() {
                model.name = onnx::stem(path);
            }
            let batch = read.batch;
            let sound = Sound { model: &model, batch, document: None, settings: &sizing, allowed: &[] };
            self.figures(path, &sound, &mut judged);
        }
        Ok(Ok(judged))
    }

    fn wrong(&self, _: &Path, why: Diagnostic) -> Result<Judged, String> {
        Ok(Judged { diagnostics: vec![why], ..Judged::default() })
    }
}

impl Judge<'_> {
    /// Models that nobody asks for, where the configuration lists others of their file.
    fn unlisted(&self, document: &Document, sizings: &[Sizing]) -> Vec<Diagnostic> {
        let (None, Some(config)) = (&self.args.model, self.config) else { return Vec::new() };
        let is_listed = |name: &str| sizings.iter().any(|s| s.model.as_deref().is_none_or(|model| model == name));
        let say = |name: ModelName| {
            let message =
                format!("`{}` is not checked: `{}` lists other models of this file", name.name, config.path.display());
            let hint = Diagnostic::hint("unlisted-model", Origin::Text(name.span), message);
            hint.help(format!("give it an entry too: `model: {}`", name.name))
        };
        document.models().filter(|model| !is_listed(model.name)).map(say).collect()
    }

    /// Claims are about the model as written, all else about the model as it is to be sized.
    fn model(&self, path: &Path, document: &Document, index: usize, sizing: &Sizing, judged: &mut Judged) {
        let written = document.lower(index, &Overrides::default());
        let mut is_broken = written.diagnostics.iter().any(|f| f.severity == Severity::Error && !arch::is_claim(f));
        let mut found = written.diagnostics.clone();
        if !is_broken {
            found.extend(claim::check(document, index, &written));
        }
        let sized = match arch::overrides(sizing) {
            None => written,
            Some(overrides) => {
                let sized = document.lower(index, &overrides);
                is_broken |= arch::has_errors(&sized.diagnostics);
                let further = sized.diagnostics.iter().filter(|further| !found.contains(further));
                let further: Vec<_> = further.cloned().collect();
                found.extend(further);
                sized
            }
        };
        // Several models of a file may say the same of a line that they share.
        found.retain(|found| !judged.diagnostics.contains(found));
        judged.diagnostics.extend(found);
        let source = document.models().nth(index).map(|model| model.span.source);
        let mut allowed = Vec::new();
        if let Some(source) = source {
            let (names, wrong) = lint::allow::allowed(source, &document.sources.get(source).text);
            allowed = names;
            let new: Vec<_> = wrong.into_iter().filter(|found| !judged.diagnostics.contains(found)).collect();
            judged.diagnostics.extend(new);
        }
        if !is_broken {
            let (model, batch) = (&sized.model, sized.batch);
            let sound = Sound { model, batch, document: Some(document), settings: sizing, allowed: &allowed };
            self.figures(path, &sound, judged);
        }
    }

    /// Lints, budgets and growth of a sound model.
    fn figures(&self, path: &Path, sound: &Sound, judged: &mut Judged) {
        let Sound { model, batch, document, settings, allowed } = *sound;
        let sizing = analyze::Sizing::of(model, batch, settings.convention());
        let mut found = lint::check(&sizing, document);
        found.retain_mut(|found| !allowed.contains(&found.code) && self.level(found));
        if settings.strict && !sizing.unknown().is_empty() {
            found.push(budget::not_known(&sizing));
        }
        // A graph is one model, whatever it is called.
        let name = document.map(|_| model.name.as_str());
        let entry = self.config.and_then(|config| Some((config, config.entry(path, name)?)));
        let limits = entry.map_or(&[][..], |(_, (_, entry))| &entry.limits);
        let growth = entry.map_or(&[][..], |(_, (_, entry))| &entry.growth);
        let before = self.lock.and_then(|lock| lock.get(path, &model.name));
        let is_measured = self.is_baseline || !growth.is_empty() || before.is_some();
        let record = is_measured.then(|| Record::of(&sizing, batch, growth));
        for limit in limits {
            let place = || entry.map_or_else(String::new, |(config, (at, _))| config.limit_place(at, &limit.quantity));
            found.extend(budget::check(&sizing, limit, place, before.zip(record.as_ref())));
        }
        if let Some(record) = record {
            found.extend(budget::growth(&sizing, growth, before, &record));
            judged.records.push((model.name.clone(), record));
        }
        found.retain(|found| !judged.diagnostics.contains(found));
        judged.diagnostics.extend(found);
    }

    /// Gives a lint's finding the level of the configuration; whether it is on.
    fn level(&self, found: &mut Diagnostic) -> bool {
        let level = self.config.and_then(|config| config.lints.iter().find(|(name, _)| name == found.code));
        match level {
            Some((_, None)) => false,
            Some((_, Some(severity))) => {
                found.severity = *severity;
                true
            }
            None => true,
        }
    }
}
