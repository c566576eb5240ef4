//! Operators that work on several tensors element by element, with broadcasting: a row each.
//!
//! Sizes broadcast by numpy's rule. Before version 7 the two-sided ones broadcast the second input into the first, if at
//! all, so that the first one's shape is what comes out.

use super::elementwise::{of_floats, of_ints, of_ratios};
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use crate::tensor::{DType, Elements, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Add").measured(Kernel::FRESH),
    op("Sub").measured(Kernel::FRESH),
    op("Mul").measured(Kernel::FRESH),
    op("Div").measured(Kernel::FRESH),
    op("Pow").measured(Kernel::FRESH),
    op("Mod").measured(Kernel::FRESH),
    op("And").measured(Kernel::FRESH),
    op("Or").measured(Kernel::FRESH),
    op("Xor").measured(Kernel::FRESH),
    op("Equal").measured(Kernel::FRESH),
    op("Less").measured(Kernel::FRESH),
    op("LessOrEqual").measured(Kernel::FRESH),
    op("Greater").measured(Kernel::FRESH),
    op("GreaterOrEqual").measured(Kernel::FRESH),
    op("BitShift").measured(Kernel::FRESH),
    op("BitwiseAnd").measured(Kernel::FRESH),
    op("BitwiseOr").measured(Kernel::FRESH),
    op("BitwiseXor").measured(Kernel::FRESH),
    OpKind { kernel: Kernel::Fresh(folded), ..op("Max") },
    OpKind { kernel: Kernel::Fresh(folded), ..op("Min") },
    OpKind { kernel: Kernel::Fresh(folded), ..op("Sum") },
    OpKind { kernel: Kernel::Fresh(folded), ..op("Mean") },
    OpKind { slots: &[data("condition"), data("X"), data("Y")], kernel: Kernel::Fresh(chosen), ..op("Where") },
];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("A"), data("B")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// Inputs are taken two at a time: what comes of all but the last is kept beside the output.
fn folded(_: &Spec, at: &At, _: u64) -> Option<u64> {
    let (_, but_last) = at.inputs.split_last()?;
    if but_last.len() < 2 { Some(0) } else { spread(at, &(0..but_last.len()).collect::<Vec<_>>()) }
}

/// What is chosen of each of the two is kept beside the output.
fn chosen(_: &Spec, at: &At, _: u64) -> Option<u64> {
    spread(at, &[0, 1])?.checked_add(spread(at, &[0, 2])?)
}

/// Bytes of a tensor of the output's type and of the sizes to which these inputs broadcast.
fn spread(at: &At, positions: &[usize]) -> Option<u64> {
    let shapes = positions.iter().map(|p| at.tensor(*p).map(|t| &t.shape));
    let shape = shapes.into_iter().try_fold(Shape::scalar(), |all, next| all.broadcast(next?).ok())?;
    TensorType { dtype: at.output(0)?.dtype, shape }.bytes()
}

/// What an output element costs with so many inputs.
fn cost(name: &str, inputs: u64) -> (Class, Operations) {
    let none = Operations::default();
    let others = inputs.saturating_sub(1);
    match name {
        "Add" | "Sum" => (Class::Add, Operations { add: others, ..none }),
        "Sub" => (Class::Subtract, Operations { add: others, ..none }),
        "Mean" => (Class::Other, Operations { add: others, div: 1, ..none }),
        "Mul" => (Class::Multiply, Operations { mul: 1, ..none }),
        "Div" => (Class::Divide, Operations { div: 1, ..none }),
        "Mod" => (Class::Other, Operations { div: 1, ..none }),
        "Pow" => (Class::Other, Operations { exp: 1, ..none }),
        "Max" | "Min" => (Class::Other, Operations { compare: others, ..none }),
        _ => (Class::Other, Operations { compare: 1, ..none }),
    }
}

#[derive(Debug)]
struct Binary {
    name: &'static str,
    /// The second input broadcasts into the first, perhaps from an axis on.
    one_sided: bool,
    /// A remainder has the sign of the dividend, as in C.
    truncates: bool,
    /// A shift is to the left.
    left: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Binary {
        name: spec.kind.name,
        one_sided: spec.opset < 7 && !matches!(spec.kind.name, "Max" | "Min" | "Sum" | "Mean"),
        truncates: spec.attributes.flag("fmod", false)?,
        left: spec.attributes.string("direction")? == Some("LEFT"),
    }))
}

impl Operator for Binary {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let inputs = (0..at.inputs.len()).map(|i| at.require(i)).collect::<Result<Vec<_>, _>>()?;
        let first = inputs.first().ok_or_else(|| OpError::invalid("input 0 is missing"))?;
        let dtype = match self.name {
            "And" | "Or" | "Xor" | "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => Some(DType::Bool),
            "Where" => inputs.iter().skip(1).find_map(|x| x.dtype),
            "Pow" => first.dtype,
            _ => inputs.iter().find_map(|x| x.dtype),
        };
        if self.one_sided {
            return Ok(vec![TensorType { dtype, shape: first.shape.clone() }.into()]);
        }
        let mut shape = first.shape.clone();
        for other in inputs.iter().skip(1) {
            shape = shape.broadcast(&other.shape).map_err(|_| {
                let all = inputs.iter().map(|x| x.shape.to_string()).collect::<Vec<_>>().join(" and ");
                OpError::new("broadcast-mismatch", format!("{all} do not broadcast"))
                    .help("aligned at the end, sizes must be equal or 1")
            })?;
        }
        Ok(vec![TensorType { dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let sizes = at.output(0)?.shape.sizes()?;
            let dims = sizes.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
            let inputs: Vec<Literal> =
                (0..at.inputs.len()).map(|i| at.literal(i)?.broadcast(&dims)).collect::<Option<_>>()?;
            Some(Literal { elements: self.fold_elements(&inputs, at)?, dims })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let (class, each) = cost(self.name, u64::try_from(at.inputs.len()).unwrap_or(u64::MAX));
        Work::elementwise(class, each, at.output_elements(0))
    }

    fn window(&self, at: &At) -> Window {
        let rank = |shape: Option<&Shape>| shape.and_then(Shape::rank);
        let out = rank(at.output(0).map(|t| &t.shape));
        // An input with fewer dimensions is aligned at the end, so its axes are others; a scalar or vector has none.
        let aligned = |i: usize| match rank(at.tensor(i).map(|t| &t.shape)) {
            Some(r) => r <= 2 || Some(r) == out,
            None => false,
        };
        if (0..at.inputs.len()).all(aligned) { Window::Pointwise } else { Window::Opaque("the inputs' axes differ") }
    }
}

impl Binary {
    fn fold_elements(&self, inputs: &[Literal], at: &At) -> Option<Elements> {
        if self.name == "Where" {
            let [condition, yes, no] = inputs else { return None };
            return select(condition, yes, no);
        }
        let (first, others) = inputs.split_first()?;
        if inputs.iter().any(|l| matches!(l.elements, Elements::Ratios(_))) {
            let [other] = others else { return None };
            let dtype = at.output(0)?.dtype?;
            return of_ratios(self.name, &first.elements.ratios()?, &other.elements.ratios()?, dtype);
        }
        match &first.elements {
            Elements::Ints(values) => {
                let mut values = values.clone();
                for other in others {
                    let pairs = values.iter().zip(other.ints()?);
                    values = pairs
                        .map(|(a, b)| of_ints(self.name, a, b, self.truncates, self.left))
                        .collect::<Option<_>>()?;
                }
                Some(Elements::Ints(values))
            }
            Elements::Floats(values) => {
                let [other] = others else { return None };
                let exponents;
                let other = match &other.elements {
                    Elements::Floats(v) => v,
                    // A float may have a whole exponent.
                    Elements::Ints(v) => {
                        let float =
                            |n: &crate::tensor::Dim| n.known().and_then(|n| i32::try_from(n).ok()).map(f64::from);
                        exponents = v.iter().map(float).collect::<Option<Vec<_>>>()?;
                        &exponents
                    }
                    Elements::Ratios(_) => return None,
                };
                of_floats(self.name, values, other, at.output(0)?.dtype?, self.truncates)
            }
            Elements::Ratios(_) => None,
        }
    }
}

/// One of two values for each element. Where the condition is not known, equal values need no decision.
fn select(condition: &Literal, yes: &Literal, no: &Literal) -> Option<Elements> {
    use crate::tensor::Dim;
    let conditions = condition.ints()?;
    match (&yes.elements, &no.elements) {
        (Elements::Ints(yes), Elements::Ints(no)) => {
            let one = |(c, (y, n)): (&Dim, (&Dim, &Dim))| match c.known() {
                Some(0) => n.clone(),
                Some(_) => y.clone(),
                None if y == n => y.clone(),
                None => Dim::Unknown,
            };
            Some(Elements::Ints(conditions.iter().zip(yes.iter().zip(no)).map(one).collect()))
        }
        (Elements::Floats(yes), Elements::Floats(no)) => {
            let one = |(c, (y, n)): (&Dim, (&f64, &f64))| c.known().map(|c| if c == 0 { *n } else { *y });
            Some(Elements::Floats(conditions.iter().zip(yes.iter().zip(no)).map(one).collect::<Option<_>>()?))
        }
        _ => None,
    }
}
