//! A first dense layer that holds most of the network's parameters.

use super::{Finding, Lint, Network, percent, product};
use crate::base::diagnostic::Severity;
use crate::base::quantity::grouped;

pub(super) static LINT: Lint = Lint {
    name: "dominant-dense",
    severity: Severity::Hint,
    summary: "the first dense layer behind the convolutions holds most of the parameters",
    why: "A dense layer on flattened maps has one weight for every position of every map and every unit. In VGG-16 it is 74 % \
          of the network. Averaging each map to one value first keeps the maps and drops the positions.",
    example: "input 512@7x7\nconv 512 3x3 same\nflatten\ndense 4096\ndense 1000",
    remedy: "`avgpool global` before `flatten`, a smaller last map, or fewer units.",
    source: "Lin, Chen, Yan: Network In Network (2013), section 3.2; used by GoogLeNet and ResNet",
    check,
};

/// From this share on, and from this many parameters on (a small network's classifier is no finding).
const SHARE: u64 = 50;
const PARAMETERS: u64 = 1_000_000;

fn check(network: &Network, found: &mut Vec<Finding>) {
    let Some(total) = network.sizing.parameters().known().map(|n| n.0).filter(|n| *n > 0) else { return };
    for (_, node) in network.nodes().filter(|(_, n)| n.kind.name == "Gemm") {
        let Some((flatten, maps)) = flattened(network, node) else { continue };
        let weights = network.sizes(node.inputs.get(1).copied().flatten());
        let (Some(own), Some(values), Some(positions)) =
            (weights.and_then(|sizes| product(&sizes)), product(&maps[1..]), product(&maps[2..]))
        else {
            continue;
        };
        if own >= PARAMETERS && percent(own, total) >= SHARE {
            let message = format!(
                "`{}` holds {} % of the parameters: {} of {}",
                node.name,
                percent(own, total),
                grouped(own),
                grouped(total)
            );
            found.push(
                Finding::at(node, message)
                    .note(format!("`{flatten}` gives it {} values, {positions} for each map", grouped(values)))
                    .help(format!(
                        "`avgpool global` before `flatten` leaves {} of its weights",
                        grouped(own / positions.max(1))
                    )),
            );
        }
        return;
    }
}

/// The flattening that a dense layer reads, dropout and the like passed over, and the maps that go into it.
fn flattened<'a>(network: &'a Network, dense: &'a crate::graph::Node) -> Option<(&'a str, Vec<u64>)> {
    let mut node = network.before(dense)?;
    while node.kind.name == "Dropout" {
        node = network.before(node)?;
    }
    let maps = network.sizes(node.inputs.first().copied().flatten()).filter(|s| s.len() > 2)?;
    let is_flattening = matches!(node.kind.name, "Flatten" | "Reshape") && maps.iter().skip(2).any(|size| *size > 1);
    is_flattening.then_some((&*node.name, maps))
}
