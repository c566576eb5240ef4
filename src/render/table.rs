//! The default report: a header, the layers as a table, the totals with what they are made of. On a terminal it fits
//! the width: columns go before a number is broken, and only names are cut. Elsewhere nothing is cut.

use super::escape::{ascii, visible};
use super::rows::{By, Row, Rows, Sort, rows};
use super::shape::shape;
use super::totals::{GLUE, totals};
use super::units::{bytes, count, grouped, steps};
use super::{Entry, Figures, Format, Layout, Outcome, Style};
use crate::base::quantity::{AtLeast, Macs, Quantity};
use crate::base::source::Sources;
use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};
use std::io;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

pub(super) const FORMAT: Format =
    Format { name: "table", extension: "txt", doc: "layers, then totals with their sums", single: true, write };

/// Spaces before every column.
const GAP: usize = 2;
/// Shortest that a name is cut to.
const NAME: usize = 9;
/// Rows that are laid out at once: a table of 10^5 lines must not be in memory twice.
const ROWS: usize = 1000;
/// Width of the names of totals.
const LABEL: usize = 12;

fn write(entries: &[Entry], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut first = true;
    for entry in entries {
        let Outcome::Sized(figures) = &entry.outcome else { continue };
        if !std::mem::take(&mut first) {
            writeln!(out)?;
        }
        report(figures, &entry.sources, style, out)?;
    }
    Ok(())
}

fn report(figures: &Figures, sources: &Sources, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for line in wrap(&header(figures, style), style.width) {
        writeln!(out, "{}", emphasis(&line, style))?;
    }
    writeln!(out)?;
    layers(figures, sources, style, out)?;
    writeln!(out)?;
    let indent = GAP + LABEL;
    for total in totals(figures, style) {
        let mut name = total.name;
        for line in total.lines {
            let width = style.width.map(|width| width.saturating_sub(indent));
            for part in wrap(&in_charset(&line, style), width) {
                let name = emphasis(&format!("{:LABEL$}", std::mem::take(&mut name)), style);
                writeln!(out, "{}", format!("{:GAP$}{name}{part}", "").trim_end())?;
            }
        }
    }
    Ok(())
}

/// `textbook.arch · batch 50 · fp32 · input 3@200x300`
fn header(figures: &Figures, style: &Style) -> String {
    let report = &figures.report;
    let mut parts = vec![visible(&report.source).into_owned()];
    let stem = Path::new(&report.source).file_stem().map(|stem| stem.to_string_lossy());
    if stem.is_none_or(|stem| *stem != *report.name) {
        parts.push(format!("model {}", visible(&report.name)));
    }
    parts.push(format!("batch {}", grouped(report.settings.batch)));
    parts.push(visible(&report.settings.precision).into_owned());
    for input in &report.inputs {
        let shape = shape(&input.ty, report.settings.batch, layout(figures, style));
        parts.push(match &*input.name {
            "input" => format!("input {}", visible(&shape)),
            name => format!("input {} {}", visible(name), visible(&shape)),
        });
    }
    in_charset(&parts.join(" · "), style)
}

fn layout(figures: &Figures, style: &Style) -> Layout {
    style.layout.unwrap_or(figures.layout)
}

/// A column: its cells from the heading down, and how they stand.
struct Column {
    cells: Vec<String>,
    right: bool,
    /// Narrow terminals lose the columns with the highest numbers first; 0 stays.
    dispensable: u8,
}

fn layers(figures: &Figures, sources: &Sources, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let report = &figures.report;
    let mut rows = rows(report, sources, style.selection);
    if style.selection.by == By::Layer && style.selection.sort == Sort::Order && rows.left_out == 0 {
        rows.shown.splice(0..0, report.inputs.iter().map(Row::of_input));
    }
    let mut columns = columns(&rows.shown, figures, style);
    if let Some(width) = style.width {
        fit(&mut columns, width, style);
    }
    let widths: Vec<usize> = columns.iter().map(|column| GAP + column.width()).collect();
    let n = columns.first().map_or(0, |column| column.cells.len());
    for start in (0..n).step_by(ROWS) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for i in start..n.min(start + ROWS) {
            table.add_row(columns.iter().map(|column| column.cells.get(i).map_or("", String::as_str)));
        }
        for ((column, ours), width) in table.column_iter_mut().zip(&columns).zip(&widths) {
            column.set_padding((u16::try_from(GAP).unwrap_or(0), 0));
            column.set_cell_alignment(if ours.right { CellAlignment::Right } else { CellAlignment::Left });
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(u16::try_from(*width).unwrap_or(u16::MAX))));
        }
        for (i, line) in table.lines().enumerate() {
            let line = line.trim_end();
            writeln!(out, "{}", if start + i == 0 { emphasis(line, style) } else { line.into() })?;
        }
    }
    if let Rows { left_out: left_out @ 1.., left_out_memory, .. } = rows {
        let memory = least(left_out_memory, |n| bytes(n, style.units));
        let rest = format!("… and {left_out} more with {memory}; `--top all` shows them");
        writeln!(out, "{:GAP$}{}", "", in_charset(&rest, style))?;
    }
    Ok(())
}

fn columns(rows: &[Row], figures: &Figures, style: &Style) -> Vec<Column> {
    let batch = figures.report.settings.batch;
    let layout = layout(figures, style);
    let largest = rows.iter().map(|row| row.memory.least.0).max().unwrap_or(0);
    let column = |heading: &str, right, dispensable, cell: &dyn Fn(&Row) -> String| Column {
        cells: std::iter::once(heading.into())
            .chain(rows.iter().map(cell))
            .map(|c: String| in_charset(&c, style))
            .collect(),
        right,
        dispensable,
    };
    // MACs of one example, unless the batch does not divide them.
    let whole = rows.iter().all(|row| batch > 0 && row.macs.least.0.is_multiple_of(batch));
    let per = if whole { batch } else { 1 };
    let macs = |row: &Row| {
        let one = AtLeast { least: Macs(row.macs.least.0 / per), ..row.macs };
        least(one, count)
    };
    let order = match layout {
        // A graph's sizes stand as they are stored, in whatever order that is.
        _ if style.layout.is_none() && figures.report.format == "onnx" => "output",
        Layout::Channels => "output",
        Layout::Hwc => "output HxWxC",
        Layout::Chw => "output CxHxW",
    };
    let mut columns = vec![
        column("layer", false, 0, &|row| visible(row.name).into_owned()),
        column("operation", false, 2, &|row| row.operation.clone()),
        column(order, true, 0, &|row| {
            row.output.map_or(String::new(), |ty| visible(&shape(ty, batch, layout)).into_owned())
        }),
        column("params", true, 1, &|row| least(row.parameters, grouped)),
        column(if whole { "MACs/example" } else { "MACs" }, true, 3, &macs),
        column(&if batch == 1 { "memory".into() } else { format!("memory ×{batch}") }, true, 0, &|row| {
            least(row.memory, |n| bytes(n, style.units))
        }),
    ];
    columns.push(Column {
        cells: std::iter::once(String::new())
            .chain(rows.iter().map(|row| bar(row.memory.least.0, largest, style)))
            .collect(),
        right: false,
        dispensable: 4,
    });
    if style.selection.by == By::Op {
        columns.remove(2);
    }
    columns
}

/// A figure in a cell: `?` when nothing is known, `≥` before a lower bound.
fn least<Q: Quantity>(figure: AtLeast<Q>, write: impl Fn(u64) -> String) -> String {
    match (figure.incomplete, figure.least.count()) {
        (true, 0) => "?".into(),
        (true, n) => format!("≥{}", write(n)),
        (false, n) => write(n),
    }
}

/// A bar of at most eight characters.
fn bar(part: u64, whole: u64, style: &Style) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if style.ascii {
        return "#".repeat(usize::try_from(steps(part, whole, 8)).unwrap_or(0));
    }
    let eighths = usize::try_from(steps(part, whole, 64)).unwrap_or(0);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Leaves out columns, then shortens names, until the table is no wider than `width`.
fn fit(columns: &mut Vec<Column>, width: usize, style: &Style) {
    let widths = |columns: &[Column]| -> usize { columns.iter().map(|column| GAP + column.width()).sum() };
    while widths(columns) > width {
        let Some(worst) = (0..columns.len()).max_by_key(|i| columns[*i].dispensable) else { return };
        if columns[worst].dispensable == 0 {
            break;
        }
        columns.remove(worst);
    }
    let too_much = widths(columns).saturating_sub(width);
    if let (Some(names), 1..) = (columns.first_mut(), too_much) {
        let room = names.width().saturating_sub(too_much).max(NAME);
        names.cells.iter_mut().for_each(|cell| *cell = shortened(cell, room, style));
    }
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).max().unwrap_or(0)
    }
}

/// `backbone.stage3.conv2` as `backbone…conv2`.
fn shortened(name: &str, room: usize, style: &Style) -> String {
    if name.width() <= room {
        return name.into();
    }
    let mark = if style.ascii { ".." } else { "…" };
    let rest = room.saturating_sub(mark.width());
    let fitting = |characters: &mut dyn Iterator<Item = char>, room: usize| {
        let mut used = 0;
        characters
            .take_while(|c| {
                used += c.to_string().width();
                used <= room
            })
            .collect::<Vec<_>>()
    };
    let head: String = fitting(&mut name.chars(), rest.div_ceil(2)).into_iter().collect();
    let tail: String = fitting(&mut name.chars().rev(), rest / 2).into_iter().rev().collect();
    format!("{head}{mark}{tail}")
}

/// The text in lines no wider than `width`, broken at spaces; glue becomes a space.
fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.replace(GLUE, " ")] };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.into_iter().map(|line| line.replace(GLUE, " ")).collect()
}

fn in_charset(text: &str, style: &Style) -> String {
    if style.ascii { text.split(GLUE).map(ascii).collect::<Vec<_>>().join("\u{a0}") } else { text.into() }
}

fn emphasis(text: &str, style: &Style) -> String {
    if style.color && !text.trim().is_empty() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::base::quantity::Bytes;

    fn printed(style: &Style, change: impl FnOnce(&mut Figures)) -> String {
        let mut entry = sample::textbook();
        if let Outcome::Sized(figures) = &mut entry.outcome {
            change(figures);
        }
        let mut out = Vec::new();
        write(&[entry], style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_narrow_terminal_loses_columns_and_no_digit() {
        for width in 34..100 {
            let text = printed(&Style { width: Some(width), ..Style::default() }, |_| {});
            assert!(text.lines().all(|line| line.width() <= width), "wider than {width}:\n{text}");
            for figure in ["903,400", "453,613,600 B", "565,613,600 B", "1,399,500,000", "300.0 MB"] {
                assert!(text.contains(figure), "{figure} is missing at {width}:\n{text}");
            }
        }
    }

    #[test]
    fn names_are_cut_in_the_middle_and_only_on_a_terminal() {
        let name = "backbone.stage3.bottleneck12.shortcut.conv1";
        let rename = |figures: &mut Figures| figures.report.layers[0].group = name.into();
        let narrow = printed(&Style { width: Some(60), ..Style::default() }, rename);
        assert!(narrow.contains("backbone.stage3.…2.shortcut.conv1"), "{narrow}");
        assert!(printed(&Style::default(), rename).contains(name));
    }

    #[test]
    fn ascii_means_ascii_and_no_colour_means_no_escape() {
        let rename = |figures: &mut Figures| figures.report.layers[0].group = "é\u{1b}[31m\u{202e}\n".into();
        let text = printed(&Style { ascii: true, ..Style::default() }, rename);
        assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("\\u{e9}\\u{1b}[31m\\u{202e}\\n"));
        let coloured = printed(&Style { color: true, ..Style::default() }, rename);
        assert!(coloured.contains("\u{1b}[1m") && !coloured.contains("\u{1b}[31m"));
    }

    #[test]
    fn lower_bounds_are_marked_and_unknown_is_not_zero() {
        let text = printed(&Style::default(), |figures| {
            figures.report.layers[0].macs = AtLeast::unknown();
            figures.report.totals.macs.incomplete = true;
            figures.report.inference.minimum = AtLeast { least: Bytes(5), incomplete: true };
        });
        assert!(text.contains("at least 1,399,500,000 MACs") && text.contains("at least 5 B"), "{text}");
        let row = text.lines().find(|line| line.trim_start().starts_with("conv1")).unwrap();
        assert!(row.contains(" ? "), "{row}");
    }
}
