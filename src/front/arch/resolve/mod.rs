//! Before anything is expanded: reading imports, sorting what files hold, and checking what needs no sizes.

mod check;
mod import;
mod module;
mod recursion;

pub(super) use check::collect_labels;
pub(super) use module::{Block, BlockId, Callee, Module, Numbered};

use super::document::Loader;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Sources;
use std::collections::HashSet;
use std::path::Path;

/// A text with everything that it imports.
pub(super) struct Resolved {
    /// The texts: the file itself first.
    pub sources: Sources,
    /// The file itself, what it imports, and last the prelude.
    pub modules: Vec<Module>,
    /// Blocks that call themselves, or call one that does.
    pub recursive: HashSet<BlockId>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a text and what it imports, and checks it.
pub(super) fn resolve(path: &Path, text: String, loader: &dyn Loader) -> Resolved {
    let import::Read { sources, mut modules, mut diagnostics } = import::read(path, text, loader);
    let calls = check::check(&mut modules, &sources, &mut diagnostics);
    let recursive = recursion::recursive(&modules, &calls, &mut diagnostics);
    Resolved { sources, modules, recursive, diagnostics }
}
