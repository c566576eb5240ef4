//! cnnsize

pub mod analyze;
pub mod back;
pub mod base;
pub mod front;
pub mod graph;
pub mod lint;
pub mod ops;
pub mod render;
pub mod tensor;
pub mod verify;
