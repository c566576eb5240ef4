//! Statements, one after the other: what each does to the current tensor.

use super::super::ast::{Body, Expr, Name, Rational, Size, Spanned, Stmt};
use super::super::resolve::collect_labels;
use super::Lowering;
use super::cost::Cost;
use super::eval::{Fault, too_big, wrong_kind};
use super::line::no_input;
use super::scope::{Entry, Frame, Line};
use super::value::{NotASize, Value, count, grouped};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::base::source::Span;
use crate::graph::ValueId;
use crate::tensor::ValueType;
use std::collections::HashMap;
use std::sync::Arc;

impl<'a> Lowering<'a> {
    /// The statements between braces.
    pub(super) fn body(&mut self, frame: &mut Frame<'a>, body: &'a Body) {
        let Some(first) = body.stmts.first() else { return };
        if self.depth > limits::NESTING {
            let message = format!("blocks and braces are nested deeper than {}", limits::NESTING);
            self.report(frame, Diagnostic::error("too-deep", Origin::Text(first.span), message));
            return self.lose(frame, first.span, None);
        }
        self.depth = self.depth.saturating_add(1);
        let vars = frame.vars.len();
        for stmt in &body.stmts {
            if self.spent.is_too_big() {
                break;
            }
            self.spent = self.spent.plus(Cost { layers: 0, statements: 1 });
            self.stmt(frame, stmt);
            self.check_spent(frame, Cost::default(), stmt.span);
        }
        frame.vars.truncate(vars);
        self.depth = self.depth.saturating_sub(1);
    }

    /// `too-big`, if what has been made and what is to come are too much. Nothing more is made then.
    pub(super) fn check_spent(&mut self, frame: &Frame<'a>, coming: Cost, span: Span) -> bool {
        let total = self.spent.plus(coming);
        if total.is_too_big() && !self.stopped {
            self.stopped = true;
            let message = format!("this expands to more than {} layers", grouped(limits::LAYERS));
            let error = Diagnostic::error("too-big", Origin::Text(span), message);
            self.report(frame, error.help("repeat less often"));
            self.spent = total;
        }
        self.stopped
    }

    fn stmt(&mut self, frame: &mut Frame<'a>, stmt: &'a Spanned<Stmt>) {
        match &stmt.node {
            Stmt::Layer { label, layer } => self.line(frame, label.as_ref(), layer, stmt.span),
            Stmt::Repeat { count, index, body, claim } => {
                self.repeat(frame, count, index.as_ref(), body);
                self.claim(frame, claim.as_ref(), None);
            }
            Stmt::If { arms, otherwise, claim } => {
                self.choose(frame, arms, otherwise.as_ref(), stmt.span);
                self.claim(frame, claim.as_ref(), None);
            }
            Stmt::Frozen { body, claim } => {
                let before = std::mem::replace(&mut self.frozen, true);
                self.body(frame, body);
                self.frozen = before;
                self.claim(frame, claim.as_ref(), None);
            }
            Stmt::Side(body) => {
                let before = frame.flow;
                self.body(frame, body);
                frame.flow = before;
            }
            Stmt::From(name) => self.from(frame, name),
            Stmt::Output { name, claim } => self.output(frame, name.as_ref(), claim.as_ref(), stmt.span),
            Stmt::Let { name, value } => {
                let value = self.eval_at(frame, value).unwrap_or_else(|fault| {
                    self.blame(frame, fault);
                    Value::Lost
                });
                frame.vars.push((&name.node, value));
            }
            Stmt::Expect(expect) => {
                if frame.entry == Entry::Model {
                    self.expects.push(expect.clone());
                }
            }
            Stmt::Bad { names, claim } => {
                frame.vars.extend(names.iter().map(|name| (name.node.as_str(), Value::Lost)));
                self.lose(frame, stmt.span, claim.as_ref());
            }
        }
    }

    /// A statement that leaves nothing known of the current tensor.
    pub(super) fn lose(&mut self, frame: &mut Frame<'a>, span: Span, claim: Option<&Spanned<Size>>) {
        let line = Line { name: self.labels.name(frame, "line", None, false), span, parts: Vec::new() };
        let inputs: Vec<ValueId> = frame.flow.into_iter().collect();
        frame.flow = Some(self.lost(frame, &line, &line.name, &inputs, ValueType::Unknown));
        self.claim(frame, claim, None);
    }

    /// Labels of statements that are not run because of a mistake: using them is no second one.
    pub(super) fn lose_labels(&mut self, frame: &mut Frame<'a>, bodies: impl Iterator<Item = &'a Body>, span: Span) {
        let mut labels = HashMap::new();
        bodies.for_each(|body| collect_labels(body, &mut labels));
        self.lose(frame, span, None);
        let mut labels: Vec<&str> = labels.into_keys().collect();
        labels.sort_unstable();
        for label in labels {
            if let Some(flow) = frame.flow {
                self.labels.set(&frame.full(label).into(), flow, &[]);
            }
        }
    }

    fn repeat(&mut self, frame: &mut Frame<'a>, times: &'a Spanned<Expr>, index: Option<&'a Name>, body: &'a Body) {
        let n = match self.repetitions(frame, times) {
            Ok(n) => n,
            Err(fault) => {
                self.blame(frame, fault);
                return self.lose_labels(frame, std::iter::once(body), times.span);
            }
        };
        let once = self.costs.body(self.doc, frame.module, body, 0);
        if n > 0 && self.check_spent(frame, once.times(n), times.span) {
            return;
        }
        let several = usize::from(n > 1);
        frame.repeating = frame.repeating.saturating_add(several);
        for i in 1..=n {
            if self.stopped {
                break;
            }
            let vars = frame.vars.len();
            if let Some(index) = index {
                frame.vars.push((&index.node, Value::Number(Rational::whole(i.into()))));
            }
            self.body(frame, body);
            frame.vars.truncate(vars);
        }
        frame.repeating = frame.repeating.saturating_sub(several);
    }

    fn repetitions(&self, frame: &Frame<'a>, times: &'a Spanned<Expr>) -> Result<u64, Fault> {
        let n = match self.eval_at(frame, times)? {
            Value::Number(n) => n,
            other => return Err(wrong_kind(&other, "a number of repetitions", times.span)),
        };
        count(n, 0).map_err(|why| match why {
            NotASize::TooBig => too_big(times.span),
            NotASize::Fractional | NotASize::TooSmall => {
                let message = format!("`repeat` needs a whole number, not {n}");
                let written = self.doc.sources.text(times.span);
                let error = Diagnostic::error("repeat-not-whole", Origin::Text(times.span), message);
                let help = if why == NotASize::Fractional { "floor" } else { "max" };
                let inside = if why == NotASize::Fractional { written.to_owned() } else { format!("0, {written}") };
                error.help(format!("write for example `repeat {help}({inside})`")).into()
            }
        })
    }

    fn choose(
        &mut self,
        frame: &mut Frame<'a>,
        arms: &'a [(Spanned<Expr>, Body)],
        otherwise: Option<&'a Body>,
        span: Span,
    ) {
        for (condition, body) in arms {
            match self.switch(frame, condition) {
                Ok(true) => return self.body(frame, body),
                Ok(false) => {}
                Err(fault) => {
                    self.blame(frame, fault);
                    return self.lose_labels(frame, arms.iter().map(|(_, body)| body).chain(otherwise), span);
                }
            }
        }
        if let Some(body) = otherwise {
            self.body(frame, body);
        }
    }

    fn from(&mut self, frame: &mut Frame<'a>, name: &'a Name) {
        match self.named(frame, &name.node, name.span) {
            Ok(Value::Tensor(id)) => frame.flow = Some(id),
            other => {
                let fault = match other {
                    Ok(value) => wrong_kind(&value, "a label", name.span),
                    Err(fault) => fault,
                };
                self.blame(frame, fault);
                self.lose(frame, name.span, None);
            }
        }
    }

    fn output(&mut self, frame: &mut Frame<'a>, name: Option<&'a Name>, claim: Option<&Spanned<Size>>, span: Span) {
        let Some(flow) = frame.flow else {
            return self.without_input(frame, "output", span);
        };
        self.claim(frame, claim, None);
        if !self.outputs.contains(&flow) {
            self.outputs.push(flow);
        }
        let Some(name) = name else { return };
        let full: Arc<str> = frame.full(&name.node).into();
        match self.labels.get(&full) {
            None => self.labels.alias(&full, flow),
            Some(label) if label.value != flow => {
                let word = &name.node;
                let message = format!("`{word}` is already the name of another tensor");
                let error = Diagnostic::error("duplicate-name", Origin::Text(name.span), message);
                self.report(frame, error.help(format!("to deliver that one, write `from {word}` and `output`")));
            }
            Some(_) => {}
        }
    }

    /// A line that works on a tensor, before there is one.
    pub(super) fn without_input(&mut self, frame: &mut Frame<'a>, word: &str, span: Span) {
        self.report(frame, no_input(word, span));
        self.lose(frame, span, None);
    }
}
