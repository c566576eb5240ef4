//! JSON for programs, `cnnsize-verify/1`. Names never change within that number; keys are only added. What was not
//! measured or is not predicted is null.

use super::Format;
use crate::render::{Style, lines};
use crate::verify::report::{self, Verified};
use std::io;

/// The JSON Schema of this format.
pub const SCHEMA: &str = include_str!("verify.schema.json");

pub(super) const FORMAT: Format = Format { name: "json", doc: "for programs, with a schema", write };

fn write(all: &[Verified], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    lines::pretty(&Twin { schema: "cnnsize-verify/1", models: all.iter().map(Model::of).collect() }, out)
}

#[derive(serde::Serialize)]
struct Twin<'a> {
    schema: &'static str,
    models: Vec<Model<'a>>,
}

#[derive(serde::Serialize)]
struct Model<'a> {
    name: &'a str,
    source: &'a str,
    verdict: &'static str,
    runtime: Option<Runtime<'a>>,
    runs: Vec<Run<'a>>,
    missing: &'a [String],
    not_compared: &'a [String],
}

#[derive(serde::Serialize)]
struct Runtime<'a> {
    library: String,
    version: &'a str,
    provider: &'a str,
    device: &'a str,
    fallback_nodes: &'a [String],
    copy_bytes_per_second: Option<f64>,
}

#[derive(serde::Serialize)]
struct Run<'a> {
    batch: u64,
    optimized: bool,
    tensors: Option<Tensors<'a>>,
    weights: Option<Weights<'a>>,
    memory: Memory,
    macs: Option<Macs<'a>>,
    linearity: Option<Linearity>,
    time: Option<Time<'a>>,
}

#[derive(serde::Serialize)]
struct Tensors<'a> {
    compared: usize,
    agree: usize,
    predicted_bytes: Option<u64>,
    measured_bytes: Option<u64>,
    mismatches: Vec<Mismatch<'a>>,
    not_predicted: &'a [String],
}

#[derive(serde::Serialize)]
struct Mismatch<'a> {
    name: &'a str,
    predicted: Type<'a>,
    measured: Type<'a>,
}

#[derive(serde::Serialize)]
struct Type<'a> {
    dtype: Option<&'a str>,
    shape: Option<&'a [Option<u64>]>,
}

#[derive(serde::Serialize)]
struct Weights<'a> {
    predicted_values: Option<u64>,
    measured_values: Option<u64>,
    predicted_bytes: Option<u64>,
    measured_bytes: Option<u64>,
    mismatches: Vec<Mismatch<'a>>,
    not_measured: &'a [String],
}

#[derive(serde::Serialize)]
struct Memory {
    first: Peak,
    steady: Peak,
    alive_bytes: Option<u64>,
    arena_bytes: Option<u64>,
    arena_held_bytes: Option<u64>,
    device_bytes: Option<u64>,
    residual: Vec<Term>,
}

#[derive(serde::Serialize)]
struct Peak {
    predicted_bytes: Option<u64>,
    measured_bytes: Option<u64>,
}

#[derive(serde::Serialize)]
struct Term {
    term: String,
    bytes: u64,
}

#[derive(serde::Serialize)]
struct Macs<'a> {
    layers: usize,
    agree: usize,
    predicted: Option<u64>,
    measured: Option<u64>,
    without_padding: Option<u64>,
    mismatches: Vec<MacMismatch<'a>>,
    uncounted: Vec<Uncounted<'a>>,
}

#[derive(serde::Serialize)]
struct MacMismatch<'a> {
    name: &'a str,
    predicted: u64,
    measured: u64,
}

#[derive(serde::Serialize)]
struct Uncounted<'a> {
    name: &'a str,
    reason: &'a str,
}

#[derive(serde::Serialize)]
struct Linearity {
    from_batch: u64,
    bytes: Growth,
    macs: Growth,
}

#[derive(serde::Serialize)]
struct Growth {
    predicted: Option<bool>,
    measured: Option<bool>,
}

#[derive(serde::Serialize)]
struct Time<'a> {
    seconds: f64,
    flops_per_second: f64,
    roof_flops_per_second: Option<f64>,
    nodes: Vec<NodeTime<'a>>,
    above_roof: Vec<&'a str>,
}

#[derive(serde::Serialize)]
struct NodeTime<'a> {
    name: &'a str,
    seconds: f64,
    flops_per_second: f64,
    attainable_flops_per_second: Option<f64>,
    bytes_per_second: Option<f64>,
}

impl<'a> Model<'a> {
    fn of(verified: &'a Verified) -> Model<'a> {
        let runtime = verified.runtime.as_ref().map(|runtime| Runtime {
            library: runtime.loaded.candidate.path.display().to_string(),
            version: &runtime.loaded.version,
            provider: &runtime.using.provider,
            device: &runtime.using.device,
            fallback_nodes: &runtime.fallback_nodes,
            copy_bytes_per_second: runtime.copy_rate,
        });
        Model {
            name: &verified.name,
            source: &verified.source,
            verdict: verified.verdict().name(),
            runtime,
            runs: verified.runs.iter().map(Run::of).collect(),
            missing: &verified.missing,
            not_compared: &verified.not_compared,
        }
    }
}

impl<'a> Run<'a> {
    fn of(run: &'a report::Run) -> Run<'a> {
        let memory = &run.memory;
        Run {
            batch: run.batch,
            optimized: run.optimized,
            tensors: run.tensors.as_ref().map(|tensors| Tensors {
                compared: tensors.compared,
                agree: tensors.agree(),
                predicted_bytes: tensors.bytes.predicted,
                measured_bytes: tensors.bytes.measured,
                mismatches: tensors.mismatches.iter().map(Mismatch::of).collect(),
                not_predicted: &tensors.open,
            }),
            weights: run.weights.as_ref().map(|weights| Weights {
                predicted_values: weights.elements.predicted,
                measured_values: weights.elements.measured,
                predicted_bytes: weights.bytes.predicted,
                measured_bytes: weights.bytes.measured,
                mismatches: weights.mismatches.iter().map(Mismatch::of).collect(),
                not_measured: &weights.hidden,
            }),
            memory: Memory {
                first: Peak::of(&memory.first),
                steady: Peak::of(&memory.steady),
                alive_bytes: memory.alive,
                arena_bytes: memory.arena.map(|arena| arena.used),
                arena_held_bytes: memory.arena.map(|arena| arena.held),
                device_bytes: memory.device,
                residual: terms("first run", &memory.first).chain(terms("later runs", &memory.steady)).collect(),
            },
            macs: run.macs.as_ref().map(Macs::of),
            linearity: run.linearity.as_ref().map(Linearity::of),
            time: run.time.as_ref().map(|time| Time {
                seconds: time.seconds,
                flops_per_second: time.flops_per_second,
                roof_flops_per_second: time.roof_flops_per_second,
                nodes: time.nodes.iter().map(|node| NodeTime::of(node, time)).collect(),
                above_roof: time.above.iter().map(|(name, _)| &**name).collect(),
            }),
        }
    }
}

impl<'a> Mismatch<'a> {
    fn of(mismatch: &'a report::Mismatch) -> Mismatch<'a> {
        let ty = |ty: &'a report::Type| Type { dtype: ty.dtype.as_deref(), shape: ty.shape.as_deref() };
        Mismatch { name: &mismatch.name, predicted: ty(&mismatch.predicted), measured: ty(&mismatch.measured) }
    }
}

impl Peak {
    fn of(peak: &report::Peak) -> Peak {
        Peak { predicted_bytes: peak.bytes.predicted, measured_bytes: peak.bytes.measured }
    }
}

fn terms(run: &str, peak: &report::Peak) -> impl Iterator<Item = Term> {
    peak.terms.iter().map(move |term| Term { term: format!("{run}: {}", term.name), bytes: term.bytes })
}

impl<'a> Macs<'a> {
    fn of(macs: &'a report::Macs) -> Macs<'a> {
        Macs {
            layers: macs.layers,
            agree: macs.agree(),
            predicted: macs.total.predicted,
            measured: macs.total.measured,
            without_padding: macs.without_padding,
            mismatches: macs
                .mismatches
                .iter()
                .map(|one| MacMismatch { name: &one.name, predicted: one.predicted, measured: one.measured })
                .collect(),
            uncounted: macs.uncounted.iter().map(|(name, reason)| Uncounted { name, reason }).collect(),
        }
    }
}

impl Linearity {
    fn of(linearity: &report::Linearity) -> Linearity {
        let growth = |growth: report::Growth| Growth { predicted: growth.predicted, measured: growth.measured };
        Linearity { from_batch: linearity.from, bytes: growth(linearity.bytes), macs: growth(linearity.macs) }
    }
}

impl<'a> NodeTime<'a> {
    fn of(node: &'a report::NodeTime, time: &report::Time) -> NodeTime<'a> {
        NodeTime {
            name: &node.name,
            seconds: node.seconds,
            flops_per_second: node.flops_per_second(),
            attainable_flops_per_second: node.attainable(time),
            bytes_per_second: node.bytes.map(|bytes| bytes / node.seconds),
        }
    }
}
