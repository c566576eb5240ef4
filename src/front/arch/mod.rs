//! The `.arch` language: text → syntax tree → graph.

pub mod ast;
