//! The language's cases: which texts parse, and what is said about those that do not.

use crate::files::{Case, cases};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::source::Sources;
use cnnsize::front::arch::parse;
use std::path::Path;

/// What the parser says about a case.
fn findings(case: &Case) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add(&case.path, case.text.clone());
    let (_, diagnostics) = parse(id, &case.text);
    (sources, diagnostics)
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn valid_texts_and_examples_parse() {
    let examples = cases("examples", "arch");
    for case in cases("tests/corpus/arch/valid", "arch").iter().chain(&examples) {
        let (_, diagnostics) = findings(case);
        assert_eq!(diagnostics, [], "{}", case.path.display());
    }
}

#[test]
fn mistakes_of_meaning_are_none_of_form() {
    let syntax = Path::new("tests/corpus/arch/invalid/syntax");
    for case in cases("tests/corpus/arch/invalid", "arch").iter().filter(|case| !case.path.starts_with(syntax)) {
        let (_, diagnostics) = findings(case);
        assert_eq!(diagnostics, [], "{}", case.path.display());
    }
}

#[test]
fn a_mistake_of_form_costs_one_message_that_says_what_the_case_says() {
    for case in cases("tests/corpus/arch/invalid/syntax", "arch") {
        let name = case.path.display();
        let (sources, diagnostics) = findings(&case);
        let slug = case.says("error").unwrap_or_else(|| panic!("{name}: no `# error:` line"));
        assert_eq!(codes(&diagnostics), [slug], "{name}: {diagnostics:#?}");
        check_message(&case, &sources, &diagnostics[0]);
        assert_eq!(diagnostics[0].fix.is_some(), case.says("becomes").is_some(), "{name}");
    }
}

/// Compares a message with what the comment lines of its case say of it.
pub(crate) fn check_message(case: &Case, sources: &Sources, finding: &Diagnostic) {
    let name = case.path.display();
    if let Some(place) = case.says("at") {
        assert_eq!(at(sources, finding), place, "{name}");
    }
    if let Some(message) = case.says("says") {
        assert_eq!(finding.message, message, "{name}");
    }
    if let Some(label) = case.says("label") {
        assert_eq!(finding.label.as_deref(), Some(label), "{name}");
    }
    if let Some(note) = case.says("note") {
        assert!(finding.notes.iter().any(|n| n == note), "{name}: {:#?}", finding.notes);
    }
    if let Some(help) = case.says("help") {
        assert_eq!(finding.help.as_deref(), Some(help), "{name}");
    }
    if let Some(line) = case.says("becomes") {
        assert_eq!(mended(&case.text, finding).as_deref(), Some(line), "{name}");
    }
}

#[test]
fn every_broken_line_costs_one_message_and_no_other_line_does() {
    for case in cases("tests/corpus/arch/recovery", "arch") {
        let (sources, diagnostics) = findings(&case);
        let found: Vec<(u32, &str)> = diagnostics.iter().map(|d| (line(&sources, d), d.code)).collect();
        let marked = case.text.lines().map(|line| line.split_once("# error: ").map(|(_, slug)| slug));
        let expected: Vec<(u32, &str)> = (1..).zip(marked).filter_map(|(n, slug)| Some((n, slug?))).collect();
        assert_eq!(found, expected, "{}", case.path.display());
    }
}

fn line(sources: &Sources, finding: &Diagnostic) -> u32 {
    let Origin::Text(span) = &finding.origin else { panic!("{finding:?} points at no text") };
    sources.start(*span).line
}

/// `3:5-9`.
fn at(sources: &Sources, finding: &Diagnostic) -> String {
    let Origin::Text(span) = &finding.origin else { panic!("{finding:?} points at no text") };
    let (start, end) = (sources.start(*span), sources.end(*span));
    format!("{}:{}-{}", start.line, start.column, end.column)
}

/// The line at the finding's replacement, after it.
fn mended(text: &str, finding: &Diagnostic) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    let (start, end) = (fix.span.start as usize, fix.span.end as usize);
    let mended = format!("{}{}{}", &text[..start], fix.text, &text[end..]);
    let line = mended[..start].matches('\n').count();
    mended.lines().nth(line).map(|line| line.trim().to_owned())
}
