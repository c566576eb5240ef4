//! The `.arch` language: text → syntax tree → graph.
//!
//! [`read`] parses a text and what it imports, and says what is wrong without knowing sizes. [`Document::lower`] expands
//! one of its models into a graph, sizes interleaved, because `in.c` may decide what a block becomes.

pub mod ast;
pub mod prelude;
pub mod print;
mod unused;
pub mod words;

mod braces;
mod document;
mod error;
mod expect;
mod expr;
mod item;
mod lower;
mod name;
mod number;
mod rational;
mod reader;
mod resolve;
mod token;
mod top;

pub use document::{Document, Framework, LoadError, Loader, Lowered, ModelName, Overrides, read};

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::base::source::SourceId;

/// The syntax tree of a text, and what is wrong with it. Whatever the text, there is a tree: a broken line stands in it as
/// [`ast::Stmt::Bad`].
pub fn parse(source: SourceId, text: &str) -> (ast::File, Vec<Diagnostic>) {
    let place = token::Place { source, text, depth: 0 };
    if text.len() > limits::FILE_BYTES {
        let message = format!("{} bytes here, a text may have {}", text.len(), limits::FILE_BYTES);
        let error = Diagnostic::error("file-too-big", Origin::Text(place.bytes(0, 0)), message);
        return (ast::File::default(), vec![error.help("move blocks into files of their own and `import` them")]);
    }
    reader::Reader::new(place).file()
}
