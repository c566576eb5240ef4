//! Cases in text with some of their whole numbers made extreme.

use proptest::sample::Index;
use std::ops::Range;

/// Whole numbers at which arithmetic goes wrong.
pub(crate) const EXTREMES: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    -(1 << 32),
    -2,
    -1,
    0,
    1,
    2,
    63,
    65,
    1 << 31,
    (1 << 32) + 1,
    1 << 53,
    1 << 62,
    i64::MAX - 1,
    i64::MAX,
];

/// A line of cases in which some whole numbers outside of names are these instead.
pub(crate) fn extreme(line: &str, edits: &[(Index, i64)]) -> String {
    let mut line = line.to_owned();
    for (index, number) in edits {
        let numbers = numbers(&line);
        if let Some(range) = numbers.get(index.index(numbers.len().max(1))) {
            line.replace_range(range.clone(), &number.to_string());
        }
    }
    line
}

/// Where a line has whole numbers: those that stand after a bracket, a comma or a blank, and before one.
fn numbers(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 1;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'-') {
            at += 1;
        }
        let alone = b"[, ".contains(&bytes[start - 1]) && bytes.get(at).is_some_and(|b| b"],}".contains(b));
        if alone && bytes[start..at].iter().any(u8::is_ascii_digit) {
            found.push(start..at);
        }
        at = at.max(start + 1);
    }
    found
}
