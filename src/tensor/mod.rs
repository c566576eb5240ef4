//! What is known of the values on a graph's wires before it runs: element type, shape, and the contents of the small
//! constants that steer shapes.

pub mod dim;
pub mod dtype;
pub mod list;
pub mod literal;
pub mod ratio;
pub mod shape;

pub use dim::Dim;
pub use dtype::DType;
pub use list::List;
pub use literal::{Elements, Literal};
pub use ratio::Ratio;
pub use shape::Shape;

use std::fmt;

/// The type of a tensor. `dtype` is `None` where an unknown operator made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType {
    /// Element type.
    pub dtype: Option<DType>,
    /// Shape.
    pub shape: Shape,
}

impl TensorType {
    /// A tensor of this type and shape.
    pub fn new(dtype: DType, shape: Shape) -> TensorType {
        TensorType { dtype: Some(dtype), shape }
    }

    /// The narrowest type that holds tensors of both: what differs is unknown.
    pub fn join(&self, other: &TensorType) -> TensorType {
        let dtype = if self.dtype == other.dtype { self.dtype } else { None };
        TensorType { dtype, shape: self.shape.join(&other.shape) }
    }

    /// The same element type under these dimensions.
    pub fn with_dims(&self, dims: Vec<Dim>) -> TensorType {
        TensorType { dtype: self.dtype, shape: Shape::Ranked(dims) }
    }

    /// The same element type with nothing known of the shape.
    pub fn without_rank(&self) -> TensorType {
        TensorType { dtype: self.dtype, shape: Shape::Unranked }
    }

    /// Its size in bytes, sub-byte types packed; `None` while a dimension or the type is not known.
    pub fn bytes(&self) -> Option<u64> {
        let elements = self.shape.elements()?;
        if elements == 0 { Some(0) } else { self.dtype?.bytes(elements) }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype.map_or("?", DType::name), self.shape)
    }
}

/// The type of any value on a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A tensor.
    Tensor(TensorType),
    /// A list of values.
    Sequence(Box<List>),
    /// A value that may be absent.
    Optional(Box<ValueType>),
    /// A dictionary: its keys' type, its values' type.
    Map(DType, Box<ValueType>),
    /// Not known.
    Unknown,
}

impl ValueType {
    /// A tensor's type, if it is one.
    pub fn tensor(&self) -> Option<&TensorType> {
        match self {
            ValueType::Tensor(t) => Some(t),
            ValueType::Sequence(_) | ValueType::Optional(_) | ValueType::Map(..) | ValueType::Unknown => None,
        }
    }

    /// Whether tensors of this element type are in it.
    pub fn holds(&self, dtype: DType) -> bool {
        match self {
            ValueType::Tensor(t) => t.dtype == Some(dtype),
            ValueType::Sequence(list) => list.element().holds(dtype),
            ValueType::Optional(inner) | ValueType::Map(_, inner) => inner.holds(dtype),
            ValueType::Unknown => false,
        }
    }

    /// The same with another element type in the place of this one.
    #[must_use]
    pub fn with(&self, from: DType, to: DType) -> ValueType {
        let inner = |inner: &ValueType| Box::new(inner.with(from, to));
        match self {
            ValueType::Tensor(t) if t.dtype == Some(from) => TensorType::new(to, t.shape.clone()).into(),
            ValueType::Sequence(list) => list.map(|ty| ty.with(from, to)).into(),
            ValueType::Optional(o) => ValueType::Optional(inner(o)),
            ValueType::Map(key, value) => ValueType::Map(*key, inner(value)),
            ValueType::Tensor(_) | ValueType::Unknown => self.clone(),
        }
    }

    /// The narrowest type that holds values of both: what differs is unknown.
    pub fn join(&self, other: &ValueType) -> ValueType {
        match (self, other) {
            (ValueType::Tensor(a), ValueType::Tensor(b)) => a.join(b).into(),
            (ValueType::Sequence(a), ValueType::Sequence(b)) => a.join(b).into(),
            (ValueType::Optional(a), ValueType::Optional(b)) => ValueType::Optional(Box::new(a.join(b))),
            (ValueType::Map(k, a), ValueType::Map(l, b)) if k == l => ValueType::Map(*k, Box::new(a.join(b))),
            _ => ValueType::Unknown,
        }
    }

    /// Its size in bytes where that follows from the type.
    pub fn bytes(&self) -> Option<u64> {
        self.tensor().and_then(TensorType::bytes)
    }
}

impl From<List> for ValueType {
    fn from(list: List) -> Self {
        ValueType::Sequence(Box::new(list))
    }
}

impl From<TensorType> for ValueType {
    fn from(t: TensorType) -> Self {
        ValueType::Tensor(t)
    }
}
