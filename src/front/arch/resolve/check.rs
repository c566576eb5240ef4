//! What can be said of a text without sizes: names, and the shape of statements. Blocks that nobody calls are checked
//! too.

use super::super::ast::{Arg, Body, Branches, Expr, Layer as Line, Name, Param, Spanned, Stmt};
use super::super::name::{self, suggest};
use super::super::words;
use super::module::{BlockId, Callee, Module, Numbered, duplicate};
use super::recursion::Calls;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::{Sources, Span};
use crate::ops::layer::Layer;
use crate::ops::layers;
use std::collections::HashMap;

/// Checks every block and the models of the first file. Returns the blocks that each block calls.
pub(super) fn check(modules: &mut [Module], sources: &Sources, diagnostics: &mut Vec<Diagnostic>) -> Calls {
    let mut numbered: Vec<(Vec<Numbered>, Vec<Numbered>)> = Vec::new();
    let mut calls = Calls::new();
    for (index, module) in modules.iter().enumerate() {
        let mut check = Check::new(module, sources);
        check.top();
        let mut of_blocks = Vec::new();
        for (block, text) in module.blocks.iter().enumerate() {
            of_blocks.push(check.frame(&text.params, &text.body, true));
            calls.insert(BlockId { module: index, block }, std::mem::take(&mut check.calls));
        }
        let models = if index == 0 { module.models.as_slice() } else { &[] };
        let mut of_models = Vec::new();
        for model in models {
            of_models.push(check.frame(&[], &model.body, false));
        }
        numbered.push((of_blocks, of_models));
        diagnostics.append(&mut check.found);
    }
    for (module, (of_blocks, of_models)) in modules.iter_mut().zip(numbered) {
        module.blocks.iter_mut().zip(of_blocks).for_each(|(block, labels)| block.numbered = labels);
        module.models.iter_mut().zip(of_models).for_each(|(model, labels)| model.numbered = labels);
    }
    calls
}

struct Check<'a> {
    module: &'a Module,
    sources: &'a Sources,
    found: Vec<Diagnostic>,
    /// `let`s at the top of the file.
    top: HashMap<&'a str, Span>,
    /// Names of the block or model that is being walked, as far as they are visible.
    names: HashMap<&'a str, Span>,
    /// Those of them that end with the braces around them.
    local: Vec<&'a str>,
    /// All of them, in the order in which they came.
    made: Vec<&'a str>,
    /// Every label of the block or model.
    labels: HashMap<&'a str, Span>,
    in_block: bool,
    /// Blocks that are called.
    calls: Vec<BlockId>,
}

impl<'a> Check<'a> {
    fn new(module: &'a Module, sources: &'a Sources) -> Self {
        Check {
            module,
            sources,
            found: Vec::new(),
            top: HashMap::new(),
            names: HashMap::new(),
            local: Vec::new(),
            made: Vec::new(),
            labels: HashMap::new(),
            in_block: false,
            calls: Vec::new(),
        }
    }

    fn error(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        self.found.push(Diagnostic::error(code, Origin::Text(span), message).help(help));
    }

    /// `let`s and `default`s.
    fn top(&mut self) {
        for name in &self.module.lost {
            self.top.insert(&name.node, name.span);
        }
        for item in &self.module.lets {
            self.expr(&item.value.node, item.value.span, None);
            if let Some(first) = self.top.insert(&item.name.node, item.name.span) {
                self.found.push(duplicate(&item.name, first));
            }
        }
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for defaults in &self.module.defaults {
            let word = &defaults.layer;
            match self.module.callee(&word.node) {
                Callee::Layer(layer) => {
                    self.args(&defaults.args, Some(layer));
                    if let Some(first) = seen.insert(layer.keyword, word.span) {
                        let message = format!("`default {}` is given twice", layer.keyword);
                        let error = Diagnostic::error("twice", Origin::Text(word.span), message);
                        self.found.push(error.other(first, "first given here").help("put both into one line"));
                    }
                }
                Callee::Pass => {
                    self.error(
                        "unknown-layer",
                        word.span,
                        format!("`{}` has no options", word.node),
                        "remove the line",
                    );
                }
                Callee::Block(_) => {
                    let message = format!("`{}` is a block, and a `default` is for a layer", word.node);
                    self.error(
                        "unknown-layer",
                        word.span,
                        message,
                        "give its parameter a default, as in `block f(c, k = 3)`",
                    );
                }
                Callee::Broken => {}
                Callee::Unknown => self.unknown_layer(word),
            }
        }
    }

    fn unknown_layer(&mut self, word: &Name) {
        let mut blocks: Vec<&str> = self.module.callables.keys().map(String::as_str).collect();
        blocks.sort_unstable();
        self.found.push(name::no_such_layer(&word.node, word.span, blocks.into_iter()));
    }

    /// A block or a model. Returns its labels that end in a digit.
    fn frame(&mut self, params: &'a [Param], body: &'a Body, in_block: bool) -> Numbered {
        self.names.clear();
        self.made.clear();
        self.labels.clear();
        self.in_block = in_block;
        collect_labels(body, &mut self.labels);
        for param in params {
            if let Some(default) = &param.default {
                self.expr(&default.node, default.span, None);
            }
            self.declare(&param.name);
        }
        self.body(body);
        let ends_in_digit = |l: &&&str| l.ends_with(|c: char| c.is_ascii_digit());
        self.labels.keys().filter(ends_in_digit).map(|l| (*l).to_owned()).collect()
    }

    fn declare(&mut self, name: &'a Name) {
        self.made.push(&name.node);
        if let Some(first) = self.names.insert(&name.node, name.span) {
            self.found.push(duplicate(name, first));
        }
    }

    /// A name that ends with the braces around it.
    fn declare_local(&mut self, name: &'a Name) {
        self.declare(name);
        self.local.push(&name.node);
    }

    fn body(&mut self, body: &'a Body) {
        let before = self.local.len();
        for stmt in &body.stmts {
            self.stmt(&stmt.node);
        }
        for name in self.local.drain(before..) {
            self.names.remove(name);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Layer { label, layer } => {
                self.line(layer);
                if let Some(label) = label {
                    self.declare(label);
                }
            }
            Stmt::Repeat { count, index, body, .. } => {
                self.expr(&count.node, count.span, None);
                let before = self.local.len();
                if let Some(index) = index {
                    self.declare_local(index);
                }
                self.body(body);
                for name in self.local.drain(before..) {
                    self.names.remove(name);
                }
            }
            Stmt::If { arms, otherwise, .. } => self.arms(arms, otherwise.as_ref()),
            Stmt::Frozen { body, .. } | Stmt::Side(body) => self.body(body),
            Stmt::From(name) => self.name(&name.node, name.span, None),
            Stmt::Output { .. } => {}
            Stmt::Let { name, value } => {
                self.expr(&value.node, value.span, None);
                self.declare_local(name);
            }
            Stmt::Expect(expect) => {
                if self.in_block {
                    let message = "`expect` belongs in a model, not in a block".into();
                    let help = "label the line that calls the block, and claim `label.params` in the model";
                    self.error("misplaced", expect.quantity.span, message, help);
                }
            }
            Stmt::Bad { names, .. } => {
                for name in names {
                    self.made.push(&name.node);
                    self.names.insert(&name.node, name.span);
                }
            }
        }
    }

    /// Only one of the arms is taken, so each may use the same labels.
    fn arms(&mut self, arms: &'a [(Spanned<Expr>, Body)], otherwise: Option<&'a Body>) {
        let mut made: Vec<(&'a str, Span)> = Vec::new();
        for (condition, body) in arms {
            self.expr(&condition.node, condition.span, None);
            self.arm(body, &mut made);
        }
        if let Some(body) = otherwise {
            self.arm(body, &mut made);
        }
        for (name, span) in made {
            self.made.push(name);
            self.names.insert(name, span);
        }
    }

    /// Takes the names that an arm makes away again.
    fn arm(&mut self, body: &'a Body, made: &mut Vec<(&'a str, Span)>) {
        let before = self.made.len();
        self.body(body);
        for name in self.made.drain(before..) {
            made.extend(self.names.remove(name).map(|span| (name, span)));
        }
    }

    fn line(&mut self, line: &'a Line) {
        let Line::Call { name, args, branches, .. } = line else { return };
        let callee = self.module.callee(&name.node);
        let known = match callee {
            Callee::Layer(layer) => Some(layer),
            Callee::Block(id) => {
                self.calls.push(id);
                None
            }
            Callee::Unknown => {
                self.unknown_layer(name);
                None
            }
            Callee::Pass | Callee::Broken => None,
        };
        // Of a line whose layer is not known, nothing else can be said.
        if !matches!(callee, Callee::Unknown | Callee::Broken) {
            self.args(args, known);
        }
        let Some(branches) = branches else { return };
        match known {
            Some(join) if name::is_join(join) => self.branches(name, args, branches),
            None if matches!(callee, Callee::Unknown | Callee::Broken) => {}
            _ => {
                let message = format!("`{}` takes no `{{ … }}`", name.node);
                self.error("no-body", branches.span, message, "put what follows it on lines of its own, below");
            }
        }
        for branch in &branches.branches {
            self.body(&branch.node);
        }
    }

    fn branches(&mut self, name: &Name, args: &[Spanned<Arg>], branches: &Branches) {
        for branch in &branches.branches {
            if branch.node.stmts.is_empty() {
                let at = Span { start: branch.span.end, ..branch.span };
                let error = Diagnostic::error("empty-branch", Origin::Text(branch.span), "an empty branch")
                    .help("write `identity` to pass the input through")
                    .fix(at, " identity");
                self.found.push(error);
            }
        }
        let may_be_tensor =
            |a: &Spanned<Arg>| matches!(&a.node, Arg::Value(Expr::Name(n)) if n == "in" || !words::is_reserved(n));
        if let [only] = branches.branches.as_slice()
            && branches.stray.is_none()
            && !args.iter().any(may_be_tensor)
        {
            let at = Span { start: only.span.end, ..only.span };
            let message = format!("`{}` with a single branch joins nothing", name.node);
            let error = Diagnostic::error("one-branch", Origin::Text(name.span), message)
                .help("add `| identity` for a skip")
                .fix(at, " | identity");
            self.found.push(error);
        }
    }

    fn args(&mut self, args: &'a [Spanned<Arg>], layer: Option<&'static Layer>) {
        for arg in args {
            match &arg.node {
                Arg::Value(value) | Arg::Stride(value) => self.expr(value, arg.span, layer),
                Arg::Named { key, value } if key.node != "share" => self.expr(&value.node, value.span, None),
                Arg::Named { .. } | Arg::Repeat(_) => {}
                Arg::GluedSlash { left, right } => {
                    let (l, r) = (self.sources.text(left.span), self.sources.text(right.span));
                    let message =
                        format!("outside parentheses a slash is a stride: `{l}/{r}` reads as `{l}` with stride {r}");
                    let error = Diagnostic::error("slash-is-stride", Origin::Text(arg.span), message)
                        .help(format!("`({l}/{r})` to divide, `{l} /{r}` for a stride"))
                        .fix(arg.span, format!("({l}/{r})"));
                    self.found.push(error);
                }
            }
        }
    }

    /// Every name in an expression must be something. `layer` is the one on whose line it stands.
    fn expr(&mut self, expr: &'a Expr, span: Span, layer: Option<&'static Layer>) {
        match expr {
            Expr::Number(_) | Expr::Dims(_) | Expr::Shape(..) | Expr::Pads(_) => {}
            Expr::Name(name) => self.name(name, span, layer),
            Expr::Call(function, args) => {
                if !words::FUNCTIONS.contains(&function.node.as_str()) {
                    let message = format!("there is no function called `{}`", function.node);
                    let error = Diagnostic::error("unknown-name", Origin::Text(function.span), message)
                        .note(format!("there are {}", words::FUNCTIONS.join(", ")));
                    self.found.push(suggest(error, &function.node, function.span, words::FUNCTIONS.iter().copied()));
                }
                for arg in args {
                    self.expr(&arg.node, arg.span, None);
                }
            }
            Expr::Sizes(a, b) | Expr::Binary(_, a, b) => {
                self.expr(&a.node, a.span, None);
                self.expr(&b.node, b.span, None);
            }
            Expr::Unary(_, a) | Expr::Paren(a) => self.expr(&a.node, a.span, None),
        }
    }

    fn name(&mut self, word: &str, span: Span, line: Option<&'static Layer>) {
        let (head, part) = word.split_once('.').map_or((word, None), |(h, p)| (h, Some(p)));
        if head == "in" {
            return self.entry(part, span);
        }
        let known = |w: &str| self.names.contains_key(w) || self.top.contains_key(w);
        if known(word) || known(head) || words::is_reserved(word) {
            return;
        }
        let origin = Origin::Text(span);
        if let Some((theirs, layer)) = name::foreign(word).filter(|(_, l)| l.modifier) {
            self.found.push(name::foreign_name(theirs, layer, span));
            return;
        }
        if self.module.callables.contains_key(word) {
            let message = format!("`{word}` is a block, not something that stands behind a layer");
            return self.error("unknown-word", span, message, "write it on a line of its own");
        }
        let error = Diagnostic::error("unknown-name", origin, format!("nothing here is called `{word}`"));
        if let Some(later) = self.labels.get(word) {
            let error = error.other(*later, "it gets its name only here");
            self.found.push(error.help("a label can be used below its line"));
            return;
        }
        let mut candidates: Vec<&str> = self.names.keys().chain(self.top.keys()).copied().collect();
        candidates.sort_unstable();
        if let Some(line) = line {
            candidates.extend(line.words);
            candidates.extend(layers().filter(|l| l.modifier).map(|l| l.keyword));
            candidates.push("frozen");
        }
        self.found.push(suggest(error, word, span, candidates));
    }

    /// `in` and its parts.
    fn entry(&mut self, part: Option<&str>, span: Span) {
        if !self.in_block {
            let message = "`in` is the tensor entering a block; outside a block there is none".into();
            return self.error("no-in", span, message, "label the line, as in `a: conv 64 3x3`, and use the label");
        }
        if let Some(part) = part
            && !["c", "h", "w", "d"].contains(&part)
        {
            let message = format!("`in` has no part called `{part}`");
            self.error("unknown-name", span, message, "its sizes are `in.c`, `in.h`, `in.w` and `in.d`");
        }
    }
}

/// Every label in a body.
pub(crate) fn collect_labels<'a>(body: &'a Body, labels: &mut HashMap<&'a str, Span>) {
    for stmt in &body.stmts {
        match &stmt.node {
            Stmt::Layer { label, layer } => {
                if let Some(label) = label {
                    labels.entry(&label.node).or_insert(label.span);
                }
                if let Line::Call { branches: Some(branches), .. } = layer {
                    branches.branches.iter().for_each(|b| collect_labels(&b.node, labels));
                }
            }
            Stmt::Repeat { body, .. } | Stmt::Frozen { body, .. } | Stmt::Side(body) => collect_labels(body, labels),
            Stmt::If { arms, otherwise, .. } => {
                arms.iter().map(|(_, b)| b).chain(otherwise).for_each(|b| collect_labels(b, labels));
            }
            Stmt::From(_) | Stmt::Output { .. } | Stmt::Let { .. } | Stmt::Expect(_) | Stmt::Bad { .. } => {}
        }
    }
}
