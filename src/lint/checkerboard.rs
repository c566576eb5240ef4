//! Transposed convolutions whose windows overlap unevenly.

use super::{Finding, Lint, Network, by, ints, whole};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "checkerboard",
    severity: Severity::Hint,
    summary: "a transposed convolution whose kernel is not a multiple of its stride",
    why: "Each output position of a transposed convolution sums kernel/stride products. When the stride does not divide the \
          kernel, neighbouring positions sum different numbers of them, and a pattern like a checkerboard shows in what the \
          network draws.",
    example: "input 8@16x16\nupconv 4 3x3 /2",
    remedy: "A kernel that the stride divides (`4x4 /2`, `2x2 /2`), or `upsample 2` and then a convolution.",
    source: "Odena, Dumoulin, Olah: Deconvolution and Checkerboard Artifacts, Distill (2016)",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes().filter(|(_, n)| n.kind.name == "ConvTranspose") {
        let strides = ints(node, "strides").and_then(whole);
        let (Some(strides), Some(weights)) = (strides, network.sizes(node.inputs.get(1).copied().flatten())) else {
            continue;
        };
        let kernel = weights.get(2..).unwrap_or(&[]);
        let uneven = |(k, s): (&u64, &u64)| *s > 1 && k % s != 0;
        if kernel.iter().zip(&strides).any(uneven) {
            let message = format!(
                "a kernel of {} is not a multiple of the stride {}: outputs sum unequal numbers of products",
                by(kernel),
                by(&strides)
            );
            let better = kernel.iter().zip(&strides).map(|(k, s)| k.checked_next_multiple_of(*s));
            found.push(Finding::at(node, message).help(match better.collect::<Option<Vec<u64>>>() {
                Some(better) => {
                    format!("a kernel of {} fits the stride, or `upsample` before a convolution", by(&better))
                }
                None => "use `upsample` before a convolution".into(),
            }));
        }
    }
}
