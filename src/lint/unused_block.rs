//! Blocks that nobody calls.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "unused-block",
    severity: Severity::Warning,
    summary: "a block that no line calls, in a file that has a model",
    why: "What is in the block is not in the network, and none of the figures holds for it.",
    example: "block head(n) {\n  dense n\n}\ninput 8\ndense 4",
    remedy: "Call it or remove it. A file of blocks alone, for others to import, is left alone.",
    source: "the text itself",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    let Some(document) = network.document else { return };
    for (name, span) in document.unused_blocks() {
        let finding = Finding::in_text(*span, format!("no line calls the block `{name}`"));
        found.push(finding.help("call it, or remove it"));
    }
}
