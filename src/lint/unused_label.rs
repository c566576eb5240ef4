//! Labels that nothing refers to.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "unused-label",
    severity: Severity::Hint,
    summary: "a label that nothing refers to",
    why: "A label is there for a skip or a claim. One that is never used again is often a connection that was forgotten, or left \
          over from one that was removed.",
    example: "input 3@8x8\nskip: conv 8 3x3 same\nconv 8 3x3 same",
    remedy: "Refer to it, by `add skip` or `expect skip.params 224`, or remove it.",
    source: "the text itself",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    let Some(document) = network.document else { return };
    for (name, span) in document.unused_labels() {
        let finding = Finding::in_text(*span, format!("nothing refers to `{name}`"));
        found.push(finding.help("refer to it, or remove the label"));
    }
}
