//! An even kernel with "same" padding.

use super::{Finding, Lint, Network, by, ints};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "even-same",
    severity: Severity::Hint,
    summary: "an even kernel with `same` padding pads one side only",
    why: "An even kernel has no centre: one side gets a position more than the other, every layer shifts the image by half a \
          pixel, and frameworks differ in which side it is.",
    example: "input 3@32x32\nconv 16 4x4 same",
    remedy: "An odd kernel, or explicit `pad=a:b`.",
    source: "TensorFlow's `SAME` puts the odd position at the end, ONNX has SAME_UPPER and SAME_LOWER for the two",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let same = node.attributes.string("auto_pad").ok().flatten().is_some_and(|a| a.starts_with("SAME"));
        let Some(kernel) = ints(node, "kernel_shape").filter(|_| same) else { continue };
        let dilation = |axis: usize| ints(node, "dilations").and_then(|d| d.get(axis)).copied().unwrap_or(1);
        let stride = |axis: usize| ints(node, "strides").and_then(|s| s.get(axis)).copied().unwrap_or(1);
        let even = |(axis, k): (usize, &i64)| {
            // Their extent less one, (k − 1)·d, is odd: what pads cannot be halved.
            k % 2 == 0 && dilation(axis) % 2 != 0 && stride(axis) == 1
        };
        if kernel.iter().enumerate().any(even) {
            let message = format!("`same` with a kernel of {} pads one side more than the other", by(kernel));
            found.push(Finding::at(node, message).help("use an odd kernel, or say which side with `pad=a:b`"));
        }
    }
}
