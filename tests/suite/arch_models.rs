//! The language's cases end to end: texts whose models must come out, and what is said about those that are wrong.

use crate::arch_cases::check_message;
use crate::files::{Case, Repository, cases};
use cnnsize::base::diagnostic::Diagnostic;
use cnnsize::base::source::Sources;
use cnnsize::front::arch::{Overrides, read};

/// What is said about a case whose every model is lowered.
fn findings(case: &Case) -> (Sources, Vec<Diagnostic>) {
    let document = read(&case.path, case.text.clone(), &Repository);
    let mut found = document.diagnostics.clone();
    for model in 0..document.models().count() {
        found.extend(document.lower(model, &Overrides::default()).diagnostics);
    }
    if case.says("error") == Some("no-model") {
        found.extend(document.no_model());
    }
    (document.sources, found)
}

/// Mistakes that only the analysis of a finished model finds.
const OF_ANALYSIS: &[&str] = &["expect-failed", "unknown-quantity", "unknown-setting"];
#[test]
fn valid_texts_and_examples_become_models() {
    let examples = cases("examples", "arch");
    let right = examples.iter().filter(|case| !case.path.starts_with("examples/broken"));
    for case in cases("tests/corpus/arch/valid", "arch").iter().chain(right) {
        let (_, found) = findings(case);
        assert_eq!(found, [], "{}", case.path.display());
    }
}

#[test]
fn a_mistake_of_meaning_costs_one_message_that_says_what_the_case_says() {
    let examples = cases("examples/broken", "arch");
    for case in cases("tests/corpus/arch/invalid", "arch").iter().chain(&examples) {
        let name = case.path.display();
        let slug = case.says("error").unwrap_or_else(|| panic!("{name}: no `# error:` line"));
        if OF_ANALYSIS.contains(&slug) {
            continue;
        }
        let (sources, found) = findings(case);
        let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
        assert_eq!(codes, [slug], "{name}: {found:#?}");
        check_message(case, &sources, &found[0]);
    }
}
