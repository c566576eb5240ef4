//! `expect` claims: what a file says of itself, held against what is counted.

use super::quantity::{self, Figure, Quantity};
use super::reconcile::{self, Explanation, Printed};
use super::unit::{BYTES, COUNTS};
use super::{Sizing, convention};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::quantity::AtLeast;
use crate::base::suggest;
use crate::front::arch::ast::{Claimed, Compare, Expect, Name, Rational, Setting, Spanned, Tolerance};
use crate::front::arch::{Document, Lowered, Overrides};
use crate::tensor::{DType, Dim};

/// Settings that `at` knows.
const SETTINGS: &[&str] = &["batch", "precision"];

/// Checks every claim of a model. `written` is the model with the file's own settings; a claim with an `at` is checked
/// on the model built anew with those settings.
pub fn check(document: &Document, model: usize, written: &Lowered) -> Vec<Diagnostic> {
    let sizing = Sizing::of(&written.model, written.batch, convention::default());
    let one = |expect: &Expect| {
        if expect.at.is_empty() {
            return judge(expect, &sizing);
        }
        let overrides = overrides(&expect.at)?;
        let lowered = document.lower(model, &overrides);
        judge(expect, &Sizing::of(&lowered.model, lowered.batch, convention::default()))
    };
    written.expects.iter().filter_map(|expect| one(expect).err()).collect()
}

fn overrides(at: &[(Name, Spanned<Setting>)]) -> Result<Overrides, Diagnostic> {
    let mut overrides = Overrides { claims: false, ..Overrides::default() };
    for (key, value) in at {
        let wrong = |wanted: &str| {
            Diagnostic::error("unknown-setting", Origin::Text(value.span), format!("`{}` takes {wanted}", key.node))
        };
        match (key.node.as_str(), &value.node) {
            ("batch", Setting::Number(n)) => {
                overrides.batch =
                    Some(whole(*n).ok_or_else(|| wrong("a whole number of examples, such as `batch=50`"))?);
            }
            ("batch", Setting::Word(_)) => return Err(wrong("a whole number of examples, such as `batch=50`")),
            ("precision", Setting::Word(word)) => {
                let dtype =
                    DType::from_name(word).ok_or_else(|| wrong("a precision such as `f32`, `f16` or `int8`"))?;
                (overrides.weights, overrides.activations) = (Some(dtype), Some(dtype));
            }
            ("precision", Setting::Number(_)) => return Err(wrong("a precision such as `f32`, `f16` or `int8`")),
            (name, _) => {
                let message = format!("`at` knows no setting `{name}`");
                let error = Diagnostic::error("unknown-setting", Origin::Text(key.span), message);
                return Err(match suggest::nearest(name, SETTINGS.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")).fix(key.span, near),
                    None => error.help(format!("it knows {}", SETTINGS.join(" and "))),
                });
            }
        }
    }
    Ok(overrides)
}

fn whole(n: Rational) -> Option<u64> {
    (n.den == 1).then_some(n.num).and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0)
}

/// Holds one claim against a sized model.
fn judge(expect: &Expect, sizing: &Sizing) -> Result<(), Diagnostic> {
    let name = &expect.quantity;
    let (quantity, figure) = quantity::measure(sizing, &name.node).map_err(|none| {
        let error = Diagnostic::error(
            "unknown-quantity",
            Origin::Text(name.span),
            format!("there is nothing called `{}` to expect", name.node),
        );
        match none.nearest {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(name.span, near),
            None => error,
        }
    })?;
    let place = expect.unit.as_ref().map_or(expect.value.span, |unit| expect.value.span.to(unit.span));
    let failed = |message: String| Diagnostic::error("expect-failed", Origin::Text(place), message);
    let misfit = |wanted: &str| {
        Diagnostic::error("expect-failed", Origin::Text(expect.value.span), format!("`{}` is {wanted}", name.node))
    };
    match (&figure, &expect.value.node) {
        (Figure::Unknown(why), _) => Err(failed(format!("`{}` cannot be told: {why}", name.node))),
        (Figure::Number(amount), Claimed::Number { value, digits }) => {
            let unit = unit(expect.unit.as_ref(), quantity.memory)?;
            let claim = Number {
                value: *value,
                digits,
                unit,
                compare: expect.op.node,
                tolerance: expect.tolerance.as_ref().map(|t| t.node),
                written: spaced(digits) + &expect.unit.as_ref().map_or(String::new(), |unit| format!(" {}", unit.node)),
            };
            let explain = |message| {
                let unit_name = expect.unit.as_ref().map_or(String::new(), |u| u.node.clone());
                let printed = Printed { value: *value, digits: digits.clone(), unit_name, unit };
                let explained = reconcile::reconcile(sizing, &name.node, &printed);
                near_miss(failed(message), explained, &claim)
            };
            judge_number(&claim, *amount, quantity).map_err(explain)
        }
        (Figure::Shape(dims), claimed) => {
            let counted = shape(dims);
            let wanted: Vec<Dim> = match claimed {
                Claimed::Shape(channels, sizes) => {
                    std::iter::once(channels).chain(sizes).map(|n| Dim::from(*n)).collect()
                }
                Claimed::Number { value, .. } => vec![whole(*value).map_or(Dim::Unknown, Dim::from)],
                Claimed::Dims(sizes) => {
                    let same = dims.iter().skip(1).cloned().eq(sizes.iter().map(|n| Dim::from(*n)));
                    return judge_equal(expect.op.node, same)
                        .ok_or(())
                        .map_err(|()| failed(format!("{} is claimed, {counted} comes out", axes(sizes))));
                }
            };
            judge_equal(expect.op.node, *dims == wanted)
                .ok_or_else(|| failed(format!("{} is claimed, {counted} comes out", shape(&wanted))))
        }
        (Figure::Axes(sizes), claimed) => {
            let (wanted, written) = match claimed {
                Claimed::Dims(wanted) => (Some(wanted.clone()), axes(wanted)),
                Claimed::Number { value, digits, .. } => (whole(*value).map(|n| vec![n; sizes.len()]), digits.clone()),
                Claimed::Shape(..) => return Err(misfit("a number, or dims such as `7x7`")),
            };
            let compare = expect.op.node;
            if wanted.is_some_and(|wanted| along_axes(compare, sizes, &wanted)) {
                return Ok(());
            }
            Err(failed(format!("{written} {} {}, {} counted", quantity.noun, verb(compare), axes(sizes))))
        }
        (Figure::Number(_), Claimed::Shape(..) | Claimed::Dims(_)) => Err(misfit("a number")),
    }
}

/// Says how the claimed number comes about, where one convention or slip gives exactly it, and where none does.
fn near_miss(error: Diagnostic, explained: Option<Explanation>, claim: &Number) -> Diagnostic {
    let Some(Explanation { slips, instead, .. }) = explained else { return error };
    let is_limit = !matches!(claim.compare, Compare::Equal | Compare::About);
    let error = match slips.as_slice() {
        [] if is_limit || instead.is_some() => error,
        [] => error.note(format!("no convention or slip that is known gives {}", claim.written)),
        slips => error.note(format!("{} comes out {}", claim.written, slips.join(" and "))),
    };
    match instead {
        Some(quantity) => error.help(format!("write `expect {quantity} {}`", claim.written)),
        None => error,
    }
}

/// For shapes, which are equal or not; orderings and tolerances have no meaning there and hold only for equality.
fn judge_equal(compare: Compare, same: bool) -> Option<()> {
    let holds = match compare {
        Compare::NotEqual | Compare::NotAbout => !same,
        Compare::Equal
        | Compare::About
        | Compare::LessEqual
        | Compare::GreaterEqual
        | Compare::Less
        | Compare::Greater => same,
    };
    holds.then_some(())
}

/// Whether a comparison holds along every axis; of an inequality, whether equality does not.
fn along_axes(compare: Compare, counted: &[u64], claimed: &[u64]) -> bool {
    let all = |holds: fn(&u64, &u64) -> bool| {
        counted.len() == claimed.len() && counted.iter().zip(claimed).all(|(counted, claimed)| holds(counted, claimed))
    };
    match compare {
        Compare::Equal | Compare::About => all(u64::eq),
        Compare::NotEqual | Compare::NotAbout => !all(u64::eq),
        Compare::Less => all(u64::lt),
        Compare::LessEqual => all(u64::le),
        Compare::Greater => all(u64::gt),
        Compare::GreaterEqual => all(u64::ge),
    }
}

/// What a claim does with its figure.
fn verb(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal | Compare::About => "claimed",
        Compare::NotEqual | Compare::NotAbout => "claimed to be wrong",
        Compare::Less | Compare::LessEqual => "allowed",
        Compare::Greater | Compare::GreaterEqual => "needed",
    }
}

/// A claimed number.
struct Number<'a> {
    value: Rational,
    digits: &'a str,
    /// What one of the unit is, in ones or bytes.
    unit: u64,
    compare: Compare,
    tolerance: Option<Tolerance>,
    /// As messages show it.
    written: String,
}

fn judge_number(claim: &Number, amount: AtLeast<u64>, quantity: &Quantity) -> Result<(), String> {
    let Number { written, .. } = claim;
    // A unit of memory says itself what it counts.
    let noun = if quantity.memory && claim.unit > 1 { String::new() } else { format!(" {}", quantity.noun) };
    let counted = |n: u64| match decimal(n, claim.unit) {
        Some(short) if quantity.memory && claim.unit > 1 => {
            let unit = written.rsplit(' ').next().unwrap_or("");
            format!("{} bytes ({short} {unit})", digits(n))
        }
        _ => digits(n),
    };
    if amount.incomplete {
        let least = counted(amount.least);
        return Err(format!("{written}{noun} claimed, but only a lower bound is known: at least {least}"));
    }
    let holds = holds(claim, amount.least)
        .ok_or_else(|| format!("{written}{noun} claimed: the number is too large to compare"))?;
    let verb = verb(claim.compare);
    if holds { Ok(()) } else { Err(format!("{written}{noun} {verb}, {} counted", counted(amount.least))) }
}

/// A count in a unit with one decimal, rounded half up.
fn decimal(n: u64, unit: u64) -> Option<String> {
    let tenths = (u128::from(n) * 10 + u128::from(unit / 2)) / u128::from(unit.max(1));
    (unit > 1).then(|| format!("{}.{}", tenths / 10, tenths % 10))
}

/// Whether `counted` is as claimed; `None` when the comparison does not fit into 128 bits.
fn holds(claim: &Number, counted: u64) -> Option<bool> {
    // Everything over the denominator of the claimed value.
    let unit = i128::from(claim.unit);
    let den = claim.value.den;
    let claimed = claim.value.num.checked_mul(unit)?;
    let counted = i128::from(counted).checked_mul(den)?;
    let gap = counted.checked_sub(claimed)?;
    let close = || -> Option<bool> {
        match claim.tolerance {
            Some(Tolerance::Relative(r)) => {
                Some(gap.checked_abs()?.checked_mul(r.den)? <= claimed.checked_abs()?.checked_mul(r.num)?)
            }
            Some(Tolerance::Absolute(r)) => {
                Some(gap.checked_abs()?.checked_mul(r.den)? <= r.num.checked_mul(unit)?.checked_mul(den)?)
            }
            None => last_digit(claim, gap, unit.checked_mul(den)?),
        }
    };
    Some(match claim.compare {
        Compare::Equal if claim.tolerance.is_some() => close()?,
        Compare::Equal => gap == 0,
        Compare::NotEqual => gap != 0,
        Compare::About => close()?,
        Compare::NotAbout => !close()?,
        Compare::Less => gap < 0,
        Compare::LessEqual => gap <= 0,
        Compare::Greater => gap > 0,
        Compare::GreaterEqual => gap >= 0,
    })
}

/// Within one unit of the last digit written, exclusive, since papers round and truncate; a number of a single digit
/// must round to it. `one` is what 1 of the claim's unit amounts to.
fn last_digit(claim: &Number, gap: i128, one: i128) -> Option<bool> {
    let decimals = claim.digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let scale = 10i128.checked_pow(u32::try_from(decimals).ok()?)?;
    // One unit of the last digit is one / scale.
    let scaled = gap.checked_mul(scale)?;
    let significant = claim.digits.chars().filter(char::is_ascii_digit).skip_while(|c| *c == '0').count();
    if significant > 1 {
        Some(scaled.checked_abs()? < one)
    } else {
        let twice = scaled.checked_mul(2)?;
        Some(-one <= twice && twice < one)
    }
}

/// What one of a unit is.
fn unit(name: Option<&Name>, memory: bool) -> Result<u64, Diagnostic> {
    let Some(name) = name else { return Ok(1) };
    let (own, other) = if memory { (BYTES, COUNTS) } else { (COUNTS, BYTES) };
    if let Some((_, size)) = own.iter().find(|(n, _)| *n == name.node) {
        return Ok(*size);
    }
    let origin = Origin::Text(name.span);
    if other.iter().any(|(n, _)| *n == name.node) {
        let (is, units) = if memory { ("memory", "`MB` (10^6) or `MiB` (2^20)") } else { ("a count", "`k`, `M`, `G`") };
        return Err(Diagnostic::error("unknown-unit", origin, format!("`{}` does not fit: this is {is}", name.node))
            .help(format!("its units are {units}")));
    }
    let error = Diagnostic::error("unknown-unit", origin, format!("`{}` is no unit", name.node));
    let near = own.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name.node)).map(|(n, _)| *n);
    Err(match near {
        Some("MB") => {
            error.help("did you mean `MB` (10^6) or `MiB` (2^20)? `Mb` would be megabits").fix(name.span, "MB")
        }
        Some(near) => error.help(format!("did you mean `{near}`?")).fix(name.span, near),
        None => error.help(format!("units are {}", own.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "))),
    })
}

/// `64@8x8` for one example, `10` for a vector.
fn shape(dims: &[Dim]) -> String {
    match dims {
        [] => "a scalar".into(),
        [channels] => channels.to_string(),
        [channels, sizes @ ..] => {
            format!("{channels}@{}", sizes.iter().map(Dim::to_string).collect::<Vec<_>>().join("x"))
        }
    }
}

fn axes(sizes: &[u64]) -> String {
    match sizes {
        [first, rest @ ..] if rest.iter().all(|n| n == first) => first.to_string(),
        _ => sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// Digits in groups of three, as the language writes them: `903_400`.
fn digits(n: u64) -> String {
    spaced(&n.to_string())
}

/// Puts the language's separators into a number of five digits or more; anything that is not digits alone stays.
fn spaced(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
    if whole.len() < 4 {
        return number.to_owned();
    }
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(digits: &str, num: i128, den: i128, unit: u64) -> Number<'_> {
        Number {
            value: Rational { num, den },
            digits,
            unit,
            compare: Compare::About,
            tolerance: None,
            written: String::new(),
        }
    }

    #[test]
    fn about_means_within_one_unit_of_the_last_digit() {
        let claim = about("565", 565, 1, 1_000_000);
        assert_eq!(holds(&claim, 565_613_600), Some(true));
        assert_eq!(holds(&claim, 564_000_001), Some(true));
        assert_eq!(holds(&claim, 564_000_000), Some(false));
        assert_eq!(holds(&claim, 566_000_000), Some(false));
        assert_eq!(holds(&about("564.6", 5646, 10, 1_000_000), 565_613_600), Some(false));
    }

    #[test]
    fn a_single_digit_must_round_to_it() {
        let claim = about("1", 1, 1, 1_000_000_000);
        assert_eq!(holds(&claim, 1_499_999_999), Some(true));
        assert_eq!(holds(&claim, 1_500_000_000), Some(false));
        assert_eq!(holds(&claim, 500_000_000), Some(true));
        assert_eq!(holds(&claim, 499_999_999), Some(false));
    }

    #[test]
    fn tolerances_replace_the_last_digit() {
        let claim = Number {
            tolerance: Some(Tolerance::Relative(Rational { num: 1, den: 50 })),
            ..about("60", 60, 1, 1_000_000)
        };
        assert_eq!(holds(&claim, 60_965_224), Some(true));
        assert_eq!(holds(&claim, 61_200_001), Some(false));
    }

    #[test]
    fn numbers_are_grouped_from_four_digits_on() {
        assert_eq!(digits(700), "700");
        assert_eq!(digits(903_400), "903_400");
        assert_eq!(spaced("2700"), "2_700");
        assert_eq!(spaced("1234.5 MB"), "1_234.5 MB");
    }
}
