//! Networks in which nothing is learned.

use super::{Finding, Lint, Network};
use crate::analyze::quantity::{self, Figure};
use crate::base::diagnostic::{Origin, Severity};
use crate::base::quantity::grouped;

pub(super) static LINT: Lint = Lint {
    name: "all-frozen",
    severity: Severity::Warning,
    summary: "every parameter is frozen, so there is nothing to train",
    why: "A frozen layer keeps its weights. When all are frozen, training computes gradients for nobody: usually the new head \
          of the network was put inside `frozen { … }` too.",
    example: "input 8\nfrozen {\n  dense 4\n}",
    remedy: "Leave the layers that are to learn outside of `frozen`.",
    source: "the text itself",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    let figure = |name| match quantity::measure(network.sizing, name) {
        Ok((_, Figure::Number(amount))) => amount.known(),
        Ok(_) | Err(_) => None,
    };
    let (Some(frozen @ 1..), Some(0)) = (figure("params.frozen"), figure("params.trainable")) else { return };
    let message = format!("all {} parameters are frozen: nothing is left to train", grouped(frozen));
    let help = Some("leave the layers that are to learn outside of `frozen`".into());
    found.push(Finding { origin: Origin::File, message, notes: Vec::new(), help });
}
