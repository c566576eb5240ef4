//! The syntax tree as text in canonical layout: two spaces a level, one statement a line, claims of neighbouring lines in
//! one column. What was read from it is the same tree again, places aside. The order of arguments is kept; comments and
//! blank lines are not in the tree, broken lines are left out.

mod value;

use super::ast::{Body, Branches, File, Layer, Param, Size, Spanned, Stmt, Top};
use super::token::name;
use value::{args, expect, expr, grouped, size, spaced, sum};

/// Widest line that braces and what is between them may share.
const WIDTH: usize = 88;

/// A file as canonical text.
pub fn print(file: &File) -> String {
    let mut text = String::new();
    let mut before = None;
    for item in &file.items {
        let lines = top(&item.node);
        let kind = (kind(&item.node), lines.len() > 1);
        if before.is_some_and(|b| b != kind || kind.1) {
            text.push('\n');
        }
        before = Some(kind).filter(|_| !lines.is_empty()).or(before);
        text.push_str(&aligned(&lines));
    }
    text
}

/// What stands together without blank lines between.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Settings,
    Block,
    Model,
    Statement,
}

fn kind(item: &Top) -> Kind {
    match item {
        Top::Block { .. } => Kind::Block,
        Top::Model { .. } => Kind::Model,
        Top::Stmt(_) => Kind::Statement,
        _ => Kind::Settings,
    }
}

/// A line of the text, without its end.
struct Line {
    /// Columns before it.
    indent: usize,
    text: String,
    /// What is claimed behind `->`.
    claim: Option<String>,
}

impl Line {
    fn new(text: String) -> Vec<Line> {
        Line::claiming(text, None)
    }

    fn claiming(text: String, claim: Option<&Spanned<Size>>) -> Vec<Line> {
        vec![Line { indent: 0, text, claim: claim.map(|c| size(&c.node)) }]
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// The lines as text, claims aligned in each run of lines with the same indentation.
fn aligned(lines: &[Line]) -> String {
    let mut text = String::new();
    for run in lines.chunk_by(|a, b| a.indent == b.indent) {
        let column = run.iter().filter(|l| l.claim.is_some()).map(Line::width).max().unwrap_or(0);
        for line in run {
            text.push_str(&" ".repeat(line.indent));
            text.push_str(&line.text);
            if let Some(claim) = &line.claim {
                text.push_str(&" ".repeat(column.saturating_sub(line.width())));
                text.push_str("  -> ");
                text.push_str(claim);
            }
            text.push('\n');
        }
    }
    text
}

fn top(item: &Top) -> Vec<Line> {
    match item {
        Top::Edition(edition) => Line::new(format!("arch {}", edition.node)),
        Top::Framework(name) => Line::new(format!("framework {}", name.node)),
        Top::Batch(batch) => Line::new(format!("batch {}", grouped(&batch.node.to_string()))),
        Top::Precision { all, parts } => {
            let parts = spaced(parts.iter().map(|(key, value)| format!("{}={}", key.node, value.node)));
            Line::new(format!("precision {}{parts}", all.node))
        }
        Top::Import { names, path } => {
            let names: Vec<_> = names.iter().map(|n| n.node.as_str()).collect();
            Line::new(format!("import {} from \"{}\"", names.join(", "), path.node))
        }
        Top::Default { layer, args: given } => Line::new(format!("default {}{}", layer.node, args(given))),
        Top::Block { name, params, body } => braced(&[(format!("block {}{}", name.node, list(params)), body)], None),
        Top::Model { name: title, body } => {
            let plain = name(&title.node).is_ok_and(|(rest, _)| rest.is_empty());
            let title = if plain { title.node.clone() } else { format!("\"{}\"", title.node) };
            braced(&[(format!("model {title}"), body)], None)
        }
        Top::Stmt(stmt) => self::stmt(stmt),
    }
}

fn list(params: &[Param]) -> String {
    let param = |p: &Param| {
        let slash = if p.stride { "/" } else { "" };
        let default = p.default.as_ref().map_or(String::new(), |d| format!(" = {}", expr(&d.node)));
        format!("{slash}{}{default}", p.name.node)
    };
    let params: Vec<_> = params.iter().map(param).collect();
    if params.is_empty() { String::new() } else { format!("({})", params.join(", ")) }
}

fn stmt(stmt: &Stmt) -> Vec<Line> {
    match stmt {
        Stmt::Layer { label, layer } => {
            let label = label.as_ref().map_or(String::new(), |l| format!("{}: ", l.node));
            self::layer(&label, layer)
        }
        Stmt::Repeat { count, index, body, claim } => {
            let index = index.as_ref().map_or(String::new(), |i| format!(" as {}", i.node));
            braced(&[(format!("repeat {}{index}", sum(&count.node)), body)], claim.as_ref())
        }
        Stmt::If { arms, otherwise, claim } => {
            let words = std::iter::once("if").chain(std::iter::repeat("else if"));
            let mut parts: Vec<(String, &Body)> = Vec::new();
            for (word, (condition, body)) in words.zip(arms) {
                parts.push((format!("{word} {}", expr(&condition.node)), body));
            }
            parts.extend(otherwise.iter().map(|body| ("else".to_owned(), body)));
            braced(&parts, claim.as_ref())
        }
        Stmt::Frozen { body, claim } => braced(&[("frozen".to_owned(), body)], claim.as_ref()),
        Stmt::Side(body) => braced(&[("side".to_owned(), body)], None),
        Stmt::From(name) => Line::new(format!("from {}", name.node)),
        Stmt::Output { name, claim } => {
            let name = name.as_ref().map_or(String::new(), |n| format!(" {}", n.node));
            Line::claiming(format!("output{name}"), claim.as_ref())
        }
        Stmt::Let { name, value } => Line::new(format!("let {} = {}", name.node, expr(&value.node))),
        Stmt::Expect(claim) => Line::new(expect(claim)),
        Stmt::Bad { .. } => Vec::new(),
    }
}

fn layer(label: &str, layer: &Layer) -> Vec<Line> {
    match layer {
        Layer::Input { size: given, words, claim } => {
            let words = spaced(words.iter().map(|w| w.node.clone()));
            Line::claiming(format!("{label}input {}{words}", size(&given.node)), claim.as_ref())
        }
        Layer::Call { name, args: given, branches, claim } => {
            let head = format!("{label}{}{}", name.node, args(given));
            match branches {
                Some(branches) => join(&head, branches, claim.as_ref()),
                None => Line::claiming(head, claim.as_ref()),
            }
        }
    }
}

fn body(body: &Body) -> Vec<Line> {
    body.stmts.iter().flat_map(|s| stmt(&s.node)).collect()
}

/// `head { … } head { … }`: on one line, if every body is one short line without a claim.
fn braced(parts: &[(String, &Body)], claim: Option<&Spanned<Size>>) -> Vec<Line> {
    let bodies: Vec<Vec<Line>> = parts.iter().map(|(_, b)| body(b)).collect();
    let heads = || parts.iter().map(|(head, _)| head);
    let short: Option<Vec<String>> =
        heads().zip(&bodies).map(|(head, b)| Some(format!("{head} {{{}}}", inline(b)?))).collect();
    if let Some(line) = short.map(|s| s.join(" ")).filter(|line| line.chars().count() <= WIDTH) {
        return Line::claiming(line, claim);
    }
    let mut lines = Vec::new();
    let mut close = String::new();
    for (head, inside) in heads().zip(bodies) {
        lines.extend(Line::new(format!("{close}{head} {{")));
        lines.extend(indented(inside, 2));
        "} ".clone_into(&mut close);
    }
    lines.extend(Line::claiming("}".to_owned(), claim));
    lines
}

/// `head { | … | … }`: on one line, if every branch is one short line without a claim.
fn join(head: &str, branches: &Branches, claim: Option<&Spanned<Size>>) -> Vec<Line> {
    let bodies: Vec<Vec<Line>> = branches.branches.iter().map(|b| body(&b.node)).collect();
    let short: Option<String> = bodies.iter().map(|b| Some(format!(" |{}", inline(b)?.trim_end()))).collect();
    let line = short.map(|s| format!("{head} {{{s} }}"));
    if let Some(line) = line.filter(|line| line.chars().count() <= WIDTH) {
        return Line::claiming(line, claim);
    }
    let mut lines = Line::new(format!("{head} {{"));
    for body in bodies {
        let mut body = indented(body, 4);
        match body.next() {
            Some(first) => lines.push(Line { indent: 2, text: format!("| {}", first.text), claim: first.claim }),
            None => lines.push(Line { indent: 2, text: "|".to_owned(), claim: None }),
        }
        lines.extend(body);
    }
    lines.extend(Line::claiming("}".to_owned(), claim));
    lines
}

/// At most one line without a claim, with blanks around.
fn inline(lines: &[Line]) -> Option<String> {
    match lines {
        [] => Some(" ".to_owned()),
        [line] if line.claim.is_none() => Some(format!(" {} ", line.text)),
        _ => None,
    }
}

fn indented(lines: Vec<Line>, by: usize) -> impl Iterator<Item = Line> {
    lines.into_iter().map(move |line| Line { indent: line.indent.saturating_add(by), ..line })
}
