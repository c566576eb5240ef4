//! Each lint against its cases in `tests/corpus/lint/NAME`: `fires.arch` (and others that begin so) says at its top what is
//! found, by comment lines like those of the language's cases, and `quiet.arch` is nearly the same without the fault.

use crate::arch_cases::check_message;
use crate::files::{Case, Repository, cases, read};
use cnnsize::analyze::{Sizing, convention};
use cnnsize::base::diagnostic::{Diagnostic, Origin, Severity};
use cnnsize::base::source::Sources;
use cnnsize::front::arch::{self, Overrides};
use cnnsize::lint::{self, LINTS, Lint};
use std::collections::BTreeSet;
use std::path::Path;

/// What lints find in a text's models, none of which may be broken.
fn findings(path: &Path, text: &str) -> (Sources, Vec<Diagnostic>) {
    let document = arch::read(path, text.to_owned(), &Repository);
    let mut found = Vec::new();
    for model in 0..document.models().count() {
        let lowered = document.lower(model, &Overrides::default());
        let wrong = document.diagnostics.iter().chain(&lowered.diagnostics).find(|d| d.severity == Severity::Error);
        assert_eq!(wrong, None, "{}", path.display());
        found.extend(lint::check(&Sizing::of(&lowered.model, lowered.batch, convention::default()), Some(&document)));
    }
    (document.sources, found)
}

fn of<'a>(lint: &Lint, found: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
    found.iter().filter(|found| found.code == lint.name).collect()
}

/// The cases of a lint whose names begin like this; there must be one.
fn cases_of(lint: &Lint, kind: &str) -> Vec<Case> {
    let folder = format!("tests/corpus/lint/{}", lint.name);
    let is_one = |case: &Case| case.path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind));
    let cases: Vec<Case> = cases(&folder, "arch").into_iter().filter(is_one).collect();
    assert!(!cases.is_empty(), "{folder} has no {kind}.arch");
    cases
}

#[test]
fn every_lint_finds_its_fault_once_and_says_it() {
    for lint in LINTS {
        for case in cases_of(lint, "fires") {
            let (sources, found) = findings(&case.path, &case.text);
            let own = of(lint, &found);
            assert_eq!(own.len(), 1, "{}: {found:#?}", case.path.display());
            assert!(case.says("says").is_some(), "{} does not say what is found", case.path.display());
            assert_eq!(own[0].severity, lint.severity);
            check_message(&case, &sources, own[0]);
        }
    }
}

#[test]
fn every_lint_is_quiet_where_there_is_no_fault() {
    for lint in LINTS {
        for case in cases_of(lint, "quiet") {
            let (_, found) = findings(&case.path, &case.text);
            assert!(of(lint, &found).is_empty(), "{}: {:#?}", case.path.display(), of(lint, &found));
        }
    }
}

#[test]
fn the_example_on_a_lint_s_page_has_the_fault() {
    for lint in LINTS {
        let (_, found) = findings(Path::new("example.arch"), lint.example);
        assert!(!of(lint, &found).is_empty(), "{}: {found:#?}", lint.name);
    }
}

#[test]
fn no_case_is_about_a_lint_that_is_gone() {
    for case in cases("tests/corpus/lint", "arch") {
        let folder = case.path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("a folder");
        assert!(lint::find(folder).is_some(), "{}", case.path.display());
    }
}

/// Findings on the published networks are few, and each was judged by hand when it was put into the list: a file, a line,
/// a lint. A new one wants the same.
#[test]
fn findings_on_the_examples_are_those_that_were_judged() {
    let mut all = BTreeSet::new();
    for case in cases("examples", "arch").iter().filter(|case| !case.path.starts_with("examples/broken")) {
        let (sources, found) = findings(&case.path, &case.text);
        for found in found {
            let place = match &found.origin {
                Origin::Text(span) => {
                    format!("{}:{}", sources.get(span.source).path.display(), sources.start(*span).line)
                }
                _ => case.path.display().to_string(),
            };
            all.insert(format!("{place}\t{}", found.code));
        }
    }
    let judged: BTreeSet<String> = read("tests/corpus/lint/examples.tsv").lines().map(str::to_owned).collect();
    assert_eq!(all, judged);
}
