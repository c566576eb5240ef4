//! Values of options, read from the command line. What is wrong with one is said by what stands there, then by what
//! could.

use cnnsize::analyze::convention::{self, CONVENTIONS, Convention, REFUSED};
use cnnsize::base::{limits, suggest};
use cnnsize::front::arch::ast::{Rational, Size};
use cnnsize::tensor::DType;

/// A whole number, `1_000_000` too.
pub(super) fn whole(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    match digits.parse() {
        Ok(n) if n <= limits::NUMBER && !digits.starts_with('+') => Ok(n),
        Ok(_) => Err("a number of at most 2^53 is wanted".into()),
        Err(_) => Err("a whole number is wanted, such as 50".into()),
    }
}

/// A whole number, at least 1.
pub(super) fn count(text: &str) -> Result<u64, String> {
    whole(text).and_then(|n| if n == 0 { Err("at least 1 is wanted".into()) } else { Ok(n) })
}

/// `20`, or `all`.
pub(super) fn top(text: &str) -> Result<usize, String> {
    match text.parse() {
        _ if text == "all" => Ok(usize::MAX),
        Ok(n @ 1..) => Ok(n),
        _ => Err("a number from 1 on is wanted, or `all`".into()),
    }
}

/// Columns of a terminal; fewer than 20 hold no figure.
pub(super) fn width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(width) if (20..=10_000).contains(&width) => Ok(width),
        _ => Err("a number from 20 to 10000 is wanted".into()),
    }
}

/// `NAME=VALUE`.
fn named<T>(text: &str, example: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<(String, T), String> {
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), read(value)?)),
        _ => Err(format!("a name and a value are wanted, such as `{example}`")),
    }
}

/// `N=8`.
pub(super) fn dimension(text: &str) -> Result<(String, u64), String> {
    named(text, "N=8", whole)
}

/// `k=48`, `alpha=0.75`, `rate=40%`.
pub(super) fn let_value(text: &str) -> Result<(String, Rational), String> {
    named(text, "k=48", number)
}

/// `3@384x384`, `x=1x3x224x224`: perhaps a name, and a size.
pub(super) fn input(text: &str) -> Result<(Option<String>, Size), String> {
    match text.rsplit_once('=') {
        Some((name, value)) => Ok((Some(name.into()), size(value)?)),
        None => Ok((None, size(text)?)),
    }
}

fn size(text: &str) -> Result<Size, String> {
    let dims = |text: &str| text.split(['x', '×']).map(whole).collect::<Result<Vec<_>, _>>();
    let read = match text.split_once('@') {
        Some((channels, sizes)) => whole(channels).and_then(|channels| Ok(Size::Shape(channels, dims(sizes)?))),
        None => dims(text).map(|dims| match dims[..] {
            [one] => Size::Number(one),
            _ => Size::Dims(dims),
        }),
    };
    read.map_err(|_| "a size is wanted, such as `3@224x224` or `1x3x224x224`".into())
}

/// An exact decimal number, perhaps in per cent.
fn number(text: &str) -> Result<Rational, String> {
    let wrong = || "a number is wanted, such as 48, 0.75 or 40%".to_string();
    let (digits, percent) = text.strip_suffix('%').map_or((text, 1), |digits| (digits, 100));
    let digits = digits.replace('_', "");
    let (sign, digits) = digits.strip_prefix('-').map_or((1, &*digits), |digits| (-1, digits));
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{before}{behind}");
    if !all.bytes().all(|b| b.is_ascii_digit()) || before.is_empty() {
        return Err(wrong());
    }
    let numerator: i128 = all.parse().map_err(|_| wrong())?;
    let scale = u32::try_from(behind.len()).ok().and_then(|places| 10i128.checked_pow(places)).ok_or_else(wrong)?;
    let denominator = scale.checked_mul(percent).ok_or_else(wrong)?;
    Rational::new(sign * numerator, denominator).ok_or_else(wrong)
}

/// The contents of an input that steers shapes: `shape=2,3,5,6`.
pub(super) fn contents(text: &str) -> Result<(String, Vec<String>), String> {
    let list = |values: &str| match values {
        "" => Vec::new(),
        _ => values.split(',').map(|value| value.trim().to_string()).collect(),
    };
    named(text, "shape=2,3,5,6", |values| Ok(list(values)))
}

/// A counting convention.
pub(super) fn convention(name: &str) -> Result<&'static Convention, String> {
    if let Some(found) = convention::find(name) {
        return Ok(found);
    }
    if let Some((_, why)) = REFUSED.iter().find(|(known, _)| *known == name) {
        return Err(format!("it is not offered: {why}"));
    }
    Err(unknown(name, CONVENTIONS.iter().map(|c| c.name)))
}

/// Element types that `--precision` sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Precision {
    pub weights: Option<DType>,
    pub activations: Option<DType>,
    /// The one word that the user gave, where it says all.
    pub name: Option<&'static str>,
}

/// Names of precisions, with the element type that each keeps in memory.
pub(super) const PRECISIONS: &[(&str, DType)] = &[
    ("fp32", DType::F32),
    ("fp16", DType::F16),
    ("bf16", DType::BF16),
    ("tf32", DType::F32),
    ("fp64", DType::F64),
    ("fp8", DType::F8E4M3FN),
    ("int8", DType::I8),
    ("int4", DType::I4),
];

/// `fp16`, `weights=int8`, `fp16,weights=fp32`.
pub(super) fn precision(text: &str) -> Result<Precision, String> {
    let mut precision = Precision::default();
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("weights", name)) => precision.weights = Some(element_type(name)?),
            Some(("activations", name)) => precision.activations = Some(element_type(name)?),
            Some((other, _)) => {
                return Err(format!("`{other}` has no precision: {}", unknown(other, ["weights", "activations"])));
            }
            None => {
                let all = element_type(part)?;
                precision = Precision { weights: Some(all), activations: Some(all), name: None };
            }
        }
    }
    precision.name = PRECISIONS.iter().find(|(name, _)| *name == text).map(|(name, _)| *name);
    Ok(precision)
}

fn element_type(name: &str) -> Result<DType, String> {
    let listed = PRECISIONS.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype);
    listed.or_else(|| DType::from_name(name)).ok_or_else(|| unknown(name, PRECISIONS.iter().map(|(name, _)| *name)))
}

/// The precision's name, as the report gives it.
pub(super) fn precision_name(weights: DType, activations: DType) -> String {
    let name = |dtype: DType| PRECISIONS.iter().find(|(_, d)| *d == dtype).map_or(dtype.name(), |(name, _)| *name);
    if weights == activations {
        return name(weights).into();
    }
    format!("weights={} activations={}", name(weights), name(activations))
}

fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match suggest::nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_languages_or_full_shapes() {
        assert_eq!(input("3@384x384"), Ok((None, Size::Shape(3, vec![384, 384]))));
        assert_eq!(input("x=1x3x8×8"), Ok((Some("x".into()), Size::Dims(vec![1, 3, 8, 8]))));
        assert_eq!(input("784"), Ok((None, Size::Number(784))));
        assert!(input("3x").is_err() && input("x=-1").is_err());
    }

    #[test]
    fn numbers_are_exact() {
        let quarter = Rational { num: 3, den: 4 };
        assert_eq!(let_value("a=0.75"), Ok(("a".into(), quarter)));
        assert_eq!(let_value("a=75%"), Ok(("a".into(), quarter)));
        assert!(let_value("a=.5").is_err() && let_value("a=1e3").is_err() && let_value("0.5").is_err());
        assert_eq!(whole("1_000"), Ok(1_000));
        assert!(count("0").is_err() && whole("9007199254740993").is_err());
    }

    #[test]
    fn precisions_of_weights_and_activations_stand_apart() {
        let read = precision("fp16,weights=fp32").unwrap();
        assert_eq!((read.weights, read.activations), (Some(DType::F32), Some(DType::F16)));
        assert_eq!(precision("activations=int8").unwrap().weights, None);
        assert_eq!(precision("pf16").unwrap_err(), "did you mean `fp16`?");
        assert_eq!(precision_name(DType::I8, DType::F16), "weights=int8 activations=fp16");
    }
}
