//! Options of every command that sizes a model.

use super::terminal::{Color, Wishes};
use super::values::{self, Precision};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cnnsize::analyze::convention::{self, Convention};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::front::arch::Document;
use cnnsize::front::arch::ast::{Rational, Size};
use cnnsize::render::escape::visible;
use cnnsize::render::rows::{By, Selection, Sort};
use cnnsize::render::units::Units;
use cnnsize::render::{self, FORMATS, Format, Layout, Mode, Style};
use std::path::PathBuf;

/// What the model is sized for.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What to size")]
pub(super) struct Sizing {
    /// Examples at once [default: the file's, or 1]
    #[arg(short, long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub batch: Option<u64>,
    /// Element types: fp32, fp16, bf16, int8 …, or apart as `weights=int8,activations=fp16`; in an ONNX graph in place of
    /// fp32, where no cast says otherwise
    #[arg(short, long, value_name = "TYPE", value_parser = values::precision)]
    pub precision: Option<Precision>,
    /// Size of an input: `3@384x384`, or a full shape as `NAME=1x3x384x384`
    #[arg(short, long, value_name = "SIZE", value_parser = values::input)]
    pub input: Vec<(Option<String>, Size)>,
    /// Size of a symbolic dimension of an ONNX graph
    #[arg(long, value_name = "NAME=N", value_parser = values::dimension)]
    pub dim: Vec<(String, u64)>,
    /// Contents of an ONNX graph's input that steers shapes
    #[arg(long, value_name = "NAME=N,…", value_parser = values::contents)]
    pub value: Vec<(String, Vec<String>)>,
    /// Value of a `let` at the top of the file
    #[arg(long = "let", value_name = "NAME=N", value_parser = values::let_value)]
    pub lets: Vec<(String, Rational)>,
    /// Only this model of a file that has several
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,
    /// How MACs and FLOPs are counted: as cnnsize, or as another tool or paper (`cnnsize explain conventions`)
    #[arg(long, value_name = "NAME", value_parser = values::convention)]
    pub convention: Option<&'static Convention>,
    /// A figure that is not fully known is an error
    #[arg(long)]
    pub strict: bool,
    /// What standard input is called, and by its extension what it is
    #[arg(long, value_name = "FILE")]
    pub stdin_filename: Option<PathBuf>,
    /// What a configuration adds.
    #[arg(skip)]
    pub configured: Configured,
}

/// Code of the hint that a configuration's settings hold.
pub(super) const CONFIGURED: &str = "configured";

/// What a configuration adds to the settings of the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    /// The configuration's path; empty without one.
    pub path: String,
    /// Its settings that hold, as they are written there: `batch` and `32`.
    pub words: Vec<(&'static str, String)>,
    /// Examples at once where the file does not say it.
    pub batch: Option<u64>,
    /// Element types where the file does not say them.
    pub precision: Option<Precision>,
}

impl Sizing {
    /// These settings for a text, which goes before the defaults of a configuration.
    pub(super) fn of_text(&self, document: &Document) -> Sizing {
        let mut sizing = self.clone();
        if document.batch().is_none() {
            sizing.fall_back_on_batch();
        }
        if document.precision() == (None, None)
            && let (None, Some(precision)) = (self.precision, self.configured.precision)
        {
            sizing.precision = Some(precision);
            sizing.configured.words.push(("precision", precision.name.unwrap_or_default().into()));
        }
        sizing
    }

    /// Takes the batch of the configuration's defaults, if none is set.
    pub(super) fn fall_back_on_batch(&mut self) {
        if let (None, Some(batch)) = (self.batch, self.configured.batch) {
            self.batch = Some(batch);
            self.configured.words.push(("batch", batch.to_string()));
        }
    }

    /// These settings but for those that are about figures, for a command that gives none.
    pub(super) fn without_figures(mut self) -> Sizing {
        (self.convention, self.strict) = (None, false);
        self.configured.words.retain(|(name, _)| !matches!(*name, "convention" | "strict"));
        self
    }

    /// These settings where the batch is to be open.
    pub(super) fn without_batch(mut self) -> Sizing {
        (self.batch, self.configured.batch) = (None, None);
        self.configured.words.retain(|(name, _)| *name != "batch");
        self
    }

    /// Why a graph's element types cannot be others where it is written or run, if others are asked for. `instead`: what
    /// the command does with the graph.
    pub(super) fn no_precision(&self, instead: &str) -> Result<(), String> {
        if self.precision.is_none() {
            return Ok(());
        }
        let Configured { path, words, .. } = &self.configured;
        let mut message = format!("`--precision` sizes a graph as if it had been written so, and {instead}");
        if let Some((name, value)) = words.iter().find(|(name, _)| *name == "precision") {
            message.push_str(&format!("; `{}` sets {name} {value}, and `--isolated` leaves it out", visible(path)));
        }
        Err(message)
    }

    /// Says which settings are those of a configuration, for somebody who only named a file.
    pub(super) fn notice(&self) -> Option<Diagnostic> {
        let Configured { path, words, .. } = &self.configured;
        let words: Vec<_> =
            words.iter().map(|(name, value)| format!("{name} {value}").trim_end().to_string()).collect();
        let message = || format!("`{path}` sets {}", words.join(", "));
        let hint = || Diagnostic::hint(CONFIGURED, Origin::File, message()).help("`--isolated` leaves it out");
        (!words.is_empty()).then(hint)
    }

    /// How arithmetic is counted.
    pub(super) fn convention(&self) -> &'static Convention {
        self.convention.unwrap_or_else(convention::default)
    }

    /// An option that says nothing about any of the files is a mistake, not something to be passed over. `given`: whether
    /// there is a file of this format.
    pub(super) fn misplaced(&self, given: impl Fn(&str) -> bool) -> Option<String> {
        let options = [
            ("--dim", "onnx", !self.dim.is_empty()),
            ("--value", "onnx", !self.value.is_empty()),
            ("--let", "arch", !self.lets.is_empty()),
            ("--model", "arch", self.model.is_some()),
        ];
        let (option, format, _) = options.iter().find(|(_, format, set)| *set && !given(format))?;
        Some(format!("`{option}` is about .{format} files, and none is given"))
    }

    /// These settings, and where they say nothing those.
    pub(super) fn over(&self, those: &Sizing) -> Sizing {
        fn named<T: Clone>(first: &[(String, T)], then: &[(String, T)]) -> Vec<(String, T)> {
            let further = then.iter().filter(|(name, _)| first.iter().all(|(own, _)| own != name));
            first.iter().chain(further).cloned().collect()
        }
        Sizing {
            batch: self.batch.or(those.batch),
            precision: self.precision.or(those.precision),
            input: if self.input.is_empty() { those.input.clone() } else { self.input.clone() },
            dim: named(&self.dim, &those.dim),
            value: named(&self.value, &those.value),
            lets: named(&self.lets, &those.lets),
            model: self.model.clone().or_else(|| those.model.clone()),
            convention: self.convention.or(those.convention),
            strict: self.strict || those.strict,
            stdin_filename: self.stdin_filename.clone().or_else(|| those.stdin_filename.clone()),
            configured: self.configured.clone(),
        }
    }
}

/// How the report looks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "How it looks")]
pub(super) struct Looks {
    /// Format on standard output [default: table]
    #[arg(short, long, value_parser = format_parser())]
    pub format: Option<&'static Format>,
    /// Write a file instead, in the format of its extension (may be repeated)
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// What a row is [default: layer]
    #[arg(long, value_parser = choice(BY))]
    by: Option<By>,
    /// Order of the rows [default: order]
    #[arg(long, value_parser = choice(SORT))]
    sort: Option<Sort>,
    /// At most so many rows, the largest; `all` on a terminal too
    #[arg(long, value_name = "N", value_parser = values::top)]
    top: Option<usize>,
    /// Which totals to show [default: both]
    #[arg(long, value_parser = choice(MODE))]
    mode: Option<Mode>,
    /// Bytes in the table [default: si]
    #[arg(long, value_parser = choice(UNITS))]
    units: Option<Units>,
    /// Order of a shape's dimensions [default: that of the file's framework]
    #[arg(long, value_parser = choice(LAYOUT))]
    layout: Option<Layout>,
    /// Nothing but ASCII
    #[arg(long)]
    ascii: bool,
    /// Terminal colours [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = choice(COLOR))]
    color: Option<Color>,
    /// Columns to fill [default: those of the terminal]
    #[arg(long, value_name = "COLUMNS", value_parser = values::width)]
    width: Option<usize>,
}

const BY: &[Choice<By>] = &[
    ("layer", "a line of the text, a node of a graph", By::Layer),
    ("block", "a block call at the top of the model", By::Block),
    ("op", "all operators of a kind", By::Op),
];

const SORT: &[Choice<Sort>] = &[
    ("order", "as they run", Sort::Order),
    ("memory", "largest output first", Sort::Memory),
    ("params", "most parameters first", Sort::Params),
    ("macs", "most multiply-accumulates first", Sort::Macs),
];

const MODE: &[Choice<Mode>] = &[
    ("inference", "of a forward pass", Mode::Inference),
    ("training", "of training", Mode::Training),
    ("both", "of both", Mode::Both),
];

const UNITS: &[Choice<Units>] = &[
    ("si", "powers of 1000: MB", Units::Si),
    ("iec", "powers of 1024: MiB", Units::Iec),
    ("bytes", "all digits", Units::Bytes),
];

const LAYOUT: &[Choice<Layout>] = &[
    ("channels", "64@112x112", Layout::Channels),
    ("hwc", "112x112x64, as Keras has it", Layout::Hwc),
    ("chw", "64x112x112, as PyTorch has it", Layout::Chw),
];

pub(super) const COLOR: &[Choice<Color>] = &[
    ("auto", "on a terminal, unless NO_COLOR is set", Color::Auto),
    ("always", "everywhere", Color::Always),
    ("never", "nowhere", Color::Never),
];

/// A word of the command line, a line about it, and what it stands for.
pub(super) type Choice<T> = (&'static str, &'static str, T);

pub(super) fn choice<T: Copy + Send + Sync + 'static>(table: &'static [Choice<T>]) -> impl TypedValueParser<Value = T> {
    let names = table.iter().map(|(name, doc, _)| PossibleValue::new(*name).help(*doc));
    let value = |name: String| table.iter().find(|(known, ..)| *known == name).map(|(.., value)| *value);
    PossibleValuesParser::new(names).try_map(move |name| value(name).ok_or("unknown"))
}

fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.doc));
    PossibleValuesParser::new(names).try_map(|name| render::format(&name).ok_or("unknown"))
}

impl Looks {
    /// What was asked of the terminal.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes { color: self.color.unwrap_or_default(), ascii: self.ascii, width: self.width }
    }

    /// The choices that do not depend on where text goes.
    pub(super) fn style(&self) -> Style {
        let (by, sort) = (self.by.unwrap_or_default(), self.sort.unwrap_or_default());
        Style {
            units: self.units.unwrap_or_default(),
            layout: self.layout,
            mode: self.mode.unwrap_or_default(),
            selection: Selection { by, sort, top: self.top, brief: false },
            ..Style::default()
        }
    }
}
