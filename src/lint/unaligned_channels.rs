//! Channel counts that leave tensor cores partly idle.

use super::{Finding, Lint, Network, is_conv, percent};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "unaligned-channels",
    severity: Severity::Hint,
    summary: "channel counts that are not a multiple of 8 waste tensor cores at half precision",
    why: "Tensor cores multiply 16-bit matrices in tiles of 8: a count that is not a multiple of 8 is padded up, and the padding \
          is computed and thrown away.",
    example: "input 32@64x64\nconv 33 3x3 same\nconv 33 3x3 same",
    remedy: "The next multiple of 8; `divisible(n, 8)` computes it.",
    source: "NVIDIA, Convolutional Layers User's Guide: channels should be multiples of 8 with FP16 inputs",
    check,
};

/// Share of a layer's products from which on the waste is worth saying.
const WASTE: u64 = 5;
/// Multiply-accumulates an example from which on a layer counts.
const MACS: u64 = 10_000_000;

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (id, node) in network.nodes().filter(|(_, n)| is_conv(n)) {
        let Some(weights) = network.sizes(node.inputs.get(1).copied().flatten()) else { continue };
        let macs = network.sizing.macs_of(id).least.0;
        let batch =
            network.sizes(node.inputs.first().copied().flatten()).and_then(|s| s.first().copied()).unwrap_or(1).max(1);
        let grouped = node.attributes.int("group").ok().flatten().is_some_and(|g| g > 1);
        // The first layer's few channels and the last one's classes are given by the task.
        let from_image = node.inputs.first().copied().flatten().is_some_and(|v| network.model.main.inputs.contains(&v));
        let to_output = node.outputs.iter().flatten().any(|v| network.model.main.outputs.contains(v));
        if grouped || from_image || to_output || macs / batch < MACS {
            continue;
        }
        let [a, b, ..] = weights.as_slice() else { continue };
        let padded = a.next_multiple_of(8).saturating_mul(b.next_multiple_of(8));
        let wasted = percent(padded.saturating_sub(a.saturating_mul(*b)), padded);
        if wasted >= WASTE {
            let message =
                format!("{a} and {b} channels fill tensor cores to {} %: they work in tiles of 8", 100 - wasted);
            found.push(Finding::at(node, message).help(format!(
                "{} and {} are the next multiples of 8",
                a.next_multiple_of(8),
                b.next_multiple_of(8)
            )));
        }
    }
}
