//! Two activation functions in a row.

use super::{Finding, Lint, Network};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "activation-twice",
    severity: Severity::Warning,
    summary: "two activation functions in a row",
    why: "The second function sees only what the first lets through: a ReLU behind a ReLU changes nothing, a sigmoid behind a \
          ReLU never goes below one half. Usually a layer between them was lost, or the framework's layer already had its \
          activation.",
    example: "input 10\ndense 10 relu\nrelu",
    remedy: "Remove one of them.",
    source: "the functions' definitions: relu(relu(x)) = relu(x)",
    check,
};

/// Functions that squash or cut their input, so that another behind them works on half a line. A gate such as
/// `x · sigmoid(x)` is one operator here.
const CUTTING: &[&str] = &[
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "Gelu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Swish",
    "Mish",
    "Tanh",
    "Softplus",
    "Softsign",
];

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let Some(before) = network.before(node) else { continue };
        if CUTTING.contains(&node.kind.name) && CUTTING.contains(&before.kind.name) {
            let message = format!("`{}` follows `{}`: two activation functions in a row", node.name, before.name);
            found.push(Finding::at(node, message).help("remove one of them"));
        }
    }
}
