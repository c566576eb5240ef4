//! Annotations of GitHub Actions. Source: the workflow commands of its runner, and the toolkit's rules of escaping.
//! A step shows ten errors and ten warnings, so the worst come first.

use super::{File, Format, located};
use crate::base::diagnostic::Severity;
use crate::render::Style;
use crate::render::escape::visible;
use std::cmp::Reverse;
use std::fmt::Write;
use std::io;

pub(super) const FORMAT: Format = Format { name: "github", doc: "annotations of GitHub Actions", write };

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut all: Vec<_> = located(files).collect();
    all.sort_by_key(|at| Reverse(at.found.severity));
    for at in all {
        let command = match at.found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let mut line = format!("::{command} file={},title={}", property(&at.path), property(at.found.code));
        if let Some((start, end)) = at.place {
            let _ = write!(line, ",line={},endLine={},col={}", start.line, end.line, start.column);
            // A column of the end is about the first line only.
            if end.line == start.line {
                let _ = write!(line, ",endColumn={}", end.column);
            }
        }
        writeln!(out, "{line}::{}", data(&at.in_full()))?;
    }
    Ok(())
}

/// Lines of a message become `%0A`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}
