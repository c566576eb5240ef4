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
/// Largest graph that is taken from standard input, which must be held in memory whole.
pub const STDIN_BYTES: u64 = 1 << 31;
/// Deepest nesting of messages in an ONNX file.
pub const ONNX_DEPTH: usize = 50;
/// Messages of one kind that any ONNX file may hold; larger files may hold more, in proportion to their size.
pub const ONNX_MESSAGES: u64 = 4096;
/// Most inputs and outputs of a node.
pub const ONNX_OPERANDS: u64 = 1 << 16;
/// Most nodes that an ONNX file's functions and loops may expand to, beyond those that it holds.
pub const ONNX_EXPANSION: usize = 100_000;
/// Deepest nesting of calls of functions.
pub const ONNX_CALLS: usize = 32;
/// Most dimensions of a tensor (as in NumPy).
pub const RANK: u64 = 64;
/// Elements of small constants that are read from one ONNX file.
pub const ONNX_CONSTANTS: u64 = 1 << 20;
