//! A bias that the norm behind it takes away again.

use super::{Finding, Lint, Network, is_conv, product};
use crate::base::diagnostic::Severity;
use crate::base::quantity::grouped;

pub(super) static LINT: Lint = Lint {
    name: "bias-before-norm",
    severity: Severity::Hint,
    summary: "a bias directly before a batch norm has no effect",
    why: "Batch norm subtracts the mean of every channel, and a bias shifts that mean by itself: whatever is learned as a \
          bias is subtracted again. The parameters, their gradients and their optimiser state are wasted.",
    example: "input 3@32x32\nconv 64 3x3 same bn relu",
    remedy: "Write `nobias` on the layer, or `default conv nobias` for the file. In PyTorch `bias=False`, in Keras \
             `use_bias=False`.",
    source: "Ioffe and Szegedy, Batch Normalization (2015), section 3.2: the bias can be ignored, since its effect is \
             cancelled by the subsequent mean subtraction.",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let biased = (is_conv(node) || node.kind.name == "Gemm") && node.inputs.get(2).is_some_and(Option::is_some);
        let Some((_, next)) = network.only_reader(node).filter(|_| biased) else { continue };
        if next.kind.name != "BatchNormalization" {
            continue;
        }
        let message = format!("the bias of `{}` has no effect: `{}` subtracts the mean", node.name, next.name);
        let finding = Finding::at(node, message).help("write `nobias`");
        found.push(match network.sizes(node.inputs[2]).and_then(|sizes| product(&sizes)) {
            Some(bias) => finding.note(format!("{} parameters for nothing", grouped(bias))),
            None => finding,
        });
    }
}
