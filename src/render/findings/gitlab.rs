//! GitLab's code quality report. Source: GitLab's documentation, "Code Quality report format".

use super::{File, Format, located};
use crate::base::diagnostic::Severity;
use crate::render::{Style, lines};
use std::collections::BTreeMap;
use std::io;

pub(super) const FORMAT: Format = Format { name: "gitlab", doc: "code quality report of GitLab", write };

#[derive(serde::Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(serde::Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(serde::Serialize)]
struct Lines {
    begin: u32,
}

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    // GitLab drops an issue whose fingerprint it has seen.
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let issues = located(files).map(|at| {
        let plain = at.fingerprint();
        let times = seen.entry(plain.clone()).and_modify(|n| *n = n.saturating_add(1)).or_insert(0);
        Issue {
            description: at.in_full(),
            check_name: at.found.code,
            fingerprint: if *times == 0 { plain } else { format!("{plain}-{times}") },
            severity: match at.found.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Hint => "info",
            },
            location: Location { lines: Lines { begin: at.place.map_or(1, |(start, _)| start.line) }, path: at.path },
        }
    });
    lines::pretty(&issues.collect::<Vec<_>>(), out)
}
