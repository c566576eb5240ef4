//! Lints: facts about a network that usually mean a mistake or waste, each with its figures as evidence and never a matter
//! of taste. One file a lint; adding one is a file, a `mod` line and a line in [`LINTS`].
//!
//! A lint belongs here when a number proves it, when there is something to do about it, and when it stays quiet on the
//! published networks in `examples/` unless it is true of them. It is named after the fault, so that it reads well behind
//! "allow". Alone in the analysing half of the program, lints may name operators.

mod activation_twice;
mod all_frozen;
pub mod allow;
mod bias_before_norm;
mod checkerboard;
mod dead_end;
mod dominant_dense;
mod dropout_before_norm;
mod early_memory;
mod even_same;
mod fixed_image_size;
mod framework_cannot;
mod oversized_field;
mod softmax_before_loss;
mod stride_skips;
mod unaligned_channels;
mod uneven_stride;
mod unused_block;
mod unused_input;
mod unused_label;

use crate::analyze::Sizing;
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::base::source::Span;
use crate::front::arch::Document;
use crate::graph::{Model, Node, NodeId, Source, ValueId};

/// A lint: its name, how bad what it finds is, and what to know about it.
#[derive(Debug)]
pub struct Lint {
    /// The name, after the fault.
    pub name: &'static str,
    /// Level unless the configuration says otherwise.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// For `cnnsize explain`: what it finds and why that matters.
    pub why: &'static str,
    /// A network that it finds fault with.
    pub example: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
    /// Where the knowledge is from.
    pub source: &'static str,
    check: fn(&Network, &mut Vec<Finding>),
}

/// Every lint, in the order in which they are listed.
pub static LINTS: &[&Lint] = &[
    &bias_before_norm::LINT,
    &dominant_dense::LINT,
    &early_memory::LINT,
    &uneven_stride::LINT,
    &stride_skips::LINT,
    &even_same::LINT,
    &oversized_field::LINT,
    &activation_twice::LINT,
    &softmax_before_loss::LINT,
    &dropout_before_norm::LINT,
    &dead_end::LINT,
    &unused_input::LINT,
    &unused_label::LINT,
    &unused_block::LINT,
    &all_frozen::LINT,
    &framework_cannot::LINT,
    &checkerboard::LINT,
    &unaligned_channels::LINT,
    &fixed_image_size::LINT,
];

/// The lint of this name.
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|l| l.name == name)
}

/// What a lint found: where, and the evidence.
struct Finding {
    origin: Origin,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
}

impl Finding {
    fn at(node: &Node, message: impl Into<String>) -> Finding {
        Finding { origin: node.origin.clone(), message: message.into(), notes: Vec::new(), help: None }
    }

    fn in_text(span: Span, message: impl Into<String>) -> Finding {
        Finding { origin: Origin::Text(span), message: message.into(), notes: Vec::new(), help: None }
    }

    fn note(mut self, note: impl Into<String>) -> Finding {
        self.notes.push(note.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
}

/// A sized network as lints look at it.
struct Network<'a> {
    model: &'a Model,
    sizing: &'a Sizing<'a>,
    /// The text that it is written in, unless it is a graph.
    document: Option<&'a Document>,
    /// Who reads each value, nodes of the network only.
    readers: Vec<Vec<NodeId>>,
}

/// Runs every lint on a network, and on the text that it is written in. Findings come in the order of the lints, then of
/// the nodes.
pub fn check(sizing: &Sizing, document: Option<&Document>) -> Vec<Diagnostic> {
    let model = sizing.model();
    let mut readers = vec![Vec::new(); model.values.len()];
    for id in &model.main.nodes {
        for input in model.nodes[*id].inputs.iter().flatten() {
            readers[input.index()].push(*id);
        }
    }
    let network = Network { model, sizing, document, readers };
    let mut all = Vec::new();
    for lint in LINTS {
        let mut found = Vec::new();
        (lint.check)(&network, &mut found);
        all.extend(found.into_iter().map(|f| {
            let mut diagnostic = Diagnostic::warning(lint.name, f.origin, f.message);
            diagnostic.severity = lint.severity;
            diagnostic.notes = f.notes;
            diagnostic.help = f.help;
            diagnostic
        }));
    }
    all
}

impl Network<'_> {
    /// Nodes of the network that compute something from what is fed, in running order.
    fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.model.main.nodes.iter().map(|id| (*id, &self.model.nodes[*id])).filter(|(_, n)| !n.constant)
    }

    /// The node that makes a node's first input.
    fn before(&self, node: &Node) -> Option<&Node> {
        self.producer(node.inputs.first().copied().flatten()?)
    }

    fn producer(&self, value: ValueId) -> Option<&Node> {
        match self.model.values[value].source {
            Source::Node(id, _) => Some(&self.model.nodes[id]),
            Source::Input | Source::Stored(_) | Source::Inside(..) => None,
        }
    }

    /// The only reader of a node's first output, unless it is an output of the network too.
    fn only_reader(&self, node: &Node) -> Option<(NodeId, &Node)> {
        let output = node.outputs.first().copied().flatten()?;
        match self.readers[output.index()].as_slice() {
            [one] if !self.model.main.outputs.contains(&output) => Some((*one, &self.model.nodes[*one])),
            _ => None,
        }
    }

    /// Sizes of a value, if all are known.
    fn sizes(&self, value: Option<ValueId>) -> Option<Vec<u64>> {
        self.model.values[value?].ty.tensor()?.shape.sizes()
    }
}

/// Whether an operator is a convolution with weights of the standard kind.
fn is_conv(node: &Node) -> bool {
    matches!(node.kind.name, "Conv" | "ConvTranspose") && node.kind.domain.is_empty()
}

/// A list of whole numbers among a node's attributes.
fn ints<'a>(node: &'a Node, name: &str) -> Option<&'a [i64]> {
    node.attributes.ints(name).ok().flatten()
}

/// Whole numbers as sizes, if none is negative.
fn whole(numbers: &[i64]) -> Option<Vec<u64>> {
    numbers.iter().map(|n| u64::try_from(*n).ok()).collect()
}

/// Sizes as the language writes them.
fn by(sizes: &[impl ToString]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// The product of sizes, unless it is beyond all numbers.
fn product<'a>(sizes: impl IntoIterator<Item = &'a u64>) -> Option<u64> {
    sizes.into_iter().try_fold(1u64, |product, size| product.checked_mul(*size))
}

/// A share in percent, rounded down.
fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(100)
}
