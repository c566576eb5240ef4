//! Comparisons with a runtime as text: one file a format.

pub mod json;
mod junit;
mod table;

use crate::render::Style;
use crate::verify::report::Verified;
use std::io;

/// A way of writing comparisons.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Writes them.
    pub write: fn(&[Verified], &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default one first.
pub static FORMATS: &[Format] = &[table::FORMAT, json::FORMAT, junit::FORMAT];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == name)
}
