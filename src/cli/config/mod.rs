//! `cnnsize.yaml`: which models a project has, for what they are sized, and what they may cost.

pub(super) mod amount;
mod find;
mod guard;
mod place;
mod setting;
mod yaml;

pub(super) use find::{Wanted, absolute, beside, find, is_config};

use super::Exit;
use super::settings::{Configured, Sizing};
use super::terminal::{self, Stream, Wishes};
use super::values::Precision;
use amount::{Growth, Limit};
use cnnsize::base::diagnostic::{Diagnostic, Origin, Severity};
use cnnsize::base::source::{SourceId, Sources, Span};
use cnnsize::render::{Style, diagnostics};
use setting::Given;
use std::path::{Path, PathBuf};

/// The JSON Schema of the file.
pub(super) const SCHEMA: &str = include_str!("schema.json");

/// A configuration that has been read.
#[derive(Debug)]
pub(super) struct Config {
    /// Its path, as messages show it.
    pub path: PathBuf,
    /// Its text.
    pub sources: Sources,
    id: SourceId,
    /// Settings where neither the command line nor an entry says anything.
    defaults: Given,
    /// Batch and precision of the defaults, which hold where the file does not say them either.
    unsaid: (Option<u64>, Option<Precision>),
    /// What it says about models.
    pub models: Vec<Entry>,
    /// Files that are no models of the project: patterns relative to the configuration.
    exclude: Vec<String>,
    /// Levels of lints; `None` is off.
    pub lints: Vec<(String, Option<Severity>)>,
}

/// One entry of `models`.
#[derive(Debug)]
pub(super) struct Entry {
    /// Which files: a path or a pattern, relative to the configuration.
    pub pattern: String,
    /// What they are sized for.
    given: Given,
    /// Upper limits.
    pub limits: Vec<Limit>,
    /// How much a quantity may grow.
    pub growth: Vec<Growth>,
}

/// What is wrong with a configuration, with the text that it points into.
pub(super) type Wrong = Box<(Diagnostic, Sources)>;

/// The settings that hold for a file: those of the command line, and what the configuration adds. Several where it has
/// an entry for each of some models of the file.
pub(super) fn sizings(config: Option<&Config>, line: &Sizing, file: &Path) -> Vec<Sizing> {
    let file = line.stdin_filename.as_deref().filter(|_| file == Path::new("-")).unwrap_or(file);
    config.map_or_else(|| vec![line.clone()], |config| config.sizings(line, file))
}

/// Says what is wrong with a configuration.
pub(super) fn complain(wrong: &Wrong, wishes: Wishes) -> Exit {
    let (error, sources) = &**wrong;
    let style = wishes.style(&Style::default(), Stream::Err);
    terminal::tell(|err| diagnostics::write(std::slice::from_ref(error), "cnnsize.yaml", sources, &style, err));
    Exit::Failed
}

impl Config {
    /// Reads a configuration that has this text.
    pub(super) fn read(path: &Path, text: String) -> Result<Config, Wrong> {
        let mut sources = Sources::default();
        let id = sources.add(path, text);
        let read = guard::check(id, &sources).and_then(|()| yaml::read(id, &sources));
        match read {
            Ok(yaml::File { defaults, models, exclude, lints }) => {
                let models = models.into_iter().map(Entry::from).collect();
                let mut defaults = defaults.0;
                let unsaid = (defaults.sizing.batch.take(), defaults.sizing.precision.take());
                defaults.words.retain(|(setting, _)| !matches!(setting.name, "batch" | "precision"));
                Ok(Config { path: path.into(), sources, id, defaults, unsaid, models, exclude, lints: lints.0 })
            }
            Err(error) => Err(Box::new((error, sources))),
        }
    }

    /// The folder that paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Every file that is listed, once, in the order of the entries and then of the names.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, Wrong> {
        let mut files: Vec<PathBuf> = Vec::new();
        for (index, entry) in self.models.iter().enumerate() {
            let wrong = |message: String, help: &str| {
                let place =
                    self.place(&[place::Step::Key("models"), place::Step::Index(index), place::Step::Key("path")]);
                let error = Diagnostic::error("no-such-model", place, message).help(help);
                Box::new((error, self.sources.clone()))
            };
            let pattern = find::below(self.folder(), &entry.pattern);
            let found = glob::glob_with(&pattern, find::MATCH).map_err(|error| {
                wrong(
                    format!("`{}` is no pattern: {error}", entry.pattern),
                    "`*` stands for a part of a name, `**` for folders",
                )
            })?;
            let found: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| path.is_file()).collect();
            if found.is_empty() {
                return Err(wrong(format!("no file matches `{}`", entry.pattern), "paths are relative to this file"));
            }
            for path in found {
                if !self.excludes(&path) && !files.contains(&path) {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }

    /// Whether `exclude` names a file.
    pub(super) fn excludes(&self, file: &Path) -> bool {
        self.exclude.iter().any(|pattern| find::matches(self.folder(), pattern, file))
    }

    /// The first entry that names a file and, where it is about one model, this one. With its number.
    pub(super) fn entry(&self, file: &Path, model: Option<&str>) -> Option<(usize, &Entry)> {
        let fits = |entry: &Entry| model.is_none_or(|model| entry.model().is_none_or(|own| own == model));
        self.entries(file).find(|(_, entry)| fits(entry))
    }

    /// Entries that name a file, with their numbers.
    fn entries(&self, file: &Path) -> impl Iterator<Item = (usize, &Entry)> {
        self.models.iter().enumerate().filter(|(_, entry)| find::matches(self.folder(), &entry.pattern, file))
    }

    fn sizings(&self, line: &Sizing, file: &Path) -> Vec<Sizing> {
        let one = self.entry(file, line.model.as_deref()).map(|(_, entry)| entry);
        if line.model.is_some() || one.is_none_or(|entry| entry.model().is_none()) {
            return vec![self.sizing(line, one)];
        }
        let mut by_model: Vec<&Entry> = Vec::new();
        for (_, entry) in self.entries(file).take_while(|(_, entry)| entry.model().is_some()) {
            if by_model.iter().all(|other| other.model() != entry.model()) {
                by_model.push(entry);
            }
        }
        let mut sizings: Vec<Sizing> = by_model.into_iter().map(|entry| self.sizing(line, Some(entry))).collect();
        if sizings.len() > 1 {
            // No model of the file is passed over for another.
            for sizing in &mut sizings {
                sizing.configured.words.retain(|(name, _)| *name != "model");
            }
        }
        sizings
    }

    /// The settings of the command line, then those of an entry, then the defaults; what the file may say itself goes
    /// before those, see [`Sizing::of_text`].
    fn sizing(&self, line: &Sizing, entry: Option<&Entry>) -> Sizing {
        let mut sizing = line.clone();
        let mut words = Vec::new();
        for given in entry.map(|entry| &entry.given).into_iter().chain([&self.defaults]) {
            let new = given.words.iter().filter(|(setting, word)| !(setting.says)(&sizing, word));
            words.extend(new.map(|(setting, word)| (setting.name, word.clone())));
            sizing = sizing.over(&given.sizing);
        }
        let (batch, precision) = self.unsaid;
        sizing.configured = Configured { path: self.path.display().to_string(), words, batch, precision };
        sizing
    }

    /// Where a limit stands, for a note: `cnnsize.yaml:7:15`.
    pub(super) fn limit_place(&self, entry: usize, quantity: &str) -> String {
        use place::Step::{Index, Key};
        let path = self.path.display();
        match self.place(&[Key("models"), Index(entry), Key("budget"), Key(quantity)]) {
            Origin::Text(span) => {
                let at = self.sources.start(span);
                format!("{path}:{}:{}", at.line, at.column)
            }
            _ => path.to_string(),
        }
    }

    fn place(&self, steps: &[place::Step]) -> Origin {
        place::of(self.id, &self.sources, steps)
    }
}

impl Entry {
    /// The one model that it is about.
    fn model(&self) -> Option<&str> {
        self.given.sizing.model.as_deref()
    }
}

impl From<yaml::Model> for Entry {
    fn from(model: yaml::Model) -> Entry {
        Entry { pattern: model.path, given: model.given, limits: model.budget.limits, growth: model.budget.growth }
    }
}

/// A place of no length in a text.
fn at(id: SourceId, offset: usize) -> Origin {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    Origin::Text(Span { source: id, start: offset, end: offset })
}
