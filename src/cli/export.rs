//! `cnnsize export`: the model as a file for other programs.

use super::config::{self, Wanted};
use super::input::{self, Reader};
use super::settings::{COLOR, Choice, Sizing, choice};
use super::terminal::{self, Color, Stream, Wishes};
use super::{Exit, arch, onnx, values};
use cnnsize::analyze::report::Report;
use cnnsize::analyze::{Options, analyze};
use cnnsize::back::onnx::{Changes, MOST_BYTES, Message, Rebuilt, Refused, Weights, encode, encode_open, rebuild};
use cnnsize::back::{dot, mermaid};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::source::Sources;
use cnnsize::front::onnx::Contents;
use cnnsize::graph::Model;
use cnnsize::render::escape::visible;
use cnnsize::render::{Style, diagnostics};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Write the model for other programs: ONNX, Graphviz, Mermaid
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cnnsize export model.arch -o model.onnx                       with random weights
  cnnsize export model.onnx -o small.onnx --weights none        without its weights
  cnnsize export model.onnx -o eight.onnx --batch 8             for another batch
  cnnsize export model.arch -o model.onnx --symbolic-batch      for any batch
  cnnsize export model.arch --format mermaid                    a diagram for Markdown
  cnnsize export model.arch --format dot | dot -Tsvg > model.svg")]
pub(super) struct Args {
    /// A model: `.arch` text, `.onnx` graph, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write [default: by the extension of the output: .onnx, .dot, .gv, .mmd]
    #[arg(short, long, value_parser = choice(FORMAT))]
    format: Option<Format>,
    /// What weights hold in an ONNX file [default: keep, and random for a text]
    #[arg(short, long, value_parser = choice(WEIGHTS))]
    weights: Option<Contained>,
    /// Where random weights begin
    #[arg(long, value_name = "N", value_parser = values::whole)]
    seed: Option<u64>,
    /// Leave the batch open in an ONNX file: it is for any number of examples
    #[arg(long, visible_alias = "dynamic-batch", conflicts_with = "batch")]
    symbolic_batch: bool,
    /// Terminal colours [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = choice(COLOR))]
    color: Option<Color>,
    #[command(flatten)]
    sizing: Sizing,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Onnx,
    Dot,
    Mermaid,
}

const FORMAT: &[Choice<Format>] = &[
    ("onnx", "for ONNX Runtime and every tool that reads its format", Format::Onnx),
    ("dot", "Graphviz: `dot -Tsvg`", Format::Dot),
    ("mermaid", "a diagram that GitHub and GitLab draw in Markdown", Format::Mermaid),
];

/// Extensions of files, and the format that each stands for.
const EXTENSIONS: &[(&str, Format)] =
    &[("onnx", Format::Onnx), ("dot", Format::Dot), ("gv", Format::Dot), ("mmd", Format::Mermaid)];

/// What weights hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contained {
    Keep,
    Zero,
    Random,
    None,
}

const WEIGHTS: &[Choice<Contained>] = &[
    ("keep", "what the graph has", Contained::Keep),
    ("zero", "zeros", Contained::Zero),
    ("random", "what training begins with, the same for the same seed", Contained::Random),
    ("none", "nothing: a node stands for each, and the file stays small", Contained::None),
];

pub(super) fn run(args: &Args) -> Exit {
    export(args).unwrap_or_else(|message| Exit::of(Err(message)))
}

fn export(args: &Args) -> Result<Exit, String> {
    let format = args.format()?;
    if format == Format::Onnx && args.output.is_none() && io::stdout().is_terminal() {
        return Err("an ONNX file is nothing for a terminal; name one: `-o model.onnx`".into());
    }
    let wishes = Wishes { color: args.color.unwrap_or_default(), ..Wishes::default() };
    let sizings = match config::find(&args.wanted) {
        Ok(config) => config::sizings(config.as_ref(), &args.sizing, &args.file),
        Err(wrong) => return Ok(config::complain(&wrong, wishes)),
    };
    let settled = |sizing: Sizing| {
        let sizing = sizing.without_figures();
        if args.symbolic_batch { sizing.without_batch() } else { sizing }
    };
    let sizings = sizings.into_iter().map(settled).collect();
    let exporter = Exporter { args, format, sizings };
    let found = input::read(&args.file, args.sizing.stdin_filename.as_deref(), &exporter)?;
    let style = wishes.style(&Style::default(), Stream::Err);
    terminal::tell(|err| diagnostics::write(&found.diagnostics, &found.source, &found.sources, &style, err));
    let Some(made) = found.made.filter(|_| !arch::has_errors(&found.diagnostics)) else { return Ok(Exit::Problem) };
    match &args.output {
        Some(path) => terminal::save(path, |out| made.write(out))?,
        None => terminal::print(|out| made.write(out))?,
    }
    Ok(Exit::Fine)
}

impl Args {
    fn format(&self) -> Result<Format, String> {
        let extension = self.output.as_deref().and_then(Path::extension).and_then(|e| e.to_str());
        let known =
            EXTENSIONS.iter().find(|(name, _)| extension.is_some_and(|e| e.eq_ignore_ascii_case(name))).copied();
        let format = match (self.format, known, &self.output) {
            (Some(format), ..) | (None, Some((_, format)), _) => format,
            (None, None, Some(path)) => {
                let names: Vec<_> = EXTENSIONS.iter().map(|(name, _)| format!(".{name}")).collect();
                let path = path.display().to_string();
                return Err(format!(
                    "the extension of `{}` is no format's; known are {}, and `--format` says another",
                    visible(&path),
                    names.join(", ")
                ));
            }
            (None, None, None) => return Err("what to write? `-o model.onnx` or `--format mermaid` says it".into()),
        };
        let (weights, seed) = (self.weights.is_some(), self.seed.is_some());
        let of_files = [("--weights", weights), ("--seed", seed), ("--symbolic-batch", self.symbolic_batch)];
        if let Some((option, _)) = of_files.iter().find(|(_, given)| *given && format != Format::Onnx) {
            return Err(format!("`{option}` is about ONNX files, and none is to be written"));
        }
        if seed && self.weights.is_some_and(|w| w != Contained::Random) {
            return Err("`--seed` is about random weights: `--weights random`".into());
        }
        let of_figures = [("--strict", self.sizing.strict), ("--convention", self.sizing.convention.is_some())];
        if let Some((option, _)) = of_figures.iter().find(|(_, given)| *given) {
            return Err(format!("`{option}` is about figures, and none is to be written"));
        }
        Ok(format)
    }

    /// What weights shall hold; `None` leaves them.
    fn weights(&self, default: Contained) -> Option<Weights> {
        // Who gives a seed wants what comes of it.
        let default = if self.seed.is_some() { Contained::Random } else { default };
        match self.weights.unwrap_or(default) {
            Contained::Keep => None,
            Contained::Zero => Some(Weights::Zero),
            Contained::Random => Some(Weights::Random { seed: self.seed.unwrap_or(0) }),
            Contained::None => Some(Weights::Stripped),
        }
    }
}

/// What is to be written.
enum Made {
    Onnx(Message),
    Drawing(Format, Box<(Model, Report)>),
}

impl Made {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Made::Onnx(message) => message.write(out),
            Made::Drawing(Format::Mermaid, drawn) => mermaid::write(&drawn.0, &drawn.1, out),
            Made::Drawing(_, drawn) => dot::write(&drawn.0, &drawn.1, out),
        }
    }
}

/// What came of a file.
struct Found {
    made: Option<Made>,
    diagnostics: Vec<Diagnostic>,
    source: String,
    sources: Sources,
}

/// Batches for which a model is built to see which sizes follow the batch.
const BATCHES: (u64, u64) = (2, 3);

struct Exporter<'a> {
    args: &'a Args,
    format: Format,
    /// Settings that hold; a graph goes by the first.
    sizings: Vec<Sizing>,
}

impl Exporter<'_> {
    /// The file to be written, unless no program could read it.
    fn onnx(message: Message) -> Result<Made, String> {
        let size = message.size();
        if size > MOST_BYTES {
            return Err(format!(
                "the file would have {size} bytes, and ONNX files have at most {MOST_BYTES}; \
                 leave the weights out with `--weights none`"
            ));
        }
        Ok(Made::Onnx(message))
    }

    fn drawn(&self, path: &Path, mut model: Model, format: &'static str, batch: u64) -> Made {
        if model.name.is_empty() {
            model.name = onnx::stem(path);
        }
        let convention = self.args.sizing.convention();
        let (source, precision) = (String::new(), String::new());
        let report = analyze(&model, Options { source, format, batch, precision, convention, dims: Vec::new() });
        Made::Drawing(self.format, Box::new((model, report)))
    }

    /// Weights in other files are looked for beside the new one.
    fn moved(&self, path: &Path) -> Option<Diagnostic> {
        let folder = |path: &Path| {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            folder.canonicalize().ok()
        };
        if self.args.output.as_deref().is_some_and(|output| folder(output) == folder(path)) {
            return None;
        }
        let message = "the weights are not copied, and the new file is not beside them";
        let warning = Diagnostic::warning("external-data", Origin::File, message);
        Some(warning.help("copy them beside it, or write a file without them: `--weights none`"))
    }

    fn misplaced(&self, format: &str) -> Result<(), String> {
        self.args.sizing.misplaced(|wanted| wanted == format).map_or(Ok(()), Err)
    }
}

impl Reader for Exporter<'_> {
    type Made = Found;

    fn text(&self, path: &Path, text: String) -> Result<Found, String> {
        self.misplaced("arch")?;
        if self.args.weights == Some(Contained::Keep) {
            return Err("a text has no weights to keep; `--weights random` makes some up".into());
        }
        let for_batch = |batch: u64| {
            let sizings = self.sizings.iter().map(|sizing| Sizing { batch: Some(batch), ..sizing.clone() });
            arch::one(path, text.clone(), &sizings.collect::<Vec<_>>())
        };
        let (lowered, mut diagnostics, sources) = if self.args.symbolic_batch {
            for_batch(BATCHES.0)?
        } else {
            arch::one(path, text.clone(), &self.sizings)?
        };
        let Some(lowered) = lowered.filter(|_| !arch::has_errors(&diagnostics)) else {
            return Ok(Found { made: None, diagnostics, source: path.display().to_string(), sources });
        };
        if self.format != Format::Onnx {
            let made = Some(self.drawn(path, lowered.model, "arch", lowered.batch));
            return Ok(Found { made, diagnostics, source: path.display().to_string(), sources });
        }
        let weights = self.args.weights(Contained::Random).unwrap_or(Weights::Zero);
        let encoded = match self.args.symbolic_batch.then(|| for_batch(BATCHES.1)).transpose()? {
            Some((Some(other), ..)) => encode_open(lowered.model, &other.model, BATCHES, weights),
            _ => encode(&lowered.model, weights),
        };
        let made = match encoded {
            Ok(message) => Some(Exporter::onnx(message)?),
            Err(refused) => {
                diagnostics.extend(refused.iter().map(Refused::diagnostic));
                None
            }
        };
        Ok(Found { made, diagnostics, source: path.display().to_string(), sources })
    }

    fn graph<C: Contents>(&self, path: &Path, open: impl Fn() -> io::Result<C>) -> io::Result<Result<Found, String>> {
        if let Err(message) = self.misplaced("onnx") {
            return Ok(Err(message));
        }
        let sizing = self.sizings.first().unwrap_or(&self.args.sizing);
        let found = |made, mut diagnostics: Vec<Diagnostic>, sizing: &Sizing| {
            diagnostics.extend(sizing.notice());
            Found { made, diagnostics, source: path.display().to_string(), sources: Sources::default() }
        };
        if self.format != Format::Onnx {
            let (read, sizing) = onnx::read(&open, sizing)?;
            let made = read.model.map(|model| self.drawn(path, model, "onnx", read.batch));
            return Ok(Ok(found(made, read.diagnostics, &sizing)));
        }
        if let Err(message) = sizing.no_precision("does not write it anew") {
            return Ok(Err(message));
        }
        let weights = self.args.weights(Contained::Keep);
        let wanted = Changes { weights, any_batch: self.args.symbolic_batch };
        let rebuilt = onnx::settled(sizing, |bindings| rebuild(open()?, bindings, wanted), |rebuilt| &rebuilt.read)?;
        let (Rebuilt { mut read, message }, sizing) = rebuilt;
        // Nothing is sized here.
        read.diagnostics.retain(|found| found.code != "batch-assumed");
        if weights.is_none() && read.diagnostics.iter().any(|found| found.code == "external-data") {
            read.diagnostics.extend(self.moved(path));
        }
        let made = message.map(Exporter::onnx).transpose();
        Ok(made.map(|made| found(made, read.diagnostics, &sizing)))
    }

    fn wrong(&self, path: &Path, why: Diagnostic) -> Result<Found, String> {
        let source = path.display().to_string();
        Ok(Found { made: None, diagnostics: vec![why], source, sources: Sources::default() })
    }
}
