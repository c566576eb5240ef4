//! Tensors that come from no other tensor's contents: constants, ranges, identity matrices, shapes and sizes.

use super::attributes::{Attribute, Attributes};
use super::cast::{dtype, float, int};
use super::cells::coordinates;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { kernel: Kernel::Loaded, ..op("Constant", &[], read_constant) },
    op("ConstantOfShape", &[steer("input")], read_constant_of_shape).measured(Kernel::FRESH),
    op("EyeLike", &[data("input")], read_eye_like).measured(Kernel::FRESH),
    op("Range", &[steer("start"), steer("limit"), steer("delta")], read_range).measured(Kernel::FRESH),
    op("Shape", &[data("data")], read_shape).measured(Kernel::FRESH),
    op("Size", &[data("data")], read_size).measured(Kernel::FRESH),
];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Fill {
    Constant(TensorType, Option<Literal>),
    OfShape(DType, Option<Literal>),
    EyeLike { dtype: Option<DType>, k: i64 },
    Range,
    Shape { start: i64, end: Option<i64> },
    Size,
}

fn read_constant(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let (ty, literal) = constant(spec.attributes)?;
    Ok(Box::new(Fill::Constant(ty, literal)))
}

/// The one attribute that holds the value, in each of its forms.
fn constant(attributes: &Attributes) -> Result<(TensorType, Option<Literal>), OpError> {
    let names = [
        "value",
        "sparse_value",
        "value_int",
        "value_ints",
        "value_float",
        "value_floats",
        "value_string",
        "value_strings",
    ];
    let Some(value) = names.iter().find_map(|name| attributes.get(name)) else {
        return Err(OpError::invalid("no attribute has the constant's value"));
    };
    let list = |n: usize| Shape::Ranked(vec![Dim::from(n)]);
    let tensor = |dtype, literal: Literal| (TensorType::new(dtype, literal.shape()), Some(literal));
    let floats =
        |dims, v: &[f32]| Literal { dims, elements: Elements::Floats(v.iter().map(|x| (*x).into()).collect()) };
    Ok(match value {
        Attribute::Tensor { dtype, shape, literal } => {
            (TensorType::new(*dtype, shape.clone()), literal.as_deref().cloned())
        }
        Attribute::Int(n) => tensor(DType::I64, Literal::scalar(Dim::Known(*n))),
        Attribute::Ints(v) => tensor(DType::I64, Literal::vector(v.iter().map(|n| Dim::Known(*n)).collect())),
        Attribute::Float(x) => tensor(DType::F32, floats(Vec::new(), &[*x])),
        Attribute::Floats(v) => tensor(DType::F32, floats(vec![v.len()], v)),
        Attribute::String(_) => (TensorType::new(DType::String, Shape::scalar()), None),
        Attribute::Strings(v) => (TensorType::new(DType::String, list(v.len())), None),
        Attribute::Other => (TensorType { dtype: None, shape: Shape::Unranked }, None),
    })
}

fn read_constant_of_shape(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.attributes.get("value") {
        // The specification's default: a 32-bit zero.
        None => Fill::OfShape(DType::F32, Some(Literal { dims: vec![1], elements: Elements::Floats(vec![0.0]) })),
        Some(Attribute::Tensor { dtype, literal, .. }) => Fill::OfShape(*dtype, literal.as_deref().cloned()),
        Some(_) => return Err(OpError::invalid("attribute `value` is not a tensor")),
    }))
}

fn read_eye_like(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Fill::EyeLike { dtype: dtype(spec.attributes, "dtype")?, k: spec.attributes.int_or("k", 0)? }))
}

fn read_range(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Fill::Range))
}

fn read_shape(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Fill::Shape { start: spec.attributes.int_or("start", 0)?, end: spec.attributes.int("end")? }))
}

fn read_size(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Fill::Size))
}

impl Operator for Fill {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let ty = match self {
            Fill::Constant(ty, _) => ty.clone(),
            Fill::OfShape(dtype, _) => TensorType::new(*dtype, stated_shape(at)?),
            Fill::EyeLike { dtype, .. } => {
                let like = at.require(0)?;
                TensorType { dtype: dtype.or(like.dtype), shape: like.shape.clone() }
            }
            Fill::Range => {
                let length = Range::read(at).map_or(Ok(Dim::Unknown), |range| range.length())?;
                let dtype = (0..3).find_map(|i| at.tensor(i).and_then(|t| t.dtype));
                TensorType { dtype, shape: Shape::Ranked(vec![length]) }
            }
            Fill::Shape { start, end } => {
                let length = match at.require(0)?.shape.rank() {
                    None => Dim::Unknown,
                    Some(rank) => Dim::from(slice(rank, *start, *end).len()),
                };
                TensorType::new(DType::I64, Shape::Ranked(vec![length]))
            }
            Fill::Size => {
                at.require(0)?;
                TensorType::new(DType::I64, Shape::scalar())
            }
        };
        Ok(vec![ty.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || match self {
            Fill::Constant(_, literal) => literal.clone(),
            Fill::OfShape(_, value) => repeated(value.as_ref()?, &at.output(0)?.shape),
            Fill::EyeLike { k, .. } => diagonal(at.output(0)?, *k),
            Fill::Range => Range::read(at)?.elements(at.output(0)?),
            Fill::Shape { start, end } => {
                let dims = at.dims(0)?;
                Some(Literal::vector(dims.get(slice(dims.len(), *start, *end))?.to_vec()))
            }
            Fill::Size => Some(Literal::scalar(at.tensor(0)?.shape.volume())),
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        if !matches!(self, Fill::Range) {
            return Work::Free;
        }
        // start + i·delta
        let each = Operations { mul: 1, add: 1, ..Operations::default() };
        Work::elementwise(Class::Other, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it looks at no values")
    }
}

/// Ones where the column is `k` to the right of the row, zeros elsewhere; integers alone.
fn diagonal(ty: &TensorType, k: i64) -> Option<Literal> {
    ty.dtype.filter(|dtype| dtype.is_integer())?;
    let dims = ty.shape.sizes()?.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
    let cell = |place: Vec<usize>| {
        let [row, column] = place.as_slice() else { return None };
        let offset = i64::try_from(*column).ok()?.checked_sub(i64::try_from(*row).ok()?)?;
        Some(Dim::Known(i64::from(offset == k)))
    };
    let elements = Elements::Ints(coordinates(&dims)?.map(cell).collect::<Option<_>>()?);
    Some(Literal { dims, elements })
}

/// The shape that the first input states, or so many unknown sizes as it has elements.
fn stated_shape(at: &At) -> Result<Shape, OpError> {
    if let Some(dims) = at.ints(0) {
        return Ok(Shape::Ranked(dims.to_vec()));
    }
    Ok(match at.require(0)?.shape.dims() {
        Some([Dim::Known(n)]) => match usize::try_from(*n) {
            Ok(rank) if rank <= literal::ELEMENTS => Shape::of_rank(rank),
            _ => Shape::Unranked,
        },
        _ => Shape::Unranked,
    })
}

fn repeated(value: &Literal, shape: &Shape) -> Option<Literal> {
    let dims: Vec<usize> = shape.sizes()?.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<_>>()?;
    let elements = shape.elements().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= literal::ELEMENTS)?;
    value.pick(dims, std::iter::repeat_n(0, elements))
}

/// Positions `start` to `end` of so many dimensions: negative ones count from the end, others are cut to what is there.
fn slice(rank: usize, start: i64, end: Option<i64>) -> std::ops::Range<usize> {
    let place = |n: i64| {
        let n = if n < 0 { n.saturating_add(i64::try_from(rank).unwrap_or(i64::MAX)) } else { n };
        usize::try_from(n.max(0)).unwrap_or(usize::MAX).min(rank)
    };
    let start = place(start);
    start..end.map_or(rank, place).max(start)
}

/// The three inputs of a `Range`.
enum Range {
    Whole([Dim; 3]),
    Floats([f64; 3], Option<DType>),
}

impl Range {
    /// Whole numbers where all three are, floats where not; `None` while one is not known.
    fn read(at: &At) -> Option<Range> {
        let literals = [at.literal(0)?, at.literal(1)?, at.literal(2)?];
        if let [Some(start), Some(limit), Some(delta)] = literals.map(Literal::whole) {
            return Some(Range::Whole([start, limit, delta]));
        }
        let number = |l: &Literal| match l.floats() {
            Some([x]) => Some(*x),
            _ => l.int()?.known().map(float),
        };
        let [Some(start), Some(limit), Some(delta)] = literals.map(number) else { return None };
        Some(Range::Floats([start, limit, delta], at.tensor(0).and_then(|t| t.dtype)))
    }

    /// max(⌈(limit − start) / delta⌉, 0)
    fn length(&self) -> Result<Dim, OpError> {
        match self {
            Range::Whole([_, _, Dim::Known(0)]) => Err(OpError::invalid("a range with a step of 0")),
            Range::Floats([_, _, 0.0], _) => Err(OpError::invalid("a range with a step of 0")),
            Range::Whole([start, limit, delta]) => Ok(limit.minus(start).ceil_div(delta).larger(&Dim::Known(0))),
            Range::Floats([start, limit, delta], dtype) => {
                let gap = limit - start;
                let gap = dtype.and_then(|d| d.nearest(gap)).unwrap_or(gap);
                Ok(int((gap / delta).ceil().max(0.0)).map_or(Dim::Unknown, Dim::Known))
            }
        }
    }

    fn elements(&self, output: &TensorType) -> Option<Literal> {
        let length = self.length().ok()?.size().and_then(|n| usize::try_from(n).ok())?;
        if length > literal::ELEMENTS {
            return None;
        }
        let dtype = output.dtype?;
        let steps = (0i64..).take(length);
        let elements = match self {
            Range::Whole([start, _, delta]) => {
                let values = steps.map(|i| start.plus(&Dim::Known(i).times(delta)));
                let known = |n: Dim| n.known().and_then(|n| dtype.nearest(float(n)));
                if dtype.is_float() {
                    Elements::Floats(values.map(known).collect::<Option<_>>()?)
                } else {
                    Elements::Ints(values.collect())
                }
            }
            Range::Floats([start, _, delta], _) => {
                let values = steps.map(|i| dtype.nearest(start + float(i) * delta));
                Elements::Floats(values.collect::<Option<_>>()?)
            }
        };
        Some(Literal { dims: vec![length], elements })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Dim {
        Dim::symbol("N")
    }

    #[test]
    fn a_range_to_a_symbol_has_that_length_and_one_downwards_is_not_negative() {
        let length = |start, limit, delta: i64| Range::Whole([start, limit, Dim::Known(delta)]).length();
        assert_eq!(length(Dim::Known(0), n(), 1), Ok(n()));
        assert_eq!(length(Dim::Known(10), Dim::Known(4), -2), Ok(Dim::Known(3)));
        assert_eq!(length(Dim::Known(4), Dim::Known(3), 1), Ok(Dim::Known(0)));
        assert!(length(Dim::Known(0), n(), 0).is_err());
    }

    #[test]
    fn a_range_of_floats() {
        let range = Range::Floats([1.0, 2.5, 0.5], Some(DType::F32));
        let output = TensorType::new(DType::F32, Shape::known(&[3]));
        let wanted = Literal { dims: vec![3], elements: Elements::Floats(vec![1.0, 1.5, 2.0]) };
        assert_eq!(range.length(), Ok(Dim::Known(3)));
        assert_eq!(range.elements(&output), Some(wanted));
    }

    #[test]
    fn bounds_of_a_shape_are_cut_to_the_rank() {
        assert_eq!(slice(3, 0, None), 0..3);
        assert_eq!(slice(3, -1, None), 2..3);
        assert_eq!(slice(3, -10, Some(-2)), 0..1);
        assert_eq!(slice(3, 2, Some(1)), 2..2);
        assert_eq!(slice(3, 1, Some(10)), 1..3);
    }

    #[test]
    fn a_constant_of_a_small_shape_is_known() {
        let ones = Literal { dims: vec![1], elements: Elements::Ints(vec![Dim::Known(1)]) };
        let wanted = Literal { dims: vec![1, 2], elements: Elements::Ints(vec![Dim::Known(1); 2]) };
        assert_eq!(repeated(&ones, &Shape::known(&[1, 2])), Some(wanted));
        assert_eq!(repeated(&ones, &Shape::Ranked(vec![n()])), None);
        assert_eq!(repeated(&ones, &Shape::known(&[1 << 40])), None);
    }
}
