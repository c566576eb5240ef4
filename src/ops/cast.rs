//! Changes of element type: `Cast`, `CastLike`, `BitCast`. They move data and are not counted as arithmetic.

use super::attributes::{Attribute, Attributes};
use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{DType, Dim, Elements, Literal, Ratio, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { kernel: Kernel::IN_PLACE, ..op("Cast", &[data("input")], read_cast) },
    OpKind { kernel: Kernel::Unmeasured, ..op("CastLike", &[data("input"), steer("target_type")], read_cast_like) },
    OpKind { kernel: Kernel::Alias, ..op("BitCast", &[data("input")], read_bit_cast) },
];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Cast {
    To(DType),
    Like,
    Bits(DType),
}

fn read_cast(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    required(spec.attributes).map(|to| Box::new(Cast::To(to)) as Box<dyn Operator>)
}

fn read_cast_like(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Cast::Like))
}

fn read_bit_cast(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    required(spec.attributes).map(|to| Box::new(Cast::Bits(to)) as Box<dyn Operator>)
}

fn required(attributes: &Attributes) -> Result<DType, OpError> {
    dtype(attributes, "to")?.ok_or_else(|| OpError::invalid("attribute `to` is missing"))
}

/// An attribute that names an element type: its number in `TensorProto.DataType`, or in version 1 of `Cast` its name.
pub(super) fn dtype(attributes: &Attributes, name: &str) -> Result<Option<DType>, OpError> {
    let found = match attributes.get(name) {
        None => return Ok(None),
        Some(Attribute::String(word)) => by_name(word),
        Some(_) => attributes.int(name)?.and_then(|n| i32::try_from(n).ok()).and_then(DType::from_onnx),
    };
    found.map(Some).ok_or_else(|| OpError::invalid(format!("attribute `{name}` is no element type that ONNX knows")))
}

/// Names of `TensorProto.DataType` that version 1 allows.
fn by_name(word: &str) -> Option<DType> {
    Some(match word {
        "FLOAT" => DType::F32,
        "DOUBLE" => DType::F64,
        "FLOAT16" => DType::F16,
        "INT8" => DType::I8,
        "INT16" => DType::I16,
        "INT32" => DType::I32,
        "INT64" => DType::I64,
        "UINT8" => DType::U8,
        "UINT16" => DType::U16,
        "UINT32" => DType::U32,
        "UINT64" => DType::U64,
        "BOOL" => DType::Bool,
        _ => return None,
    })
}

impl Operator for Cast {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let dtype = match self {
            Cast::To(to) => Some(*to),
            Cast::Like => at.require(1)?.dtype,
            Cast::Bits(to) => match x.dtype {
                Some(from) if from.bits() != to.bits() => {
                    let message = format!("bits of {from} are read as {to}, which is of another width");
                    return Err(OpError::invalid(message));
                }
                _ => Some(*to),
            },
        };
        Ok(vec![TensorType { dtype, shape: x.shape.clone() }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let to = if let Cast::Bits(_) = self { None } else { at.output(0).and_then(|o| o.dtype) };
        vec![at.literal(0).zip(to).and_then(|(literal, to)| converted(literal, to))]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

/// A literal in another element type.
///
/// Floats are cut towards zero on their way to integers, and integers that are too wide keep their lower bits. Symbols
/// survive the way to floats and back.
fn converted(literal: &Literal, to: DType) -> Option<Literal> {
    let elements = match &literal.elements {
        Elements::Ints(v) if to.is_integer() || to == DType::Bool => {
            Elements::Ints(v.iter().map(|n| narrowed(n, to)).collect())
        }
        Elements::Ints(v) if to.is_float() => match v.iter().map(Dim::known).collect::<Option<Vec<_>>>() {
            Some(known) => Elements::Floats(known.into_iter().map(|n| to.nearest(float(n))).collect::<Option<_>>()?),
            None => Elements::Ratios(v.iter().cloned().map(Ratio::whole).collect()),
        },
        Elements::Floats(v) if to == DType::Bool => {
            Elements::Ints(v.iter().map(|x| Dim::Known(i64::from(*x != 0.0))).collect())
        }
        Elements::Floats(v) if to.is_integer() => {
            let cut = |x: &f64| int(*x).map_or(Dim::Unknown, |n| narrowed(&Dim::Known(n), to));
            Elements::Ints(v.iter().map(cut).collect())
        }
        Elements::Floats(v) if to.is_float() => {
            Elements::Floats(v.iter().map(|x| to.nearest(*x)).collect::<Option<_>>()?)
        }
        Elements::Ratios(v) if to.is_integer() => {
            Elements::Ints(v.iter().map(|r| narrowed(&r.truncated(), to)).collect())
        }
        Elements::Ratios(v) if to.is_float() => Elements::Ratios(v.clone()),
        Elements::Ints(_) | Elements::Floats(_) | Elements::Ratios(_) => return None,
    };
    Some(Literal { dims: literal.dims.clone(), elements })
}

/// A whole number as an integer type or `bool` holds it.
fn narrowed(n: &Dim, to: DType) -> Dim {
    let bits = to.bits();
    match n.known() {
        Some(n) if to == DType::Bool => Dim::Known(i64::from(n != 0)),
        None if to == DType::Bool || bits < 32 => Dim::Unknown,
        None => n.clone(),
        Some(n) if bits == 64 => {
            if to == DType::U64 && n < 0 {
                Dim::Unknown
            } else {
                Dim::Known(n)
            }
        }
        Some(n) => {
            let range = 1i64 << bits;
            let low = n.rem_euclid(range);
            let signed = matches!(to, DType::I32 | DType::I16 | DType::I8 | DType::I4 | DType::I2);
            Dim::Known(if signed && low >= range / 2 { low - range } else { low })
        }
    }
}

/// A whole number as a float.
pub(super) fn float(n: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what a conversion does")]
    let x = n as f64;
    x
}

/// A float cut towards zero, if a 64-bit integer holds the result.
pub(super) fn int(x: f64) -> Option<i64> {
    // 2^63 is a float; the integers end just below it.
    let limit = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the point; the range is checked")]
    let n = x as i64;
    (x >= -limit && x < limit).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(v: &[f64]) -> Literal {
        Literal { dims: vec![v.len()], elements: Elements::Floats(v.to_vec()) }
    }

    #[test]
    fn numbers_are_converted_as_the_specification_says() {
        let ints = |v: &[i64]| Literal::vector(v.iter().map(|n| Dim::Known(*n)).collect());
        assert_eq!(converted(&floats(&[2.9, -2.9, 0.0]), DType::I64), Some(ints(&[2, -2, 0])));
        // The specification's own example: 200 as int16 is -56 as int8.
        assert_eq!(converted(&ints(&[200]), DType::I8), Some(ints(&[-56])));
        assert_eq!(converted(&ints(&[-1]), DType::U16), Some(ints(&[65535])));
        assert_eq!(converted(&floats(&[0.5, 0.0]), DType::Bool), Some(ints(&[1, 0])));
        // 2^24 + 1 is the first whole number that a 32-bit float cannot hold.
        assert_eq!(converted(&ints(&[16_777_217]), DType::F32), Some(floats(&[16_777_216.0])));
        let overflow = converted(&floats(&[1e30]), DType::I64);
        assert_eq!(overflow, Some(Literal::vector(vec![Dim::Unknown])));
    }

    #[test]
    fn a_symbol_survives_the_way_to_floats_and_back() {
        let sizes = Literal::vector(vec![Dim::symbol("H"), Dim::Known(2)]);
        let there = converted(&sizes, DType::F32);
        assert_eq!(there.and_then(|l| converted(&l, DType::I64)), Some(sizes));
    }
}
