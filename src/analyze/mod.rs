//! Model → numbers. No operator's name may appear in this folder.

pub mod report;
