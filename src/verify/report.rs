//! What was predicted beside what was measured: plain data, and the verdict that follows from it.

use super::job::{Arena, Library, Typed, Using};
use crate::tensor::{DType, TensorType};
use std::fmt;

/// What a whole comparison comes to. The worst of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everything that is compared on the device was measured, and everything agrees. On the processor that is shapes, types,
    /// weights, memory, counts and time; on a GPU it is shapes, types, weights and counts.
    Agree,
    /// What was measured agrees; something was not.
    Incomplete,
    /// A prediction is wrong.
    Mismatch,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::Incomplete => "incomplete",
            Verdict::Mismatch => "mismatch",
        }
    }
}

/// Everything that was compared of one model.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// The model's name.
    pub name: String,
    /// Where it was read.
    pub source: String,
    /// What it ran on; nothing where it did not run.
    pub runtime: Option<Runtime>,
    /// One a batch, and one more with the runtime's optimisations.
    pub runs: Vec<Run>,
    /// What was not measured, and why: the comparison is incomplete.
    pub missing: Vec<String>,
    /// What is never compared on the device that was used, and why. The verdict is not about it.
    pub not_compared: Vec<String>,
}

impl Verified {
    /// Adds reasons why something was not measured, each once.
    pub(super) fn miss(&mut self, reasons: impl IntoIterator<Item = String>) {
        for why in reasons {
            if !self.missing.contains(&why) {
                self.missing.push(why);
            }
        }
    }

    /// What the comparison comes to.
    pub fn verdict(&self) -> Verdict {
        let runs = self.runs.iter().flat_map(Run::checks).map(|check| check.verdict).max();
        let missing = if self.missing.is_empty() { Verdict::Agree } else { Verdict::Incomplete };
        runs.unwrap_or(Verdict::Incomplete).max(missing)
    }
}

/// What models ran on.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The library.
    pub loaded: Library,
    /// The provider and its device.
    pub using: Using,
    /// Nodes that ran on the processor although another device was in use.
    pub fallback_nodes: Vec<String>,
    /// Bytes a second that the machine copies.
    pub copy_rate: Option<f64>,
}

/// Runs at one batch.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Examples at once.
    pub batch: u64,
    /// Whether the runtime changed the graph first. Only memory is predicted of that.
    pub optimized: bool,
    /// Types of values.
    pub tensors: Option<Tensors>,
    /// What the model stores.
    pub weights: Option<Weights>,
    /// Bytes.
    pub memory: Memory,
    /// Arithmetic.
    pub macs: Option<Macs>,
    /// How figures grew with the batch, where another one ran before.
    pub linearity: Option<Linearity>,
    /// Time.
    pub time: Option<Time>,
}

/// Something that was compared, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// Where it differs, both figures; empty where it does not.
    pub difference: String,
}

impl Run {
    /// Everything that was compared.
    pub fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut add = |name, verdict: Option<Verdict>, difference: Option<String>| {
            if let Some(verdict) = verdict {
                let difference = difference.filter(|_| verdict == Verdict::Mismatch).unwrap_or_default();
                checks.push(Check { name, verdict, difference });
            }
        };
        let first = |list: &[Mismatch]| list.first().map(Mismatch::to_string);
        if let Some(tensors) = &self.tensors {
            add("tensors", Some(tensors.verdict()), first(&tensors.mismatches));
        }
        if let Some(weights) = &self.weights {
            let difference = first(&weights.mismatches).unwrap_or_else(|| weights.bytes.to_string());
            add("weights", Some(weights.verdict()), Some(difference));
        }
        let (one, later) = (self.memory.first.bytes, self.memory.steady.bytes);
        add("memory of the first run", one.verdict(), Some(one.to_string()));
        add("memory of later runs", later.verdict(), Some(later.to_string()));
        if let Some(macs) = &self.macs {
            let difference = macs.mismatches.first().map_or_else(|| macs.total.to_string(), MacMismatch::to_string);
            add("multiply-accumulates", Some(macs.verdict()), Some(difference));
        }
        if let Some(linearity) = &self.linearity {
            add("growth with the batch", linearity.verdict(), Some(linearity.difference()));
        }
        if let Some(time) = &self.time {
            let above = time.above.first().map(|(name, _)| format!("`{name}` is quicker than the machine"));
            add("time", time.verdict(), above);
        }
        checks
    }
}

/// A figure twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// As predicted, if it is.
    pub predicted: Option<u64>,
    /// As measured, if it was.
    pub measured: Option<u64>,
}

impl Pair {
    /// Whether both agree; nothing where one of them is missing.
    pub fn verdict(self) -> Option<Verdict> {
        let (predicted, measured) = (self.predicted?, self.measured?);
        Some(if predicted == measured { Verdict::Agree } else { Verdict::Mismatch })
    }
}

impl Memory {
    /// What the process holds on a GPU outside the runtime's arena.
    pub fn outside(&self) -> Option<u64> {
        self.device?.checked_sub(self.arena?.held)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |n: Option<u64>| n.map_or_else(|| "nothing".into(), |n| n.to_string());
        write!(f, "predicted {}, measured {}", known(self.predicted), known(self.measured))
    }
}

/// Types of values, predicted and measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensors {
    /// How many were compared.
    pub compared: usize,
    /// Those that differ.
    pub mismatches: Vec<Mismatch>,
    /// Those of which the prediction is not complete.
    pub open: Vec<String>,
    /// Bytes of all of them.
    pub bytes: Pair,
    /// Name and measured bytes of each that agrees, in running order.
    pub sizes: Vec<(String, u64)>,
}

impl Tensors {
    /// How many agree.
    pub fn agree(&self) -> usize {
        self.compared.saturating_sub(self.mismatches.len())
    }

    fn verdict(&self) -> Verdict {
        match (self.mismatches.is_empty(), self.open.is_empty()) {
            (false, _) => Verdict::Mismatch,
            (true, false) => Verdict::Incomplete,
            (true, true) => Verdict::Agree,
        }
    }
}

/// A value whose type is not as predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The value.
    pub name: String,
    /// As predicted.
    pub predicted: Type,
    /// As measured.
    pub measured: Type,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: predicted {}, measured {}", self.name, self.predicted, self.measured)
    }
}

/// A tensor's type, for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// The element type's name.
    pub dtype: Option<String>,
    /// Sizes; `None` for one that is not known. Nothing where not even their number is.
    pub shape: Option<Vec<Option<u64>>>,
}

impl Type {
    /// A predicted type.
    pub fn predicted(ty: &TensorType) -> Type {
        let shape = ty.shape.dims().map(|dims| dims.iter().map(crate::tensor::Dim::size).collect());
        Type { dtype: ty.dtype.map(|dtype| dtype.name().into()), shape }
    }

    /// A measured type.
    pub(super) fn measured(typed: Typed) -> Type {
        let shape = typed.dims.into_iter().map(|n| u64::try_from(n).ok()).collect();
        Type { dtype: Some(typed.dtype), shape: Some(shape) }
    }

    /// Whether the sizes are the same, whatever the elements are.
    pub(super) fn has_sizes_of(&self, other: &Type) -> bool {
        self.shape == other.shape
    }

    /// Whether nothing is open.
    pub fn is_complete(&self) -> bool {
        self.dtype.is_some() && self.shape.as_ref().is_some_and(|shape| shape.iter().all(Option::is_some))
    }

    /// Whether a measured type is one that this prediction allows.
    pub fn allows(&self, measured: &Type) -> bool {
        let dtype = self.dtype.is_none() || self.dtype == measured.dtype;
        let shape = match (&self.shape, &measured.shape) {
            (None, _) => true,
            (Some(own), Some(other)) => {
                own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a.is_none() || a == b)
            }
            (Some(_), None) => false,
        };
        dtype && shape
    }

    /// The number of its elements, if no size is open.
    pub fn elements(&self) -> Option<u64> {
        self.shape.as_ref()?.iter().try_fold(1u64, |product, size| product.checked_mul((*size)?))
    }

    /// Its size in bytes, if nothing is open.
    pub fn bytes(&self) -> Option<u64> {
        DType::from_name(self.dtype.as_ref()?)?.bytes(self.elements()?)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dtype.as_deref().unwrap_or("?"))?;
        let Some(shape) = &self.shape else { return f.write_str("[…]") };
        let sizes = shape.iter().map(|size| size.map_or_else(|| "?".into(), |n| n.to_string()));
        write!(f, "[{}]", sizes.collect::<Vec<_>>().join(", "))
    }
}

/// What the model stores and computes with: parameters and buffers, each value once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// How many values.
    pub elements: Pair,
    /// Their bytes.
    pub bytes: Pair,
    /// Stored tensors whose type is not as predicted.
    pub mismatches: Vec<Mismatch>,
    /// Stored tensors that the runtime does not show as they are: read inside other nodes or behind a conversion, or not at
    /// all.
    pub hidden: Vec<String>,
}

impl Weights {
    fn verdict(&self) -> Verdict {
        let figures = [self.elements.verdict(), self.bytes.verdict()];
        let worst = figures.into_iter().map(|v| v.unwrap_or(Verdict::Incomplete)).max().unwrap_or(Verdict::Incomplete);
        if self.mismatches.is_empty() { worst } else { Verdict::Mismatch }
    }
}

/// Peaks of live bytes on one thread, beyond weights and inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What any way of running needs at least: values alive at once, as predicted.
    pub alive: Option<u64>,
    /// Of the session's allocator in its first run.
    pub first: Peak,
    /// In later runs, for which the runtime reserves one block that it packed after the first.
    pub steady: Peak,
    /// The runtime's own arena on the device in use, which rounds up.
    pub arena: Option<Arena>,
    /// Bytes that the process holds on a GPU, as its driver says: what the arena holds and, outside any formula, the
    /// driver's context and the workspaces of its libraries.
    pub device: Option<u64>,
}

/// The most bytes that were live at once in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// All of them.
    pub bytes: Pair,
    /// The parts of the prediction, for a difference to be looked for in.
    pub terms: Vec<Term>,
}

/// A part of a predicted peak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it is.
    pub name: &'static str,
    /// Bytes.
    pub bytes: u64,
}

/// Multiply-accumulates, by running single nodes with ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macs {
    /// How many nodes were counted.
    pub layers: usize,
    /// Those whose count is not as predicted.
    pub mismatches: Vec<MacMismatch>,
    /// Nodes that cannot be counted, and why.
    pub uncounted: Vec<(String, String)>,
    /// Of all nodes that were counted.
    pub total: Pair,
    /// The same without products with padding.
    pub without_padding: Option<u64>,
}

/// A node whose count is not as predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacMismatch {
    /// The node.
    pub name: String,
    /// As predicted.
    pub predicted: u64,
    /// As counted.
    pub measured: u64,
}

impl fmt::Display for MacMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: predicted {}, counted {}", self.name, self.predicted, self.measured)
    }
}

impl Macs {
    /// How many nodes agree.
    pub fn agree(&self) -> usize {
        self.layers.saturating_sub(self.mismatches.len())
    }

    fn verdict(&self) -> Verdict {
        let total = self.total.verdict().unwrap_or(Verdict::Incomplete);
        match (self.mismatches.is_empty(), self.uncounted.is_empty()) {
            (false, _) => Verdict::Mismatch,
            (true, false) => total.max(Verdict::Incomplete),
            (true, true) => total,
        }
    }
}

/// How figures grew from another batch to this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linearity {
    /// The other batch.
    pub from: u64,
    /// Bytes of all values, here and there.
    pub bytes: Growth,
    /// Multiply-accumulates.
    pub macs: Growth,
}

/// Whether a figure grew in proportion to the batch; nothing where it is not known at both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// As predicted.
    pub predicted: Option<bool>,
    /// As measured.
    pub measured: Option<bool>,
}

impl Linearity {
    /// From a run to another batch, of which this was measured. `None` where both are the same.
    pub(super) fn between(run: &Run, batch: u64, tensors: Option<&Tensors>, macs: Option<&Macs>) -> Option<Linearity> {
        let grown = |before: Option<Pair>, now: Option<Pair>| {
            let in_proportion = |before: Option<u64>, now: Option<u64>| {
                let (before, now) = (u128::from(before?), u128::from(now?));
                Some(before * u128::from(batch) == now * u128::from(run.batch))
            };
            let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
            Growth {
                predicted: in_proportion(before.predicted, now.predicted),
                measured: in_proportion(before.measured, now.measured),
            }
        };
        (run.batch != batch).then(|| Linearity {
            from: run.batch,
            bytes: grown(run.tensors.as_ref().map(|t| t.bytes), tensors.map(|t| t.bytes)),
            macs: grown(run.macs.as_ref().map(|m| m.total), macs.map(|m| m.total)),
        })
    }

    /// The figures by name.
    pub fn figures(&self) -> [(&'static str, Growth); 2] {
        [("bytes of values", self.bytes), ("multiply-accumulates", self.macs)]
    }

    fn verdict(&self) -> Option<Verdict> {
        let compared = self.figures().into_iter().filter_map(|(_, growth)| {
            let (predicted, measured) = (growth.predicted?, growth.measured?);
            Some(if predicted == measured { Verdict::Agree } else { Verdict::Mismatch })
        });
        compared.max()
    }

    fn difference(&self) -> String {
        let wrong = self.figures().into_iter().filter(|(_, growth)| growth.predicted != growth.measured);
        let one = |(name, growth): (&str, Growth)| {
            let how = if growth.measured == Some(true) { "grew" } else { "did not grow" };
            format!("{name} {how} in proportion to the batch, unlike predicted")
        };
        wrong.map(one).collect::<Vec<_>>().join("; ")
    }
}

/// Time of the quickest run, with as many threads as there are processors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Time {
    /// Of a whole run.
    pub seconds: f64,
    /// Predicted floating-point operations by that time.
    pub flops_per_second: f64,
    /// What the machine reached on the product of two large matrices.
    pub roof_flops_per_second: Option<f64>,
    /// What the machine copies, in bytes a second.
    pub copy_rate: Option<f64>,
    /// Nodes in the order in which they ran; none where the runtime changed the graph first.
    pub nodes: Vec<NodeTime>,
    /// Nodes that would have computed faster than the machine can: name and operations a second.
    pub above: Vec<(String, f64)>,
}

/// How long a node ran.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTime {
    /// The node.
    pub name: String,
    /// Its quickest run.
    pub seconds: f64,
    /// Predicted floating-point operations, of multiply-accumulates alone.
    pub flops: f64,
    /// Bytes that it reads and writes, each once, as predicted; nothing where a size is open.
    pub bytes: Option<f64>,
}

impl NodeTime {
    /// Floating-point operations a second.
    pub fn flops_per_second(&self) -> f64 {
        self.flops / self.seconds
    }

    /// The most operations a second that the machine allows with what it multiplies and copies, if the node's bytes come
    /// from memory: S. Williams et al., Roofline (2009). Values that stay in a cache may pass it.
    pub fn attainable(&self, time: &Time) -> Option<f64> {
        Some(time.roof_flops_per_second?.min(self.flops / self.bytes? * time.copy_rate?))
    }
}

/// How much faster than the matrix product a node may seem: the two are measured at different times, on a machine that
/// changes its clock and has other work to do.
const SLACK: f64 = 2.0;

impl Time {
    /// Takes what the machine reaches to be at least this; nodes that are no longer above it are forgotten.
    pub(super) fn raise(&mut self, roof: f64) {
        let roof = self.roof_flops_per_second.map_or(roof, |before| before.max(roof));
        self.roof_flops_per_second = Some(roof);
        self.above.retain(|(_, reached)| *reached > SLACK * roof);
    }

    /// Calls no time too short that a single measurement of the machine alone would.
    pub(super) fn leave_open(&mut self) {
        if !self.above.is_empty() {
            self.above.clear();
            self.roof_flops_per_second = None;
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.roof_flops_per_second?;
        Some(if self.above.is_empty() { Verdict::Agree } else { Verdict::Mismatch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Shape;

    fn measured(sizes: &[u64]) -> Type {
        Type { dtype: Some("f32".into()), shape: Some(sizes.iter().copied().map(Some).collect()) }
    }

    fn predicted(shape: Shape) -> Type {
        Type::predicted(&TensorType::new(DType::F32, shape))
    }

    #[test]
    fn a_prediction_that_is_off_by_one_is_a_mismatch() {
        let wrong = predicted(Shape::known(&[1, 64, 112, 112]));
        assert!(!wrong.allows(&measured(&[1, 64, 111, 112])));
        assert!(!wrong.allows(&measured(&[1, 64, 112])));
        assert!(wrong.allows(&measured(&[1, 64, 112, 112])));
        let half = Type { dtype: Some("f16".into()), ..measured(&[1, 64, 112, 112]) };
        assert!(!wrong.allows(&half));
        let pair = |predicted, measured| Pair { predicted: Some(predicted), measured: Some(measured) }.verdict();
        assert_eq!([pair(7, 7), pair(7, 8)], [Some(Verdict::Agree), Some(Verdict::Mismatch)]);
        assert_eq!(Pair { predicted: Some(7), measured: None }.verdict(), None);
    }

    #[test]
    fn what_is_open_allows_anything_and_agrees_with_nothing() {
        let open = predicted(Shape::of_rank(2));
        assert!(open.allows(&measured(&[3, 4])) && !open.allows(&measured(&[3])) && !open.is_complete());
        let tensors = Tensors { compared: 1, open: vec!["y".into()], ..Tensors::default() };
        assert_eq!(tensors.verdict(), Verdict::Incomplete);
    }

    #[test]
    fn growth_is_held_against_the_prediction() {
        let pair = |n| Pair { predicted: Some(n), measured: Some(n) };
        let tensors = |bytes| Tensors { bytes, ..Tensors::default() };
        let one = Run { batch: 1, tensors: Some(tensors(pair(10))), ..Run::default() };
        let grown = |bytes| Linearity::between(&one, 3, Some(&tensors(bytes)), None).expect("another batch").verdict();
        assert_eq!([grown(pair(30)), grown(pair(28))], [Some(Verdict::Agree); 2]);
        assert_eq!(grown(Pair { predicted: Some(28), measured: Some(30) }), Some(Verdict::Mismatch));
        assert_eq!(grown(Pair::default()), None);
        assert_eq!(Linearity::between(&one, 1, None, None), None);
    }

    #[test]
    fn the_worst_check_decides() {
        let macs = |predicted, measured| {
            let total = Pair { predicted: Some(predicted), measured: Some(measured) };
            Some(Macs { layers: 1, total, ..Macs::default() })
        };
        let verified = |run: Run| Verified { runs: vec![run], ..Verified::default() }.verdict();
        let good = Tensors { compared: 3, ..Tensors::default() };
        let agree = Run { tensors: Some(good.clone()), macs: macs(9, 9), ..Run::default() };
        assert_eq!(verified(agree.clone()), Verdict::Agree);
        assert_eq!(verified(Run { macs: macs(9, 18), ..agree.clone() }), Verdict::Mismatch);
        let time = Time { roof_flops_per_second: Some(1e9), above: vec![("c".into(), 9e9)], ..Time::default() };
        assert_eq!(verified(Run { time: Some(time), ..agree }), Verdict::Mismatch);
        assert_eq!(Verified::default().verdict(), Verdict::Incomplete, "nothing ran");
    }
}
