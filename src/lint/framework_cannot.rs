//! Padding that the framework of the text does not have.

use super::{Finding, Lint, Network, by, ints};
use crate::base::diagnostic::Severity;
use crate::front::arch::Framework;
use crate::graph::Node;

pub(super) static LINT: Lint = Lint {
    name: "framework-cannot",
    severity: Severity::Warning,
    summary: "the framework that the text names has no such padding",
    why: "The sizes are as the text says, but the layer cannot be typed like this: PyTorch refuses `same` with a stride, its pools \
          have no `same` and pad at most half a window, and Keras' layers pad by `same` or not at all and never round up.",
    example: "framework pytorch\ninput 3@8x8\nconv 8 3x3 /2 same",
    remedy: "Write what the framework has; for an odd kernel `same` and `pad=(k-1)/2`, times the dilation, give the same size at every stride.",
    source: "PyTorch 2.9, torch.nn.Conv2d, MaxPool2d; Keras 3, layers.Conv2D, MaxPooling2D",
    check,
};

fn check(network: &Network, found: &mut Vec<Finding>) {
    let refusal = match network.document.and_then(crate::front::arch::Document::framework) {
        Some(Framework::Pytorch) => pytorch,
        Some(Framework::Keras) => keras,
        Some(Framework::Caffe | Framework::Onnx | Framework::Paper) | None => return,
    };
    for (_, node) in network.nodes().filter(|(_, n)| n.kind.name == "Conv" || is_pool(n)) {
        let Some(window) = Window::of(node) else { continue };
        if let Some((message, help)) = refusal(&window) {
            let finding = Finding::at(node, message);
            found.push(match help {
                Some(help) => finding.help(help),
                None => finding,
            });
        }
    }
}

fn is_pool(node: &Node) -> bool {
    matches!(node.kind.name, "MaxPool" | "AveragePool")
}

/// How a window slides.
struct Window<'a> {
    is_pool: bool,
    is_same: bool,
    /// Whether a pool rounds up.
    ceil: bool,
    kernel: &'a [i64],
    strides: &'a [i64],
    dilations: &'a [i64],
    pads: &'a [i64],
}

/// What is refused, and what has the same size.
type Refusal = Option<(String, Option<String>)>;

impl<'a> Window<'a> {
    fn of(node: &'a Node) -> Option<Window<'a>> {
        let text = |name| node.attributes.string(name).ok().flatten();
        Some(Window {
            is_pool: is_pool(node),
            is_same: text("auto_pad").is_some_and(|padding| padding.starts_with("SAME")),
            ceil: node.attributes.int("ceil_mode").ok().flatten() == Some(1),
            kernel: ints(node, "kernel_shape")?,
            strides: ints(node, "strides").unwrap_or(&[]),
            dilations: ints(node, "dilations").unwrap_or(&[]),
            pads: ints(node, "pads").unwrap_or(&[]),
        })
    }

    /// Padding on each side that gives the size of `same`, if one number does: half of what the dilated window spans
    /// beyond one position, d·(k − 1) / 2, where that is whole and alike along every axis.
    fn halved(&self) -> Option<i64> {
        let dilations = self.dilations.iter().copied().chain(std::iter::repeat(1));
        let beyond = |(k, d): (&i64, i64)| k.checked_sub(1)?.checked_mul(d).filter(|n| *n >= 0 && n % 2 == 0);
        let pads: Option<Vec<i64>> = self.kernel.iter().zip(dilations).map(|axis| Some(beyond(axis)? / 2)).collect();
        let (first, rest) = pads.as_ref()?.split_first()?;
        rest.iter().all(|pad| pad == first).then_some(*first)
    }

    fn is_padded(&self) -> bool {
        self.pads.iter().any(|pad| *pad != 0)
    }
}

fn pytorch(window: &Window) -> Refusal {
    let instead = || match window.halved() {
        Some(pad) => Some(format!("`pad={pad}` gives the same size")),
        None if window.is_pool && window.kernel == window.strides => Some("`ceil` gives the same size".into()),
        None => None,
    };
    if window.is_same && window.is_pool {
        return Some(("PyTorch's pools have no padding `same`".into(), instead()));
    }
    if window.is_same && window.strides.iter().any(|stride| *stride > 1) {
        let message = format!("PyTorch refuses padding `same` with a stride of {}", by(window.strides));
        return Some((message, instead()));
    }
    let half = window.pads.iter().zip(window.kernel.iter().cycle()).any(|(pad, k)| pad.saturating_mul(2) > *k);
    if window.is_pool && half {
        let message = format!("PyTorch's pools pad at most half of their window of {}", by(window.kernel));
        return Some((message, Some("put `pad` on a line before it".into())));
    }
    None
}

fn keras(window: &Window) -> Refusal {
    if window.is_pool && window.ceil {
        let help = (window.kernel == window.strides).then(|| "`same` gives the same size".to_owned());
        return Some(("Keras' pools do not round up".into(), help));
    }
    if window.is_padded() {
        let same = window.halved().filter(|half| window.pads.iter().all(|pad| pad == half));
        let help = match same {
            Some(_) => "`same` gives the same size; or put `pad` on a line before it (`ZeroPadding2D`)",
            None => "put `pad` on a line before it (`ZeroPadding2D`)",
        };
        return Some(("Keras' layers pad by `same` or not at all".into(), Some(help.into())));
    }
    None
}
