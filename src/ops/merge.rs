//! The language's `add` and `mul`: what they accept, and which of ONNX's operators they become.

use super::attributes::Attributes;
use super::join::{cropped, differ};
use super::layer::{Call, Layer, Need, Number, On, Step, Takes};
use super::rules::OpError;
use crate::tensor::{DType, Dim, Literal, Shape};

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[
    Layer { keyword: "add", doc: "sum of tensors of one shape", example: "add skip", lower: lower_add, ..JOIN },
    Layer {
        keyword: "mul",
        foreign: &["Multiply"],
        doc: "product; a vector, or channels of one position, scales the maps",
        example: "mul scale",
        lower: lower_mul,
        ..JOIN
    },
];

const JOIN: Layer = Layer {
    keyword: "",
    aliases: &[],
    foreign: &[],
    doc: "",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &["crop"],
    options: &[],
    takes: Takes::Join,
    modifier: false,
    example: "",
    lower: lower_add,
};

fn lower_add(call: &Call) -> Result<Vec<Step>, OpError> {
    let (mut steps, shapes) = cropped(call)?;
    let known: Vec<&Shape> = shapes.iter().filter(|s| s.rank().is_some()).collect();
    for (first, other) in known.iter().zip(known.iter().skip(1)) {
        if differ(first.dims().unwrap_or(&[]), other.dims().unwrap_or(&[])) {
            return Err(cannot_add(first, other));
        }
    }
    let op = if call.inputs.len() > 2 { "Sum" } else { "Add" };
    steps.push(Step::new(op, Attributes::new()).on(On::All));
    Ok(steps)
}

/// `add-mismatch`, with the line that would bring the second to the shape of the first.
fn cannot_add(first: &Shape, other: &Shape) -> OpError {
    let (a, b) = (first.notation(), other.notation());
    let error = OpError::new("add-mismatch", format!("cannot add {a} and {b}"));
    let (Some([_, channels, to @ ..]), Some([_, _, from @ ..])) = (first.dims(), other.dims()) else { return error };
    let ones = vec!["1"; to.len()].join("x");
    match stride(from, to) {
        Some(1) if to.is_empty() => error.help(format!("bring {b} to {a} with `dense {channels}`")),
        Some(1) => error
            .help(format!("bring the shortcut {b} to {a} with `conv {channels} {ones}`, or use `shortcut {channels}`")),
        Some(s) => error.help(format!(
            "bring the shortcut {b} to {a} with `conv {channels} {ones} /{s}`, or use `shortcut {channels} /{s}`"
        )),
        None if to.len() == from.len() => error.help("`add … crop` cuts the others to the size of the first"),
        None => error,
    }
}

/// The stride that brings one size to another, with a 1x1 kernel: ⌈from / s⌉ = to on every axis.
fn stride(from: &[Dim], to: &[Dim]) -> Option<u64> {
    let sizes = |d: &[Dim]| d.iter().map(Dim::size).collect::<Option<Vec<_>>>();
    let (from, to) = (sizes(from)?, sizes(to)?);
    let stride = match (from.first(), to.first()) {
        (Some(from), Some(to)) => from.checked_add(to.checked_div(2)?)?.checked_div(*to)?,
        _ => 1,
    };
    let fits = from.len() == to.len() && stride > 0 && from.iter().zip(&to).all(|(f, t)| f.div_ceil(stride) == *t);
    fits.then_some(stride)
}

fn lower_mul(call: &Call) -> Result<Vec<Step>, OpError> {
    if call.inputs.len() > 2 {
        let n = call.inputs.len();
        return Err(OpError::new("mul-mismatch", format!("`mul` scales one tensor by another; here are {n}"))
            .help("write one `mul` after the other"));
    }
    let (mut steps, shapes) = cropped(call)?;
    if let [Shape::Ranked(a), Shape::Ranked(b)] = shapes.as_slice() {
        let spread = |vector: &[Dim], maps: &[Dim]| {
            vector.len() == 2 && maps.len() > 2 && vector.iter().zip(maps).all(|(v, m)| v.agree(m).is_some())
        };
        let single = |scale: &[Dim], maps: &[Dim]| {
            scale.len() == maps.len()
                && scale.iter().zip(maps).take(2).all(|(s, m)| s.agree(m).is_some())
                && scale.iter().skip(2).all(|d| *d == Dim::Known(1))
        };
        if spread(b, a) {
            steps.push(beside_channels(a.len()).on(On::Operand(1)));
        } else if spread(a, b) {
            steps.push(beside_channels(b.len()).on(On::Operand(0)));
        } else if differ(a, b) && !single(b, a) && !single(a, b) {
            return Err(cannot_multiply(&shapes[0], &shapes[1]));
        }
    }
    steps.push(Step::new("Mul", Attributes::new()).on(On::All));
    Ok(steps)
}

/// A vector as channels of one position.
fn beside_channels(rank: usize) -> Step {
    let axes = (2i64..).take(rank.saturating_sub(2)).map(Dim::Known).collect();
    Step::new("Unsqueeze", Attributes::new()).constant(1, DType::I64, Literal::vector(axes)).named("scale")
}

fn cannot_multiply(a: &Shape, b: &Shape) -> OpError {
    let error = OpError::new("mul-mismatch", format!("cannot multiply {} by {}", a.notation(), b.notation()));
    match a.dims() {
        Some([_, channels, ..]) => {
            error.help(format!("the scale needs {channels} channels, as a vector or at one position"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_for_a_sum_names_width_and_stride() {
        let help = |a: &[u64], b: &[u64]| cannot_add(&Shape::known(a), &Shape::known(b)).help;
        let wider = help(&[1, 256, 56, 56], &[1, 64, 56, 56]);
        assert!(wider.is_some_and(|h| h.contains("`conv 256 1x1`") && h.contains("`shortcut 256`")));
        let smaller = help(&[1, 128, 28, 28], &[1, 64, 55, 55]);
        assert!(smaller.is_some_and(|h| h.contains("`conv 128 1x1 /2`") && h.contains("`shortcut 128 /2`")));
        assert!(help(&[1, 4, 28, 28], &[1, 4, 30, 30]).is_some_and(|h| h.contains("crop")));
    }
}
