//! JSON, one finding a line, without a summary: for programs that read a stream.

use super::json::Finding;
use super::{File, Format, located};
use crate::render::{Style, lines};
use std::io;

pub(super) const FORMAT: Format = Format { name: "jsonl", doc: "one JSON object a line", write };

fn write(files: &[File], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    located(files).map(Finding::of).try_for_each(|finding| lines::line(&finding, out))
}
