//! For people: the source line with a caret, notes, help, and a line that sums up.

use super::{File, Format, count};
use crate::base::diagnostic::Severity;
use crate::render::{Style, diagnostics};
use std::io;

pub(super) const FORMAT: Format = Format { name: "text", doc: "source line, caret, note and help", write };

fn write(files: &[File], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for file in files {
        diagnostics::write(&file.diagnostics, &file.path, &file.sources, style, out)?;
    }
    let counted = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<_> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")]
        .into_iter()
        .map(|(severity, word)| (count(files, severity), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| counted(n, word))
        .collect();
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    writeln!(out, "{} checked: {found}", counted(files.len(), "file"))
}
