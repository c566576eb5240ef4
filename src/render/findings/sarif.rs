//! SARIF 2.1.0, which code hosts show beside the lines. Source: the OASIS standard of that name.
//!
//! Written with `serde_json`: of the standard's hundreds of properties a dozen are needed, and the crate for them
//! (serde-sarif 0.8) brings forty others, three versions of `syn` among them, and 28 s of compiling.

use super::{File, Format, Located, located};
use crate::base::diagnostic::Severity;
use crate::render::escape::visible;
use crate::render::{Style, lines};
use serde_json::{Value, json as object};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;

pub(super) const FORMAT: Format = Format { name: "sarif", doc: "SARIF 2.1.0, for code hosts", write };

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let codes: BTreeSet<&str> = located(files).map(|at| at.found.code).collect();
    let rules: Vec<Value> = codes.into_iter().map(|code| object!({ "id": code })).collect();
    let results: Vec<Value> = located(files).map(|at| result(&at)).collect();
    let log = object!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cnnsize", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    lines::pretty(&log, out)
}

fn result(at: &Located) -> Value {
    let mut location = object!({ "physicalLocation": { "artifactLocation": { "uri": uri(&at.path) } } });
    if let Some((start, end)) = at.place {
        location["physicalLocation"]["region"] = object!({
            "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
        });
    }
    if let Some(node) = at.node {
        location["logicalLocations"] = object!([{ "name": visible(node), "kind": "element" }]);
    }
    object!({
        "ruleId": at.found.code,
        "level": match at.found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "note",
        },
        "message": { "text": at.in_full() },
        "locations": [location],
        "partialFingerprints": { "cnnsize/v1": at.fingerprint() },
    })
}

/// A path as a relative reference: whatever is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
