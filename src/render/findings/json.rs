//! JSON for programs, `cnnsize-findings/1`. Names never change within that number; keys are only added.

use super::{File, Format, Located, count, located};
use crate::base::diagnostic::Severity;
use crate::render::{Style, lines};
use std::io;

pub(super) const FORMAT: Format = Format { name: "json", doc: "for programs, with a schema", write };

#[derive(serde::Serialize)]
struct Twin<'a> {
    schema: &'static str,
    findings: Vec<Finding<'a>>,
    summary: Summary,
}

/// A finding; `line` and the like are null where it is not about a place in a text.
#[derive(serde::Serialize)]
pub(super) struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    path: String,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    node: Option<&'a str>,
    help: Option<&'a str>,
    notes: &'a [String],
}

#[derive(serde::Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
}

impl<'a> Finding<'a> {
    pub(super) fn of(at: Located<'a>) -> Finding<'a> {
        let (start, end) = at.place.unzip();
        Finding {
            code: at.found.code,
            severity: at.found.severity.word(),
            message: &at.found.message,
            path: at.path,
            line: start.map(|place| place.line),
            column: start.map(|place| place.column),
            end_line: end.map(|place| place.line),
            end_column: end.map(|place| place.column),
            node: at.node,
            help: at.found.help.as_deref(),
            notes: &at.found.notes,
        }
    }
}

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let summary = Summary {
        files: files.len(),
        errors: count(files, Severity::Error),
        warnings: count(files, Severity::Warning),
    };
    let findings = located(files).map(Finding::of).collect();
    lines::pretty(&Twin { schema: "cnnsize-findings/1", findings, summary }, out)
}
