//! The totals of a report in words: each figure in bytes, MB and MiB, with what it is the sum of.

use super::escape::visible;
use super::units::{Units, bytes, bytes_in_full, grouped, percent};
use super::{Figures, Mode, Style};
use crate::analyze::report::{Field, Inference, Report};
use crate::base::quantity::{AtLeast, Quantity};

/// Most unknown things listed; JSON has them all.
const LISTED: usize = 10;

/// Stands for a space between a number and its unit, where a line must not be broken.
pub(super) const GLUE: char = '\u{a0}';

/// A total: its name, and a line for each thing to say about it, the figure first.
pub(super) struct Total {
    /// What it is.
    pub name: &'static str,
    /// Lines of any length; what belongs together is joined by [`GLUE`].
    pub lines: Vec<String>,
}

/// All totals that a person asked for.
pub(super) fn totals(figures: &Figures, style: &Style) -> Vec<Total> {
    let report = &figures.report;
    let mut totals = vec![parameters(report), compute(report)];
    if style.mode != Mode::Training {
        totals.push(inference(report, figures.single.as_ref(), style.units));
    }
    if style.mode != Mode::Inference {
        totals.push(training(report, style.units));
    }
    totals.extend(receptive_field(report));
    totals.extend(unknown(report));
    totals
}

fn parameters(report: &Report) -> Total {
    let t = &report.totals;
    let mut lines = vec![least(t.parameters, grouped)];
    if t.frozen.least.0 > 0 {
        lines.push(format!("= {} trainable + {} frozen", least(t.trainable, grouped), least(t.frozen, grouped)));
    }
    lines.push(format!("{} as {}", least(t.parameter_bytes, full), visible(&report.settings.precision)));
    if t.buffers.least.0 > 0 {
        let bytes = least(t.buffer_bytes, full);
        lines.push(format!("besides {} running statistics: {bytes}", least(t.buffers, grouped)));
    }
    Total { name: "parameters", lines }
}

fn compute(report: &Report) -> Total {
    let t = &report.totals;
    let batch = report.settings.batch;
    let line = |macs: u64, flops: u64, whom: &str| {
        let bound = |incomplete| if incomplete { "at least " } else { "" };
        let (first, second) = (bound(t.macs.incomplete), bound(t.flops.incomplete && !t.macs.incomplete));
        format!("{first}{} MACs = {second}{} FLOPs for {whom}", grouped(macs), grouped(flops))
    };
    let one = |n: u64| n.checked_div(batch).filter(|_| n.is_multiple_of(batch));
    let mut lines = Vec::new();
    if let (Some(macs), Some(flops)) = (one(t.macs.least.0), one(t.flops.least.0)) {
        lines.push(line(macs, flops, "one example"));
    }
    if batch != 1 || lines.is_empty() {
        lines.push(line(t.macs.least.0, t.flops.least.0, &of_batch(report)));
    }
    lines.push(match report.settings.convention.as_str() {
        "cnnsize" => "1 MAC = 2 FLOPs; convolutions, dense layers and matrix products, no biases".into(),
        other => format!("counted by the rules of {}", visible(other)),
    });
    lines.extend(operations(report));
    Total { name: "compute", lines }
}

fn operations(report: &Report) -> Option<String> {
    let o = report.totals.operations;
    let kinds = [
        (o.add, "additions"),
        (o.mul, "multiplications"),
        (o.div, "divisions"),
        (o.compare, "comparisons"),
        (o.exp, "exponentials"),
    ];
    let some = kinds.iter().filter(|(n, _)| *n > 0);
    let some: Vec<_> = some.map(|(n, kind)| format!("{} {kind}", grouped(*n))).collect();
    let mark = if report.totals.operations_incomplete { "at least " } else { "" };
    (!some.is_empty()).then(|| format!("besides, for {}: {mark}{}", of_batch(report), some.join(" + ")))
}

fn inference(report: &Report, single: Option<&Inference>, units: Units) -> Total {
    let mut lines = Vec::new();
    for (inference, whom) in [(single, "one example".into()), (Some(&report.inference), of_batch(report))] {
        let Some(inference) = inference else { continue };
        lines.push(format!("{} for {whom}", least(inference.minimum, full)));
        let at = inference.overwriting_at.as_deref().map_or(String::new(), |layer| format!(" at {}", visible(layer)));
        lines.push(format!("= {} alive at once{at} + {}", least(inference.overwriting, digits), stored(report)));
    }
    let i = &report.inference;
    let short = |figure| least(figure, |n| glued(&bytes(n, units)));
    let (peak, arena, no_reuse) = (short(i.activation_peak), short(i.arena), short(i.no_reuse));
    let runtime = i.onnxruntime.map_or(String::new(), |n| format!(", ONNX Runtime {}", glued(&bytes(n.0, units))));
    lines.push(format!("without parameters: activation peak {peak}, arena {arena}, no reuse {no_reuse}{runtime}"));
    Total { name: "inference", lines }
}

fn training(report: &Report, units: Units) -> Total {
    let t = &report.totals;
    let minimum = report.training.minimum;
    let mut lines = vec![
        format!("at least {} for {}", full(minimum.least.0), of_batch(report)),
        format!(
            "= {} outputs + {} input + {}",
            least(t.activation_bytes, digits),
            least(t.input_bytes, digits),
            stored(report)
        ),
        "left out: gradients, optimizer state, workspace, the framework's own".into(),
    ];
    let largest = report.layers.iter().max_by_key(|layer| layer.activation_bytes.least);
    if let Some(layer) = largest
        && let Some(share) = percent(layer.activation_bytes.least.0, minimum.least.0)
    {
        let size = glued(&bytes(layer.activation_bytes.least.0, units));
        lines.push(format!("largest output: {}, {size}, {share}{GLUE}% of it", visible(&layer.name)));
    }
    Total { name: "training", lines }
}

fn receptive_field(report: &Report) -> Option<Total> {
    let fields = &report.layers.last()?.receptive_field;
    let lines: Vec<_> = fields.iter().filter(|field| !field.size.is_empty()).map(seen).collect();
    (!lines.is_empty()).then_some(Total { name: "sees", lines })
}

fn seen(field: &Field) -> String {
    let size: Vec<_> = field.size.iter().map(u64::to_string).collect();
    let stride = field.stride.iter().map(|(positions, units)| match units {
        1 => positions.to_string(),
        _ => format!("{positions}/{units}"),
    });
    let stride: Vec<_> = stride.collect();
    format!(
        "{} of {}, at a stride of {}: receptive field of the last layer",
        size.join("x"),
        visible(&field.input),
        stride.join("x")
    )
}

fn unknown(report: &Report) -> Option<Total> {
    let listed = report.unknown.iter().take(LISTED);
    let mut lines: Vec<_> = listed
        .map(|u| format!("{} of {} ({}): {}", u.quantity, visible(&u.layer), visible(&u.op), visible(&u.reason)))
        .collect();
    if let more @ 1.. = report.unknown.len().saturating_sub(LISTED) {
        lines.push(format!("and {more} more; `--format json` lists all"));
    }
    (!lines.is_empty()).then_some(Total { name: "not known", lines })
}

fn of_batch(report: &Report) -> String {
    match report.settings.batch {
        1 => "one example".into(),
        n => format!("the batch of {}", grouped(n)),
    }
}

/// Parameters and running statistics, as parts of a sum of bytes.
fn stored(report: &Report) -> String {
    let t = &report.totals;
    let parameters = format!("{} parameters", least(t.parameter_bytes, digits));
    match t.buffer_bytes.least.0 {
        0 => parameters,
        _ => format!("{parameters} + {} running statistics", least(t.buffer_bytes, digits)),
    }
}

/// A figure that may be a lower bound.
fn least<Q: Quantity>(figure: AtLeast<Q>, write: impl Fn(u64) -> String) -> String {
    let written = write(figure.least.count());
    if figure.incomplete { format!("at least {written}") } else { written }
}

/// Bytes to the last digit.
fn digits(n: u64) -> String {
    glued(&bytes(n, Units::Bytes))
}

/// Bytes in all three spellings.
fn full(n: u64) -> String {
    bytes_in_full(n).split(" = ").map(glued).collect::<Vec<_>>().join(" = ")
}

fn glued(quantity: &str) -> String {
    quantity.replace(' ', &GLUE.to_string())
}
