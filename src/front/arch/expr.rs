//! Arguments and expressions, one function a production of `grammar/arch.ebnf`.
//!
//! The height of every tree is bounded by [`limits::NESTING`], chains such as `1+1+…` included, so that nobody who walks
//! one needs a deep stack.

use super::ast::{Arg, Binary, Expr, Name, Spanned, Unary};
use super::error::{Expected, Problem, SyntaxError};
use super::number::{literal, repeat};
use super::token::{
    Place, Res, any_name, behind, blank, equals, expecting, keyword, lex, minus, name, skip_blank, spanned, word,
};
use super::words;
use crate::base::limits;
use crate::base::source::Span;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{char, one_of};
use nom::combinator::{cut, map, opt, value as to, verify};
use nom::multi::many0;
use nom::sequence::{preceded, terminated};

/// `{ arg }`: up to the first token that is none. Commas count as blanks.
pub(super) fn args<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Vec<Spanned<Arg>>> {
    terminated(many0(preceded(commas, |i| arg(place, i))), commas).parse(i)
}

/// Commas and the blanks between them.
pub(super) fn commas(mut i: &str) -> Res<'_, ()> {
    while let Some(rest) = skip_blank(i).strip_prefix(',') {
        i = rest;
    }
    Ok((i, ()))
}

/// `arg = stride | REPEAT | NAME "=" value | value`.
fn arg<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Arg>> {
    let bare = map(|i| value(place, i), |value| Arg::Value(value.node));
    let any = alt((|i| stride(place, i), map(repeat, Arg::Repeat), |i| named(place, i), bare));
    let (rest, arg) = spanned(place, expecting(Expected::ARGUMENT, any)).parse(i)?;
    match (&arg.node, rest.starts_with('/')) {
        (Arg::Value(e), true) if divides(e) => glued(place, rest, Spanned { node: e.clone(), span: arg.span }),
        (Arg::Named { value, .. }, true) if divides(&value.node) => glued(place, rest, value.clone()),
        _ => Ok((rest, arg)),
    }
}

/// Whether a slash glued to this may be meant as a division; glued to a size it can only be a stride.
fn divides(left: &Expr) -> bool {
    !matches!(left, Expr::Dims(_) | Expr::Shape(..) | Expr::Pads(_))
}

/// A slash that stands right behind `left`: an error, which the lowering reports with its two remedies.
fn glued<'a>(place: Place<'a>, i: &'a str, left: Spanned<Expr>) -> Res<'a, Spanned<Arg>> {
    let (rest, right) = preceded(char('/'), cut(spanned(place, |i| operand(place, i)))).parse(i)?;
    let span = left.span.to(right.span);
    Ok((rest, Spanned { node: Arg::GluedSlash { left: Box::new(left), right: Box::new(right) }, span }))
}

/// `stride = "/" ( NUMBER | DIMS | NAME | "(" expr ")" )`.
fn stride<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Arg> {
    map(preceded(char('/'), cut(|i| operand(place, i))), Arg::Stride).parse(i)
}

fn operand<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Expr> {
    let sized = verify(literal, |e| matches!(e, Expr::Number(_) | Expr::Dims(_)));
    if blank(i).starts_with('(') {
        return paren(place, blank(i)).map(|(i, tall)| (i, tall.expr.node));
    }
    expecting(Expected::OPERAND, alt((sized, map(name, Expr::Name)))).parse(i)
}

/// `NAME "=" value`.
fn named<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Arg> {
    let key = spanned(place, verify(map(word, str::to_owned), |w: &str| !words::is_keyword(w)));
    let (i, key) = terminated(key, lex(equals)).parse(i)?;
    let (i, value) = cut(expecting(Expected::VALUE, |i| value(place, i))).parse(i)?;
    Ok((i, Arg::Named { key, value }))
}

/// `value = atom { "*" atom }`.
fn value<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Expr>> {
    let (mut i, mut left) = atom(place, i)?;
    while let (rest, Some(_)) = opt(lex(char('*'))).parse(i)? {
        let (rest, right) = cut(|i| atom(place, i)).parse(rest)?;
        left = left.join(Binary::Times, right, i)?;
        i = rest;
    }
    Ok((i, left.expr))
}

/// `atom`.
fn atom<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    fn word(i: &str) -> Res<'_, String> {
        let frozen = verify(any_name, |n: &str| n == "frozen");
        alt((name, map(frozen, str::to_owned))).parse(i)
    }
    operand_of(place, i, word, |rest| rest)
}

/// `expr`.
pub(super) fn expr<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Expr>> {
    climb(place, i, Strength::Or).map(|(i, tall)| (i, tall.expr))
}

/// `sum`, which a `repeat` counts by.
pub(super) fn sum<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Expr>> {
    climb(place, i, Strength::Sum).map(|(i, tall)| (i, tall.expr))
}

/// An expression with the height of its tree.
struct Tall {
    expr: Spanned<Expr>,
    height: usize,
}

/// How strongly operators bind: the productions `expr`, `conj`, `neg`, `cmp`, `sum`, `term`, `unary`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Or,
    And,
    Not,
    Compare,
    Sum,
    Term,
    Unary,
}

/// The production whose operators bind with `least` or stronger, by precedence climbing.
fn climb<'a>(place: Place<'a>, i: &'a str, least: Strength) -> Res<'a, Tall> {
    let not = if least <= Strength::Not { opt(spanned(place, keyword("not"))).parse(i)? } else { (i, None) };
    let (mut i, mut left, mut most) = if let (rest, Some(not)) = not {
        let (rest, tall) = cut(|i| climb(place, i, Strength::Compare)).parse(rest)?;
        (rest, tall.under(Unary::Not, not.span, i)?, Strength::And)
    } else {
        let (rest, tall) = unary(place, i)?;
        (rest, tall, Strength::Term)
    };
    while let (rest, Some((operator, strength, right))) = opt(lex(operator)).parse(i)?
        && (least..=most).contains(&strength)
    {
        let (rest, operand) = cut(|i| climb(place, i, right)).parse(rest)?;
        left = left.join(operator, operand, i)?;
        i = rest;
        if strength == Strength::Compare {
            most = Strength::And;
        }
    }
    Ok((i, left))
}

/// An operator of two operands, how strongly it binds, and the production on its right.
fn operator(i: &str) -> Res<'_, (Binary, Strength, Strength)> {
    let or = to((Binary::Or, Strength::Or, Strength::And), keyword("or"));
    let and = to((Binary::And, Strength::And, Strength::Not), keyword("and"));
    let compared = map(comparison, |op| (op, Strength::Compare, Strength::Sum));
    let added = alt((to(Binary::Plus, char('+')), to(Binary::Minus, minus)));
    let multiplied = alt((to(Binary::Times, char('*')), to(Binary::Divide, char('/'))));
    alt((
        map(multiplied, |op| (op, Strength::Term, Strength::Unary)),
        map(added, |op| (op, Strength::Sum, Strength::Term)),
        compared,
        and,
        or,
    ))
    .parse(i)
}

fn comparison(i: &str) -> Res<'_, Binary> {
    alt((
        to(Binary::Equal, tag("==")),
        to(Binary::NotEqual, tag("!=")),
        to(Binary::LessEqual, tag("<=")),
        to(Binary::GreaterEqual, tag(">=")),
        to(Binary::Less, tag("<")),
        to(Binary::Greater, tag(">")),
    ))
    .parse(i)
}

/// `unary = [ minus ] prim`.
fn unary<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    match opt(spanned(place, minus)).parse(i)? {
        (rest, Some(sign)) => {
            let (rest, tall) = cut(|i| prim(place, i)).parse(rest)?;
            Ok((rest, tall.under(Unary::Minus, sign.span, i)?))
        }
        (i, None) => prim(place, i),
    }
}

/// `prim`.
fn prim<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    operand_of(place, i, name, skip_blank)
}

/// `prim` or `atom`: they differ in the words that are names, and in how far from its function a parenthesis may stand,
/// which `gap` skips.
fn operand_of<'a>(
    place: Place<'a>,
    i: &'a str,
    word: fn(&'a str) -> Res<'a, String>,
    gap: fn(&'a str) -> &'a str,
) -> Res<'a, Tall> {
    let i = blank(i);
    if i.starts_with('(') {
        return paren(place, i);
    }
    let leaf = alt((literal, map(word, Expr::Name)));
    let (rest, expr) = spanned(place, expecting(Expected::OPERAND, leaf)).parse(i)?;
    match expr.node {
        Expr::Name(node) if gap(rest).starts_with('(') => call(place, gap(rest), Spanned { node, span: expr.span }),
        _ => Ok((rest, Tall { expr, height: 1 })),
    }
}

/// `"(" expr { "," expr } ")"` behind the name of a function.
fn call<'a>(place: Place<'a>, start: &'a str, function: Name) -> Res<'a, Tall> {
    let inner = deeper(place, start)?;
    let mut height = 0;
    let mut args = Vec::new();
    let mut i = start;
    loop {
        let (rest, arg) = cut(|i| climb(inner, i, Strength::Or)).parse(behind(blank(i), 1))?;
        height = arg.height.max(height);
        args.push(arg.expr);
        let close = Expected::PAREN.or(Expected::COMMA).or(Expected::OPERATOR);
        let (after, close) = cut(expecting(close, one_of(",)"))).parse(rest)?;
        if close == ')' {
            let span = function.span.to(place.span(start, after));
            return Tall::new(Expr::Call(function, args), span, height, start).map(|tall| (after, tall));
        }
        i = rest;
    }
}

/// `paren = "(" expr [ ( "x" | "×" ) expr ] ")"`.
fn paren<'a>(place: Place<'a>, start: &'a str) -> Res<'a, Tall> {
    let inner = deeper(place, start)?;
    let (i, first) = cut(|i| climb(inner, i, Strength::Or)).parse(behind(start, 1))?;
    let (i, by) = opt(lex(by)).parse(i)?;
    let (i, node, height) = if by.is_some() {
        let (i, second) = cut(|i| climb(inner, i, Strength::Or)).parse(i)?;
        (i, Expr::Sizes(Box::new(first.expr), Box::new(second.expr)), first.height.max(second.height))
    } else {
        (i, Expr::Paren(Box::new(first.expr)), first.height)
    };
    let (rest, _) = cut(expecting(Expected::PAREN.or(Expected::OPERATOR), char(')'))).parse(i)?;
    Tall::new(node, place.span(start, rest), height, start).map(|tall| (rest, tall))
}

/// The `x` between two computed sizes.
fn by(i: &str) -> Res<'_, &str> {
    alt((verify(any_name, |n: &str| n == "x"), tag("×"))).parse(i)
}

fn deeper<'a>(place: Place<'a>, at: &'a str) -> Result<Place<'a>, nom::Err<SyntaxError<'a>>> {
    if place.depth < limits::NESTING { Ok(place.deeper()) } else { Err(SyntaxError::failure(at, Problem::TooDeep)) }
}

impl Tall {
    fn new(node: Expr, span: Span, below: usize, at: &str) -> Result<Tall, nom::Err<SyntaxError<'_>>> {
        if below < limits::NESTING {
            Ok(Tall { expr: Spanned { node, span }, height: below.saturating_add(1) })
        } else {
            Err(SyntaxError::failure(blank(at), Problem::TooDeep))
        }
    }

    /// `operator self`; `at` is where the operator stands.
    fn under(self, operator: Unary, sign: Span, at: &str) -> Result<Tall, nom::Err<SyntaxError<'_>>> {
        let span = sign.to(self.expr.span);
        Tall::new(Expr::Unary(operator, Box::new(self.expr)), span, self.height, at)
    }

    /// `self operator right`; `at` is where the operator stands.
    fn join(self, operator: Binary, right: Tall, at: &str) -> Result<Tall, nom::Err<SyntaxError<'_>>> {
        let span = self.expr.span.to(right.expr.span);
        let node = Expr::Binary(operator, Box::new(self.expr), Box::new(right.expr));
        Tall::new(node, span, self.height.max(right.height), at)
    }
}
