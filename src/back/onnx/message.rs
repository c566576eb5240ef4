//! A protocol-buffer message that is written bit by bit: its size is known before, and weights are made on the way out,
//! so that no more than a small part of a large file is ever held.

use super::fill::Fill;
use prost::bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::io::{self, Write};

/// A message, ready to be written.
#[derive(Debug, Default)]
pub struct Message {
    parts: Vec<Part>,
    size: u64,
}

#[derive(Debug)]
enum Part {
    /// Bytes that were made here.
    Made(Vec<u8>),
    /// Bytes of a file that was read.
    Copied(Bytes),
    /// Contents of a tensor.
    Filled(Fill),
}

/// Bytes up to which it is cheaper to copy than to remember where they are.
const SHORT: usize = 1 << 10;

impl Message {
    /// How many bytes it takes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for part in &self.parts {
            match part {
                Part::Made(bytes) => out.write_all(bytes)?,
                Part::Copied(bytes) => out.write_all(bytes)?,
                Part::Filled(fill) => fill.write(out)?,
            }
        }
        Ok(())
    }

    /// Adds fields that are encoded already.
    pub(super) fn fields(&mut self, bytes: &Bytes) {
        if bytes.len() <= SHORT {
            return self.made(|buffer| buffer.extend_from_slice(bytes));
        }
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.parts.push(Part::Copied(bytes.clone()));
    }

    /// Adds a field that is a message, whose fields these are.
    pub(super) fn message(&mut self, field: u32, inner: Message) {
        self.head(field, inner.size);
        self.append(inner);
    }

    /// Adds a field that is a message of the schema.
    pub(super) fn encoded(&mut self, field: u32, inner: &impl prost::Message) {
        self.bytes(field, &inner.encode_to_vec());
    }

    /// Adds a field that is text, or a message that is encoded already.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.head(field, bytes.len() as u64);
        self.made(|buffer| buffer.extend_from_slice(bytes));
    }

    /// Adds a field that is a number.
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.made(|buffer| {
            encode_key(field, WireType::Varint, buffer);
            encode_varint(value, buffer);
        });
    }

    /// Adds a field that is the contents of a tensor.
    pub(super) fn filled(&mut self, field: u32, fill: Fill) {
        self.head(field, fill.size());
        self.size = self.size.saturating_add(fill.size());
        self.parts.push(Part::Filled(fill));
    }

    /// Adds all fields of another message.
    pub(super) fn append(&mut self, other: Message) {
        for part in other.parts {
            match part {
                Part::Made(bytes) => self.made(|buffer| buffer.extend(bytes)),
                Part::Copied(bytes) => self.fields(&bytes),
                Part::Filled(fill) => {
                    self.size = self.size.saturating_add(fill.size());
                    self.parts.push(Part::Filled(fill));
                }
            }
        }
    }

    /// Key and length of a field.
    fn head(&mut self, field: u32, length: u64) {
        self.made(|buffer| {
            encode_key(field, WireType::LengthDelimited, buffer);
            encode_varint(length, buffer);
        });
    }

    fn made(&mut self, add: impl FnOnce(&mut Vec<u8>)) {
        if !matches!(self.parts.last(), Some(Part::Made(_))) {
            self.parts.push(Part::Made(Vec::new()));
        }
        if let Some(Part::Made(buffer)) = self.parts.last_mut() {
            let before = buffer.len();
            add(buffer);
            self.size = self.size.saturating_add((buffer.len() - before) as u64);
        }
    }
}
