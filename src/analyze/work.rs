//! Arithmetic: every operator is asked, its answer charged by the chosen convention, and the answers added up.

use super::convention::{Convention, Sizes};
use crate::base::quantity::{AtLeast, Elements, Macs};
use crate::graph::{Model, NodeId};
use crate::ops::rules::{Operations, Work};

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
    let nodes = vec![Charge::default(); model.nodes.len()];
    let mut all = Arithmetic {
        macs: AtLeast::exact(Macs::ZERO),
        flops: AtLeast::exact(Elements::ZERO),
        operations: Operations::default(),
        incomplete: false,
        nodes,
    };
    for id in &model.main.nodes {
        let charge = charge(model, *id, convention);
        all.macs = all.macs.plus(charge.macs);
        all.flops = all.flops.plus(charge.flops);
        all.incomplete |= charge.unknown.is_some();
        match all.operations.plus(charge.operations) {
            Some(sum) => all.operations = sum,
            None => all.incomplete = true,
        }
        all.nodes[id.index()] = charge;
    }
    all
}

fn charge(model: &Model, id: NodeId, convention: &Convention) -> Charge {
    let node = &model.nodes[id];
    // What is made of stored values alone is made once, when the network is loaded.
    if node.constant {
        return Charge::default();
    }
    let mut sum = match model.at(id, |op, at| (op.work(at), Sizes::of(at))) {
        (Work::Free, _) => Charge::default(),
        (Work::Unmodelled(reason), _) => Charge {
            macs: AtLeast::unknown(),
            flops: AtLeast::unknown(),
            unknown: Some(reason),
            operations: Operations::default(),
        },
        (Work::Counted(arithmetic), sizes) => match convention.charge(&arithmetic, sizes) {
            Some((macs, flops)) => Charge {
                macs: AtLeast::exact(Macs(macs)),
                flops: AtLeast::exact(Elements(flops)),
                unknown: None,
                operations: arithmetic.operations,
            },
            None => Charge {
                macs: AtLeast::unknown(),
                flops: AtLeast::unknown(),
                unknown: Some("the count does not fit into 64 bits".into()),
                operations: Operations::default(),
            },
        },
    };
    // One run of each sub-graph; a loop whose trip count is not known says so itself.
    for inner in node.bodies.iter().flat_map(|b| &b.nodes) {
        let inner = charge(model, *inner, convention);
        sum.macs = sum.macs.plus(inner.macs);
        sum.flops = sum.flops.plus(inner.flops);
        sum.unknown = sum.unknown.or(inner.unknown);
        sum.operations = sum.operations.plus(inner.operations).unwrap_or(sum.operations);
    }
    sum
}
