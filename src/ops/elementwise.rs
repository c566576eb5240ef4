//! Arithmetic on the elements of known constants: what `binary.rs` needs to fold shape arithmetic.

use crate::tensor::{DType, Dim, Elements, Ratio};
use std::cmp::Ordering;

/// An operator's result on two whole numbers or booleans; an unknown number where it cannot be told, `None` where the
/// operator is not one on whole numbers.
pub(super) fn of_ints(name: &str, a: &Dim, b: &Dim, truncates: bool, left: bool) -> Option<Dim> {
    let known = |f: &dyn Fn(i64, i64) -> Option<i64>| match (a.known(), b.known()) {
        (Some(a), Some(b)) => f(a, b).map_or(Dim::Unknown, Dim::Known),
        _ => Dim::Unknown,
    };
    Some(match name {
        "Add" | "Sum" => a.plus(b),
        "Sub" => a.minus(b),
        "Mul" => a.times(b),
        "Div" => divide(a, b),
        "Mod" if truncates => known(&i64::checked_rem),
        "Mod" => a.modulo(b),
        "Pow" => known(&|a, b| u32::try_from(b).ok().and_then(|b| a.checked_pow(b))),
        "Max" => a.larger(b),
        "Min" => a.smaller(b),
        "And" => match (a.known(), b.known()) {
            (Some(0), _) | (_, Some(0)) => Dim::Known(0),
            (Some(_), Some(_)) => Dim::Known(1),
            _ => Dim::Unknown,
        },
        "Or" => match (a.known(), b.known()) {
            (Some(0), Some(0)) => Dim::Known(0),
            (Some(n), _) | (_, Some(n)) if n != 0 => Dim::Known(1),
            _ => Dim::Unknown,
        },
        "Xor" => known(&|a, b| Some(i64::from((a != 0) != (b != 0)))),
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => {
            decide(name, a, b).map_or(Dim::Unknown, |holds| Dim::Known(i64::from(holds)))
        }
        "BitwiseAnd" => known(&|a, b| Some(a & b)),
        "BitwiseOr" => known(&|a, b| Some(a | b)),
        "BitwiseXor" => known(&|a, b| Some(a ^ b)),
        "BitShift" => known(&|a, b| {
            let by = u32::try_from(b).ok()?;
            let factor = 1i64.checked_shl(by).filter(|f| *f > 0)?;
            if left { a.checked_mul(factor) } else { u64::try_from(a).ok().and_then(|_| a.checked_shr(by)) }
        }),
        _ => return None,
    })
}

/// A quotient as C rounds it, towards zero; free sizes, never negative, round down.
fn divide(a: &Dim, b: &Dim) -> Dim {
    match (a, b) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_div(*b).map_or(Dim::Unknown, Dim::Known),
        _ if a.is_never_negative() && b.is_never_negative() => a.floor_div(b),
        _ => a.exact_div(b).unwrap_or(Dim::Unknown),
    }
}

/// Whether a comparison holds, where that is certain for every choice of the symbols.
fn decide(name: &str, a: &Dim, b: &Dim) -> Option<bool> {
    let gap = a.minus(b);
    let at_least = |d: &Dim, n: i64| d.minus(&Dim::Known(n)).is_never_negative();
    let back = b.minus(a);
    let order = match gap.known() {
        Some(n) => Some(n.cmp(&0)),
        None if at_least(&gap, 1) => Some(Ordering::Greater),
        None if at_least(&back, 1) => Some(Ordering::Less),
        None => None,
    };
    match name {
        "Equal" => order.map(Ordering::is_eq),
        "Less" if at_least(&gap, 0) => Some(false),
        "Less" => order.map(Ordering::is_lt),
        "LessOrEqual" if at_least(&back, 0) => Some(true),
        "LessOrEqual" => order.map(Ordering::is_le),
        "Greater" if at_least(&back, 0) => Some(false),
        "Greater" => order.map(Ordering::is_gt),
        _ if at_least(&gap, 0) => Some(true),
        _ => order.map(Ordering::is_ge),
    }
}

/// An operator's results on pairs of floats, rounded to the type of its output; comparisons give whole numbers.
pub(super) fn of_floats(name: &str, a: &[f64], b: &[f64], dtype: DType, truncates: bool) -> Option<Elements> {
    let pairs = a.iter().copied().zip(b.iter().copied());
    let compared = |holds: fn(Ordering) -> bool| {
        let one = |(a, b): (f64, f64)| a.partial_cmp(&b).map(|o| Dim::Known(i64::from(holds(o))));
        pairs.clone().map(one).collect::<Option<Vec<_>>>().map(Elements::Ints)
    };
    let one: fn(f64, f64) -> f64 = match name {
        "Add" | "Sum" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f64::powf,
        "Mod" if truncates => |a, b| a % b,
        "Max" => f64::max,
        "Min" => f64::min,
        "Equal" => return compared(Ordering::is_eq),
        "Less" => return compared(Ordering::is_lt),
        "LessOrEqual" => return compared(Ordering::is_le),
        "Greater" => return compared(Ordering::is_gt),
        "GreaterOrEqual" => return compared(Ordering::is_ge),
        _ => return None,
    };
    pairs.map(|(a, b)| dtype.nearest(one(a, b))).collect::<Option<_>>().map(Elements::Floats)
}

/// The same where sizes are free: quotients, rounded where all is known; comparisons where every choice agrees.
pub(super) fn of_ratios(name: &str, a: &[Ratio], b: &[Ratio], dtype: DType) -> Option<Elements> {
    let pairs = a.iter().zip(b);
    let one: fn(&Ratio, &Ratio) -> Ratio = match name {
        "Add" | "Sum" => Ratio::plus,
        "Sub" => Ratio::minus,
        "Mul" => Ratio::times,
        "Div" => Ratio::over,
        "Max" => Ratio::larger,
        "Min" => Ratio::smaller,
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => {
            // What both are over does not change their order.
            let compared = |(a, b): (&Ratio, &Ratio)| {
                let (a, b, _) = a.common(b);
                of_ints(name, &a, &b, false, false)
            };
            return pairs.map(compared).collect::<Option<_>>().map(Elements::Ints);
        }
        _ => return None,
    };
    Some(Elements::of_ratios(pairs.map(|(a, b)| one(a, b)).collect(), dtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_sizes_are_compared_where_every_choice_agrees() {
        let n = Dim::symbol("N");
        let of = |name, a: &Dim, b: i64| of_ints(name, a, &Dim::Known(b), false, false);
        assert_eq!(of("Equal", &n, -1), Some(Dim::Known(0)));
        assert_eq!(of("Equal", &n, 0), Some(Dim::Known(0)));
        assert_eq!(of("Equal", &n, 1), Some(Dim::Unknown));
        assert_eq!(of("GreaterOrEqual", &n, 0), Some(Dim::Known(1)));
        assert_eq!(of("Less", &n, 0), Some(Dim::Known(0)));
        assert_eq!(of("Less", &n, 1), Some(Dim::Known(0)));
        assert_eq!(of("Less", &n, 2), Some(Dim::Unknown));
    }

    #[test]
    fn quotients_and_shifts_round_as_in_c() {
        let of = |name, a, b| of_ints(name, &Dim::Known(a), &Dim::Known(b), false, false);
        assert_eq!(of("Div", -7, 2), Some(Dim::Known(-3)));
        assert_eq!(of("Div", 1, 0), Some(Dim::Unknown));
        assert_eq!(of("Div", i64::MIN, -1), Some(Dim::Unknown));
        assert_eq!(of("Mod", -7, 3), Some(Dim::Known(2)));
        assert_eq!(of("BitShift", 9, 1), Some(Dim::Known(4)));
        assert_eq!(of("BitShift", 1, 64), Some(Dim::Unknown));
        assert_eq!(of_ints("Mod", &Dim::Known(-7), &Dim::Known(3), true, false), Some(Dim::Known(-1)));
    }
}
