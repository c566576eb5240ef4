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
    let mut cases: Vec<(String, Verdict, String)> = Vec::new();
    for run in &verified.runs {
        let how = if run.optimized { ", optimised" } else { "" };
        for Check { name, verdict, difference } in run.checks() {
            cases.push((format!("{name} at batch {}{how}", run.batch), verdict, difference));
        }
    }
    let missing = verified.missing.iter();
    cases.extend(missing.map(|why| ("not measured".into(), Verdict::Incomplete, why.clone())));
    let not_compared = verified.not_compared.iter();
    cases.extend(not_compared.map(|why| ("not compared".into(), Verdict::Incomplete, why.clone())));
    let count = |wanted| cases.iter().filter(|(_, verdict, _)| *verdict == wanted).count();
    let (tests, failures, skipped) = (cases.len(), count(Verdict::Mismatch), count(Verdict::Incomplete));
    let class = xml(&verified.source);
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">",
        xml(&verified.name)
    )?;
    for (name, verdict, difference) in &cases {
        let (name, difference) = (xml(name), xml(difference));
        let case = format!("    <testcase name=\"{name}\" classname=\"{class}\"");
        match verdict {
            Verdict::Agree => writeln!(out, "{case}/>")?,
            Verdict::Incomplete => writeln!(out, "{case}><skipped message=\"{difference}\"/></testcase>")?,
            Verdict::Mismatch => {
                writeln!(out, "{case}><failure type=\"mismatch\" message=\"{difference}\"/></testcase>")?;
            }
        }
    }
    writeln!(out, "  </testsuite>")
}
