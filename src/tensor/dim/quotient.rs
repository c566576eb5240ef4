//! Quotients of free sizes: one form for those that are equal, and bounds on them.

use super::{Atom, Dim, Function};
use std::collections::BTreeMap;

impl Dim {
    /// `⌊self / divisor⌋`, in one form for equal quotients: what divides is taken out, the constant that stays is from
    /// 0 to `divisor − 1`, and a quotient of a quotient is one quotient, `⌊(⌊x / e⌋ + k) / d⌋ = ⌊(x + k·e) / (e·d)⌋`.
    pub(super) fn floor_div_by(&self, divisor: i64) -> Dim {
        let Some(terms) = self.terms() else { return Dim::Unknown };
        let (mut whole, mut rest) = (BTreeMap::new(), BTreeMap::new());
        let mut common = divisor;
        for (atoms, coefficient) in terms {
            let (quotient, remainder) = (coefficient.div_euclid(divisor), coefficient.rem_euclid(divisor));
            if atoms.is_empty() || remainder == 0 {
                whole.insert(atoms.clone(), quotient);
                rest.insert(atoms, remainder);
            } else {
                common = gcd(common, coefficient);
                rest.insert(atoms, coefficient);
            }
        }
        // ⌊(g·x + c) / (g·d)⌋ = ⌊(x + ⌊c / g⌋) / d⌋.
        for coefficient in rest.values_mut() {
            *coefficient = coefficient.div_euclid(common);
        }
        let (whole, rest, divisor) = (Dim::from_terms(whole), Dim::from_terms(rest), divisor.div_euclid(common));
        let part = match rest.as_quotient() {
            _ if rest == Dim::Known(0) || divisor == 1 => rest,
            Some((inner, by, added)) if by.checked_mul(divisor).is_some() => {
                inner.plus(&Dim::Known(added).times(&Dim::Known(by))).floor_div_by(by.saturating_mul(divisor))
            }
            _ => Dim::call(Function::Floor, &rest, &Dim::Known(divisor)),
        };
        whole.plus(&part)
    }

    /// `x`, `e` and `k` where it is `⌊x / e⌋ + k`.
    fn as_quotient(&self) -> Option<(&Dim, i64, i64)> {
        let Dim::Symbolic(expr) = self else { return None };
        let (added, term) = match expr.terms.as_slice() {
            [term] => (0, term),
            [(constant, added), term] if constant.is_empty() => (*added, term),
            _ => return None,
        };
        match term {
            (atoms, 1) => match atoms.as_slice() {
                [Atom::Call(Function::Floor, inner, Dim::Known(by))] => Some((inner, *by, added)),
                _ => None,
            },
            _ => None,
        }
    }

    /// This one over what divides it is a whole number: a polynomial without quotients that is never more than so many
    /// times that, and how many times. From `(x − d + 1) / d ≤ ⌊x / d⌋ ≤ x / d`, where a quotient stands alone in a term.
    pub(super) fn without_quotients(&self) -> Option<(Dim, i64)> {
        let terms = self.terms()?;
        let common = terms.iter().fold(0, |common, (_, coefficient)| gcd(common, *coefficient));
        let terms: Vec<_> = terms.into_iter().map(|(atoms, n)| (atoms, n / common)).collect();
        let quotient = |atoms: &[Atom]| match atoms {
            [Atom::Call(Function::Floor, inner, Dim::Known(by @ 1..))] => Some((inner.clone(), *by)),
            _ => None,
        };
        let divisors = terms.iter().filter_map(|(atoms, _)| quotient(atoms));
        let scale = divisors.map(|(_, by)| by).try_fold(1i64, |scale, by| scale.checked_mul(by / gcd(scale, by)))?;
        let mut sum = Dim::Known(0);
        for (atoms, coefficient) in terms {
            let term = match quotient(&atoms) {
                Some((inner, by)) => {
                    let slack = if coefficient > 0 { by.checked_sub(1)? } else { 0 };
                    inner.minus(&Dim::Known(slack)).times(&Dim::Known(coefficient.checked_mul(scale / by)?))
                }
                None => Dim::from_terms([(atoms, coefficient.checked_mul(scale)?)].into()),
            };
            sum = sum.plus(&term);
        }
        (sum != Dim::Unknown).then_some((sum, scale))
    }
}

/// `x` of a quotient `⌊(x + d − 1) / d⌋`, which is `⌈x / d⌉` and easier read so.
pub(super) fn rounded_up(dividend: &Dim, divisor: &Dim) -> Option<Dim> {
    let (Dim::Symbolic(expr), slack) = (dividend, divisor.known()?.checked_sub(1)?) else { return None };
    let added = expr.terms.first().filter(|(atoms, _)| atoms.is_empty()).map(|(_, added)| *added)?;
    (added == slack).then(|| dividend.minus(&Dim::Known(slack)))
}

/// The largest number that divides both, at least 1.
fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a.saturating_abs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: two convolutions of stride 2 on the one side, a pool of stride 4 on the other.
    #[test]
    fn equal_quotients_have_one_form() {
        let over = |n: &Dim, by: i64| n.floor_div(&Dim::Known(by));
        let (one, h) = (Dim::Known(1), Dim::symbol("H"));
        let halved = |n: &Dim| over(&n.minus(&one), 2).plus(&one);
        assert_eq!(halved(&halved(&h)), h.ceil_div(&Dim::Known(4)));
        assert_eq!(halved(&h), over(&h.plus(&one), 2));
        assert_eq!(over(&h.times(&Dim::Known(6)).plus(&Dim::Known(11)), 4).to_string(), "ceil((3*H)/(2)) + 2");
        assert_eq!(over(&h.times(&Dim::Known(-1)), 2).plus(&over(&h, 2)).known(), None);
        // 2·⌈H / 4⌉ ≥ ⌈H / 2⌉, and 2·⌊H / 2⌋ ≤ H.
        let (quarter, half) = (h.ceil_div(&Dim::Known(4)), h.ceil_div(&Dim::Known(2)));
        assert_eq!(quarter.times(&Dim::Known(2)).larger(&half), quarter.times(&Dim::Known(2)));
        assert_eq!(over(&h, 2).times(&Dim::Known(2)).larger(&h), h);
        let (sixteenth, eighth) = (h.ceil_div(&Dim::Known(16)), h.ceil_div(&Dim::Known(8)));
        let (four, two) = (sixteenth.times(&Dim::Known(4)), eighth.times(&Dim::Known(2)));
        assert_eq!(four.larger(&two), four);
        let others = Dim::symbol("A").larger(&two);
        assert_eq!(others.larger(&four), four.larger(&Dim::symbol("A")));
    }
}
