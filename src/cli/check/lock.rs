//! `cnnsize.lock.json`: the figures of a project's models on the day when somebody agreed to them.

use super::budget::{self, Share};
use crate::cli::config::amount::Growth;
use crate::cli::config::{self, Config};
use crate::cli::terminal;
use cnnsize::analyze::Sizing;
use cnnsize::analyze::quantity::{self, QUANTITIES};
use cnnsize::base::quantity::AtLeast;
use cnnsize::graph::NodeId;
use cnnsize::render::escape::visible;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The baseline of a configuration.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// The configuration's folder.
    folder: PathBuf,
    text: Text,
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Text {
    schema: String,
    /// By the file's path from the configuration, then by the model's name.
    models: BTreeMap<String, BTreeMap<String, Record>>,
}

const NAME: &str = "cnnsize.lock.json";
const SCHEMA: &str = "cnnsize-lock/1";

/// The figures of a model.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Record {
    batch: u64,
    /// Quantities by their names; `null` where they were not known.
    figures: BTreeMap<String, Option<u64>>,
    /// By the line's name.
    lines: BTreeMap<String, Line>,
}

/// What a quantity was on that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Known(u64),
    Unknown,
    /// Nobody asked for it.
    Missing,
}

/// What a line contributes.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Line {
    parameters: u64,
    macs: u64,
    output_bytes: u64,
    /// Of parameters and running statistics.
    stored_bytes: u64,
}

/// Whether a file's name is that of a baseline.
pub(super) fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == NAME)
}

impl Lock {
    /// The baseline beside a configuration; empty when there is none yet. `is_written`: whether it is to be written anew, so
    /// that it does no harm if the old one cannot be read.
    pub(super) fn of(config: &Config, is_written: bool) -> Result<Lock, String> {
        let folder = config.folder().to_path_buf();
        let path = folder.join(NAME);
        let shown = || visible(&path.display().to_string()).into_owned();
        let text = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice::<Text>(&bytes) {
                Ok(text) => text,
                Err(error) if is_written => {
                    terminal::tell(|err| writeln!(err, "`{}` was no baseline: {error}", shown()));
                    Text::default()
                }
                Err(error) => {
                    let help = "write it anew by `cnnsize check --update-baseline`";
                    return Err(format!("`{}` is no baseline: {error}; {help}", shown()));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Text::default(),
            Err(error) => return Err(format!("cannot read `{}`: {error}", shown())),
        };
        if !text.schema.is_empty() && text.schema != SCHEMA {
            return Err(format!(
                "`{}` has the schema `{}`, this program knows `{SCHEMA}`",
                shown(),
                visible(&text.schema)
            ));
        }
        Ok(Lock { path, folder, text })
    }

    /// A model's figures.
    pub(super) fn get(&self, file: &Path, model: &str) -> Option<&Record> {
        self.text.models.get(&self.key(file))?.get(model)
    }

    /// Puts the figures of a file's models in place of what was there.
    pub(super) fn put(&mut self, file: &Path, records: Vec<(String, Record)>) {
        // A file that is broken today keeps the figures that it had.
        if !records.is_empty() {
            let key = self.key(file);
            self.text.models.insert(key, records.into_iter().collect());
        }
    }

    /// Writes the file without what is about files that are gone, and says so.
    pub(super) fn save(mut self) -> Result<(), String> {
        self.text.schema = SCHEMA.into();
        let folder = &self.folder;
        let gone: Vec<String> =
            self.text.models.extract_if(.., |key, _| !folder.join(key).exists()).map(|(key, _)| key).collect();
        terminal::save(&self.path, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.text)?;
            out.write_all(b"\n")
        })?;
        let models: usize = self.text.models.values().map(BTreeMap::len).sum();
        let shown = self.path.display().to_string();
        terminal::tell(|err| {
            for key in gone {
                writeln!(err, "left out `{}`: there is no such file any more", visible(&key))?;
            }
            writeln!(err, "wrote `{}`: {models} model{}", visible(&shown), if models == 1 { "" } else { "s" })
        });
        Ok(())
    }

    fn key(&self, file: &Path) -> String {
        let inside = config::absolute(file).zip(config::absolute(&self.folder));
        let inside = inside.and_then(|(file, folder)| file.strip_prefix(folder).ok().map(Path::to_path_buf));
        inside.as_deref().unwrap_or(file).to_string_lossy().replace('\\', "/")
    }
}

impl Record {
    /// Today's figures: every quantity of the network, and those of lines that `growth` is about.
    pub(super) fn of(sizing: &Sizing, batch: u64, growth: &[Growth]) -> Record {
        let mut record = Record { batch, ..Record::default() };
        let of_model = QUANTITIES.iter().filter(|quantity| quantity.is_of_model()).map(|quantity| quantity.name);
        for name in of_model.chain(growth.iter().map(|growth| growth.quantity.as_str())) {
            if let Ok((_, figure)) = quantity::measure(sizing, name) {
                let known = budget::amount(&figure).and_then(AtLeast::known);
                record.figures.insert(name.to_owned(), known);
            }
        }
        for id in &sizing.model().main.nodes {
            let line = record.lines.entry(sizing.model().nodes[*id].group.to_string()).or_default();
            *line = line.plus(Line::of(sizing, *id));
        }
        record
    }

    /// Whether both are figures of the same batch.
    pub(super) fn is_comparable(&self, other: &Record) -> bool {
        self.batch == other.batch
    }

    /// What a quantity was.
    pub(super) fn figure(&self, name: &str) -> Before {
        match self.figures.get(name) {
            Some(Some(n)) => Before::Known(*n),
            Some(None) => Before::Unknown,
            None => Before::Missing,
        }
    }

    /// Names of lines that the other one does not have.
    pub(super) fn lines_missing_in(&self, before: &Record) -> impl Iterator<Item = &str> {
        self.lines.keys().filter(|name| !before.lines.contains_key(*name)).map(String::as_str)
    }

    /// The line that grew most since `before`: its name, what it had, what it has.
    pub(super) fn largest_growth(
        &self,
        before: &Record,
        part: impl Fn(&Line) -> u64,
    ) -> Option<(&str, Option<u64>, u64)> {
        let grown = self.lines.iter().filter_map(|(name, line)| {
            let (was, is) = (before.lines.get(name).map(&part), part(line));
            let more = is.checked_sub(was.unwrap_or(0)).filter(|more| *more > 0)?;
            Some((more, (name.as_str(), was, is)))
        });
        grown.max_by_key(|(more, _)| *more).map(|(_, line)| line)
    }
}

impl Line {
    /// What a node contributes.
    pub(super) fn of(sizing: &Sizing, id: NodeId) -> Line {
        Line {
            parameters: sizing.parameters_of(id).least.0,
            macs: sizing.macs_of(id).least.0,
            output_bytes: sizing.activation_bytes_of(id).least.0,
            stored_bytes: sizing.stored_bytes_of(id).least.0,
        }
    }

    fn plus(self, other: Line) -> Line {
        Line {
            parameters: self.parameters.saturating_add(other.parameters),
            macs: self.macs.saturating_add(other.macs),
            output_bytes: self.output_bytes.saturating_add(other.output_bytes),
            stored_bytes: self.stored_bytes.saturating_add(other.stored_bytes),
        }
    }

    /// One of its figures.
    pub(super) fn part(&self, share: Share) -> u64 {
        match share {
            Share::Parameters => self.parameters,
            Share::Macs => self.macs,
            Share::Outputs => self.output_bytes,
            Share::Memory => self.output_bytes.saturating_add(self.stored_bytes),
        }
    }
}
