//! One pass over the wire before anything is decoded: lengths, depth, and how many messages there are of each kind.
//!
//! Ten megabytes of legal protocol buffers can stand for five million empty messages, each of which costs a decoder
//! hundreds of bytes. What a file may hold is therefore a function of its size, so that no file can make the reader
//! take out of all proportion to it in time or memory. Contents of large tensors are hopped over, never fetched.

use super::{Contents, Outcome};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use std::io;

/// Checks the whole file, and fetches all of it but the contents of large tensors.
pub(super) fn check(file: &mut impl Contents) -> Outcome<()> {
    let size = file.size();
    let mut pass = Pass { file, size, counts: [0; KINDS] };
    pass.message(Kind::Model, 0, size, 0)
}

/// Messages that are looked into. Everything else is hopped over, as the decoder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    OperatorSet,
    Graph,
    Node,
    Attribute,
    /// One of the strings of an attribute, which costs as much as a message.
    Text,
    /// A stored tensor, which must have a name.
    Initializer,
    /// A tensor inside something else.
    Tensor,
    SparseTensor,
    Entry,
    ValueInfo,
    Type,
    TensorType,
    /// A list, a dictionary or an optional value: its type is at field 1 or 2.
    Wrapper,
    Shape,
    Dimension,
    Function,
}

const KINDS: usize = Kind::Function as usize + 1;

/// What a field holds, where that matters here.
#[derive(Clone, Copy)]
enum Field {
    Message(Kind),
    /// A name that must not be empty.
    Name,
    /// One of the names of what goes into or comes out of a node.
    Operand,
    /// Sizes of a tensor, packed or one by one.
    Sizes,
    /// Contents of a tensor.
    Contents,
    Other,
}

impl Kind {
    fn field(self, number: u64) -> Field {
        use Field::{Message, Name, Operand, Other, Sizes};
        match (self, number) {
            (Kind::Model, 7) | (Kind::Attribute, 6) => Message(Kind::Graph),
            (Kind::Model, 8) | (Kind::Function, 9) => Message(Kind::OperatorSet),
            (Kind::Model, 25) => Message(Kind::Function),
            (Kind::Graph, 1) | (Kind::Function, 7) => Message(Kind::Node),
            (Kind::Graph, 5) => Message(Kind::Initializer),
            (Kind::Graph, 11..=13) => Message(Kind::ValueInfo),
            (Kind::Graph, 15) | (Kind::Attribute, 22) => Message(Kind::SparseTensor),
            (Kind::Node, 1 | 2) | (Kind::Function, 4 | 5) => Operand,
            (Kind::Node, 4) | (Kind::Attribute | Kind::Function, 1) | (Kind::Initializer, 8) => Name,
            (Kind::Node, 5) | (Kind::Function, 11) => Message(Kind::Attribute),
            (Kind::Attribute, 5) | (Kind::SparseTensor, 1) => Message(Kind::Tensor),
            (Kind::Attribute, 9) => Message(Kind::Text),
            (Kind::ValueInfo, 2) | (Kind::Wrapper, 1 | 2) => Message(Kind::Type),
            (Kind::Initializer | Kind::Tensor, 1) | (Kind::SparseTensor, 3) => Sizes,
            (Kind::Initializer | Kind::Tensor, 13) => Message(Kind::Entry),
            (Kind::Initializer | Kind::Tensor, 4..=7 | 9..=11) => Field::Contents,
            (Kind::Type, 1 | 8) => Message(Kind::TensorType),
            (Kind::Type, 4 | 5 | 9) => Message(Kind::Wrapper),
            (Kind::TensorType, 2) => Message(Kind::Shape),
            (Kind::Shape, 1) => Message(Kind::Dimension),
            _ => Other,
        }
    }

    /// For people.
    fn plural(self) -> &'static str {
        match self {
            Kind::Model => "models",
            Kind::OperatorSet => "operator sets",
            Kind::Graph => "graphs",
            Kind::Node => "nodes",
            Kind::Attribute => "attributes",
            Kind::Text => "strings",
            Kind::Initializer => "initialisers",
            Kind::Tensor => "tensors",
            Kind::SparseTensor => "sparse tensors",
            Kind::Entry => "external data entries",
            Kind::ValueInfo => "value descriptions",
            Kind::Type | Kind::TensorType | Kind::Wrapper => "types",
            Kind::Shape => "shapes",
            Kind::Dimension => "dimensions",
            Kind::Function => "functions",
        }
    }

    /// Bytes that a message of this kind takes at the least, on average, in a file that is not made to exhaust memory.
    fn least_bytes(self) -> u64 {
        match self {
            Kind::Attribute | Kind::Text | Kind::Type | Kind::TensorType | Kind::Shape | Kind::Dimension => 8,
            Kind::Node | Kind::ValueInfo | Kind::Tensor | Kind::Entry => 16,
            _ => 24,
        }
    }
}

/// What was seen inside one message.
#[derive(Default)]
struct Seen {
    names: u64,
    operands: u64,
    sizes: u64,
}

impl Seen {
    /// What the message must have and has not.
    fn missing(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Node if self.names == 0 => Some("a node without an operator"),
            Kind::Node if self.operands == 0 => Some("a node that reads and delivers nothing"),
            Kind::Attribute if self.names == 0 => Some("an attribute without a name"),
            Kind::Initializer if self.names == 0 => Some("an initialiser without a name"),
            Kind::Function if self.names == 0 => Some("a function without a name"),
            _ => None,
        }
    }

    fn check(&self, at: usize) -> Outcome<()> {
        if self.operands > limits::ONNX_OPERANDS {
            return Err(too_many(at, format!("a node with more than {} inputs and outputs", limits::ONNX_OPERANDS)));
        }
        if self.sizes > limits::RANK {
            return Err(too_many(at, format!("a tensor with more than {} dimensions", limits::RANK)));
        }
        Ok(())
    }
}

struct Pass<'a, C> {
    file: &'a mut C,
    size: usize,
    /// Messages so far, by kind.
    counts: [u64; KINDS],
}

/// Contents of tensors up to this many bytes are fetched: 4096 numbers of up to ten bytes each fit.
const SMALL: usize = 1 << 16;

impl<C: Contents> Pass<'_, C> {
    fn message(&mut self, kind: Kind, start: usize, end: usize, depth: usize) -> Outcome<()> {
        if depth > limits::ONNX_DEPTH {
            let message = format!("messages are nested deeper than {} levels", limits::ONNX_DEPTH);
            let error = Diagnostic::error("onnx-nesting", origin(start), message);
            return Err(error.note("each graph inside an attribute of a node takes three levels").into());
        }
        let (mut at, mut seen) = (start, Seen::default());
        while at < end {
            let begin = at;
            let (tag, after) = self.varint(at, end)?;
            let (number, wire) = (tag >> 3, tag & 7);
            if number == 0 {
                return Err(damaged(begin, "field number 0, which no message has"));
            }
            let (body, length) = match wire {
                0 => (after, self.varint(after, end)?.1 - after),
                1 => (after, 8),
                2 => {
                    let (length, body) = self.varint(after, end)?;
                    (body, usize::try_from(length).unwrap_or(usize::MAX))
                }
                5 => (after, 4),
                _ => return Err(damaged(begin, format!("wire type {wire}, which ONNX does not use"))),
            };
            at = body
                .checked_add(length)
                .filter(|next| *next <= end)
                .ok_or_else(|| self.cut(begin, body, length, end))?;
            match kind.field(number) {
                // A text is a leaf: its bytes are no fields.
                Field::Message(Kind::Text) if wire == 2 => {
                    self.count(Kind::Text, begin)?;
                    self.fetch(body, at)?;
                }
                Field::Message(inner) if wire == 2 => {
                    self.count(inner, begin)?;
                    seen.sizes = seen.sizes.saturating_add(u64::from(inner == Kind::Dimension));
                    self.message(inner, body, at, depth + 1)?;
                }
                Field::Sizes if wire == 2 => {
                    // Numbers of seven bits a byte: so many as there are bytes that end one.
                    let ends: u64 = self.fetch(body, at)?.iter().map(|b| u64::from(b & 0x80 == 0)).sum();
                    seen.sizes = seen.sizes.saturating_add(ends);
                }
                Field::Sizes => seen.sizes = seen.sizes.saturating_add(1),
                Field::Contents if length > SMALL => {}
                Field::Name if wire == 2 && length > 0 => {
                    seen.names = seen.names.saturating_add(1);
                    self.fetch(body, at)?;
                }
                Field::Operand if wire == 2 => {
                    seen.operands = seen.operands.saturating_add(1);
                    self.fetch(body, at)?;
                }
                Field::Message(_) | Field::Name | Field::Operand | Field::Contents | Field::Other => {
                    self.fetch(body, at)?;
                }
            }
            seen.check(begin)?;
        }
        seen.missing(kind).map_or(Ok(()), |what| Err(damaged(start, what)))
    }

    fn fetch(&mut self, start: usize, end: usize) -> Outcome<&[u8]> {
        self.file.fetch(start..end).map_err(|error| unreadable(start, &error))
    }

    /// A number of seven bits a byte, and where it ends.
    fn varint(&mut self, at: usize, end: usize) -> Outcome<(u64, usize)> {
        let most = end.min(at.saturating_add(10));
        let mut value = 0u64;
        let mut shift = 0u32;
        for (i, byte) in self.fetch(at, most)?.iter().enumerate() {
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((value, at + i + 1));
            }
            shift += 7;
        }
        Err(if most == self.size && most - at < 10 {
            truncated(at, "the file ends in the middle of a number".into())
        } else {
            damaged(at, "a number of more than 64 bits")
        })
    }

    /// A field that is longer than what is left of its message.
    fn cut(&self, begin: usize, body: usize, length: usize, end: usize) -> Box<Diagnostic> {
        let left = end.saturating_sub(body);
        if end == self.size {
            truncated(begin, format!("{left} bytes are left of a field that says it has {length}"))
        } else {
            damaged(begin, format!("a field of {length} bytes where its message has {left} left"))
        }
    }

    fn count(&mut self, kind: Kind, at: usize) -> Outcome<()> {
        let count = &mut self.counts[kind as usize];
        *count += 1;
        let most = limits::ONNX_MESSAGES + self.size as u64 / kind.least_bytes();
        if *count <= most {
            return Ok(());
        }
        Err(too_many(at, format!("more than {most} {} in a file of {} bytes", kind.plural(), self.size)))
    }
}

fn origin(at: usize) -> Origin {
    Origin::Byte(at as u64)
}

fn damaged(at: usize, message: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::error("onnx-damaged", origin(at), message).into()
}

/// The file could not be read here.
pub(super) fn unreadable(at: usize, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("unreadable", origin(at), format!("the file cannot be read on: {error}")).into()
}

fn truncated(at: usize, message: String) -> Box<Diagnostic> {
    let error = Diagnostic::error("onnx-truncated", origin(at), message);
    error.help("fetch the file again: this copy is not whole").into()
}

fn too_many(at: usize, message: String) -> Box<Diagnostic> {
    let error = Diagnostic::error("onnx-too-many", origin(at), message);
    error.note("what a file may hold is bounded by its size, so that none can exhaust memory").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn code(bytes: &[u8]) -> Option<(&'static str, Origin)> {
        check(&mut Arc::<[u8]>::from(bytes)).err().map(|d| (d.code, d.origin))
    }

    #[test]
    fn lengths_and_numbers_that_run_out_are_named_with_their_place() {
        assert_eq!(code(&[0x08, 0x07]), None);
        assert_eq!(code(&[0x08, 0x07, 0x3a, 0x05, 0x00]), Some(("onnx-truncated", Origin::Byte(2))));
        assert_eq!(code(&[0x08, 0xff]), Some(("onnx-truncated", Origin::Byte(1))));
        // A graph of two bytes with a field of five.
        assert_eq!(code(&[0x3a, 0x02, 0x12, 0x05, 0x08, 0x07]), Some(("onnx-damaged", Origin::Byte(2))));
        assert_eq!(code(&[0x3b]), Some(("onnx-damaged", Origin::Byte(0))));
    }

    #[test]
    fn an_empty_node_is_refused_at_its_place() {
        assert_eq!(code(&[0x3a, 0x02, 0x0a, 0x00]), Some(("onnx-damaged", Origin::Byte(4))));
    }

    /// Nodes `{op_type: "A", output: [""]}` of seven bytes with their header: each allowed, so many of them not.
    #[test]
    fn the_number_of_messages_is_bounded_by_the_size() {
        let file = |n: usize| {
            let nodes = [0x0a, 0x05, 0x12, 0x00, 0x22, 0x01, b'A'].repeat(n);
            let mut bytes = vec![0x3a];
            prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
            bytes.extend(nodes);
            bytes
        };
        // 4096 + 7n/16 ≥ n up to n = 7281.
        assert_eq!(code(&file(7_281)), None);
        assert_eq!(code(&file(7_300)).map(|c| c.0), Some("onnx-too-many"));
    }
}
