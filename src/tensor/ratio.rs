//! Quotients of sizes: what arithmetic on shapes makes of free sizes on its way through floats, `ceil(H / 2)` for one.

use super::dim::Dim;

/// Largest denominator. A quotient that is not whole is then so far from the next whole number that rounding to 32 bits
/// never takes it there, for any size of a tensor's dimension; exact arithmetic and the runtime's agree on floor and
/// ceiling.
const DENOMINATOR: i64 = 1 << 10;

/// A whole number, perhaps symbolic or unknown, over a small known one.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    numerator: Dim,
    /// At least 1.
    denominator: i64,
}

impl Ratio {
    /// A whole number.
    pub fn whole(n: Dim) -> Ratio {
        Ratio { numerator: n, denominator: 1 }
    }

    /// Not known.
    pub fn unknown() -> Ratio {
        Ratio::whole(Dim::Unknown)
    }

    /// A float, where it is a quotient with a small denominator; unknown where not.
    pub fn of(x: f64) -> Ratio {
        let mut denominator = 1i64;
        let mut numerator = x;
        while numerator.fract() != 0.0 && denominator < DENOMINATOR {
            numerator *= 2.0;
            denominator *= 2;
        }
        // Beyond 2^53 a float has no whole number of its own.
        if numerator.fract() != 0.0 || numerator.abs() > 9_007_199_254_740_992.0 {
            return Ratio::unknown();
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        let whole = numerator as i64;
        Ratio::new(Dim::Known(whole), Some(denominator))
    }

    /// In lowest terms as far as that is certain; unknown beyond the largest denominator (`None`: beyond 2^63).
    fn new(numerator: Dim, denominator: Option<i64>) -> Ratio {
        match denominator {
            Some(d) if d < 0 => Ratio::new(Dim::Known(0).minus(&numerator), d.checked_neg()),
            Some(d @ 1..) => match numerator.exact_div(&Dim::Known(d)) {
                Some(n) => Ratio::whole(n),
                None if d <= DENOMINATOR => Ratio { numerator, denominator: d },
                None => Ratio::unknown(),
            },
            _ => Ratio::unknown(),
        }
    }

    /// The whole number that it is, if it is certain to be one.
    pub fn as_whole(&self) -> Option<&Dim> {
        (self.denominator == 1).then_some(&self.numerator)
    }

    /// Its value, if nothing in it is free.
    pub fn value(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is wanted")]
        let quotient = |n: i64| n as f64 / self.denominator as f64;
        self.numerator.known().map(quotient)
    }

    /// Both numerators over one denominator, and that.
    pub fn common(&self, other: &Ratio) -> (Dim, Dim, Option<i64>) {
        if self.denominator == other.denominator {
            return (self.numerator.clone(), other.numerator.clone(), Some(self.denominator));
        }
        let raised = |a: &Ratio, by: i64| a.numerator.times(&Dim::Known(by));
        let denominator = self.denominator.checked_mul(other.denominator);
        (raised(self, other.denominator), raised(other, self.denominator), denominator)
    }

    /// The sum.
    pub fn plus(&self, other: &Ratio) -> Ratio {
        let (a, b, denominator) = self.common(other);
        Ratio::new(a.plus(&b), denominator)
    }

    /// The difference.
    pub fn minus(&self, other: &Ratio) -> Ratio {
        let (a, b, denominator) = self.common(other);
        Ratio::new(a.minus(&b), denominator)
    }

    /// The product.
    pub fn times(&self, other: &Ratio) -> Ratio {
        Ratio::new(self.numerator.times(&other.numerator), self.denominator.checked_mul(other.denominator))
    }

    /// The quotient: by a known number, or by a free size that divides without remainder.
    pub fn over(&self, other: &Ratio) -> Ratio {
        let (a, b, _) = self.common(other);
        match b.known() {
            Some(b) => Ratio::new(a, Some(b)),
            None => a.exact_div(&b).map_or_else(Ratio::unknown, Ratio::whole),
        }
    }

    /// The larger of two.
    pub fn larger(&self, other: &Ratio) -> Ratio {
        let (a, b, denominator) = self.common(other);
        Ratio::new(a.larger(&b), denominator)
    }

    /// The smaller of two.
    pub fn smaller(&self, other: &Ratio) -> Ratio {
        let (a, b, denominator) = self.common(other);
        Ratio::new(a.smaller(&b), denominator)
    }

    /// Rounded down.
    pub fn floor(&self) -> Dim {
        self.numerator.floor_div(&Dim::Known(self.denominator))
    }

    /// Rounded up.
    pub fn ceil(&self) -> Dim {
        self.numerator.ceil_div(&Dim::Known(self.denominator))
    }

    /// Rounded towards zero.
    pub fn truncated(&self) -> Dim {
        match self.numerator.known().and_then(|n| n.checked_div(self.denominator)) {
            Some(n) => Dim::Known(n),
            None if self.denominator == 1 || self.numerator.is_never_negative() => self.floor(),
            None => Dim::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> Ratio {
        Ratio::whole(Dim::symbol("H"))
    }

    #[test]
    fn halves_of_a_free_size_round_either_way() {
        let half = size().over(&Ratio::of(2.0));
        assert_eq!(half.ceil().to_string(), "ceil((H)/(2))");
        assert_eq!(half.truncated().to_string(), "floor((H)/(2))");
        assert_eq!(half, size().times(&Ratio::of(0.5)));
        assert_eq!(half.plus(&half), size());
        assert_eq!(half.minus(&size()).truncated(), Dim::Unknown);
    }

    #[test]
    fn floats_are_quotients_where_their_denominator_is_small() {
        assert_eq!(Ratio::of(-0.75).value(), Some(-0.75));
        assert_eq!(Ratio::of(0.1), Ratio::unknown());
        assert_eq!(Ratio::of(f64::NAN), Ratio::unknown());
        assert_eq!(Ratio::of(f64::INFINITY), Ratio::unknown());
        assert_eq!(Ratio::of(1.0).over(&Ratio::of(0.0)), Ratio::unknown());
        assert_eq!(size().over(&Ratio::of(-2.0)).floor().to_string(), "floor((-H)/(2))");
    }
}
