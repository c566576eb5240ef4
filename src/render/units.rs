//! Numbers for people: grouped digits, decimal and binary units. Everything is rounded half up in whole numbers, so that
//! no figure loses a digit on its way through a float.

pub use crate::base::quantity::grouped;

use std::fmt::Write;

/// How bytes are written where there is room for one spelling only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// Powers of 1000: `565.6 MB`.
    #[default]
    Si,
    /// Powers of 1024: `539.4 MiB`.
    Iec,
    /// All digits: `565,613,600 B`.
    Bytes,
}

const SI: &[(&str, u64)] = &[
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
];
const IEC: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("PiB", 1 << 50)];
const COUNTS: &[(&str, u64)] =
    &[("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000), ("P", 1_000_000_000_000_000)];

/// A count with one decimal and the largest unit that leaves a digit before the point: `40.5 M`. Below 1000 all digits.
pub fn count(n: u64) -> String {
    scaled(n, COUNTS).unwrap_or_else(|| n.to_string())
}

/// Bytes in one spelling.
pub fn bytes(n: u64, units: Units) -> String {
    let short = match units {
        Units::Si => scaled(n, SI),
        Units::Iec => scaled(n, IEC),
        Units::Bytes => None,
    };
    short.unwrap_or_else(|| format!("{} B", grouped(n)))
}

/// Bytes in all three: `565,613,600 B = 565.6 MB = 539.4 MiB`.
pub fn bytes_in_full(n: u64) -> String {
    let mut out = bytes(n, Units::Bytes);
    for short in [scaled(n, SI), scaled(n, IEC)].into_iter().flatten() {
        let _ = write!(out, " = {short}");
    }
    out
}

/// A share of a whole in per cent, without decimals; `None` of nothing.
pub fn percent(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| rounded(u128::from(part) * 100, u128::from(whole)))
}

/// A share of a whole in so many steps.
pub fn steps(part: u64, whole: u64, steps: u64) -> u64 {
    if whole == 0 { 0 } else { rounded(u128::from(part) * u128::from(steps), u128::from(whole)) }
}

/// With one decimal, in the smallest unit that keeps it below the next one; `None` when it fills none.
fn scaled(n: u64, units: &[(&str, u64)]) -> Option<String> {
    let (_, step) = units.first().filter(|(_, first)| n >= *first)?;
    let tenths = |unit: u64| rounded(u128::from(n) * 10, u128::from(unit));
    let (name, unit) = units.iter().find(|(_, unit)| tenths(*unit) < step * 10).or(units.last())?;
    let tenths = tenths(*unit);
    Some(format!("{}.{} {name}", grouped(tenths / 10), tenths % 10))
}

/// The quotient, rounded half up. `part` is at most 2^64 · 100 here, the result far below 2^64.
fn rounded(part: u128, whole: u128) -> u64 {
    u64::try_from((part + whole / 2) / whole).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 565,613,600 / 10^6 = 565.61 and / 2^20 = 539.41, by hand.
    #[test]
    fn bytes_have_three_spellings() {
        assert_eq!(bytes_in_full(565_613_600), "565,613,600 B = 565.6 MB = 539.4 MiB");
        assert_eq!(bytes_in_full(1_000), "1,000 B = 1.0 kB");
        assert_eq!(bytes_in_full(12), "12 B");
        assert_eq!(bytes(3_613_600, Units::Iec), "3.4 MiB");
    }

    #[test]
    fn what_rounds_up_to_a_unit_is_written_in_it() {
        assert_eq!(count(999), "999");
        assert_eq!(count(950_000), "950.0 k");
        assert_eq!(count(999_949), "999.9 k");
        assert_eq!(bytes((1 << 20) - 1, Units::Iec), "1.0 MiB");
        assert_eq!(count(999_950), "1.0 M");
        assert_eq!(count(40_500_000), "40.5 M");
        assert_eq!(count(u64::MAX), "18,446.7 P");
    }

    #[test]
    fn shares_of_nothing_are_none() {
        assert_eq!(percent(1, 0), None);
        assert_eq!(percent(300, 565), Some(53));
        assert_eq!(steps(300, 300, 40), 40);
    }
}
