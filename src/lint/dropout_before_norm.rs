//! Dropout before a batch norm.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "dropout-before-norm",
    severity: Severity::Warning,
    summary: "dropout before a batch norm",
    why: "Dropout changes the variance of what the norm sees in training and not at inference, but the norm keeps the \
          variance of training: at inference it divides by the wrong number.",
    example: "input 64\ndense 64 relu\ndropout 50%\nbn\ndense 10",
    remedy: "Put dropout behind the last norm, or leave one of the two out.",
    source: "Li, Chen, Hu, Yang: Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift, CVPR 2019",
    check,
};

/// Operators through which the shift of the variance passes.
const PASSING: &[&str] =
    &["Conv", "Gemm", "MatMul", "Relu", "LeakyRelu", "Flatten", "Reshape", "MaxPool", "AveragePool"];

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, dropout) in network.nodes().filter(|(_, n)| n.kind.name == "Dropout") {
        let mut next = network.only_reader(dropout);
        while let Some((_, node)) = next {
            if node.kind.name == "BatchNormalization" {
                let message = format!(
                    "`{}` stands before the norm `{}`, whose variance it changes in training only",
                    dropout.name, node.name
                );
                found.push(Finding::at(dropout, message).help("move the dropout behind the last norm"));
            }
            next = network.only_reader(node).filter(|_| PASSING.contains(&node.kind.name));
        }
    }
}
