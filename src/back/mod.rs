//! The network as a file for other programs: what the front ends read, written again.

pub mod onnx;
