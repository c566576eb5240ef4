//! Layers as comma-separated values (RFC 4180), figures as plain integers for the batch. An empty cell is a figure that
//! is not known. A text that a spreadsheet would take for a formula begins with an apostrophe.

use super::escape::visible;
use super::rows::{Row, rows};
use super::shape::shape;
use super::{Entry, Format, Layout, Outcome, Style};
use crate::base::quantity::{AtLeast, Quantity};
use std::io;

pub(super) const FORMAT: Format =
    Format { name: "csv", extension: "csv", doc: "the layer table, for spreadsheets", single: false, write };

const HEADER: &str = "source,model,layer,operation,output,batch,parameters,trainable_parameters,buffers,macs,flops,\
                      activation_bytes\r\n";

fn write(entries: &[Entry], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    for entry in entries {
        let Outcome::Sized(figures) = &entry.outcome else { continue };
        let report = &figures.report;
        let layout = style.layout.unwrap_or(Layout::Channels);
        for row in rows(report, &entry.sources, style.selection).shown {
            let output = row.output.map_or(String::new(), |ty| shape(ty, report.settings.batch, layout));
            let texts = [&*report.source, &*report.name, row.name, &*row.operation, &*output].map(cell);
            writeln_record(&texts, report.settings.batch, &row, out)?;
        }
    }
    Ok(())
}

fn writeln_record(texts: &[String], batch: u64, row: &Row, out: &mut dyn io::Write) -> io::Result<()> {
    let figures = [
        batch.to_string(),
        figure(row.parameters),
        figure(row.trainable),
        figure(row.buffers),
        figure(row.macs),
        figure(row.flops),
        figure(row.memory),
    ];
    write!(out, "{},{}\r\n", texts.join(","), figures.join(","))
}

fn figure<Q: Quantity>(figure: AtLeast<Q>) -> String {
    figure.known().map_or(String::new(), |q| q.count().to_string())
}

/// A text cell: quoted where it must be, and never a formula.
fn cell(original: &str) -> String {
    let text = visible(original);
    let formula = text.starts_with(['=', '+', '-', '@']) || original.starts_with(['\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.into_owned() };
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(cell("conv1"), "conv1");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\\n\"");
        assert_eq!(cell("=cmd|'/C calc'!A0"), "'=cmd|'/C calc'!A0");
        assert_eq!(cell("\t=1"), "'\\t=1");
        assert_eq!(cell("-1,2"), "\"'-1,2\"");
    }
}
