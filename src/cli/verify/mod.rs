//! `cnnsize verify`: is it true? Runs models through ONNX Runtime and compares.

mod prepare;

use super::config::{self, Config, Wanted};
use super::settings::{self, Sizing};
use super::terminal::{self, Progress, Stream, Wishes};
use super::values::{self, Precision};
use super::{Exit, input};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cnnsize::base::diagnostic::Diagnostic;
use cnnsize::base::source::Sources;
use cnnsize::front::arch::ast::{Rational, Size};
use cnnsize::render::escape::visible;
use cnnsize::render::{Entry, Style, diagnostics};
use cnnsize::verify::report::{Verdict, Verified};
use cnnsize::verify::show::{self, FORMATS, Format};
use cnnsize::verify::{self, Case, Device, Failure, Process, Settings, discover};
use prepare::{Built, Prepared, Preparer};
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Run models through ONNX Runtime and compare with what is predicted
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cnnsize verify model.arch --batch 1,8       shapes, weights, memory, arithmetic, time
  cnnsize verify --doctor                     which library is found, and what it runs on
Verdicts: `agree`, exit code 0; `mismatch`, 1: a prediction is wrong, whatever else could not be measured; `incomplete`,
2: nothing is wrong, but something could not be measured. On a GPU the verdict is not about memory and time.")]
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
    /// What the weights of a graph hold [default: random]
    #[arg(long, value_parser = settings::choice(WEIGHTS))]
    weights: Option<Weights>,
    /// Format of the comparison [default: table]
    #[arg(short, long, value_parser = format_parser())]
    format: Option<&'static Format>,
    /// Examples at once, perhaps several numbers [default: the file's, or 1]
    #[arg(short, long, value_name = "N,…", value_delimiter = ',', value_parser = values::count, allow_negative_numbers = true)]
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
    #[command(flatten)]
    wanted: Wanted,
}

/// The process that runs models: started by `verify`, and of no use to people.
#[derive(Debug, clap::Args)]
pub(super) struct WorkerArgs {}

/// What the weights of a graph hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weights {
    Random,
    Keep,
}

const WEIGHTS: &[settings::Choice<Weights>] = &[
    ("random", "made-up numbers: the file need not have any", Weights::Random),
    ("keep", "what the graph has", Weights::Keep),
];

/// The name of the command that does the running.
pub(super) const WORKER: &str = "verify-worker";

fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.doc));
    PossibleValuesParser::new(names).try_map(|name| show::format(&name).ok_or("unknown"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let read = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    read.filter(|time| !time.is_zero()).ok_or_else(|| "a number of seconds is wanted, such as 60".into())
}

/// Does what another process of this program asks for.
pub(super) fn work(_: &WorkerArgs) -> Exit {
    let worked = verify::work(io::stdin(), &mut io::stdout().lock());
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
    let formats: Vec<_> = args.files.iter().map(|file| input::format(file)).collect();
    let given = |wanted: &str| formats.iter().any(|format| format.is_none_or(|format| format == wanted));
    if let Some(message) = args.sizing().misplaced(given) {
        return Exit::of(Err(message));
    }
    let wishes = Wishes { ascii: args.ascii, ..Wishes::default() };
    let config = match config::find(&args.wanted) {
        Ok(config) => config,
        Err(wrong) => return config::complain(&wrong, wishes),
    };
    let mut exit = Exit::Fine;
    let mut all = Vec::new();
    let progress = Progress::new();
    for file in &args.files {
        let mut said = Vec::new();
        let sizings = args.sizings(config.as_ref(), file);
        let done = one_file((file, &sizings), args, &settings, &progress, (&mut all, &mut said));
        progress.clear();
        let style = wishes.style(&Style::default(), Stream::Err);
        terminal::tell(|err| diagnostics::write(&said, &file.display().to_string(), &Sources::default(), &style, err));
        exit = exit.max(match done {
            Ok(broken) if broken.is_empty() => Exit::Fine,
            Ok(broken) => {
                for entry in &broken {
                    let found = entry.diagnostics();
                    terminal::tell(|err| diagnostics::write(found, entry.source(), &entry.sources, &style, err));
                }
                Exit::Problem
            }
            Err(message) => Exit::of(Err(message)),
        });
    }
    let worst = all.iter().map(Verified::verdict).max().unwrap_or(Verdict::Agree);
    exit = match worst {
        Verdict::Agree => exit,
        Verdict::Incomplete => Exit::Failed,
        // What could not be measured takes nothing back.
        Verdict::Mismatch => Exit::Problem,
    };
    if all.is_empty() && exit != Exit::Fine {
        return exit;
    }
    let style = wishes.style(&Style::default(), Stream::Out);
    let format = args.format.unwrap_or(&FORMATS[0]);
    exit.max(Exit::of(terminal::print(|out| (format.write)(&all, &style, out))))
}

fn settings(args: &Args) -> Result<Settings, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let process = Process { program, arguments: vec![WORKER.into()], patience: args.timeout };
    let libraries = discover::candidates(args.ort_lib.as_deref());
    Ok(Settings { process, libraries, device: args.device, folder: None })
}

/// Says what is found.
fn doctor(settings: &Settings) -> Result<(), String> {
    let (library, using, devices) = verify::devices(settings).map_err(|failure| shown(&failure))?;
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

/// Compares every model of a file that some settings ask for, and says which of these are a configuration's. The entries
/// of a file that is broken come back.
fn one_file(
    (path, sizings): (&Path, &[Sizing]),
    args: &Args,
    settings: &Settings,
    progress: &Progress,
    (all, said): (&mut Vec<Verified>, &mut Vec<Diagnostic>),
) -> Result<Vec<Entry>, String> {
    let keep = args.weights == Some(Weights::Keep);
    let read = |batch: Option<u64>| {
        let sizings = sizings.iter().map(|sizing| Sizing { batch: batch.or(sizing.batch), ..sizing.clone() });
        input::read(path, None, &Preparer { sizings: sizings.collect(), keep })
    };
    let batches = if args.batch.is_empty() { vec![None] } else { args.batch.iter().copied().map(Some).collect() };
    let mut by_model: Vec<Vec<Built>> = Vec::new();
    for batch in batches {
        let models = match read(batch)? {
            Prepared::Models(models, configured) => {
                *said = configured;
                models
            }
            Prepared::Broken(entries) => return Ok(entries),
        };
        for (place, built) in models.into_iter().enumerate() {
            match by_model.get_mut(place) {
                Some(batches) => batches.push(built),
                None => by_model.push(vec![built]),
            }
        }
    }
    // Constants that are no weights may lie beside a graph even when weights are made up.
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok();
    let settings = Settings { folder, ..settings.clone() };
    for built in by_model {
        all.push(one_model(path, built, &settings, progress)?);
    }
    Ok(Vec::new())
}

/// Compares a model that was built for some batches.
fn one_model(path: &Path, built: Vec<Built>, settings: &Settings, progress: &Progress) -> Result<Verified, String> {
    let source = path.display().to_string();
    let (mut models, mut files) = (Vec::new(), Vec::new());
    for Built { model, batch, file } in built {
        match file {
            Ok(file) => files.push(file),
            Err(missing) => return Ok(Verified { name: model.name, source, missing, ..Verified::default() }),
        }
        models.push((model, batch));
    }
    let Some(first) = models.first() else { return Err(format!("`{source}` has no model")) };
    let cases: Vec<Case> =
        models.iter().zip(files).map(|((model, batch), file)| Case { model, batch: *batch, file }).collect();
    let tell = &mut |text: &str| progress.show(text);
    let verified = verify::verify(&first.0.name, &source, &cases, settings, tell);
    verified.map_err(|failure| shown(&failure))
}

/// A failure with nothing invisible in it, in lines.
fn shown(failure: &Failure) -> String {
    failure.to_string().lines().map(visible).collect::<Vec<_>>().join("\n")
}

impl Args {
    /// The settings that hold for a file. The first batch stands for all that are asked for.
    fn sizings(&self, config: Option<&Config>, file: &Path) -> Vec<Sizing> {
        config::sizings(config, &self.sizing(), file).into_iter().map(Sizing::without_figures).collect()
    }

    fn sizing(&self) -> Sizing {
        Sizing {
            batch: self.batch.first().copied(),
            precision: self.precision,
            input: self.input.clone(),
            dim: self.dim.clone(),
            value: self.value.clone(),
            lets: self.lets.clone(),
            model: self.model.clone(),
            ..Sizing::default()
        }
    }
}
