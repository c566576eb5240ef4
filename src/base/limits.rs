//! Named bounds on what a file may ask for. Each has a test at its edge.

/// Largest `.arch` text, in bytes.
pub const FILE_BYTES: usize = 1 << 20;
/// Deepest nesting of braces and parentheses in a text.
pub const NESTING: usize = 64;
/// Most messages about the syntax of one text; more say nothing new.
pub const SYNTAX_ERRORS: usize = 100;
/// Most files that one model may import, itself included.
pub const IMPORTS: usize = 64;
/// Most layers that repeats and blocks may expand to.
pub const LAYERS: u64 = 1_000_000;
/// Largest number in a text: beyond it a double, and so JSON, loses digits.
pub const NUMBER: u64 = 1 << 53;
