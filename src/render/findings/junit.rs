//! JUnit's XML: a suite for the run, a case for each file (a green tree too) and for each finding.
//!
//! Written by hand: the format is four elements, and all that can go wrong is the escaping, which is `xml` below. The crate
//! for it (quick-junit 0.8) brings twelve others, and 9 s of compiling.

use super::{File, Format, Located, count};
use crate::base::diagnostic::Severity;
use crate::render::Style;
use crate::render::escape::visible;
use std::io;

pub(super) const FORMAT: Format = Format { name: "junit", doc: "XML of JUnit, for build servers", write };

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let cases: usize = files.iter().map(|file| file.diagnostics.len().max(1)).sum();
    let failures = count(files, Severity::Error);
    let counts = format!("name=\"cnnsize\" tests=\"{cases}\" failures=\"{failures}\" errors=\"0\"");
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites {counts}>\n  <testsuite {counts} skipped=\"0\">")?;
    for file in files {
        if file.diagnostics.is_empty() {
            let path = xml(&file.path);
            writeln!(out, "    <testcase name=\"{path}\" classname=\"{path}\"/>")?;
        }
        for found in &file.diagnostics {
            case(&Located::of(found, file), out)?;
        }
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// An error fails its case; what is milder is said in the case's output.
fn case(at: &Located, out: &mut dyn io::Write) -> io::Result<()> {
    let place = at.place.map_or_else(String::new, |(start, _)| format!(":{}:{}", start.line, start.column));
    // Several findings of a kind in one place are told apart by what they are about, which a message names first.
    let about = at.found.message.split('`').nth(1).map_or_else(String::new, |about| format!(" {about}"));
    let name = xml(&format!("{}{place} {}{about}", at.path, at.found.code));
    writeln!(out, "    <testcase name=\"{name}\" classname=\"{}\">", xml(&at.path))?;
    let (code, message, text) = (xml(at.found.code), xml(&at.found.message), lines(&at.in_full()));
    match at.found.severity {
        Severity::Error => writeln!(out, "      <failure type=\"{code}\" message=\"{message}\">{text}</failure>")?,
        mild => writeln!(out, "      <system-out>{}: {text}</system-out>", mild.word())?,
    }
    writeln!(out, "    </testcase>")
}

/// Text that can stand in an element or an attribute: what XML 1.0 forbids is written out by `visible`.
pub(crate) fn xml(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;").replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn lines(text: &str) -> String {
    text.split('\n').map(xml).collect::<Vec<_>>().join("\n")
}
