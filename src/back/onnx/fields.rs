//! The fields of an encoded message, one by one, so that a message can be copied with some of them changed.

use prost::bytes::{Buf, Bytes};
use prost::encoding::{WireType, decode_key, decode_varint};

/// A field of an encoded message.
pub(super) struct Field {
    /// Its number; 0 for bytes that are no field.
    pub(super) number: u32,
    /// All of it, key and length included.
    pub(super) whole: Bytes,
    /// What is inside, if it is text or a message; for a number, its bytes.
    pub(super) inside: Bytes,
}

/// The fields in order. What is no field, which cannot be in a file that was read, comes last as a whole.
pub(super) fn fields(message: &Bytes) -> impl Iterator<Item = Field> + use<> {
    let mut rest = message.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = first(&rest).unwrap_or_else(|| Field { number: 0, whole: rest.clone(), inside: Bytes::new() });
        rest.advance(field.whole.len());
        Some(field)
    })
}

fn first(message: &Bytes) -> Option<Field> {
    let mut at = message.clone();
    let (number, wire) = decode_key(&mut at).ok()?;
    let length = match wire {
        WireType::Varint => {
            let mut after = at.clone();
            decode_varint(&mut after).ok()?;
            at.len().checked_sub(after.len())?
        }
        WireType::SixtyFourBit => 8,
        WireType::LengthDelimited => usize::try_from(decode_varint(&mut at).ok()?).ok()?,
        WireType::ThirtyTwoBit => 4,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let head = message.len().checked_sub(at.len())?;
    let end = head.checked_add(length).filter(|end| *end <= message.len())?;
    Some(Field { number, whole: message.slice(..end), inside: message.slice(head..end) })
}
