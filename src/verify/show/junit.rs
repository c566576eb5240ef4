//! JUnit's XML: a suite a model, a case for each thing that was compared.

use super::Format;
use crate::render::Style;
use crate::render::findings::xml;
use crate::verify::report::{Check, Verdict, Verified};
use std::io;

pub(super) const FORMAT: Format = Format { name: "junit", doc: "XML of JUnit, for build servers", write };

fn write(all: &[Verified], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cnnsize verify\">")?;
    for verified in all {
        suite(verified, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(verified: &Verified, out: &mut dyn io::Write) -> io::Result<()> {
    let mut cases: Vec<(String, Verdict)> = Vec::new();
    for run in &verified.runs {
        let how = if run.optimized { ", optimised" } else { "" };
        let checks = run.checks().into_iter();
        cases.extend(checks.map(|Check { name, verdict }| (format!("{name} at batch {}{how}", run.batch), verdict)));
    }
    cases.extend(verified.missing.iter().map(|why| (why.clone(), Verdict::Incomplete)));
    let count = |wanted| cases.iter().filter(|(_, verdict)| *verdict == wanted).count();
    let (tests, failures, skipped) = (cases.len(), count(Verdict::Mismatch), count(Verdict::Incomplete));
    let class = xml(&verified.source);
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">",
        xml(&verified.name)
    )?;
    for (name, verdict) in &cases {
        let name = xml(name);
        let case = format!("    <testcase name=\"{name}\" classname=\"{class}\"");
        match verdict {
            Verdict::Agree => writeln!(out, "{case}/>")?,
            Verdict::Incomplete => writeln!(out, "{case}><skipped message=\"not measured\"/></testcase>")?,
            Verdict::Mismatch => {
                writeln!(
                    out,
                    "{case}><failure type=\"mismatch\" message=\"prediction and measurement differ\"/></testcase>"
                )?;
            }
        }
    }
    writeln!(out, "  </testsuite>")
}
