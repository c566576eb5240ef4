//! Exact arithmetic on the language's numbers. `None` is a result that does not fit, or a division by zero.

use super::ast::Rational;
use std::cmp::Ordering;
use std::fmt;

impl Rational {
    /// A whole number.
    pub const fn whole(n: i128) -> Rational {
        Rational { num: n, den: 1 }
    }

    /// `num / den` in lowest terms.
    pub fn new(num: i128, den: i128) -> Option<Rational> {
        let (num, den) = if den < 0 { (num.checked_neg()?, den.checked_neg()?) } else { (num, den) };
        let divisor = i128::try_from(gcd(num.unsigned_abs(), den.unsigned_abs())).ok()?;
        Some(Rational { num: num.checked_div(divisor)?, den: den.checked_div(divisor).filter(|d| *d > 0)? })
    }

    pub(super) fn plus(self, other: Rational) -> Option<Rational> {
        let (a, b) = (self.num.checked_mul(other.den)?, other.num.checked_mul(self.den)?);
        Rational::new(a.checked_add(b)?, self.den.checked_mul(other.den)?)
    }

    pub(super) fn minus(self, other: Rational) -> Option<Rational> {
        self.plus(other.negated()?)
    }

    pub(super) fn negated(self) -> Option<Rational> {
        Some(Rational { num: self.num.checked_neg()?, den: self.den })
    }

    pub(super) fn times(self, other: Rational) -> Option<Rational> {
        Rational::new(self.num.checked_mul(other.num)?, self.den.checked_mul(other.den)?)
    }

    pub(super) fn over(self, other: Rational) -> Option<Rational> {
        Rational::new(self.num.checked_mul(other.den)?, self.den.checked_mul(other.num)?)
    }

    /// Which is larger.
    pub(super) fn compare(self, other: Rational) -> Option<Ordering> {
        Some(self.num.checked_mul(other.den)?.cmp(&other.num.checked_mul(self.den)?))
    }

    /// The largest whole number that is not above it.
    pub(super) fn floor(self) -> i128 {
        self.num.div_euclid(self.den)
    }

    /// The smallest whole number that is not below it.
    pub(super) fn ceil(self) -> i128 {
        self.floor().saturating_add(i128::from(self.den != 1))
    }

    /// The nearest whole number, halves upwards.
    pub(super) fn round(self) -> Option<i128> {
        Some(self.plus(Rational { num: 1, den: 2 })?.floor())
    }

    /// MobileNet's `make_divisible`: the nearest multiple of `step` (at least one), and never less than nine tenths.
    pub(super) fn divisible(self, step: Rational) -> Option<Rational> {
        let nearest = Rational::whole(self.over(step)?.round()?).times(step)?;
        let nearest = if nearest.compare(step)?.is_lt() { step } else { nearest };
        let enough = self.times(Rational { num: 9, den: 10 })?;
        if nearest.compare(enough)?.is_lt() { nearest.plus(step) } else { Some(nearest) }
    }

    /// The value, if it is whole.
    pub(super) fn as_whole(self) -> Option<i128> {
        (self.den == 1).then_some(self.num)
    }

    /// The nearest double, for options that are real numbers.
    #[expect(clippy::cast_precision_loss, reason = "an attribute such as an exponent is a double in the end")]
    pub(super) fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for Rational {
    /// As a decimal where that ends after at most six places (`37.5`), else as a fraction (`7/3`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            return write!(f, "{}", self.num);
        }
        let mut scale = 10i128;
        for places in 1..=6usize {
            if scale % self.den == 0
                && let Some(digits) = self.num.checked_mul(scale / self.den)
            {
                let sign = if digits < 0 { "-" } else { "" };
                let (whole, rest) =
                    (digits.unsigned_abs() / scale.unsigned_abs(), digits.unsigned_abs() % scale.unsigned_abs());
                return write!(f, "{sign}{whole}.{rest:0places$}");
            }
            scale *= 10;
        }
        write!(f, "{}/{}", self.num, self.den)
    }
}

#[cfg(test)]
mod tests {
    use super::Rational;

    fn ratio(num: i128, den: i128) -> Rational {
        Rational::new(num, den).unwrap()
    }

    #[test]
    fn arithmetic_is_exact_and_in_lowest_terms() {
        assert_eq!(Rational::whole(50).times(ratio(3, 4)), Some(ratio(75, 2)));
        assert_eq!(ratio(1, 3).plus(ratio(1, 6)), Some(ratio(1, 2)));
        assert_eq!(ratio(2, -4), ratio(-1, 2));
        assert_eq!(Rational::whole(1).over(Rational::whole(0)), None);
        assert_eq!(Rational::whole(i128::MAX).plus(Rational::whole(1)), None);
    }

    #[test]
    fn rounding_goes_where_its_name_says() {
        assert_eq!((ratio(-7, 2).floor(), ratio(-7, 2).ceil(), ratio(-7, 2).round()), (-4, -3, Some(-3)));
        assert_eq!((ratio(5, 2).floor(), ratio(5, 2).ceil(), ratio(5, 2).round()), (2, 3, Some(3)));
    }

    /// Values of `_make_divisible(v, 8)` in tensorflow/models' mobilenet, computed by hand from its three lines.
    #[test]
    fn divisible_is_make_divisible() {
        let of = |num, den| ratio(num, den).divisible(Rational::whole(8));
        assert_eq!(of(224, 5), Some(Rational::whole(48)));
        assert_eq!(of(3, 1), Some(Rational::whole(8)));
        assert_eq!(of(11, 1), Some(Rational::whole(16)));
        assert_eq!(of(18, 1), Some(Rational::whole(24)));
        assert_eq!(of(20, 1), Some(Rational::whole(24)));
    }

    #[test]
    fn fractions_print_as_people_write_them() {
        assert_eq!(ratio(75, 2).to_string(), "37.5");
        assert_eq!(ratio(-3, 80).to_string(), "-0.0375");
        assert_eq!(ratio(7, 3).to_string(), "7/3");
    }
}
