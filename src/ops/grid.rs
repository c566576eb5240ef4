//! Sampling at computed positions: `GridSample` and `AffineGrid`.
//!
//! A value sampled from d axes is a weighted sum of 2^d (linear) or 4^d (cubic) neighbours, as in `resize.rs`. A
//! coordinate of an affine grid of d axes takes d multiplications and d additions.

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "GridSample",
        slots: SAMPLE,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_sample,
    },
    OpKind {
        domain: "com.microsoft",
        name: "GridSample",
        slots: SAMPLE,
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: read_sample,
    },
    OpKind {
        domain: "",
        name: "AffineGrid",
        slots: &[data("theta"), steer("size")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: |_| Ok(Box::new(AffineGrid)),
    },
];

const SAMPLE: &[Slot] = &[data("X"), data("grid")];

#[derive(Debug)]
struct GridSample {
    /// Neighbours along one axis.
    neighbours: u64,
}

fn read_sample(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let neighbours = match spec.attributes.string("mode")?.unwrap_or("linear") {
        "nearest" => 1,
        "cubic" | "bicubic" => 4,
        _ => 2,
    };
    Ok(Box::new(GridSample { neighbours }))
}

impl Operator for GridSample {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (x, grid) = (at.require(0)?, at.require(1)?);
        let dims = match (x.shape.dims(), grid.shape.dims()) {
            (Some([batch, channels, spatial @ ..]), Some([_, positions @ .., _]))
                if positions.len() == spatial.len() =>
            {
                [batch, channels].into_iter().chain(positions).cloned().collect()
            }
            (Some(x), Some(grid)) => {
                let message = format!("a grid of {} dimensions for an input of {}", grid.len(), x.len());
                return Err(OpError::invalid(message));
            }
            (Some([batch, channels, spatial @ ..]), None) => {
                [batch.clone(), channels.clone()].into_iter().chain(vec![Dim::Unknown; spatial.len()]).collect()
            }
            (None, Some([batch, positions @ .., _])) => {
                [batch.clone(), Dim::Unknown].into_iter().chain(positions.iter().cloned()).collect()
            }
            _ => return Ok(vec![x.without_rank().into()]),
        };
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let axes = u32::try_from(at.dims(0)?.len().saturating_sub(2)).ok()?;
            let window = self.neighbours.checked_pow(axes)?;
            let weighted = if window > 1 { window } else { 0 };
            let each = Operations { mul: weighted, add: weighted.saturating_sub(1), ..Operations::default() };
            Some((window, each.times(at.output_elements(0)?)?))
        };
        Work::windowed(Class::Sampling, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("where it looks is computed")
    }
}

#[derive(Debug)]
struct AffineGrid;

impl Operator for AffineGrid {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let theta = at.require(0)?;
        let shape = match (at.ints(1), at.dims(1)) {
            (Some([batch, _, spatial @ ..]), _) => {
                let axes = Dim::from(u64::try_from(spatial.len()).unwrap_or(u64::MAX));
                Shape::Ranked([batch].into_iter().chain(spatial).cloned().chain([axes]).collect())
            }
            (None, Some([Dim::Known(n)])) => usize::try_from(*n).map_or(Shape::Unranked, Shape::of_rank),
            _ => Shape::Unranked,
        };
        Ok(vec![TensorType { dtype: theta.dtype, shape }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let axes = at.output(0).and_then(|t| t.shape.dims()?.last()?.size());
        let each = axes.map(|n| Operations { mul: n, add: n, ..Operations::default() });
        Work::operations(Class::Other, each.and_then(|each| each.times(at.output_elements(0)?)))
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it makes positions, not values")
    }
}
