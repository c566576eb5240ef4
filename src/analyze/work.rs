//! Arithmetic: every operator is asked, its answer charged by the chosen convention, and the answers added up.

use super::convention::{Convention, Sizes};
use crate::base::quantity::{AtLeast, Elements, Macs};
use crate::graph::{Body, Model, NodeId};
use crate::ops::rules::{self, Operations, Work};

/// What one node is charged.
#[derive(Clone, Debug, Default)]
pub(super) struct Charge {
    /// Multiply-accumulates.
    pub(super) macs: AtLeast<Macs>,
    /// Floating-point operations.
    pub(super) flops: AtLeast<Elements>,
    /// Why the charge is only a lower bound, if it is.
    pub(super) unknown: Option<String>,
    operations: Operations,
}

/// Sums, and the charge of every node.
pub(super) struct Arithmetic {
    pub(super) macs: AtLeast<Macs>,
    pub(super) flops: AtLeast<Elements>,
    pub(super) operations: Operations,
    /// Whether something is missing from `operations`.
    pub(super) incomplete: bool,
    /// By node.
    pub(super) nodes: Vec<Charge>,
}

/// Asks every node of the network, those of sub-graphs included (their charge is their owner's).
pub(super) fn count(model: &Model, convention: &Convention) -> Arithmetic {
    let mut nodes = vec![Charge::default(); model.nodes.len()];
    let mut sum = Charge::default();
    for id in &model.main.nodes {
        let charge = charge(model, *id, convention);
        sum = sum.plus(charge.clone());
        nodes[id.index()] = charge;
    }
    Arithmetic {
        macs: sum.macs,
        flops: sum.flops,
        operations: sum.operations,
        incomplete: sum.unknown.is_some(),
        nodes,
    }
}

fn charge(model: &Model, id: NodeId, convention: &Convention) -> Charge {
    let node = &model.nodes[id];
    let (work, sizes) = model.at(id, |op, at| (op.work(at), Sizes::of(at)));
    // What is made of stored values alone is made once, when the network is loaded. Products are counted all the same:
    // a network that has them (positions through a small network of their own) is run with them where counts come from.
    if node.constant && !matches!(work, Work::Counted(rules::Arithmetic { macs: 1.., .. })) {
        return Charge::default();
    }
    match work {
        Work::Free => Charge::default(),
        Work::Unmodelled(reason) => Charge::unknown(reason),
        Work::Uncounted(class, reason) if convention.ignores(class) => {
            Charge { unknown: Some(reason), ..Charge::default() }
        }
        Work::Uncounted(_, reason) => Charge::unknown(reason),
        Work::Counted(arithmetic) => match convention.charge(&arithmetic, sizes) {
            Some((macs, flops)) => Charge {
                macs: AtLeast::exact(Macs(macs)),
                flops: AtLeast::exact(Elements(flops)),
                unknown: None,
                operations: arithmetic.operations,
            },
            None => Charge::unknown("a size is not known, or the count does not fit into 64 bits".into()),
        },
        Work::Runs(times) => {
            let once = |body: &Body| {
                body.nodes.iter().map(|n| charge(model, *n, convention)).fold(Charge::default(), Charge::plus)
            };
            node.bodies.iter().zip(times).map(|(body, n)| once(body).times(n)).fold(Charge::default(), Charge::plus)
        }
    }
}

const TOO_LARGE: &str = "the count does not fit into 64 bits";

impl Charge {
    fn unknown(reason: String) -> Charge {
        Charge {
            macs: AtLeast::unknown(),
            flops: AtLeast::unknown(),
            unknown: Some(reason),
            operations: Operations::default(),
        }
    }

    fn plus(self, other: Charge) -> Charge {
        let operations = self.operations.plus(other.operations);
        let overflow = operations.is_none().then(|| TOO_LARGE.into());
        Charge {
            macs: self.macs.plus(other.macs),
            flops: self.flops.plus(other.flops),
            unknown: self.unknown.or(other.unknown).or(overflow),
            operations: operations.unwrap_or(self.operations),
        }
    }

    fn times(self, n: u64) -> Charge {
        let operations = self.operations.times(n);
        let overflow = operations.is_none().then(|| TOO_LARGE.into());
        Charge {
            macs: self.macs.times(n),
            flops: self.flops.times(n),
            unknown: self.unknown.or(overflow),
            operations: operations.unwrap_or(self.operations),
        }
    }
}
