//! `expect quantity [op] value [unit] [± tolerance] [at …] ["source"]`: a claim about the whole model or a line.

use super::ast::{Claimed, Compare, Expect, Expr, Name, Rational, Setting, Size, Spanned, Tolerance};
use super::error::{Expected, Problem, SyntaxError};
use super::expr::commas;
use super::number::{boundary, claimed_number, dims, literal, number, percent, shape};
use super::token::{
    Place, Res, any_name, arrow, blank, equals, expecting, keyword, lex, plus_minus, spanned, string, word,
};
use super::words;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::combinator::{cut, map, opt, value as to, verify};
use nom::multi::many1;
use nom::sequence::{preceded, separated_pair};

/// What follows the word `expect`.
pub(super) fn expect<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Expect> {
    let quantity = verify(any_name, |n: &str| !words::is_keyword(n)).map(str::to_owned);
    let (i, quantity) = spanned(place, expecting(Expected::QUANTITY, quantity)).parse(i)?;
    let (i, op) = op(place, i)?;
    let (i, value) = spanned(place, expecting(Expected::FIGURE, claimed)).parse(i)?;
    let (i, unit) = unit(place, i)?;
    let (i, tolerance) = opt(preceded(lex(plus_minus), cut(spanned(place, tolerance)))).parse(i)?;
    let (i, at) = opt(preceded(keyword("at"), cut(many1(preceded(commas, |i| setting(place, i)))))).parse(i)?;
    let (i, source) = opt(spanned(place, string)).parse(i)?;
    Ok((i, Expect { quantity, op, value, unit, tolerance, at: at.unwrap_or_default(), source }))
}

/// `op = "~" | "!~" | "==" | "!=" | "<" | "<=" | ">" | ">="`, or nothing for equality.
fn op<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Compare>> {
    let written = alt((
        to(Compare::About, tag("~")),
        to(Compare::NotAbout, tag("!~")),
        to(Compare::Equal, tag("==")),
        to(Compare::NotEqual, tag("!=")),
        to(Compare::LessEqual, tag("<=")),
        to(Compare::GreaterEqual, tag(">=")),
        to(Compare::Less, tag("<")),
        to(Compare::Greater, tag(">")),
    ));
    let (rest, op) = opt(spanned(place, written)).parse(i)?;
    let value = blank(i);
    Ok((rest, op.unwrap_or(Spanned { node: Compare::Equal, span: place.span(value, value) })))
}

fn claimed(i: &str) -> Res<'_, Claimed> {
    let number = map(claimed_number, |(value, digits)| Claimed::Number { value, digits });
    let shape = map(shape, |(channels, sizes)| Claimed::Shape(channels, sizes));
    let (rest, claimed) = alt((shape, map(dims, Claimed::Dims), number)).parse(i)?;
    let glued_unit = matches!(claimed, Claimed::Number { .. }) && word(rest).is_ok_and(|(_, w)| is_unit(w));
    if !glued_unit {
        boundary(i, rest)?;
    }
    Ok((rest, claimed))
}

fn is_unit(word: &str) -> bool {
    words::UNITS.contains(&word)
}

/// A word of [`words::UNITS`]; any other word but `at` is a mistake.
fn unit<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Option<Name>> {
    let (rest, unit) = opt(spanned(place, verify(any_name, |n: &str| n != "at").map(str::to_owned))).parse(i)?;
    match unit {
        Some(unit) if !is_unit(&unit.node) => Err(SyntaxError::failure(blank(i), Problem::Unit)),
        unit => Ok((rest, unit)),
    }
}

fn tolerance(i: &str) -> Res<'_, Tolerance> {
    let (rest, tolerance) =
        expecting(Expected::NUMBER, alt((map(percent, Tolerance::Relative), map(number, Tolerance::Absolute))))
            .parse(i)?;
    boundary(i, rest)?;
    Ok((rest, tolerance))
}

/// `( NAME | "batch" | "precision" ) "=" ( NUMBER | NAME )`.
fn setting<'a>(place: Place<'a>, i: &'a str) -> Res<'a, (Name, Spanned<Setting>)> {
    let key = verify(any_name, |n: &str| !words::is_keyword(n) || matches!(n, "batch" | "precision"));
    let key = spanned(place, expecting(Expected::SETTING, key.map(str::to_owned)));
    let word = map(any_name, |word| Setting::Word(word.to_owned()));
    let value = expecting(Expected::VALUE, alt((map(setting_number, Setting::Number), word)));
    separated_pair(key, expecting(Expected::EQUALS, equals), cut(spanned(place, value))).parse(i)
}

fn setting_number(i: &str) -> Res<'_, Rational> {
    let (rest, value) = literal(i)?;
    match value {
        Expr::Number(value) => Ok((rest, value)),
        _ => Err(SyntaxError::error(i, Expected::VALUE)),
    }
}

/// `claim = "->" ( SHAPE | DIMS | INT )`.
pub(super) fn claim<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Size>> {
    preceded(lex(arrow), cut(|i| size(place, i))).parse(i)
}

/// `SHAPE | DIMS | INT`.
pub(super) fn size<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Size>> {
    spanned(place, expecting(Expected::SIZE, plain_size)).parse(i)
}

fn plain_size(i: &str) -> Res<'_, Size> {
    let (rest, size) = literal(i)?;
    let size = match size {
        Expr::Shape(channels, sizes) => Size::Shape(channels, sizes),
        Expr::Dims(sizes) => Size::Dims(sizes),
        Expr::Number(Rational { num, den: 1 }) => Size::Number(u64::try_from(num).unwrap_or(0)),
        _ => return Err(SyntaxError::error(i, Expected::SIZE)),
    };
    let zero = match &size {
        Size::Shape(..) => false,
        Size::Dims(sizes) => sizes.contains(&0),
        Size::Number(n) => *n == 0,
    };
    if zero { Err(SyntaxError::failure(i, Problem::ZeroSize)) } else { Ok((rest, size)) }
}
