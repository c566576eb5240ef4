//! Statements, layers and blocks, one function a production of `grammar/arch.ebnf`.

use super::ast::{Arg, Body, Branches, Layer, Name, Param, Size, Spanned, Stmt, Top};
use super::error::{Expected, Problem, SyntaxError};
use super::expect::{claim, expect, size};
use super::expr::{args, commas, count, expr};
use super::number::{dims, whole_number};
use super::reader::Reader;
use super::token::{
    Res, any_name, blank, equals, expecting, keyword, lex, name, new_name, next_word, skip_ends, spanned, spanned_name,
    string, word,
};
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::ops::{self, layer::Takes};
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::char;
use nom::combinator::{cut, map, opt, verify};
use nom::multi::{many0, separated_list0, separated_list1};
use nom::sequence::{delimited, preceded, separated_pair, terminated};

/// The newest edition of the language.
const EDITION: u64 = 1;

/// `top`: what may stand at the top of a file.
pub(super) fn top<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    if words::TOP.contains(&next_word(i)) && label(reader, i).is_err() {
        top_item(reader, i)
    } else {
        let (i, stmt) = stmt(reader, i)?;
        Ok((i, Top::Stmt(stmt)))
    }
}

/// The productions of `top` that are no statements.
fn top_item<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    let place = reader.place;
    let (i, word) = lex(any_name).parse(i)?;
    let (i, item, also) = match word {
        "arch" => {
            let (i, edition) = cut(spanned(place, positive)).parse(i)?;
            if edition.node > EDITION {
                let message = format!("this file is edition {}; this cnnsize knows edition {EDITION}", edition.node);
                let error = Diagnostic::error("edition-too-new", Origin::Text(edition.span), message);
                reader.report(error.help(format!("update cnnsize, or write `arch {EDITION}`")));
            }
            (i, Top::Edition(edition), Expected::NOTHING)
        }
        "framework" => {
            let (rest, framework) = cut(|i| spanned_name(place, i)).parse(i)?;
            if !words::FRAMEWORKS.contains(&framework.node.as_str()) {
                return Err(SyntaxError::failure(blank(i), Problem::Framework));
            }
            (rest, Top::Framework(framework), Expected::NOTHING)
        }
        "batch" => map(cut(spanned(place, positive)), Top::Batch).parse(i).map(|(i, b)| (i, b, Expected::NOTHING))?,
        "precision" => {
            let (i, all) = cut(|i| spanned_name(place, i)).parse(i)?;
            let key = |i| spanned_name(place, i);
            let part = separated_pair(key, lex(equals), cut(|i| spanned_name(place, i)));
            let (i, parts) = many0(preceded(commas, part)).parse(i)?;
            (i, Top::Precision { all, parts }, Expected::SETTING)
        }
        "import" => {
            let (i, names) = cut(separated_list1(lex(char(',')), |i| new_name(place, i))).parse(i)?;
            let from = expecting(Expected::FROM.or(Expected::COMMA), keyword("from"));
            let path = expecting(Expected::PATH, spanned(place, string));
            let (i, path) = cut(preceded(from, path)).parse(i)?;
            for name in &names {
                reader.check_new_name(name, "the name of a block");
            }
            (i, Top::Import { names, path }, Expected::NOTHING)
        }
        "default" => {
            let (i, layer) = cut(spanned(place, expecting(Expected::LAYER, name))).parse(i)?;
            let (i, args) = args(place, i)?;
            (i, Top::Default { layer, args }, Expected::ARGUMENT)
        }
        "block" => {
            let (i, name) = cut(|i| new_name(place, i)).parse(i)?;
            let (i, params) = params(reader, i)?;
            let (i, body) = body(reader, i)?;
            reader.check_new_name(&name, "the name of a block");
            for param in &params {
                reader.check_new_name(&param.name, "a parameter");
            }
            return Ok((reader.end_behind_body(i, Expected::NOTHING), Top::Block { name, params, body }));
        }
        _ => {
            let (i, name) = cut(spanned(place, expecting(Expected::TITLE, alt((string, name))))).parse(i)?;
            let (i, body) = body(reader, i)?;
            return Ok((reader.end_behind_body(i, Expected::NOTHING), Top::Model { name, body }));
        }
    };
    reader.end(i, also)?;
    Ok((i, item))
}

/// `INT`, at least 1.
fn positive(i: &str) -> Res<'_, u64> {
    expecting(Expected::WHOLE, verify(whole_number, |n| *n > 0)).parse(i)
}

/// `[ "(" [ param { "," param } ] ")" ]`.
fn params<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Vec<Param>> {
    let list = separated_list0(lex(char(',')), |i| param(reader, i));
    let close = expecting(Expected::PAREN.or(Expected::COMMA), char(')'));
    let params = delimited(lex(char('(')), cut(list), cut(close));
    map(opt(params), Option::unwrap_or_default).parse(i)
}

/// `param = [ "/" ] NAME [ "=" expr ]`.
fn param<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Param> {
    let place = reader.place;
    let (i, slash) = opt(lex(char('/'))).parse(i)?;
    let (i, name) = new_name(place, i)?;
    let (i, default) = opt(preceded(lex(equals), cut(|i| expr(place, i)))).parse(i)?;
    Ok((i, Param { stride: slash.is_some(), name, default }))
}

/// `body = "{" lines "}"`.
fn body<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Body> {
    reader.braced(i, |reader, inside| Body { stmts: reader.lines(inside, stmt, |bad| bad).1 })
}

/// `stmt`.
fn stmt<'a>(reader: &mut Reader<'a>, start: &'a str) -> Res<'a, Stmt> {
    let place = reader.place;
    let (i, name) = opt(|i| label(reader, i)).parse(start)?;
    let word = next_word(i);
    if let Some(name) = name {
        return labelled(reader, start, i, name);
    }
    if words::TOP.contains(&word) {
        return misplaced(reader, i);
    }
    let (behind, _) = opt(lex(any_name)).parse(i)?;
    let (i, stmt, also) = match word {
        "repeat" => return repeat(reader, behind),
        "if" => return conditional(reader, behind),
        "frozen" => {
            let (i, body) = body(reader, behind)?;
            let (i, claim) = claim_behind_body(reader, i);
            return Ok((i, Stmt::Frozen { body, claim }));
        }
        "side" => {
            let (i, body) = body(reader, behind)?;
            return Ok((reader.end_behind_body(i, Expected::NOTHING), Stmt::Side(body)));
        }
        "from" => {
            let (i, name) = cut(|i| spanned_name(place, i)).parse(behind)?;
            (i, Stmt::From(name), Expected::NOTHING)
        }
        "output" => {
            let (i, name) = opt(|i| spanned_name(place, i)).parse(behind)?;
            let (i, claim) = opt(|i| claim(place, i)).parse(i)?;
            (i, Stmt::Output { name, claim }, Expected::CLAIM)
        }
        "let" => {
            let (i, name) = cut(|i| new_name(place, i)).parse(behind)?;
            let equals = expecting(Expected::EQUALS, equals);
            let (i, value) = cut(preceded(equals, |i| expr(place, i))).parse(i)?;
            reader.end(i, Expected::OPERATOR)?;
            reader.check_new_name(&name, "the name of a value");
            (i, Stmt::Let { name, value }, Expected::OPERATOR)
        }
        "expect" => {
            let (i, expect) = cut(|i| expect(place, i)).parse(behind)?;
            (i, Stmt::Expect(expect), Expected::NOTHING)
        }
        _ => {
            let (i, layer) = layer(reader, i)?;
            return Ok((i, Stmt::Layer { label: None, layer }));
        }
    };
    reader.end(i, also)?;
    Ok((i, stmt))
}

/// `NAME ":"`.
fn label<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Name> {
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
    let (i, count) = cut(|i| count(place, i)).parse(i)?;
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
    let kernel = map(dims, |sizes| Arg::Value(super::ast::Expr::Dims(sizes)));
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
            let first = place.span(i, i.get(1..).unwrap_or(""));
            let span = stmts.last().map_or(first, |last| first.to(last.span));
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
