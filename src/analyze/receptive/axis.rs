//! What one unit sees along one axis.
//!
//! Unit `u` of a value sees the positions from `base + step·⌊(u·num + first) / den⌋` to the same with its own `base` and
//! `last`. A window behind it changes `num`, `first` and `last`; an upsampling brings in `den`, because neighbouring units
//! then lie on the same or on neighbouring positions by turns, and what several of them see is not simply their number
//! times a fraction. Branches are united.

use crate::ops::rules::Tap;

/// What a unit sees along one axis: its first and last position, each as `base + step·⌊(u·num + shift) / den⌋`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    first: End,
    last: End,
    step: i128,
    num: i128,
    den: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    base: i128,
    shift: i128,
}

impl Axis {
    /// A unit of the input sees itself.
    pub(super) const POINT: Axis = Axis { first: End::ZERO, last: End::ZERO, step: 1, num: 1, den: 1 };

    /// All of an input of this size, whatever the unit.
    pub(super) fn all(size: u64) -> Option<Axis> {
        let last = End { base: 0, shift: i128::from(size).checked_sub(1)? };
        Some(Axis { last, num: 0, ..Axis::POINT })
    }

    /// Whether every unit sees the same.
    pub(super) fn is_whole(self) -> bool {
        self.num == 0 || self.step == 0
    }

    pub(super) fn through(self, tap: &Tap) -> Option<Axis> {
        let (num, den) = (i128::from(tap.num), i128::from(tap.den));
        let (first, last) = (i128::from(tap.first), i128::from(tap.last));
        let axis = if den == 1 {
            let end = |end: End, shift: i128| {
                Some(End { shift: shift.checked_mul(self.num)?.checked_add(end.shift)?, ..end })
            };
            Axis {
                first: end(self.first, first)?,
                last: end(self.last, last)?,
                num: self.num.checked_mul(num)?,
                ..self
            }
        } else if self.den == 1 {
            // Every position is one of the axis before it: those become the steps.
            let end = |end: End, shift: i128| {
                Some(End { base: self.step.checked_mul(end.shift)?.checked_add(end.base)?, shift })
            };
            let step = self.step.checked_mul(self.num)?;
            Axis { first: end(self.first, first)?, last: end(self.last, last)?, step, num, den }
        } else {
            // ⌊(⌊y/den⌋·num + shift) / own⌋ is exact for num = 1; otherwise a bound that covers it.
            let slack = if self.num == 1 { 0 } else { den.checked_sub(1)? };
            let end = |end: End, shift: i128| {
                let moved = shift.checked_mul(self.num)?;
                Some(End { shift: moved.checked_add(end.shift.checked_mul(den)?)?, ..end })
            };
            let (num, den) = (self.num.checked_mul(num)?, self.den.checked_mul(den)?);
            Axis { first: end(self.first, first.checked_sub(slack)?)?, last: end(self.last, last)?, num, den, ..self }
        };
        axis.reduced()
    }

    /// The same with `num` and `den` in lowest terms, and without base and step once `den` is 1.
    fn reduced(self) -> Option<Axis> {
        let gcd = gcd(self.num, self.den);
        let (num, den) = (self.num / gcd, self.den / gcd);
        let end = |end: End| End { shift: end.shift.div_euclid(gcd), ..end };
        let axis = Axis { first: end(self.first), last: end(self.last), num, den, ..self };
        if den != 1 {
            return Some(axis);
        }
        let end = |end: End| Some(End { base: 0, shift: self.step.checked_mul(end.shift)?.checked_add(end.base)? });
        Some(Axis { first: end(axis.first)?, last: end(axis.last)?, step: 1, num: num.checked_mul(self.step)?, den: 1 })
    }

    /// The smallest axis of this form that sees what either sees.
    pub(super) fn union(self, other: Axis) -> Option<Axis> {
        if self == other {
            return Some(self);
        }
        let (a, b) = (self.line()?, other.line()?);
        // Over the same denominator; of two strides the larger is kept.
        let over = |x: i128, den: i128| x.checked_mul(den);
        let den = a.den.checked_mul(b.den)?;
        let first = over(a.first.shift, b.den)?.min(over(b.first.shift, a.den)?);
        let last = over(a.last.shift, b.den)?.max(over(b.last.shift, a.den)?);
        let num = over(a.num, b.den)?.max(over(b.num, a.den)?);
        Axis { first: End { base: 0, shift: first }, last: End { base: 0, shift: last }, step: 1, num, den }.reduced()
    }

    /// The same without base and step: exact while `den` is 1, otherwise the least that covers it.
    fn line(self) -> Option<Axis> {
        if self.den == 1 {
            return Some(self);
        }
        let end = |end: End, slack: i128| {
            let steps = self.step.checked_mul(end.shift.checked_sub(slack)?)?;
            Some(End { base: 0, shift: end.base.checked_mul(self.den)?.checked_add(steps)? })
        };
        let num = self.step.checked_mul(self.num)?;
        Some(Axis {
            first: end(self.first, self.den.checked_sub(1)?)?,
            last: end(self.last, 0)?,
            step: 1,
            num,
            den: self.den,
        })
    }

    /// Positions from the first to the last that the luckiest unit sees. Every remainder occurs, `num` and `den` having no
    /// common divisor, so the floors of two shifts differ by at most their distance over `den`, rounded up.
    pub(super) fn size(self) -> Option<i128> {
        let distance = self.last.shift.checked_sub(self.first.shift)?;
        let steps = distance.checked_add(self.den.checked_sub(1)?)?.div_euclid(self.den);
        self.step.checked_mul(steps)?.checked_add(self.last.base)?.checked_sub(self.first.base)?.checked_add(1)
    }

    /// The first position that unit 0 sees.
    pub(super) fn offset(self) -> Option<i128> {
        self.step.checked_mul(self.first.shift.div_euclid(self.den))?.checked_add(self.first.base)
    }

    /// Positions between neighbouring units, as a fraction in lowest terms; those seen by the only one there is, where
    /// one sees everything.
    pub(super) fn stride(self) -> Option<(u64, u64)> {
        if self.is_whole() {
            return Some((u64::try_from(self.size()?).ok()?, 1));
        }
        let num = self.step.checked_mul(self.num)?;
        let gcd = gcd(num, self.den);
        Some((u64::try_from(num / gcd).ok()?, u64::try_from(self.den / gcd).ok()?))
    }
}

impl End {
    const ZERO: End = End { base: 0, shift: 0 };
}

/// Of two numbers of which the second is at least 1.
fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.saturating_abs(), b);
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}
