//! Functions of one input, element by element, that are not activation functions: a row each.

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use crate::tensor::{DType, Dim, Elements, Literal, Ratio, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Abs").measured(Kernel::FRESH),
    op("Acos").measured(Kernel::FRESH),
    op("Acosh").measured(Kernel::FRESH),
    op("Asin").measured(Kernel::FRESH),
    op("Asinh").measured(Kernel::FRESH),
    op("Atan").measured(Kernel::FRESH),
    op("Atanh").measured(Kernel::FRESH),
    op("BitwiseNot").measured(Kernel::FRESH),
    op("Ceil").measured(Kernel::FRESH),
    op("Cos").measured(Kernel::FRESH),
    op("Cosh").measured(Kernel::FRESH),
    op("Erf").measured(Kernel::FRESH),
    op("Exp").measured(Kernel::FRESH),
    op("Floor").measured(Kernel::FRESH),
    predicate("IsInf").measured(Kernel::FRESH),
    predicate("IsNaN").measured(Kernel::FRESH),
    op("Log").measured(Kernel::FRESH),
    op("Neg").measured(Kernel::FRESH),
    op("Not").measured(Kernel::FRESH),
    op("Reciprocal").measured(Kernel::FRESH),
    op("Round").measured(Kernel::FRESH),
    op("Sign").measured(Kernel::FRESH),
    op("Sin").measured(Kernel::FRESH),
    op("Sinh").measured(Kernel::FRESH),
    op("Sqrt").measured(Kernel::FRESH),
    op("Tan").measured(Kernel::FRESH),
];

const X: &[Slot] = &[data("X")];

const fn op(name: &'static str) -> OpKind {
    OpKind { domain: "", name, slots: X, storage: Storage::Overwrites, kernel: Kernel::Unmeasured, read }
}

/// What comes out is of another type, so it cannot lie where the input was.
const fn predicate(name: &'static str) -> OpKind {
    OpKind { storage: Storage::Fresh, ..op(name) }
}

/// What one element costs.
fn cost(name: &str) -> Operations {
    let none = Operations::default();
    match name {
        "Abs" | "BitwiseNot" | "Ceil" | "Floor" | "IsInf" | "IsNaN" | "Not" | "Round" | "Sign" => {
            Operations { compare: 1, ..none }
        }
        "Neg" => Operations { add: 1, ..none },
        "Reciprocal" | "Sqrt" => Operations { div: 1, ..none },
        _ => Operations { exp: 1, ..none },
    }
}

#[derive(Debug)]
struct Unary {
    name: &'static str,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Unary { name: spec.kind.name }))
}

impl Operator for Unary {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let dtype = if let "IsInf" | "IsNaN" = self.name { Some(DType::Bool) } else { x.dtype };
        Ok(vec![TensorType { dtype, shape: x.shape.clone() }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let literal = at.literal(0)?;
            let elements = match &literal.elements {
                Elements::Ints(v) => Elements::Ints(v.iter().map(|n| of_int(self.name, n)).collect::<Option<_>>()?),
                Elements::Floats(v) => {
                    let dtype = at.tensor(0)?.dtype?;
                    let one = |x: &f64| of_float(self.name, *x).and_then(|y| dtype.nearest(y));
                    Elements::Floats(v.iter().map(one).collect::<Option<_>>()?)
                }
                Elements::Ratios(v) => {
                    let results = v.iter().map(|r| of_ratio(self.name, r)).collect::<Option<_>>()?;
                    Elements::of_ratios(results, at.tensor(0)?.dtype?)
                }
            };
            Some(Literal { dims: literal.dims.clone(), elements })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let class = if self.name == "Erf" { Class::ErrorFunction } else { Class::Other };
        Work::elementwise(class, cost(self.name), at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Pointwise
    }
}

/// The functions that arithmetic on shapes uses, on a whole number.
fn of_int(name: &str, n: &Dim) -> Option<Dim> {
    match name {
        "Abs" if n.is_never_negative() => Some(n.clone()),
        "Abs" => Some(n.larger(&Dim::Known(0).minus(n))),
        "Neg" => Some(Dim::Known(0).minus(n)),
        "Not" => Some(Dim::Known(1).minus(n)),
        "Sign" => Some(n.known().map_or(Dim::Unknown, |n| Dim::Known(n.signum()))),
        _ => None,
    }
}

/// The same on a quotient of sizes.
fn of_ratio(name: &str, x: &Ratio) -> Option<Ratio> {
    match name {
        "Ceil" => Some(Ratio::whole(x.ceil())),
        "Floor" => Some(Ratio::whole(x.floor())),
        "Round" => x.as_whole().cloned().map(Ratio::whole),
        "Abs" => Some(x.larger(&Ratio::of(0.0).minus(x))),
        "Neg" => Some(Ratio::of(0.0).minus(x)),
        _ => None,
    }
}

/// The same on a float, before it is rounded to its type.
fn of_float(name: &str, x: f64) -> Option<f64> {
    match name {
        "Abs" => Some(x.abs()),
        "Ceil" => Some(x.ceil()),
        "Floor" => Some(x.floor()),
        "Neg" => Some(-x),
        "Reciprocal" => Some(1.0 / x),
        "Round" => Some(x.round_ties_even()),
        "Sign" => Some(if x == 0.0 { x } else { x.signum() }),
        "Sqrt" => Some(x.sqrt()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_to_even_and_symbols_pass() {
        // The specification of `Round`: halves go to the nearest even number.
        assert_eq!(of_float("Round", 2.5), Some(2.0));
        assert_eq!(of_float("Round", -1.5), Some(-2.0));
        assert_eq!(of_float("Sign", 0.0), Some(0.0));
        let n = Dim::symbol("N");
        let third = Ratio::whole(n.clone()).over(&Ratio::of(3.0));
        assert_eq!(of_ratio("Floor", &third).map(|n| n.ceil().to_string()), Some("floor((N)/(3))".into()));
        assert_eq!(of_int("Neg", &n).map(|n| n.to_string()), Some("-N".into()));
        assert_eq!(of_int("Abs", &Dim::Known(-3)), Some(Dim::Known(3)));
    }
}
