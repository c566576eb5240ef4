//! Source texts and places in them.

use std::path::{Path, PathBuf};

/// Which text of a [`Sources`] a place lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A range of bytes in one source text, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both; `other` must lie in the same text.
    pub fn to(self, other: Span) -> Span {
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A text with the path under which messages name it.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user wrote it, or relative to the importing file.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    line_starts: Vec<u32>,
}

/// Every text read in one run: the file itself and what it imports.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

/// A place for people: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Sources {
    /// Takes a text in and says under which id it is known from now on.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: String) -> SourceId {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| to_u32(i).saturating_add(1)));
        let line_starts = starts.collect();
        self.0.push(Source { path: path.into(), text, line_starts });
        SourceId(to_u32(self.0.len() - 1))
    }

    /// The text behind an id.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// The paths of all texts.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|source| &*source.path)
    }

    /// Where a span begins.
    pub fn start(&self, span: Span) -> LineColumn {
        self.get(span.source).line_column(span.start)
    }

    /// Where a span ends (the place just after its last character).
    pub fn end(&self, span: Span) -> LineColumn {
        self.get(span.source).line_column(span.end)
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

impl Source {
    /// Line and column of a byte offset.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.line_starts.partition_point(|s| *s <= offset).max(1);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text.get(start..offset as usize).map_or(0, |t| t.chars().count());
        LineColumn { line: to_u32(line), column: to_u32(column).saturating_add(1) }
    }

    /// The path as messages show it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Texts are bounded far below 4 GiB (`limits::FILE_BYTES`), so this never saturates in practice.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let mut sources = Sources::default();
        let id = sources.add("a.arch", "input 3@8x8\n# é conv\nconv 4".into());
        let place = |start| sources.start(Span { source: id, start, end: start });
        assert_eq!(place(0), LineColumn { line: 1, column: 1 });
        assert_eq!(place(12), LineColumn { line: 2, column: 1 });
        assert_eq!(place(17), LineColumn { line: 2, column: 5 });
        assert_eq!(place(22), LineColumn { line: 3, column: 1 });
    }
}
