//! Reports and findings as text: one file a format. Everything for people passes through [`escape`], every number
//! through [`units`].

mod csv;
pub mod diagnostics;
pub mod escape;
pub mod findings;
pub mod json;
pub(crate) mod lines;
mod markdown;
pub mod rows;
#[cfg(test)]
mod sample;
mod shape;
mod table;
mod totals;
pub mod units;

use crate::analyze::report::{Inference, Report};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Sources;
use rows::Selection;
use std::io;
use std::rc::Rc;
use units::Units;

/// A way of writing reports.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The extension of files written in it.
    pub extension: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Whether it shows inference memory for a single example beside that for the batch.
    pub single: bool,
    /// Writes it.
    pub write: fn(&[Entry], &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default one first.
pub static FORMATS: &[Format] = &[table::FORMAT, json::FORMAT, csv::FORMAT, markdown::FORMAT];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == name)
}

/// The format that files with this extension are written in.
pub fn format_for(extension: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.extension.eq_ignore_ascii_case(extension))
}

/// What is to be shown of one model, or of a file that gave none.
#[derive(Debug)]
pub struct Entry {
    /// Its figures, or why there are none.
    pub outcome: Outcome,
    /// The texts that it was read from; empty for ONNX.
    pub sources: Rc<Sources>,
}

/// What became of a model.
#[derive(Debug)]
pub enum Outcome {
    /// It was sized.
    Sized(Box<Figures>),
    /// Its file is broken.
    Broken(Broken),
}

/// The figures of a model, with what the report leaves to those who show it.
#[derive(Debug)]
pub struct Figures {
    /// The figures.
    pub report: Report,
    /// Inference memory for a single example, when the report is for more.
    pub single: Option<Inference>,
    /// How the file's framework orders the dimensions of a shape.
    pub layout: Layout,
}

/// A file that gave no model.
#[derive(Debug)]
pub struct Broken {
    /// The file's name without its extension.
    pub name: String,
    /// Where it was read.
    pub source: String,
    /// `arch` or `onnx`.
    pub format: &'static str,
    /// Why.
    pub diagnostics: Vec<Diagnostic>,
}

impl Entry {
    /// Where the model was read.
    pub fn source(&self) -> &str {
        match &self.outcome {
            Outcome::Sized(figures) => &figures.report.source,
            Outcome::Broken(broken) => &broken.source,
        }
    }

    /// `arch` or `onnx`.
    pub fn format(&self) -> &'static str {
        match &self.outcome {
            Outcome::Sized(figures) => figures.report.format,
            Outcome::Broken(broken) => broken.format,
        }
    }

    /// What was found about the model or its file.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match &self.outcome {
            Outcome::Sized(figures) => &figures.report.diagnostics,
            Outcome::Broken(broken) => &broken.diagnostics,
        }
    }
}

/// How shapes are written for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The language's: `64@112x112`.
    #[default]
    Channels,
    /// Channels last, as Keras has it: `112x112x64`.
    Hwc,
    /// Channels first, as PyTorch has it: `64x112x112`.
    Chw,
}

/// Which totals are shown to people. JSON holds all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those of inference and those of training.
    #[default]
    Both,
    /// Those of a forward pass.
    Inference,
    /// Those of training.
    Training,
}

/// Choices that change how a report looks and no figure in it.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// No characters beyond ASCII.
    pub ascii: bool,
    /// Terminal colours.
    pub color: bool,
    /// Columns of the terminal; `None` where lines may be as long as they like.
    pub width: Option<usize>,
    /// Unit of bytes in tables.
    pub units: Units,
    /// Order of dimensions; `None` for that of the file's framework.
    pub layout: Option<Layout>,
    /// Totals shown.
    pub mode: Mode,
    /// Rows shown.
    pub selection: Selection,
}

#[cfg(test)]
mod tests {
    use super::rows::By;
    use super::*;

    fn printed(format: &Format, style: &Style, entry: Entry) -> String {
        let mut out = Vec::new();
        (format.write)(&[entry], style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_format_lets_a_hostile_name_through() {
        for format in FORMATS {
            for by in [By::Layer, By::Block, By::Op] {
                for name in sample::HOSTILE {
                    let selection = Selection { by, ..Selection::default() };
                    let style = Style { selection, ..Style::default() };
                    let text = printed(format, &style, sample::hostile(name));
                    let raw = text.chars().filter(|c| !matches!(c, '\n' | '\r')).find(|c| escape::is_hidden(*c));
                    assert_eq!(raw, None, "{} lets {name:?} through:\n{text}", format.name);
                    let command = text.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##["));
                    assert!(!command, "{} prints a command of a build server:\n{text}", format.name);
                }
            }
        }
    }

    #[test]
    fn findings_let_no_hostile_name_through() {
        for name in sample::HOSTILE {
            let entry = sample::hostile(name);
            let mut out = Vec::new();
            diagnostics::write(entry.diagnostics(), name, &entry.sources, &Style::default(), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(!text.chars().any(|c| c != '\n' && escape::is_hidden(c)), "{text:?}");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##[")), "{text}");
        }
    }

    #[test]
    fn every_format_has_a_name_and_an_extension_of_its_own() {
        for (i, one) in FORMATS.iter().enumerate() {
            let twin = FORMATS[..i].iter().find(|other| other.name == one.name || other.extension == one.extension);
            assert!(twin.is_none(), "{} stands twice", one.name);
            assert_eq!(format(one.name).map(|f| f.extension), Some(one.extension));
            assert_eq!(format_for(&one.extension.to_uppercase()).map(|f| f.name), Some(one.name));
        }
    }
}
