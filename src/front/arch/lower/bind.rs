//! Arguments of a layer's line, bound by kind: a number is a width, dims are a kernel, `/2` is a stride, words are
//! options or further layers.

use super::super::ast::{Arg as Written, Expr, Name, Spanned};
use super::super::name::{Modifier, is_join, modifier};
use super::Lowering;
use super::eval::{Fault, wrong_kind};
use super::refuse;
use super::scope::Frame;
use super::value::{Value, join};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::ValueId;
use crate::ops::layer::{Arg, EXCLUSIVE, KERNEL, Layer, LayerOption, Need, Number, OptionValue};
use crate::tensor::Dim;

/// One size for every axis, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sizes {
    Every(u64),
    Each(Vec<u64>),
}

/// What a line, or a `default`, says of a layer itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub number: Option<Arg>,
    pub kernel: Option<(Sizes, Span)>,
    pub stride: Option<(Sizes, Span)>,
    pub words: Vec<&'static str>,
    pub options: Vec<(&'static str, Arg, Span)>,
}

impl Given {
    /// Whether the question that a word, an option or [`KERNEL`] answers is answered already.
    pub(super) fn answers(&self, name: &str) -> bool {
        let has = |other: &str| match other {
            KERNEL => self.kernel.is_some(),
            _ => self.words.contains(&other) || self.options.iter().any(|(n, ..)| *n == other),
        };
        has(name) || EXCLUSIVE.iter().any(|set| set.contains(&name) && set.iter().any(|other| has(other)))
    }

    /// The number as a whole one.
    pub(super) fn count(&self) -> Option<u64> {
        match self.number {
            Some(Arg::Whole(n)) => Some(n),
            _ => None,
        }
    }
}

/// What a line says of layers and blocks alike.
#[derive(Clone, Debug)]
pub(super) struct Extras<'a> {
    /// Layers appended, in order.
    pub modifiers: Vec<Modifier>,
    /// `xN`.
    pub times: u64,
    /// `frozen`.
    pub frozen: bool,
    /// `share=`.
    pub share: Option<&'a str>,
}

/// A layer's line, bound.
#[derive(Clone, Debug)]
pub(super) struct Bound<'a> {
    pub given: Given,
    pub extras: Extras<'a>,
    /// Tensors named, for a join.
    pub operands: Vec<(ValueId, Span)>,
    /// Whether something on the line was wrong.
    pub broken: bool,
}

/// The line being bound.
struct Binding<'l, 'a> {
    layer: &'static Layer,
    keyword: &'l str,
    bound: Bound<'a>,
    /// Where each of the words stands.
    words_at: Vec<Span>,
    number_seen: bool,
    times_seen: bool,
}

impl Extras<'_> {
    pub(super) fn none() -> Self {
        Extras { modifiers: Vec::new(), times: 1, frozen: false, share: None }
    }
}

impl<'a> Lowering<'a> {
    /// Binds a layer's line, reporting what is wrong with it.
    pub(super) fn bind(
        &mut self,
        frame: &Frame<'a>,
        layer: &'static Layer,
        keyword: &str,
        args: &'a [Spanned<Written>],
    ) -> Bound<'a> {
        let bound = Bound { given: Given::default(), extras: Extras::none(), operands: Vec::new(), broken: false };
        let mut binding =
            Binding { layer, keyword, bound, words_at: Vec::new(), number_seen: false, times_seen: false };
        for arg in args {
            if let Err(fault) = self.bind_one(frame, &mut binding, arg) {
                binding.bound.broken = true;
                self.blame(frame, fault);
            }
        }
        if let Some(error) = binding.excluded() {
            binding.bound.broken = true;
            self.report(frame, error);
        }
        binding.bound
    }

    fn bind_one(
        &self,
        frame: &Frame<'a>,
        binding: &mut Binding<'_, 'a>,
        arg: &'a Spanned<Written>,
    ) -> Result<(), Fault> {
        let span = arg.span;
        match &arg.node {
            Written::Value(expr) => {
                let value = self.eval(frame, expr, span)?;
                self.bind_value(frame, binding, value, expr, span)
            }
            Written::Stride(expr) => {
                if !binding.layer.stride {
                    let error = Diagnostic::error(
                        "no-stride",
                        Origin::Text(span),
                        format!("`{}` has no stride", binding.keyword),
                    );
                    return Err(error.help(format!("leave `{}` out", self.doc.sources.text(span))).into());
                }
                let sizes = match self.eval(frame, expr, span)? {
                    Value::Number(n) => Sizes::Every(self.count(frame, n, 1, "positions", expr, span)?),
                    Value::Sizes(sizes) => Sizes::Each(positive(sizes, span)?),
                    other => return Err(wrong_kind(&other, "a stride", span)),
                };
                once(binding.bound.given.stride.replace((sizes, span)).is_some(), "a stride", span)
            }
            Written::Repeat(n) => {
                binding.bound.extras.times = times(*n, span)?;
                once(std::mem::replace(&mut binding.times_seen, true), "a repetition", span)
            }
            Written::Named { key, value } if key.node == "share" => {
                once(binding.bound.extras.share.replace(share_key(value)?).is_some(), "`share`", span)
            }
            Written::Named { key, value } => self.bind_named(frame, binding, key, value, span),
            Written::GluedSlash { .. } => Err(Fault::Silent),
        }
    }

    fn bind_value(
        &self,
        frame: &Frame<'a>,
        binding: &mut Binding<'_, 'a>,
        value: Value<'a>,
        expr: &'a Expr,
        span: Span,
    ) -> Result<(), Fault> {
        let (layer, keyword) = (binding.layer, binding.keyword);
        let given = &mut binding.bound.given;
        match value {
            Value::Number(n) => {
                if std::mem::replace(&mut binding.number_seen, true) {
                    return Err(refuse::two_numbers(layer, keyword, span));
                }
                let what = match layer.number {
                    Number::None => {
                        let message = format!("`{keyword}` takes no number, but {n} is written");
                        let error = Diagnostic::error("unexpected-number", Origin::Text(span), message);
                        return Err(error.help("leave it out, or write `x3` to repeat the line three times").into());
                    }
                    Number::Rate => {
                        given.number = Some(refuse::rate(layer, keyword, n, span)?);
                        return Ok(());
                    }
                    Number::Window => {
                        let edge = self.count(frame, n, 1, "positions", expr, span)?;
                        return once(given.kernel.replace((Sizes::Every(edge), span)).is_some(), "a window", span);
                    }
                    Number::Pads => {
                        given.number = Some(Arg::Whole(self.count(frame, n, 0, "positions", expr, span)?));
                        return Ok(());
                    }
                    Number::Width(what) | Number::Needed(what) | Number::Optional(what) => what,
                };
                given.number = Some(Arg::Whole(self.count(frame, n, 1, what, expr, span)?));
                Ok(())
            }
            Value::Sizes(sizes) if layer.number == Number::Pads && layer.kernel == Need::Never => {
                once(given.number.replace(Arg::Sizes(sizes)).is_some(), "a padding", span)
            }
            Value::Sizes(sizes) if layer.kernel == Need::Never => {
                let message = format!("`{keyword}` takes no size such as `{}`", join(&sizes));
                let error = Diagnostic::error("unexpected-kernel", Origin::Text(span), message);
                Err(error.help(format!("write for example `{}`", layer.example)).into())
            }
            Value::Sizes(sizes) => {
                let sizes = Sizes::Each(positive(sizes, span)?);
                once(given.kernel.replace((sizes, span)).is_some(), "a kernel", span)
            }
            Value::Pads(pads) if layer.number == Number::Pads => {
                once(given.number.replace(Arg::Pads(pads)).is_some(), "a padding", span)
            }
            Value::Pads(_) => {
                let message = format!("`{keyword}` takes no pads without a key");
                let error = Diagnostic::error("unexpected-pads", Origin::Text(span), message);
                let pads = layer.options.iter().find(|o| o.value == OptionValue::Pads);
                let written = self.doc.sources.text(span);
                Err(match pads {
                    Some(option) => error
                        .help(format!("write `{}={written}`", option.name))
                        .fix(span, format!("{}={written}", option.name)),
                    None => error,
                }
                .into())
            }
            Value::Word(word) => bind_word(binding, word, span),
            Value::Tensor(id) if is_join(layer) => {
                binding.bound.operands.push((id, span));
                Ok(())
            }
            other => {
                let message = format!("{} is not something `{keyword}` understands", other.describe());
                Err(Diagnostic::error("unknown-word", Origin::Text(span), message).note(refuse::takes(layer)).into())
            }
        }
    }

    fn bind_named(
        &self,
        frame: &Frame<'a>,
        binding: &mut Binding<'_, 'a>,
        key: &'a Name,
        value: &'a Spanned<Expr>,
        span: Span,
    ) -> Result<(), Fault> {
        let layer = binding.layer;
        let given = &mut binding.bound.given;
        if key.node == "k" && layer.kernel != Need::Never {
            let sizes = match self.eval_at(frame, value)? {
                Value::Number(n) => Sizes::Every(self.count(frame, n, 1, "positions", &value.node, value.span)?),
                Value::Sizes(sizes) => Sizes::Each(positive(sizes, value.span)?),
                other => return Err(wrong_kind(&other, "a kernel size", value.span)),
            };
            return once(given.kernel.replace((sizes, span)).is_some(), "a kernel", span);
        }
        let Some(option) = layer.options.iter().find(|o| o.name == key.node) else {
            return Err(refuse::unknown_option(layer, binding.keyword, key));
        };
        let arg = self.option(frame, option, value)?;
        let again = given.options.iter().any(|(n, ..)| *n == option.name);
        given.options.push((option.name, arg, span));
        once(again, &format!("`{}`", option.name), span)
    }

    fn option(&self, frame: &Frame<'a>, option: &LayerOption, value: &'a Spanned<Expr>) -> Result<Arg, Fault> {
        let found = self.eval_at(frame, value)?;
        let (expr, span) = (&value.node, value.span);
        let whole = |n, least, what| self.count(frame, n, least, what, expr, span).map(Arg::Whole);
        let (wanted, found) = match (option.value, found) {
            (OptionValue::Whole, Value::Number(n)) => return whole(n, 0, option.name),
            (OptionValue::Number, Value::Number(n)) => return Ok(Arg::Number(n.as_f64())),
            (OptionValue::Sizes | OptionValue::Target, Value::Number(n)) => return whole(n, 1, "positions"),
            (OptionValue::Sizes | OptionValue::Target, Value::Sizes(sizes)) => {
                return Ok(Arg::Sizes(positive(sizes, span)?));
            }
            (OptionValue::Target, Value::Tensor(id)) => {
                let spatial = self.dims(id).and_then(|d| d.get(2..)).ok_or(Fault::Silent)?;
                if spatial.is_empty() {
                    let message = format!(
                        "`{}` is a vector ({}), which has no size to go by",
                        self.doc.sources.text(span),
                        self.notation(id)
                    );
                    return Err(error("maps-needed", span, message));
                }
                let sizes: Option<Vec<u64>> = spatial.iter().map(Dim::size).collect();
                return sizes.map(Arg::Sizes).ok_or(Fault::Silent);
            }
            (OptionValue::Pads, Value::Number(n)) => return whole(n, 0, "positions"),
            (OptionValue::Pads, Value::Sizes(sizes)) => return Ok(Arg::Sizes(sizes)),
            (OptionValue::Pads, Value::Pads(pads)) => return Ok(Arg::Pads(pads)),
            (wanted, found) => {
                let wanted = match wanted {
                    OptionValue::Whole | OptionValue::Number => "a number",
                    OptionValue::Sizes => "a number or a size such as `3x3`",
                    OptionValue::Pads => "a number, a size such as `1x2`, or pads such as `0:1`",
                    OptionValue::Target => "a size such as `6x6` or a label",
                };
                (wanted, found)
            }
        };
        Err(wrong_kind(&found, wanted, span))
    }
}

fn bind_word(binding: &mut Binding, word: &str, span: Span) -> Result<(), Fault> {
    let layer = binding.layer;
    if let Some(known) = layer.words.iter().copied().find(|w| *w == word) {
        let given = &mut binding.bound.given;
        let again = given.words.contains(&known);
        given.words.push(known);
        binding.words_at.push(span);
        return once(again, &format!("`{known}`"), span);
    }
    if word == "frozen" {
        return once(std::mem::replace(&mut binding.bound.extras.frozen, true), "`frozen`", span);
    }
    if let Some(modifier) = modifier(word) {
        binding.bound.extras.modifiers.push(modifier);
        return Ok(());
    }
    Err(refuse::unknown_word(layer, binding.keyword, word, span))
}

impl Binding<'_, '_> {
    /// `twice`, for two answers to the same question.
    fn excluded(&self) -> Option<Diagnostic> {
        let given = &self.bound.given;
        if given.words.len() + given.options.len() + usize::from(given.kernel.is_some()) < 2 {
            return None;
        }
        let kernel = given.kernel.iter().map(|(_, span)| (KERNEL, *span));
        let options = given.options.iter().map(|(name, _, span)| (*name, *span));
        let mut named: Vec<(&str, Span)> =
            given.words.iter().copied().zip(self.words_at.iter().copied()).chain(options).chain(kernel).collect();
        named.sort_by_key(|(_, span)| span.start);
        for set in EXCLUSIVE {
            let mut of_set = named.iter().filter(|(name, _)| set.contains(name));
            if let (Some(first), Some(second)) = (of_set.next(), of_set.next())
                && first.0 != second.0
            {
                let show = |name: &str| if name == KERNEL { "a window".into() } else { format!("`{name}`") };
                let message =
                    format!("{} and {} on one `{}`: only one can hold", show(first.0), show(second.0), self.keyword);
                let error = Diagnostic::error("twice", Origin::Text(second.1), message);
                return Some(error.other(first.1, "the other is here").help("remove one of them"));
            }
        }
        None
    }
}

/// The name behind `share=`.
pub(super) fn share_key(value: &Spanned<Expr>) -> Result<&str, Fault> {
    match &value.node {
        Expr::Name(key) => Ok(key),
        _ => Err(error("wrong-kind", value.span, "`share` takes a name of your own, such as `share=w`")),
    }
}

/// How often `xN` repeats a line.
pub(super) fn times(n: u64, span: Span) -> Result<u64, Fault> {
    if n == 0 { Err(error("too-small", span, "`x0` leaves nothing; a line is repeated at least once")) } else { Ok(n) }
}

/// `twice`, if it is.
pub(super) fn once(again: bool, what: &str, span: Span) -> Result<(), Fault> {
    if !again {
        return Ok(());
    }
    let error = Diagnostic::error("twice", Origin::Text(span), format!("{what} is given twice"));
    Err(error.help("leave one of them out").into())
}

fn positive(sizes: Vec<u64>, span: Span) -> Result<Vec<u64>, Fault> {
    if sizes.contains(&0) {
        return Err(error("too-small", span, format!("`{}` has a size of 0; each must be at least 1", join(&sizes))));
    }
    Ok(sizes)
}

fn error(code: &'static str, span: Span, message: impl Into<String>) -> Fault {
    Diagnostic::error(code, Origin::Text(span), message).into()
}
