//! `cnnsize check`: what is wrong with the models of a project, for a commit hook and for a build server.

mod budget;
mod judge;
mod lock;

use super::config::{self, Config, Wanted};
use super::settings::{self, Sizing};
use super::terminal::{self, Stream, Wishes};
use super::{Exit, input};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cnnsize::base::diagnostic::Severity;
use cnnsize::render::Style;
use cnnsize::render::escape::visible;
use cnnsize::render::findings::{self, FORMATS, File, Format};
use judge::{Judge, Judged};
use lock::Lock;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Check models: form, shapes, claims, lints, budgets, growth
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Models, or a cnnsize.yaml for those that it lists [default: the nearest cnnsize.yaml]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail from this severity on [default: error]
    #[arg(long, value_name = "SEVERITY", value_parser = settings::choice(LEVELS))]
    level: Option<Severity>,
    /// Format of the findings [default: text]
    #[arg(short, long, value_parser = format_parser())]
    format: Option<&'static Format>,
    /// Leave out files that the configuration excludes, even when they are named
    #[arg(long)]
    force_exclude: bool,
    /// Write today's figures into cnnsize.lock.json, against which growth is measured
    #[arg(long)]
    update_baseline: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    sizing: Sizing,
    /// Nothing but ASCII
    #[arg(long, help_heading = "How it looks")]
    ascii: bool,
    /// Terminal colours [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = settings::choice(settings::COLOR), help_heading = "How it looks")]
    color: Option<terminal::Color>,
}

const LEVELS: &[settings::Choice<Severity>] = &[
    ("error", "what is wrong, and what is over a budget", Severity::Error),
    ("warning", "what is probably a mistake, too", Severity::Warning),
    ("hint", "everything", Severity::Hint),
];

fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.doc));
    PossibleValuesParser::new(names).try_map(|name| findings::format(&name).ok_or("unknown"))
}

pub(super) fn run(args: &Args) -> Exit {
    let wishes = Wishes { color: args.color.unwrap_or_default(), ascii: args.ascii, width: None };
    let (config, files) = match plan(args) {
        Ok(plan) => plan,
        Err(Failure::Config(wrong)) => return config::complain(&wrong, wishes),
        Err(Failure::Other(message)) => return Exit::of(Err(message)),
    };
    let lock = match config.as_ref().map(|config| Lock::of(config, args.update_baseline)).transpose() {
        Ok(lock) => lock,
        Err(message) => return Exit::of(Err(message)),
    };
    let judge =
        Judge { args: &args.sizing, config: config.as_ref(), lock: lock.as_ref(), is_baseline: args.update_baseline };
    let mut judged = Vec::new();
    let mut exit = Exit::Fine;
    let mut keep = |(path, outcome): (PathBuf, Outcome), judged: &mut Vec<_>| match outcome {
        Ok(one) => judged.push((path, one)),
        Err(message) => exit = Exit::of(Err(message)),
    };
    let outcomes = in_parallel(&files, &judge);
    files.into_iter().zip(outcomes).for_each(|one| keep(one, &mut judged));
    match importers(config.as_ref(), &judged, &judge) {
        Ok(further) => further.into_iter().for_each(|one| keep(one, &mut judged)),
        Err(wrong) => return config::complain(&wrong, wishes),
    }
    if args.update_baseline {
        exit = exit.max(Exit::of(update(lock, &mut judged)));
    }
    let files: Vec<File> = judged.into_iter().map(|(path, judged)| file(&path, judged)).collect();
    let level = args.level.unwrap_or(Severity::Error);
    if files.iter().flat_map(|file| &file.diagnostics).any(|found| found.severity >= level) {
        exit = exit.max(Exit::Problem);
    }
    let style = wishes.style(&Style::default(), Stream::Out);
    let format = args.format.unwrap_or(&FORMATS[0]);
    // What sums up a run would belie the failure.
    if files.is_empty() && exit == Exit::Failed && format.name == FORMATS[0].name {
        return exit;
    }
    exit.max(Exit::of(terminal::print(|out| (format.write)(&files, &style, out))))
}

/// What was found about a file, or why it cannot be judged.
type Outcome = Result<Judged, String>;

/// Why nothing is checked.
enum Failure {
    Config(config::Wrong),
    Other(String),
}

impl From<config::Wrong> for Failure {
    fn from(wrong: config::Wrong) -> Failure {
        Failure::Config(wrong)
    }
}

/// The configuration that holds, and the files to check, each once.
fn plan(args: &Args) -> Result<(Option<Config>, Vec<PathBuf>), Failure> {
    // A baseline that changed stands for the configuration beside it.
    let is_project = |file: &PathBuf| config::is_config(file) || lock::is_lock(file);
    let named = args.files.iter().find(|file| is_project(file));
    let wanted = match named.and_then(|file| config::beside(file)) {
        Some(path) if args.wanted.config.is_none() => Wanted { config: Some(path), isolated: false },
        _ => args.wanted.clone(),
    };
    let config = config::find(&wanted)?;
    let mut files = Vec::new();
    let mut add = |file: PathBuf| {
        let known = |other: &PathBuf| other == &file || config::absolute(other) == config::absolute(&file);
        if !files.iter().any(known) {
            files.push(file);
        }
    };
    for file in args.files.iter().filter(|file| !is_project(file)) {
        let excluded = config.as_ref().is_some_and(|config| config.excludes(file));
        if !(args.force_exclude && excluded) {
            add(file.clone());
        }
    }
    if args.files.is_empty() || named.is_some() {
        let Some(config) = &config else {
            return Err(Failure::Other(
                "no cnnsize.yaml from here upwards; name files, or write one by `cnnsize init`".into(),
            ));
        };
        config.files()?.into_iter().for_each(add);
        // A hook names a configuration that changed, and it may be one of lints alone.
        if files.is_empty() && !args.force_exclude {
            let path = config.path.display().to_string();
            return Err(Failure::Other(format!(
                "nothing to check: `{}` lists no model that it does not exclude; add some under `models:`, or name files",
                visible(&path)
            )));
        }
    }
    Ok((config, files))
}

/// Models of the project that import blocks from the files: a change there is a change of theirs. One that cannot be
/// judged may be one of them.
fn importers(
    config: Option<&Config>,
    judged: &[(PathBuf, Judged)],
    judge: &Judge,
) -> Result<Vec<(PathBuf, Outcome)>, config::Wrong> {
    let libraries: HashSet<PathBuf> =
        judged.iter().filter(|(_, one)| one.is_library).filter_map(|(path, _)| config::absolute(path)).collect();
    let Some(config) = config.filter(|_| !libraries.is_empty()) else { return Ok(Vec::new()) };
    let known: HashSet<PathBuf> = judged.iter().filter_map(|(path, _)| config::absolute(path)).collect();
    let is_judged = |path: &PathBuf| config::absolute(path).is_some_and(|path| known.contains(&path));
    let further: Vec<PathBuf> = config.files()?.into_iter().filter(|path| !is_judged(path)).collect();
    let imports = |one: &Judged| one.sources.paths().filter_map(config::absolute).any(|path| libraries.contains(&path));
    let outcomes = in_parallel(&further, judge);
    let importing = |(_, one): &(PathBuf, Outcome)| one.as_ref().map_or(true, imports);
    Ok(further.into_iter().zip(outcomes).filter(importing).collect())
}

/// Judges files on as many threads as there are processors; the results are in the order of the files.
fn in_parallel(files: &[PathBuf], judge: &Judge) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, file)) = files.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((index, input::read(file, judge.args.stdin_filename.as_deref(), judge)));
        }
        done
    };
    let processors = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let mut all: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..processors).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Writes the baseline, and takes back what was found against the old one.
fn update(lock: Option<Lock>, judged: &mut [(PathBuf, Judged)]) -> Result<(), String> {
    let Some(mut lock) = lock else {
        return Err("a baseline stands beside a cnnsize.yaml, and there is none; write one by `cnnsize init`".into());
    };
    for (path, one) in judged {
        one.diagnostics.retain(|found| !matches!(found.code, budget::GREW | budget::NO_BASELINE));
        lock.put(path, std::mem::take(&mut one.records));
    }
    lock.save()
}

fn file(path: &Path, judged: Judged) -> File {
    let mut diagnostics = judged.diagnostics;
    findings::sort(&mut diagnostics);
    let path = path.to_string_lossy();
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    File { path, sources: Arc::new(judged.sources), diagnostics }
}

/// Codes of what is found about a text in a project with this configuration and no baseline.
#[cfg(test)]
pub(super) fn codes(config: &Config, text: &str) -> Vec<&'static str> {
    let lock = Lock::of(config, false).unwrap();
    let judge = Judge { args: &Sizing::default(), config: Some(config), lock: Some(&lock), is_baseline: false };
    let judged = input::Reader::text(&judge, Path::new("net.arch"), text.to_owned()).unwrap();
    judged.diagnostics.iter().map(|found| found.code).collect()
}
