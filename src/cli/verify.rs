//! `cnnsize verify`: is it true? Runs models through ONNX Runtime and compares.

use super::settings::{self, Sizing};
use super::size::Sizer;
use super::terminal::{self, Progress, Stream, Wishes};
use super::values::{self, Precision};
use super::{Exit, input};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cnnsize::base::diagnostic::Severity;
use cnnsize::front::arch::ast::{Rational, Size};
use cnnsize::graph::Model;
use cnnsize::render::escape::visible;
use cnnsize::render::verify::{self as formats, FORMATS, Format};
use cnnsize::render::{Entry, Outcome, Style, diagnostics};
use cnnsize::verify::report::{Verdict, Verified};
use cnnsize::verify::{self, Case, Device, File, Process, Settings, discover};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Run models through ONNX Runtime and compare with what is predicted
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cnnsize verify model.arch --batch 1,8       shapes, weights, memory, arithmetic, time
  cnnsize verify --doctor                     which library is found, and what it runs on
Exit codes: 0 everything agrees, 1 a prediction is wrong, 2 something could not be measured.")]
pub(super) struct Args {
    /// Models: `.arch` texts and `.onnx` graphs
    #[arg(value_name = "FILE", required_unless_present = "doctor")]
    files: Vec<PathBuf>,
    /// Say what is found of ONNX Runtime, and run nothing
    #[arg(long, conflicts_with = "files")]
    doctor: bool,
    /// The library of ONNX Runtime [default: ORT_DYLIB_PATH, or what an installer has put in a usual place]
    #[arg(long, value_name = "PATH")]
    ort_lib: Option<PathBuf>,
    /// What models run on: auto, cpu, cuda, cuda:N, webgpu
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = Device::read)]
    device: Device,
    /// Give up when ONNX Runtime is silent for so long
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    timeout: Duration,
    /// What weights of an ONNX graph hold: made-up numbers, or what the file has
    #[arg(long, value_name = "WHICH", value_parser = settings::choice(WEIGHTS))]
    weights: Option<Weights>,
    /// Format of the comparison [default: table]
    #[arg(short, long, value_parser = format_parser())]
    format: Option<&'static Format>,
    /// Examples at once, perhaps several numbers [default: the file's, or 1]
    #[arg(short, long, value_name = "N,…", value_delimiter = ',', value_parser = values::count)]
    batch: Vec<u64>,
    /// Element types: fp32, fp16, bf16 …
    #[arg(short, long, value_name = "TYPE", value_parser = values::precision)]
    precision: Option<Precision>,
    /// Size of an input: `3@384x384`, or a full shape as `NAME=1x3x384x384`
    #[arg(short, long, value_name = "SIZE", value_parser = values::input)]
    input: Vec<(Option<String>, Size)>,
    /// Size of a symbolic dimension of an ONNX graph
    #[arg(long, value_name = "NAME=N", value_parser = values::dimension)]
    dim: Vec<(String, u64)>,
    /// Contents of an ONNX graph's input that steers shapes
    #[arg(long, value_name = "NAME=N,…", value_parser = values::contents)]
    value: Vec<(String, Vec<String>)>,
    /// Value of a `let` at the top of the file
    #[arg(long = "let", value_name = "NAME=N", value_parser = values::let_value)]
    lets: Vec<(String, Rational)>,
    /// Only this model of a file that has several
    #[arg(short, long, value_name = "NAME")]
    model: Option<String>,
    /// Nothing but ASCII
    #[arg(long)]
    ascii: bool,
}

/// The process that runs models: started by `verify`, and of no use to people.
#[derive(Debug, clap::Args)]
pub(super) struct WorkerArgs {}

/// The name of the command that does the running.
pub(super) const WORKER: &str = "verify-worker";

/// What weights of a graph hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weights {
    Generated,
    Keep,
}

const WEIGHTS: &[settings::Choice<Weights>] = &[
    ("random", "made-up numbers: the file need not have any", Weights::Generated),
    ("keep", "the file as it is, with the data beside it", Weights::Keep),
];

fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.doc));
    PossibleValuesParser::new(names).try_map(|name| formats::format(&name).ok_or("unknown"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let read = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    read.filter(|time| !time.is_zero()).ok_or_else(|| "a number of seconds is wanted, such as 60".into())
}

/// Does what another process of this program asks for.
pub(super) fn work(_: &WorkerArgs) -> Exit {
    let worked = verify::work(&mut io::stdin().lock(), &mut io::stdout().lock());
    Exit::of(worked.map_err(|error| format!("this command is for `cnnsize verify` alone: {error}")))
}

pub(super) fn run(args: &Args) -> Exit {
    let settings = match settings(args) {
        Ok(settings) => settings,
        Err(message) => return Exit::of(Err(message)),
    };
    if args.doctor {
        return Exit::of(doctor(&settings));
    }
    let wishes = Wishes { ascii: args.ascii, ..Wishes::default() };
    let mut exit = Exit::Fine;
    let mut all = Vec::new();
    let progress = Progress::new();
    for file in &args.files {
        match one_file(file, args, &settings, &progress, &mut all) {
            Ok(Some(entries)) => {
                progress.clear();
                let style = wishes.style(&Style::default(), Stream::Err);
                for entry in &entries {
                    terminal::tell(|err| {
                        diagnostics::write(entry.diagnostics(), entry.source(), &entry.sources, &style, err)
                    });
                }
                exit = exit.max(Exit::Problem);
            }
            Ok(None) => {}
            Err(message) => {
                progress.clear();
                exit = exit.max(Exit::of(Err(message)));
            }
        }
    }
    progress.clear();
    for verified in &all {
        exit = exit.max(match verified.verdict() {
            Verdict::Agree => Exit::Fine,
            Verdict::Mismatch => Exit::Problem,
            Verdict::Incomplete => Exit::Failed,
        });
    }
    if all.is_empty() && exit == Exit::Failed {
        return exit;
    }
    let style = wishes.style(&Style::default(), Stream::Out);
    let format = args.format.unwrap_or(&FORMATS[0]);
    exit.max(Exit::of(terminal::print(|out| (format.write)(&all, &style, out))))
}

fn settings(args: &Args) -> Result<Settings, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let process = Process { program, arguments: vec![WORKER.into()], patience: args.timeout };
    Ok(Settings { process, libraries: discover::candidates(args.ort_lib.as_deref()), device: args.device })
}

/// Says what is found.
fn doctor(settings: &Settings) -> Result<(), String> {
    let (library, using, devices) = verify::devices(settings).map_err(|failure| failure.to_string())?;
    terminal::print(|out| {
        let path = library.candidate.path.display().to_string();
        writeln!(out, "library    {} ({})", visible(&path), visible(&library.candidate.place))?;
        writeln!(out, "version    {}", visible(&library.version))?;
        writeln!(out, "providers  {}", visible(&library.providers.join(", ")))?;
        for device in &devices {
            writeln!(out, "device     {}", visible(device))?;
        }
        writeln!(out, "models run on {} ({})", visible(&using.device), visible(&using.provider))?;
        for why in &using.passed_over {
            writeln!(out, "passed over: {}", visible(why))?;
        }
        Ok(())
    })
}

/// Compares every model of a file. The entries of a file that is broken come back.
fn one_file(
    file: &Path,
    args: &Args,
    settings: &Settings,
    progress: &Progress,
    all: &mut Vec<Verified>,
) -> Result<Option<Vec<Entry>>, String> {
    let plain = sizing(args, None);
    let entries = input::read(file, None, &Sizer { sizing: &plain, single: false })?;
    let broken = |entry: &Entry| {
        matches!(entry.outcome, Outcome::Broken(_)) || entry.diagnostics().iter().any(|d| d.severity == Severity::Error)
    };
    if entries.iter().any(broken) {
        return Ok(Some(entries));
    }
    let graph = entries.iter().any(|entry| entry.format() == "onnx");
    let bytes: Option<Arc<[u8]>> = if graph {
        let bytes = fs::read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
        Some(bytes.into())
    } else {
        None
    };
    let batches: Vec<Option<u64>> =
        if args.batch.is_empty() { vec![None] } else { args.batch.iter().copied().map(Some).collect() };
    let mut by_batch = Vec::new();
    for batch in batches {
        by_batch.push(input::models(file, &sizing(args, batch))?);
    }
    let mut singles = input::models(file, &sizing(args, Some(1)))?;
    let models = by_batch.first().map_or(0, Vec::len);
    for place in 0..models {
        let built: Vec<&(Model, u64)> = by_batch.iter().filter_map(|models| models.get(place)).collect();
        let mut name = built.first().map_or_else(String::new, |(model, _)| model.name.clone());
        if name.is_empty() {
            name = super::onnx::stem(file);
        }
        let source = file.display().to_string();
        let mut cases = Vec::new();
        let mut refused = Vec::new();
        for (model, batch) in &built {
            match bytes.as_ref() {
                None => match File::exported(model) {
                    Ok(file) => cases.push(Case { model, batch: *batch, file }),
                    Err(list) => {
                        refused = list.iter().map(|r| format!("`{}` ({}): {}", r.layer, r.op, r.why)).collect();
                    }
                },
                Some(bytes) => {
                    let content = Arc::new(Arc::clone(bytes));
                    match File::of_graph(model, bytes, content) {
                        Ok(file) => cases.push(Case { model, batch: *batch, file }),
                        Err(error) => return Err(error.message),
                    }
                }
            }
        }
        if !refused.is_empty() {
            all.push(Verified { name, source, missing: refused, ..Verified::default() });
            continue;
        }
        let single = singles.get_mut(place).map(|(model, batch)| (&*model, *batch));
        let Some(single) = single.or_else(|| built.first().map(|(model, batch)| (model, *batch))) else { continue };
        let tell = &mut |text: &str| progress.show(text);
        let verified = verify::verify(&name, &source, single, &cases, settings, tell);
        all.push(verified.map_err(|failure| failure.to_string())?);
    }
    Ok(None)
}

fn sizing(args: &Args, batch: Option<u64>) -> Sizing {
    Sizing {
        batch,
        precision: args.precision,
        input: args.input.clone(),
        dim: args.dim.clone(),
        value: args.value.clone(),
        lets: args.lets.clone(),
        model: args.model.clone(),
        ..Sizing::default()
    }
}
