//! A window whose receptive field is larger than the image.

use super::{Finding, Lint, Network, by};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "oversized-field",
    severity: Severity::Hint,
    summary: "a layer whose every unit already saw the whole image before it",
    why: "Once a unit's receptive field covers the image in every position, further windows only look at padding and at what \
          is known already; the layers could as well be 1x1 or come after a global pool.",
    example: "input 3@8x8\nconv 8 5x5 same\nconv 8 5x5 same\nconv 8 5x5 same\nconv 8 5x5 same\nconv 8 5x5 same",
    remedy: "Fewer or smaller windows, or a larger input.",
    source: "counted; Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, Distill (2019)",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (id, node) in network.nodes() {
        let input = node.inputs.first().copied().flatten();
        let (Some(input), Some(kernel)) = (input, super::ints(node, "kernel_shape")) else { continue };
        if kernel.iter().all(|k| *k <= 1) {
            continue;
        }
        let saw_all = |field: &crate::analyze::report::Field| {
            let image = network.model.main.inputs.iter().find(|v| *network.model.values[**v].name == *field.input);
            let sizes = image.and_then(|v| network.sizes(Some(*v)))?;
            // Twice the image less one: then even the unit in the corner sees the opposite corner.
            let all = field.size.iter().zip(sizes.iter().skip(2)).all(|(seen, size)| *seen >= 2 * size - 1);
            all.then_some((field.size.clone(), sizes))
        };
        let fields = network.sizing.fields_of(input);
        if let Some((seen, sizes)) = fields.iter().find_map(saw_all) {
            let message = format!(
                "before `{}` every unit saw {} positions, all of the {} image",
                node.name,
                by(&seen),
                by(&sizes[2..])
            );
            let after = network
                .sizing
                .fields_of_node(id)
                .first()
                .map_or(String::new(), |f| format!("behind it {}", by(&f.size)));
            found.push(Finding::at(node, message).note(after).help("use fewer or smaller windows, or a larger input"));
            return;
        }
    }
}
