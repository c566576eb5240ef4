//! How a node's window slides, in the language's notation: for reports of graphs that have no text of their own.

use crate::ops::attributes::Attributes;
use std::fmt::Write;

/// `3x3 /2 pad=1 groups=32`, as far as attributes say it; empty for a node without a window.
pub(super) fn notation(attributes: &Attributes) -> String {
    let mut out = String::new();
    let Ok(Some(kernel)) = attributes.sizes("kernel_shape") else { return out };
    let joined = |sizes: &[u64]| sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
    out.push_str(&joined(&kernel));
    let mut sizes = |name: &str, mark: &str, usual: u64| {
        let Ok(Some(sizes)) = attributes.sizes(name) else { return };
        match sizes.split_first() {
            Some((first, rest)) if rest.iter().all(|size| size == first) => {
                if *first != usual {
                    let _ = write!(out, " {mark}{first}");
                }
            }
            // Pads that differ come before and after each axis; the tuple says less than it is long.
            _ if name == "pads" => {}
            _ => {
                let _ = write!(out, " {mark}{}", joined(&sizes));
            }
        }
    };
    sizes("strides", "/", 1);
    sizes("pads", "pad=", 0);
    sizes("dilations", "dilation=", 1);
    if let Ok(Some("SAME_UPPER" | "SAME_LOWER")) = attributes.string("auto_pad") {
        out.push_str(" same");
    }
    if let Ok(Some(groups @ 2..)) = attributes.int("group") {
        let _ = write!(out, " groups={groups}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_left_out() {
        let conv = Attributes::new().with_sizes("kernel_shape", &[3, 3]);
        assert_eq!(notation(&conv.clone().with_sizes("strides", &[1, 1]).with_int("group", 1)), "3x3");
        let strided = conv.clone().with_sizes("strides", &[2, 2]).with_sizes("pads", &[1, 1, 1, 1]);
        assert_eq!(notation(&strided.with_int("group", 32)), "3x3 /2 pad=1 groups=32");
        assert_eq!(notation(&conv.with_sizes("strides", &[2, 1]).with_sizes("pads", &[0, 0, 1, 1])), "3x3 /2x1");
        assert_eq!(notation(&Attributes::new()), "");
    }
}
