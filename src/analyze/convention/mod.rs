//! Counting conventions: what other tools and papers call the "MACs" or "FLOPs" of the same network. Each is a small
//! table of what an operator is charged; the operator says how much of what there is, by class.
//!
//! The default, `cnnsize`, counts multiply-accumulates of convolutions, dense layers and matrix products, without
//! biases, and two floating-point operations for each: what papers and torchvision publish.
//!
//! Tools that hook PyTorch's modules and functions see a program and not a graph. What a layer with weights of its own
//! costs them is in the graph: it is the module of `torch.nn` that has these weights. Whether what has no weights (a
//! pool, a softmax, a sum) was a module, a function call or an operator such as `+` is not: the charge is a lower bound
//! then, and the report says how much more it may be ([`Doubt`]).

mod hooks;
mod table;

pub use table::{CONVENTIONS, REFUSED};

use crate::base::quantity::grouped;
use crate::ops::price::{self, Each, Price, PriceList, Sizes, Term};
use crate::ops::rules::{Arithmetic, Class, Work};

/// A named way of counting.
#[derive(Debug)]
pub struct Convention {
    /// Its name, as `--convention` takes it.
    pub name: &'static str,
    /// What it counts, in a line.
    pub doc: &'static str,
    /// Whose rule it is, with the version that was read and run.
    pub source: &'static str,
    /// How the figure follows that the tool gives for multiply-accumulates.
    macs: Rule,
    /// What it gives for floating-point operations.
    flops: Flops,
    /// What a graph leaves open.
    doubts: &'static [Doubt],
    /// Where the tool does not follow its own rule, and the convention does.
    pub faults: &'static [&'static str],
}

/// How a figure follows from the operators.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// From their classes.
    Terms(&'static [Term]),
    /// From their names, stored values included.
    Prices(&'static PriceList),
}

/// How a convention's floating-point operations follow.
#[derive(Clone, Copy, Debug)]
enum Flops {
    /// So many for each multiply-accumulate (1 where the tool calls that figure "FLOPs").
    Times(u64),
    /// Terms of their own.
    Terms(&'static [Term]),
}

/// What a tool may charge operators of these classes beyond the convention's terms, or not, for a reason that is not in
/// a graph.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    classes: &'static [Class],
    /// Which figure.
    of: Of,
    /// When it charges how much more.
    more: More,
    /// Whether the first of them is a module of `torch.nn` that is commonly written there.
    module: bool,
    /// When it charges nothing more.
    nothing: &'static str,
}

/// Terms, and when they are charged.
type More = &'static [(&'static [(Each, i64)], &'static str)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Macs,
    Flops,
}

/// What one operator is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    /// Multiply-accumulates.
    pub(super) macs: u64,
    /// Floating-point operations.
    pub(super) flops: u64,
    /// What may come on top.
    pub(super) open: Option<Open>,
}

/// What a tool may have charged on top of a lower bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// More multiply-accumulates, if it was a module of `torch.nn`; `None` where they are not in doubt.
    pub(super) macs: Option<u64>,
    /// The same of floating-point operations.
    pub(super) flops: Option<u64>,
    /// Why.
    pub(super) reason: String,
}

/// The convention of this name.
pub fn find(name: &str) -> Option<&'static Convention> {
    CONVENTIONS.iter().find(|c| c.name == name)
}

/// The default.
pub fn default() -> &'static Convention {
    &CONVENTIONS[0]
}

/// What a size that is not known leaves of a charge.
const NO_SIZE: &str = "a size is not known, or the count does not fit into 64 bits";

impl Convention {
    /// What an operator is charged whose arithmetic is known, or why that is not known.
    pub(super) fn charge(&self, arithmetic: &Arithmetic, sizes: Sizes) -> Result<Amount, String> {
        let Rule::Terms(terms) = self.macs else { return Err(NO_SIZE.into()) };
        let macs = sum(terms, arithmetic, sizes).ok_or(NO_SIZE)?;
        let flops = match self.flops {
            Flops::Times(n) => macs.checked_mul(n),
            Flops::Terms(terms) => sum(terms, arithmetic, sizes),
        };
        Ok(Amount { macs, flops: flops.ok_or(NO_SIZE)?, open: self.open(arithmetic, sizes)? })
    }

    /// What a tool that goes by names charges; `None` for a convention that does not.
    pub(super) fn price(&self, operator: &str, work: &Work, sizes: Sizes) -> Option<Result<Amount, String>> {
        let Rule::Prices(list) = self.macs else { return None };
        let flops = |macs: u64| match self.flops {
            Flops::Times(n) => macs.checked_mul(n),
            Flops::Terms(_) => None,
        };
        Some(match list.price(operator, work, sizes) {
            Price::Known(macs) => {
                flops(macs).map(|flops| Amount { macs, flops, open: None }).ok_or_else(|| NO_SIZE.into())
            }
            Price::Open => Err(NO_SIZE.into()),
            Price::Foreign => Err(format!("{} has no price for it", list.tool)),
        })
    }

    /// Whether operators of this class are charged for nothing but multiply-accumulates and biases.
    pub(super) fn ignores(&self, class: Class) -> bool {
        let terms = |rule: &'static [Term]| rule.iter().filter(|t| !matches!(t.each, Each::Mac | Each::Bias));
        let macs = if let Rule::Terms(list) = self.macs { list } else { &[] };
        let flops = if let Flops::Terms(list) = self.flops { list } else { &[] };
        let doubted = self.doubts.iter().any(|d| d.classes.contains(&class));
        !doubted && !terms(macs).chain(terms(flops)).any(|t| t.concerns(class))
    }

    /// What a graph leaves open, a line each: the operators, and when they are charged.
    pub fn left_open(&self) -> impl Iterator<Item = String> {
        self.doubts.iter().map(|doubt| {
            let figure = if doubt.of == Of::Macs { "" } else { "FLOPs of " };
            let classes: Vec<&str> = doubt.classes.iter().map(|class| class.words()).collect();
            let when: Vec<&str> = doubt.more.iter().map(|(_, when)| *when).collect();
            format!("{figure}{}: counted {}, not {}", classes.join(", "), when.join(" or "), doubt.nothing)
        })
    }

    /// Whether what it charges depends on calls that a graph may hold as several operators.
    pub(super) fn goes_by_calls(&self) -> bool {
        let biases = matches!(self.macs, Rule::Terms(terms) if terms.iter().any(|t| t.each == Each::Bias));
        self.leaves_open() || biases || !self.ignores(Class::Multiply)
    }

    /// Whether a graph leaves open what some operators cost.
    pub(super) fn leaves_open(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// What may come on top, if anything, or why that is not known.
    fn open(&self, arithmetic: &Arithmetic, sizes: Sizes) -> Result<Option<Open>, String> {
        let mut open: Option<Open> = None;
        for doubt in self.doubts.iter().filter(|d| d.classes.contains(&arithmetic.class)) {
            let Some((as_module, reason)) = doubt.ask(arithmetic, sizes)? else { continue };
            let (macs, flops) = match (doubt.of, self.flops) {
                (Of::Flops, _) => (None, Some(as_module)),
                (Of::Macs, Flops::Times(n)) => (Some(as_module), Some(as_module.checked_mul(n).ok_or(NO_SIZE)?)),
                (Of::Macs, Flops::Terms(_)) => (Some(as_module), None),
            };
            open = Some(match open {
                None => Open { macs, flops, reason },
                Some(one) => Open { macs: one.macs.or(macs), flops: one.flops.or(flops), reason: one.reason },
            });
        }
        Ok(open)
    }
}

impl Doubt {
    /// How much more a module of `torch.nn` costs (0 where none is in question), and when which amount is charged; nothing
    /// where all amounts are 0.
    fn ask(&self, arithmetic: &Arithmetic, sizes: Sizes) -> Result<Option<(u64, String)>, String> {
        let mut amounts = Vec::new();
        for (terms, when) in self.more {
            let terms: Vec<Term> = terms.iter().map(|(each, times)| Term::any(*each, *times)).collect();
            amounts.push((price::sum(&terms, Some(arithmetic), sizes).ok_or(NO_SIZE)?, when));
        }
        if amounts.iter().all(|(more, _)| *more == 0) {
            return Ok(None);
        }
        let words: Vec<String> = amounts.iter().map(|(more, when)| format!("{} more {when}", grouped(*more))).collect();
        let reason = format!("{}, nothing {}, which a graph does not tell", words.join(", "), self.nothing);
        let as_module = amounts.first().map_or(0, |(more, _)| if self.module { *more } else { 0 });
        Ok(Some((as_module, reason)))
    }
}

fn sum(terms: &'static [Term], arithmetic: &Arithmetic, sizes: Sizes) -> Option<u64> {
    price::sum(terms.iter().filter(|t| t.concerns(arithmetic.class)), Some(arithmetic), sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_amount_matters_only_to_conventions_that_charge_for_it() {
        let fvcore = find("fvcore").unwrap();
        assert!(default().ignores(Class::LayerNorm) && default().ignores(Class::Other));
        assert!(!fvcore.ignores(Class::LayerNorm) && fvcore.ignores(Class::Other));
        assert!(!find("goodfellow").unwrap().ignores(Class::Product));
        assert!(!find("thop").unwrap().ignores(Class::Softmax));
    }

    #[test]
    fn no_name_is_both_offered_and_refused() {
        let names: Vec<&str> =
            CONVENTIONS.iter().map(|c| c.name).chain(REFUSED.iter().map(|(name, _)| *name)).collect();
        assert_eq!(names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)), None);
    }
}
