//! A stride larger than its window.

use super::{Finding, Lint, Network, by, ints, product, whole};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "stride-skips",
    severity: Severity::Warning,
    summary: "a stride larger than the window never looks at some positions",
    why: "Between two windows lie positions that no window covers: what the layer before computed there is thrown away.",
    example: "input 3@32x32\nconv 8 2x2 /3",
    remedy: "A window at least as large as the stride, or the stride in the layer before.",
    source: "the window's definition",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let sizes = |name| ints(node, name).and_then(whole);
        let (Some(kernel), Some(strides)) = (sizes("kernel_shape"), sizes("strides")) else { continue };
        if node.kind.name == "ConvTranspose" || !kernel.iter().zip(&strides).any(|(k, s)| s > k) {
            continue;
        }
        // A strided 1x1 on a shortcut is how ResNet is built: it takes every second position on purpose.
        if kernel.iter().all(|k| *k == 1) {
            continue;
        }
        let seen = product(kernel.iter().zip(&strides).map(|(k, s)| k.min(s)));
        let (Some(all), Some(seen)) = (product(&strides), seen) else { continue };
        let message = format!(
            "a stride of {} with a {} window never looks at {} of {all} positions",
            by(&strides),
            by(&kernel),
            all.saturating_sub(seen)
        );
        found.push(Finding::at(node, message).help(format!("use a window of at least {}", by(&strides))));
    }
}
