//! Channel counts that leave tensor cores partly idle.

use super::{Finding, Lint, Network, is_conv, percent};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "unaligned-channels",
    severity: Severity::Hint,
    summary: "channel counts that are not a multiple of 8 waste tensor cores at half precision",
    why: "Tensor cores multiply 16-bit matrices in tiles of 8: a count that is not a multiple of 8 is padded up, and the padding \
          is computed and thrown away.",
    example: "input 32@64x64\nconv 33 3x3 same\nconv 33 3x3 same\nconv 10 1x1",
    remedy: "The next multiple of 8; `divisible(n, 8)` computes it.",
    source: "NVIDIA, Convolutional Layers User's Guide: channels should be multiples of 8 with FP16 inputs",
    check,
};

/// Share of a layer's products from which on the waste is worth saying.
const WASTE: u64 = 5;
/// Multiply-accumulates an example from which on a layer counts.
const MACS: u64 = 10_000_000;

fn check(network: &Network, found: &mut Vec<Finding>) {
    let ends = network.model.main.inputs.iter().chain(&network.model.main.outputs);
    let given: Vec<u64> = ends.filter_map(|v| network.sizes(Some(*v))?.get(1).copied()).collect();
    for (id, node) in network.nodes().filter(|(_, n)| is_conv(n)) {
        let Some(weights) = network.sizes(node.inputs.get(1).copied().flatten()) else { continue };
        let macs = network.sizing.macs_of(id).least.0;
        let batch =
            network.sizes(node.inputs.first().copied().flatten()).and_then(|s| s.first().copied()).unwrap_or(1).max(1);
        let grouped = node.attributes.int("group").ok().flatten().is_some_and(|g| g > 1);
        // The image's channels and the number of classes are given by the task, also where maps of classes go on.
        if grouped || macs / batch < MACS {
            continue;
        }
        let [a, b, ..] = weights.as_slice() else { continue };
        if given.contains(a) || given.contains(b) {
            continue;
        }
        let (inputs, outputs) = if node.kind.name == "ConvTranspose" { (a, b) } else { (b, a) };
        let next = |n: &u64| n.checked_next_multiple_of(8).unwrap_or(*n);
        let (used, padded) = (inputs.saturating_mul(*outputs), next(inputs).saturating_mul(next(outputs)));
        if percent(padded.saturating_sub(used), padded) >= WASTE {
            let filled = percent(used, padded);
            let message = format!(
                "{inputs} channels in and {outputs} out fill tensor cores to {filled} %: they work in tiles of 8"
            );
            found.push(Finding::at(node, message).help(format!(
                "{} and {} are the next multiples of 8",
                next(inputs),
                next(outputs)
            )));
        }
    }
}
