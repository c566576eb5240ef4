//! The `.arch` language: text → syntax tree → graph.

pub mod ast;

mod braces;
mod error;
mod expect;
mod expr;
mod item;
mod number;
pub mod print;
mod reader;
mod token;
mod top;
pub mod words;

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
