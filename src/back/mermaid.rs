//! The network as a flowchart for Mermaid (<https://mermaid.js.org/syntax/flowchart.html>), which GitHub and GitLab draw in
//! Markdown.

use super::diagram::{Diagram, Item, diagram};
use crate::analyze::report::Report;
use crate::graph::Model;
use std::fmt::Write as _;
use std::io;

/// Writes a model, of which `report` has the figures.
pub fn write(model: &Model, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let diagram = diagram(model, report);
    writeln!(out, "flowchart TD")?;
    frame(&diagram, 0, 1, out)?;
    for (from, to) in &diagram.arrows {
        writeln!(out, "  n{from} --> n{to}")?;
    }
    Ok(())
}

/// Writes what a frame holds. Frames are nested a few deep at most.
fn frame(diagram: &Diagram, place: usize, depth: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    for item in &diagram.frames[place].items {
        match *item {
            Item::Card(place) => {
                let card = &diagram.cards[place];
                let text = card.lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
                let (open, close) = if card.end { ("([", "])") } else { ("[", "]") };
                writeln!(out, "{indent}n{place}{open}\"{text}\"{close}")?;
            }
            Item::Frame(place) => {
                writeln!(out, "{indent}subgraph s{place} [\"{}\"]", escaped(&diagram.frames[place].name))?;
                frame(diagram, place, depth.saturating_add(1), out)?;
                writeln!(out, "{indent}end")?;
            }
        }
    }
    Ok(())
}

/// Text inside quotes: what could be more than a letter there stands as its number.
fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_alphanumeric() || " .,·_-+/@×()[]:=?…".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}
