//! Element types, with their width in bits.

use std::fmt;

macro_rules! dtypes {
    ($($variant:ident $name:literal $bits:literal $number:literal $class:ident),+ $(,)?) => {
        /// The type of a tensor's elements. Names are those of the JSON report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DType { $(#[doc = $name] $variant),+ }

        impl DType {
            /// All of them.
            pub const ALL: &'static [DType] = &[$(DType::$variant),+];

            /// The name in reports: `f32`, `bf16`, `u4`.
            pub fn name(self) -> &'static str {
                match self { $(DType::$variant => $name),+ }
            }

            /// Width of one element in bits; 0 for strings, whose size is not known from their type.
            pub fn bits(self) -> u64 {
                match self { $(DType::$variant => $bits),+ }
            }

            /// The number ONNX's `TensorProto.DataType` gives it.
            pub fn onnx(self) -> i32 {
                match self { $(DType::$variant => $number),+ }
            }

            fn class(self) -> Class {
                match self { $(DType::$variant => Class::$class),+ }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Float,
    Integer,
    Other,
}

dtypes! {
    F64 "f64" 64 11 Float, F32 "f32" 32 1 Float, F16 "f16" 16 10 Float, BF16 "bf16" 16 16 Float,
    F8E4M3FN "f8e4m3fn" 8 17 Float, F8E4M3FNUZ "f8e4m3fnuz" 8 18 Float, F8E5M2 "f8e5m2" 8 19 Float,
    F8E5M2FNUZ "f8e5m2fnuz" 8 20 Float, F8E8M0 "f8e8m0" 8 24 Float, F4E2M1 "f4e2m1" 4 23 Float,
    F6E2M3 "f6e2m3" 6 27 Float, F6E3M2 "f6e3m2" 6 28 Float,
    I64 "i64" 64 7 Integer, I32 "i32" 32 6 Integer, I16 "i16" 16 5 Integer, I8 "i8" 8 3 Integer, I4 "i4" 4 22 Integer,
    I2 "i2" 2 26 Integer, U64 "u64" 64 13 Integer, U32 "u32" 32 12 Integer, U16 "u16" 16 4 Integer, U8 "u8" 8 2 Integer,
    U4 "u4" 4 21 Integer, U2 "u2" 2 25 Integer, Bool "bool" 8 9 Other, String "string" 0 8 Other,
    C64 "c64" 64 14 Float, C128 "c128" 128 15 Float,
}

impl DType {
    /// The type with this ONNX number.
    pub fn from_onnx(number: i32) -> Option<DType> {
        DType::ALL.iter().copied().find(|d| d.onnx() == number)
    }

    /// The type with this name; `fp32`-style spellings of the precisions people write are accepted too.
    pub fn from_name(name: &str) -> Option<DType> {
        let name = match name {
            "fp64" | "float64" | "double" => "f64",
            "fp32" | "float32" | "float" => "f32",
            "fp16" | "float16" | "half" => "f16",
            "bfloat16" => "bf16",
            "fp8" => "f8e4m3fn",
            "int8" => "i8",
            "uint8" => "u8",
            "int16" => "i16",
            "int4" => "i4",
            other => other,
        };
        DType::ALL.iter().copied().find(|d| d.name() == name)
    }

    /// Whether its values are real or complex numbers with a fraction.
    pub fn is_float(self) -> bool {
        self.class() == Class::Float
    }

    /// Whether its values are whole numbers (`bool` is not one).
    pub fn is_integer(self) -> bool {
        self.class() == Class::Integer
    }

    /// The value of a float type nearest to a number, where that can be told: in 32 and 64 bits, and for whole numbers
    /// up to 256, which 16 bits of either kind hold.
    pub fn nearest(self, x: f64) -> Option<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the type is the point")]
        let single = f64::from(x as f32);
        match self {
            DType::F64 => Some(x),
            DType::F32 => Some(single),
            DType::F16 | DType::BF16 => (x.fract() == 0.0 && x.abs() <= 256.0).then_some(x),
            _ => None,
        }
    }

    /// Bytes that so many elements take, sub-byte types packed: ceil(n · bits / 8). `None` for strings and beyond 2^64.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        if self == DType::String && elements > 0 {
            return None;
        }
        let bits = u128::from(elements) * u128::from(self.bits());
        u64::try_from(bits.div_ceil(8)).ok()
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::DType;

    #[test]
    fn sub_byte_types_are_packed_and_rounded_up() {
        assert_eq!(DType::U4.bytes(3), Some(2));
        assert_eq!(DType::I2.bytes(5), Some(2));
        assert_eq!(DType::F6E2M3.bytes(3), Some(3));
        assert_eq!(DType::F32.bytes(10), Some(40));
        assert_eq!(DType::String.bytes(1), None);
        assert_eq!(DType::F64.bytes(u64::MAX), None);
    }
}
