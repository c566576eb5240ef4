//! `cnnsize explain`: what a word means, how a figure comes about, and what a published number was meant to be.

use super::config::{self, Wanted};
use super::settings::{CONFIGURED, Looks, Sizing};
use super::size::Sizer;
use super::terminal::{self, Stream};
use super::{Exit, input, topics};
use cnnsize::analyze::board::{Board, Term};
use cnnsize::analyze::memory::onnxruntime::Unplanned;
use cnnsize::analyze::quantity::{self, Figure};
use cnnsize::analyze::reconcile::{self, Explanation, Printed, Verdict};
use cnnsize::base::quantity::AtLeast;
use cnnsize::base::suggest;
use cnnsize::render::diagnostics;
use cnnsize::render::escape::visible;
use cnnsize::render::units::{bytes_in_full, grouped};
use cnnsize::render::{Entry, Outcome};
use std::io::{self, Write};
use std::path::Path;

/// Explain a finding, a layer or a figure; or what a published number was meant to be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cnnsize explain bias-before-norm                  what a finding means and what to do about it
  cnnsize explain conv                              what a layer takes
  cnnsize explain model.arch params                 the sum, with the numbers put in
  cnnsize explain model.arch macs conv2             the same of one layer
  cnnsize explain model.arch --answer 902,700       which quantity this is, and by which convention or slip
  cnnsize explain model.arch --batch 50 --answer '565 MB'")]
pub(super) struct Args {
    /// A finding, a layer, an operator, a block of the prelude; or a model
    #[arg(value_name = "WHAT|FILE")]
    what: String,
    /// Which of the model's figures to write out: params, macs, memory
    #[arg(value_parser = sum)]
    sum: Option<Sum>,
    /// Only of this line, block or layer of the model; memory is of the whole model alone
    #[arg(requires = "sum")]
    layer: Option<String>,
    /// A number that somebody gives for the model: `902,700`, `565 MB`, `3.8G`
    #[arg(long, value_name = "NUMBER", value_parser = Printed::read, conflicts_with = "sum")]
    answer: Option<Printed>,
    #[command(flatten)]
    sizing: Sizing,
    #[command(flatten)]
    looks: Looks,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    /// Learned values.
    Params,
    /// Multiply-accumulates for one example.
    Macs,
    /// Bytes of a forward pass and of training.
    Memory,
}

/// A figure's name. Who gives a layer's wants one of its figures.
fn sum(word: &str) -> Result<Sum, String> {
    let sums = [("params", Sum::Params), ("macs", Sum::Macs), ("memory", Sum::Memory)];
    let known = sums.iter().find(|(name, _)| *name == word).map(|(_, sum)| *sum);
    known.ok_or_else(|| match suggest::nearest(word, sums.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("params, macs or memory is wanted; of one layer: `params {}`", visible(word)),
    })
}

pub(super) fn run(args: &Args) -> Exit {
    if args.sum.is_none() && args.answer.is_none() {
        return Exit::of(topics::page(&args.what).and_then(|page| terminal::print(|out| write!(out, "{page}"))));
    }
    if let (Some(Sum::Memory), Some(layer)) = (args.sum, &args.layer) {
        let layer = visible(layer);
        return Exit::of(Err(format!(
            "memory is of the whole model, whose values are alive together, not of `{layer}`; leave `{layer}` out"
        )));
    }
    let file = Path::new(&args.what);
    let sizings = match config::find(&args.wanted) {
        Ok(config) => config::sizings(config.as_ref(), &args.sizing, file),
        Err(wrong) => return config::complain(&wrong, args.looks.wishes()),
    };
    match input::read(file, None, &Sizer { sizings: &sizings, single: false }) {
        Ok(entries) => {
            let is_broken = entries.iter().any(|entry| matches!(entry.outcome, Outcome::Broken(_)));
            tell(&entries, is_broken, args);
            if is_broken {
                return Exit::Problem;
            }
        }
        Err(message) => return Exit::of(Err(message)),
    }
    every_model(file, &sizings, args).unwrap_or_else(|message| Exit::of(Err(message)))
}

/// Says what is wrong with the models, and in any case which settings are those of a configuration.
fn tell(entries: &[Entry], is_broken: bool, args: &Args) {
    let style = args.looks.wishes().style(&args.looks.style(), Stream::Err);
    for entry in entries {
        let told = entry.diagnostics().iter().filter(|found| is_broken || found.code == CONFIGURED);
        let told: Vec<_> = told.cloned().collect();
        terminal::tell(|err| diagnostics::write(&told, entry.source(), &entry.sources, &style, err));
    }
}

fn every_model(file: &Path, sizings: &[Sizing], args: &Args) -> Result<Exit, String> {
    let mut models = Vec::new();
    for sizing in sizings {
        models.extend(input::models(file, sizing)?.into_iter().map(|(model, batch)| (model, batch, sizing)));
    }
    let mut exit = Exit::Fine;
    for (model, batch, sizing) in &models {
        let sizing = cnnsize::analyze::Sizing::of(model, *batch, sizing.convention());
        exit = exit.max(explain(&sizing, *batch, models.len(), args)?);
    }
    Ok(exit)
}

fn explain(sizing: &cnnsize::analyze::Sizing, batch: u64, models: usize, args: &Args) -> Result<Exit, String> {
    let layer = args.layer.as_deref();
    let nodes = sizing.nodes_of(layer);
    if nodes.is_empty() {
        return Err(format!("there is no layer `{}`", visible(layer.unwrap_or_default())));
    }
    let mut exit = Exit::Fine;
    terminal::print(|out| {
        if models > 1 {
            writeln!(out, "{}:", visible(&sizing.model().name))?;
        }
        match (args.sum, &args.answer) {
            (Some(Sum::Params), _) => board(out, &sizing.parameters_written(&nodes), &grouped),
            (Some(Sum::Macs), _) => board(out, &sizing.macs_written(&nodes), &grouped),
            (Some(Sum::Memory), _) => memory(out, sizing, batch),
            (None, Some(printed)) => {
                let found = reconcile::identify(sizing, printed);
                if found.is_empty() {
                    exit = Exit::Problem;
                }
                answer(out, sizing, printed, &found)
            }
            (None, None) => Ok(()),
        }
    })?;
    if exit == Exit::Problem && args.sizing.batch.is_none() {
        let examples = if batch == 1 { "one example".into() } else { format!("{} examples", grouped(batch)) };
        terminal::tell(|err| {
            writeln!(err, "help: this is for {examples}; a figure of an exercise may be for more: `--batch 50`")
        });
    }
    Ok(exit)
}

fn memory(out: &mut dyn Write, sizing: &cnnsize::analyze::Sizing, batch: u64) -> io::Result<()> {
    let examples = if batch == 1 { "one example".into() } else { format!("{} examples", grouped(batch)) };
    writeln!(out, "inference, {examples}: the values alive at once where they are most, and what is stored")?;
    board(out, &sizing.inference_written(), &bytes_in_full)?;
    writeln!(out, "\ntraining, {examples}: every output, what is fed, and what is stored")?;
    board(out, &sizing.training_written(), &bytes_in_full)?;
    match sizing.onnxruntime_written() {
        Ok([first, later]) => {
            writeln!(
                out,
                "\nONNX Runtime on the CPU, {examples}: what it holds at once in its first run, without weights and inputs"
            )?;
            board(out, &first, &bytes_in_full)?;
            writeln!(out, "\nand in later runs")?;
            board(out, &later, &bytes_in_full)
        }
        Err(Unplanned { node, reason }) => {
            let node = node.map(|id| &sizing.model().nodes[id]);
            let at = node.map_or(String::new(), |n| format!(" at {} ({})", visible(&n.name), visible(&n.op_type)));
            writeln!(out, "\nONNX Runtime on the CPU: not known{at}: {reason}")
        }
    }
}

/// Terms below one another, and their sum.
fn board(out: &mut dyn Write, board: &Board, figure: &dyn Fn(u64) -> String) -> io::Result<()> {
    let wide = board.terms.iter().map(|t| visible(&t.name).chars().count()).max().unwrap_or(0).max("sum".len());
    let amount = |amount: AtLeast<u64>, figure: &dyn Fn(u64) -> String| {
        format!("{}{}", if amount.incomplete { "at least " } else { "" }, figure(amount.least))
    };
    for Term { name, written, amount: n } in &board.terms {
        let written = if written.is_empty() { String::new() } else { format!("{written} = ") };
        let name = format!("{}:", visible(name));
        writeln!(out, "  {name:<0$} {written}{1}", wide + 1, amount(*n, &grouped))?;
    }
    let sum = match board.terms.as_slice() {
        [] | [_] => String::new(),
        terms => format!("{} = ", terms.iter().map(|t| grouped(t.amount.least)).collect::<Vec<_>>().join(" + ")),
    };
    let (wide, total) = (wide + 1, amount(board.total, figure));
    writeln!(out, "  {:<wide$} {sum}{total}", "sum:")
}

/// The quantities that a number may be, best first.
fn answer(
    out: &mut dyn Write,
    sizing: &cnnsize::analyze::Sizing,
    printed: &Printed,
    found: &[(String, Explanation)],
) -> io::Result<()> {
    if found.is_empty() {
        return writeln!(
            out,
            "none: no quantity of this network gives {printed} by any convention or slip that is known"
        );
    }
    for (name, explanation) in found.iter().take(ANSWERS) {
        let counted = match quantity::measure(sizing, name) {
            Ok((quantity, Figure::Number(n))) if quantity.memory => bytes_in_full(n.least),
            Ok((_, Figure::Number(n))) => grouped(n.least),
            Ok(_) | Err(_) => continue,
        };
        let printed = printed.to_string();
        match how(explanation) {
            how if how.is_empty() => writeln!(out, "{printed} = {name}")?,
            how => writeln!(out, "{printed} = {name}{how}: {counted} counted")?,
        }
    }
    Ok(())
}

/// Answers shown, the best.
const ANSWERS: usize = 3;

fn how(explanation: &Explanation) -> String {
    let slips = explanation.slips.join(" and ");
    match explanation.verdict {
        Verdict::Exact => String::new(),
        Verdict::Rounded => ", rounded".into(),
        Verdict::Truncated => ", cut off behind its last digit".into(),
        Verdict::Wrong => format!(", wrongly {slips}"),
        Verdict::Convention | Verdict::EarlyRounding | Verdict::Approximate => {
            format!(" {slips}")
        }
    }
}
