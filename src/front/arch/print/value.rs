//! Values as text: sizes, numbers, arguments, expressions, claims. Parentheses are added only where the tree has none and
//! the grammar needs them.

use crate::front::arch::ast::{
    Arg, Binary, Claimed, Compare, Expect, Expr, Rational, Setting, Size, Spanned, Tolerance, Unary,
};

pub(super) fn size(size: &Size) -> String {
    match size {
        Size::Shape(channels, sizes) => shape(*channels, sizes),
        Size::Dims(sizes) => dims(sizes),
        Size::Number(n) => grouped(&n.to_string()),
    }
}

fn shape(channels: u64, sizes: &[u64]) -> String {
    format!("{channels}@{}", dims(sizes))
}

fn dims(sizes: &[u64]) -> String {
    sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x")
}

fn pads(pads: &[(u64, u64)]) -> String {
    pads.iter().map(|(before, after)| format!("{before}:{after}")).collect::<Vec<_>>().join("x")
}

/// A number's digits with `_` between groups of three, if five or more stand before the point.
pub(super) fn grouped(number: &str) -> String {
    let length = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let mut text = String::new();
    for (n, c) in number.char_indices() {
        if length >= 5 && n > 0 && n < length && length.saturating_sub(n).is_multiple_of(3) {
            text.push('_');
        }
        text.push(c);
    }
    text
}

/// Exactly, as a decimal number; a fraction that no decimal number equals, which no text has, as a quotient.
fn rational(r: Rational) -> String {
    let scaled = (0..=38).find_map(|digits: u32| {
        let scaled = r.num.checked_mul(10_i128.checked_pow(digits)?)?;
        (scaled.checked_rem(r.den)? == 0).then_some((digits, scaled.checked_div(r.den)?))
    });
    match scaled {
        Some((0, whole)) => grouped(&whole.to_string()),
        Some((digits, scaled)) => {
            let width = usize::try_from(digits).unwrap_or(0).saturating_add(1);
            let text = format!("{scaled:0width$}");
            let (whole, fraction) = text.split_at(text.len().saturating_sub(width.saturating_sub(1)));
            format!("{}.{fraction}", grouped(whole))
        }
        None => format!("({} / {})", r.num, r.den),
    }
}

/// Arguments, each with a blank before it.
pub(super) fn args(args: &[Spanned<Arg>]) -> String {
    spaced(args.iter().map(|a| arg(&a.node)))
}

/// Words, each with a blank before it.
pub(super) fn spaced(words: impl Iterator<Item = String>) -> String {
    words.fold(String::new(), |text, word| text + " " + &word)
}

fn arg(arg: &Arg) -> String {
    match arg {
        Arg::Value(e) => at(e, Level::Value),
        Arg::Stride(e) => format!("/{}", operand(e)),
        Arg::Repeat(n) => format!("x{n}"),
        Arg::Named { key, value } => format!("{}={}", key.node, at(&value.node, Level::Value)),
        Arg::GluedSlash { left, right } => format!("{}/{}", at(&left.node, Level::Value), operand(&right.node)),
    }
}

/// What may stand behind the slash of a stride.
fn operand(e: &Expr) -> String {
    match e {
        Expr::Number(_) | Expr::Dims(_) | Expr::Name(_) | Expr::Paren(_) | Expr::Sizes(..) => expr(e),
        _ => format!("({})", expr(e)),
    }
}

/// Which production a place in the text takes, from loose to tight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Sum,
    Term,
    Unary,
    Value,
    Primary,
}

/// `expr`.
pub(super) fn expr(e: &Expr) -> String {
    at(e, Level::Or)
}

/// `sum`.
pub(super) fn sum(e: &Expr) -> String {
    at(e, Level::Sum)
}

/// An expression where the grammar has `level`.
fn at(e: &Expr, level: Level) -> String {
    let product = level == Level::Value && matches!(e, Expr::Binary(Binary::Times, ..));
    if own_level(e) >= level || product { text(e, level) } else { format!("({})", expr(e)) }
}

fn own_level(e: &Expr) -> Level {
    match e {
        Expr::Binary(op, ..) => match op {
            Binary::Or => Level::Or,
            Binary::And => Level::And,
            Binary::Plus | Binary::Minus => Level::Sum,
            Binary::Times | Binary::Divide => Level::Term,
            _ => Level::Compare,
        },
        Expr::Unary(Unary::Not, _) => Level::Not,
        Expr::Unary(Unary::Minus, _) => Level::Unary,
        _ => Level::Primary,
    }
}

/// What the grammar has on both sides of an operator.
fn sides(op: Binary, level: Level) -> (Level, Level) {
    match op {
        Binary::Or => (Level::Or, Level::And),
        Binary::And => (Level::And, Level::Not),
        Binary::Plus | Binary::Minus => (Level::Sum, Level::Term),
        Binary::Times if level == Level::Value => (Level::Value, Level::Primary),
        Binary::Times | Binary::Divide => (Level::Term, Level::Unary),
        _ => (Level::Sum, Level::Sum),
    }
}

fn text(e: &Expr, level: Level) -> String {
    match e {
        Expr::Number(r) => rational(*r),
        Expr::Dims(sizes) => dims(sizes),
        Expr::Shape(channels, sizes) => shape(*channels, sizes),
        Expr::Pads(sides) => pads(sides),
        Expr::Name(name) => name.clone(),
        Expr::Call(function, args) => {
            let args: Vec<_> = args.iter().map(|a| expr(&a.node)).collect();
            format!("{}({})", function.node, args.join(", "))
        }
        Expr::Sizes(a, b) => format!("({} x {})", expr(&a.node), expr(&b.node)),
        Expr::Paren(inner) => format!("({})", expr(&inner.node)),
        Expr::Unary(Unary::Minus, of) => format!("-{}", at(&of.node, Level::Primary)),
        Expr::Unary(Unary::Not, of) => format!("not {}", at(&of.node, Level::Compare)),
        Expr::Binary(op, a, b) => {
            let (left, right) = sides(*op, level);
            let (a, b) = (at(&a.node, left), at(&b.node, right));
            let sign = sign(*op);
            if *op == Binary::Times { format!("{a}{sign}{b}") } else { format!("{a} {sign} {b}") }
        }
    }
}

fn sign(op: Binary) -> &'static str {
    match op {
        Binary::Or => "or",
        Binary::And => "and",
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        Binary::Plus => "+",
        Binary::Minus => "-",
        Binary::Times => "*",
        Binary::Divide => "/",
    }
}

/// `expect …`.
pub(super) fn expect(claim: &Expect) -> String {
    let mut text = format!("expect {}", claim.quantity.node);
    if let Some(sign) = comparison(claim.op.node) {
        text = format!("{text} {sign}");
    }
    text = format!("{text} {}", claimed(&claim.value.node));
    if let Some(unit) = &claim.unit {
        text = format!("{text} {}", unit.node);
    }
    if let Some(tolerance) = &claim.tolerance {
        text = format!("{text} +-{}", self::tolerance(tolerance.node));
    }
    if !claim.at.is_empty() {
        text.push_str(" at");
    }
    for (key, value) in &claim.at {
        text = format!("{text} {}={}", key.node, setting(&value.node));
    }
    if let Some(source) = &claim.source {
        text = format!("{text} \"{}\"", source.node);
    }
    text
}

/// The sign, which equality does without.
fn comparison(op: Compare) -> Option<&'static str> {
    match op {
        Compare::Equal => None,
        Compare::NotEqual => Some("!="),
        Compare::About => Some("~"),
        Compare::NotAbout => Some("!~"),
        Compare::Less => Some("<"),
        Compare::LessEqual => Some("<="),
        Compare::Greater => Some(">"),
        Compare::GreaterEqual => Some(">="),
    }
}

fn claimed(value: &Claimed) -> String {
    match value {
        Claimed::Number { digits, .. } => grouped(digits),
        Claimed::Shape(channels, sizes) => shape(*channels, sizes),
        Claimed::Dims(sizes) => dims(sizes),
    }
}

fn tolerance(tolerance: Tolerance) -> String {
    match tolerance {
        Tolerance::Relative(Rational { num, den }) => {
            let hundredfold = num.checked_mul(100).map(|num| Rational { num, den });
            hundredfold.map_or_else(|| rational(Rational { num, den }), |percent| format!("{}%", rational(percent)))
        }
        Tolerance::Absolute(value) => rational(value),
    }
}

fn setting(value: &Setting) -> String {
    match value {
        Setting::Number(value) => rational(*value),
        Setting::Word(word) => word.clone(),
    }
}
