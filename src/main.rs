//! The `cnnsize` program.
fn main() {}
