//! `cnnsize FILE…`, the default command: how big is it?

use super::config::{self, Wanted};
use super::input::Reader;
use super::settings::{Looks, Sizing};
use super::terminal::{self, Stream};
use super::{Exit, arch, input, onnx};
use cnnsize::base::diagnostic::{Diagnostic, Origin, Severity};
use cnnsize::front::onnx::Contents;
use cnnsize::render::escape::visible;
use cnnsize::render::{self, Entry, FORMATS, Format, Outcome, diagnostics};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Arguments of the default command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Models: `.arch` texts, `.onnx` graphs, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) sizing: Sizing,
    #[command(flatten)]
    looks: Looks,
    #[command(flatten)]
    wanted: Wanted,
}

pub(super) fn run(args: &Args) -> Exit {
    let outputs = match outputs(&args.looks) {
        Ok(outputs) => outputs,
        Err(message) => return Exit::of(Err(message)),
    };
    let config = match config::find(&args.wanted) {
        Ok(config) => config,
        Err(wrong) => return config::complain(&wrong, args.looks.wishes()),
    };
    let single = outputs.iter().any(|(format, _)| format.single);
    let mut entries = Vec::new();
    let mut failures = Vec::new();
    for file in &args.files {
        match size(file, &config::sizings(config.as_ref(), &args.sizing, file), single) {
            Ok(read) => entries.extend(read),
            Err(message) => failures.push((entries.len(), message)),
        }
    }
    let given = |format: &str| entries.is_empty() || entries.iter().any(|entry| entry.format() == format);
    if let Some(message) = args.sizing.misplaced(given) {
        return Exit::of(Err(message));
    }
    let mut exit = judge(&entries, &failures);
    for (format, path) in outputs {
        let stream = if path.is_some() { Stream::File } else { Stream::Out };
        let style = args.looks.wishes().style(&args.looks.style(), stream);
        let write = |out: &mut dyn Write| (format.write)(&entries, &style, out);
        exit = exit.max(Exit::of(match path {
            Some(path) => terminal::save(path, write),
            None => terminal::print(write),
        }));
    }
    explain(&entries, &failures, &args.looks);
    // The process ends here; the system is quicker at giving back memory.
    std::mem::forget(entries);
    exit
}

/// Formats with the files they go to; `None` is standard output.
fn outputs(looks: &Looks) -> Result<Vec<(&'static Format, Option<&Path>)>, String> {
    let mut outputs = Vec::new();
    if looks.format.is_some() || looks.output.is_empty() {
        outputs.push((looks.format.unwrap_or(&FORMATS[0]), None));
    }
    for path in &looks.output {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let Some(format) = render::format_for(extension) else {
            let known: Vec<_> = FORMATS.iter().map(|format| format!(".{}", format.extension)).collect();
            let (path, known) = (path.display().to_string(), known.join(", "));
            return Err(format!("the extension of `{}` is no format's; known are {known}", visible(&path)));
        };
        outputs.push((format, Some(path.as_path())));
    }
    Ok(outputs)
}

fn judge(entries: &[Entry], failures: &[(usize, String)]) -> Exit {
    let wrong = entries.iter().flat_map(Entry::diagnostics).any(|found| found.severity == Severity::Error);
    match (failures.is_empty(), wrong) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Problem,
        (true, false) => Exit::Fine,
    }
}

/// Says on standard error what was found, in the order of the files.
fn explain(entries: &[Entry], failures: &[(usize, String)], looks: &Looks) {
    let style = looks.wishes().style(&looks.style(), Stream::Err);
    let mut failures = failures.iter().peekable();
    for (index, entry) in entries.iter().enumerate() {
        while let Some((_, message)) = failures.next_if(|(before, _)| *before <= index) {
            terminal::complain(message);
        }
        terminal::tell(|err| diagnostics::write(entry.diagnostics(), entry.source(), &entry.sources, &style, err));
    }
    for (_, message) in failures {
        terminal::complain(message);
    }
}

/// Sizes what one argument names.
fn size(file: &Path, sizings: &[Sizing], single: bool) -> Result<Vec<Entry>, String> {
    let stdin = sizings.iter().find_map(|sizing| sizing.stdin_filename.as_deref());
    let mut entries = input::read(file, stdin, &Sizer { sizings, single })?;
    if sizings.iter().any(|sizing| sizing.strict) {
        entries.iter_mut().for_each(forbid_unknown);
    }
    Ok(entries)
}

/// Sizes every model of a file, or those that the settings name. `single`: with inference memory for one example.
pub(super) struct Sizer<'a> {
    pub sizings: &'a [Sizing],
    pub single: bool,
}

impl Reader for Sizer<'_> {
    type Made = Vec<Entry>;

    fn text(&self, path: &Path, text: String) -> Result<Vec<Entry>, String> {
        arch::entries(path, text, self.sizings, self.single)
    }

    fn graph<C: Contents>(
        &self,
        path: &Path,
        open: impl Fn() -> io::Result<C>,
    ) -> io::Result<Result<Vec<Entry>, String>> {
        let sized = self.sizings.iter().take(1).map(|sizing| onnx::entry(path, &open, sizing, self.single));
        sized.collect::<io::Result<_>>().map(Ok)
    }

    fn wrong(&self, path: &Path, why: Diagnostic) -> Result<Vec<Entry>, String> {
        Ok(vec![Entry { outcome: arch::broken(path, vec![why]), sources: Rc::default() }])
    }
}

/// `--strict`: what is not known is an error of the file.
fn forbid_unknown(entry: &mut Entry) {
    let Outcome::Sized(figures) = &mut entry.outcome else { return };
    let report = &mut figures.report;
    if report.unknown.is_empty() {
        return;
    }
    let message = match report.unknown.len() {
        1 => "1 figure is not known".to_string(),
        n => format!("{n} figures are not known"),
    };
    let notes = report.unknown.iter().take(10);
    let notes = notes.map(|u| format!("{} of `{}` ({}): {}", u.quantity, u.layer, u.op, u.reason));
    let mut error = Diagnostic::error("unknown-figure", Origin::File, message);
    error.notes.extend(notes);
    error.help = Some("leave `--strict` out to have the totals as lower bounds".into());
    report.diagnostics.push(error);
}
