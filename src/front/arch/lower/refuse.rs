//! What is said of arguments that a layer does not take.

use super::super::ast::{Name, Rational};
use super::super::name::suggest;
use super::eval::Fault;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::ops::layer::{Arg, Layer, Need, Number};

/// A dropout rate, or `dropout-rate`.
pub(super) fn rate(layer: &Layer, keyword: &str, n: Rational, span: Span) -> Result<Arg, Fault> {
    if n.num >= 0 && n.num <= n.den {
        return Ok(Arg::Number(n.as_f64()));
    }
    let message = format!("a {} rate lies between 0 and 1, not {n}", layer.keyword);
    let error = Diagnostic::error("dropout-rate", Origin::Text(span), message);
    Err(if n.num > 0 && n.num <= n.den.saturating_mul(100) {
        error.help(format!("did you mean `{keyword} {n}%`?")).fix(span, format!("{n}%"))
    } else {
        error.help(format!("for example `{}`", layer.example))
    }
    .into())
}

/// `unknown-word`: a word of the language that means nothing to this layer.
pub(super) fn unknown_word(layer: &Layer, keyword: &str, word: &str, span: Span) -> Fault {
    let message = format!("`{word}` is not something `{keyword}` understands");
    let error = Diagnostic::error("unknown-word", Origin::Text(span), message);
    if crate::ops::layer(word).is_some() {
        error.help(format!("`{word}` is a layer: write it on a line of its own")).into()
    } else {
        error.help(takes(layer)).into()
    }
}

/// What a layer takes, as a sentence: ``it takes `same`, `valid`; options …``.
pub(super) fn takes(layer: &Layer) -> String {
    let words: Vec<String> = layer.words.iter().map(|w| format!("`{w}`")).collect();
    if words.is_empty() {
        format!("`{}` takes no words of its own", layer.keyword)
    } else {
        format!("it takes {}", words.join(", "))
    }
}

/// `unknown-option`, with the options that there are.
pub(super) fn unknown_option(layer: &Layer, keyword: &str, key: &Name) -> Fault {
    let mut options: Vec<&str> = layer.options.iter().map(|o| o.name).collect();
    if layer.kernel != Need::Never {
        options.push("k");
    }
    options.sort_unstable();
    let message = format!("`{keyword}` has no option `{}`", key.node);
    let error = Diagnostic::error("unknown-option", Origin::Text(key.span), message);
    if options.is_empty() {
        return error.note("it takes none").into();
    }
    let error = error.note(format!("it takes {}", options.join(", ")));
    suggest(error, &key.node, key.span, options).into()
}

/// `two-numbers`, with the ways to write the other one.
pub(super) fn two_numbers(layer: &Layer, keyword: &str, span: Span) -> Fault {
    let question = match layer.number {
        Number::Width(what) | Number::Needed(what) | Number::Optional(what) => format!("the number of {what}"),
        Number::Rate => "the rate".into(),
        Number::Window => "the window".into(),
        Number::Pads | Number::None => "meant".into(),
    };
    let message = format!("two bare numbers on one `{keyword}`: which is {question}?");
    let error = Diagnostic::error("two-numbers", Origin::Text(span), message);
    let mut ways = Vec::new();
    if layer.kernel != Need::Never {
        ways.push("kernels are written `3x3` (or `k=3`)");
    }
    if layer.stride {
        ways.push("strides `/2`");
    }
    ways.push("repeats `x2`");
    error.help(ways.join(", ")).into()
}
