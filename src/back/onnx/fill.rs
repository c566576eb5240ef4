//! Contents for weights that are made up: zeros, or random numbers with which a network can run.

use super::Weights;
use crate::ops::rules::{Slot, SlotRole};
use crate::tensor::{DType, TensorType};
use std::io::{self, Write};

/// The contents of a tensor: numbers evenly distributed around a centre, up to `reach` from it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fill {
    dtype: DType,
    elements: u64,
    centre: f32,
    reach: f32,
    /// Where the random numbers begin.
    state: u64,
}

/// Where the numbers of a normalisation lie: scales and variances around 1, so that nothing is divided by zero and
/// nothing vanishes; shifts and means around 0. What is read as ordinary data may be a divisor, or what a root is taken
/// of.
fn centre(slot: Option<Slot>) -> f32 {
    match slot.map(|s| (s.role, s.name)) {
        None | Some((SlotRole::Norm | SlotRole::Buffer, "scale" | "gamma" | VARIANCE)) => 1.0,
        Some(_) => 0.0,
    }
}

/// The slot of a variance, of which a root is taken and which divides.
const VARIANCE: &str = "input_var";

/// How far the numbers of a tensor lie from their centre. Kernels, matrices and biases have what PyTorch's layers begin
/// with, 1/√n for n values that an output looks at (`torch.nn.Linear`, `torch.nn.Conv2d`): no network grows without
/// bound with it. Statistics and scales stay near where they begin.
fn reach(slot: Option<Slot>, ty: &TensorType) -> f32 {
    match slot.map(|s| s.role) {
        None | Some(SlotRole::Norm | SlotRole::Buffer) => 0.25,
        Some(_) => {
            let sizes = ty.shape.sizes().unwrap_or_default();
            // Either axis of a matrix may be the one that is summed over.
            let seen = match sizes.as_slice() {
                [rows, columns] => (*rows).max(*columns),
                [_, each @ ..] => each.iter().fold(1u64, |p, n| p.saturating_mul(*n)),
                [] => 1,
            };
            #[expect(clippy::cast_precision_loss, reason = "a bound for random numbers need not be exact")]
            let root = (seen as f32).sqrt();
            // A bias has one value for each output: it says nothing of what they look at.
            if seen <= 1 { 0.1 } else { 1.0 / root }
        }
    }
}

impl Fill {
    /// Contents for a stored value with this name in this slot; `None` while its size is not known or beyond 2^64 bytes.
    /// `learned`: whether it is one of the weights, and no constant one or zero in the place of a part switched off.
    pub(super) fn new(
        weights: Weights,
        name: &str,
        ty: &TensorType,
        slot: Option<Slot>,
        learned: bool,
    ) -> Option<Fill> {
        let (dtype, elements) = (ty.dtype?, ty.shape.elements()?);
        dtype.bytes(elements)?;
        let centre = centre(slot);
        let fill = Fill { dtype, elements, centre, reach: 0.0, state: 0 };
        Some(match weights {
            _ if !learned => fill,
            Weights::Random { seed } => Fill { reach: reach(slot, ty), state: state(seed, name), ..fill },
            Weights::Zero | Weights::Stripped if slot.is_some_and(|s| s.name == VARIANCE) => fill,
            Weights::Zero | Weights::Stripped => Fill { centre: 0.0, ..fill },
        })
    }

    /// A zero, or a one where a normalisation begins with ones: a single element that stands for all.
    pub(super) fn single(dtype: DType, slot: Option<Slot>) -> Fill {
        Fill { dtype, elements: 1, centre: centre(slot), reach: 0.0, state: 0 }
    }

    /// The same for a part of so many elements.
    pub(super) fn of(self, elements: u64) -> Fill {
        Fill { elements, ..self }
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> u64 {
        self.dtype.bytes(self.elements).unwrap_or(0)
    }

    /// Writes all of it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut random = SplitMix(self.state);
        let mut buffer = Vec::new();
        let mut left = self.size();
        while left > 0 {
            // Numbers that are all alike are made once.
            if buffer.is_empty() || self.reach > 0.0 {
                buffer.clear();
                while buffer.len() < BUFFER && (buffer.len() as u64) < left {
                    put(self.dtype, self.centre + self.reach * random.next(), &mut buffer);
                }
            }
            // Elements narrower than a byte are packed; the last byte may stand for fewer.
            let some = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            out.write_all(&buffer[..some])?;
            left = left.saturating_sub(some as u64);
        }
        Ok(())
    }
}

/// Bytes that are made at once.
const BUFFER: usize = 1 << 16;

/// Adds a number as an element of this type, little-endian. Whole numbers, which only quantised weights are, and types
/// of eight bits and fewer get zeros.
fn put(dtype: DType, x: f32, buffer: &mut Vec<u8>) {
    match dtype {
        DType::F64 => buffer.extend(f64::from(x).to_le_bytes()),
        DType::F32 => buffer.extend(x.to_le_bytes()),
        DType::F16 => buffer.extend(half(x).to_le_bytes()),
        DType::BF16 => buffer.extend(brain(x).to_le_bytes()),
        _ => buffer.extend(std::iter::repeat_n(0, usize::try_from(dtype.bits().div_ceil(8)).unwrap_or(1).max(1))),
    }
}

/// The nearest number of IEEE 754's binary16, ties to even; below its normal numbers, zero.
pub(super) fn half(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = bits & 0x7fff_ffff;
    // Exponents are biased by 127 there and by 15 here; 13 digits are lost.
    let Some(rebiased) = magnitude.checked_sub(112 << 23).filter(|m| *m >= 1 << 23) else { return sign };
    let rounded = rebiased.saturating_add(0xfff + ((rebiased >> 13) & 1)) >> 13;
    sign | u16::try_from(rounded).ok().filter(|m| *m < 0x7c00).unwrap_or(0x7c00)
}

/// The nearest number of the upper half of a binary32, ties to even.
pub(super) fn brain(x: f32) -> u16 {
    let bits = x.to_bits();
    u16::try_from(bits.saturating_add(0x7fff + ((bits >> 16) & 1)) >> 16).unwrap_or(0)
}

/// Where the random numbers of a tensor begin: what it holds depends on its name, and not on its neighbours.
fn state(seed: u64, name: &str) -> u64 {
    name.bytes().fold(seed, |state, byte| SplitMix(state ^ u64::from(byte)).bits())
}

/// Steele, Lea and Flood's SplitMix64 ("Fast splittable pseudorandom number generators", 2014).
struct SplitMix(u64);

impl SplitMix {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between −1 and 1, evenly.
    fn next(&mut self) -> f32 {
        // The upper 16 bits are enough for made-up weights, and exact in every type's arithmetic.
        let step = u16::try_from(self.bits() >> 48).unwrap_or(0);
        (f32::from(step) - 32767.5) / 32768.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers from seed 1234567, as published with the reference implementation
    /// (<https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64>).
    #[test]
    fn random_numbers_are_those_of_the_paper() {
        let mut random = SplitMix(1_234_567);
        let first = [random.bits(), random.bits(), random.bits()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    /// IEEE 754: 1 is 0x3c00, 65504 the largest; 1 + 2^-11 lies between two numbers, of which 1 is even.
    #[test]
    fn narrow_floats_follow_the_standard() {
        assert_eq!([half(1.0), half(-2.0), half(65504.0), half(65520.0)], [0x3c00, 0xc000, 0x7bff, 0x7c00]);
        assert_eq!([half(1.0 + 0.000_488_281_25), half(0.0), half(6.0)], [0x3c00, 0, 0x4600]);
        assert_eq!([brain(1.0), brain(-2.0), brain(6.0)], [0x3f80, 0xc000, 0x40c0]);
    }
}
