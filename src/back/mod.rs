//! The network as a file for other programs: what the front ends read, written again, and drawings of it.

pub mod dot;
pub mod mermaid;
pub mod onnx;

mod diagram;
