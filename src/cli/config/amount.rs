//! Limits of a budget, as they are written: `1M`, `64 MiB`, `5 %`.

use cnnsize::analyze::quantity::{QUANTITIES, Quantity};
use cnnsize::analyze::unit::{BYTES, COUNTS};
use cnnsize::base::suggest;

/// An upper limit of a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Limit {
    /// The quantity's name.
    pub quantity: String,
    /// The largest figure that is allowed.
    pub most: u64,
    /// As the user wrote it.
    pub written: String,
}

/// How much a quantity may grow over the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Growth {
    /// The quantity's name.
    pub quantity: String,
    /// In millionths of what it was.
    pub millionths: u64,
    /// As the user wrote it.
    pub written: String,
}

/// The quantity that a key of a budget names; of one of a line (`conv1.params`) only the last part is known here.
/// `others`: keys that stand among the quantities.
pub(super) fn quantity(name: &str, others: &[&'static str]) -> Result<&'static Quantity, String> {
    let limited = || QUANTITIES.iter().filter(|quantity| !quantity.noun.is_empty());
    let of_model = limited().find(|quantity| quantity.is_of_model() && quantity.name == name);
    let of_line = || {
        let (line, part) = name.rsplit_once('.').filter(|(line, _)| !line.is_empty())?;
        // `infer.memroy` is a slip, not a line called `infer`.
        let heads = limited().filter_map(|quantity| quantity.name.split_once('.')).map(|(head, _)| head);
        let is_line = heads.into_iter().all(|head| head != line);
        limited().find(|quantity| is_line && !quantity.is_of_model() && quantity.name == part)
    };
    of_model.or_else(of_line).ok_or_else(|| {
        let names = limited().filter(|quantity| quantity.is_of_model()).map(|quantity| quantity.name);
        let help = match suggest::nearest(name, names.clone().chain(others.iter().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("quantities are {}", names.collect::<Vec<_>>().join(", ")),
        };
        format!("`{name}` is no quantity of a budget\n{help}")
    })
}

/// The number that a limit stands for.
pub(super) fn amount(text: &str, quantity: &Quantity) -> Result<u64, String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let (own, other) = if quantity.memory { (BYTES, COUNTS) } else { (COUNTS, BYTES) };
    let size = match own.iter().find(|(name, _)| *name == unit) {
        Some((_, size)) => *size,
        None if unit.is_empty() && quantity.memory => {
            return Err(format!(
                "`{text}` has no unit, and memory needs one\nwrite `{text} MB` (10^6) or `{text} MiB` (2^20)"
            ));
        }
        None if unit.is_empty() => 1,
        None => {
            let names: Vec<_> = own.iter().map(|(name, _)| *name).collect();
            let fits = if other.iter().any(|(name, _)| *name == unit) { "does not fit" } else { "is no unit" };
            return Err(format!(
                "`{unit}` {fits}: `{}` is counted in {}\nwrite it as `400 {}`",
                quantity.name,
                quantity.noun,
                names[names.len().min(3) - 1]
            ));
        }
    };
    scaled(number, size).ok_or_else(|| {
        format!(
            "`{text}` is no number below 2^64\nwrite digits, such as `{}`",
            if quantity.memory { "64 MiB" } else { "1.5M" }
        )
    })
}

/// `5 %`, in millionths.
pub(super) fn growth(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no share\nwrite it in per cent: `5 %`");
    let number = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
    scaled(number, 10_000).ok_or_else(wrong)
}

/// A decimal number times a unit, rounded down.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let digits = number.replace('_', "");
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let all: u128 = format!("{whole}{part}").parse().ok()?;
    u64::try_from(all.checked_mul(u128::from(unit))? / scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_exact_and_memory_needs_its_unit() {
        let of = |name: &str, text: &str| amount(text, quantity(name, &[]).unwrap());
        assert_eq!(of("params", "1_000_000"), Ok(1_000_000));
        assert_eq!(of("params", "1.5M"), Ok(1_500_000));
        assert_eq!(of("infer.memory", "64 MiB"), Ok(67_108_864));
        assert_eq!(of("train.memory", "0.5kB"), Ok(500));
        assert!(of("train.memory", "400").unwrap_err().contains("no unit"));
        assert!(of("params", "400 MB").is_err() && of("params", "-1").is_err() && of("params", "1e6").is_err());
        assert!(of("macs", "99999999999G").is_err());
        assert_eq!((growth("5 %"), growth("0.5%")), (Ok(50_000), Ok(5_000)));
        assert!(growth("5").is_err());
    }

    #[test]
    fn a_slip_in_a_quantity_is_no_line() {
        assert!(quantity("infer.memroy", &[]).unwrap_err().contains("`infer.memory`"));
        assert!(quantity("out", &[]).is_err());
        assert_eq!(quantity("conv1.params", &[]).unwrap().name, "params");
    }
}
