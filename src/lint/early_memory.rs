//! Early layers at full resolution that hold most of the activation memory.

use super::{Finding, Lint, Network, by, percent};
use crate::base::diagnostic::Severity;
use crate::base::quantity::grouped;

pub(super) static LINT: Lint = Lint {
    name: "early-memory",
    severity: Severity::Hint,
    summary: "the layers at the image's full resolution hold most of the activation memory",
    why: "Memory of activations follows the number of positions: the first layers hold most of it and few of the parameters. \
          What is saved there decides whether a batch fits.",
    example: "input 3@224x224\nconv 64 3x3 same relu\nconv 64 3x3 same relu\nmaxpool 2x2\nconv 128 3x3 same relu",
    remedy: "A stride of 2 in the first layer (as AlexNet and ResNet have it), or fewer maps there.",
    source: "counted; Stanford CS231n, Convolutional Networks, notes on VGGNet in detail",
    check,
};

const SHARE: u64 = 60;
/// Bytes an example from which on it is worth saying.
const BYTES: u64 = 16 << 20;

fn check(network: &Network, found: &mut Vec<Finding>) {
    let Some(total) = network.sizing.activation_bytes().known().map(|n| n.0) else { return };
    let Some(image) = network.model.main.inputs.first().and_then(|v| network.sizes(Some(*v))).filter(|s| s.len() > 2)
    else {
        return;
    };
    let (mut held, mut layers, mut first) = (0u64, 0u64, None);
    for (id, node) in network.nodes() {
        let Some(output) = network.sizes(node.outputs.first().copied().flatten()) else { continue };
        if output.len() == image.len() && output.iter().zip(&image).skip(2).all(|(o, i)| o >= i) {
            let bytes = network.sizing.activation_bytes_of(id).least.0;
            (held, layers) = (held.saturating_add(bytes), layers + u64::from(bytes > 0));
            first = first.or(Some(node));
        }
    }
    let Some(first) = first else { return };
    if percent(held, total) >= SHARE
        && total / image[0].max(1) >= BYTES
        && layers < network.model.main.nodes.len() as u64
    {
        let message =
            format!("layers at the full {} hold {} % of the activation memory", by(&image[2..]), percent(held, total));
        found.push(
            Finding::at(first, message)
                .note(format!("{} of {} bytes for a batch of {}", grouped(held), grouped(total), image[0]))
                .help("a stride of 2 in the first layer leaves about a quarter of it"),
        );
    }
}
