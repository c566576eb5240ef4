//! Arguments and expressions, one function a production of `grammar/arch.ebnf`.
//!
//! The height of every tree is bounded by [`limits::NESTING`], chains such as `1+1+…` included, so that nobody who walks
//! one needs a deep stack.

use super::ast::{Arg, Binary, Expr, Spanned, Unary};
use super::error::{Expected, Problem, SyntaxError};
use super::number::{literal, repeat};
use super::token::{
    Place, Res, any_name, blank, equals, expecting, keyword, lex, minus, name, skip_blank, spanned, spanned_name, word,
};
use super::words;
use crate::base::limits;
use crate::base::source::Span;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::char;
use nom::combinator::{cut, map, opt, value as to, verify};
use nom::multi::{many0, separated_list1};
use nom::sequence::{pair, preceded, terminated};

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
    let inner = map(|i| paren(place, i), |tall| tall.expr.node);
    expecting(Expected::OPERAND, alt((sized, map(name, Expr::Name), inner))).parse(i)
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
    let (i, tall) = chain(place, i, atom, |i| to(Binary::Times, char('*')).parse(i))?;
    Ok((i, tall.expr))
}

/// `atom = NUMBER | PERCENT | DIMS | SHAPE | PADS | NAME | "frozen" | NAME "(" … ")" | "(" expr ")"`.
fn atom<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    let word = alt((name, map(verify(any_name, |n: &str| n == "frozen"), str::to_owned)));
    expecting(
        Expected::OPERAND,
        alt((
            leaf(place, literal),
            |i| call(place, i, |i| char('(').parse(i)),
            leaf(place, map(word, Expr::Name)),
            |i| paren(place, i),
        )),
    )
    .parse(i)
}

/// `expr = conj { "or" conj }`.
pub(super) fn expr<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Expr>> {
    map(|i| disjunction(place, i), |tall| tall.expr).parse(i)
}

/// The expression behind `repeat`: `sum`.
pub(super) fn count<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Spanned<Expr>> {
    map(|i| sum(place, i), |tall| tall.expr).parse(i)
}

/// An expression with the height of its tree.
struct Tall {
    expr: Spanned<Expr>,
    height: usize,
}

fn disjunction<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    chain(place, i, conj, |i| to(Binary::Or, keyword("or")).parse(i))
}

fn conj<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    chain(place, i, neg, |i| to(Binary::And, keyword("and")).parse(i))
}

fn neg<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    prefixed(place, i, cmp, |i| to(Unary::Not, keyword("not")).parse(i))
}

fn cmp<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    let (i, left) = sum(place, i)?;
    let (rest, operator) = opt(lex(comparison)).parse(i)?;
    match operator {
        Some(operator) => {
            let (rest, right) = cut(|i| sum(place, i)).parse(rest)?;
            Ok((rest, left.join(operator, right, i)?))
        }
        None => Ok((i, left)),
    }
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

fn sum<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    chain(place, i, term, |i| alt((to(Binary::Plus, char('+')), to(Binary::Minus, minus))).parse(i))
}

fn term<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    chain(place, i, unary, |i| alt((to(Binary::Times, char('*')), to(Binary::Divide, char('/')))).parse(i))
}

fn unary<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    prefixed(place, i, prim, |i| to(Unary::Minus, minus).parse(i))
}

/// `prim = NUMBER | PERCENT | DIMS | SHAPE | PADS | NAME | NAME "(" expr { "," expr } ")" | "(" expr ")" | "(" expr "x" expr ")"`.
fn prim<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    expecting(
        Expected::OPERAND,
        alt((
            leaf(place, literal),
            |i| call(place, i, |i| lex(char('(')).parse(i)),
            leaf(place, map(name, Expr::Name)),
            |i| paren(place, i),
        )),
    )
    .parse(i)
}

/// `operand { operator operand }`, grouped from the left.
fn chain<'a>(
    place: Place<'a>,
    i: &'a str,
    operand: fn(Place<'a>, &'a str) -> Res<'a, Tall>,
    operator: fn(&'a str) -> Res<'a, Binary>,
) -> Res<'a, Tall> {
    let (mut i, mut left) = operand(place, i)?;
    while let (rest, Some(operator)) = opt(lex(operator)).parse(i)? {
        let (rest, right) = cut(|i| operand(place, i)).parse(rest)?;
        left = left.join(operator, right, i)?;
        i = rest;
    }
    Ok((i, left))
}

/// `[ operator ] operand`.
fn prefixed<'a>(
    place: Place<'a>,
    i: &'a str,
    operand: fn(Place<'a>, &'a str) -> Res<'a, Tall>,
    operator: fn(&'a str) -> Res<'a, Unary>,
) -> Res<'a, Tall> {
    let (rest, operator) = opt(spanned(place, operator)).parse(i)?;
    match operator {
        Some(operator) => {
            let (rest, Tall { expr, height }) = cut(|i| operand(place, i)).parse(rest)?;
            let span = operator.span.to(expr.span);
            Tall::new(Expr::Unary(operator.node, Box::new(expr)), span, height, i).map(|tall| (rest, tall))
        }
        None => operand(place, i),
    }
}

fn leaf<'a>(
    place: Place<'a>,
    parser: impl Parser<&'a str, Output = Expr, Error = SyntaxError<'a>>,
) -> impl Parser<&'a str, Output = Tall, Error = SyntaxError<'a>> {
    map(spanned(place, parser), |expr| Tall { expr, height: 1 })
}

/// `NAME "(" expr { "," expr } ")"`; `open` reads the parenthesis, which among arguments must touch the name.
fn call<'a>(place: Place<'a>, i: &'a str, open: fn(&'a str) -> Res<'a, char>) -> Res<'a, Tall> {
    let start = blank(i);
    let (i, function) = terminated(|i| spanned_name(place, i), open).parse(start)?;
    let inner = deeper(place, start)?;
    let list = separated_list1(lex(char(',')), |i| disjunction(inner, i));
    let close = expecting(Expected::PAREN.or(Expected::COMMA).or(Expected::OPERATOR), char(')'));
    let (rest, args) = cut(terminated(list, close)).parse(i)?;
    let height = args.iter().map(|a| a.height).max().unwrap_or(0);
    let args = args.into_iter().map(|a| a.expr).collect();
    Tall::new(Expr::Call(function, args), place.span(start, rest), height, start).map(|tall| (rest, tall))
}

/// `"(" expr ")" | "(" expr "x" expr ")"`.
fn paren<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Tall> {
    let start = blank(i);
    let (i, _) = char('(').parse(start)?;
    let inner = deeper(place, start)?;
    let second = preceded(lex(by), |i| disjunction(inner, i));
    let close = expecting(Expected::PAREN.or(Expected::OPERATOR), char(')'));
    let (rest, (first, second)) = cut(terminated(pair(|i| disjunction(inner, i), opt(second)), close)).parse(i)?;
    let height = second.as_ref().map_or(0, |s| s.height).max(first.height);
    let first = Box::new(first.expr);
    let node = match second {
        Some(second) => Expr::Sizes(first, Box::new(second.expr)),
        None => Expr::Paren(first),
    };
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

    /// `self operator right`; `at` is where the operator stands.
    fn join(self, operator: Binary, right: Tall, at: &str) -> Result<Tall, nom::Err<SyntaxError<'_>>> {
        let span = self.expr.span.to(right.expr.span);
        let node = Expr::Binary(operator, Box::new(self.expr), Box::new(right.expr));
        Tall::new(node, span, self.height.max(right.height), at)
    }
}
