//! The network as a graph for Graphviz (<https://graphviz.org/doc/info/lang.html>).

use super::diagram::{Diagram, Item, diagram};
use crate::analyze::report::Report;
use crate::graph::Model;
use std::io;

/// Writes a model, of which `report` has the figures.
pub fn write(model: &Model, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let diagram = diagram(model, report);
    writeln!(out, "digraph {} {{", quoted(std::slice::from_ref(&diagram.name)))?;
    writeln!(out, "  node [shape=box];")?;
    frame(&diagram, 0, 1, out)?;
    for (from, to) in &diagram.arrows {
        writeln!(out, "  n{from} -> n{to};")?;
    }
    writeln!(out, "}}")
}

/// Writes what a frame holds. Frames are nested a few deep at most.
fn frame(diagram: &Diagram, place: usize, depth: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    for item in &diagram.frames[place].items {
        match *item {
            Item::Card(place) => {
                let card = &diagram.cards[place];
                let shape = if card.end { ", shape=ellipse" } else { "" };
                writeln!(out, "{indent}n{place} [label={}{shape}];", quoted(&card.lines))?;
            }
            Item::Frame(place) => {
                writeln!(out, "{indent}subgraph cluster_{place} {{")?;
                writeln!(out, "{indent}  label={};", quoted(std::slice::from_ref(&diagram.frames[place].name)))?;
                frame(diagram, place, depth.saturating_add(1), out)?;
                writeln!(out, "{indent}}}")?;
            }
        }
    }
    Ok(())
}

/// Lines as one quoted string. In a label a backslash and an ampersand mean something else.
fn quoted(lines: &[String]) -> String {
    let escape = |line: &String| line.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;");
    format!("\"{}\"", lines.iter().map(escape).collect::<Vec<_>>().join("\\n"))
}
