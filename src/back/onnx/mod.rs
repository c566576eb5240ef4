//! ONNX: graph → bytes.
//!
//! [`encode`] writes a model of the language: operators and attributes are ONNX's already, so each node is written as it
//! is. [`mod@rebuild`] writes a graph that was read, with other sizes or weights, and copies everything else. Names stay
//! ([`mod@names`]), weights are made up ([`fill`]) for what reads them ([`slots`], [`stored`]), and the file is a [`Message`] that is
//! written without ever being held.

mod expose;
mod fields;
mod fill;
mod held;
mod message;
mod model;
mod names;
mod open;
mod pieces;
mod rebuild;
mod refuse;
mod resize;
mod schema;
mod slots;
mod stored;

pub use expose::exposing;
pub use message::Message;
pub use model::{encode, encode_as_is, encode_open, names};
pub use rebuild::{Changes, Rebuilt, rebuild};
pub use refuse::Refused;

/// What weights hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Zeros; variances are 1.
    Zero,
    /// Numbers of the size with which training begins: whatever runs stays finite. The same seed gives the same numbers.
    Random {
        /// Any number.
        seed: u64,
    },
    /// Nothing: a `ConstantOfShape` node stands for each weight. Everything is there but the bytes.
    Stripped,
}

/// Most bytes of a protocol-buffer message; no library reads a larger one.
pub const MOST_BYTES: u64 = (1 << 31) - 1;
