//! A line as it reads for one call of its block: `conv c 1x1 /s act` becomes `conv 64 1x1 /2 relu`.

use super::super::ast::{Arg, Expr, Name, Spanned};
use super::Lowering;
use super::scope::Frame;
use super::value::Value;
use crate::base::source::Span;
use std::sync::Arc;

impl<'a> Lowering<'a> {
    /// The line with values in place of names and sums; nothing where it has none, since then its own text says it.
    pub(super) fn with_values(&self, frame: &Frame<'a>, name: &Name, args: &'a [Spanned<Arg>]) -> Option<Arc<str>> {
        if !args.iter().any(|arg| self.value(frame, arg).is_some()) {
            return None;
        }
        let text = |span: Span| self.doc.sources.text(span).to_owned();
        // A kernel may stand before the name.
        let mut parts = vec![(name.span.start, text(name.span))];
        for arg in args.iter().filter(|arg| !matches!(arg.node, Arg::Repeat(_))) {
            parts.push((arg.span.start, self.value(frame, arg).unwrap_or_else(|| text(arg.span))));
        }
        parts.sort_by_key(|(start, _)| *start);
        Some(parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(" ").into())
    }

    /// An argument as a value, unless it is written as one already.
    fn value(&self, frame: &Frame<'a>, arg: &'a Spanned<Arg>) -> Option<String> {
        match &arg.node {
            Arg::Value(expr) => self.computed(frame, expr, arg.span),
            Arg::Stride(expr) => self.computed(frame, expr, arg.span).map(|value| format!("/{value}")),
            Arg::Named { key, value } => {
                self.computed(frame, &value.node, value.span).map(|value| format!("{}={value}", key.node))
            }
            Arg::Repeat(_) | Arg::GluedSlash { .. } => None,
        }
    }

    fn computed(&self, frame: &Frame<'a>, expr: &'a Expr, span: Span) -> Option<String> {
        if matches!(expr, Expr::Number(_) | Expr::Dims(_) | Expr::Pads(_) | Expr::Shape(..)) {
            return None;
        }
        match self.eval(frame, expr, span).ok()? {
            Value::Number(n) => Some(n.to_string()),
            Value::Sizes(sizes) => Some(super::value::join(&sizes)),
            Value::Pads(pads) => Some(super::value::pads(&pads)),
            Value::Word(word) if matches!(expr, Expr::Name(name) if name == word) => None,
            Value::Word(word) => Some(word.to_owned()),
            Value::Switch(on) => Some(if on { "on" } else { "off" }.to_owned()),
            Value::Tensor(_) | Value::Lost => None,
        }
    }
}
