//! Where the expansion stands: the block, its names, the current tensor; and the names that lines are given.

use super::super::resolve::Numbered;
use super::defaults::Top;
use super::value::Value;
use crate::base::source::Span;
use crate::graph::{Label, NodeId, ValueId};
use std::collections::{HashMap, hash_map};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;

/// A model, or a call of a block.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Index of the file that it is written in.
    pub module: usize,
    /// `let`s and `default`s of that file.
    pub top: Rc<Top<'a>>,
    /// Parameters, `let`s and indices, the innermost last.
    pub vars: Vec<(&'a str, Value<'a>)>,
    /// The current tensor; `None` before any input.
    pub flow: Option<ValueId>,
    /// Whether it is a block, and what enters it.
    pub entry: Entry,
    /// The name of the call; empty for a model.
    pub scope: Arc<str>,
    /// Where the call stands.
    pub call: Option<Span>,
    /// How many braces of repetition are open.
    pub repeating: usize,
    /// Labels that no other line may be named after.
    pub numbered: Option<&'a Numbered>,
    /// How often a word has been at the beginning of a line.
    words: HashMap<&'a str, u64>,
    /// How often the line of a label has been run.
    runs: HashMap<&'a str, u64>,
}

/// What `in` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing: there is none outside a block.
    Model,
    /// The tensor that enters the block, if there is one.
    Block(Option<ValueId>),
}

impl<'a> Frame<'a> {
    /// A model, or the top of a file, before its first statement.
    pub(super) fn new(module: usize, top: Rc<Top<'a>>, numbered: Option<&'a Numbered>) -> Self {
        Frame {
            module,
            top,
            vars: Vec::new(),
            flow: None,
            entry: Entry::Model,
            scope: "".into(),
            call: None,
            repeating: 0,
            numbered,
            words: HashMap::new(),
            runs: HashMap::new(),
        }
    }

    /// The inside of a block that `caller` calls on a line of this name.
    pub(super) fn block(caller: &Frame<'a>, line: &Line, inside: Frame<'a>) -> Self {
        Frame {
            entry: Entry::Block(caller.flow),
            flow: caller.flow,
            scope: Arc::clone(&line.name),
            call: Some(line.span),
            ..inside
        }
    }

    /// The variable of this name.
    pub(super) fn variable(&self, name: &str) -> Option<&Value<'a>> {
        let own = self.vars.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v);
        own.or_else(|| self.top.lets.get(name))
    }

    /// A name of this block as it is known from outside.
    pub(super) fn full(&self, name: &str) -> String {
        // A few bytes more than needed: names get ordinals.
        let mut full = String::with_capacity(self.scope.len().saturating_add(name.len()).saturating_add(8));
        full.push_str(&self.scope);
        if !self.scope.is_empty() {
            full.push('.');
        }
        full.push_str(name);
        full
    }
}

/// One more of these.
fn count<'a>(counts: &mut HashMap<&'a str, u64>, name: &'a str) -> u64 {
    let count = counts.entry(name).or_insert(0);
    *count = count.saturating_add(1);
    *count
}

/// A line that is being expanded.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its name: the label, or the word with its ordinal, behind the name of the block's call.
    pub name: Arc<str>,
    /// The word at its beginning and its arguments.
    pub span: Span,
    /// Where each operand of a join comes from.
    pub parts: Vec<Span>,
}

/// The names of lines, each with what the line expands to.
#[derive(Debug, Default)]
pub(super) struct Labels {
    list: Vec<Label>,
    index: HashMap<Arc<str>, usize>,
}

impl Labels {
    /// Names a line. `again` says that the line is run several times: each run gets a number behind the label.
    pub(super) fn name<'a>(
        &self,
        frame: &mut Frame<'a>,
        word: &'a str,
        label: Option<&'a str>,
        again: bool,
    ) -> Arc<str> {
        let mut ordinal = count(&mut frame.words, word);
        if let Some(label) = label {
            return if again {
                let run = count(&mut frame.runs, label);
                frame.full(&format!("{label}.{run}")).into()
            } else {
                frame.full(label).into()
            };
        }
        if word == "input" && ordinal == 1 {
            return frame.full(word).into();
        }
        // A word that ends in a digit would run into its ordinal.
        let separator = if word.ends_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        // Only then can the names of two words be the same (`a1_` and `a1`).
        let ambiguous = !separator.is_empty() || word.ends_with('_');
        let inside = if frame.scope.is_empty() { 0 } else { frame.scope.len().saturating_add(1) };
        loop {
            let mut full = frame.full(word);
            full.push_str(separator);
            // Writing to a string does not fail.
            let _ = write!(full, "{ordinal}");
            let labelled = |n: &Numbered| !n.is_empty() && full.get(inside..).is_some_and(|own| n.contains(own));
            if frame.numbered.is_some_and(labelled) || ambiguous && self.index.contains_key(&*full) {
                ordinal = count(&mut frame.words, word);
                continue;
            }
            return full.into();
        }
    }

    /// Says what comes out of a line and what it expands to; a line that has run before keeps what it had.
    pub(super) fn set(&mut self, name: &Arc<str>, value: ValueId, nodes: &[NodeId]) {
        match self.index.entry(Arc::clone(name)) {
            hash_map::Entry::Occupied(at) => {
                if let Some(label) = self.list.get_mut(*at.get()) {
                    label.value = value;
                    label.nodes.extend_from_slice(nodes);
                }
            }
            hash_map::Entry::Vacant(slot) => {
                slot.insert(self.list.len());
                self.list.push(Label { name: Arc::clone(name), value, nodes: nodes.to_vec(), written: None });
            }
        }
    }

    /// Says how a line reads with the values of its names.
    pub(super) fn say(&mut self, name: &str, written: &Arc<str>) {
        if let Some(label) = self.index.get(name).and_then(|at| self.list.get_mut(*at)) {
            label.written = Some(Arc::clone(written));
        }
    }

    /// Gives what a line has made another name.
    pub(super) fn alias(&mut self, name: &Arc<str>, value: ValueId) {
        let nodes = self.list.iter().rev().find(|l| l.value == value).map(|l| l.nodes.clone()).unwrap_or_default();
        self.set(name, value, &nodes);
    }

    /// The line of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Label> {
        self.index.get(name).and_then(|at| self.list.get(*at))
    }

    /// Every name, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|l| &*l.name)
    }

    /// All of them.
    pub(super) fn into_list(self) -> Vec<Label> {
        self.list
    }
}
