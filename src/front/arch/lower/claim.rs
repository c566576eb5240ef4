//! `-> 64@28x28`: what comes out of a line is checked, and restored behind a broken one.

use super::super::ast::{Size, Spanned};
use super::super::name::either;
use super::Lowering;
use super::bind::Given;
use super::scope::Frame;
use super::value::join;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::ValueId;
use crate::ops::layer::{Arg, EXCLUSIVE, KERNEL, Layer, OptionValue};
use crate::tensor::{Dim, ValueType};

/// Most paddings that are tried to explain a claim.
const PADDINGS: u64 = 8;

/// The layer whose output is claimed, to find out what would make the claim true.
pub(super) struct Claimed<'c> {
    pub layer: &'static Layer,
    pub given: &'c Given,
    pub input: ValueId,
}

/// Whether sizes are still those that the author reckoned with: after a claim that does not hold, others that do not
/// hold either are its consequences, until one holds again.
#[derive(Debug, Default)]
pub(super) struct Trust {
    lost: bool,
}

impl<'a> Lowering<'a> {
    /// Checks the current tensor against a claim, or takes the claim's word for a tensor of unknown size.
    pub(super) fn claim(&mut self, frame: &Frame<'a>, claim: Option<&Spanned<Size>>, line: Option<&Claimed>) {
        let (Some(claim), Some(flow), true) = (claim, frame.flow, self.overrides.claims) else { return };
        if !self.is_known(flow) {
            let ty = self.claimed_type(flow, &claim.node);
            self.graph.set_type(flow, ty);
            return;
        }
        let dims = self.dims(flow).unwrap_or(&[]);
        if holds(&claim.node, dims) {
            self.trust.lost = false;
        } else if !std::mem::replace(&mut self.trust.lost, true) {
            let error = self.refuted(claim, flow, line);
            self.report(frame, error);
        }
    }

    /// The claimed type; channels that it does not mention stay as they are.
    fn claimed_type(&self, flow: ValueId, claim: &Size) -> ValueType {
        let sizes = |s: &[u64]| s.iter().map(|n| Dim::from(*n)).collect::<Vec<_>>();
        match claim {
            Size::Shape(c, spatial) => self.tensor(Dim::from(*c), sizes(spatial)),
            Size::Number(n) => self.tensor(Dim::from(*n), []),
            Size::Dims(spatial) => {
                let channels = self.dims(flow).and_then(|d| d.get(1).cloned()).unwrap_or(Dim::Unknown);
                self.tensor(channels, sizes(spatial))
            }
        }
    }

    fn refuted(&self, claim: &Spanned<Size>, flow: ValueId, line: Option<&Claimed>) -> Diagnostic {
        let dims = self.dims(flow).unwrap_or(&[]);
        let found = self.notation(flow);
        let spatial = || crate::tensor::shape::joined(dims.get(2..).unwrap_or(&[]));
        let (wanted, found) = match &claim.node {
            Size::Shape(c, sizes) => (format!("{c}@{}", join(sizes)), found),
            Size::Dims(sizes) if dims.len() > 2 => (join(sizes), spatial()),
            Size::Dims(sizes) => (join(sizes), format!("a vector of {found}")),
            Size::Number(n) if dims.len() > 2 => (format!("a vector of {n}"), format!("{found}, which is no vector,")),
            Size::Number(n) => (n.to_string(), found),
        };
        let message = format!("{wanted} is claimed, {found} comes out");
        let error = Diagnostic::error("shape-claim", Origin::Text(claim.span), message);
        let error = match line {
            Some(line) => self.rounding(line, flow, error),
            None => error,
        };
        match line.map(|line| self.remedies(line, claim)).unwrap_or_default().as_slice() {
            remedies @ [_, ..] => error.help(format!("{} would give {wanted}", either(remedies))),
            [] => error.help(format!("write `-> {}`, or change the line", self.notation(flow))),
        }
    }

    /// Notes which sizes went in, where they changed.
    fn rounding(&self, line: &Claimed, flow: ValueId, error: Diagnostic) -> Diagnostic {
        let spatial = |id| self.dims(id).and_then(|d| d.get(2..)).unwrap_or(&[]);
        let (before, after) = (spatial(line.input), spatial(flow));
        if before.is_empty() || after.is_empty() || before == after {
            return error;
        }
        let joined = crate::tensor::shape::joined;
        error.note(format!("{} becomes {} here", joined(before), joined(after)))
    }

    /// Words, or else a padding, with which the claim would hold.
    fn remedies(&self, line: &Claimed, claim: &Spanned<Size>) -> Vec<String> {
        let tensor = self.graph.get(line.input).ty.clone();
        let would = |given: &Given| {
            let trial = self.trial(line.layer, given, tensor.clone(), claim.span);
            let dims = trial.as_ref().and_then(|(ty, _)| ty.tensor()).and_then(|t| t.shape.dims());
            dims.is_some_and(|dims| holds(&claim.node, dims))
        };
        let excluded =
            |name: &str, other: &str| EXCLUSIVE.iter().any(|set| set.contains(&name) && set.contains(&other));
        let with_word = |word: &&'static str| {
            let mut given = line.given.clone();
            given.words.retain(|w| !excluded(word, w));
            given.options.retain(|(name, ..)| !excluded(word, name));
            if excluded(word, KERNEL) {
                given.kernel = None;
            }
            given.words.push(word);
            would(&given).then(|| format!("`{word}`"))
        };
        let words: Vec<String> = line.layer.words.iter().filter_map(with_word).collect();
        if !words.is_empty() {
            return words;
        }
        let pads = line.layer.options.iter().filter(|o| o.value == OptionValue::Pads);
        let with_pad = |(name, n): (&'static str, u64)| {
            let mut given = line.given.clone();
            given.words.retain(|w| !excluded(name, w));
            given.options.retain(|(other, ..)| *other != name);
            given.options.push((name, Arg::Whole(n), claim.span));
            would(&given).then(|| format!("`{name}={n}`"))
        };
        pads.flat_map(|o| (1..=PADDINGS).map(|n| (o.name, n))).find_map(with_pad).into_iter().collect()
    }
}

fn holds(claim: &Size, dims: &[Dim]) -> bool {
    let known = |dims: &[Dim], sizes: &[u64]| dims.iter().map(Dim::size).eq(sizes.iter().map(|n| Some(*n)));
    match (claim, dims) {
        (Size::Shape(c, sizes), [_, channels, spatial @ ..]) => channels.size() == Some(*c) && known(spatial, sizes),
        (Size::Dims(sizes), [_, _, spatial @ ..]) => known(spatial, sizes),
        (Size::Number(n), [_, units]) => units.size() == Some(*n),
        _ => false,
    }
}
