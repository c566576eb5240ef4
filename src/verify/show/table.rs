//! For people: what was predicted beside what was measured, a line each.

use super::Format;
use crate::render::Style;
use crate::render::escape::{ascii, visible};
use crate::render::units::{self, grouped};
use crate::verify::report::{
    Linearity, Macs, Memory, Mismatch, NodeTime, Pair, Run, Runtime, Tensors, Term, Time, Verified, Weights,
};
use std::fmt::Write as _;
use std::io;

pub(super) const FORMAT: Format = Format { name: "table", doc: "for people", write };

/// Columns of the words on the left.
const WORDS: usize = 22;
/// Differences and reasons that are listed one by one.
const LISTED: usize = 5;
/// Values that are shown with their sizes when all agree.
const SHOWN: usize = 12;

fn write(all: &[Verified], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for (place, verified) in all.iter().enumerate() {
        let mut page = Page { text: String::new(), style };
        if place > 0 {
            page.text.push('\n');
        }
        page.model(verified);
        let text = if style.ascii { ascii(&page.text).into_owned() } else { page.text };
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

struct Page<'a> {
    text: String,
    style: &'a Style,
}

impl Page<'_> {
    fn model(&mut self, verified: &Verified) {
        let Verified { name, source, runtime, runs, missing, not_compared } = verified;
        let _ = writeln!(self.text, "{} ({}): {}", visible(name), visible(source), verified.verdict().name());
        if let Some(runtime) = runtime {
            self.runtime(runtime);
        }
        for run in runs {
            self.run(run);
        }
        for (title, reasons) in [("not measured", missing), ("not compared on this device", not_compared)] {
            if !reasons.is_empty() {
                let _ = writeln!(self.text, "\n  {title}");
            }
            for why in reasons {
                let _ = writeln!(self.text, "    {}", visible(why));
            }
        }
    }

    fn runtime(&mut self, runtime: &Runtime) {
        let Runtime { loaded, using, fallback_nodes, copy_rate } = runtime;
        let path = loaded.candidate.path.display().to_string();
        let (version, device) = (visible(&loaded.version), visible(&using.device));
        let _ = writeln!(self.text, "  ONNX Runtime {version} on {device} ({})", visible(&path));
        if let Some(rate) = copy_rate {
            let _ = writeln!(self.text, "  the machine copies {:.1} GB/s", rate / 1e9);
        }
        if !fallback_nodes.is_empty() {
            let first: Vec<_> = fallback_nodes.iter().take(LISTED).map(|name| visible(name)).collect();
            let count = fallback_nodes.len();
            let _ = writeln!(self.text, "  on the processor all the same ({count}): {}", first.join(", "));
        }
    }

    fn run(&mut self, run: &Run) {
        let how = if run.optimized { ", with the runtime's optimisations" } else { "" };
        let _ = writeln!(self.text, "\n  batch {}{how}", grouped(run.batch));
        if let Some(tensors) = &run.tensors {
            self.tensors(tensors);
        }
        if let Some(weights) = &run.weights {
            self.weights(weights);
        }
        self.memory(&run.memory);
        if let Some(macs) = &run.macs {
            self.macs(macs);
        }
        if let Some(linearity) = &run.linearity {
            self.linearity(linearity);
        }
        if let Some(time) = &run.time {
            self.time(time);
        }
    }

    fn line(&mut self, word: &str, what: &str) {
        let _ = writeln!(self.text, "    {word:WORDS$}  {what}");
    }

    fn tensors(&mut self, tensors: &Tensors) {
        let (agree, compared) = (tensors.agree(), tensors.compared);
        self.line("tensors", &format!("{agree}/{compared} tensors agree in shape and type"));
        self.differences(&tensors.mismatches);
        self.names("not predicted completely", &tensors.open);
        let mut sizes: Vec<_> = tensors.sizes.iter().collect();
        if sizes.len() > SHOWN {
            let together = |bytes| self.line("", &format!("{} together", units::bytes_in_full(bytes)));
            return tensors.bytes.measured.map_or((), together);
        }
        for (name, bytes) in sizes.drain(..) {
            self.line("", &format!("{}  {}", visible(name), units::bytes(*bytes, self.style.units)));
        }
    }

    fn differences(&mut self, mismatches: &[Mismatch]) {
        for mismatch in mismatches.iter().take(LISTED) {
            self.line("", &visible(&mismatch.to_string()));
        }
        self.more(mismatches.len());
    }

    fn more(&mut self, all: usize) {
        if let Some(more) = all.checked_sub(LISTED).filter(|n| *n > 0) {
            self.line("", &format!("and {more} more"));
        }
    }

    fn weights(&mut self, weights: &Weights) {
        self.line("weights", &pair(weights.elements, |n| format!("{} values", grouped(n))));
        self.line("", &pair(weights.bytes, |n| units::bytes(n, units::Units::Bytes)));
        self.differences(&weights.mismatches);
        self.names("not shown by the runtime as they are stored", &weights.hidden);
    }

    /// So many of something, and the first of them.
    fn names(&mut self, what: &str, names: &[String]) {
        if !names.is_empty() {
            let first: Vec<_> = names.iter().take(LISTED).map(|name| visible(name)).collect();
            self.line("", &format!("{what} ({}): {}", names.len(), first.join(", ")));
        }
    }

    fn memory(&mut self, memory: &Memory) {
        let bytes = |n| units::bytes(n, units::Units::Bytes);
        if let Some(alive) = memory.alive {
            self.line("values alive at once", &units::bytes_in_full(alive));
        }
        for (word, peak) in [("memory, first run", &memory.first), ("memory, later runs", &memory.steady)] {
            if peak.bytes != Pair::default() {
                self.line(word, &pair(peak.bytes, bytes));
            }
            if !peak.terms.is_empty() {
                let term = |term: &Term| format!("{} {}", bytes(term.bytes), term.name);
                let terms = peak.terms.iter().filter(|term| term.bytes > 0).map(term).collect::<Vec<_>>();
                self.line("", &format!("= {}", terms.join(" + ")));
            }
        }
        if let Some(arena) = memory.arena {
            let what = format!("gave out {} at most of {}", bytes(arena.used), bytes(arena.held));
            self.line("the runtime's arena", &what);
        }
        if let Some(device) = memory.device {
            self.line("the device", &format!("{} held by the process", bytes(device)));
        }
        if let Some(outside) = memory.outside() {
            self.line("", &format!("{} of them outside the arena: context, libraries, workspaces", bytes(outside)));
        }
    }

    fn macs(&mut self, macs: &Macs) {
        let (agree, layers) = (macs.agree(), macs.layers);
        self.line("multiply-accumulates", &format!("{agree}/{layers} layers agree"));
        for one in macs.mismatches.iter().take(LISTED) {
            let (name, predicted, measured) = (visible(&one.name), grouped(one.predicted), grouped(one.measured));
            self.line("", &format!("`{name}`: predicted {predicted}, counted {measured}"));
        }
        self.more(macs.mismatches.len());
        if layers > 0 {
            self.line("", &pair(macs.total, grouped));
        }
        match macs.without_padding {
            Some(effective) if macs.total.measured != Some(effective) => {
                self.line("", &format!("{} of them without products with padding", grouped(effective)));
            }
            _ => {}
        }
        for (name, why) in macs.uncounted.iter().take(LISTED) {
            self.line("", &format!("`{}` cannot be counted: {}", visible(name), visible(why)));
        }
        self.more(macs.uncounted.len());
    }

    fn linearity(&mut self, linearity: &Linearity) {
        let mut word = "growth with the batch";
        for (name, growth) in linearity.figures() {
            let Some(measured) = growth.measured else { continue };
            let how = if measured { "in" } else { "not in" };
            let predicted = if growth.predicted == Some(!measured) { ", unlike predicted" } else { "" };
            self.line(word, &format!("{name} {how} proportion, from batch {}{predicted}", grouped(linearity.from)));
            word = "";
        }
    }

    fn time(&mut self, time: &Time) {
        let (seconds, reached) = (duration(time.seconds), rate(time.flops_per_second));
        let roof =
            time.roof_flops_per_second.map(|roof| format!("; the machine's matrix product reaches {}", rate(roof)));
        self.line("time", &format!("{seconds}, {reached}{}", roof.unwrap_or_default()));
        let mut slowest: Vec<_> = time.nodes.iter().collect();
        slowest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        for (place, node) in slowest.into_iter().take(LISTED).enumerate() {
            self.line(if place == 0 { "slowest nodes" } else { "" }, &slow(node, time));
        }
        for (name, reached) in time.above.iter().take(LISTED) {
            let name = visible(name);
            self.line("", &format!("`{name}` would have reached {}: its count is too high", rate(*reached)));
        }
        self.more(time.above.len());
    }
}

/// A node's time, and how near it comes to what the machine allows.
fn slow(node: &NodeTime, time: &Time) -> String {
    let mut text = format!("{}  {}", visible(&node.name), duration(node.seconds));
    if node.flops > 0.0 {
        let reached = node.flops_per_second();
        let _ = write!(text, ", {}", rate(reached));
        if let Some(roof) = node.attainable(time) {
            let cached = if reached > roof { ", passed with values in a cache" } else { "" };
            let _ = write!(text, "; its roof is {}{cached}", rate(roof));
        }
    } else if let Some(bytes) = node.bytes {
        let _ = write!(text, ", {:.1} GB/s read and written", bytes / node.seconds / 1e9);
    }
    text
}

/// Both figures, once if they agree.
fn pair(pair: Pair, write: impl Fn(u64) -> String) -> String {
    match (pair.predicted, pair.measured) {
        (Some(predicted), Some(measured)) if predicted == measured => {
            format!("{} predicted and measured", write(measured))
        }
        (Some(predicted), Some(measured)) => format!("predicted {}, measured {}", write(predicted), write(measured)),
        (Some(predicted), None) => format!("{} predicted, not measured", write(predicted)),
        (None, Some(measured)) => format!("{} measured", write(measured)),
        (None, None) => "neither predicted nor measured".into(),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.0} µs", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Floating-point operations a second, in the largest unit that leaves a digit before the point.
fn rate(flops: f64) -> String {
    let units = [("TFLOP/s", 1e12), ("GFLOP/s", 1e9), ("MFLOP/s", 1e6), ("kFLOP/s", 1e3)];
    match units.into_iter().find(|(_, unit)| flops >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", flops / unit),
        None => format!("{flops:.0} FLOP/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str;

    #[test]
    fn rates_have_a_unit_that_fits() {
        let shown = [2.5e12, 186.9e9, 3.25e6, 1e3, 12.0, 0.0].map(rate);
        assert_eq!(shown, ["2.5 TFLOP/s", "186.9 GFLOP/s", "3.2 MFLOP/s", "1.0 kFLOP/s", "12 FLOP/s", "0 FLOP/s"]);
    }

    #[test]
    fn what_no_comparison_is_about_is_said() {
        let not_compared = vec!["memory: elsewhere".to_string()];
        let verified = Verified { not_compared, ..Verified::default() };
        let mut out = Vec::new();
        write(&[verified], &Style::default(), &mut out).expect("a vector takes everything");
        let text = str::from_utf8(&out).expect("UTF-8");
        assert!(text.ends_with("  not compared on this device\n    memory: elsewhere\n"), "{text}");
    }
}
