//! The words of the language, and what to say about a word that is none.

use super::words::PASSES;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::base::suggest::nearest;
use crate::ops::layer::{Layer, Takes};
use crate::ops::{layer, layers};

/// What a word at the end of a line appends to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Modifier {
    /// A layer of its own.
    Layer(&'static Layer),
    /// Nothing (`linear`).
    Pass,
}

/// The modifier of this name.
pub(super) fn modifier(word: &str) -> Option<Modifier> {
    if PASSES.contains(&word) {
        return Some(Modifier::Pass);
    }
    layer(word).filter(|l| l.modifier).map(Modifier::Layer)
}

/// Whether a layer joins several tensors.
pub(super) fn is_join(layer: &Layer) -> bool {
    layer.takes == Takes::Join
}

/// A name that another tool uses for a layer, as that tool spells it.
pub(super) fn foreign(word: &str) -> Option<(&'static str, &'static Layer)> {
    let names = || layers().flat_map(|l| l.foreign.iter().map(move |f| (*f, l)));
    names().find(|(f, _)| *f == word).or_else(|| names().find(|(f, _)| f.eq_ignore_ascii_case(word)))
}

/// `unknown-layer` or `foreign-name`: no layer and no block is called so.
pub(super) fn no_such_layer<'a>(word: &str, span: Span, blocks: impl Iterator<Item = &'a str>) -> Diagnostic {
    let origin = Origin::Text(span);
    if let Some((theirs, layer)) = foreign(word) {
        return foreign_name(theirs, layer, span);
    }
    let error = Diagnostic::error("unknown-layer", origin, format!("there is no layer or block called `{word}`"));
    let candidates: Vec<&str> =
        layers().map(|l| l.keyword).chain(PASSES.iter().copied()).chain(["input"]).chain(blocks).collect();
    suggest(error, word, span, candidates)
}

/// `foreign-name` where a layer or a modifier is called as another tool calls it.
pub(super) fn foreign_name(theirs: &str, layer: &Layer, span: Span) -> Diagnostic {
    let message = format!("`{theirs}` is {}; here it is `{}`", whose(theirs), layer.keyword);
    Diagnostic::error("foreign-name", Origin::Text(span), message)
        .help(format!("write for example `{}`", layer.example))
        .fix(span, layer.keyword)
}

/// Keras ends its names in `2D`, PyTorch in `2d`.
fn whose(name: &str) -> &'static str {
    let dimensions = |letter: char| ["1", "2", "3"].iter().any(|n| name.ends_with(&format!("{n}{letter}")));
    if name.starts_with("nn.") || dimensions('d') {
        "PyTorch's name"
    } else if dimensions('D') {
        "Keras' name"
    } else {
        "another tool's name"
    }
}

/// Adds the candidate nearest to a misspelt word, with a repair.
pub(super) fn suggest<'a>(
    error: Diagnostic,
    word: &str,
    span: Span,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let other_case = candidates.iter().copied().find(|c| c.eq_ignore_ascii_case(word));
    match other_case.or_else(|| nearest(word, candidates)) {
        Some(near) => error.help(format!("did you mean `{near}`?")).fix(span, near),
        None => error,
    }
}

/// Words for a sentence: `a`, `a or b`, `a, b or c`.
pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tools_names_are_told_apart() {
        assert_eq!(foreign("Conv2d").map(|(f, _)| whose(f)), Some("PyTorch's name"));
        assert_eq!(foreign("Conv2D").map(|(f, _)| whose(f)), Some("Keras' name"));
        assert_eq!(foreign("CONV2D").map(|(_, l)| l.keyword), Some("conv"));
    }
}
