//! Lines: each runs once or several times, gets a name, and is checked against its claim.

use super::super::ast::{Arg, Branches, Layer as Written, Name, Size, Spanned};
use super::super::name::{Modifier, is_join};
use super::super::resolve::{BlockId, Callee};
use super::Lowering;
use super::bind::{Bound, Extras, Given};
use super::claim::Claimed;
use super::cost::Cost;
use super::scope::{Frame, Line};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::ValueId;
use crate::ops::layer::Layer;
use std::rc::Rc;
use std::sync::Arc;

/// The first words of a line, its label before them and its claim behind.
struct Head<'a> {
    label: Option<&'a Name>,
    name: &'a Name,
    args: &'a [Spanned<Arg>],
    claim: Option<&'a Spanned<Size>>,
}

impl Head<'_> {
    /// From the first word or argument to the last.
    fn span(&self) -> Span {
        self.args.iter().fold(self.name.span, |span, arg| span.to(arg.span))
    }

    /// Where `xN` stands, or else the line.
    fn times_span(&self) -> Span {
        let times = self.args.iter().find(|a| matches!(a.node, Arg::Repeat(_)));
        times.map_or_else(|| self.span(), |a| a.span)
    }
}

impl<'a> Lowering<'a> {
    /// A line: layers, a block's call, an input.
    pub(super) fn line(&mut self, frame: &mut Frame<'a>, label: Option<&'a Name>, line: &'a Written, span: Span) {
        match line {
            Written::Input { size, words, claim } => {
                let again = frame.repeating > 0;
                let name = self.labels.name(frame, "input", label.map(|l| l.node.as_str()), again);
                let line = Line { name, span: size.span, parts: Vec::new() };
                let id = self.input(frame, &line, size, words);
                frame.flow = Some(id);
                self.end_line(frame, label, &line, id, self.made.len());
                self.claim(frame, claim.as_ref(), None);
            }
            Written::Call { name, args, branches, claim } => {
                let head = Head { label, name, args, claim: claim.as_ref() };
                let callee = self.doc.modules.get(frame.module).map_or(Callee::Unknown, |m| m.callee(&name.node));
                match callee {
                    Callee::Layer(layer) => self.layer_line(frame, &head, layer, branches.as_ref()),
                    Callee::Block(id) => self.block_line(frame, &head, id),
                    Callee::Pass => self.pass_line(frame, &head),
                    Callee::Broken | Callee::Unknown => {
                        self.lose(frame, span, None);
                        self.label_loss(frame, &head, branches.as_ref());
                    }
                }
            }
        }
    }

    /// The label of a line that is broken, and labels inside.
    fn label_loss(&mut self, frame: &mut Frame<'a>, head: &Head<'a>, branches: Option<&'a Branches>) {
        if let (Some(label), Some(flow)) = (head.label, frame.flow) {
            self.labels.set(&frame.full(&label.node).into(), flow, &[]);
        }
        if let Some(branches) = branches {
            self.lose_labels(frame, branches.branches.iter().map(|b| &b.node), head.span());
        }
        self.claim(frame, head.claim, None);
    }

    /// Names what a line has made; a label that is run several times stands for all of the runs.
    fn end_line(&mut self, frame: &Frame<'a>, label: Option<&Name>, line: &Line, value: ValueId, from: usize) {
        let nodes = self.made.get(from..).unwrap_or(&[]);
        self.labels.set(&line.name, value, nodes);
        if let Some(label) = label {
            let full = frame.full(&label.node);
            if *full != *line.name {
                self.labels.set(&full.into(), value, nodes);
            }
        }
    }

    fn pass_line(&mut self, frame: &mut Frame<'a>, head: &Head<'a>) {
        let word = head.name.node.as_str();
        for arg in head.args {
            let message = format!("`{word}` takes nothing");
            self.report(frame, Diagnostic::error("unknown-word", Origin::Text(arg.span), message));
        }
        let Some(flow) = frame.flow else { return self.without_input(frame, word, head.span()) };
        if let Some(label) = head.label {
            self.labels.alias(&frame.full(&label.node).into(), flow);
        }
        self.claim(frame, head.claim, None);
    }

    fn layer_line(
        &mut self,
        frame: &mut Frame<'a>,
        head: &Head<'a>,
        layer: &'static Layer,
        branches: Option<&'a Branches>,
    ) {
        let mut bound = self.bind(frame, layer, &head.name.node, head.args);
        let times = bound.extras.times;
        let inner = branches.into_iter().flat_map(|b| &b.branches);
        let inner = inner.fold(Cost::default(), |sum, b| sum.plus(self.costs.body(self.doc, frame.module, &b.node, 0)));
        let once = inner.plus(Cost { layers: 1, statements: 1 });
        if times > 1 && self.check_spent(frame, once.times(times), head.times_span()) {
            return;
        }
        let top = Rc::clone(&frame.top);
        let given = top.complete(layer, std::mem::take(&mut bound.given));
        let written = if bound.broken { None } else { self.with_values(frame, head.name, head.args) };
        for run in 1..=times {
            if self.stopped {
                break;
            }
            let from = self.made.len();
            let mut line = self.begin_line(frame, head, layer.keyword, times > 1);
            let before = frame.flow;
            let value = self.run_layer(frame, &mut line, layer, &bound, &given, branches);
            frame.flow = Some(value);
            self.end_line(frame, head.label, &line, value, from);
            if let Some(written) = &written {
                self.labels.say(&line.name, written);
            }
            if run == times {
                let claimed = before.filter(|_| !is_join(layer)).map(|input| Claimed { layer, given: &given, input });
                self.claim(frame, head.claim, claimed.as_ref());
            }
        }
    }

    fn begin_line(&mut self, frame: &mut Frame<'a>, head: &Head<'a>, word: &'a str, several: bool) -> Line {
        let again = several || frame.repeating > 0;
        let name = self.labels.name(frame, word, head.label.map(|l| l.node.as_str()), again);
        Line { name, span: head.span(), parts: Vec::new() }
    }

    fn run_layer(
        &mut self,
        frame: &mut Frame<'a>,
        line: &mut Line,
        layer: &'static Layer,
        bound: &Bound<'a>,
        given: &Given,
        branches: Option<&'a Branches>,
    ) -> ValueId {
        let operands = if is_join(layer) {
            self.operands(frame, line, layer, bound, branches)
        } else if bound.broken || branches.is_some() {
            // Braces behind a layer that takes none have been reported.
            None
        } else {
            frame.flow.map(|flow| vec![flow])
        };
        if frame.flow.is_none() && operands.is_none() {
            self.report(frame, no_input(layer.keyword, line.span));
        }
        let name = Arc::clone(&line.name);
        self.within(frame, &bound.extras, line.span, |lowering, frame| {
            if let Some(operands) = operands {
                let value = lowering.layer(frame, line, &name, layer, given, operands);
                return lowering.modifiers(frame, line, &bound.extras, value);
            }
            let inputs: Vec<ValueId> = frame.flow.into_iter().collect();
            let ty = lowering.guess(layer, given, &inputs);
            lowering.lost(frame, line, &name, &inputs, ty)
        })
    }

    /// Does something under a line's `frozen` and `share=`.
    fn within<R>(
        &mut self,
        frame: &mut Frame<'a>,
        extras: &Extras<'a>,
        span: Span,
        act: impl FnOnce(&mut Self, &mut Frame<'a>) -> R,
    ) -> R {
        let frozen = self.frozen;
        self.frozen |= extras.frozen;
        if let Some(key) = extras.share {
            self.shares.begin(frame.full(key), key);
        }
        let result = act(self, frame);
        self.frozen = frozen;
        if let Some(key) = extras.share
            && let Some((here, first)) = self.shares.end()
        {
            let message = format!(
                "layers sharing `{key}` are not the same ones: {here} have weights here, {first} had them first"
            );
            self.report(frame, Diagnostic::error("share-mismatch", Origin::Text(span), message));
        }
        result
    }

    /// The layers that words at the end of a line append.
    fn modifiers(&mut self, frame: &Frame<'a>, line: &Line, extras: &Extras<'a>, value: ValueId) -> ValueId {
        let top = Rc::clone(&frame.top);
        let mut value = value;
        for (place, modifier) in extras.modifiers.iter().enumerate() {
            let Modifier::Layer(layer) = modifier else { continue };
            let before = extras.modifiers.iter().take(place);
            let same = before.filter(|m| matches!(m, Modifier::Layer(l) if l.keyword == layer.keyword)).count();
            let mut name = [&line.name, ".", layer.keyword].concat();
            if same > 0 {
                name = format!("{name}.{}", same.saturating_add(1));
            }
            value = self.layer(frame, line, &name.into(), layer, &top.complete(layer, Given::default()), vec![value]);
        }
        value
    }

    fn block_line(&mut self, frame: &mut Frame<'a>, head: &Head<'a>, id: BlockId) {
        let Some(call) = self.bind_call(frame, id, head.args, head.span()) else { return };
        if call.broken {
            self.lose(frame, head.span(), None);
            return self.label_loss(frame, head, None);
        }
        let times = call.extras.times;
        let once = self.costs.block(self.doc, id, 0);
        if self.check_spent(frame, once.times(times), head.times_span()) {
            return;
        }
        for _ in 1..=times {
            if self.stopped {
                return;
            }
            let from = self.made.len();
            let line = self.begin_line(frame, head, &head.name.node, times > 1);
            self.within(frame, &call.extras, line.span, |lowering, frame| {
                lowering.inside(frame, &call, &line);
                if let Some(flow) = frame.flow {
                    frame.flow = Some(lowering.modifiers(frame, &line, &call.extras, flow));
                }
            });
            if let Some(flow) = frame.flow {
                self.end_line(frame, head.label, &line, flow, from);
            }
        }
        self.claim(frame, head.claim, None);
    }
}

/// `no-input`: a line that works on a tensor, before there is one.
pub(super) fn no_input(word: &str, span: Span) -> Diagnostic {
    let message = format!("`{word}` comes before any `input`");
    Diagnostic::error("no-input", Origin::Text(span), message)
        .help("start the model with a size, such as `input 3@224x224`")
}
