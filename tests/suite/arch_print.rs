//! Printing a syntax tree and parsing the text gives the tree again, places aside.

use cnnsize::base::source::{Sources, Span};
use cnnsize::front::arch::ast::{
    Arg, Binary, Body, Branches, Claimed, Compare, Expect, Expr, File, Layer, Param, Rational, Setting, Size, Spanned,
    Stmt, Tolerance, Top, Unary,
};
use cnnsize::front::arch::{parse, print::print, words};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parsing_undoes_printing(file in file()) {
        let text = print(&file);
        let (read, diagnostics) = parse(Sources::default().add("printed.arch", text.clone()), &text);
        prop_assert_eq!(&diagnostics, &[], "{}", text);
        prop_assert_eq!(without_places(&read), without_places(&file), "{}", text);
        prop_assert_eq!(print(&read), text);
    }
}

#[test]
fn examples_print_to_texts_that_mean_the_same() {
    for case in crate::files::cases("examples", "arch") {
        let read = |text: &str| parse(Sources::default().add(&case.path, text.to_owned()), text).0;
        let file = read(&case.text);
        assert_eq!(without_places(&read(&print(&file))), without_places(&file), "{}", case.path.display());
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let text = "\
arch 1
default conv nobias

block up(c, skip, /s = 1) {
  upconv c 2x2 /s
  concat skip crop
}

model unet {
  input 1@572x572
  d1: conv 64 3x3 x2   -> 64@568x568
  maxpool 2x2
  d2: conv 128 3x3 x2  -> 128@280x280
  if in.c != 3 or s == (1 + 2) / 2 { relu } else { tanh }
  add {
    | conv (in.c / 2) pad=1:2x0:3
      conv 40_000 k=0.5
    | identity
  }  -> 64@56x56
  add { | relu | identity }
  expect params ~ 31_030.5 k +-2% at batch=1 \"figure 1\"
}
";
    let (file, diagnostics) = parse(Sources::default().add("layout.arch", text.to_owned()), text);
    assert_eq!(diagnostics, []);
    assert_eq!(print(&file), text);
}

/// The tree's debug text without its spans.
fn without_places(file: &File) -> String {
    let text = format!("{file:?}");
    let mut parts = text.split("Span {");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |text, part| text + part.split_once('}').map_or("", |(_, rest)| rest))
}

fn at<T>(node: T) -> Spanned<T> {
    let source = Sources::default().add("", String::new());
    Spanned { node, span: Span { source, start: 0, end: 0 } }
}

fn spanned<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Spanned<T>> {
    strategy.prop_map(at)
}

/// Names that are free; some look like something else.
fn name() -> impl Strategy<Value = String> {
    select(vec!["a", "c", "k", "skip", "d1", "X9", "_", "x_", "xs", "x3a", "ins", "MB", "keras", "e5", "frozen_1"])
        .prop_map(str::to_owned)
}

fn reference() -> impl Strategy<Value = String> {
    prop_oneof![name(), select(vec!["in.c", "in", "on", "same", "relu", "c1.skip"]).prop_map(str::to_owned)]
}

/// The fraction in lowest terms.
fn reduced(num: i128, den: i128) -> Rational {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Rational { num: num / a, den: den / a }
}

fn rational() -> impl Strategy<Value = Rational> {
    (0..1_000_000_000_i128, 0..4_u32).prop_map(|(n, decimals)| reduced(n, 10_i128.pow(decimals)))
}

fn sizes() -> impl Strategy<Value = Vec<u64>> {
    vec(1..20_000_u64, 2..4)
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        (1..4096_u64, vec(1..2000_u64, 1..4)).prop_map(|(c, s)| Size::Shape(c, s)),
        sizes().prop_map(Size::Dims),
        (1..1_000_000_u64).prop_map(Size::Number),
    ]
}

fn literal() -> impl Strategy<Value = Expr> {
    prop_oneof![
        3 => rational().prop_map(Expr::Number),
        2 => vec(0..20_u64, 2..4).prop_map(Expr::Dims),
        1 => (1..64_u64, vec(1..64_u64, 1..3)).prop_map(|(c, s)| Expr::Shape(c, s)),
        1 => vec((0..4_u64, 0..4_u64), 1..3).prop_map(Expr::Pads),
    ]
}

fn primary(depth: u32) -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![literal(), reference().prop_map(Expr::Name)];
    if depth == 0 {
        return leaf.boxed();
    }
    let expr = expr(depth - 1);
    let inner = expr.clone().prop_map(|e| Box::new(at(e))).boxed();
    prop_oneof![
        4 => leaf,
        1 => inner.clone().prop_map(Expr::Paren),
        1 => (inner.clone(), inner).prop_map(|(a, b)| Expr::Sizes(a, b)),
        1 => (spanned(name()), vec(spanned(expr), 1..3)).prop_map(|(f, args)| Expr::Call(f, args)),
    ]
    .boxed()
}

/// Operands of one level with operators between them, grouped from the left.
fn chain(operand: BoxedStrategy<Expr>, operators: &'static [Binary]) -> BoxedStrategy<Expr> {
    let more = vec((select(operators), operand.clone()), 0..3);
    let join = |left, (op, right)| Expr::Binary(op, Box::new(at(left)), Box::new(at(right)));
    (operand, more).prop_map(move |(first, more)| more.into_iter().fold(first, join)).boxed()
}

fn sum(depth: u32) -> BoxedStrategy<Expr> {
    let prim = primary(depth);
    let minus = prim.clone().prop_map(|e| Expr::Unary(Unary::Minus, Box::new(at(e))));
    let unary = prop_oneof![3 => prim, 1 => minus].boxed();
    chain(chain(unary, &[Binary::Times, Binary::Divide]), &[Binary::Plus, Binary::Minus])
}

fn expr(depth: u32) -> BoxedStrategy<Expr> {
    const COMPARE: &[Binary] =
        &[Binary::Equal, Binary::NotEqual, Binary::Less, Binary::LessEqual, Binary::Greater, Binary::GreaterEqual];
    let sum = sum(depth);
    let compared = (sum.clone(), select(COMPARE), sum.clone())
        .prop_map(|(a, op, b)| Expr::Binary(op, Box::new(at(a)), Box::new(at(b))));
    let cmp = prop_oneof![3 => sum, 1 => compared].boxed();
    let not = cmp.clone().prop_map(|e| Expr::Unary(Unary::Not, Box::new(at(e))));
    let neg = prop_oneof![3 => cmp, 1 => not].boxed();
    chain(chain(neg, &[Binary::And]), &[Binary::Or])
}

/// What stands among arguments: atoms with `*` between them.
fn value() -> BoxedStrategy<Expr> {
    let atom = prop_oneof![9 => primary(1), 1 => Just(Expr::Name("frozen".into()))];
    chain(atom.boxed(), &[Binary::Times])
}

fn operand() -> impl Strategy<Value = Expr> {
    prop_oneof![
        rational().prop_map(Expr::Number),
        sizes().prop_map(Expr::Dims),
        name().prop_map(Expr::Name),
        expr(1).prop_map(|e| Expr::Paren(Box::new(at(e)))),
    ]
}

fn arg() -> impl Strategy<Value = Arg> {
    let value = value();
    let divided =
        value.clone().prop_filter("no size", |e| !matches!(e, Expr::Dims(_) | Expr::Shape(..) | Expr::Pads(_)));
    prop_oneof![
        4 => value.clone().prop_map(Arg::Value),
        1 => operand().prop_map(Arg::Stride),
        1 => (0..20_u64).prop_map(Arg::Repeat),
        1 => (spanned(name()), spanned(value)).prop_map(|(key, value)| Arg::Named { key, value }),
        1 => (spanned(divided), spanned(operand()))
            .prop_map(|(left, right)| Arg::GluedSlash { left: Box::new(left), right: Box::new(right) }),
    ]
}

fn args() -> impl Strategy<Value = Vec<Spanned<Arg>>> {
    vec(spanned(arg()), 0..4)
}

fn claim() -> impl Strategy<Value = Option<Spanned<Size>>> {
    of(spanned(size()))
}

fn layer(depth: u32) -> BoxedStrategy<Layer> {
    let input = (spanned(size()), vec(spanned(name()), 0..3), claim()).prop_map(|(size, words, claim)| {
        let words = if matches!(size.node, Size::Dims(_)) { words } else { Vec::new() };
        Layer::Input { size, words, claim }
    });
    let called = || prop_oneof![name(), select(vec!["conv", "add", "nn.Linear"]).prop_map(str::to_owned)];
    let args = args().boxed();
    let call = |branches| {
        (spanned(called()), args.clone(), branches, claim()).prop_map(|(name, args, branches, claim)| Layer::Call {
            name,
            args,
            branches,
            claim,
        })
    };
    let plain = call(Just(None).boxed());
    if depth == 0 {
        return prop_oneof![1 => input, 5 => plain].boxed();
    }
    let span = at(()).span;
    let branches = vec(spanned(body(depth - 1)), 0..3)
        .prop_map(move |branches| Some(Branches { branches, stray: None, span }))
        .boxed();
    prop_oneof![1 => input, 5 => plain, 2 => call(branches)].boxed()
}

fn stmt(depth: u32) -> BoxedStrategy<Stmt> {
    let plain = prop_oneof![
        6 => (of(spanned(name())), layer(depth)).prop_map(|(label, layer)| Stmt::Layer { label, layer }),
        1 => spanned(reference()).prop_map(Stmt::From),
        1 => (of(spanned(name())), claim()).prop_map(|(name, claim)| Stmt::Output { name, claim }),
        1 => (spanned(name()), spanned(expr(2))).prop_map(|(name, value)| Stmt::Let { name, value }),
        1 => expect().prop_map(Stmt::Expect),
    ];
    if depth == 0 {
        return plain.boxed();
    }
    let body = body(depth - 1);
    let inner = || body.clone();
    prop_oneof![
        6 => plain,
        1 => (spanned(sum(1)), of(spanned(name())), inner(), claim())
            .prop_map(|(count, index, body, claim)| Stmt::Repeat { count, index, body, claim }),
        1 => (vec((spanned(expr(1)), inner()), 1..3), of(inner()), claim())
            .prop_map(|(arms, otherwise, claim)| Stmt::If { arms, otherwise, claim }),
        1 => (inner(), claim()).prop_map(|(body, claim)| Stmt::Frozen { body, claim }),
        1 => inner().prop_map(Stmt::Side),
    ]
    .boxed()
}

fn body(depth: u32) -> BoxedStrategy<Body> {
    vec(spanned(stmt(depth)), 0..4).prop_map(|stmts| Body { stmts }).boxed()
}

fn expect() -> impl Strategy<Value = Expect> {
    const OPS: &[Compare] = &[
        Compare::Equal,
        Compare::NotEqual,
        Compare::About,
        Compare::NotAbout,
        Compare::Less,
        Compare::LessEqual,
        Compare::Greater,
        Compare::GreaterEqual,
    ];
    let number = (0..1_000_000_000_u64, "(\\.[0-9]{1,3})?").prop_map(|(whole, fraction)| {
        let digits = format!("{whole}{fraction}");
        let decimals = fraction.len().saturating_sub(1);
        let num: i128 = digits.replace('.', "").parse().expect("digits");
        Claimed::Number { value: reduced(num, 10_i128.pow(decimals.try_into().expect("few"))), digits }
    });
    let value = prop_oneof![
        number,
        (1..64_u64, sizes()).prop_map(|(c, s)| Claimed::Shape(c, s)),
        sizes().prop_map(Claimed::Dims),
    ];
    let tolerance = prop_oneof![
        rational().prop_map(|r| Tolerance::Relative(reduced(r.num, r.den * 100))),
        rational().prop_map(Tolerance::Absolute),
    ];
    let setting = prop_oneof![rational().prop_map(Setting::Number), name().prop_map(Setting::Word)];
    let key = prop_oneof![name(), select(vec!["batch", "precision"]).prop_map(str::to_owned)];
    (
        spanned(select(vec!["params", "input.bytes", "c1.params"]).prop_map(str::to_owned)),
        spanned(select(OPS)),
        spanned(value),
        of(spanned(select(words::UNITS).prop_map(str::to_owned))),
        of(spanned(tolerance)),
        vec((spanned(key), spanned(setting)), 0..3),
        of(spanned(text())),
    )
        .prop_map(|(quantity, op, value, unit, tolerance, at, source)| Expect {
            quantity,
            op,
            value,
            unit,
            tolerance,
            at,
            source,
        })
}

/// What may stand between quotes.
fn text() -> impl Strategy<Value = String> {
    "[^\"\n]{0,12}"
}

fn top() -> BoxedStrategy<Top> {
    let param = (any::<bool>(), spanned(name()), of(spanned(expr(1)))).prop_map(|(stride, name, default)| Param {
        stride,
        name,
        default,
    });
    let positive = || spanned(1..100_000_u64);
    prop_oneof![
        1 => select(words::FRAMEWORKS).prop_map(|f| Top::Framework(at(f.to_owned()))),
        1 => positive().prop_map(Top::Batch),
        1 => (spanned(name()), vec((spanned(name()), spanned(name())), 0..3))
            .prop_map(|(all, parts)| Top::Precision { all, parts }),
        1 => (vec(spanned(name()), 1..3), spanned(text())).prop_map(|(names, path)| Top::Import { names, path }),
        1 => (spanned(name()), args()).prop_map(|(layer, args)| Top::Default { layer, args }),
        2 => (spanned(name()), vec(param, 0..3), body(2))
            .prop_map(|(name, params, body)| Top::Block { name, params, body }),
        1 => (spanned(prop_oneof![name(), text()]), body(2)).prop_map(|(name, body)| Top::Model { name, body }),
        4 => stmt(2).prop_map(Top::Stmt),
    ]
    .boxed()
}

fn file() -> impl Strategy<Value = File> {
    let edition = any::<bool>().prop_map(|edition| edition.then(|| at(Top::Edition(at(1)))));
    (edition, vec(spanned(top()), 0..6))
        .prop_map(|(edition, items)| File { items: edition.into_iter().chain(items).collect() })
}
