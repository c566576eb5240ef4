//! Reading a file and what it imports: each file once, only blocks, never out of the project.

use super::super::ast::{Name, Spanned};
use super::super::document::{LoadError, Loader};
use super::super::name::suggest;
use super::super::{parse, prelude};
use super::module::{self, BlockId, Import, Module, duplicate};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::base::source::Sources;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// Everything read.
pub(super) struct Read {
    pub sources: Sources,
    pub modules: Vec<Module>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a text, what it imports, and the prelude.
pub(super) fn read(path: &Path, text: String, loader: &dyn Loader) -> Read {
    let read = Read { sources: Sources::default(), modules: Vec::new(), diagnostics: Vec::new() };
    let mut reader = Reader { loader, read, files: HashMap::new(), open: Vec::new() };
    reader.file(&normal(path), path, text);
    let index = reader.read.modules.len();
    let module = reader.parse(Path::new(prelude::PATH), prelude::TEXT.into(), index);
    reader.read.modules.push(module);
    for importing in 0..index {
        for block in 0..reader.read.modules[index].blocks.len() {
            let name = reader.read.modules[index].blocks[block].name.node.clone();
            let id = BlockId { module: index, block };
            reader.read.modules[importing].callables.entry(name).or_insert(Some(id));
        }
    }
    reader.read
}

struct Reader<'l> {
    loader: &'l dyn Loader,
    read: Read,
    /// Files by their path; `None` for one that could not be read.
    files: HashMap<PathBuf, Option<usize>>,
    /// The files whose imports are being read, the innermost last.
    open: Vec<PathBuf>,
}

impl Reader<'_> {
    /// Reads a file whose text is there, then what it imports. Returns its index.
    fn file(&mut self, key: &Path, path: &Path, text: String) -> usize {
        let index = self.read.modules.len();
        self.files.insert(key.into(), Some(index));
        let module = self.parse(path, text, index);
        self.read.modules.push(module);
        self.open.push(key.into());
        for import in std::mem::take(&mut self.read.modules[index].imports) {
            self.import(index, &import, path);
        }
        self.open.pop();
        index
    }

    fn parse(&mut self, path: &Path, text: String, index: usize) -> Module {
        let source = self.read.sources.add(path, text);
        let (file, found) = parse(source, &self.read.sources.get(source).text);
        self.read.diagnostics.extend(found);
        let stem = path.file_stem().map_or("model".into(), |s| s.to_string_lossy().into_owned());
        module::sort(file, index, &stem, &mut self.read.diagnostics)
    }

    fn import(&mut self, importing: usize, import: &Import, importer: &Path) {
        let from = self.target(&import.path, importer);
        for name in &import.names {
            let found = from.and_then(|from| self.block(from, name, &import.path));
            match self.read.modules[importing].callables.get(&name.node).copied() {
                None => {
                    self.read.modules[importing].callables.insert(name.node.clone(), found);
                }
                Some(Some(other)) if found.is_some_and(|f| f != other) => {
                    let first = self.read.modules[other.module].blocks[other.block].name.span;
                    self.read.diagnostics.push(duplicate(name, first));
                }
                Some(_) => {}
            }
        }
    }

    /// The file behind an import's path, read if it is not yet.
    fn target(&mut self, written: &Spanned<String>, importer: &Path) -> Option<usize> {
        let text = written.node.as_str();
        let origin = Origin::Text(written.span);
        if Path::new(text).has_root() || Path::new(text).components().any(|c| matches!(c, Component::Prefix(_))) {
            let message = format!("`{text}` is an absolute path, which need not exist elsewhere");
            let help = "write the path from this file's folder, such as `\"lib/blocks.arch\"`";
            self.read.diagnostics.push(Diagnostic::error("import-escape", origin, message).help(help));
            return None;
        }
        let path = normal(&importer.parent().unwrap_or(Path::new("")).join(text));
        if let Some(at) = self.open.iter().position(|open| *open == path) {
            self.cycle(at, origin);
            return None;
        }
        if let Some(known) = self.files.get(&path) {
            return *known;
        }
        if self.files.len() >= limits::IMPORTS {
            let message = format!("more than {} files are imported", limits::IMPORTS);
            self.read.diagnostics.push(Diagnostic::error("too-many-imports", origin, message));
            self.files.insert(path, None);
            return None;
        }
        match self.loader.load(&path) {
            Ok(loaded) => Some(self.file(&path.clone(), &path, loaded)),
            Err(error) => {
                self.read.diagnostics.push(load_error(&error, text, origin));
                self.files.insert(path, None);
                None
            }
        }
    }

    fn cycle(&mut self, at: usize, origin: Origin) {
        let files: Vec<_> =
            self.open.iter().skip(at).chain(self.open.get(at)).map(|p| format!("`{}`", p.display())).collect();
        let Some((first, rest)) = files.split_first() else { return };
        let message = format!("{first} imports {}", rest.join(", which imports "));
        let help = "move the blocks that both need into a third file";
        self.read.diagnostics.push(Diagnostic::error("import-cycle", origin, message).help(help));
    }

    /// The block of that name in an imported file: its own, not one that it imports itself.
    fn block(&mut self, from: usize, name: &Name, path: &Spanned<String>) -> Option<BlockId> {
        let module = &self.read.modules[from];
        if let Some(block) = module.blocks.iter().position(|b| b.name.node == name.node) {
            return Some(BlockId { module: from, block });
        }
        if module.callables.get(&name.node) == Some(&None) {
            return None;
        }
        let message = format!("`{}` has no block `{}`", path.node, name.node);
        let error = Diagnostic::error("import-missing", Origin::Text(name.span), message);
        let blocks: Vec<&str> = module.blocks.iter().map(|b| b.name.node.as_str()).collect();
        let error = if blocks.is_empty() { error } else { error.note(format!("it has {}", blocks.join(", "))) };
        self.read.diagnostics.push(suggest(error, &name.node, name.span, blocks));
        None
    }
}

fn load_error(error: &LoadError, text: &str, origin: Origin) -> Diagnostic {
    match error {
        LoadError::Missing => {
            Diagnostic::error("import-missing", origin, format!("there is no file `{text}` beside this one"))
                .help("paths are relative to the file in which they stand")
        }
        LoadError::Escapes => Diagnostic::error("import-escape", origin, format!("`{text}` leaves the project"))
            .help("copy the file into the project"),
        LoadError::TooBig => {
            Diagnostic::error("file-too-big", origin, format!("`{text}` is larger than {} bytes", limits::FILE_BYTES))
        }
        LoadError::Unreadable(why) => {
            Diagnostic::error("import-unreadable", origin, format!("`{text}` cannot be read: {why}"))
        }
    }
}

/// A path without `.` and without `..` where that can be resolved by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}
