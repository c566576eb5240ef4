//! Figures against their limits, and against the baseline. What is not fully known fails like what is too much.

use super::lock::{Before, Line, Record};
use crate::cli::config::amount::{Growth, Limit};
use cnnsize::analyze::Sizing;
use cnnsize::analyze::quantity::{self, Figure, NoQuantity, Quantity};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::quantity::AtLeast;
use cnnsize::graph::NodeId;
use cnnsize::render::units::{Units, bytes, grouped};

/// Code of growth over the baseline.
pub(super) const GREW: &str = "grew";
/// Code of a model that the baseline lacks.
pub(super) const NO_BASELINE: &str = "no-baseline";
/// Most unknown figures that are listed.
const LISTED: usize = 10;

/// Holds a figure against its limit. `place`: where the limit stands. `records`: the baseline's and today's.
pub(super) fn check(
    sizing: &Sizing,
    limit: &Limit,
    place: impl Fn() -> String,
    records: Option<(&Record, &Record)>,
) -> Option<Diagnostic> {
    let name = &limit.quantity;
    let most = in_groups(&limit.written);
    let note = || format!("the budget of {most} is set at {}", place());
    let (quantity, figure) = match quantity::measure(sizing, name) {
        Ok(measured) => measured,
        Err(none) => return Some(no_quantity(name, none).note(note())),
    };
    let Some(amount) = amount(&figure) else {
        let message = format!("`{name}` is not known, and its budget is {most}");
        return Some(with_unknown(Diagnostic::error("unknown-figure", Origin::File, message).note(note()), sizing));
    };
    if let Some(more @ 1..) = amount.least.checked_sub(limit.most) {
        let at_least = if amount.incomplete { "at least " } else { "" };
        let figure = written(amount.least, quantity);
        let unit = if quantity.memory { " B" } else { "" };
        let message = format!("`{name}` is {at_least}{figure}, {}{unit} over the budget of {most}", grouped(more));
        let error = Diagnostic::error("over-budget", Origin::File, message).note(note());
        let grown = records.and_then(|(before, now)| {
            let Before::Known(old) = before.figure(name) else { return None };
            let is_growth = before.is_comparable(now) && old < amount.least;
            let error = error.clone().note(format!("it was {} in cnnsize.lock.json", written(old, quantity)));
            is_growth.then(|| through(error, sizing, quantity, name, before, now))
        });
        return grown.filter(|error| error.origin != Origin::File).or_else(|| {
            let (origin, label) = largest(sizing, quantity);
            Some(Diagnostic { origin, label, ..error })
        });
    }
    amount.incomplete.then(|| {
        let figure = written(amount.least, quantity);
        let message = format!("`{name}` is not fully known (at least {figure}), and its budget is {most}");
        with_unknown(Diagnostic::error("unknown-figure", Origin::File, message).note(note()), sizing)
    })
}

fn no_quantity(name: &str, none: NoQuantity) -> Diagnostic {
    let message = format!("`{name}` is limited, and this model has no such quantity");
    let error = Diagnostic::error("unknown-quantity", Origin::File, message);
    match none.nearest {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("name a line of the model by `name: …`, or limit a quantity of the whole"),
    }
}

/// `strict`: what is not known is an error.
pub(super) fn not_known(sizing: &Sizing) -> Diagnostic {
    let n = sizing.unknown().len();
    let message = if n == 1 { "1 figure is not known".to_owned() } else { format!("{n} figures are not known") };
    with_unknown(Diagnostic::error("unknown-figure", Origin::File, message), sizing)
}

fn with_unknown(mut error: Diagnostic, sizing: &Sizing) -> Diagnostic {
    let unknown = sizing.unknown();
    let shown = unknown.iter().take(LISTED);
    error.notes.extend(shown.map(|u| format!("{} of `{}` ({}): {}", u.quantity, u.layer, u.op, u.reason)));
    match unknown.len().checked_sub(LISTED) {
        None | Some(0) => error,
        Some(more) => error.note(format!("and {more} more")),
    }
}

/// Holds figures against those of the baseline.
pub(super) fn growth(sizing: &Sizing, allowed: &[Growth], before: Option<&Record>, now: &Record) -> Vec<Diagnostic> {
    if allowed.is_empty() {
        return Vec::new();
    }
    let Some(before) = before else {
        let name = &sizing.model().name;
        return vec![no_baseline(format!("`{name}` has no figures in cnnsize.lock.json, so its growth is not known"))];
    };
    if !before.is_comparable(now) {
        return vec![no_baseline("the baseline is for another batch, so the growth is not known".into())];
    }
    allowed.iter().filter_map(|growth| grown(sizing, growth, before, now)).collect()
}

fn no_baseline(message: String) -> Diagnostic {
    Diagnostic::error(NO_BASELINE, Origin::File, message)
        .help("write today's figures: `cnnsize check --update-baseline`")
}

fn grown(sizing: &Sizing, growth: &Growth, before: &Record, now: &Record) -> Option<Diagnostic> {
    let name = &growth.quantity;
    let (quantity, figure) = match quantity::measure(sizing, name) {
        Ok(measured) => measured,
        Err(none) => return Some(no_quantity(name, none)),
    };
    let Some(new) = amount(&figure).and_then(AtLeast::known) else {
        let message = format!("`{name}` is not fully known, so its growth is not either");
        return Some(with_unknown(Diagnostic::error("unknown-figure", Origin::File, message), sizing));
    };
    let old = match before.figure(name) {
        Before::Known(old) => old,
        // What was unknown then and is known now is no growth.
        Before::Unknown => return None,
        Before::Missing => {
            return Some(no_baseline(format!("cnnsize.lock.json does not have `{name}`, so its growth is not known")));
        }
    };
    let more = new.checked_sub(old)?;
    let is_allowed = u128::from(more) * 1_000_000 <= u128::from(old) * u128::from(growth.millionths);
    if is_allowed {
        return None;
    }
    let by = if old == 0 {
        "from nothing".to_owned()
    } else {
        let tenths = u128::from(more) * 1000 / u128::from(old);
        format!("by {}.{} %", tenths / 10, tenths % 10)
    };
    let (old, new) = (written(old, quantity), written(new, quantity));
    let message = format!("`{name}` grew {by}, from {old} to {new}; {} is allowed", growth.written);
    let error = through(Diagnostic::error(GREW, Origin::File, message), sizing, quantity, name, before, now);
    Some(error.help("if it is meant, write the new figures: `cnnsize check --update-baseline`"))
}

/// Says through which line a quantity grew, and points at it.
fn through(
    mut error: Diagnostic,
    sizing: &Sizing,
    quantity: &Quantity,
    name: &str,
    before: &Record,
    now: &Record,
) -> Diagnostic {
    let model = sizing.model();
    let place = |line: &str| {
        let node = model.main.nodes.iter().find(|id| *model.nodes[**id].group == *line);
        node.map_or(Origin::File, |id| model.nodes[*id].origin.clone())
    };
    if !quantity.is_of_model() {
        error.origin = place(name.rsplit_once('.').map_or(name, |(line, _)| line));
        return error;
    }
    let Some(share) = share(name) else {
        let new: Vec<_> = now.lines_missing_in(before).take(LISTED).map(|line| format!("`{line}`")).collect();
        return if new.is_empty() { error } else { error.note(format!("new since then: {}", new.join(", "))) };
    };
    let Some((line, was, is)) = now.largest_growth(before, |line| line.part(share)) else { return error };
    error.origin = place(line);
    let was = was.map_or_else(|| "it was not there".to_owned(), |was| format!("it had {}", share.written(was)));
    error.note(format!("most of it through `{line}`: {was}, now {}{}", share.written(is), share.noun()))
}

/// The number of a figure; of one along axes the largest.
pub(super) fn amount(figure: &Figure) -> Option<AtLeast<u64>> {
    match figure {
        Figure::Number(amount) => Some(*amount),
        Figure::Axes(sizes) => sizes.iter().max().map(|n| AtLeast::exact(*n)),
        Figure::Shape(_) | Figure::Unknown(_) => None,
    }
}

/// A limit as it is written, its digits in groups.
fn in_groups(limit: &str) -> String {
    let end = limit.find(|c: char| !(c.is_ascii_digit() || c == '_')).unwrap_or(limit.len());
    let (number, unit) = limit.split_at(end);
    number.replace('_', "").parse().map_or_else(|_| limit.to_owned(), |n| format!("{}{unit}", grouped(n)))
}

fn written(n: u64, quantity: &Quantity) -> String {
    match bytes(n, Units::Si) {
        short if quantity.memory && n >= 1000 => format!("{} bytes ({short})", grouped(n)),
        _ => format!("{} {}", grouped(n), quantity.noun),
    }
}

/// What layers contribute to a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Parameters,
    Macs,
    /// Bytes of outputs.
    Outputs,
    /// Bytes of outputs, and of what is stored.
    Memory,
}

impl Share {
    fn noun(self) -> &'static str {
        match self {
            Share::Parameters => " parameters",
            Share::Macs => " multiply-accumulates",
            Share::Outputs => " of outputs",
            Share::Memory => " of outputs and what is stored",
        }
    }

    fn written(self, n: u64) -> String {
        match self {
            Share::Parameters | Share::Macs => grouped(n),
            Share::Outputs | Share::Memory => bytes(n, Units::Si),
        }
    }
}

/// What to look at for a quantity of the whole network; nothing for what is no sum over layers.
fn share(name: &str) -> Option<Share> {
    match name.split('.').next()? {
        "params" | "weights" | "biases" => Some(Share::Parameters),
        "macs" | "flops" | "connections" => Some(Share::Macs),
        "infer" | "train" if name.ends_with(".memory") => Some(Share::Memory),
        "activations" | "units" | "feature" | "infer" | "train" => Some(Share::Outputs),
        _ => None,
    }
}

/// The layer that contributes most, and how much of the quantity it is.
fn largest(sizing: &Sizing, quantity: &Quantity) -> (Origin, Option<String>) {
    let share = if quantity.is_of_model() { share(quantity.name) } else { None };
    let most = share.and_then(|share| {
        let of = |id: &NodeId| (Line::of(sizing, *id).part(share), *id);
        // The first of equals.
        let (n, id) = sizing.model().main.nodes.iter().rev().map(of).max_by_key(|(n, _)| *n)?;
        (n > 0).then_some((share, n, id))
    });
    let Some((share, n, id)) = most else { return (Origin::File, None) };
    let label = match share {
        Share::Outputs => format!("the largest output: {}", bytes(n, Units::Si)),
        Share::Memory => format!("the largest output with what is stored: {}", bytes(n, Units::Si)),
        Share::Parameters => format!("{} of the parameters are here", grouped(n)),
        Share::Macs => format!("{} of the multiply-accumulates are here", grouped(n)),
    };
    (sizing.model().nodes[id].origin.clone(), Some(label))
}
