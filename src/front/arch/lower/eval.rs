//! What expressions come to. Evaluation never reports: it returns why there is no value, and the caller says so once.

use super::super::ast::{Binary, Expr, Rational, Spanned, Unary};
use super::super::name;
use super::super::words;
use super::Lowering;
use super::scope::{Entry, Frame};
use super::value::{NotASize, Value, count};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::base::source::Span;
use crate::base::suggest::nearest;
use crate::graph::ValueId;
use crate::tensor::Dim;
use std::cmp::Ordering;

/// Why there is no value.
#[derive(Debug)]
pub(super) enum Fault {
    /// Because of a mistake that has been reported.
    Silent,
    /// Because of this one.
    Told(Box<Diagnostic>),
}

impl From<Diagnostic> for Fault {
    fn from(diagnostic: Diagnostic) -> Self {
        Fault::Told(Box::new(diagnostic))
    }
}

fn fault(code: &'static str, span: Span, message: impl Into<String>) -> Fault {
    Diagnostic::error(code, Origin::Text(span), message).into()
}

impl<'a> Lowering<'a> {
    /// The value of an expression that stands at `span`.
    pub(super) fn eval(&self, frame: &Frame<'a>, expr: &'a Expr, span: Span) -> Result<Value<'a>, Fault> {
        match expr {
            Expr::Number(n) => Ok(Value::Number(*n)),
            Expr::Dims(sizes) => Ok(Value::Sizes(sizes.clone())),
            Expr::Pads(pads) => Ok(Value::Pads(pads.clone())),
            Expr::Shape(channels, sizes) => {
                let sizes = super::value::join(sizes);
                let message = format!("`{channels}@{sizes}` is the shape of a tensor, which no layer takes");
                let error = Diagnostic::error("unexpected-shape", Origin::Text(span), message);
                Err(error.help(format!("write a number and a kernel: `{channels} {sizes}`")).into())
            }
            Expr::Name(name) => self.named(frame, name, span),
            Expr::Paren(inner) => self.eval_at(frame, inner),
            Expr::Call(function, args) => self.call_function(frame, &function.node, args, span),
            Expr::Sizes(a, b) => {
                let mut sizes = self.sizes(frame, a)?;
                sizes.extend(self.sizes(frame, b)?);
                Ok(Value::Sizes(sizes))
            }
            Expr::Unary(Unary::Minus, a) => {
                let n = self.number(frame, a)?;
                n.negated().map(Value::Number).ok_or_else(|| too_big(span))
            }
            Expr::Unary(Unary::Not, a) => Ok(Value::Switch(!self.switch(frame, a)?)),
            Expr::Binary(op, a, b) => self.binary(frame, *op, a, b, span),
        }
    }

    /// The value of an expression that knows its place.
    pub(super) fn eval_at(&self, frame: &Frame<'a>, expr: &'a Spanned<Expr>) -> Result<Value<'a>, Fault> {
        self.eval(frame, &expr.node, expr.span)
    }

    /// What a name stands for.
    pub(super) fn named(&self, frame: &Frame<'a>, name: &'a str, span: Span) -> Result<Value<'a>, Fault> {
        if let Some(value) = frame.variable(name) {
            return if *value == Value::Lost { Err(Fault::Silent) } else { Ok(value.clone()) };
        }
        match name {
            "on" => return Ok(Value::Switch(true)),
            "off" => return Ok(Value::Switch(false)),
            "in" => return entry(frame, span).map(Value::Tensor),
            _ => {}
        }
        if let Some(part) = name.strip_prefix("in.") {
            return self.entry_size(frame, part, span);
        }
        if words::is_reserved(name) {
            return Ok(Value::Word(name));
        }
        if let Some(label) = self.labels.get(&frame.full(name)) {
            return Ok(Value::Tensor(label.value));
        }
        let error = Diagnostic::error("unknown-name", Origin::Text(span), format!("nothing here is called `{name}`"));
        let prefix = frame.full("");
        let visible = self.labels.names().filter_map(|n| n.strip_prefix(prefix.as_str()));
        Err(match nearest(name, visible) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.note("a label exists once its line has been run"),
        }
        .into())
    }

    /// `in.c` and its like.
    fn entry_size(&self, frame: &Frame<'a>, part: &str, span: Span) -> Result<Value<'a>, Fault> {
        let id = entry(frame, span)?;
        let dims = self.dims(id).ok_or(Fault::Silent)?;
        let spatial = dims.get(2..).unwrap_or(&[]);
        let from_end = |n: usize| spatial.len().checked_sub(n).and_then(|i| spatial.get(i));
        let (size, what) = match part {
            "c" => (dims.get(1), "channels"),
            "w" => (from_end(1), "width"),
            "h" => (from_end(2), "height"),
            "d" => (from_end(3), "depth"),
            _ => return Err(Fault::Silent),
        };
        match size {
            Some(size) => size.known().map(|n| Value::Number(Rational::whole(n.into()))).ok_or(Fault::Silent),
            None => {
                Err(fault("unknown-name", span, format!("what enters here is {}; it has no {what}", self.notation(id))))
            }
        }
    }

    /// Dimensions of a tensor: batch, channels, spatial ones. `None` while their number is unknown.
    pub(super) fn dims(&self, id: ValueId) -> Option<&[Dim]> {
        self.graph.get(id).ty.tensor()?.shape.dims()
    }

    fn sizes(&self, frame: &Frame<'a>, expr: &'a Spanned<Expr>) -> Result<Vec<u64>, Fault> {
        match self.eval_at(frame, expr)? {
            Value::Sizes(sizes) => Ok(sizes),
            Value::Number(n) => self.count(frame, n, 0, "positions", &expr.node, expr.span).map(|n| vec![n]),
            other => Err(wrong_kind(&other, "a number", expr.span)),
        }
    }

    /// The value of an expression that must be a number.
    pub(super) fn number(&self, frame: &Frame<'a>, expr: &'a Spanned<Expr>) -> Result<Rational, Fault> {
        match self.eval_at(frame, expr)? {
            Value::Number(n) => Ok(n),
            other => Err(wrong_kind(&other, "a number", expr.span)),
        }
    }

    /// The value of a condition.
    pub(super) fn switch(&self, frame: &Frame<'a>, expr: &'a Spanned<Expr>) -> Result<bool, Fault> {
        match self.eval_at(frame, expr)? {
            Value::Switch(on) => Ok(on),
            other => Err(wrong_kind(&other, "a comparison, `on` or `off`", expr.span)),
        }
    }

    fn binary(
        &self,
        frame: &Frame<'a>,
        op: Binary,
        a: &'a Spanned<Expr>,
        b: &'a Spanned<Expr>,
        span: Span,
    ) -> Result<Value<'a>, Fault> {
        match op {
            Binary::Or => Ok(Value::Switch(self.switch(frame, a)? || self.switch(frame, b)?)),
            Binary::And => Ok(Value::Switch(self.switch(frame, a)? && self.switch(frame, b)?)),
            Binary::Equal | Binary::NotEqual => {
                let (x, y) = (self.eval_at(frame, a)?, self.eval_at(frame, b)?);
                if std::mem::discriminant(&x) != std::mem::discriminant(&y) {
                    let message = format!("{} is never equal to {}", x.describe(), y.describe());
                    return Err(fault("wrong-kind", span, message));
                }
                Ok(Value::Switch((x == y) == (op == Binary::Equal)))
            }
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                let order = self.number(frame, a)?.compare(self.number(frame, b)?).ok_or_else(|| too_big(span))?;
                Ok(Value::Switch(match op {
                    Binary::Less => order == Ordering::Less,
                    Binary::LessEqual => order != Ordering::Greater,
                    Binary::Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }))
            }
            Binary::Plus | Binary::Minus | Binary::Times | Binary::Divide => {
                let (x, y) = (self.number(frame, a)?, self.number(frame, b)?);
                let result = match op {
                    Binary::Plus => x.plus(y),
                    Binary::Minus => x.minus(y),
                    Binary::Times => x.times(y),
                    _ if y.num == 0 => return Err(fault("division-by-zero", span, format!("{x} is divided by 0"))),
                    _ => x.over(y),
                };
                result.map(Value::Number).ok_or_else(|| too_big(span))
            }
        }
    }

    fn call_function(
        &self,
        frame: &Frame<'a>,
        name: &str,
        args: &'a [Spanned<Expr>],
        span: Span,
    ) -> Result<Value<'a>, Fault> {
        let numbers = args.iter().map(|a| self.number(frame, a)).collect::<Result<Vec<_>, _>>()?;
        let extreme = |wanted: Ordering| {
            let (first, rest) = numbers.split_first()?;
            rest.iter().try_fold(*first, |best, n| Some(if n.compare(best)? == wanted { *n } else { best }))
        };
        let result = match (name, numbers.as_slice()) {
            ("floor", [n]) => Some(Rational::whole(n.floor())),
            ("ceil", [n]) => Some(Rational::whole(n.ceil())),
            ("round", [n]) => n.round().map(Rational::whole),
            ("min", [_, ..]) => extreme(Ordering::Less),
            ("max", [_, ..]) => extreme(Ordering::Greater),
            ("divisible", [n, step]) if step.num > 0 => n.divisible(*step),
            ("divisible", [_, step]) => {
                return Err(fault("too-small", span, format!("the step of `divisible` is {step}; it must be above 0")));
            }
            _ if !words::FUNCTIONS.contains(&name) => return Err(Fault::Silent),
            (_, given) => {
                let wanted = match name {
                    "min" | "max" => "numbers, such as `max(8, c/4)`",
                    "divisible" => "a number and a step, such as `divisible(c/4, 8)`",
                    _ => "one number, such as `floor(c/2)`",
                };
                let message = format!("`{name}` is given {} numbers; it takes {wanted}", given.len());
                return Err(fault("wrong-kind", span, message));
            }
        };
        result.map(Value::Number).ok_or_else(|| too_big(span))
    }

    /// A number as a count of `what`, at least `least`. `expr` is what was written at `span`.
    pub(super) fn count(
        &self,
        frame: &Frame<'a>,
        n: Rational,
        least: u64,
        what: &str,
        expr: &'a Expr,
        span: Span,
    ) -> Result<u64, Fault> {
        match count(n, least) {
            Ok(n) => Ok(n),
            Err(NotASize::TooBig) => Err(too_big(span)),
            Err(NotASize::TooSmall) => {
                let message = format!("{n} is too small a number of {what}; it must be at least {least}");
                Err(fault("too-small", span, message))
            }
            Err(NotASize::Fractional) => Err(self.fractional(frame, n, what, expr, span)),
        }
    }

    fn fractional(&self, frame: &Frame<'a>, n: Rational, what: &str, expr: &'a Expr, span: Span) -> Fault {
        let written = self.doc.sources.text(if let Expr::Paren(inner) = expr { inner.span } else { span });
        // The span of a stride begins with its slash.
        let written = written.trim_start_matches('/');
        let mut names = Vec::new();
        collect_names(expr, &mut names);
        let known = |name: &&'a str| match self.named(frame, name, span) {
            Ok(Value::Number(n)) => Some(format!("{name} = {n}")),
            _ => None,
        };
        let known: Vec<String> = names.iter().filter_map(known).collect();
        let origin = match known.as_slice() {
            [] if matches!(expr, Expr::Number(_)) => String::new(),
            [] => format!(" (`{written}`)"),
            known => format!(" (`{written}`, {})", known.join(", ")),
        };
        let mut ways = vec![format!("`(floor({written}))` for {}", n.floor())];
        ways.extend(n.round().map(|r| format!("`(round({written}))` for {r}")));
        ways.extend(n.divisible(Rational::whole(8)).map(|d| format!("`(divisible({written}, 8))` for {d}")));
        Diagnostic::error("fractional", Origin::Text(span), format!("{n} is not a whole number of {what}{origin}"))
            .help(format!("write {}", name::either(&ways)))
            .into()
    }
}

/// The tensor that enters the block.
fn entry(frame: &Frame, span: Span) -> Result<ValueId, Fault> {
    match frame.entry {
        Entry::Block(Some(id)) => Ok(id),
        Entry::Block(None) => Err(fault("no-input", span, "nothing enters this block: there is no `input` before it")),
        // Outside a block `in` has been reported already.
        Entry::Model => Err(Fault::Silent),
    }
}

/// `wrong-kind`: a value of another kind than wanted.
pub(super) fn wrong_kind(found: &Value, wanted: &str, span: Span) -> Fault {
    if *found == Value::Lost {
        return Fault::Silent;
    }
    fault("wrong-kind", span, format!("{} stands where {wanted} was expected", found.describe()))
}

/// `number-too-big` for a result.
pub(super) fn too_big(span: Span) -> Fault {
    fault("number-too-big", span, format!("the result is beyond 2^53 ({})", limits::NUMBER))
}

fn collect_names<'a>(expr: &'a Expr, names: &mut Vec<&'a str>) {
    match expr {
        Expr::Name(name) if !names.contains(&name.as_str()) => names.push(name),
        Expr::Number(_) | Expr::Dims(_) | Expr::Shape(..) | Expr::Pads(_) | Expr::Name(_) => {}
        Expr::Call(_, args) => args.iter().for_each(|a| collect_names(&a.node, names)),
        Expr::Sizes(a, b) | Expr::Binary(_, a, b) => {
            collect_names(&a.node, names);
            collect_names(&b.node, names);
        }
        Expr::Unary(_, a) | Expr::Paren(a) => collect_names(&a.node, names),
    }
}
