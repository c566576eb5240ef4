//! Which `}` belongs to which `{`, found before parsing, so that a body is a slice of the text and one forgotten brace
//! costs one message.
//!
//! Where the counts do not work out, indentation is asked: a `{` is taken to end before a line that is indented like the
//! line of the `{` or less, if the lines behind the `{` were indented more, or if that line begins with a word that stands
//! only at the top of a file.

use super::token::{Place, any_name};
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;

/// The pairs of braces of a text, by the place of the opening one.
#[derive(Debug, Default)]
pub(super) struct Braces(Vec<Pair>);

/// An opening brace and where its body ends: at the closing brace, or where that should have been.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    open: usize,
    /// End of the body.
    pub(super) close: usize,
    /// Whether a closing brace stands there.
    pub(super) closed: bool,
}

/// An opening brace that nothing closes, and the line that it should be closed before.
struct Unclosed<'a> {
    open: usize,
    next: Option<(usize, &'a str)>,
}

impl Braces {
    /// Pairs the braces of a text and reports those that stay open.
    pub(super) fn of(place: Place<'_>) -> (Braces, Vec<Diagnostic>) {
        let mut pairing = Pairing::of(place.text, 0);
        if !pairing.unclosed.is_empty() {
            let missing = pairing.unclosed.len();
            pairing = Pairing::of(place.text, missing);
        }
        let report = |unclosed: &Unclosed<'_>| {
            let origin = Origin::Text(place.bytes(unclosed.open, unclosed.open.saturating_add(1)));
            let error = Diagnostic::error("unclosed-brace", origin, "this `{` is never closed");
            match unclosed.next {
                Some((line, word)) if words::TOP.contains(&word) => {
                    error.help(format!("write `}}` before line {line}, where the next `{word}` starts"))
                }
                Some((line, _)) => error.help(format!("write `}}` before line {line}, which is indented no deeper")),
                None => error.help("write `}` at the end of the file"),
            }
        };
        // Braces nested too deep are one mistake, which the statements report.
        let mut reported = pairing.unclosed;
        if pairing.deepest > limits::NESTING {
            reported.clear();
        }
        let diagnostics = reported.iter().take(limits::SYNTAX_ERRORS).map(report).collect();
        (Braces(pairing.pairs), diagnostics)
    }

    /// The pair that opens here.
    pub(super) fn pair(&self, open: usize) -> Pair {
        let found = self.0.binary_search_by_key(&open, |p| p.open).ok().and_then(|index| self.0.get(index));
        found.copied().unwrap_or(Pair { open, close: open.saturating_add(1), closed: false })
    }
}

/// One run over a text.
#[derive(Default)]
struct Pairing<'a> {
    pairs: Vec<Pair>,
    open: Vec<Open>,
    unclosed: Vec<Unclosed<'a>>,
    deepest: usize,
    /// How many braces indentation may still close.
    missing: usize,
}

/// A brace that is open at some point of the run.
struct Open {
    index: usize,
    /// Of the line it stands on.
    indent: usize,
    /// Whether the first line behind it is indented more.
    indents: Option<bool>,
}

impl<'a> Pairing<'a> {
    fn of(text: &'a str, missing: usize) -> Self {
        let mut run = Pairing { missing, ..Pairing::default() };
        let mut start = 0_usize;
        for (number, line) in text.split('\n').enumerate() {
            run.line(start, number.saturating_add(1), line);
            start = start.saturating_add(line.len()).saturating_add(1);
        }
        while let Some(open) = run.open.pop() {
            run.leave_open(&open, text.len(), None);
        }
        run
    }

    fn line(&mut self, start: usize, number: usize, line: &'a str) {
        let content = line.trim_start();
        let indent = line.len().saturating_sub(content.len());
        if !content.is_empty() && !content.starts_with('#') {
            self.close_by_indentation(start, number, content, indent);
        }
        for (offset, brace) in braces_of(line) {
            let offset = start.saturating_add(offset);
            if brace == b'{' {
                let index = self.pairs.len();
                self.pairs.push(Pair { open: offset, close: offset, closed: false });
                self.open.push(Open { index, indent, indents: None });
                self.deepest = self.deepest.max(self.open.len());
            } else if let Some(pair) = self.open.pop().and_then(|open| self.pairs.get_mut(open.index)) {
                (pair.close, pair.closed) = (offset, true);
            }
        }
    }

    fn close_by_indentation(&mut self, start: usize, number: usize, content: &'a str, indent: usize) {
        let word = any_name(content).map_or("", |(_, word)| word);
        while self.missing > 0
            && let Some(top) = self.open.last_mut()
        {
            let indents = *top.indents.get_or_insert(indent > top.indent);
            let ends = if content.starts_with('}') {
                indent < top.indent
            } else {
                indent <= top.indent && (indents || words::TOP.contains(&word))
            };
            if !ends {
                return;
            }
            self.missing = self.missing.saturating_sub(1);
            if let Some(open) = self.open.pop() {
                self.leave_open(&open, start.saturating_sub(1), Some((number, word)));
            }
        }
    }

    fn leave_open(&mut self, open: &Open, end: usize, next: Option<(usize, &'a str)>) {
        if let Some(pair) = self.pairs.get_mut(open.index) {
            pair.close = end;
            self.unclosed.push(Unclosed { open: pair.open, next });
        }
    }
}

/// The braces of a line that stand neither in a text nor in a comment.
fn braces_of(line: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut quoted = false;
    let visible = line.bytes().enumerate().take_while(move |(_, byte)| {
        quoted ^= *byte == b'"';
        quoted || *byte != b'#'
    });
    let mut quoted = false;
    visible.filter(move |(_, byte)| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'{' | b'}')
    })
}
