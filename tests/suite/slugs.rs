//! Every finding has a page: slugs in the sources are looked up with `cnnsize explain`.

use crate::tidy::sources;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Words with hyphens that are names of something else.
const NO_SLUGS: &[&str] = &["verify-worker"];

/// Slugs: words with a hyphen that are the first argument of what makes errors, a constant, or the first of a pair in the
/// front ends; and single words behind the constructors of findings.
fn slugs() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        if path.starts_with("render") {
            continue;
        }
        for (at, _) in code.match_indices('"') {
            let before = code[..at].trim_end();
            let word = code[at + 1..].split('"').next().unwrap_or("");
            let is_word =
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            let makes = ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::hint(", "OpError::new(", "(fault("];
            let calls = ["error(", "warning(", "hint(", "fault(", "&str ="];
            let of_pair =
                before.strip_suffix('(').is_some_and(|b| !b.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let is_first = (of_pair && path.starts_with("front")) || calls.iter().any(|call| before.ends_with(call));
            let is_hyphened = word.contains('-') && !word.starts_with('-') && !word.ends_with('-') && is_first;
            if is_word && (is_hyphened || makes.iter().any(|make| before.ends_with(make))) {
                found.insert(word.to_owned());
            }
        }
    }
    found.retain(|word| !NO_SLUGS.contains(&word.as_str()));
    found
}

#[test]
fn every_finding_has_a_page() {
    let slugs = slugs();
    assert!(slugs.len() > 100 && slugs.contains("misplaced"), "{slugs:?}");
    let explains = |slug: &&String| {
        let mut explain = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
        let page = explain.args(["explain", slug]).stdin(Stdio::null()).output().expect("the program runs");
        page.status.success() && String::from_utf8_lossy(&page.stdout).starts_with(slug.as_str())
    };
    let without: Vec<_> = slugs.iter().filter(|slug| !explains(slug)).collect();
    assert!(without.is_empty(), "no page in src/cli/faults on {without:?}");
}
