//! Readings of memory: which terms are in the sum, at which precision and batch, and which of them were rounded before
//! they were added.

use super::super::{Sizing, memory, params};
use super::printed::{Exact, Printed};
use super::{Kind, Reading, Slip};
use crate::base::quantity::{AtLeast, Bytes};
use crate::graph::NodeId;

/// A sum of terms.
#[derive(Clone, Debug)]
struct Composition {
    terms: Vec<Term>,
    slips: Vec<Slip>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    what: What,
    /// Bytes for one example, part by part; of parameters, once.
    parts: Vec<u64>,
    times: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Outputs,
    Peak,
    Input,
    Parameters,
    Line,
}

impl What {
    fn words(self) -> &'static str {
        match self {
            What::Outputs => "the layers' outputs",
            What::Peak => "the values alive at once",
            What::Input => "the input",
            What::Parameters => "the parameters",
            What::Line => "the line's output",
        }
    }
}

/// Every reading of a figure in bytes, the figure itself first.
pub(super) fn readings(sizing: &Sizing, name: &str, counted: u64) -> Vec<Reading> {
    let mut all = vec![Reading::of(counted, Vec::new())];
    let sum = |c: &Composition| {
        c.terms.iter().try_fold(0u64, |sum, t| {
            sum.checked_add(t.parts.iter().try_fold(0u64, |s, p| s.checked_add(*p))?.checked_mul(t.times)?)
        })
    };
    for composition in compositions(sizing, name) {
        let Some(value) = sum(&composition) else { continue };
        let reading = Reading::of(value, composition.slips);
        for (words, num, den) in
            [("at 16 bits a value", 1, 2), ("at 8 bits a value", 1, 4), ("at 64 bits a value", 2, 1)]
        {
            all.extend(reading.value.scaled(num, den).map(|v| reading.with(v, Slip::convention(words))));
        }
        all.push(reading);
    }
    if name == "params.size" {
        let bytes_each = sizing.parameter_width();
        let nodes = &sizing.model.main.nodes;
        all.extend(
            super::counts::parameters(sizing, nodes)
                .into_iter()
                .filter_map(|(slip, n)| Some(Reading::of(n.checked_mul(bytes_each)?, vec![slip]))),
        );
    }
    // The figure itself needs no slip, however it was put together.
    all.retain(|r| r.slips.is_empty() || r.value != Exact::from(counted));
    all
}

/// Sums with parts rounded to a few decimals of the printed unit before they were added or multiplied.
pub(super) fn rounded(sizing: &Sizing, name: &str, printed: &Printed) -> Vec<(Reading, u64)> {
    let mut units = vec![(printed.unit, None)];
    units.extend(
        printed
            .binary_unit()
            .map(|(unit, name)| (unit, Some(Slip::convention(format!("in {name} instead of {}", printed.unit_name))))),
    );
    let mut all = Vec::new();
    for composition in compositions(sizing, name) {
        for (unit, slip) in &units {
            for decimals in 0..=2u32 {
                for whole_sum in [false, true] {
                    let Some(value) = rounded_sum(&composition, *unit, decimals, whole_sum) else { continue };
                    let rounding = Slip { words: "with rounded parts".into(), kind: Kind::EarlyRounding, digits: 3 };
                    let slips = composition.slips.iter().cloned().chain(slip.clone()).chain([rounding]);
                    all.push((Reading::of(value, slips.collect()), *unit));
                }
            }
        }
    }
    all
}

/// Parts of outputs are rounded for one example (each, or their sum), the other terms as a whole.
fn rounded_sum(composition: &Composition, unit: u64, decimals: u32, whole_sum: bool) -> Option<Exact> {
    let scale = 10i128.checked_pow(decimals)?;
    let round = |bytes: u64, times: u64| {
        let scaled = i128::from(bytes).checked_mul(i128::from(times))?.checked_mul(scale)?;
        // Half a unit up.
        scaled.checked_mul(2)?.checked_add(i128::from(unit)).map(|n| n.div_euclid(2 * i128::from(unit)))
    };
    let mut sum = 0i128;
    for term in &composition.terms {
        let total = term.parts.iter().try_fold(0u64, |s, p| s.checked_add(*p))?;
        let rounded = match term.what {
            What::Outputs | What::Peak if whole_sum => round(total, 1)?.checked_mul(term.times.into())?,
            What::Outputs | What::Peak => {
                let parts = term.parts.iter().try_fold(0i128, |s, p| s.checked_add(round(*p, 1)?))?;
                parts.checked_mul(term.times.into())?
            }
            What::Input | What::Parameters | What::Line => round(total, term.times)?,
        };
        sum = sum.checked_add(rounded)?;
    }
    Some(Exact { num: sum.checked_mul(unit.into())?, den: scale })
}

/// The sums that a figure of this name may be taken for, the right one first.
fn compositions(sizing: &Sizing, name: &str) -> Vec<Composition> {
    let (outputs, peak, input, parameters) =
        (sizing.outputs(), sizing.peak_values(), sizing.input_term(), sizing.parameter_term());
    let own = match name {
        "params.size" => vec![parameters.clone()],
        "input.bytes" => vec![input.clone()],
        "feature.bytes" => vec![input.clone(), outputs.clone()],
        "infer.activations" => vec![peak.clone()],
        "infer.memory" => vec![peak.clone(), parameters.clone()],
        "train.activations" => vec![outputs.clone()],
        "train.memory" => vec![outputs.clone(), input.clone(), parameters.clone()],
        _ => sizing.line_term(name).into_iter().collect(),
    };
    let mut all = vec![Composition { terms: own.clone(), slips: Vec::new() }];
    let with = |terms: Vec<Term>, words: String| Composition { terms, slips: vec![Slip::convention(words)] };
    let whole_network = own.iter().any(|t| matches!(t.what, What::Outputs | What::Peak));
    if whole_network {
        for left_out in own.iter().filter(|_| own.len() > 1) {
            let rest = own.iter().filter(|t| *t != left_out).cloned().collect();
            all.push(with(rest, format!("without {}", left_out.what.words())));
        }
        for added in [&input, &parameters].into_iter().filter(|t| !own.contains(t)) {
            all.push(with(own.iter().chain([added]).cloned().collect(), format!("with {}", added.what.words())));
        }
        let swap = |from: What, to: &Term| {
            own.iter().map(|t| if t.what == from { to.clone() } else { t.clone() }).collect::<Vec<_>>()
        };
        if own.contains(&peak) {
            all.push(with(swap(What::Peak, &outputs), "with every layer's output kept".into()));
        } else {
            all.push(with(swap(What::Outputs, &peak), "with only the values alive at once".into()));
        }
        let twice = Term { times: outputs.times.saturating_mul(2), ..outputs.clone() };
        all.push(with(swap(What::Outputs, &twice), "with every output counted twice (once for its gradient)".into()));
    }
    if sizing.batch > 1 {
        let single = own.iter().map(|t| Term { times: 1, ..t.clone() }).collect();
        all.push(with(single, "for one example".into()));
    }
    all
}

impl Sizing<'_> {
    fn per_example(&self, bytes: AtLeast<Bytes>) -> u64 {
        bytes.least.0 / self.batch.max(1)
    }

    fn outputs(&self) -> Term {
        let parts =
            self.model.main.nodes.iter().map(|id| self.per_example(self.activations.bytes_of(*id))).filter(|n| *n > 0);
        Term { what: What::Outputs, parts: parts.collect(), times: self.batch }
    }

    fn peak_values(&self) -> Term {
        let alive = memory::alive_at_overwriting_peak(self.model);
        let parts = alive.into_iter().map(|v| self.per_example(memory::bytes(self.model, v)));
        Term { what: What::Peak, parts: parts.collect(), times: self.batch }
    }

    fn input_term(&self) -> Term {
        Term { what: What::Input, parts: vec![self.per_example(self.input_bytes())], times: self.batch }
    }

    fn parameter_term(&self) -> Term {
        let stored = &self.params.total;
        Term { what: What::Parameters, parts: vec![stored.parameter_bytes.plus(stored.buffer_bytes).least.0], times: 1 }
    }

    fn line_term(&self, name: &str) -> Option<Term> {
        let label = self.line(name.strip_suffix(".bytes")?)?;
        let bytes = self.per_example(memory::bytes(self.model, label.value));
        Some(Term { what: What::Line, parts: vec![bytes], times: self.batch })
    }

    /// Bytes of one parameter, where all have the same type.
    fn parameter_width(&self) -> u64 {
        let nodes: &[NodeId] = &self.model.main.nodes;
        let count = params::used_by(self.model, nodes);
        let (bytes, values) = (count.parameter_bytes.least.0, count.parameters().least.0);
        bytes.checked_div(values).unwrap_or(0)
    }
}
