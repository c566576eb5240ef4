//! How JSON is laid out and escaped, for every format that is JSON.

use super::escape::{is_hidden, is_plain};
use serde::Serialize;
use std::io::{self, Write};

/// Writes a value over lines, its outer levels indented.
pub(crate) fn pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // The serialiser writes a few bytes at a time.
    let mut out = io::BufWriter::with_capacity(CHUNK, out);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Bytes that are handed on at once.
const CHUNK: usize = 64 << 10;

/// Writes a value in a line. No string holds a raw newline, so whatever stands at the start of a line is indentation.
pub(super) fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    pretty(value, &mut text)?;
    for part in text.split(|byte| *byte == b'\n') {
        out.write_all(part.trim_ascii_start())?;
    }
    out.write_all(b"\n")
}

/// Lays JSON out so that people and line-based tools can read it: one key of a model, one layer, one total a line.
#[derive(Default)]
struct Lines {
    depth: usize,
    /// Whether the array or object written last is still empty.
    empty: bool,
}

impl Lines {
    /// Nesting up to which every element has a line of its own: report, models, a model, its layers or totals.
    const OPEN: usize = 4;

    fn open(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.empty = true;
        out.write_all(bracket)
    }

    fn separate(&mut self, out: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        self.empty = false;
        match (first, self.depth <= Lines::OPEN) {
            (true, true) => self.line(out),
            (false, true) => out.write_all(b",").and_then(|()| self.line(out)),
            (true, false) => Ok(()),
            (false, false) => out.write_all(b", "),
        }
    }

    fn close(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.depth < Lines::OPEN && !self.empty {
            self.line(out)?;
        }
        self.empty = false;
        out.write_all(bracket)
    }

    fn line(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let indent = b"\n        ";
        out.write_all(indent.get(..=2 * self.depth.min(4)).unwrap_or(indent))
    }
}

impl serde_json::ser::Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }
    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }
    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }
    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }
    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first)
    }
    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
    /// The same string for every reader of JSON, and harmless for terminals, pages and build logs that show it raw.
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(is_plain) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| matches!(c, '<' | '#') || is_hidden(c)) {
            let (plain, behind) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut behind = behind.chars();
            for unit in behind.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = behind.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}
