//! Why a published number differs: the conventions and slips that give exactly it, found by computing each of them.
//!
//! Every quantity has *readings*: the figure itself, the same by other conventions (without biases, with running
//! statistics, two operations for a multiply-accumulate), with other units (MiB printed as MB), with parts rounded
//! before they are added, and by known mistakes (a kernel counted without its input channels). The reading that needs the
//! fewest slips and fits the printed digits explains the number; if none fits, that is said.

mod counts;
mod memory;
mod printed;

pub use printed::{Fit, Printed};

use super::quantity::{self, Figure, Quantity};
use super::{Sizing, convention};
use printed::Exact;

/// What a printed number is, beside the counted one. The order is that of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Equal.
    Exact,
    /// Equal after rounding to the printed digits.
    Rounded,
    /// Equal when the digits after the printed ones are cut off.
    Truncated,
    /// Another convention gives it.
    Convention,
    /// Parts rounded before they were added give it.
    EarlyRounding,
    /// Within 5 %, and nothing gives it.
    Approximate,
    /// Nothing gives it, or a mistake does.
    Wrong,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::Rounded => "rounded",
            Verdict::Truncated => "truncated",
            Verdict::Convention => "convention",
            Verdict::EarlyRounding => "early-rounding",
            Verdict::Approximate => "approximate",
            Verdict::Wrong => "wrong",
        }
    }
}

/// What was found out about a printed number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is.
    pub verdict: Verdict,
    /// How the number comes about, each a phrase behind it: `without the biases`, `in MiB instead of MB`, `with rounded
    /// parts`. Empty when it is right or when nothing gives it.
    pub slips: Vec<String>,
    /// Another quantity that is exactly the printed number.
    pub instead: Option<String>,
}

/// A way to get a number.
#[derive(Clone, Debug)]
struct Reading {
    value: Exact,
    slips: Vec<Slip>,
}

#[derive(Clone, Debug)]
struct Slip {
    words: String,
    kind: Kind,
    /// Significant digits that the printed number must have for this slip to be told from the rest.
    digits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Convention,
    EarlyRounding,
    Mistake,
}

impl Slip {
    fn convention(words: impl Into<String>) -> Slip {
        Slip { words: words.into(), kind: Kind::Convention, digits: 0 }
    }

    fn mistake(words: impl Into<String>) -> Slip {
        Slip { words: words.into(), kind: Kind::Mistake, digits: 0 }
    }
}

impl Reading {
    fn of(value: impl Into<Exact>, slips: Vec<Slip>) -> Reading {
        Reading { value: value.into(), slips }
    }

    fn with(&self, value: Exact, slip: Slip) -> Reading {
        Reading { value, slips: self.slips.iter().cloned().chain([slip]).collect() }
    }

    fn verdict(&self, fit: Fit) -> Verdict {
        match (self.slips.iter().map(|s| s.kind).max(), fit) {
            (None, Fit::Exact) => Verdict::Exact,
            (None, Fit::Rounded) => Verdict::Rounded,
            (None, Fit::Truncated) => Verdict::Truncated,
            (Some(Kind::Convention), _) => Verdict::Convention,
            (Some(Kind::EarlyRounding), _) => Verdict::EarlyRounding,
            (Some(Kind::Mistake), _) => Verdict::Wrong,
        }
    }
}

/// Explains a printed number as this quantity of a sized model; `None` when there is no such quantity or it is not known.
pub fn reconcile(sizing: &Sizing, name: &str, printed: &Printed) -> Option<Explanation> {
    let (quantity, Figure::Number(amount)) = quantity::measure(sizing, name).ok()? else { return None };
    let counted = amount.incomplete.then_some(()).map_or(Some(amount.least), |()| None)?;
    let readings =
        if quantity.memory { memory::readings(sizing, name, counted) } else { counts::readings(sizing, name, counted) };
    let plain = readings.iter().flat_map(|reading| units(reading, printed, quantity.memory));
    let rounded = if quantity.memory { memory::rounded(sizing, name, printed) } else { Vec::new() };
    let overhead = (name == "params.size").then(|| Reading::of(counted, Vec::new()));
    let digits = printed.significant();
    let fitting = plain.chain(rounded).filter(|(r, _)| r.slips.iter().all(|s| s.digits <= digits)).filter_map(
        |(reading, unit)| {
            // Two slips fit many numbers; they must at least round to this one.
            let fit = printed.fit(reading.value, unit).filter(|f| reading.slips.len() < 2 || *f < Fit::Truncated)?;
            Some((reading.verdict(fit), reading.slips.len(), reading))
        },
    );
    let best = fitting.min_by_key(|(verdict, slips, _)| (*verdict, *slips));
    let best = best.or_else(|| {
        let inside = |r: Reading| {
            printed.is_file_of(r.value).then(|| {
                r.with(r.value, Slip::convention("as the size of a file in MiB (which holds more than the values)"))
            })
        };
        overhead.and_then(inside).map(|r| (Verdict::Convention, 1, r))
    });
    let explanation = match best {
        Some((verdict, _, reading)) => Explanation {
            verdict,
            slips: reading.slips.iter().map(|s| s.words.clone()).collect(),
            instead: (verdict > Verdict::Truncated).then(|| instead(sizing, quantity, name, printed)).flatten(),
        },
        None if printed.within_percent(counted, 5) => {
            Explanation { verdict: Verdict::Approximate, slips: Vec::new(), instead: None }
        }
        None => Explanation { verdict: Verdict::Wrong, slips: Vec::new(), instead: None },
    };
    Some(explanation)
}

/// The reading with its unit as written, and with the unit's other meaning: 2^20 for `MB` and `M`.
fn units(reading: &Reading, printed: &Printed, memory: bool) -> Vec<(Reading, u64)> {
    let mut all = vec![(reading.clone(), printed.unit)];
    if let Some((binary, name)) = printed.binary_unit() {
        let words = if memory {
            format!("in {name} instead of {}", printed.unit_name)
        } else {
            format!("in {name} (powers of 1024)")
        };
        all.push((reading.with(reading.value, Slip::convention(words)), binary));
    }
    all
}

/// Another quantity, of the network or of the same line, that is exactly the printed number.
fn instead(sizing: &Sizing, quantity: &Quantity, name: &str, printed: &Printed) -> Option<String> {
    let line = if quantity.is_of_model() { "" } else { name.strip_suffix(quantity.name).unwrap_or("") };
    let others = quantity::QUANTITIES.iter().filter(|q| q.is_of_model() == quantity.is_of_model());
    let mut names = others.filter(|q| q.name != quantity.name).map(|q| format!("{line}{}", q.name));
    names.find(|other| match quantity::measure(sizing, other) {
        Ok((_, Figure::Number(n))) => !n.incomplete && printed.fit(n.least.into(), printed.unit) == Some(Fit::Exact),
        Ok(_) | Err(_) => false,
    })
}

/// Which quantity, under which convention or slip, gives a bare number, best first: quantities of the network, or if none
/// does, of its lines.
pub fn identify(sizing: &Sizing, printed: &Printed) -> Vec<(String, Explanation)> {
    let fits = |q: &&Quantity| printed.unit_name.is_empty() || q.memory == printed.is_memory();
    let (of_model, of_line): (Vec<_>, Vec<_>) = quantity::QUANTITIES.iter().filter(fits).partition(|q| q.is_of_model());
    let found = explained(sizing, printed, of_model.iter().map(|q| q.name.to_owned()));
    if !found.is_empty() {
        return found;
    }
    let mut lines: Vec<&str> = sizing.model.main.nodes.iter().map(|id| &*sizing.model.nodes[*id].group).collect();
    lines.dedup();
    let names = lines.iter().take(LINES).flat_map(|line| of_line.iter().map(move |q| format!("{line}.{}", q.name)));
    explained(sizing, printed, names)
}

/// Lines that are looked at, since each takes a count of the whole network.
const LINES: usize = 200;

fn explained(sizing: &Sizing, printed: &Printed, names: impl Iterator<Item = String>) -> Vec<(String, Explanation)> {
    let gives =
        |e: &Explanation| e.verdict < Verdict::Approximate || (e.verdict == Verdict::Wrong && !e.slips.is_empty());
    let explained = names.filter_map(|name| reconcile(sizing, &name, printed).map(|e| (name, e)));
    let mut found: Vec<_> = explained.filter(|(_, e)| gives(e)).collect();
    found.sort_by_key(|(_, e)| (e.verdict, e.slips.len()));
    found
}

/// Conventions beside the default, for the readings of arithmetic.
fn other_conventions() -> impl Iterator<Item = &'static convention::Convention> {
    convention::CONVENTIONS.iter().skip(1)
}
