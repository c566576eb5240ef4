//! Statements and layers, one function a production of `grammar/arch.ebnf`.

use super::ast::{Arg, Body, Branches, Expr, Layer, Name, Size, Spanned, Stmt};
use super::error::{Expected, Problem, SyntaxError};
use super::expect::{claim, expect, size};
use super::expr::{args, commas, expr, sum};
use super::number::dims;
use super::reader::Reader;
use super::token::{
    Res, any_name, behind, blank, equals, expecting, keyword, lex, name, new_name, next_word, skip_ends, spanned,
    spanned_name, word,
};
use super::top::top_item;
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::ops::{self, layer::Takes};
use nom::Parser;
use nom::character::complete::char;
use nom::combinator::{cut, map, opt};
use nom::multi::many0;
use nom::sequence::{preceded, terminated};

/// `body = "{" lines "}"`.
pub(super) fn body<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Body> {
    reader.braced(i, |reader, inside| Body { stmts: reader.lines(inside, stmt, |bad| bad).1 })
}

/// `stmt`.
pub(super) fn stmt<'a>(reader: &mut Reader<'a>, start: &'a str) -> Res<'a, Stmt> {
    let (i, name) = opt(|i| label(reader, i)).parse(start)?;
    if let Some(name) = name {
        return labelled(reader, start, i, name);
    }
    let word = next_word(i);
    let behind = behind(blank(i), word.len());
    match word {
        "repeat" => repeat(reader, behind),
        "if" => conditional(reader, behind),
        "frozen" => frozen(reader, behind),
        "side" => side(reader, behind),
        "from" => from(reader, behind),
        "output" => output(reader, behind),
        "let" => value(reader, behind),
        "expect" => claimed(reader, behind),
        word if words::TOP.contains(&word) => misplaced(reader, i),
        _ => layer(reader, i).map(|(i, layer)| (i, Stmt::Layer { label: None, layer })),
    }
}

/// `NAME ":"`.
pub(super) fn label<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Name> {
    terminated(spanned(reader.place, map(word, str::to_owned)), lex(char(':'))).parse(i)
}

/// `NAME ":" layer`. Of two mistakes, in the label and behind it, the first is reported.
fn labelled<'a>(reader: &mut Reader<'a>, start: &'a str, i: &'a str, name: Name) -> Res<'a, Stmt> {
    let word = next_word(i);
    if word != "input" && words::is_keyword(word) {
        return Err(SyntaxError::failure(blank(i), Problem::Label));
    }
    let reserved = reader.check_new_name(&name, "a label");
    match layer(reader, i) {
        Ok((i, layer)) => Ok((i, Stmt::Layer { label: Some(name), layer })),
        Err(_) if reserved => Ok(reader.broken(start)),
        Err(error) => Err(error),
    }
}

/// Something that belongs at the top of a file, inside braces: read, reported and dropped.
fn misplaced<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let place = reader.place;
    let (_, word) = spanned(place, any_name).parse(i)?;
    let (rest, _) = top_item(reader, i)?;
    let message = format!("`{}` belongs at the top of the file", word.node);
    reader.report(Diagnostic::error("misplaced", Origin::Text(word.span), message).help("move it out of the braces"));
    let (_, bad) = reader.broken(i);
    Ok((rest, bad))
}

/// `"repeat" sum [ "as" NAME ] body [ claim ]`.
fn repeat<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let place = reader.place;
    let (i, count) = cut(|i| sum(place, i)).parse(i)?;
    let (i, index) = opt(preceded(keyword("as"), cut(|i| new_name(place, i)))).parse(i)?;
    let (i, body) = body(reader, i)?;
    if let Some(index) = &index {
        reader.check_new_name(index, "the index of a `repeat`");
    }
    let (i, claim) = claim_behind_body(reader, i);
    Ok((i, Stmt::Repeat { count, index, body, claim }))
}

/// `"if" expr body { "else" "if" expr body } [ "else" body ] [ claim ]`.
fn conditional<'a>(reader: &mut Reader<'a>, mut i: &'a str) -> Res<'a, Stmt> {
    let place = reader.place;
    let mut arms = Vec::new();
    let otherwise = loop {
        let (rest, condition) = cut(|i| expr(place, i)).parse(i)?;
        let (rest, arm) = body(reader, rest)?;
        arms.push((condition, arm));
        i = rest;
        let Some(behind_else) = else_behind(reader, i) else { break None };
        if let (behind_if, Some(_)) = opt(keyword("if")).parse(behind_else)? {
            i = behind_if;
            continue;
        }
        let (rest, otherwise) = body(reader, behind_else)?;
        i = rest;
        break Some(otherwise);
    };
    let (i, claim) = claim_behind_body(reader, i);
    Ok((i, Stmt::If { arms, otherwise, claim }))
}

/// The text behind the `else` that goes on here. One on a later line is taken, with a message.
fn else_behind<'a>(reader: &mut Reader<'a>, i: &'a str) -> Option<&'a str> {
    if let Ok((behind, _)) = keyword("else").parse(i) {
        return Some(behind);
    }
    let next = skip_ends(i);
    let (behind, word) = spanned(reader.place, keyword("else")).parse(next).ok()?;
    let message = "`else` belongs on the line of the closing brace";
    let error = Diagnostic::error("else-on-new-line", Origin::Text(word.span), message);
    let error = reader.joined(error.help("write `} else {`"), i, next);
    reader.report(error);
    Some(behind)
}

/// `"frozen" body [ claim ]`.
fn frozen<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let (i, body) = body(reader, i)?;
    let (i, claim) = claim_behind_body(reader, i);
    Ok((i, Stmt::Frozen { body, claim }))
}

/// `"side" body`.
fn side<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let (i, body) = body(reader, i)?;
    Ok((reader.end_behind_body(i, Expected::NOTHING), Stmt::Side(body)))
}

/// `"from" NAME`.
fn from<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let (i, name) = cut(|i| spanned_name(reader.place, i)).parse(i)?;
    reader.end(i, Expected::NOTHING)?;
    Ok((i, Stmt::From(name)))
}

/// `"output" [ NAME ] [ claim ]`.
fn output<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let (i, name) = opt(|i| spanned_name(reader.place, i)).parse(i)?;
    let (i, claim) = opt(|i| claim(reader.place, i)).parse(i)?;
    reader.end(i, Expected::CLAIM)?;
    Ok((i, Stmt::Output { name, claim }))
}

/// `"let" NEW "=" expr`.
fn value<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let place = reader.place;
    let (i, name) = cut(|i| new_name(place, i)).parse(i)?;
    let equals = expecting(Expected::EQUALS, equals);
    let (i, value) = cut(preceded(equals, |i| expr(place, i))).parse(i)?;
    reader.end(i, Expected::OPERATOR)?;
    reader.check_new_name(&name, "the name of a value");
    Ok((i, Stmt::Let { name, value }))
}

/// `"expect" …`.
fn claimed<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Stmt> {
    let (i, expect) = cut(|i| expect(reader.place, i)).parse(i)?;
    reader.end(i, Expected::NOTHING)?;
    Ok((i, Stmt::Expect(expect)))
}

/// `[ claim ]` and the end of a statement whose body has been read and is kept, whatever follows.
fn claim_behind_body<'a>(reader: &mut Reader<'a>, i: &'a str) -> (&'a str, Option<Spanned<Size>>) {
    let place = reader.place;
    match opt(|i| claim(place, i)).parse(i) {
        Ok((i, None)) => (reader.end_behind_body(i, Expected::CLAIM), None),
        Ok((i, claim)) => (reader.end_behind_body(i, Expected::NOTHING), claim),
        Err(error) => (reader.go_on_behind(error, i), None),
    }
}

/// `layer`, up to the end of the statement.
fn layer<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Layer> {
    match opt(keyword("input")).parse(i)? {
        (i, Some(_)) => input(reader, i),
        (i, None) => call(reader, i),
    }
}

/// `"input" ( SHAPE | INT | DIMS { NAME } ) [ claim ]`.
fn input<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Layer> {
    let place = reader.place;
    let (i, size) = cut(|i| size(place, i)).parse(i)?;
    let (i, words) = match size.node {
        Size::Dims(_) => terminated(many0(preceded(commas, |i| spanned_name(place, i))), commas).parse(i)?,
        Size::Shape(..) | Size::Number(_) => (i, Vec::new()),
    };
    let (i, claim) = opt(|i| claim(place, i)).parse(i)?;
    reader.end(i, Expected::CLAIM)?;
    Ok((i, Layer::Input { size, words, claim }))
}

/// `[ DIMS ] NAME { arg } [ branches { arg } ] [ claim ]`.
fn call<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Layer> {
    let place = reader.place;
    let kernel = map(dims, |sizes| Arg::Value(Expr::Dims(sizes)));
    let (i, kernel) = opt(spanned(place, kernel)).parse(i)?;
    let (i, name) = spanned(place, expecting(Expected::LAYER, name)).parse(i)?;
    let (i, args_before) = args(place, i)?;
    let (i, branches) = if blank(i).starts_with('{') {
        let (i, branches) = branches(reader, i, &name)?;
        (i, Some(branches))
    } else {
        (i, None)
    };
    let (i, args_behind) = args(place, i)?;
    let (i, claim) = opt(|i| claim(place, i)).parse(i)?;
    let also = if claim.is_some() { Expected::NOTHING } else { Expected::ARGUMENT.or(Expected::CLAIM) };
    reader.end(i, also)?;
    let args = kernel.into_iter().chain(args_before).chain(args_behind).collect();
    Ok((i, Layer::Call { name, args, branches, claim }))
}

/// `branches = "{" { end } branch branch { branch } "}"`, `branch = "|" lines`. How many there must be is not asked here.
fn branches<'a>(reader: &mut Reader<'a>, i: &'a str, name: &Name) -> Res<'a, Branches> {
    let place = reader.place;
    let start = blank(i);
    let (rest, (branches, stray)) = reader.braced(start, |reader, inside| {
        let mut branches: Vec<Spanned<Body>> = Vec::new();
        let mut stray = None;
        let mut i = skip_ends(inside);
        while !i.is_empty() {
            let (rest, stmts) = reader.branch(i.strip_prefix('|').unwrap_or(i), stmt);
            let start = place.span(i, i);
            let span = stmts.last().map_or(start, |last| start.to(last.span));
            if !i.starts_with('|') {
                stray = Some(span);
            }
            branches.push(Spanned { node: Body { stmts }, span });
            i = rest;
        }
        (branches, stray)
    })?;
    if let Some(stray) = stray
        && ops::layer(&name.node).is_some_and(|layer| layer.takes == Takes::Join)
    {
        let start = Span { end: stray.start, ..stray };
        let message = format!("each branch of `{}` starts with `|`", name.node);
        reader.report(
            Diagnostic::error("missing-bar", Origin::Text(stray), message).help("write `|` before it").fix(start, "| "),
        );
    }
    Ok((rest, Branches { branches, stray, span: place.span(start, rest) }))
}
