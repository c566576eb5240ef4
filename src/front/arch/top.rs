//! What may stand only at the top of a file, one function a production of `grammar/arch.ebnf`.

use super::ast::{Expr, Param, Rational, Top};
use super::error::{Expected, Problem, SyntaxError};
use super::expr::{args, commas, expr};
use super::item::{body, label, stmt};
use super::number::literal;
use super::reader::Reader;
use super::token::{
    Res, any_name, blank, equals, expecting, keyword, lex, name, new_name, next_word, spanned, spanned_name, string,
};
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::{char, one_of};
use nom::combinator::{cut, map, opt};
use nom::multi::{many0, separated_list1};
use nom::sequence::{preceded, separated_pair};

/// The newest edition of the language.
const EDITION: u64 = 1;

/// `top`.
pub(super) fn top<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    if words::TOP.contains(&next_word(i)) && label(reader, i).is_err() {
        return top_item(reader, i);
    }
    let (i, stmt) = stmt(reader, i)?;
    Ok((i, Top::Stmt(stmt)))
}

/// The productions of `top` that begin with a word of [`words::TOP`].
pub(super) fn top_item<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    let (i, word) = lex(any_name).parse(i)?;
    match word {
        "block" => return block(reader, i),
        "model" => return model(reader, i),
        _ => {}
    }
    let (i, (item, also)) = match word {
        "arch" => edition(reader, i),
        "framework" => framework(reader, i),
        "batch" => map(cut(spanned(reader.place, positive)), |batch| (Top::Batch(batch), Expected::NOTHING)).parse(i),
        "precision" => precision(reader, i),
        "import" => import(reader, i),
        _ => default(reader, i),
    }?;
    reader.end(i, also)?;
    Ok((i, item))
}

/// An item, and what could have followed it besides the end of its line.
type Ended = (Top, Expected);

/// `"arch" INT`.
fn edition<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Ended> {
    let (i, edition) = cut(spanned(reader.place, positive)).parse(i)?;
    if edition.node > EDITION {
        let message = format!("this file is edition {}; this cnnsize knows edition {EDITION}", edition.node);
        let error = Diagnostic::error("edition-too-new", Origin::Text(edition.span), message);
        reader.report(error.help(format!("update cnnsize, or write `arch {EDITION}`")));
    }
    Ok((i, (Top::Edition(edition), Expected::NOTHING)))
}

/// `"framework" framework`.
fn framework<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Ended> {
    let (rest, framework) = cut(|i| spanned_name(reader.place, i)).parse(i)?;
    if !words::FRAMEWORKS.contains(&framework.node.as_str()) {
        return Err(SyntaxError::failure(blank(i), Problem::Framework));
    }
    Ok((rest, (Top::Framework(framework), Expected::NOTHING)))
}

/// `"precision" NAME { [ "," ] NAME "=" NAME }`.
fn precision<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Ended> {
    let name = |i| spanned_name(reader.place, i);
    let (i, all) = cut(name).parse(i)?;
    let part = separated_pair(name, cut(expecting(Expected::EQUALS, equals)), cut(name));
    let (i, parts) = many0(preceded(commas, part)).parse(i)?;
    Ok((i, (Top::Precision { all, parts }, Expected::NOTHING)))
}

/// `"import" NEW { "," NEW } "from" STRING`.
fn import<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Ended> {
    let place = reader.place;
    let name = |i| {
        if next_word(i) == "from" { Err(SyntaxError::error(blank(i), Expected::NEW_NAME)) } else { new_name(place, i) }
    };
    let (i, names) = cut(separated_list1(lex(char(',')), cut(name))).parse(i)?;
    let from = expecting(Expected::FROM.or(Expected::COMMA), keyword("from"));
    let path = expecting(Expected::PATH, spanned(place, string));
    let (i, path) = cut(preceded(from, path)).parse(i)?;
    for name in &names {
        reader.check_new_name(name, "the name of a block");
    }
    Ok((i, (Top::Import { names, path }, Expected::NOTHING)))
}

/// `"default" NAME { arg }`.
fn default<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Ended> {
    let (i, layer) = cut(spanned(reader.place, expecting(Expected::LAYER, name))).parse(i)?;
    let (i, args) = args(reader.place, i)?;
    Ok((i, (Top::Default { layer, args }, Expected::ARGUMENT)))
}

/// `"block" NEW [ "(" [ param { "," param } ] ")" ] body`.
fn block<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    let place = reader.place;
    let (i, name) = cut(|i| new_name(place, i)).parse(i)?;
    let (i, params) = params(reader, i)?;
    let (i, body) = body(reader, i)?;
    reader.check_new_name(&name, "the name of a block");
    for param in &params {
        reader.check_new_name(&param.name, "a parameter");
    }
    Ok((reader.end_behind_body(i, Expected::NOTHING), Top::Block { name, params, body }))
}

/// `"model" ( NAME | STRING ) body`.
fn model<'a>(reader: &mut Reader<'a>, i: &'a str) -> Res<'a, Top> {
    let title = expecting(Expected::TITLE, alt((string, name)));
    let (i, name) = cut(spanned(reader.place, title)).parse(i)?;
    let (i, body) = body(reader, i)?;
    Ok((reader.end_behind_body(i, Expected::NOTHING), Top::Model { name, body }))
}

/// `INT`, at least 1.
fn positive(i: &str) -> Res<'_, u64> {
    let (rest, number) = expecting(Expected::WHOLE, literal).parse(i)?;
    match number {
        Expr::Number(Rational { num: whole @ 1.., den: 1 }) => Ok((rest, u64::try_from(whole).unwrap_or(u64::MAX))),
        _ => Err(SyntaxError::error(blank(i), Expected::WHOLE)),
    }
}

/// `[ "(" [ param { "," param } ] ")" ]`.
fn params<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Vec<Param>> {
    let (mut i, open) = opt(lex(char('('))).parse(i)?;
    let mut params = Vec::new();
    if open.is_none() {
        return Ok((i, params));
    }
    if let (rest, Some(_)) = opt(lex(char(')'))).parse(i)? {
        return Ok((rest, params));
    }
    loop {
        let (rest, param) = cut(|i| param(reader, i)).parse(i)?;
        params.push(param);
        let (rest, sign) = cut(expecting(Expected::PAREN.or(Expected::COMMA), one_of(",)"))).parse(rest)?;
        i = rest;
        if sign == ')' {
            return Ok((i, params));
        }
    }
}

/// `param = [ "/" ] NEW [ "=" expr ]`.
fn param<'a>(reader: &Reader<'a>, i: &'a str) -> Res<'a, Param> {
    let place = reader.place;
    let (i, slash) = opt(lex(char('/'))).parse(i)?;
    let (i, name) = new_name(place, i)?;
    let (i, default) = opt(preceded(lex(equals), cut(|i| expr(place, i)))).parse(i)?;
    Ok((i, Param { stride: slash.is_some(), name, default }))
}
