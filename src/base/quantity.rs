//! Checked quantities. Each is a whole number with its unit in its type; nothing here is a float, and nothing wraps.

use std::fmt;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// Nothing.
            pub const ZERO: $name = $name(0);

            /// The sum, or `None` beyond 2^64.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map($name)
            }

            /// So many times this, or `None` beyond 2^64.
            pub fn checked_mul(self, times: u64) -> Option<Self> {
                self.0.checked_mul(times).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Quantity for $name {
            fn new(count: u64) -> Self {
                $name(count)
            }
            fn count(self) -> u64 {
                self.0
            }
        }
    };
}

/// What the quantities have in common.
pub trait Quantity: Copy + Default + Ord + fmt::Display {
    /// So many of it.
    fn new(count: u64) -> Self;
    /// How many it is.
    fn count(self) -> u64;
}

/// A bare count, where the unit is said elsewhere.
impl Quantity for u64 {
    fn new(count: u64) -> Self {
        count
    }
    fn count(self) -> u64 {
        self
    }
}

quantity!(
    /// Values of a tensor, or parameters.
    Elements
);
quantity!(
    /// Bytes of memory.
    Bytes
);
quantity!(
    /// Multiply-accumulates: one multiplication with its addition.
    Macs
);

/// A quantity that may be known only from below.
///
/// `exact` is false when something that belongs to the sum is not known; the number is then a lower bound ("at least").
/// What is missing is listed beside it, in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AtLeast<Q> {
    /// The known part.
    pub least: Q,
    /// Whether something is missing from it.
    pub incomplete: bool,
}

impl<Q: Quantity> AtLeast<Q> {
    /// Known to the last unit.
    pub fn exact(count: Q) -> Self {
        AtLeast { least: count, incomplete: false }
    }

    /// Not known at all.
    pub fn unknown() -> Self {
        AtLeast { least: Q::default(), incomplete: true }
    }

    /// The number, if nothing is missing.
    pub fn known(self) -> Option<Q> {
        (!self.incomplete).then_some(self.least)
    }

    /// The sum. Beyond 2^64 it stays at the last sum and is marked incomplete.
    pub fn plus(self, other: Self) -> Self {
        let incomplete = self.incomplete || other.incomplete;
        match self.least.count().checked_add(other.least.count()) {
            Some(sum) => AtLeast { least: Q::new(sum), incomplete },
            None => AtLeast { least: self.least.max(other.least), incomplete: true },
        }
    }

    /// So many times this, with the same rule at the edge.
    pub fn times(self, n: u64) -> Self {
        match self.least.count().checked_mul(n) {
            Some(product) => AtLeast { least: Q::new(product), ..self },
            None => AtLeast { incomplete: true, ..self },
        }
    }
}

impl<Q: Quantity> std::iter::Sum for AtLeast<Q> {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(AtLeast::exact(Q::default()), AtLeast::plus)
    }
}

/// All digits in groups of three: `903,400`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let written: Vec<_> = [0, 999, 1_000, 903_400, u64::MAX].into_iter().map(grouped).collect();
        assert_eq!(written, ["0", "999", "1,000", "903,400", "18,446,744,073,709,551,615"]);
    }

    #[test]
    fn an_unknown_part_makes_a_lower_bound_and_overflow_does_too() {
        let sum = AtLeast::exact(Bytes(3)).plus(AtLeast::unknown());
        assert_eq!(sum, AtLeast { least: Bytes(3), incomplete: true });
        assert_eq!(AtLeast::exact(Bytes(u64::MAX)).plus(AtLeast::exact(Bytes(1))).known(), None);
        assert_eq!(AtLeast::exact(Macs(5)).times(3).known(), Some(Macs(15)));
    }
}
