//! Pooling over everything but batch and channels: `GlobalAveragePool`, `GlobalMaxPool`, `GlobalLpPool`. The language
//! writes `avgpool global`.
//!
//! With S positions an output costs S − 1 comparisons, or S − 1 additions and a division, or S powers, S − 1 additions
//! and a root.

use super::kernel::Kernel;
use super::pool::{lp_cost, lp_power};
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
};
use super::window::spatial;
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("GlobalAveragePool").measured(Kernel::FRESH),
    op("GlobalMaxPool").measured(Kernel::FRESH),
    op("GlobalLpPool").measured(Kernel::FRESH),
];

const fn op(name: &'static str) -> OpKind {
    const X: &[Slot] = &[data("X")];
    OpKind { domain: "", name, slots: X, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum GlobalPool {
    Average,
    Max,
    /// Power of the norm.
    Lp(i64),
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.kind.name {
        "GlobalAveragePool" => GlobalPool::Average,
        "GlobalMaxPool" => GlobalPool::Max,
        _ => GlobalPool::Lp(lp_power(spec)?),
    }))
}

impl Operator for GlobalPool {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.without_rank().into()]) };
        let ones = spatial(dims)?.iter().map(|_| Dim::Known(1));
        Ok(vec![x.with_dims(dims[..2].iter().cloned().chain(ones).collect()).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let class = match self {
            GlobalPool::Average => Class::GlobalAveragePool,
            GlobalPool::Max => Class::MaxPool,
            GlobalPool::Lp(_) => Class::Other,
        };
        let count = || {
            let window = at.dims(0)?.get(2..)?.iter().try_fold(1u64, |p, d| p.checked_mul(d.size()?))?;
            let others = window.saturating_sub(1);
            let none = Operations::default();
            let each = match self {
                GlobalPool::Average => Operations { add: others, div: 1, ..none },
                GlobalPool::Max => Operations { compare: others, ..none },
                GlobalPool::Lp(power) => lp_cost(*power, window),
            };
            Some((window, each.times(at.output_elements(0)?)?))
        };
        Work::windowed(class, count())
    }

    fn window(&self, at: &At) -> Window {
        at.dims(0).map_or(Window::Global, |dims| Window::over(dims.len(), (2..dims.len()).collect()))
    }
}
