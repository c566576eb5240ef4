//! Values that nobody uses.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "dead-end",
    severity: Severity::Warning,
    summary: "a layer whose result nobody uses",
    why: "What the layer computes reaches no output: it costs time, memory and parameters, and training never changes its \
          weights.",
    example: "input 3@8x8\nside { conv 4 3x3 }\nconv 8 3x3",
    remedy: "Mark it with `output`, use it, or remove it.",
    source: "the graph itself",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let unused = |v: &crate::graph::ValueId| {
            network.readers[v.index()].is_empty() && !network.model.main.outputs.contains(v)
        };
        let mut outputs = node.outputs.iter().flatten();
        if node.bodies.is_empty()
            && outputs.clone().next().is_some()
            && outputs.all(unused)
            && !read_inside(network, node)
        {
            found.push(
                Finding::at(node, format!("nothing uses the result of `{}`", node.name))
                    .help("mark it with `output`, or remove it"),
            );
        }
    }
}

/// Whether a sub-graph reads one of the node's outputs.
fn read_inside(network: &Network, node: &crate::graph::Node) -> bool {
    let mut bodies: Vec<_> = network.nodes().flat_map(|(_, n)| &n.bodies).collect();
    while let Some(body) = bodies.pop() {
        for inner in body.nodes.iter().map(|id| &network.model.nodes[*id]) {
            if inner.inputs.iter().flatten().any(|v| node.outputs.contains(&Some(*v))) {
                return true;
            }
            bodies.extend(&inner.bodies);
        }
        if body.outputs.iter().any(|v| node.outputs.contains(&Some(*v))) {
            return true;
        }
    }
    false
}
