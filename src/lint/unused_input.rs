//! Inputs that nobody reads.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::{Origin, Severity};
use crate::base::quantity::grouped;

pub(super) static LINT: Lint = Lint {
    name: "unused-input",
    severity: Severity::Warning,
    summary: "an input that nobody reads",
    why: "The caller must feed it, copy it to the device and keep it in memory, and the result does not depend on it.",
    example: "a: input 3@8x8\ninput 1@8x8\nfrom a\nconv 4 3x3",
    remedy: "Remove it, or use it.",
    source: "the graph itself",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for input in &network.model.main.inputs {
        let used = !network.readers[input.index()].is_empty()
            || network.model.main.outputs.contains(input)
            || has_bodies(network);
        if !used && !network.model.main.nodes.is_empty() {
            let value = &network.model.values[*input];
            let bytes = value.ty.bytes().map_or(String::new(), |n| format!(" ({} bytes a batch)", grouped(n)));
            found.push(Finding {
                origin: Origin::File,
                message: format!("nothing reads the input `{}`{bytes}", value.name),
                notes: Vec::new(),
                help: Some("remove it, or use it".into()),
            });
        }
    }
}

/// A sub-graph may read inputs of the network, which `readers` does not list.
fn has_bodies(network: &Network) -> bool {
    network.nodes().any(|(_, n)| !n.bodies.is_empty())
}
