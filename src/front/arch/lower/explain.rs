//! Why sizes do not go together: where they come from, and what would mend it.

use super::super::ast::Size;
use super::super::document::{Document, Overrides};
use super::bind::Given;
use super::eval::Fault;
use super::scope::{Frame, Line};
use super::value::grouped;
use super::{Lowering, run};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::{Source, ValueId};
use crate::ops::layer::Layer;
use crate::ops::rules::OpError;
use crate::tensor::shape::joined;
use crate::tensor::{Dim, ValueType};
use std::rc::Rc;

/// Largest edge that is tried to find the smallest input.
const LARGEST_EDGE: u64 = 1 << 14;
/// Most layers of a model that is expanded again to find it.
const RETRY_LAYERS: usize = 20_000;
/// Most sizes shown of a chain.
const CHAIN: usize = 12;

impl Lowering<'_> {
    /// What an operator refuses, as a message about the line.
    pub(super) fn op_error(&self, error: OpError, line: &Line, operands: &[ValueId]) -> Diagnostic {
        let OpError { code, message, notes, help } = error;
        let mut diagnostic = Diagnostic::error(code, Origin::Text(line.span), message);
        diagnostic.notes = notes;
        diagnostic.help = help;
        match (code, operands.first()) {
            ("window-too-big", Some(id)) => {
                diagnostic.label = Some(format!("here the maps are {}", self.notation(*id)));
                diagnostic.notes.extend(self.chain(*id, line.span));
            }
            ("share-mismatch", _) => {
                diagnostic.others.extend(self.shares.first.map(|span| (span, "first used here".into())));
            }
            _ => {
                for (id, part) in operands.iter().zip(&line.parts) {
                    diagnostic.others.push((*part, format!("this is {}", self.notation(*id))));
                }
                if code == "concat-mismatch" {
                    let chains = operands.iter().filter_map(|id| self.chain(*id, line.span));
                    diagnostic.notes.extend(chains);
                }
            }
        }
        diagnostic
    }

    /// The values from an input to this one, along first inputs.
    fn trail(&self, id: ValueId) -> Vec<ValueId> {
        let mut trail = vec![id];
        let mut at = id;
        while let Source::Node(node, _) = self.graph.get(at).source {
            let Some(Some(before)) = self.graph.node(node).inputs.first().copied() else { break };
            trail.push(before);
            at = before;
        }
        trail.reverse();
        trail
    }

    fn spatial(&self, id: ValueId) -> &[Dim] {
        self.dims(id).and_then(|d| d.get(2..)).unwrap_or(&[])
    }

    /// `28 → 26 (line 2) → 13 (3)`: how the size of a tensor came about. `None` if it never changed.
    fn chain(&self, id: ValueId, at: Span) -> Option<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut last: &[Dim] = &[];
        for value in self.trail(id) {
            let size = self.spatial(value);
            if size == last || size.is_empty() {
                continue;
            }
            last = size;
            let line = self.line_of(value, at);
            let word = if steps.len() == 1 { "line " } else { "" };
            steps.push(match line {
                Some(line) if !steps.is_empty() => format!("{} ({word}{line})", edge(size)),
                _ => edge(size),
            });
        }
        if steps.len() > CHAIN {
            let tail = steps.len().saturating_sub(CHAIN / 2);
            steps.splice(CHAIN / 2..tail, ["…".to_owned()]);
        }
        (steps.len() > 1).then(|| steps.join(" → "))
    }

    /// The line that made a value, with its file where that is another one than `at`'s.
    fn line_of(&self, id: ValueId, at: Span) -> Option<String> {
        let Source::Node(node, _) = self.graph.get(id).source else { return None };
        let Origin::Text(span) = self.graph.node(node).origin else { return None };
        let line = self.doc.sources.start(span).line;
        if span.source == at.source {
            return Some(line.to_string());
        }
        Some(format!("{line} of {}", self.doc.sources.get(span.source).path().display()))
    }

    /// `maps-needed`: a vector where maps are wanted.
    pub(super) fn maps_needed(&self, layer: &Layer, id: ValueId, line: &Line) -> Fault {
        let keyword = layer.keyword;
        let message = format!("`{keyword}` needs maps such as 64@28x28, but gets a vector of {}", self.notation(id));
        let error = Diagnostic::error("maps-needed", Origin::Text(line.span), message);
        let trail = self.trail(id);
        let became = trail.windows(2).find_map(|pair| match pair {
            [before, after] if self.rank(*before) > Some(0) && self.rank(*after) == Some(0) => Some(*after),
            _ => None,
        });
        let made = became.and_then(|id| match self.graph.get(id).source {
            Source::Node(node, _) => match self.graph.node(node).origin {
                Origin::Text(span) => Some((self.doc.sources.text(span), self.line_of(id, line.span)?)),
                _ => None,
            },
            _ => None,
        });
        match made {
            Some((text, at)) => error.help(format!("move it before `{text}` (line {at})")),
            None => error.help("begin with maps, such as `input 1@28x28`"),
        }
        .into()
    }

    /// `dense-needs-vector`: maps where a vector is wanted.
    pub(super) fn vector_needed(&self, layer: &'static Layer, given: &Given, id: ValueId, line: &Line) -> Fault {
        let keyword = layer.keyword;
        let message = format!("`{keyword}` needs a vector, but gets maps {}", self.notation(id));
        let error = Diagnostic::error("dense-needs-vector", Origin::Text(line.span), message);
        let dims = self.dims(id).and_then(|d| d.get(1..)).unwrap_or(&[]);
        let way = |values: Dim| {
            let parameters = self.trial(layer, given, self.tensor(values.clone(), []), line.span)?.1;
            Some((grouped(values.size()?), grouped(parameters)))
        };
        let all = way(crate::tensor::shape::product(dims));
        let means = dims.first().cloned().and_then(way);
        let error = match (all, means) {
            (Some((a, p)), Some((b, q))) => error.help(format!(
                "`flatten` first ({a} values, so {p} parameters) or `avgpool global` and `flatten` ({b} values, {q} parameters)"
            )),
            _ => error.help("`flatten` first, or `avgpool global` and `flatten`"),
        };
        let before = Span { end: line.span.start, ..line.span };
        error.fix(before, "flatten; ").into()
    }

    /// What a layer would make of an input: the output's type and the number of parameters.
    pub(super) fn trial(
        &self,
        layer: &'static Layer,
        given: &Given,
        input: ValueType,
        span: Span,
    ) -> Option<(ValueType, u64)> {
        let overrides = Overrides::default();
        let mut scratch = Lowering::new(self.doc, &overrides, self.settings);
        let frame = Frame::new(0, Rc::default(), None);
        let line = Line { name: "trial".into(), span, parts: Vec::new() };
        let input = scratch.graph.input("input", input);
        let output = scratch.layer(&frame, &line, &line.name, layer, given, vec![input]);
        if !scratch.diagnostics.is_empty() || !scratch.is_known(output) {
            return None;
        }
        let ty = scratch.graph.get(output).ty.clone();
        let model = scratch.graph.finish(String::new(), Vec::new());
        let parameter = |value: &crate::graph::Value| match value.source {
            Source::Stored(stored) if stored.role.is_parameter() => value.ty.tensor().and_then(|t| t.shape.elements()),
            _ => Some(0),
        };
        let total = model.values.iter().try_fold(0u64, |sum, (_, value)| sum.checked_add(parameter(value)?))?;
        Some((ty, total))
    }

    /// Completes `window-too-big` with the smallest input for which every window fits.
    pub(super) fn explain_windows(&mut self, model: usize) {
        let Some(error) = self.diagnostics.iter().position(|d| d.code == "window-too-big") else { return };
        let smallest = match self.inputs.as_slice() {
            [(name, id)] if self.made.len() <= RETRY_LAYERS => self.smallest_input(model, name, *id),
            _ => None,
        };
        let remedies = match smallest {
            Some(size) => format!("use `same`, one pooling less, or an input of at least {size}"),
            None => "use `same`, or one pooling less".into(),
        };
        if let Some(error) = self.diagnostics.get_mut(error) {
            error.help.get_or_insert(remedies);
        }
    }

    /// The smallest size of an input with which no window is too big. Axes are independent of each other, so each is
    /// halved on its own while the others are large.
    fn smallest_input(&self, model: usize, name: &str, id: ValueId) -> Option<String> {
        let channels = self.dims(id)?.get(1)?.size()?;
        let rank = self.rank(id).filter(|r| *r > 0)?;
        let fits = |sizes: &[u64]| fits(self.doc, model, self.overrides, name, Size::Shape(channels, sizes.to_vec()));
        let mut large = 8;
        while !fits(&vec![large; rank]) {
            large = large.checked_mul(2).filter(|n| *n <= LARGEST_EDGE)?;
        }
        let mut smallest = Vec::new();
        for axis in 0..rank {
            let (mut low, mut high) = (0, large);
            while low + 1 < high {
                let middle = low.midpoint(high);
                let mut sizes = vec![large; rank];
                sizes[axis] = middle;
                if fits(&sizes) { high = middle } else { low = middle }
            }
            smallest.push(high);
        }
        Some(super::value::join(&smallest))
    }
}

/// Whether every window fits when an input has this size.
fn fits(doc: &Document, model: usize, overrides: &Overrides, name: &str, size: Size) -> bool {
    let mut overrides = Overrides { claims: false, ..overrides.clone() };
    overrides.input.insert(0, (Some(name.into()), size));
    run(doc, model, &overrides).diagnostics.iter().all(|d| d.code != "window-too-big")
}

/// A size as a person says it: `28` for 28x28.
fn edge(size: &[Dim]) -> String {
    match size.split_first() {
        Some((first, rest)) if rest.iter().all(|n| n == first) => first.to_string(),
        _ => joined(size),
    }
}
