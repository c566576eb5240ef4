//! What is wrong, where, and what to do about it: plain data, printed elsewhere.

use super::source::Span;
use std::sync::Arc;

/// How bad it is. The order is from mild to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Probably a mistake.
    Warning,
    /// The file is wrong.
    Error,
}

impl Severity {
    /// The word that stands before the message.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Hint => "hint",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A place in a text.
    Text(Span),
    /// A node of a graph without text, by its name, with its place in stored order.
    Node {
        /// The node's own name, or its first output's.
        name: Arc<str>,
        /// Position in the stored order, from 0.
        index: usize,
    },
    /// A byte of a binary file.
    Byte(u64),
    /// The file as a whole.
    File,
}

/// A finding: `error[code]: message`, a place, further places, notes, a remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Readable slug, stable across versions: `missing-channels`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One sentence: what is there, before what was wanted. Small first letter, no full stop.
    pub message: String,
    /// Where.
    pub origin: Origin,
    /// A few words beside the caret at `origin`.
    pub label: Option<String>,
    /// Further places with a few words each.
    pub others: Vec<(Span, String)>,
    /// Facts that help to understand.
    pub notes: Vec<String>,
    /// What to do, as something that can be typed.
    pub help: Option<String>,
    /// A replacement that certainly mends it.
    pub fix: Option<Fix>,
}

/// A text to put in place of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Diagnostic::new(code, Severity::Error, origin, message.into())
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Diagnostic::new(code, Severity::Warning, origin, message.into())
    }

    /// Worth knowing about a place.
    pub fn hint(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Diagnostic::new(code, Severity::Hint, origin, message.into())
    }

    fn new(code: &'static str, severity: Severity, origin: Origin, message: String) -> Self {
        Diagnostic {
            code,
            severity,
            message,
            origin,
            label: None,
            others: Vec::new(),
            notes: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a further place.
    pub fn other(mut self, span: Span, words: impl Into<String>) -> Self {
        self.others.push((span, words.into()));
        self
    }

    /// Adds a replacement that mends it.
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, text: text.into() });
        self
    }
}
