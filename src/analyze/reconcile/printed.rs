//! A number as printed: its value, the precision that its digits give, and its unit.

use super::super::unit::{BYTES, COUNTS};
use crate::front::arch::ast::Rational;
use std::fmt;

/// A number as somebody printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its value, in its unit.
    pub value: Rational,
    /// Its digits and point, without separators.
    pub digits: String,
    /// The unit as written; empty for none.
    pub unit_name: String,
    /// What one of the unit is, in ones or bytes.
    pub unit: u64,
}

/// How a value agrees with a printed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Equal.
    Exact,
    /// Equal after rounding to the printed digits.
    Rounded,
    /// Equal when the digits after the printed ones are cut off.
    Truncated,
}

/// An exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) num: i128,
    pub(super) den: i128,
}

impl From<u64> for Exact {
    fn from(n: u64) -> Exact {
        Exact { num: n.into(), den: 1 }
    }
}

impl Exact {
    /// So many times this, over a divisor.
    pub(super) fn scaled(self, num: i128, den: i128) -> Option<Exact> {
        Some(Exact { num: self.num.checked_mul(num)?, den: self.den.checked_mul(den)? })
    }
}

/// Nouns that people write behind a number.
const COUNTED: &[&str] = &["FLOPs", "FLOPS", "MACs", "parameters", "params", "weights"];

impl Printed {
    /// Reads a number as people write it: `902,700`, `902_700`, `565 MB`, `3.8G`, `1.4 GFLOPs`. Or says what is wrong with it.
    pub fn read(text: &str) -> Result<Printed, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && !",_. ".contains(c)).unwrap_or(text.len());
        let (number, unit_name) = (&text[..end], text[end..].trim());
        // What is counted says nothing about the number.
        let unit_name = COUNTED.iter().find_map(|noun| unit_name.strip_suffix(noun)).unwrap_or(unit_name).trim_end();
        let digits: String = number.chars().filter(|c| !",_ ".contains(*c)).collect();
        let value = value(&digits)
            .ok_or_else(|| format!("`{text}` is no number; write it as `902,700`, `565 MB` or `3.8G`"))?;
        let mut units = COUNTS.iter().chain(BYTES);
        let unit = match unit_name {
            "" => 1,
            name => units.find(|(known, _)| *known == name).map(|(_, size)| *size).ok_or_else(|| {
                let known: Vec<_> = COUNTS.iter().chain(BYTES).map(|(known, _)| *known).collect();
                format!("`{name}` is no unit; units are {}", known.join(", "))
            })?,
        };
        Ok(Printed { value, digits, unit_name: unit_name.to_owned(), unit })
    }

    fn decimals(&self) -> u32 {
        self.digits.split_once('.').map_or(0, |(_, fraction)| u32::try_from(fraction.len()).unwrap_or(u32::MAX))
    }

    /// Digits from the first that is not 0.
    pub(super) fn significant(&self) -> usize {
        self.digits.chars().filter(char::is_ascii_digit).skip_while(|c| *c == '0').count()
    }

    /// How a value agrees with it when the unit is `unit`.
    pub(super) fn fit(&self, value: Exact, unit: u64) -> Option<Fit> {
        // In halves of the last digit: both sides over value.den · self.value.den · 10^decimals · 2.
        let scale = 10i128.checked_pow(self.decimals())?;
        let common = value.den.checked_mul(self.value.den)?;
        let step = i128::from(unit).checked_mul(common)?.checked_mul(2)?;
        let counted = value.num.checked_mul(self.value.den)?.checked_mul(scale)?.checked_mul(2)?;
        let claimed =
            self.value.num.checked_mul(i128::from(unit))?.checked_mul(value.den)?.checked_mul(scale)?.checked_mul(2)?;
        let gap = counted.checked_sub(claimed)?;
        let half = step / 2;
        match gap {
            0 => Some(Fit::Exact),
            _ if -half <= gap && gap < half => Some(Fit::Rounded),
            _ if 0 < gap && gap < step => Some(Fit::Truncated),
            _ => None,
        }
    }

    /// What the unit would be if it meant powers of 1024, with that unit's name.
    pub(super) fn binary_unit(&self) -> Option<(u64, &'static str)> {
        match self.unit_name.as_str() {
            "kB" => Some((1 << 10, "KiB")),
            "MB" => Some((1 << 20, "MiB")),
            "GB" => Some((1 << 30, "GiB")),
            "TB" => Some((1 << 40, "TiB")),
            "k" | "K" => Some((1 << 10, "Ki")),
            "M" => Some((1 << 20, "Mi")),
            "G" => Some((1 << 30, "Gi")),
            _ => None,
        }
    }

    /// Whether the unit is one of memory.
    pub(super) fn is_memory(&self) -> bool {
        self.unit_name.ends_with('B')
    }

    /// Whether the number is within so many percent of a count.
    pub(super) fn within_percent(&self, counted: u64, percent: i128) -> bool {
        let within = || {
            let counted = i128::from(counted).checked_mul(self.value.den)?;
            let claimed = self.value.num.checked_mul(i128::from(self.unit))?;
            Some(claimed.checked_sub(counted)?.checked_abs()?.checked_mul(100)? <= counted.checked_mul(percent)?)
        };
        within().unwrap_or(false)
    }

    /// Whether the number, read in powers of 1024, is up to 8 % more than a count of bytes: a file that holds names and
    /// headers beside the values.
    pub(super) fn is_file_of(&self, value: Exact) -> bool {
        let inside = || {
            let (unit, _) = self.binary_unit()?;
            let claimed = self.value.num.checked_mul(i128::from(unit))?.checked_mul(value.den)?;
            let counted = value.num.checked_mul(self.value.den)?;
            Some(claimed >= counted && claimed.checked_mul(100)? <= counted.checked_mul(108)?)
        };
        self.is_memory() && inside().unwrap_or(false)
    }
}

impl fmt::Display for Printed {
    /// `902,700`, `564.6 MB`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = self.digits.split_at(self.digits.find('.').unwrap_or(self.digits.len()));
        for (place, digit) in whole.chars().enumerate() {
            let comma = if place > 0 && (whole.len() - place).is_multiple_of(3) { "," } else { "" };
            write!(f, "{comma}{digit}")?;
        }
        let space = if self.unit_name.is_empty() { "" } else { " " };
        write!(f, "{fraction}{space}{}", self.unit_name)
    }
}

/// The value of digits that may have a point among them.
fn value(digits: &str) -> Option<Rational> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = u32::try_from(fraction.len()).ok()?;
    Rational::new([whole, fraction].concat().parse().ok()?, 10i128.checked_pow(places)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let read = |text| Printed::read(text).map(|p| (p.digits, p.unit, p.value));
        assert_eq!(read("902,700"), Ok(("902700".into(), 1, Rational { num: 902_700, den: 1 })));
        assert_eq!(read("18_613 600"), Ok(("18613600".into(), 1, Rational { num: 18_613_600, den: 1 })));
        assert_eq!(read("3.8G"), Ok(("3.8".into(), 1_000_000_000, Rational { num: 19, den: 5 })));
        assert_eq!(read("1.4 GFLOPs"), read("1.4G"));
        assert_eq!(read("2,700 parameters"), read("2700"));
        assert_eq!(read(" 12.60 MiB "), Ok(("12.60".into(), 1 << 20, Rational { num: 63, den: 5 })));
        for wrong in ["", "MB", "1.2.3", "12 Mb", "-4", "9".repeat(60).as_str()] {
            assert!(Printed::read(wrong).is_err(), "{wrong}");
        }
    }
}
