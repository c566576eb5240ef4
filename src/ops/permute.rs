//! The same elements in another order: `Transpose`, `DepthToSpace`, `SpaceToDepth`; the language's `shuffle`.

use super::attributes::{Attribute, Attributes};
use super::axes::axis;
use super::groups;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, Step, Takes, whole};
use super::rules::{
    At, AxisSource, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Tap, Window, Work, data,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "Transpose",
        slots: X,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_transpose,
    },
    OpKind {
        domain: "",
        name: "DepthToSpace",
        slots: X,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_blocks,
    },
    OpKind {
        domain: "",
        name: "SpaceToDepth",
        slots: X,
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_blocks,
    },
];

const X: &[Slot] = &[data("input")];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "shuffle",
    aliases: &[],
    foreign: &["ChannelShuffle", "nn.ChannelShuffle"],
    doc: "deals the channels of each group out to all groups",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &[],
    options: &[whole("groups")],
    takes: Takes::Maps,
    modifier: false,
    example: "shuffle groups=2",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let groups = call.whole("groups").ok_or_else(|| {
        OpError::new("missing-factor", "`shuffle` needs a number of groups").help("for example `shuffle groups=2`")
    })?;
    let channels = call.channels();
    groups::check(groups, &channels, "channels")?;
    let groups = Dim::from(groups);
    let each = channels.floor_div(&groups);
    let spatial = call.spatial();
    // The batch stays what it is: a size of 0 copies it.
    let split = [Dim::Known(0), groups, each].into_iter().chain(spatial.iter().cloned()).collect();
    let merged = [Dim::Known(0), channels].into_iter().chain(spatial.iter().cloned()).collect();
    let order = [0, 2, 1].into_iter().chain((3i64..).take(spatial.len())).collect();
    let reshape = |shape| Step::new("Reshape", Attributes::new()).constant(1, DType::I64, Literal::vector(shape));
    let transpose = Step::new("Transpose", Attributes::new().with("perm", Attribute::Ints(order)));
    Ok(vec![reshape(split).named("split"), transpose.named("swap"), reshape(merged)])
}

#[derive(Debug)]
struct Transpose {
    order: Option<Vec<i64>>,
}

fn read_transpose(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Transpose { order: spec.attributes.ints("perm")?.map(<[i64]>::to_vec) }))
}

impl Transpose {
    /// For each output axis the input axis that it is; the reverse by default.
    fn order(&self, rank: usize) -> Result<Vec<usize>, OpError> {
        let Some(stated) = &self.order else { return Ok((0..rank).rev().collect()) };
        let order = stated.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?;
        if (0..rank).any(|a| order.iter().filter(|o| **o == a).count() != 1) {
            return Err(OpError::invalid(format!("`perm` is not an order of {rank} axes: {stated:?}")));
        }
        Ok(order)
    }
}

impl Operator for Transpose {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let shape = match (x.shape.dims(), &self.order) {
            (Some(dims), _) => Shape::Ranked(self.order(dims.len())?.into_iter().map(|a| dims[a].clone()).collect()),
            (None, Some(order)) => Shape::of_rank(order.len()),
            (None, None) => Shape::Unranked,
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let x = at.literal(0)?;
            literal::bounded(&x.dims)?;
            let order = self.order(x.dims.len()).ok()?;
            // How far apart neighbours along an axis lie.
            let stride = |axis: usize| x.dims.iter().skip(axis.saturating_add(1)).product::<usize>();
            let dims: Vec<usize> = order.iter().map(|a| x.dims.get(*a).copied()).collect::<Option<_>>()?;
            let axes = dims.iter().zip(order.iter().map(|a| stride(*a)));
            let places = axes.fold(vec![0usize], |places, (size, stride)| {
                places.iter().flat_map(|p| (0..*size).map(move |i| p + i * stride)).collect()
            });
            x.pick(dims.clone(), places)
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(|d| self.order(d.len())) {
            Some(Ok(order)) => {
                Window::Axes { from: order.into_iter().map(AxisSource::Axis).collect(), whole: Vec::new() }
            }
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}

/// Blocks of b×b positions become channels, or channels such blocks.
#[derive(Debug)]
struct Blocks {
    edge: u64,
    to_space: bool,
}

fn read_blocks(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let edge = spec.attributes.int("blocksize")?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    let edge = edge.ok_or_else(|| OpError::invalid("`blocksize` needs a number of at least 1"))?;
    Ok(Box::new(Blocks { edge, to_space: spec.kind.name == "DepthToSpace" }))
}

impl Operator for Blocks {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let edge = Dim::from(self.edge);
        let area = edge.times(&edge);
        let dims = match x.shape.dims() {
            None => vec![Dim::Unknown; 4],
            Some([batch, channels, height, width]) => {
                let divide = |size: &Dim, by: &Dim| match size.modulo(by).known() {
                    None | Some(0) => Ok(size.floor_div(by)),
                    Some(_) => Err(OpError::invalid(format!("blocks of {by} do not divide a size of {size}"))),
                };
                if self.to_space {
                    vec![batch.clone(), divide(channels, &area)?, height.times(&edge), width.times(&edge)]
                } else {
                    vec![batch.clone(), channels.times(&area), divide(height, &edge)?, divide(width, &edge)?]
                }
            }
            Some(dims) => return Err(OpError::invalid(format!("an input of {} dimensions instead of 4", dims.len()))),
        };
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        let tap = if self.to_space {
            Some(Tap { num: 1, den: self.edge.max(1), first: 0, last: 0 })
        } else {
            Tap::sliding(0, self.edge, self.edge)
        };
        tap.map_or(Window::Opaque("the block is too large"), |tap| Window::Local(vec![tap, tap]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn contents_follow_the_axes() {
        // numpy.arange(6).reshape(2, 3).T
        let x = Literal { dims: vec![2, 3], ..Literal::vector((0..6).map(Dim::Known).collect()) };
        let wanted = Literal { dims: vec![3, 2], ..Literal::vector([0, 3, 1, 4, 2, 5].map(Dim::Known).to_vec()) };
        let case = Case::new("", "Transpose", 13).known(x);
        assert_eq!(case.fold(), [Some(wanted)]);
    }

    #[test]
    fn an_order_names_every_axis_once() {
        let case = |perm: &[i64]| {
            let x = TensorType::new(DType::F32, Shape::known(&[1, 2, 3]));
            Case::new("", "Transpose", 13).input(x.into()).with("perm", Attribute::Ints(perm.to_vec())).infer()
        };
        assert!(case(&[0, 0, 1]).is_err() && case(&[0, 1]).is_err() && case(&[0, 1, 3]).is_err());
        assert!(case(&[2, 0, 1]).is_ok());
    }
}
