//! Copies along axes: `Tile` and `Expand`.

use super::axes::axis;
use super::kernel::Kernel;
use super::resize::whole;
use super::rules::{At, AxisSource, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "Tile",
        slots: &[data("input"), steer("repeats"), steer("axis")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read,
    },
    OpKind {
        domain: "",
        name: "Expand",
        slots: &[data("input"), steer("shape")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read,
    },
];

#[derive(Debug)]
enum Repeat {
    /// So many times along each axis; in the first version along one.
    Tile { one_axis: bool },
    /// To a size that numpy's broadcasting with the given shape makes.
    Expand,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let tile = spec.kind.name == "Tile";
    Ok(Box::new(if tile { Repeat::Tile { one_axis: spec.opset < 6 } } else { Repeat::Expand }))
}

impl Repeat {
    fn tiled(&self, at: &At, dims: &[Dim]) -> Result<Vec<Dim>, OpError> {
        let Repeat::Tile { one_axis: true } = self else {
            let times = at.ints(1).map_or_else(|| vec![Dim::Unknown; dims.len()], <[Dim]>::to_vec);
            if times.len() != dims.len() {
                return Err(OpError::invalid(format!("{} repeats for {} dimensions", times.len(), dims.len())));
            }
            return Ok(dims.iter().zip(times).map(|(d, n)| d.times(&n)).collect());
        };
        let (times, along) = (single(at.literal(1)), single(at.literal(2)));
        let Some(along) = along.known() else { return Ok(vec![Dim::Unknown; dims.len()]) };
        let along = axis(along, dims.len())?;
        let mut dims = dims.to_vec();
        dims[along] = dims[along].times(&times);
        Ok(dims)
    }
}

impl Operator for Repeat {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let shape = match (self, x.shape.dims()) {
            (Repeat::Tile { .. }, None) => Shape::Unranked,
            (Repeat::Tile { .. }, Some(dims)) => Shape::Ranked(self.tiled(at, dims)?),
            (Repeat::Expand, dims) => match (at.ints(1), at.dims(1), dims) {
                (Some(to), _, _) => {
                    let to = Shape::Ranked(to.to_vec());
                    x.shape.broadcast(&to).map_err(|_| {
                        OpError::new("broadcast-mismatch", format!("{} does not broadcast with {to}", x.shape))
                    })?
                }
                (None, Some([Dim::Known(n)]), Some(dims)) => {
                    Shape::of_rank(usize::try_from(*n).map_or(dims.len(), |n| n.max(dims.len())))
                }
                _ => Shape::Unranked,
            },
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            let sizes = at.output(0)?.shape.sizes()?;
            let dims = sizes.into_iter().map(|n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
            match self {
                Repeat::Expand => x.broadcast(&dims),
                Repeat::Tile { .. } => tile(x, &dims),
            }
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        let (Some(from), Some(to)) = (at.dims(0), at.output(0).and_then(|t| t.shape.dims())) else {
            return Window::Opaque("the number of dimensions is not known");
        };
        // Aligned at the end; what repeats one position is the same everywhere.
        let source = |(i, size): (usize, &Dim)| match (i + from.len()).checked_sub(to.len()) {
            None => AxisSource::Same,
            Some(axis) if from[axis] == *size => AxisSource::Axis(axis),
            Some(axis) if from[axis] == Dim::Known(1) => AxisSource::Same,
            Some(axis) => AxisSource::Regrouped { axes: vec![axis], parts: Vec::new() },
        };
        Window::Axes { from: to.iter().enumerate().map(source).collect(), whole: Vec::new() }
    }
}

/// A number that the first version of `Tile` has in the type of the data.
fn single(literal: Option<&Literal>) -> Dim {
    let Some(literal) = literal else { return Dim::Unknown };
    match literal.floats() {
        Some([x]) => whole(*x),
        _ => literal.int().cloned().unwrap_or(Dim::Unknown),
    }
}

/// A literal repeated until it has these dimensions.
fn tile(x: &Literal, dims: &[usize]) -> Option<Literal> {
    literal::bounded(dims)?;
    let axes = x.dims.iter().zip(dims);
    let places = axes.fold(vec![0usize], |places, (own, size)| {
        places.iter().flat_map(|p| (0..*size).map(move |i| p * own + i % own)).collect()
    });
    x.pick(dims.to_vec(), places)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn contents_repeat_as_in_numpy() {
        // numpy.tile([[0, 1], [2, 3]], (1, 2)) and numpy.broadcast_to([[5], [6]], (2, 2))
        let square = Literal { dims: vec![2, 2], ..Literal::vector((0..4).map(Dim::Known).collect()) };
        let times = Literal::vector(vec![Dim::Known(1), Dim::Known(2)]);
        let tiled = Case::new("", "Tile", 13).known(square).known(times).fold();
        let wanted = [0, 1, 0, 1, 2, 3, 2, 3].map(Dim::Known).to_vec();
        assert_eq!(tiled, [Some(Literal { dims: vec![2, 4], ..Literal::vector(wanted) })]);

        let column = Literal { dims: vec![2, 1], ..Literal::vector(vec![Dim::Known(5), Dim::Known(6)]) };
        let to = Literal::vector(vec![Dim::Known(2), Dim::Known(2)]);
        let expanded = Case::new("", "Expand", 13).known(column).known(to).fold();
        let wanted = [5, 5, 6, 6].map(Dim::Known).to_vec();
        assert_eq!(expanded, [Some(Literal { dims: vec![2, 2], ..Literal::vector(wanted) })]);
    }
}
