//! One line a finding: `path:line:column: error[code]: message`.

use super::{File, Format, located};
use crate::render::Style;
use crate::render::escape::{ascii, visible};
use std::io;

pub(super) const FORMAT: Format = Format { name: "concise", doc: "one line a finding", write };

fn write(files: &[File], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for at in located(files) {
        let mut place = at.path.clone();
        if let Some((start, _)) = at.place {
            place += &format!(":{}:{}", start.line, start.column);
        }
        if let Some(node) = at.node {
            place += &format!(": node `{node}`");
        }
        let line = format!("{place}: {}[{}]: {}", at.found.severity.word(), at.found.code, at.found.message);
        let line = visible(&line);
        writeln!(out, "{}", if style.ascii { ascii(&line) } else { line })?;
    }
    Ok(())
}
