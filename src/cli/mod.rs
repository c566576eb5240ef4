//! The command line: arguments in, files read, text out, an exit code. The only part that touches files, the
//! environment and the terminal.

mod arch;
mod check;
mod config;
mod explain;
mod export;
mod faults;
mod init;
mod input;
mod load;
mod onnx;
mod ops;
mod project;
mod schema;
mod settings;
mod size;
mod terminal;
mod topics;
mod values;
mod verify;

use clap::{CommandFactory, Parser, Subcommand};
use cnnsize::base::suggest;
use std::panic;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  cnnsize model.arch                       layers, parameters, compute, memory
  cnnsize model.arch --batch 50            the same for a batch of 50
  cnnsize model.onnx --format json         every figure, for programs
  cnnsize *.arch -o report.md -o report.csv";

const HELP: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// How big is a convolutional network? Parameters, MACs and memory, before anything runs
#[derive(Debug, Parser)]
#[command(
    name = "cnnsize",
    version,
    before_help = EXAMPLES,
    help_template = HELP,
    after_help = "Exit codes: 0 fine, 1 a model has a problem, 2 cnnsize could not do its job.",
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    args_override_self = true,
    infer_long_args = false,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    size: size::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<check::Args>),
    Init(init::Args),
    Explain(Box<explain::Args>),
    Export(Box<export::Args>),
    Ops(ops::Args),
    Schema(schema::Args),
    Verify(Box<verify::Args>),
    /// Run models for `verify`
    #[command(name = verify::WORKER, hide = true)]
    VerifyWorker(verify::WorkerArgs),
}

/// How a run ended. The worst of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// Everything is fine.
    Fine = 0,
    /// A model has a problem.
    Problem = 1,
    /// cnnsize could not do its job.
    Failed = 2,
}

impl Exit {
    /// Fine, or a failure that is said on standard error.
    fn of(result: Result<(), String>) -> Exit {
        match result {
            Ok(()) => Exit::Fine,
            Err(message) => {
                terminal::complain(&message);
                Exit::Failed
            }
        }
    }
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        terminal::tell(|err| {
            writeln!(err, "internal error: {info}\nThis is a fault of cnnsize, not of your file. Please report it.")
        });
    }));
    let exit = panic::catch_unwind(run).unwrap_or(Exit::Failed);
    ExitCode::from(exit as u8)
}

fn run() -> Exit {
    match Cli::try_parse() {
        Ok(Cli { command: None, size }) => size::run(&size),
        Ok(Cli { command: Some(Command::Check(args)), .. }) => check::run(&args),
        Ok(Cli { command: Some(Command::Init(args)), .. }) => init::run(&args),
        Ok(Cli { command: Some(Command::Explain(args)), .. }) => explain::run(&args),
        Ok(Cli { command: Some(Command::Export(args)), .. }) => export::run(&args),
        Ok(Cli { command: Some(Command::Ops(args)), .. }) => ops::run(&args),
        Ok(Cli { command: Some(Command::Schema(args)), .. }) => schema::run(&args),
        Ok(Cli { command: Some(Command::Verify(args)), .. }) => verify::run(&args),
        Ok(Cli { command: Some(Command::VerifyWorker(args)), .. }) => verify::work(&args),
        Err(error) if error.use_stderr() => {
            terminal::tell(|err| write!(err, "{}", error.render()));
            Exit::Failed
        }
        Err(help) => Exit::of(terminal::print(|out| write!(out, "{}", help.render()))),
    }
}

/// The command that a mistyped word was meant to be.
fn nearest_command(word: &str) -> Option<String> {
    let commands: Vec<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_string()).collect();
    suggest::nearest(word, commands.iter().map(String::as_str)).map(str::to_string)
}
