//! Running sums and products along an axis: `CumSum`, `CumProd`. One addition or multiplication an element.

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("CumSum"), op("CumProd")];

const fn op(name: &'static str) -> OpKind {
    const SLOTS: &[Slot] = &[data("x"), steer("axis")];
    OpKind { domain: "", name, slots: SLOTS, storage: Storage::Fresh, kernel: Kernel::FRESH, read }
}

#[derive(Debug)]
struct Cumulative {
    each: Operations,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let none = Operations::default();
    let product = spec.kind.name == "CumProd";
    Ok(Box::new(Cumulative {
        each: if product { Operations { mul: 1, ..none } } else { Operations { add: 1, ..none } },
    }))
}

impl Operator for Cumulative {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        Work::elementwise(Class::Other, self.each, at.output_elements(0))
    }

    fn window(&self, at: &At) -> Window {
        match (at.ints(1), at.dims(0)) {
            (Some([axis]), Some(dims)) => {
                let axis = axis.known().and_then(|a| super::axes::axis(a, dims.len()).ok());
                match axis {
                    Some(axis) if axis < 2 => Window::Pointwise,
                    Some(_) => Window::Global,
                    None => Window::Opaque("the axis is not known"),
                }
            }
            _ => Window::Opaque("the axis is not known"),
        }
    }
}
