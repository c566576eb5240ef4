//! Findings for people, as rustc prints them: what, where with the source line and a caret, what helps.

use super::Style;
use super::escape::visible;
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::base::source::{Sources, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin as Place, Renderer, Snippet};
use std::io;
use std::ops::Range;

/// Most findings printed of one file; the rest is counted.
const SHOWN: usize = 100;
/// Bytes kept of a source line behind what is marked in it.
const TAIL: usize = 300;

/// Writes findings about the file or model that messages call `path`.
pub fn write(
    diagnostics: &[Diagnostic],
    path: &str,
    sources: &Sources,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.ascii { DecorStyle::Ascii } else { DecorStyle::Unicode };
    let renderer = renderer.decor_style(decor).term_width(style.width.unwrap_or(140));
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let group = group(diagnostic, path, sources);
        writeln!(out, "{}\n", renderer.render(&[group]))?;
    }
    match diagnostics.len().checked_sub(SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "and {more} more about `{}`\n", visible(path)),
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, path: &'a str, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::INFO.with_name("hint"),
    };
    let title = level.primary_title(visible(&diagnostic.message)).id(diagnostic.code);
    let mut group = Group::with_title(title);
    let primary = match &diagnostic.origin {
        Origin::Text(span) => Some((*span, AnnotationKind::Primary, diagnostic.label.as_deref())),
        Origin::Node { name, index } => {
            group = group.element(Place::path(format!("{}: node {index}, `{}`", visible(path), visible(name))));
            None
        }
        Origin::Byte(offset) => {
            group = group.element(Place::path(format!("{}: byte {offset}", visible(path))));
            None
        }
        Origin::File => {
            group = group.element(Place::path(visible(path)));
            None
        }
    };
    let others = diagnostic.others.iter().map(|(span, words)| (*span, AnnotationKind::Context, Some(words.as_str())));
    group = group.elements(snippets(primary.into_iter().chain(others), sources));
    let notes = diagnostic.notes.iter().map(|n| Level::NOTE.message(visible(n)));
    let help = diagnostic.help.iter().map(|h| Level::HELP.message(visible(h)));
    group.elements(notes).elements(help)
}

type Mark<'a> = (Span, AnnotationKind, Option<&'a str>);

/// One snippet for each text with all that is marked in it.
fn snippets<'a>(marks: impl Iterator<Item = Mark<'a>>, sources: &'a Sources) -> Vec<Snippet<'a, Annotation<'a>>> {
    let mut texts: Vec<(Span, Vec<Mark>)> = Vec::new();
    for mark in marks {
        match texts.iter_mut().find(|(all, _)| all.source == mark.0.source) {
            Some((all, marks)) => {
                *all = all.to(mark.0);
                marks.push(mark);
            }
            None => texts.push((mark.0, vec![mark])),
        }
    }
    texts.into_iter().map(|(all, marks)| snippet(all, marks, sources)).collect()
}

/// Only the lines that are marked go to the renderer, so that a message costs what it shows.
fn snippet<'a>(all: Span, marks: Vec<Mark<'a>>, sources: &'a Sources) -> Snippet<'a, Annotation<'a>> {
    let source = sources.get(all.source);
    let lines = lines(&source.text, all.start as usize..all.end as usize);
    let within = |offset: u32| (offset as usize).clamp(lines.start, lines.end) - lines.start;
    let annotations = marks.into_iter().map(|(span, kind, words)| {
        let annotation = kind.span(within(span.start)..within(span.end));
        match words {
            Some(words) => annotation.label(visible(words)),
            None => annotation,
        }
    });
    Snippet::source(source.text.get(lines.clone()).unwrap_or(""))
        .path(visible(&source.path.to_string_lossy()).into_owned())
        .line_start(sources.start(all).line as usize)
        .annotations(annotations)
}

/// The bytes of whole lines around a range; the last line ends a little behind the range.
fn lines(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.get(..range.start).and_then(|t| t.rfind('\n')).map_or(0, |newline| newline + 1);
    let behind = text.get(range.end..).unwrap_or("");
    let rest = behind.find('\n').unwrap_or(behind.len()).min(behind.floor_char_boundary(TAIL));
    start..(range.end.min(text.len()) + rest)
}
