//! A dense layer that ties the network to one image size.

use super::{Finding, Lint, Network, by};
use crate::base::diagnostic::{Origin, Severity};
use crate::graph::Node;

pub(super) static LINT: Lint = Lint {
    name: "fixed-image-size",
    severity: Severity::Hint,
    summary: "a dense layer on flattened maps fixes the size of the image",
    why: "The dense layer has a weight for every position of the last maps, so the network takes images of one size only. As \
          a convolution with a kernel of that size it has the same parameters and takes any larger image.",
    example: "input 3@64x64\nconv 16 3x3 /2 same\nconv 32 3x3 /2 same\nflatten\ndense 10",
    remedy: "`conv UNITS HxW` in place of `flatten` and `dense UNITS`, or `avgpool global` before `flatten`.",
    source: "Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation (2015), section 3",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    let follows = following_the_image(network);
    for (_, node) in network.nodes().filter(|(_, n)| n.kind.name == "Gemm") {
        let mut source = network.before(node);
        while let Some(before) = source.filter(|n| n.kind.name == "Dropout") {
            source = network.before(before);
        }
        let Some(flatten) = source.filter(|n| matches!(n.kind.name, "Flatten" | "Reshape")) else { continue };
        let Some(input) = flatten.inputs.first().copied().flatten() else { continue };
        let Some(maps) = network.sizes(Some(input)).filter(|s| s.len() > 2) else { continue };
        let (Some(units), image) = (network.sizes(node.outputs.first().copied().flatten()), image(network)) else {
            continue;
        };
        let is_tied = follows[input.index()] && maps.iter().skip(2).any(|n| *n > 1);
        let Some(image) = image.filter(|_| is_tied) else { continue };
        let units = units.last().copied().unwrap_or(0);
        let message = format!("`{}` ties the network to images of {}", node.name, by(&image[2..]));
        found.push(Finding::at(node, message).help(format!(
            "`conv {units} {}` in its place has the same parameters and takes larger images",
            by(&maps[2..])
        )));
        return;
    }
}

/// Pools that give maps of one size whatever comes in.
const FIXING: &[&str] = &["AdaptiveAveragePool", "AdaptiveMaxPool", "GlobalAveragePool", "GlobalMaxPool"];

/// Values, by place, whose size depends on that of the image: some way from an input has no pool to a fixed size.
fn following_the_image(network: &Network) -> Vec<bool> {
    let mut follows = vec![false; network.model.values.len()];
    network.model.main.inputs.iter().for_each(|input| follows[input.index()] = true);
    for (_, node) in network.nodes() {
        if node.inputs.iter().flatten().any(|input| follows[input.index()]) && !is_to_a_size(network, node) {
            node.outputs.iter().flatten().for_each(|output| follows[output.index()] = true);
        }
    }
    follows
}

/// Whether a node gives maps of one size whatever comes in. Where sizes divide evenly, a text's `avgpool to=6x6` is a
/// pool like any other, and only the text tells.
fn is_to_a_size(network: &Network, node: &Node) -> bool {
    let says_so = || {
        let (Some(document), Origin::Text(span)) = (network.document, &node.origin) else { return false };
        let mut before = document.sources.text(*span).rsplit('=').skip(1);
        before.any(|part| part.split_whitespace().next_back() == Some("to"))
    };
    FIXING.contains(&node.kind.name) || (matches!(node.kind.name, "AveragePool" | "MaxPool") && says_so())
}

fn image(network: &Network) -> Option<Vec<u64>> {
    network.model.main.inputs.first().and_then(|v| network.sizes(Some(*v))).filter(|s| s.len() > 2)
}
