//! `cnnsize ops`: what the language and the ONNX reader know.

use super::{Exit, terminal};
use clap::ValueEnum;
use cnnsize::ops::layer::Layer;
use cnnsize::ops::{self, ROOMS, rules::OpKind};
use std::io::{self, Write};

/// List the layers of the language and the operators that are modelled.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these.
    which: Option<Which>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Layers of the `.arch` language.
    Layers,
    /// Operators of ONNX and of our own domain.
    Operators,
}

pub(super) fn run(args: &Args) -> Exit {
    Exit::of(terminal::print(|out| {
        if args.which != Some(Which::Operators) {
            layers(out)?;
        }
        if args.which.is_none() {
            writeln!(out)?;
        }
        if args.which != Some(Which::Layers) {
            operators(out)?;
        }
        Ok(())
    }))
}

fn layers(out: &mut dyn Write) -> io::Result<()> {
    let names = |layer: &Layer| [&[layer.keyword], layer.aliases].concat().join(", ");
    let wide = ops::layers().map(|layer| names(layer).len()).max().unwrap_or(0);
    let examples = ops::layers().map(|layer| layer.example.len()).max().unwrap_or(0);
    for layer in ops::layers() {
        writeln!(out, "{:wide$}  {:examples$}  {}", names(layer), layer.example, layer.doc)?;
    }
    Ok(())
}

fn operators(out: &mut dyn Write) -> io::Result<()> {
    let mut all: Vec<&OpKind> = ROOMS.iter().flat_map(|room| room.ops).collect();
    all.sort_by_key(|kind| (kind.domain, kind.name));
    for domain in all.chunk_by(|a, b| a.domain == b.domain) {
        let name = domain.first().map_or("", |kind| kind.domain);
        writeln!(out, "{} ({})", if name.is_empty() { "ai.onnx" } else { name }, domain.len())?;
        for kind in domain {
            writeln!(out, "  {}", kind.name)?;
        }
    }
    Ok(())
}
