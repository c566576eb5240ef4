//! Values of expressions.

use super::super::ast::Rational;
use crate::base::limits;
use crate::graph::ValueId;

/// What an expression comes to. Words borrow from the syntax tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// `64`, `0.75`, `in.c`.
    Number(Rational),
    /// `3x3`, one size for each axis.
    Sizes(Vec<u64>),
    /// `0:1`, before and after each axis.
    Pads(Vec<(u64, u64)>),
    /// A word of the language, such as an activation.
    Word(&'a str),
    /// `on`, `off`, or a comparison.
    Switch(bool),
    /// A label, or `in`.
    Tensor(ValueId),
    /// What a broken line left behind: using it is no second mistake.
    Lost,
}

impl Value<'_> {
    /// What it is, for messages: `the word `relu``.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Number(n) => format!("the number {n}"),
            Value::Sizes(s) => format!("the size `{}`", join(s)),
            Value::Pads(p) => format!("the pads `{}`", pads(p)),
            Value::Word(w) => format!("the word `{w}`"),
            Value::Switch(true) => "`on`".into(),
            Value::Switch(false) => "`off`".into(),
            Value::Tensor(_) => "a tensor".into(),
            Value::Lost => "nothing".into(),
        }
    }
}

/// Sizes as they are written: `3x3`.
pub(super) fn join(sizes: &[u64]) -> String {
    sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x")
}

/// Pads as they are written: `0:1x1:2`.
pub(super) fn pads(pads: &[(u64, u64)]) -> String {
    pads.iter().map(|(a, b)| format!("{a}:{b}")).collect::<Vec<_>>().join("x")
}

/// Why a number cannot be a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotASize {
    /// It has a fraction.
    Fractional,
    /// It is below what is wanted.
    TooSmall,
    /// It is beyond 2^53.
    TooBig,
}

/// A number as a count of something, at least `least`.
pub(super) fn count(n: Rational, least: u64) -> Result<u64, NotASize> {
    let whole = n.as_whole().ok_or(NotASize::Fractional)?;
    if whole < i128::from(least) {
        return Err(NotASize::TooSmall);
    }
    u64::try_from(whole).ok().filter(|n| *n <= limits::NUMBER).ok_or(NotASize::TooBig)
}

/// Digits in groups of three, as the language writes them.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digits.len().saturating_sub(i).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}
