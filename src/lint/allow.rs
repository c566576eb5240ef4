//! Allow-lists in a text: a comment `# cnnsize: allow LINT, LINT` quietens these lints in the whole file.

use super::LINTS;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::{SourceId, Span};
use crate::base::suggest;

/// Names of lints that a text allows, and what is wrong with the comments that name them.
pub fn allowed(source: SourceId, text: &str) -> (Vec<&'static str>, Vec<Diagnostic>) {
    let (mut names, mut wrong) = (Vec::new(), Vec::new());
    for word in text.lines().filter_map(list).flat_map(|list| list.split([',', ' '])).filter(|word| !word.is_empty()) {
        match super::find(word) {
            Some(lint) => names.push(lint.name),
            None => wrong.push(unknown(source, text, word)),
        }
    }
    (names, wrong)
}

/// What stands behind `allow` in such a comment.
fn list(line: &str) -> Option<&str> {
    let (_, comment) = line.split_once('#')?;
    comment.trim_start().strip_prefix("cnnsize:")?.trim_start().strip_prefix("allow ").map(str::trim)
}

/// `word` is a part of `text`.
fn unknown(source: SourceId, text: &str, word: &str) -> Diagnostic {
    let start = word.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let span = Span { source, start: place(start), end: place(start.saturating_add(word.len())) };
    let warning = Diagnostic::warning("unknown-lint", Origin::Text(span), format!("`{word}` is no lint"));
    match suggest::nearest(word, LINTS.iter().map(|lint| lint.name)) {
        Some(near) => warning.help(format!("did you mean `{near}`?")).fix(span, near),
        None => warning.help(format!("lints are {}", LINTS.iter().map(|l| l.name).collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Sources;

    #[test]
    fn a_comment_allows_lints_and_a_slip_in_it_is_said() {
        let text = "input 3@8x8\n  # cnnsize: allow even-same, ueven-stride\nconv 4 3x3 # allow even-same\n";
        let source = Sources::default().add("a.arch", text.into());
        let (names, wrong) = allowed(source, text);
        assert_eq!(names, ["even-same"]);
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].help.as_deref(), Some("did you mean `uneven-stride`?"));
        let Origin::Text(span) = &wrong[0].origin else { panic!("no place") };
        assert_eq!(&text[span.start as usize..span.end as usize], "ueven-stride");
    }
}
