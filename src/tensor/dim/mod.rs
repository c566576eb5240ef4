//! Sizes of dimensions, and whole numbers that steer them: known, symbolic or unknown.
//!
//! A symbol stays a symbol through all arithmetic that can carry it. Expressions are polynomials with whole
//! coefficients over atoms (symbols, and quotients, remainders, minima and maxima that do not simplify), kept in a
//! canonical order, so that `N·2 − N` is `N` and equal sizes compare equal.

mod quotient;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Most terms that an expression may grow to before it is given up as unknown.
pub const TERMS: usize = 64;
/// Deepest nesting of quotients, minima and the like.
const DEPTH: u32 = 16;
/// Most values among which the smallest or largest is looked for.
const EXTREMES: usize = 16;
/// In place of the nesting of an expression that is only a name.
const NAMED: u32 = u32::MAX;

/// A whole number: a dimension's size, or an element of an integer tensor that steers shapes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// This number.
    Known(i64),
    /// An expression in free symbols.
    Symbolic(Arc<Expr>),
    /// Not known.
    Unknown,
}

/// A canonical polynomial over atoms: the sum of its terms, each a coefficient times a product of atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expr {
    terms: Vec<(Vec<Atom>, i64)>,
    depth: u32,
}

/// What cannot be taken apart further.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Atom {
    Symbol(Arc<str>),
    Call(Function, Dim, Dim),
}

impl Atom {
    fn least(&self) -> Option<i64> {
        let Atom::Call(function, a, b) = self else { return Some(1) };
        match (function, a.least(), b.least()) {
            (Function::Max, Some(a), Some(b)) => Some(a.max(b)),
            (Function::Max, Some(n), None) | (Function::Max, None, Some(n)) => Some(n),
            (Function::Min, Some(a), Some(b)) => Some(a.min(b)),
            (Function::Modulo, _, Some(1..)) => Some(0),
            (Function::Floor, Some(a @ 0..), Some(1..)) => Some(b.known().map_or(0, |b| a / b)),
            (Function::Ceil, Some(a @ 0..), Some(1..)) => {
                Some(b.known().map_or(a.min(1), |b| a / b + i64::from(a % b > 0)))
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Function {
    Floor,
    Ceil,
    Modulo,
    Min,
    Max,
}

impl Dim {
    /// A free symbol: any string an exporter may have written.
    pub fn symbol(name: &str) -> Dim {
        Dim::Symbolic(Arc::new(Expr { terms: vec![(vec![Atom::Symbol(name.into())], 1)], depth: 1 }))
    }

    /// A size that has a name and that nothing is computed with: it is equal to itself, adding 0 keeps it, and all else makes
    /// it unknown.
    pub fn named(name: &str) -> Dim {
        Dim::Symbolic(Arc::new(Expr { terms: vec![(vec![Atom::Symbol(name.into())], 1)], depth: NAMED }))
    }

    /// The number, if it is one.
    pub fn known(&self) -> Option<i64> {
        match self {
            Dim::Known(n) => Some(*n),
            Dim::Symbolic(_) | Dim::Unknown => None,
        }
    }

    /// The number as a size, if it is known and not negative.
    pub fn size(&self) -> Option<u64> {
        self.known().and_then(|n| u64::try_from(n).ok())
    }

    /// Names of the symbols in it, in order, each once.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        self.collect_symbols(&mut names);
        names.sort();
        names.dedup();
        names
    }

    fn collect_symbols(&self, names: &mut Vec<Arc<str>>) {
        let Dim::Symbolic(expr) = self else { return };
        for atom in expr.terms.iter().flat_map(|(atoms, _)| atoms) {
            match atom {
                Atom::Symbol(name) => names.push(Arc::clone(name)),
                Atom::Call(_, a, b) => {
                    a.collect_symbols(names);
                    b.collect_symbols(names);
                }
            }
        }
    }

    /// `self + other`.
    pub fn plus(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => a.checked_add(*b).map_or(Dim::Unknown, Dim::Known),
            _ => self.combine(other, 1),
        }
    }

    /// `self − other`.
    pub fn minus(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => a.checked_sub(*b).map_or(Dim::Unknown, Dim::Known),
            _ => self.combine(other, -1),
        }
    }

    fn combine(&self, other: &Dim, sign: i64) -> Dim {
        if *other == Dim::Known(0) {
            return self.clone();
        }
        let (Some(a), Some(b)) = (self.terms(), other.terms()) else { return Dim::Unknown };
        let mut sum: BTreeMap<Vec<Atom>, i64> = a.into_iter().collect();
        for (atoms, coefficient) in b {
            let Some(coefficient) = coefficient.checked_mul(sign) else { return Dim::Unknown };
            let slot = sum.entry(atoms).or_insert(0);
            let Some(total) = slot.checked_add(coefficient) else { return Dim::Unknown };
            *slot = total;
        }
        Dim::from_terms(sum)
    }

    /// `self · other`.
    pub fn times(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => return a.checked_mul(*b).map_or(Dim::Unknown, Dim::Known),
            (Dim::Known(0), _) | (_, Dim::Known(0)) => return Dim::Known(0),
            _ => {}
        }
        let (Some(a), Some(b)) = (self.terms(), other.terms()) else { return Dim::Unknown };
        if a.len().saturating_mul(b.len()) > TERMS {
            return Dim::Unknown;
        }
        let mut sum: BTreeMap<Vec<Atom>, i64> = BTreeMap::new();
        for (x, cx) in &a {
            for (y, cy) in &b {
                let mut atoms: Vec<Atom> = x.iter().chain(y).cloned().collect();
                atoms.sort();
                let slot = sum.entry(atoms).or_insert(0);
                let Some(total) = cx.checked_mul(*cy).and_then(|c| slot.checked_add(c)) else { return Dim::Unknown };
                *slot = total;
            }
        }
        Dim::from_terms(sum)
    }

    /// `⌊self / other⌋`, towards minus infinity. Division by zero is unknown.
    pub fn floor_div(&self, other: &Dim) -> Dim {
        match (self, other) {
            (_, Dim::Known(0)) => Dim::Unknown,
            (Dim::Known(a), Dim::Known(b)) => floor_div(*a, *b).map_or(Dim::Unknown, Dim::Known),
            (_, Dim::Known(d @ 1..)) => self.floor_div_by(*d),
            _ => self.divide(other, Function::Floor),
        }
    }

    /// `⌈self / other⌉`, towards plus infinity. Division by zero is unknown.
    pub fn ceil_div(&self, other: &Dim) -> Dim {
        match (self, other) {
            (_, Dim::Known(0)) => Dim::Unknown,
            (Dim::Known(a), Dim::Known(b)) => a
                .checked_neg()
                .and_then(|a| floor_div(a, *b))
                .and_then(i64::checked_neg)
                .map_or(Dim::Unknown, Dim::Known),
            (_, Dim::Known(d @ 1..)) => self.plus(&Dim::Known(*d - 1)).floor_div_by(*d),
            _ => self.divide(other, Function::Ceil),
        }
    }

    fn divide(&self, other: &Dim, function: Function) -> Dim {
        self.exact_div(other).unwrap_or_else(|| Dim::call(function, self, other))
    }

    /// The quotient when it is certain that nothing remains: every coefficient divisible, every atom of a one-term
    /// divisor in every term. Of a divisor with several terms, quotients of one term are found.
    pub fn exact_div(&self, other: &Dim) -> Option<Dim> {
        if let (Dim::Known(a), Dim::Known(b)) = (self, other) {
            return (*b != 0 && a.checked_rem(*b)? == 0).then(|| a / b).map(Dim::Known);
        }
        if self == other && *self != Dim::Unknown {
            return Some(Dim::Known(1));
        }
        let (dividend, divisor) = (self.terms()?, other.terms()?);
        // Of several terms the first decides what the quotient can be.
        let (first, more) = divisor.split_first()?;
        let quotient = divided(if more.is_empty() { &dividend } else { dividend.get(..1)? }, first)?;
        (more.is_empty() || quotient.times(other) == *self).then_some(quotient)
    }

    /// `self mod other`, with the sign of `other` (as Python and ONNX's integer `Mod` have it).
    pub fn modulo(&self, other: &Dim) -> Dim {
        match (self, other) {
            (_, Dim::Known(0)) => Dim::Unknown,
            (Dim::Known(a), Dim::Known(b)) => floor_div(*a, *b)
                .and_then(|q| q.checked_mul(*b))
                .and_then(|m| a.checked_sub(m))
                .map_or(Dim::Unknown, Dim::Known),
            _ if self.exact_div(other).is_some() => Dim::Known(0),
            _ => Dim::call(Function::Modulo, self, other),
        }
    }

    /// What is known of a size when two tensors must have the same: the more certain of both. `None` when they differ
    /// for certain.
    pub fn agree(&self, other: &Dim) -> Option<Dim> {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => (a == b).then(|| self.clone()),
            (Dim::Known(_), _) | (Dim::Symbolic(_), Dim::Symbolic(_) | Dim::Unknown) => Some(self.clone()),
            (_, other) => Some(other.clone()),
        }
    }

    /// The smaller of two.
    pub fn smaller(&self, other: &Dim) -> Dim {
        self.extreme(other, Function::Min, Ordering::Less)
    }

    /// The larger of two.
    pub fn larger(&self, other: &Dim) -> Dim {
        self.extreme(other, Function::Max, Ordering::Greater)
    }

    /// Whether it is certain that no choice of the symbols, which are sizes of at least 1, makes it negative.
    pub fn is_never_negative(&self) -> bool {
        let between_quotients = || {
            let (below, scale) = self.without_quotients()?;
            // A whole number above −1 is at least 0.
            Some(below.least()? > scale.checked_neg()?)
        };
        self.least().is_some_and(|n| n >= 0) || between_quotients() == Some(true)
    }

    /// A number that it is certain not to fall below, for symbols of at least 1.
    fn least(&self) -> Option<i64> {
        match self {
            Dim::Known(n) => Some(*n),
            Dim::Unknown => None,
            Dim::Symbolic(e) => e.terms.iter().try_fold(0i64, |sum, (atoms, coefficient)| {
                let start = (*coefficient >= 0 || atoms.is_empty()).then_some(*coefficient)?;
                let not_negative = |a: &Atom| a.least().filter(|n| *n >= 0);
                let term = atoms.iter().try_fold(start, |p, a| p.checked_mul(not_negative(a)?))?;
                sum.checked_add(term)
            }),
        }
    }

    fn extreme(&self, other: &Dim, function: Function, wanted: Ordering) -> Dim {
        if self == other {
            return self.clone();
        }
        let beats = |a: &Dim, b: &Dim| {
            let gap = if wanted == Ordering::Greater { a.minus(b) } else { b.minus(a) };
            gap.is_never_negative()
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        self.collect_extremes(function, &mut left);
        other.collect_extremes(function, &mut right);
        if left.len().saturating_add(right.len()) <= EXTREMES {
            // What another one beats is left out, wherever it stands.
            left.retain(|a| !right.iter().any(|b| beats(b, a) && !beats(a, b)));
            right.retain(|b| !left.iter().any(|a| beats(a, b)));
        }
        left.append(&mut right);
        left.sort();
        let mut rest = left.into_iter();
        let first = rest.next().unwrap_or(Dim::Unknown);
        rest.fold(first, |all, next| Dim::call(function, &all, &next))
    }

    /// Everything of which this is the smallest or the largest, or itself.
    fn collect_extremes(&self, function: Function, into: &mut Vec<Dim>) {
        if let Dim::Symbolic(expr) = self
            && let [(atoms, 1)] = expr.terms.as_slice()
            && let [Atom::Call(own, a, b)] = atoms.as_slice()
            && *own == function
        {
            a.collect_extremes(function, into);
            b.collect_extremes(function, into);
        } else {
            into.push(self.clone());
        }
    }

    fn call(function: Function, a: &Dim, b: &Dim) -> Dim {
        if *a == Dim::Unknown || *b == Dim::Unknown {
            return Dim::Unknown;
        }
        let depth = a.depth().max(b.depth()).saturating_add(1);
        if depth > DEPTH {
            return Dim::Unknown;
        }
        Dim::Symbolic(Arc::new(Expr { terms: vec![(vec![Atom::Call(function, a.clone(), b.clone())], 1)], depth }))
    }

    fn depth(&self) -> u32 {
        match self {
            Dim::Symbolic(e) => e.depth,
            Dim::Known(_) | Dim::Unknown => 0,
        }
    }

    fn terms(&self) -> Option<Vec<(Vec<Atom>, i64)>> {
        match self {
            Dim::Known(0) => Some(Vec::new()),
            Dim::Known(n) => Some(vec![(Vec::new(), *n)]),
            Dim::Symbolic(e) => (e.depth != NAMED).then(|| e.terms.clone()),
            Dim::Unknown => None,
        }
    }

    fn from_terms(terms: BTreeMap<Vec<Atom>, i64>) -> Dim {
        let terms: Vec<_> = terms.into_iter().filter(|(_, c)| *c != 0).collect();
        match terms.as_slice() {
            [] => Dim::Known(0),
            [(atoms, n)] if atoms.is_empty() => Dim::Known(*n),
            _ if terms.len() > TERMS => Dim::Unknown,
            _ => {
                let of_atom = |a: &Atom| match a {
                    Atom::Symbol(_) => 1,
                    Atom::Call(_, a, b) => a.depth().max(b.depth()).saturating_add(1),
                };
                let depth = terms.iter().flat_map(|(atoms, _)| atoms).map(of_atom).max().unwrap_or(0);
                Dim::Symbolic(Arc::new(Expr { terms, depth }))
            }
        }
    }
}

/// Terms over one term, if it is in every one of them.
fn divided(terms: &[(Vec<Atom>, i64)], (atoms, coefficient): &(Vec<Atom>, i64)) -> Option<Dim> {
    let mut quotient = BTreeMap::new();
    for (own, c) in terms {
        if c.checked_rem(*coefficient)? != 0 {
            return None;
        }
        let mut rest = own.clone();
        for atom in atoms {
            let at = rest.iter().position(|a| a == atom)?;
            rest.remove(at);
        }
        quotient.insert(rest, c.checked_div(*coefficient)?);
    }
    Some(Dim::from_terms(quotient))
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    let inexact = a.checked_rem(b)? != 0;
    if inexact && (a < 0) != (b < 0) { quotient.checked_sub(1) } else { Some(quotient) }
}

impl From<i64> for Dim {
    fn from(n: i64) -> Self {
        Dim::Known(n)
    }
}

impl From<u64> for Dim {
    /// Sizes beyond 2^63 are not representable and become unknown.
    fn from(n: u64) -> Self {
        i64::try_from(n).map_or(Dim::Unknown, Dim::Known)
    }
}

impl From<usize> for Dim {
    /// A count of things in memory.
    fn from(n: usize) -> Self {
        i64::try_from(n).map_or(Dim::Unknown, Dim::Known)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(n) => write!(f, "{n}"),
            Dim::Unknown => f.write_str("?"),
            Dim::Symbolic(e) => write!(f, "{e}"),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Constants come first in the canonical order; people write them last.
        let (constant, rest): (Vec<_>, Vec<_>) = self.terms.iter().partition(|(atoms, _)| atoms.is_empty());
        for (i, (atoms, coefficient)) in rest.into_iter().chain(constant).enumerate() {
            match (i, *coefficient < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                (_, true) => f.write_str(" - ")?,
                (_, false) => f.write_str(" + ")?,
            }
            let magnitude = coefficient.unsigned_abs();
            if atoms.is_empty() || magnitude != 1 {
                write!(f, "{magnitude}")?;
            }
            for (j, atom) in atoms.iter().enumerate() {
                if j > 0 || magnitude != 1 {
                    f.write_str("*")?;
                }
                match atom {
                    Atom::Symbol(name) => f.write_str(name)?,
                    Atom::Call(Function::Floor, a, b) => match quotient::rounded_up(a, b) {
                        Some(a) => write!(f, "ceil(({a})/({b}))")?,
                        None => write!(f, "floor(({a})/({b}))")?,
                    },
                    Atom::Call(Function::Ceil, a, b) => write!(f, "ceil(({a})/({b}))")?,
                    Atom::Call(Function::Modulo, a, b) => write!(f, "mod({a}, {b})")?,
                    Atom::Call(Function::Min, a, b) => write!(f, "min({a}, {b})")?,
                    Atom::Call(Function::Max, a, b) => write!(f, "max({a}, {b})")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Dim {
        Dim::symbol("N")
    }

    #[test]
    fn arithmetic_on_symbols_is_canonical() {
        let twice = n().plus(&n());
        assert_eq!(twice, n().times(&Dim::Known(2)));
        assert_eq!(twice.minus(&n()), n());
        assert_eq!(n().minus(&n()), Dim::Known(0));
        assert_eq!(n().times(&Dim::symbol("H")), Dim::symbol("H").times(&n()));
        assert_eq!(twice.to_string(), "2*N");
        assert_eq!(n().times(&n()).plus(&Dim::Known(-3)).to_string(), "N*N - 3");
    }

    #[test]
    fn quotients_simplify_only_when_exact() {
        let four_n = n().times(&Dim::Known(4));
        assert_eq!(four_n.floor_div(&Dim::Known(2)).to_string(), "2*N");
        assert_eq!(four_n.floor_div(&n()), Dim::Known(4));
        assert_eq!(n().plus(&Dim::Known(1)).floor_div(&Dim::Known(3)).to_string(), "floor((N + 1)/(3))");
        assert_eq!(n().plus(&Dim::Known(1)).floor_div(&Dim::Known(2)).to_string(), "ceil((N)/(2))");
        assert_eq!(four_n.modulo(&Dim::Known(2)), Dim::Known(0));
        let next = n().plus(&Dim::Known(1));
        assert_eq!(next.times(&four_n).floor_div(&next), four_n);
        assert_eq!(next.exact_div(&n().minus(&Dim::Known(1))), None);
        assert_eq!(n().floor_div(&Dim::Known(0)), Dim::Unknown);
    }

    #[test]
    fn known_division_rounds_as_named() {
        assert_eq!(Dim::Known(-7).floor_div(&Dim::Known(2)), Dim::Known(-4));
        assert_eq!(Dim::Known(7).ceil_div(&Dim::Known(2)), Dim::Known(4));
        assert_eq!(Dim::Known(-7).ceil_div(&Dim::Known(2)), Dim::Known(-3));
        assert_eq!(Dim::Known(-7).modulo(&Dim::Known(3)), Dim::Known(2));
        assert_eq!(Dim::Known(i64::MIN).floor_div(&Dim::Known(-1)), Dim::Unknown);
    }

    #[test]
    fn extremes_of_comparable_expressions_are_decided() {
        let next = n().plus(&Dim::Known(1));
        assert_eq!(n().larger(&next), next);
        assert_eq!(n().smaller(&next), n());
        assert_eq!(n().smaller(&Dim::Known(3)), Dim::Known(3).smaller(&n()));
        assert_eq!(n().larger(&Dim::Known(0)), n());
        assert_eq!(n().times(&n()).minus(&Dim::Known(2)).larger(&Dim::Known(0)).to_string(), "max(0, N*N - 2)");
        // The convolution's (N − 1) / 2 + 1 of a size of at least 1.
        let halved = n().minus(&Dim::Known(1)).floor_div(&Dim::Known(2)).plus(&Dim::Known(1));
        assert_eq!(halved.larger(&Dim::Known(1)), halved);
    }

    #[test]
    fn nothing_is_computed_with_a_name() {
        let name = Dim::named("N");
        assert_eq!(name.plus(&Dim::Known(0)), name);
        assert_eq!(name.larger(&name), name);
        assert_eq!(name.agree(&Dim::Unknown), Some(name.clone()));
        for computed in [name.times(&Dim::Known(1)), name.minus(&name), name.smaller(&Dim::Known(9))] {
            assert_eq!(computed, Dim::Unknown);
        }
    }

    #[test]
    fn growth_is_bounded() {
        let mut grown = Dim::Known(0);
        for i in 0..100 {
            grown = grown.plus(&Dim::symbol(&format!("s{i}")));
        }
        assert_eq!(grown, Dim::Unknown);
        let mut deep = n();
        for _ in 0..100 {
            deep = deep.plus(&Dim::Known(1)).modulo(&Dim::symbol("M"));
        }
        assert_eq!(deep, Dim::Unknown);
    }
}
