//! One file's contents, sorted by kind. What can be said without looking into other files is said here.

use super::super::ast::{Arg, Body, Expr, File, Name, Param, Spanned, Stmt, Top};
use super::super::document::Framework;
use super::super::name::{either, suggest};
use super::super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::ops::{self, layer::Layer};
use crate::tensor::DType;
use std::collections::{HashMap, HashSet};

/// A file.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its settings.
    pub settings: Settings,
    /// `let`s at the top, in order.
    pub lets: Vec<Let>,
    /// `default`s, in order.
    pub defaults: Vec<Defaults>,
    /// Blocks, in order.
    pub blocks: Vec<Block>,
    /// Models, in order: the bare statements, or each `model`.
    pub models: Vec<ModelText>,
    /// Imports, in order.
    pub imports: Vec<Import>,
    /// Blocks that can be called here; `None` for a name whose own line is broken.
    pub callables: HashMap<String, Option<BlockId>>,
    /// Names that broken lines at the top would have introduced.
    pub lost: Vec<Name>,
}

/// Which block of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BlockId {
    /// Index of the file.
    pub module: usize,
    /// Index of the block in it.
    pub block: usize,
}

/// What the first word of a line stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee {
    /// A layer.
    Layer(&'static Layer),
    /// A layer that passes its tensor on.
    Pass,
    /// A block.
    Block(BlockId),
    /// A name whose own line is broken, which has been said.
    Broken,
    /// Nothing.
    Unknown,
}

impl Module {
    /// What a word at the beginning of a line of this file stands for.
    pub(crate) fn callee(&self, word: &str) -> Callee {
        if let Some(layer) = ops::layer(word) {
            return Callee::Layer(layer);
        }
        match self.callables.get(word) {
            _ if words::PASSES.contains(&word) => Callee::Pass,
            Some(Some(id)) => Callee::Block(*id),
            Some(None) => Callee::Broken,
            None => Callee::Unknown,
        }
    }
}

/// What a file says of how it is to be sized.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// `batch`.
    pub batch: Option<u64>,
    /// `precision`, for what is stored.
    pub weights: Option<DType>,
    /// `precision`, for what is computed.
    pub activations: Option<DType>,
    /// `framework`.
    pub framework: Option<Framework>,
}

/// `let k = 32`
#[derive(Debug)]
pub(crate) struct Let {
    pub name: Name,
    pub value: Spanned<Expr>,
}

/// `default conv 3x3 same`
#[derive(Debug)]
pub(crate) struct Defaults {
    pub layer: Name,
    pub args: Vec<Spanned<Arg>>,
}

/// `block f(a, /s = 1) { … }`
#[derive(Debug)]
pub(crate) struct Block {
    pub name: Name,
    pub params: Vec<Param>,
    pub body: Body,
    pub numbered: Numbered,
}

/// Labels of a block or model that end in a digit: no line without a label may be given such a name.
pub(crate) type Numbered = HashSet<String>;

/// `model NAME { … }`, or bare statements.
#[derive(Debug)]
pub(crate) struct ModelText {
    pub name: String,
    pub span: Span,
    pub body: Body,
    pub numbered: Numbered,
}

/// `import a, b from "lib.arch"`
#[derive(Debug)]
pub(crate) struct Import {
    pub names: Vec<Name>,
    pub path: Spanned<String>,
}

/// Sorts a file. `index` is the place that it will have among the files, `stem` the name of its bare statements.
pub(crate) fn sort(file: File, index: usize, stem: &str, diagnostics: &mut Vec<Diagnostic>) -> Module {
    let mut module = Module::default();
    let mut bare: Vec<Spanned<Stmt>> = Vec::new();
    for item in file.items {
        let span = item.span;
        match item.node {
            // The parser knows no other edition.
            Top::Edition(_) => {}
            Top::Framework(word) => framework(&mut module.settings, &word, diagnostics),
            Top::Batch(n) => batch(&mut module.settings, &n, diagnostics),
            Top::Precision { all, parts } => precision(&mut module.settings, &all, &parts, diagnostics),
            Top::Import { names, path } => module.imports.push(Import { names, path }),
            Top::Default { layer, args } => module.defaults.push(Defaults { layer, args }),
            Top::Block { name, params, body } => {
                let id = BlockId { module: index, block: module.blocks.len() };
                if let Some(other) = module.blocks.iter().find(|b| b.name.node == name.node) {
                    diagnostics.push(duplicate(&name, other.name.span));
                } else {
                    module.callables.insert(name.node.clone(), Some(id));
                }
                module.blocks.push(Block { name, params, body, numbered: Numbered::new() });
            }
            Top::Model { name, body } => {
                if let Some(other) = module.models.iter().find(|m| m.name == name.node) {
                    diagnostics.push(duplicate(&name, other.span));
                }
                let (name, span) = (name.node, name.span);
                module.models.push(ModelText { name, span, body, numbered: Numbered::new() });
            }
            Top::Stmt(Stmt::Let { name, value }) => module.lets.push(Let { name, value }),
            Top::Stmt(stmt) => bare.push(Spanned { node: stmt, span }),
        }
    }
    adopt_bare(&mut module, bare, stem, diagnostics);
    module
}

/// Bare statements are a model, unless the file has models. A bare claim beside the only model is about that one.
fn adopt_bare(module: &mut Module, bare: Vec<Spanned<Stmt>>, stem: &str, diagnostics: &mut Vec<Diagnostic>) {
    let (claims, bare): (Vec<_>, Vec<_>) = match module.models.as_slice() {
        [_] => bare.into_iter().partition(|s| matches!(s.node, Stmt::Expect(_))),
        _ => (Vec::new(), bare),
    };
    if let Some(only) = module.models.first_mut() {
        only.body.stmts.extend(claims);
    }
    for stmt in &bare {
        let Stmt::Bad { names, .. } = &stmt.node else { continue };
        module.lost.extend(names.iter().cloned());
        for name in names {
            module.callables.entry(name.node.clone()).or_insert(None);
        }
    }
    let Some(first) = bare.iter().find(|s| !matches!(s.node, Stmt::Bad { .. })) else { return };
    let span = first.span;
    if let Some(model) = module.models.first() {
        let message = "this statement stands outside the models of the file";
        let help = format!("move it between the braces of a model, such as `{}`", model.name);
        diagnostics.push(Diagnostic::error("misplaced", Origin::Text(span), message).help(help));
        return;
    }
    module.models.push(ModelText { name: stem.into(), span, body: Body { stmts: bare }, numbered: Numbered::new() });
}

fn framework(settings: &mut Settings, word: &Name, diagnostics: &mut Vec<Diagnostic>) {
    // Words that are no framework have been reported by the parser.
    if settings.framework.is_some() {
        diagnostics.push(Diagnostic::error("twice", Origin::Text(word.span), "`framework` is given twice"));
    }
    settings.framework = Framework::from_name(&word.node);
}

fn batch(settings: &mut Settings, n: &Spanned<u64>, diagnostics: &mut Vec<Diagnostic>) {
    if settings.batch.replace(n.node).is_some() {
        diagnostics.push(Diagnostic::error("twice", Origin::Text(n.span), "`batch` is given twice"));
    }
}

fn precision(settings: &mut Settings, all: &Name, parts: &[(Name, Name)], diagnostics: &mut Vec<Diagnostic>) {
    if settings.weights.is_some() || settings.activations.is_some() {
        diagnostics.push(Diagnostic::error("twice", Origin::Text(all.span), "`precision` is given twice"));
        return;
    }
    let every = dtype(all, diagnostics);
    (settings.weights, settings.activations) = (every, every);
    for (part, name) in parts {
        let slot = match part.node.as_str() {
            "weights" => &mut settings.weights,
            "activations" => &mut settings.activations,
            other => {
                let message = format!("`precision` has no part called `{other}`");
                let error = Diagnostic::error("unknown-option", Origin::Text(part.span), message);
                let error = error.note("it takes weights and activations");
                diagnostics.push(suggest(error, other, part.span, ["weights", "activations"]));
                continue;
            }
        };
        *slot = dtype(name, diagnostics).or(*slot);
    }
}

fn dtype(name: &Name, diagnostics: &mut Vec<Diagnostic>) -> Option<DType> {
    let known = DType::from_name(&name.node).filter(|d| *d != DType::String && *d != DType::Bool);
    if known.is_none() {
        let message = format!("there is no precision called `{}`", name.node);
        let common = ["f32", "f16", "bf16", "f64", "int8"];
        let error = Diagnostic::error("unknown-word", Origin::Text(name.span), message);
        let error = error.note(format!("it can be {}", quoted(common.into_iter())));
        diagnostics.push(suggest(error, &name.node, name.span, common));
    }
    known
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    either(&words.map(|w| format!("`{w}`")).collect::<Vec<_>>())
}

/// `duplicate-name`: the same name twice.
pub(crate) fn duplicate(name: &Name, first: Span) -> Diagnostic {
    let message = format!("`{}` is already the name of something else here", name.node);
    Diagnostic::error("duplicate-name", Origin::Text(name.span), message)
        .other(first, "first used here")
        .help("choose another name for one of them")
}
