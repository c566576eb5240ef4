//! A window whose receptive field is larger than the image.

use super::{Finding, Lint, Network, by, ints};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "oversized-field",
    severity: Severity::Hint,
    summary: "a window larger than its maps, where every unit saw the whole image before",
    why: "Once a unit's receptive field covers the image in every position, a further window has no new pixel to look at; when \
          it is larger than the maps besides, it slides mostly over padding. This is what becomes of a network for large \
          images that is fed with small ones.",
    example: "input 3@32x32\nconv 8 3x3 /2 same x5\nconv 8 3x3 same",
    remedy: "A larger input, one stride less, or a 1x1 window there.",
    source: "counted; Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, Distill (2019)",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let input = node.inputs.first().copied().flatten();
        let (Some(input), Some(kernel)) = (input, ints(node, "kernel_shape")) else { continue };
        let Some(maps) = network.sizes(Some(input)).filter(|maps| maps.len() == kernel.len() + 2) else { continue };
        let dilation = |axis: usize| ints(node, "dilations").and_then(|d| d.get(axis)).copied().unwrap_or(1);
        let extent = |(axis, k): (usize, &i64)| {
            let extent = k.checked_sub(1)?.checked_mul(dilation(axis))?.checked_add(1)?;
            u64::try_from(extent).ok()
        };
        let Some(extents) = kernel.iter().enumerate().map(extent).collect::<Option<Vec<u64>>>() else { continue };
        if !extents.iter().zip(&maps[2..]).all(|(extent, size)| extent > size) {
            continue;
        }
        let saw_all = |field: &crate::analyze::report::Field| {
            let image = network.model.main.inputs.iter().find(|v| *network.model.values[**v].name == *field.input);
            let sizes = image.and_then(|v| network.sizes(Some(*v)))?;
            // Twice the image less one: then even the unit in the corner sees the opposite corner.
            let all = field
                .size
                .iter()
                .zip(sizes.iter().skip(2))
                .all(|(seen, size)| *seen >= size.saturating_mul(2).saturating_sub(1));
            all.then_some((field.size.clone(), sizes))
        };
        let fields = network.sizing.fields_of(input);
        if let Some((seen, sizes)) = fields.iter().find_map(saw_all) {
            let message = format!(
                "the {} window of `{}` is larger than its maps of {}, where every unit saw all of the {} image before",
                by(&extents),
                node.name,
                by(&maps[2..]),
                by(&sizes[2..])
            );
            let note = format!("the receptive field in front of it is {}", by(&seen));
            found.push(
                Finding::at(node, message).note(note).help("use a larger input, one stride less, or a 1x1 window"),
            );
            return;
        }
    }
}
