//! Answers of the runtime held against predictions, one kind a function.

use super::child::Done;
use super::job::{Answer, NodeRun, Peaks, Profile};
use super::ones::OneNode;
use super::plan::{Plan, Purpose};
use super::report::{
    Linearity, MacMismatch, Macs, Memory, Mismatch, NodeTime, Pair, Peak, Run, Runtime, Term, Time, Type, Verified,
    Weights,
};
use super::subject::Case;
use super::{planned, tensors};
use crate::analyze::memory::onnxruntime;
use crate::analyze::{Sizing, convention};
use crate::base::quantity::Bytes;
use crate::graph::{NodeId, Role, Value, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that take less time than this many seconds show their start-up and the clock's grain, not their arithmetic.
const SHORTEST: f64 = 20e-6;

/// What is not compared where models run on another device than the processor.
const ELSEWHERE: [&str; 2] = [
    "memory: predicted is what the processor takes; `--device cpu` compares it",
    "time: on this device the clock stops before the work is done; `--device cpu` compares it",
];

/// Compares everything that was measured of a case, and adds it to what is known of the model.
pub(super) fn add(verified: &mut Verified, case: &Case, plan: &Plan, done: Done) {
    let sizing = Sizing::of(case.model, case.batch, convention::default());
    let Done { loaded, using, answers, failure } = done;
    verified.miss(failure.as_ref().map(ToString::to_string));
    let mut kinds = Kinds { sums: vec![Sums::default(); plan.countables.len()], ..Kinds::default() };
    let mut reasons = BTreeSet::new();
    for (purpose, task) in &plan.purposes {
        match (purpose, answers.get(*task)) {
            (_, None) => {}
            (Purpose::Nominal(number) | Purpose::Effective(number), Some(Err(why))) => {
                let name = plan.countables.get(*number).map(|one| &*case.model.nodes[one.node].name);
                verified.missing.push(format!("multiply-accumulates of `{}`: {why}", name.unwrap_or_default()));
            }
            (_, Some(Err(why))) => {
                // What fails to load fails in every task.
                if reasons.insert(why) {
                    verified.missing.push(format!("{} fails: {why}", plan.doing(*task, case)));
                }
            }
            (purpose, Some(Ok(answer))) => kinds.take(purpose, answer.clone()),
        }
    }
    let plain = kinds.profiles[0].as_ref();
    let cpu = using.provider == "CPUExecutionProvider";
    // Elsewhere the runtime's clock stops when a kernel has been handed over, not when it is done.
    let roof = kinds.roof.filter(|_| cpu).map(|seconds| rate(plan.roof_macs, seconds));
    let copy = kinds.copy.filter(|_| cpu);
    if verified.runtime.is_none() {
        if !cpu {
            verified.not_compared = ELSEWHERE.map(String::from).into();
        }
        let fallback_nodes = plain.filter(|_| !cpu).map(fallback).unwrap_or_default();
        verified.runtime = Some(Runtime { loaded, using, fallback_nodes, copy_rate: kinds.copy });
    }
    let types = (!kinds.types.is_empty()).then(|| tensors::compare(case, kinds.types));
    let inserted: Vec<&NodeRun> = plain.map(|profile| inserted(case, profile)).unwrap_or_default();
    // Peaks are those of the processor, as plans are.
    let planned = kinds.peaks.each_ref().map(|peaks| {
        let graph = peaks.as_ref()?.graph.as_deref();
        let how = graph.map_or("", |_| ", with the runtime's optimisations");
        let plan = planned::of(case, graph);
        let why = plan.as_ref().err();
        verified.miss(why.map(|why| format!("memory at batch {}{how}: not predicted, because {why}", case.batch)));
        plan.ok()
    });
    let macs = macs(case, &sizing, plan, &kinds.sums);
    let before = verified.runs.iter().find(|run| !run.optimized);
    let linearity = before.and_then(|run| Linearity::between(run, case.batch, types.as_ref(), macs.as_ref()));
    for optimized in [false, true] {
        let place = usize::from(optimized);
        let peaks = kinds.peaks[place].as_ref();
        let profile = kinds.profiles[place].as_ref();
        if peaks.is_none() && profile.is_none() && (optimized || types.is_none()) {
            continue;
        }
        verified.runs.push(Run {
            batch: case.batch,
            optimized,
            tensors: types.clone().filter(|_| !optimized),
            weights: profile.filter(|_| !optimized).map(|profile| weights(case, &sizing, profile, &inserted)),
            memory: memory(&sizing, planned[place].as_ref(), peaks, profile, optimized),
            macs: macs.clone().filter(|_| !optimized),
            linearity: linearity.clone().filter(|_| !optimized),
            time: profile.map(|profile| time(case, &sizing, profile, (roof, copy), optimized)),
        });
    }
}

/// Answers by kind.
#[derive(Default)]
struct Kinds {
    types: Vec<(std::ops::Range<usize>, Vec<super::job::Typed>)>,
    /// Without optimisation, and with.
    peaks: [Option<Peaks>; 2],
    profiles: [Option<Profile>; 2],
    /// The quickest product.
    roof: Option<f64>,
    copy: Option<f64>,
    /// By node that is counted.
    sums: Vec<Sums>,
}

/// Multiply-accumulates of a node as they were counted: all of them, and those without padding where that differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    nominal: Option<u64>,
    effective: Option<u64>,
}

impl Kinds {
    fn take(&mut self, purpose: &Purpose, answer: Answer) {
        match (purpose, answer) {
            (Purpose::Types(slice), Answer::Types(types)) => self.types.push((slice.clone(), types)),
            (Purpose::Peaks(optimized), Answer::Peaks(peaks)) => self.peaks[usize::from(*optimized)] = peaks,
            (Purpose::Profile(optimized), Answer::Profile(profile)) => {
                self.profiles[usize::from(*optimized)] = Some(profile);
            }
            (Purpose::Roof, Answer::Profile(profile)) => {
                self.roof = self.roof.into_iter().chain(quickest(&profile)).min_by(f64::total_cmp);
            }
            (Purpose::Copy, Answer::Copy { bytes_per_second }) => self.copy = Some(bytes_per_second),
            (Purpose::Nominal(number), Answer::Sum(sum)) => {
                if let Some(sums) = self.sums.get_mut(*number) {
                    sums.nominal = Some(sum);
                }
            }
            (Purpose::Effective(number), Answer::Sum(sum)) => {
                if let Some(sums) = self.sums.get_mut(*number) {
                    sums.effective = Some(sum);
                }
            }
            _ => {}
        }
    }
}

/// Floating-point operations a second.
fn rate(macs: u64, seconds: f64) -> f64 {
    2.0 * float(macs) / seconds
}

#[expect(clippy::cast_precision_loss, reason = "it is for rates, of which three digits are shown")]
fn float(n: u64) -> f64 {
    n as f64
}

/// Names of nodes that ran on the processor.
fn fallback(profile: &Profile) -> Vec<String> {
    let on_cpu = profile.nodes.iter().filter(|node| node.provider == "CPUExecutionProvider");
    on_cpu.map(|node| node.name.clone()).collect()
}

/// Nodes that run and that the file does not have: conversions to a type for which there is a kernel, bodies of functions
/// and of loops.
fn inserted<'a>(case: &Case, profile: &'a Profile) -> Vec<&'a NodeRun> {
    profile.nodes.iter().filter(|run| own(case, run).is_none()).collect()
}

fn memory(
    sizing: &Sizing,
    planned: Option<&onnxruntime::Plan>,
    peaks: Option<&Peaks>,
    profile: Option<&Profile>,
    optimized: bool,
) -> Memory {
    let peak = |predicted: Option<onnxruntime::Peak>, values, measured: Option<u64>| Peak {
        bytes: Pair { predicted: predicted.and_then(|peak| peak.total()).map(|bytes| bytes.0), measured },
        terms: predicted.map_or_else(Vec::new, |peak| {
            let term = |name, bytes: Bytes| Term { name, bytes: bytes.0 };
            vec![term(values, peak.values), term("outputs", peak.outputs), term("scratch", peak.scratch)]
        }),
    };
    let alive = sizing.alive_at_once().known().map(|bytes| bytes.0);
    Memory {
        alive: alive.filter(|_| !optimized),
        first: peak(planned.map(|plan| plan.first), "values", peaks.map(|peaks| peaks.first)),
        steady: peak(planned.map(|plan| plan.steady), "one block for values", peaks.map(|peaks| peaks.steady)),
        arena: profile.and_then(|profile| profile.arena),
        device: profile.and_then(|profile| profile.device),
    }
}

/// Every count of single nodes.
fn macs(case: &Case, sizing: &Sizing, plan: &Plan, sums: &[Sums]) -> Option<Macs> {
    let mut macs = Macs { uncounted: plan.uncounted.clone(), ..Macs::default() };
    let (mut predicted, mut measured, mut effective) = (Some(0u64), Some(0u64), Some(0u64));
    let add = |sum: Option<u64>, n: Option<u64>| sum?.checked_add(n?);
    for (countable, sums) in plan.countables.iter().zip(sums) {
        let of = |one: &OneNode, sum: Option<u64>| sum?.checked_mul(one.each);
        let Some(nominal) = of(&countable.nominal, sums.nominal) else { continue };
        macs.layers += 1;
        if nominal != countable.macs {
            let name = case.model.nodes[countable.node].name.to_string();
            macs.mismatches.push(MacMismatch { name, predicted: countable.macs, measured: nominal });
        }
        predicted = add(predicted, sizing.macs_of(countable.node).known().map(|m| m.0));
        measured = add(measured, Some(nominal));
        let without_padding = countable.effective.as_ref().map_or(Some(nominal), |one| of(one, sums.effective));
        effective = add(effective, without_padding);
    }
    macs.total = Pair { predicted, measured };
    macs.without_padding = effective;
    (macs.layers > 0 || !macs.uncounted.is_empty()).then_some(macs)
}

/// Types of stored values, from the inputs of the nodes that read them.
fn weights(case: &Case, sizing: &Sizing, profile: &Profile, inserted: &[&NodeRun]) -> Weights {
    let model = case.model;
    let mut weights = Weights::default();
    // Elements and bytes of each.
    let mut seen: BTreeMap<ValueId, Option<(u64, u64)>> = BTreeMap::new();
    for (node, run) in matched(case, profile) {
        let present: Vec<ValueId> = model.nodes[node].inputs.iter().flatten().copied().collect();
        if present.len() != run.inputs.len() {
            continue;
        }
        for (id, typed) in present.into_iter().zip(&run.inputs) {
            let value = &model.values[id];
            let Some(predicted) = value.ty.tensor().map(Type::predicted).filter(|_| counts(value)) else { continue };
            if seen.contains_key(&id) {
                continue;
            }
            let measured = Type::measured(typed.clone());
            // Behind a conversion there is another tensor.
            if !inserted.is_empty() && predicted.has_sizes_of(&measured) && predicted.dtype != measured.dtype {
                continue;
            }
            // What a packed weight stands for follows from its type, and only that is measured.
            let packed = model.packed.get(&id).copied().filter(|_| predicted.allows(&measured));
            seen.insert(id, packed.or(measured.elements()).zip(measured.bytes()));
            if !predicted.allows(&measured) {
                weights.mismatches.push(Mismatch { name: value.name.to_string(), predicted, measured });
            }
        }
    }
    let stored = model.values.iter().filter(|(_, value)| counts(value));
    let hidden = stored.filter(|(id, _)| !seen.contains_key(id)).map(|(_, value)| value.name.to_string());
    weights.hidden = hidden.collect();
    let sum = |(a, b): (u64, u64), (c, d): (u64, u64)| Some((a.checked_add(c)?, b.checked_add(d)?));
    let measured = seen.into_values().try_fold((0, 0), |all, one| sum(all, one?));
    let measured = measured.filter(|_| weights.hidden.is_empty()).unzip();
    let totals = sizing.totals();
    let both = |a: Option<u64>, b: Option<u64>| a?.checked_add(b?);
    weights.elements = Pair {
        predicted: both(totals.parameters.known().map(|n| n.0), totals.buffers.known().map(|n| n.0)),
        measured: measured.0,
    };
    weights.bytes = Pair {
        predicted: both(totals.parameter_bytes.known().map(|n| n.0), totals.buffer_bytes.known().map(|n| n.0)),
        measured: measured.1,
    };
    weights
}

/// Whether a value is a parameter or a buffer.
fn counts(value: &Value) -> bool {
    value.stored().is_some_and(|stored| stored.role != Role::Constant)
}

/// Nodes of the network with how they ran.
fn matched<'a>(case: &'a Case, profile: &'a Profile) -> impl Iterator<Item = (NodeId, &'a NodeRun)> {
    profile.nodes.iter().filter_map(|run| Some((own(case, run)?, run)))
}

/// The network's node that ran. Nodes inside other nodes have numbers of their own, which may be those of others here.
fn own(case: &Case, run: &NodeRun) -> Option<NodeId> {
    case.file.node(run.index).filter(|id| *case.model.nodes[*id].op_type == *run.op)
}

fn time(
    case: &Case,
    sizing: &Sizing,
    profile: &Profile,
    (roof, copy): (Option<f64>, Option<f64>),
    optimized: bool,
) -> Time {
    let macs = sizing.totals().macs.least.0;
    let mut time = Time {
        seconds: profile.seconds,
        flops_per_second: rate(macs, profile.seconds),
        roof_flops_per_second: roof,
        copy_rate: copy,
        nodes: Vec::new(),
        above: Vec::new(),
    };
    if optimized {
        return time;
    }
    for (id, run) in matched(case, profile) {
        let (name, flops) = (case.model.nodes[id].name.to_string(), 2.0 * float(sizing.macs_of(id).least.0));
        time.nodes.push(NodeTime { name, seconds: run.seconds, flops, bytes: moved(case, id).map(float) });
    }
    if let Some(roof) = roof {
        let long = time.nodes.iter().filter(|node| node.seconds >= SHORTEST);
        time.above = long.map(|node| (node.name.clone(), node.flops_per_second())).collect();
        time.raise(roof);
    }
    time
}

/// Bytes of everything that a node reads and writes.
fn moved(case: &Case, id: NodeId) -> Option<u64> {
    let node = &case.model.nodes[id];
    let values: BTreeSet<ValueId> = node.inputs.iter().chain(&node.outputs).flatten().copied().collect();
    values.into_iter().try_fold(0u64, |sum, id| sum.checked_add(case.model.values[id].ty.bytes()?))
}

/// Floating-point operations a second of the quickest product among some.
pub(super) fn roof(answers: &[Result<Answer, String>], macs: u64) -> Option<f64> {
    let quickest = answers.iter().filter_map(|answer| match answer {
        Ok(Answer::Profile(profile)) => quickest(profile),
        _ => None,
    });
    quickest.min_by(f64::total_cmp).map(|seconds| rate(macs, seconds))
}

/// The time of the quickest node.
fn quickest(profile: &Profile) -> Option<f64> {
    profile.nodes.iter().map(|node| node.seconds).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::super::ones::Countable;
    use super::super::subject::File;
    use super::*;

    #[test]
    fn products_without_padding_are_unknown_until_they_are_counted() {
        let model = tensors::tests::model();
        let case = Case { model: &model, batch: 1, file: File::exported(&model).expect("ONNX has both") };
        let mut plan = Plan::new(&case).expect("its input has a size");
        let one = || OneNode { model: Vec::new(), feeds: Vec::new(), each: 1 };
        plan.countables.push(Countable { node: model.main.nodes[0], macs: 9, nominal: one(), effective: Some(one()) });
        let sizing = Sizing::of(&model, 1, convention::default());
        let mut kinds = Kinds { sums: vec![Sums::default()], ..Kinds::default() };
        let mut take = |purpose, sum| {
            kinds.take(&purpose, Answer::Sum(sum));
            let macs = macs(&case, &sizing, &plan, &kinds.sums).expect("a node was counted");
            (macs.total.measured, macs.without_padding)
        };
        assert_eq!(take(Purpose::Nominal(0), 9), (Some(9), None));
        assert_eq!(take(Purpose::Effective(0), 4), (Some(9), Some(4)));
    }
}
