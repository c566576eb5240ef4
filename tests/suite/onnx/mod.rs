//! ONNX files: generated messages, whole graphs and models with what others found in them, files made to do harm.

mod build;
mod graphs;
mod impossible;
mod models;
mod proto;
