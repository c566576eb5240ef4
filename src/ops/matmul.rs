//! Matrix products: `MatMul`, `Gemm`, and the language's `dense`.
//!
//! A product of M×K by K×N costs M·K·N multiply-accumulates for each matrix of a stack. A dense layer of n units on C
//! values has C·n + n parameters, and n additions for the bias.

use super::attributes::Attributes;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes};
use super::rules::{
    Arithmetic, Arranged, At, AxisSource, Class, OpError, OpKind, Open, OpenWeight, Operations, Operator, Slot, Spec,
    Storage, Window, Work, bias, data, weight,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind { domain: "", name: "MatMul", slots: AB, storage: Storage::Fresh, kernel: Kernel::FRESH, read: read_matmul },
    OpKind {
        domain: "com.microsoft",
        name: "FusedMatMul",
        slots: AB,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_matmul,
    },
    OpKind {
        domain: "com.microsoft",
        name: "TransposeMatMul",
        slots: AB,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_matmul,
    },
    OpKind {
        domain: "",
        name: "Gemm",
        slots: &[data("A"), weight("B"), bias("C")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_gemm,
    },
];

const AB: &[Slot] = &[data("A"), weight("B")];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "dense",
    aliases: &["fc"],
    foreign: &["Linear", "nn.Linear", "InnerProduct", "FullyConnected", "Gemm", "Dense"],
    doc: "every output is a weighted sum of all inputs",
    number: Number::Width("units"),
    kernel: Need::Never,
    stride: false,
    words: &["bias", "nobias"],
    options: &[],
    takes: Takes::Vector,
    modifier: false,
    example: "dense 10",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let open = Open { width: call.count(), bias: !call.has("nobias"), scale: false };
    Ok(vec![Step::new("Gemm", Attributes::new().with_int("transB", 1)).with_weights(open)])
}

/// The shape of a product by numpy's rules: stacks of matrices broadcast; a vector counts as a row on the left and as
/// a column on the right, and that axis goes again.
pub(super) fn product(a: &Shape, b: &Shape) -> Result<Shape, OpError> {
    let (Some(x), Some(y)) = (a.dims(), b.dims()) else { return Ok(Shape::Unranked) };
    let (Some((inner, rows)), Some((columns, above))) = (x.split_last(), y.split_last()) else {
        return Err(OpError::invalid("a scalar has no matrix product"));
    };
    let (expected, columns) = match above.split_last() {
        Some((expected, _)) => (expected, Some(columns)),
        None => (columns, None),
    };
    check_inner(inner, expected)?;
    let stack = |dims: &[Dim]| Shape::Ranked(dims[..dims.len().saturating_sub(2)].to_vec());
    let stacks = stack(x).broadcast(&stack(y)).map_err(|(p, q)| {
        OpError::new("matmul-mismatch", format!("stacks of {p} and {q} matrices do not broadcast: {a} times {b}"))
    })?;
    let mut dims = stacks.dims().unwrap_or(&[]).to_vec();
    dims.extend(rows.last().cloned());
    dims.extend(columns.cloned());
    Ok(Shape::Ranked(dims))
}

/// The width of the one must be the height of the other.
fn check_inner(inner: &Dim, expected: &Dim) -> Result<(), OpError> {
    match (inner.known(), expected.known()) {
        (Some(a), Some(b)) if a != b => Err(OpError::new(
            "matmul-mismatch",
            format!("the input has {a} values where the weights, or the second matrix, expect {b}"),
        )),
        _ => Ok(()),
    }
}

/// A product of two stacks of matrices: a row of the first is seen as a whole, and a column of the second.
fn factors(a: &[Dim], b: &[Dim]) -> Window {
    let rank = a.len().max(b.len());
    // Rows and columns are the last two axes; the stack's are aligned at the end, and what repeats one is the same.
    let arranged = |own: &[Dim], other: &[Dim], kept: usize, summed: usize| {
        let source = |axis: usize| {
            let (own_axis, other_axis) = ((axis + own.len()).checked_sub(rank), (axis + other.len()).checked_sub(rank));
            match own_axis {
                Some(own_axis) if axis + 2 >= rank => {
                    if rank - axis == kept {
                        AxisSource::Axis(own_axis)
                    } else {
                        AxisSource::Same
                    }
                }
                Some(own_axis)
                    if own[own_axis] == Dim::Known(1) && other_axis.is_some_and(|o| other[o] != own[own_axis]) =>
                {
                    AxisSource::Same
                }
                Some(own_axis) => AxisSource::Axis(own_axis),
                None => AxisSource::Same,
            }
        };
        Some(Arranged { from: (0..rank).map(source).collect(), whole: vec![own.len() - summed] })
    };
    let tokens = (a.len() == 3 && b.len() == 2).then_some(1);
    Window::Each { inputs: vec![arranged(a, b, 2, 1), arranged(b, a, 1, 2)], tokens }
}

/// A product with one matrix: every row stays where it is, and is seen as a whole.
pub(super) fn rows(rank: usize) -> Window {
    let inner = rank.saturating_sub(1);
    let above = (0..inner).map(AxisSource::Axis);
    Window::Axes { from: above.chain([AxisSource::Same]).collect(), whole: vec![inner] }
}

/// Arithmetic of a product with so many output elements, each a sum of `inner` products.
pub(super) fn arithmetic(class: Class, outputs: u64, inner: u64) -> Option<Arithmetic> {
    Some(Arithmetic {
        class,
        macs: outputs.checked_mul(inner)?,
        biases: 0,
        window: inner,
        operations: Operations::default(),
    })
}

/// A second matrix without a stack is a stored weight in practice: the operator cannot see what feeds it.
pub(super) fn class(first: Option<&[Dim]>, second: Option<&[Dim]>) -> Class {
    match (first.map(<[Dim]>::len), second.map(<[Dim]>::len)) {
        (Some(0..=2), Some(2)) => Class::Dense,
        (_, Some(2)) => Class::PositionDense,
        _ => Class::Product,
    }
}

/// alpha · A·B. ONNX Runtime's fused ones turn the matrices first; a factor other than 1 costs a multiplication an
/// element.
#[derive(Debug)]
struct MatMul {
    first: Turn,
    second: Turn,
    factor: bool,
}

/// How a stack of matrices is turned: its first axis to the place of the rows, then rows and columns exchanged.
#[derive(Clone, Copy, Debug)]
struct Turn {
    stack: bool,
    matrix: bool,
}

impl Turn {
    fn is_turned(self) -> bool {
        self.stack || self.matrix
    }

    fn of(self, shape: &Shape) -> Shape {
        let Some(dims) = shape.dims().filter(|d| d.len() >= 2) else { return shape.clone() };
        let mut dims = dims.to_vec();
        let columns = dims.len() - 1;
        if self.stack {
            dims[..columns].rotate_left(1);
        }
        if self.matrix {
            dims.swap(columns - 1, columns);
        }
        Shape::Ranked(dims)
    }
}

fn read_matmul(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let flag = |name| spec.attributes.flag(name, false);
    Ok(Box::new(MatMul {
        first: Turn { stack: flag("transBatchA")?, matrix: flag("transA")? },
        second: Turn { stack: flag("transBatchB")?, matrix: flag("transB")? },
        factor: is_factor(spec, "alpha")?,
    }))
}

/// Whether an attribute multiplies by something else than 1.
fn is_factor(spec: &Spec, name: &str) -> Result<bool, OpError> {
    Ok(spec.attributes.float(name)?.is_some_and(|x| (x - 1.0).abs() > 0.0))
}

impl Operator for MatMul {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (a, b) = (at.require(0)?, at.require(1)?);
        Ok(vec![
            TensorType {
                dtype: a.dtype.or(b.dtype),
                shape: product(&self.first.of(&a.shape), &self.second.of(&b.shape))?,
            }
            .into(),
        ])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let outputs = at.output_elements(0)?;
            let first = self.first.of(&at.tensor(0)?.shape);
            let mul = if self.factor { outputs } else { 0 };
            let products = arithmetic(class(at.dims(0), at.dims(1)), outputs, first.dims()?.last()?.size()?)?;
            Some(Arithmetic { operations: Operations { mul, ..Operations::default() }, ..products })
        };
        Work::counted(count())
    }

    fn window(&self, at: &At) -> Window {
        let turned = self.first.is_turned();
        match (at.dims(0), at.dims(1)) {
            (Some(a), Some(b)) if a.len() >= 2 && b.len() >= 2 && !turned && !self.second.is_turned() => factors(a, b),
            (Some(_), Some(_)) => Window::Global,
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}

/// alpha · A·B + beta · C, either matrix perhaps transposed. The first versions broadcast C only when told to; what
/// they accept is accepted by the later rule too. Factors other than 1 cost a multiplication an element each.
#[derive(Debug)]
struct Gemm {
    transposed: (bool, bool),
    factors: (bool, bool),
    open: Open,
}

fn read_gemm(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Gemm {
        transposed: (spec.attributes.flag("transA", false)?, spec.attributes.flag("transB", false)?),
        factors: (is_factor(spec, "alpha")?, is_factor(spec, "beta")?),
        open: spec.open.clone(),
    }))
}

/// Rows and columns of an input after transposition; unknown while the input is.
fn matrix(at: &At, position: usize, transposed: bool) -> Result<(Dim, Dim), OpError> {
    match at.dims(position) {
        None => Ok((Dim::Unknown, Dim::Unknown)),
        Some([rows, columns]) if transposed => Ok((columns.clone(), rows.clone())),
        Some([rows, columns]) => Ok((rows.clone(), columns.clone())),
        Some(dims) => Err(OpError::invalid(format!("input {position} has {} dimensions instead of 2", dims.len()))),
    }
}

impl Operator for Gemm {
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError> {
        let (_, values) = matrix(at, 0, self.transposed.0)?;
        let units = self.open.width.map_or(Dim::Unknown, Dim::from);
        let matrix = if self.transposed.1 { vec![units.clone(), values] } else { vec![values, units.clone()] };
        let mut weights = vec![OpenWeight::learned(1, matrix)];
        if self.open.bias {
            weights.push(OpenWeight::learned(2, vec![units]));
        }
        Ok(weights)
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (a, b) = (at.require(0)?, at.require(1)?);
        let (rows, inner) = matrix(at, 0, self.transposed.0)?;
        let (expected, columns) = matrix(at, 1, self.transposed.1)?;
        check_inner(&inner, &expected)?;
        Ok(vec![TensorType { dtype: a.dtype.or(b.dtype), shape: Shape::Ranked(vec![rows, columns]) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let outputs = at.output_elements(0)?;
            let (_, inner) = matrix(at, 0, self.transposed.0).ok()?;
            let biases = if at.has(2) { outputs } else { 0 };
            let factors = u64::from(self.factors.0) + u64::from(self.factors.1 && at.has(2));
            let operations = Operations { add: biases, mul: outputs.checked_mul(factors)?, ..Operations::default() };
            Some(Arithmetic { biases, operations, ..arithmetic(Class::Dense, outputs, inner.size()?)? })
        };
        Work::counted(count())
    }

    fn window(&self, _: &At) -> Window {
        if self.transposed.0 { Window::Global } else { rows(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy.matmul's documentation: the shapes that its examples give.
    #[test]
    fn products_follow_numpy() {
        let of = |a: &[u64], b: &[u64]| product(&Shape::known(a), &Shape::known(b));
        assert_eq!(of(&[9, 5, 7, 4], &[9, 5, 4, 3]), Ok(Shape::known(&[9, 5, 7, 3])));
        assert_eq!(of(&[2, 2], &[2]), Ok(Shape::known(&[2])));
        assert_eq!(of(&[2], &[3, 2, 4]), Ok(Shape::known(&[3, 4])));
        assert_eq!(of(&[2], &[2]), Ok(Shape::scalar()));
        assert_eq!(of(&[2, 3], &[4, 2]).unwrap_err().code, "matmul-mismatch");
        assert!(of(&[], &[2]).is_err());
    }
}
