//! From a model's text to its graph: the state of an expansion.

mod bind;
mod call;
mod claim;
mod cost;
mod defaults;
mod eval;
mod expand;
mod explain;
mod input;
mod join;
mod layer;
mod line;
mod rank;
mod refuse;
mod scope;
mod share;
mod value;
mod written;

use super::ast::Expect;
use super::document::{Document, Framework, Lowered, Overrides};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::{Builder, NodeId, ValueId};
use crate::tensor::{DType, Dim, Shape, TensorType, ValueType};
use claim::Trust;
use cost::{Cost, Costs};
use defaults::Top;
use eval::Fault;
use scope::{Frame, Labels};
use share::Share;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

/// A model being expanded.
struct Lowering<'a> {
    doc: &'a Document,
    overrides: &'a Overrides,
    settings: For,
    graph: Builder,
    /// Every node, in order.
    made: Vec<NodeId>,
    labels: Labels,
    /// Tops of the files, as far as they were needed.
    tops: Vec<Option<Rc<Top<'a>>>>,
    diagnostics: Vec<Diagnostic>,
    /// What has been said, and where: a block that is called twenty times is wrong once.
    said: HashSet<(&'static str, Span)>,
    /// Layers and statements so far.
    spent: Cost,
    /// Whether they are too many, so that nothing more is made.
    stopped: bool,
    costs: Costs,
    /// How many bodies are open.
    depth: usize,
    /// Whether what is made is frozen.
    frozen: bool,
    shares: Share,
    trust: Trust,
    inputs: Vec<(Arc<str>, ValueId)>,
    outputs: Vec<ValueId>,
    expects: Vec<Expect>,
}

/// What the model is sized for.
#[derive(Clone, Copy, Debug)]
struct For {
    batch: u64,
    weights: DType,
    activations: DType,
    framework: Option<Framework>,
}

/// Expands a model into a graph.
pub(super) fn lower(doc: &Document, model: usize, overrides: &Overrides) -> Lowered {
    let mut lowering = run(doc, model, overrides);
    lowering.explain_windows(model);
    let Lowering { mut graph, labels, outputs, expects, diagnostics, settings, .. } = lowering;
    for output in outputs {
        graph.output(output);
    }
    let For { batch, weights, activations, framework } = settings;
    let model = graph.finish(doc.modules[0].models[model].name.clone(), labels.into_list());
    Lowered { model, batch, weights, activations, framework, expects, diagnostics }
}

/// Expands a model.
fn run<'a>(doc: &'a Document, model: usize, overrides: &'a Overrides) -> Lowering<'a> {
    let text = &doc.modules[0].models[model];
    let file = doc.modules[0].settings;
    let settings = For {
        batch: overrides.batch.or(file.batch).unwrap_or(1),
        weights: overrides.weights.or(file.weights).unwrap_or(DType::F32),
        activations: overrides.activations.or(file.activations).unwrap_or(DType::F32),
        framework: file.framework,
    };
    let mut lowering = Lowering::new(doc, overrides, settings);
    lowering.check_overrides();
    let top = lowering.top(0);
    let mut frame = Frame::new(0, top, Some(&text.numbered));
    lowering.body(&mut frame, &text.body);
    lowering.end(&frame, text.span);
    lowering
}

impl<'a> Lowering<'a> {
    fn new(doc: &'a Document, overrides: &'a Overrides, settings: For) -> Self {
        let place = |d: &Diagnostic| match d.origin {
            Origin::Text(span) => Some((d.code, span)),
            _ => None,
        };
        Lowering {
            doc,
            overrides,
            settings,
            graph: Builder::new(),
            made: Vec::new(),
            labels: Labels::default(),
            tops: doc.modules.iter().map(|_| None).collect(),
            diagnostics: Vec::new(),
            said: doc.diagnostics.iter().filter_map(place).collect(),
            spent: Cost::default(),
            stopped: false,
            costs: Costs::default(),
            depth: 0,
            frozen: false,
            shares: Share::default(),
            trust: Trust::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            expects: Vec::new(),
        }
    }

    /// The last tensor is delivered if nothing else is.
    fn end(&mut self, frame: &Frame<'a>, span: Span) {
        match frame.flow {
            Some(flow) if self.outputs.is_empty() => self.outputs.push(flow),
            None if self.made.is_empty() && self.inputs.is_empty() => {
                let error =
                    Diagnostic::error("no-input", Origin::Text(span), "this model has no `input`, and nothing else");
                self.report(frame, error.help("start it with a size, such as `input 3@224x224`"));
            }
            _ => {}
        }
        self.check_input_overrides();
    }

    /// Reports a mistake, unless the same has been reported at the same place.
    fn report(&mut self, frame: &Frame<'a>, mut diagnostic: Diagnostic) {
        if let Origin::Text(span) = diagnostic.origin
            && !self.said.insert((diagnostic.code, span))
        {
            return;
        }
        if let Some(call) = frame.call {
            diagnostic = diagnostic.other(call, "in the block called here");
        }
        self.diagnostics.push(diagnostic);
    }

    /// Reports why there is no value.
    fn blame(&mut self, frame: &Frame<'a>, fault: Fault) {
        if let Fault::Told(diagnostic) = fault {
            self.report(frame, *diagnostic);
        }
    }

    /// A tensor's shape as the language writes it.
    fn notation(&self, id: ValueId) -> String {
        self.graph.get(id).ty.tensor().map_or("?".into(), |t| t.shape.notation())
    }

    /// Whether every size of a tensor is known. It is not behind a mistake.
    fn is_known(&self, id: ValueId) -> bool {
        self.dims(id).is_some_and(|dims| dims.iter().all(|d| d.known().is_some()))
    }

    /// The number of spatial axes, if it is known.
    fn rank(&self, id: ValueId) -> Option<usize> {
        self.dims(id)?.len().checked_sub(2)
    }

    fn batch(&self) -> Dim {
        Dim::from(self.settings.batch)
    }

    /// A type of the computed precision.
    fn tensor(&self, channels: Dim, spatial: impl IntoIterator<Item = Dim>) -> ValueType {
        let dims = [self.batch(), channels].into_iter().chain(spatial).collect();
        TensorType::new(self.settings.activations, Shape::Ranked(dims)).into()
    }
}
