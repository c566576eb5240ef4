//! `cnnsize schema`: the JSON Schema of what other commands print.

use super::{Exit, config, terminal};
use clap::ValueEnum;
use cnnsize::render::{findings, json};
use cnnsize::verify::show;

/// Print the JSON Schema of an output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which output.
    which: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// Of `cnnsize FILE --format json`.
    Report,
    /// Of `cnnsize check --format json`.
    Findings,
    /// Of `cnnsize.yaml`.
    Config,
    /// Of `cnnsize verify --format json`.
    Verify,
}

pub(super) fn run(args: &Args) -> Exit {
    let schema = match args.which {
        Which::Report => json::SCHEMA,
        Which::Findings => findings::SCHEMA,
        Which::Config => config::SCHEMA,
        Which::Verify => show::json::SCHEMA,
    };
    Exit::of(terminal::print(|out| out.write_all(schema.as_bytes())))
}
