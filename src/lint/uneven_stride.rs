//! Strides that leave the last rows or columns out.

use super::{Finding, Lint, Network, by, ints};
use crate::base::diagnostic::Severity;

pub(super) static LINT: Lint = Lint {
    name: "uneven-stride",
    severity: Severity::Hint,
    summary: "a stride that does not divide evenly drops positions at the border",
    why: "The last window does not reach the end: some rows or columns are never looked at. Every framework rounds down, while \
          textbooks call the setting invalid; AlexNet's paper has the slip (224 where 227 fits).",
    example: "input 3@224x224\nconv 96 11x11 /4",
    remedy: "Another input size, padding, or `ceil` for a pool.",
    source: "Stanford CS231n, Convolutional Networks, use of zero-padding",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    for (_, node) in network.nodes() {
        let (Some(kernel), Some(strides)) = (ints(node, "kernel_shape"), ints(node, "strides")) else { continue };
        let explicit = node.attributes.string("auto_pad").ok().flatten().is_none_or(|a| a == "NOTSET" || a == "VALID");
        let floor = node.attributes.int("ceil_mode").ok().flatten().is_none_or(|c| c == 0);
        if node.kind.name == "ConvTranspose" || !explicit || !floor {
            continue;
        }
        let Some(input) = network.sizes(node.inputs.first().copied().flatten()).filter(|s| s.len() == kernel.len() + 2)
        else {
            continue;
        };
        let mut dropped = Vec::new();
        let mut fitting = Vec::new();
        for axis in 0..kernel.len() {
            let (Ok(size), stride) = (i64::try_from(input[axis + 2]), strides.get(axis).copied().unwrap_or(1).max(1))
            else {
                continue;
            };
            let dilation = ints(node, "dilations").and_then(|d| d.get(axis)).copied().unwrap_or(1);
            let extent = kernel[axis].saturating_sub(1).saturating_mul(dilation).saturating_add(1);
            let pads = ints(node, "pads").filter(|p| p.len() == 2 * kernel.len());
            let (before, after) = pads.map_or((0, 0), |p| (p[axis], p[axis + kernel.len()]));
            let room = size.saturating_add(before).saturating_add(after).saturating_sub(extent);
            if room < 0 {
                // Not even the first window fits: something else is wrong.
                continue;
            }
            let left = room % stride;
            // Padding that is not reached loses nothing.
            dropped.push(left.saturating_sub(after).max(0));
            fitting.push(size.saturating_sub(left).checked_add(if left > 0 { stride } else { 0 }));
        }
        // A 1x1 that takes every second position drops on purpose.
        if dropped.iter().any(|d| *d > 0) && kernel.iter().any(|k| *k > 1) {
            let message = format!(
                "a window of {} with stride {} never sees the last {} of {} positions",
                by(kernel),
                by(strides),
                by(&dropped),
                by(&input[2..])
            );
            let finding = Finding::at(node, message);
            found.push(match fitting.into_iter().collect::<Option<Vec<i64>>>() {
                Some(fitting) => finding.help(format!("an input of {} here fits evenly, or pad", by(&fitting))),
                None => finding,
            });
        }
    }
}
