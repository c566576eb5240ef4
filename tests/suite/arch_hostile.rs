//! Texts that nobody should write: whatever they are, there is a tree, few messages, and places inside the text.

use crate::files::{Repository, cases};
use cnnsize::analyze::{Sizing, convention};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::limits;
use cnnsize::base::source::Sources;
use cnnsize::front::arch::ast::{Expr, File, Stmt, Top};
use cnnsize::front::arch::{self, Overrides, parse, print::print};
use cnnsize::lint;
use proptest::prelude::*;
use std::path::Path;

/// Parses, and checks what holds for every text.
fn read(text: &str) -> (File, Vec<Diagnostic>) {
    let (file, diagnostics) = parse(Sources::default().add("hostile.arch", text.to_owned()), text);
    assert!(diagnostics.len() <= limits::SYNTAX_ERRORS);
    for finding in &diagnostics {
        let Origin::Text(span) = &finding.origin else { panic!("{finding:?} points at no text") };
        let places = std::iter::once(*span).chain(finding.fix.iter().map(|fix| fix.span));
        for place in places {
            assert!(text.get(place.start as usize..place.end as usize).is_some(), "{finding:?}");
        }
        assert!(finding.message.len() < 400, "{}", finding.message);
        assert!(!finding.message.contains(char::is_control), "{:?}", finding.message);
    }
    let broken = file.items.iter().any(|item| matches!(item.node, Top::Stmt(Stmt::Bad { .. })));
    assert!(!broken || !diagnostics.is_empty(), "a line was dropped without a word");
    print(&file);
    (file, diagnostics)
}

/// Lints the networks of a text, broken ones too.
fn lints(text: &str) -> Vec<Diagnostic> {
    let document = arch::read(Path::new("examples/hostile.arch"), text.to_owned(), &Repository);
    let lowered = (0..document.models().count()).map(|model| document.lower(model, &Overrides::default()));
    lowered
        .flat_map(|one| lint::check(&Sizing::of(&one.model, one.batch, convention::default()), Some(&document)))
        .collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).1.iter().map(|d| d.code).collect()
}

#[test]
fn braces_nest_as_deep_as_the_limit() {
    let nested = |depth: usize| format!("{}relu{}", "repeat 1 { ".repeat(depth), " }".repeat(depth));
    assert_eq!(codes(&nested(limits::NESTING)), [""; 0]);
    assert_eq!(codes(&nested(limits::NESTING + 1)), ["too-deep"]);
    let branches = |depth: usize| format!("{}relu{}", "add { | ".repeat(depth), " }".repeat(depth));
    assert_eq!(codes(&branches(limits::NESTING)), [""; 0]);
    assert_eq!(codes(&branches(limits::NESTING + 1)), ["too-deep"]);
}

#[test]
fn expressions_are_as_high_as_the_limit() {
    let parentheses = |depth: usize| format!("let a = {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(codes(&parentheses(limits::NESTING - 1)), [""; 0]);
    assert_eq!(codes(&parentheses(limits::NESTING + 1)), ["too-deep"]);
    let sum = |terms: usize| format!("let a = 1{}", " + 1".repeat(terms));
    assert_eq!(codes(&sum(limits::NESTING - 1)), [""; 0]);
    assert_eq!(codes(&sum(limits::NESTING)), ["too-deep"]);
    let product = |factors: usize| format!("conv c{} 3x3", "*2".repeat(factors));
    assert_eq!(codes(&product(limits::NESTING - 1)), [""; 0]);
    assert_eq!(codes(&product(limits::NESTING)), ["too-deep"]);
    let both = format!("{}conv {}1{}{}", "side { ".repeat(40), "(".repeat(24), ")".repeat(24), " }".repeat(40));
    assert_eq!(codes(&both), [""; 0]);
    assert_eq!(codes(&both.replace("(1)", "((1))")), ["too-deep"]);
}

#[test]
fn an_expression_that_parses_is_no_higher_than_the_limit() {
    fn height(e: &Expr) -> usize {
        match e {
            Expr::Binary(_, a, b) | Expr::Sizes(a, b) => 1 + height(&a.node).max(height(&b.node)),
            Expr::Unary(_, a) | Expr::Paren(a) => 1 + height(&a.node),
            Expr::Call(_, args) => 1 + args.iter().map(|a| height(&a.node)).max().unwrap_or(0),
            _ => 1,
        }
    }
    let text = format!("let a = {}1{}", "1 + 2 * (".repeat(21), ")".repeat(21));
    let (file, diagnostics) = read(&text);
    assert_eq!(diagnostics, []);
    let Some(Top::Stmt(Stmt::Let { value, .. })) = file.items.first().map(|item| &item.node) else {
        panic!("no `let` in {file:?}")
    };
    assert_eq!(height(&value.node), limits::NESTING);
    assert_eq!(codes(&text.replace("(1)", "(-1)")), ["too-deep"]);
}

#[test]
fn endless_nesting_is_an_error_at_once() {
    for part in
        ["{", "}", "(", ")", "\"", "|", "repeat 1 {\n", "add { |", "add {", "if a {", "let a = (", "let a = f(", "-"]
    {
        let text = part.repeat(100_000);
        let text = text.get(..limits::FILE_BYTES.min(text.len())).expect("ASCII");
        assert!(!read(text).1.is_empty(), "{part}");
    }
    for part in ["1 + ", "2*", "not ", "- ", "a and ", "f(1, "] {
        assert!(!codes(&format!("let a = {}", part.repeat(100_000))).is_empty(), "{part}");
    }
}

#[test]
fn a_file_is_as_long_as_the_limit() {
    let longest = " ".repeat(limits::FILE_BYTES - 4) + "relu";
    assert_eq!(codes(&longest), [""; 0]);
    assert_eq!(codes(&(longest + " ")), ["file-too-big"]);
}

#[test]
fn further_messages_are_counted_once_there_are_many() {
    let (_, diagnostics) = read(&"$\n".repeat(limits::SYNTAX_ERRORS + 7));
    assert_eq!(diagnostics.len(), limits::SYNTAX_ERRORS);
    assert_eq!(
        diagnostics.last().map(|d| d.notes.clone()),
        Some(vec!["7 further messages about this file are left out".to_owned()])
    );
}

/// Numbers as large as a text may have: what lints would have to name is beyond all numbers.
#[test]
fn lints_of_the_largest_numbers_do_no_harm() {
    let n = limits::NUMBER;
    for (line, codes) in [
        (format!("conv {n} {n}x{n} /{n} dilation={n}"), &[][..]),
        (format!("maxpool 3x3 /{n}"), &["uneven-stride"]),
        (format!("upconv {n} {n}x{n} /{}", n - 1), &["checkerboard"]),
        (format!("dwconv 3x3 /2 pad={n}; flatten; dense {n}"), &[]),
    ] {
        for edge in [8, n] {
            let found = lints(&format!("input {n}@{edge}x{edge}\n{line}"));
            let found: Vec<_> = found.iter().map(|d| d.code).collect();
            assert_eq!(found, codes, "{line} on {edge}");
        }
    }
}

#[test]
fn special_characters_are_shown_by_their_number() {
    for (text, message) in [
        ("conv 3\u{a0}3x3", "`U+00A0` means nothing here"),
        ("conv \u{1b}[31m", "`U+001B` means nothing here"),
        ("conv \u{202e}3", "`U+202E` means nothing here"),
        ("größe: conv 3", "`ö` means nothing here"),
    ] {
        let (_, diagnostics) = read(text);
        assert_eq!(diagnostics.iter().map(|d| d.message.as_str()).collect::<Vec<_>>(), [message]);
    }
}

proptest! {
    #[test]
    fn any_text_parses_to_something(text in ".{0,200}") {
        read(&text);
    }

    #[test]
    fn any_tokens_parse_to_something(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60)) {
        read(&tokens.join(" "));
        read(&tokens.concat());
    }

    #[test]
    fn damaged_examples_parse_to_something(which in any::<prop::sample::Index>(), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, prop::sample::select(TOKENS)), 1..4)) {
        let cases = cases("examples", "arch");
        let mut text = which.get(&cases).text.clone();
        for (place, length, token) in cuts {
            let places: Vec<usize> = text.char_indices().map(|(n, _)| n).collect();
            let start = place.index(places.len());
            let end = places.get(start + length).copied().unwrap_or(text.len());
            text.replace_range(places[start]..end, token);
        }
        read(&text);
        lints(&text);
    }
}

const TOKENS: &[&str] = &[
    "conv", "a", "a:", "64", "3x3", "/", "/2", "x3", "x", "×", "0:1", "3@8x8", "0.5", "50%", "9e9", "\"", "\"t\"",
    "->", "-", "−", "+-", "±", "=", "==", "!", "~", "<", "(", ")", "{", "}", "|", ",", ";", "\n", "#", "$", "é",
    "\r\n", "if", "else", "repeat", "as", "add", "input", "output", "let", "expect", "at", "model", "block", "import",
    "from", "default", "arch", "1", "", " ",
];
