//! A softmax before a loss that takes logits, or before another softmax.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "softmax-before-loss",
    severity: Severity::Warning,
    summary: "a softmax before a loss or a softmax that applies one itself",
    why: "A loss on logits applies the softmax itself. On probabilities it is applied twice: the result still sums to one, but \
          its gradients nearly vanish and training crawls.",
    example: "input 64\ndense 10 softmax\nsoftmax",
    remedy: "Leave the first softmax out, or use a loss on probabilities.",
    source: "PyTorch, CrossEntropyLoss: the input is expected to contain the unnormalized logits; Keras, from_logits=True",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let applies = matches!(node.kind.name, "SoftmaxCrossEntropyLoss" | "Softmax" | "LogSoftmax");
        let Some(before) = network.before(node).filter(|b| applies && matches!(b.kind.name, "Softmax" | "LogSoftmax"))
        else {
            continue;
        };
        let message = format!("`{}` applies a softmax to what `{}` made probabilities already", node.name, before.name);
        found.push(Finding::at(before, message).help("leave the first softmax out"));
    }
}
