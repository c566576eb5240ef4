//! Integration tests, all in one program.
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arch_cases;
mod arch_grammar;
mod arch_hostile;
mod arch_models;
mod arch_print;
mod cli;
mod ebnf;
mod export;
mod files;
mod lints;
mod networks;
mod onnx;
mod operators;
mod oracle;
mod properties;
mod readme;
mod reconcile;
mod slugs;
mod tidy;
mod verify;
mod verify_faults;
