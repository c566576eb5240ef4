//! Tokens that begin with a digit: numbers, percentages, dims, shapes, pads, and repetitions. All exact.

use super::ast::{Expr, Rational};
use super::error::{Expected, Problem, SyntaxError};
use super::token::{Res, digits, times, word};
use crate::base::limits;
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::{char, one_of};
use nom::combinator::{map, not, opt, recognize, verify};
use nom::multi::{many1, separated_list1};
use nom::sequence::{pair, preceded, separated_pair, terminated};

/// Any of them but a repetition, as an expression; whatever is glued to it makes it malformed.
pub(super) fn literal(i: &str) -> Res<'_, Expr> {
    let (rest, literal) = alt((
        map(pads, Expr::Pads),
        map(shape, |(channels, sizes)| Expr::Shape(channels, sizes)),
        map(dims, Expr::Dims),
        map(alt((percent, number)), Expr::Number),
    ))
    .parse(i)?;
    boundary(i, rest)?;
    Ok((rest, literal))
}

/// Fails if the token that began at `start` goes on in a way that makes no token.
pub(super) fn boundary<'a>(start: &'a str, rest: &'a str) -> Result<(), nom::Err<SyntaxError<'a>>> {
    if rest.starts_with(glues) { Err(SyntaxError::failure(start, Problem::Malformed)) } else { Ok(()) }
}

/// Whether a character right behind a number belongs to the same word for the eye.
pub(super) fn glues(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.@:%×".contains(c)
}

/// `0:1`, `1:2x0:3`: before and after each dimension.
fn pads(i: &str) -> Res<'_, Vec<(u64, u64)>> {
    separated_list1(times, separated_pair(int, char(':'), int)).parse(i)
}

/// `64@112x112`.
pub(super) fn shape(i: &str) -> Res<'_, (u64, Vec<u64>)> {
    let (rest, (channels, sizes)) = separated_pair(int, char('@'), separated_list1(times, int)).parse(i)?;
    if channels == 0 || sizes.contains(&0) {
        return Err(SyntaxError::failure(i, Problem::ZeroSize));
    }
    Ok((rest, (channels, sizes)))
}

/// `3x3`.
pub(super) fn dims(i: &str) -> Res<'_, Vec<u64>> {
    let (rest, (first, others)) = pair(int, many1(preceded(times, int))).parse(i)?;
    Ok((rest, std::iter::once(first).chain(others).collect()))
}

/// `x3`.
pub(super) fn repeat(i: &str) -> Res<'_, u64> {
    let (rest, count) = preceded(times, int).parse(i)?;
    boundary(i, rest).map_err(|e| if word(i).is_ok() { SyntaxError::error(i, Expected::NAME) } else { e })?;
    Ok((rest, count))
}

/// A whole number.
pub(super) fn int(i: &str) -> Res<'_, u64> {
    let (rest, digits) = digits(i)?;
    match whole(digits).and_then(|n| u64::try_from(n).ok()) {
        Some(n) if n <= limits::NUMBER => Ok((rest, n)),
        _ => Err(SyntaxError::failure(i, Problem::NumberTooBig)),
    }
}

/// `64`, `903_400`, `0.75`, `1e-4`.
pub(super) fn number(i: &str) -> Res<'_, Rational> {
    let (rest, text) = number_text(i)?;
    match rational(text) {
        Some(value) => Ok((rest, value)),
        None => Err(SyntaxError::failure(i, Problem::NumberTooBig)),
    }
}

/// `40%`, as 2/5.
pub(super) fn percent(i: &str) -> Res<'_, Rational> {
    let (rest, text) = terminated(number_text, char('%')).parse(i)?;
    match rational(text).and_then(|r| reduced(r.num, r.den.checked_mul(100)?)) {
        Some(value) => Ok((rest, value)),
        None => Err(SyntaxError::failure(i, Problem::NumberTooBig)),
    }
}

/// A number as claimed figures have it: also with commas between groups of three digits. With its value comes how it was
/// written, without separators.
pub(super) fn claimed_number(i: &str) -> Res<'_, (Rational, String)> {
    let (rest, text) = alt((grouped_text, number_text)).parse(i)?;
    if rest.strip_prefix(',').is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(SyntaxError::failure(i, Problem::Grouping));
    }
    let written = text.replace(['_', ','], "").replace('−', "-");
    match rational(&written) {
        Some(value) => Ok((rest, (value, written))),
        None => Err(SyntaxError::failure(i, Problem::NumberTooBig)),
    }
}

fn number_text(i: &str) -> Res<'_, &str> {
    let exponent = (one_of("eE"), opt(one_of("+-−")), digits);
    recognize((digits, opt(pair(char('.'), digits)), opt(exponent))).parse(i)
}

/// `903,400`, `1,234.5`.
fn grouped_text(i: &str) -> Res<'_, &str> {
    let plain = |length: fn(usize) -> bool| verify(nom::character::complete::digit1, move |d: &str| length(d.len()));
    let groups = many1(preceded(char(','), plain(|n| n == 3)));
    let number = recognize((plain(|n| n <= 3), groups, opt(pair(char('.'), digits))));
    terminated(number, not(pair(opt(one_of(",_")), nom::character::complete::digit1))).parse(i)
}

/// The exact value of a number's text, or `None` if numerator or denominator pass 2^53.
fn rational(text: &str) -> Option<Rational> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let after = after.trim_end_matches(['0', '_']);
    let decimals = after.bytes().filter(u8::is_ascii_digit).count();
    let digits = whole(before).and_then(|n| append(n, after))?;
    let exponent: i64 = exponent.replace('−', "-").replace('_', "").parse().ok()?;
    let scale = exponent.checked_sub(i64::try_from(decimals).ok()?)?;
    let power = 10_i128.checked_pow(u32::try_from(scale.unsigned_abs()).ok()?)?;
    if scale < 0 { reduced(digits, power) } else { reduced(digits.checked_mul(power)?, 1) }
}

/// The value of digits with `_` between them.
fn whole(digits: &str) -> Option<i128> {
    append(0, digits)
}

fn append(number: i128, digits: &str) -> Option<i128> {
    let mut values = digits.chars().filter_map(|c| c.to_digit(10));
    values.try_fold(number, |n, digit| n.checked_mul(10)?.checked_add(i128::from(digit)))
}

/// The fraction in lowest terms, if both parts are within 2^53.
fn reduced(num: i128, den: i128) -> Option<Rational> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b)?);
    }
    let (num, den) = (num.checked_div(a)?, den.checked_div(a)?);
    let limit = i128::from(limits::NUMBER);
    (num <= limit && den <= limit).then_some(Rational { num, den })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Option<(i128, i128)> {
        literal(text).ok().and_then(|(rest, e)| match e {
            Expr::Number(r) if rest.is_empty() => Some((r.num, r.den)),
            _ => None,
        })
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(fraction("903_400"), Some((903_400, 1)));
        assert_eq!(fraction("0.75"), Some((3, 4)));
        assert_eq!(fraction("1e-4"), Some((1, 10_000)));
        assert_eq!(fraction("1e−4"), Some((1, 10_000)));
        assert_eq!(fraction("2.50e1"), Some((25, 1)));
        assert_eq!(fraction("40%"), Some((2, 5)));
        assert_eq!(fraction("0"), Some((0, 1)));
    }

    #[test]
    fn two_to_the_53_is_the_last_number() {
        assert_eq!(fraction("9007199254740992"), Some((9_007_199_254_740_992, 1)));
        for big in ["9007199254740993", "1e16", "1e-16", "1e99999999999999999999", &"9".repeat(100_000)] {
            let error = literal(big).expect_err("beyond the limit");
            assert!(matches!(error, nom::Err::Failure(e) if e.is(Problem::NumberTooBig)), "{big:.30}");
        }
    }

    #[test]
    fn longest_match_decides() {
        assert_eq!(literal("1:2x0:3"), Ok(("", Expr::Pads(vec![(1, 2), (0, 3)]))));
        assert_eq!(literal("3@16x112×112"), Ok(("", Expr::Shape(3, vec![16, 112, 112]))));
        assert_eq!(literal("7x7/2"), Ok(("/2", Expr::Dims(vec![7, 7]))));
        for malformed in ["3x", "64@", "12px", "5.", "1:2x3", "3x3@4", "1__0"] {
            let error = literal(malformed).expect_err(malformed);
            assert!(matches!(error, nom::Err::Failure(e) if e.is(Problem::Malformed)), "{malformed}");
        }
        assert_eq!(repeat("×3 relu"), Ok((" relu", 3)));
        assert!(matches!(repeat("x3a"), Err(nom::Err::Error(_))));
    }

    #[test]
    fn commas_group_thousands_in_claims_only_if_the_groups_are_right() {
        let value = |text| claimed_number(text).map(|(rest, (value, written))| (rest, value.num, written));
        assert_eq!(value("903,400 B"), Ok((" B", 903_400, "903400".into())));
        assert_eq!(value("12.60MB").map(|(rest, _, written)| (rest, written)), Ok(("MB", "12.60".into())));
        for wrong in ["2,80", "1234,567", "1,234,56", "1_0,000"] {
            assert!(matches!(claimed_number(wrong), Err(nom::Err::Failure(e)) if e.is(Problem::Grouping)), "{wrong}");
        }
    }
}
