//! Tensors in the file: type, sizes, and the contents of those few that may steer shapes.

use super::proto::{TensorContents, TensorProto};
use crate::base::limits;
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType};
use prost::Message;
use prost::bytes::Bytes;

/// A tensor as a file holds it.
pub(super) struct Tensor {
    /// Its name; empty inside an attribute.
    pub(super) name: Bytes,
    /// Its type.
    pub(super) ty: TensorType,
    /// Its contents, if they may steer shapes.
    pub(super) literal: Option<Literal>,
    /// The file that holds its contents, if another one does.
    pub(super) external: Option<String>,
}

/// Most floats that are read: scales of a resize, limits, steps.
const FLOATS: u64 = 16;
/// Most integers that are read of a type that is rarely used for shapes and often for weights.
const NARROW: u64 = 16;

/// Decodes a tensor. Weights' contents are not looked at. `Err` says what is wrong with it.
pub(super) fn read(bytes: &Bytes, budget: &mut Budget) -> Result<Tensor, String> {
    let proto = TensorProto::decode(bytes.clone()).map_err(|e| e.to_string())?;
    let Some(dtype) = DType::from_onnx(proto.data_type) else {
        return Err(format!("element type {} does not exist", proto.data_type));
    };
    let sizes: Option<Vec<u64>> = proto.dims.iter().map(|d| u64::try_from(*d).ok()).collect();
    let Some(sizes) = sizes else {
        return Err(format!("a size is negative: {:?}", proto.dims));
    };
    let shape = Shape::known(&sizes);
    let Some(elements) = shape.elements() else {
        return Err(format!("{dtype}{shape} has more than 2^64 elements"));
    };
    let external = (proto.data_location == 1).then(|| location(&proto));
    if let Some(raw) = &proto.raw_data
        && external.is_none()
        && let Some(wanted) = dtype.bytes(elements)
        && raw.len() as u64 != wanted
    {
        return Err(format!("{dtype}{shape} takes {wanted} bytes, but {} are stored", raw.len()));
    }
    let most = match dtype {
        DType::I64 | DType::I32 | DType::Bool => crate::tensor::literal::ELEMENTS as u64,
        // Zero points of channels.
        _ if dtype.is_integer() && sizes.len() <= 1 => crate::tensor::literal::ELEMENTS as u64,
        _ if dtype.is_integer() => NARROW,
        _ if dtype.is_float() => FLOATS,
        _ => 0,
    };
    let literal = if elements <= most && external.is_none() && budget.take(elements) {
        contents(bytes, &proto, dtype, elements).map(|elements| Literal { dims: lengths(&sizes), elements })
    } else {
        None
    };
    Ok(Tensor { name: proto.name, ty: TensorType::new(dtype, shape), literal, external })
}

/// Elements of constants that may still be read: a bound on what a file of many small tensors can make of itself.
pub(super) struct Budget(u64);

impl Budget {
    /// A full one.
    pub(super) fn new() -> Budget {
        Budget(limits::ONNX_CONSTANTS)
    }

    fn take(&mut self, elements: u64) -> bool {
        let left = self.0.checked_sub(elements);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

fn lengths(sizes: &[u64]) -> Vec<usize> {
    sizes.iter().map(|n| usize::try_from(*n).unwrap_or(usize::MAX)).collect()
}

fn location(proto: &TensorProto) -> String {
    let entry = proto.external_data.iter().find(|e| &e.key[..] == b"location");
    entry.map(|e| String::from_utf8_lossy(&e.value).into_owned()).unwrap_or_default()
}

/// The contents of a small tensor; `None` where they are not all there, or in a form that is not used for shapes.
fn contents(bytes: &Bytes, proto: &TensorProto, dtype: DType, elements: u64) -> Option<Elements> {
    let found = match &proto.raw_data {
        Some(raw) if !raw.is_empty() => from_bytes(raw, dtype)?,
        _ => from_numbers(&TensorContents::decode(bytes.clone()).ok()?, dtype)?,
    };
    (found.len() as u64 == elements).then_some(found)
}

fn from_numbers(contents: &TensorContents, dtype: DType) -> Option<Elements> {
    let ints = |v: Vec<Dim>| Some(Elements::Ints(v));
    match dtype {
        DType::I64 => ints(contents.int64_data.iter().map(|n| Dim::Known(*n)).collect()),
        DType::U64 | DType::U32 => ints(contents.uint64_data.iter().map(|n| Dim::from(*n)).collect()),
        DType::I32 | DType::I16 | DType::I8 | DType::U16 | DType::U8 | DType::Bool => {
            ints(contents.int32_data.iter().map(|n| Dim::Known(i64::from(*n))).collect())
        }
        DType::F32 => Some(Elements::Floats(contents.float_data.iter().map(|x| f64::from(*x)).collect())),
        DType::F64 => Some(Elements::Floats(contents.double_data.clone())),
        DType::F16 | DType::BF16 => {
            let bits = contents.int32_data.iter().map(|n| u16::try_from(*n).ok().map(|bits| half(bits, dtype)));
            Some(Elements::Floats(bits.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn from_bytes(raw: &[u8], dtype: DType) -> Option<Elements> {
    fn each<const N: usize, T>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.chunks_exact(N).filter_map(|c| c.try_into().ok()).map(read).collect()
    }
    let known = |n: i64| Dim::Known(n);
    Some(match dtype {
        DType::I64 => Elements::Ints(each(raw, |b| known(i64::from_le_bytes(b)))),
        DType::I32 => Elements::Ints(each(raw, |b| known(i32::from_le_bytes(b).into()))),
        DType::I16 => Elements::Ints(each(raw, |b| known(i16::from_le_bytes(b).into()))),
        DType::I8 => Elements::Ints(each(raw, |b| known(i8::from_le_bytes(b).into()))),
        DType::U64 => Elements::Ints(each(raw, |b| Dim::from(u64::from_le_bytes(b)))),
        DType::U32 => Elements::Ints(each(raw, |b| known(u32::from_le_bytes(b).into()))),
        DType::U16 => Elements::Ints(each(raw, |b| known(u16::from_le_bytes(b).into()))),
        DType::U8 => Elements::Ints(each(raw, |b: [u8; 1]| known(b[0].into()))),
        DType::Bool => Elements::Ints(each(raw, |b: [u8; 1]| known((b[0] != 0).into()))),
        DType::F64 => Elements::Floats(each(raw, f64::from_le_bytes)),
        DType::F32 => Elements::Floats(each(raw, |b| f32::from_le_bytes(b).into())),
        DType::F16 | DType::BF16 => Elements::Floats(each(raw, |b| half(u16::from_le_bytes(b), dtype))),
        _ => return None,
    })
}

/// A float of 16 bits: IEEE 754 binary16, or the upper half of a binary32.
fn half(bits: u16, dtype: DType) -> f64 {
    if dtype == DType::BF16 {
        return f32::from_bits(u32::from(bits) << 16).into();
    }
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(proto: &TensorProto) -> Result<Option<Literal>, String> {
        read(&proto.encode_to_vec().into(), &mut Budget::new()).map(|t| t.literal)
    }

    #[test]
    fn small_integers_are_read_and_weights_are_not() {
        let shape = TensorProto {
            dims: vec![2],
            data_type: DType::I64.onnx(),
            raw_data: Some([1i64.to_le_bytes(), (-1i64).to_le_bytes()].concat().into()),
            ..TensorProto::default()
        };
        assert_eq!(read_one(&shape), Ok(Some(Literal::vector(vec![Dim::Known(1), Dim::Known(-1)]))));
        let weights = TensorProto {
            dims: vec![64],
            data_type: DType::F32.onnx(),
            raw_data: Some(vec![0; 256].into()),
            ..TensorProto::default()
        };
        assert_eq!(read_one(&weights), Ok(None));
        let short = TensorProto { raw_data: Some(vec![0; 255].into()), ..weights };
        assert!(read_one(&short).unwrap_err().contains("takes 256 bytes, but 255 are stored"));
    }

    /// Values from IEEE 754: 0x3c00 is 1, 0xc000 is −2, 0x7bff the largest, 0x0001 the smallest.
    #[test]
    fn half_floats_follow_the_standard() {
        let read = |bits| half(bits, DType::F16);
        let same = |a: f64, b: f64| assert_eq!(a.to_bits(), b.to_bits());
        same(read(0x3c00), 1.0);
        same(read(0xc000), -2.0);
        same(read(0x7bff), 65504.0);
        same(read(0x0001), 2f64.powi(-24));
        same(half(0x3f80, DType::BF16), 1.0);
    }
}
