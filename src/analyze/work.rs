//! Arithmetic: every operator is asked, its answer charged by the chosen convention, and the answers added up.

use super::convention::{Amount, Convention};
use super::idiom::Idioms;
use crate::base::quantity::{AtLeast, Elements, Macs};
use crate::graph::{Body, Model, NodeId};
use crate::ops::price::Sizes;
use crate::ops::rules::{Arithmetic, Operations, Work};

/// What one node is charged.
#[derive(Clone, Debug, Default)]
pub(super) struct Charge {
    /// Multiply-accumulates.
    pub(super) macs: AtLeast<Macs>,
    /// Floating-point operations.
    pub(super) flops: AtLeast<Elements>,
    /// Why the charge is only a lower bound, if it is.
    pub(super) unknown: Option<String>,
    /// Multiply-accumulates and floating-point operations that come on top of a lower bound where every layer that may
    /// be a module of `torch.nn` is one; `None` for an amount that no module explains.
    pub(super) as_modules: Option<(u64, u64)>,
    operations: Operations,
    /// Whether something is missing from `operations`.
    incomplete: bool,
}

/// Sums, and the charge of every node.
pub(super) struct Totals {
    pub(super) macs: AtLeast<Macs>,
    pub(super) flops: AtLeast<Elements>,
    pub(super) operations: Operations,
    /// Whether something is missing from `operations`.
    pub(super) incomplete: bool,
    /// By node.
    pub(super) nodes: Vec<Charge>,
}

/// Asks every node of the network, those of sub-graphs included (their charge is their owner's).
pub(super) fn count(model: &Model, convention: &Convention) -> Totals {
    let mut nodes = vec![Charge::default(); model.nodes.len()];
    let mut sum = Charge::default();
    let counting = Counting {
        model,
        convention,
        idioms: if convention.goes_by_calls() { Idioms::of(model) } else { Idioms::default() },
    };
    for id in &model.main.nodes {
        let charge = counting.charge(*id);
        sum = sum.plus(charge.clone());
        nodes[id.index()] = charge;
    }
    Totals { macs: sum.macs, flops: sum.flops, operations: sum.operations, incomplete: sum.incomplete, nodes }
}

struct Counting<'a> {
    model: &'a Model,
    convention: &'a Convention,
    idioms: Idioms,
}

impl Counting<'_> {
    fn charge(&self, id: NodeId) -> Charge {
        let node = &self.model.nodes[id];
        let (work, sizes) = self.model.at(id, |op, at| (op.work(at), Sizes::of(at)));
        let price = self.convention.price(&node.op_type, &work, sizes);
        // What is made of stored values alone is made once, when the network is loaded. Products are counted all the
        // same: a network that has them (positions through a small network of their own) is run with them where counts
        // come from.
        let once = node.constant && !matches!(work, Work::Counted(Arithmetic { macs: 1.., .. }));
        let charge = match work {
            _ if once => Charge::default(),
            Work::Free => Charge::default(),
            Work::Unmodelled(reason) => Charge::unknown(reason),
            Work::Uncounted(class, reason) if self.convention.ignores(class) => {
                Charge { unknown: Some(reason), incomplete: true, ..Charge::default() }
            }
            Work::Uncounted(_, reason) => Charge::unknown(reason),
            Work::Counted(arithmetic) if price.is_some() => Charge::of_operations(arithmetic.operations),
            Work::Counted(arithmetic) => {
                let called = self.idioms.called(id, arithmetic);
                match self.convention.charge(&called, sizes) {
                    Ok(amount) => Charge::of_operations(arithmetic.operations).with(amount),
                    Err(reason) => Charge::unknown(reason),
                }
            }
            Work::Runs(times) => {
                let runs = node.bodies.iter().zip(times);
                runs.map(|(body, n)| self.body(body).times(n)).fold(Charge::default(), Charge::plus)
            }
        };
        match price {
            // A tool that goes by names counts stored values too, and looks into no sub-graph.
            Some(Ok(amount)) => Charge { unknown: charge.unknown.filter(|_| charge.incomplete), ..charge }.with(amount),
            Some(Err(reason)) => charge.without_price(reason),
            None => charge,
        }
    }

    fn body(&self, body: &Body) -> Charge {
        body.nodes.iter().map(|id| self.charge(*id)).fold(Charge::default(), Charge::plus)
    }
}

const TOO_LARGE: &str = "the count does not fit into 64 bits";

impl Charge {
    fn unknown(reason: String) -> Charge {
        Charge {
            macs: AtLeast::unknown(),
            flops: AtLeast::unknown(),
            unknown: Some(reason),
            incomplete: true,
            ..Charge::default()
        }
    }

    fn of_operations(operations: Operations) -> Charge {
        Charge { operations, ..Charge::default() }
    }

    /// This amount in place of what there was.
    fn with(self, amount: Amount) -> Charge {
        let Amount { macs, flops, open: left } = amount;
        let open = |more: Option<Option<u64>>| (more.flatten().is_some(), more.flatten().unwrap_or(0));
        let (macs_open, more_macs) = open(left.as_ref().map(|l| l.macs));
        let (flops_open, more_flops) = open(left.as_ref().map(|l| l.flops));
        Charge {
            macs: AtLeast { least: Macs(macs), incomplete: macs_open },
            flops: AtLeast { least: Elements(flops), incomplete: flops_open },
            unknown: left.map(|l| l.reason).or(self.unknown),
            as_modules: (macs_open || flops_open).then_some((more_macs, more_flops)),
            ..self
        }
    }

    fn without_price(self, reason: String) -> Charge {
        Charge { macs: AtLeast::unknown(), flops: AtLeast::unknown(), unknown: Some(reason), ..self }
    }

    fn plus(self, other: Charge) -> Charge {
        let operations = self.operations.plus(other.operations);
        let overflow = operations.is_none().then(|| TOO_LARGE.into());
        Charge {
            macs: self.macs.plus(other.macs),
            flops: self.flops.plus(other.flops),
            incomplete: self.incomplete || other.incomplete || overflow.is_some(),
            unknown: self.unknown.or(other.unknown).or(overflow),
            as_modules: match (self.as_modules, other.as_modules) {
                (Some((a, b)), Some((c, d))) => Some((a.saturating_add(c), b.saturating_add(d))),
                (one, None) => one,
                (None, other) => other,
            },
            operations: operations.unwrap_or(self.operations),
        }
    }

    fn times(self, n: u64) -> Charge {
        let operations = self.operations.times(n);
        let overflow = operations.is_none().then(|| TOO_LARGE.into());
        Charge {
            macs: self.macs.times(n),
            flops: self.flops.times(n),
            incomplete: self.incomplete || overflow.is_some(),
            unknown: self.unknown.or(overflow),
            as_modules: self.as_modules.map(|(a, b)| (a.saturating_mul(n), b.saturating_mul(n))),
            operations: operations.unwrap_or(self.operations),
        }
    }
}
