//! Findings about many files, as text: one file a format. Columns count characters from 1, paths are as the user would
//! type them, and no name from a file may change more than its own text.

mod concise;
mod github;
mod gitlab;
mod json;
mod jsonl;
mod junit;
mod sarif;
mod text;

pub(crate) use junit::xml;

use super::Style;
use super::escape::visible;
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::base::source::{LineColumn, Sources};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The JSON Schema of the format `json`.
pub const SCHEMA: &str = include_str!("schema.json");

/// What was found about one file.
#[derive(Debug)]
pub struct File {
    /// Its path, relative to where the program runs.
    pub path: String,
    /// The texts that the findings point into; empty for ONNX.
    pub sources: Arc<Sources>,
    /// The findings, in the order of their lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// A way of writing findings.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Writes them.
    pub write: fn(&[File], &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default one first.
pub static FORMATS: &[Format] = &[
    text::FORMAT,
    concise::FORMAT,
    json::FORMAT,
    jsonl::FORMAT,
    github::FORMAT,
    gitlab::FORMAT,
    junit::FORMAT,
    sarif::FORMAT,
];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == name)
}

/// Puts findings into the order of their places; those of the whole file come first.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|found| match &found.origin {
        Origin::File => (0, 0),
        Origin::Text(span) => (1, u64::from(span.start)),
        Origin::Byte(offset) => (1, *offset),
        Origin::Node { index, .. } => (1, u64::try_from(*index).unwrap_or(u64::MAX)),
    });
}

/// A finding with its place worked out.
struct Located<'a> {
    found: &'a Diagnostic,
    path: String,
    /// First character, and the place after the last one.
    place: Option<(LineColumn, LineColumn)>,
    node: Option<&'a str>,
}

impl<'a> Located<'a> {
    fn of(found: &'a Diagnostic, file: &File) -> Located<'a> {
        let (mut path, mut place, mut node) = (file.path.clone(), None, None);
        match &found.origin {
            Origin::Text(span) => {
                path = relative(&file.sources.get(span.source).path);
                place = Some((file.sources.start(*span), file.sources.end(*span)));
            }
            Origin::Node { name, .. } => node = Some(&**name),
            Origin::Byte(_) | Origin::File => {}
        }
        Located { found, path, place, node }
    }

    /// The message with its place in a graph, its facts and its remedy, in lines.
    fn in_full(&self) -> String {
        let mut out = visible(&self.found.message).into_owned();
        if let Some(node) = self.node {
            out += &format!("\nat node `{}`", visible(node));
        }
        self.found.notes.iter().for_each(|note| out += &format!("\nnote: {}", visible(note)));
        self.found.help.iter().for_each(|help| out += &format!("\nhelp: {}", visible(help)));
        out
    }

    /// A name for the finding that stays the same when lines are added above it: FNV-1a of its path, code, node and
    /// message.
    fn fingerprint(&self) -> String {
        let parts = [&*self.path, self.found.code, self.node.unwrap_or(""), &self.found.message];
        let bytes = parts.into_iter().flat_map(|part| part.bytes().chain([0]));
        let hash =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{hash:016x}")
    }
}

fn located(files: &[File]) -> impl Iterator<Item = Located<'_>> {
    files.iter().flat_map(|file| file.diagnostics.iter().map(|found| Located::of(found, file)))
}

/// A path with forward slashes and without a leading `./`.
fn relative(path: &Path) -> String {
    let path = path.to_string_lossy();
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.into_owned() };
    path.strip_prefix("./").map_or(path.clone(), str::to_owned)
}

/// How many findings are this bad.
fn count(files: &[File], severity: Severity) -> usize {
    files.iter().flat_map(|file| &file.diagnostics).filter(|found| found.severity == severity).count()
}
