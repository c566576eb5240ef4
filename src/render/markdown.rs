//! The report as Markdown for comments and documents. Names stand in code spans, where nothing in them is read as a
//! link, a mention or HTML.

use super::escape::visible;
use super::rows::{By, Row, Sort, rows};
use super::shape::shape;
use super::totals::{GLUE, totals};
use super::units::{bytes, grouped};
use super::{Entry, Figures, Format, Outcome, Style};
use crate::base::quantity::{AtLeast, Quantity};
use crate::base::source::Sources;
use std::io;

pub(super) const FORMAT: Format =
    Format { name: "markdown", extension: "md", doc: "the report for a comment or a page", single: true, write };

fn write(entries: &[Entry], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for entry in entries {
        let Outcome::Sized(figures) = &entry.outcome else { continue };
        report(figures, &entry.sources, style, out)?;
    }
    Ok(())
}

fn report(figures: &Figures, sources: &Sources, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let report = &figures.report;
    let batch = report.settings.batch;
    let layout = style.layout.unwrap_or(figures.layout);
    writeln!(out, "### {}, model {}\n", code(&report.source), code(&report.name))?;
    writeln!(out, "Batch {}, {}.\n", grouped(batch), plain(&report.settings.precision))?;
    writeln!(out, "| layer | operation | output | parameters | MACs | memory |")?;
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: |")?;
    let mut rows = rows(report, sources, style.selection);
    if style.selection.by == By::Layer && style.selection.sort == Sort::Order && rows.left_out == 0 {
        rows.shown.splice(0..0, report.inputs.iter().map(Row::of_input));
    }
    for row in &rows.shown {
        let output = row.output.map_or(String::new(), |ty| in_table(&shape(ty, batch, layout)));
        let parameters = figure(row.parameters, grouped);
        let (macs, memory) = (figure(row.macs, grouped), figure(row.memory, |n| bytes(n, style.units)));
        let (name, operation) = (in_table(row.name), in_table(&row.operation));
        writeln!(out, "| {name} | {operation} | {output} | {parameters} | {macs} | {memory} |")?;
    }
    if rows.left_out > 0 {
        writeln!(
            out,
            "\nAnd {} more with {}.",
            rows.left_out,
            figure(rows.left_out_memory, |n| bytes(n, style.units))
        )?;
    }
    writeln!(out, "\nMACs and memory are for the batch.\n")?;
    for total in totals(figures, style) {
        let mut lines = total.lines.iter().map(|line| plain(&line.replace(GLUE, " ")));
        writeln!(out, "- **{}**: {}", total.name, lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "  - {line}")?;
        }
    }
    writeln!(out)
}

fn figure<Q: Quantity>(figure: AtLeast<Q>, write: impl Fn(u64) -> String) -> String {
    match (figure.incomplete, figure.least.count()) {
        (true, 0) => "not known".into(),
        (true, n) => format!("at least {}", write(n)),
        (false, n) => write(n),
    }
}

/// A code span of a table cell, where a bar would end the cell even in a code span.
fn in_table(text: &str) -> String {
    if text.is_empty() { String::new() } else { code(text).replace('|', "\\|") }
}

/// A code span, fenced by more backticks than the text holds in a row.
fn code(text: &str) -> String {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Prose that may hold names: whatever Markdown would read is escaped, and mentions are broken up.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '@' => out.push_str("@<!-- -->"),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        assert_eq!(in_table("a|b"), "`a\\|b`");
        assert_eq!(code("`x``"), "``` `x`` ```");
        assert_eq!(code("</script>@me[x](y)\n"), "`</script>@me[x](y)\\n`");
        assert_eq!(plain("@me <b> [x](y) `z`"), "@<!-- -->me &lt;b> \\[x\\](y) \\`z\\`");
    }
}
