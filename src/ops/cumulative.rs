//! Running sums and products along an axis: `CumSum`, `CumProd`. One addition or multiplication an element.

use super::axes::axis;
use super::cells::{coordinates, position};
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Dim, Elements, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("CumSum").measured(Kernel::FRESH), op("CumProd").measured(Kernel::FRESH)];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("x"), steer("axis")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
struct Cumulative {
    product: bool,
    /// Whether an element's own value is left out.
    exclusive: bool,
    /// Whether it runs from the end.
    reverse: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Cumulative {
        product: spec.kind.name == "CumProd",
        exclusive: spec.attributes.flag("exclusive", false)?,
        reverse: spec.attributes.flag("reverse", false)?,
    }))
}

impl Operator for Cumulative {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    /// Integers alone, which may be sizes that are free.
    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            let along = axis(at.literal(1)?.whole()?.known()?, x.dims.len()).ok()?;
            let (values, size) = (x.ints()?, *x.dims.get(along)?);
            let mut sums = vec![Dim::Unknown; values.len()];
            for mut place in coordinates(&x.dims)?.filter(|place| place[along] == 0) {
                let mut sum = Dim::Known(i64::from(self.product));
                for step in 0..size {
                    place[along] = if self.reverse { size - 1 - step } else { step };
                    let here = position(&x.dims, &place)?;
                    let with = if self.product { sum.times(&values[here]) } else { sum.plus(&values[here]) };
                    sums[here] = if self.exclusive { sum } else { with.clone() };
                    sum = with;
                }
            }
            Some(Literal { dims: x.dims.clone(), elements: Elements::Ints(sums) })
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        let none = Operations::default();
        let each = if self.product { Operations { mul: 1, ..none } } else { Operations { add: 1, ..none } };
        Work::elementwise(Class::Other, each, at.output_elements(0))
    }

    fn window(&self, at: &At) -> Window {
        match (at.ints(1), at.dims(0)) {
            (Some([stated]), Some(dims)) => {
                let along = stated.known().and_then(|a| axis(a, dims.len()).ok());
                match along {
                    Some(along) if along < 2 => Window::Pointwise,
                    Some(_) => Window::Global,
                    None => Window::Opaque("the axis is not known"),
                }
            }
            _ => Window::Opaque("the axis is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, ints};
    use super::*;

    /// The specification's examples.
    #[test]
    fn sums_run_either_way_with_or_without_the_element_itself() {
        let sums = |exclusive, reverse| {
            let case = Case::new("", "CumSum", 14).int("exclusive", exclusive).int("reverse", reverse);
            case.known(ints(&[3], &[1, 2, 3])).known(Literal::scalar(Dim::Known(0))).fold()
        };
        assert_eq!(sums(0, 0), [Some(ints(&[3], &[1, 3, 6]))]);
        assert_eq!(sums(1, 0), [Some(ints(&[3], &[0, 1, 3]))]);
        assert_eq!(sums(0, 1), [Some(ints(&[3], &[6, 5, 3]))]);
        assert_eq!(sums(1, 1), [Some(ints(&[3], &[5, 3, 0]))]);
    }
}
