//! Text or bytes in, [`crate::graph::Model`] out, with a list of findings.

pub mod arch;
pub mod onnx;
