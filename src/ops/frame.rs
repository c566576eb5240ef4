//! Parts kept, blanked or turned round: `CenterCropPad`, `Trilu`, `ReverseSequence`.

use super::axes::axis;
use super::cells::{coordinates, position};
use super::kernel::Kernel;
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("", "CenterCropPad", &[data("input_data"), steer("shape")]),
    OpKind { kernel: Kernel::IN_PLACE, ..op("", "Trilu", &[data("input"), steer("k")]) },
    op("com.microsoft", "Trilu", &[data("X"), steer("k")]),
    op("", "ReverseSequence", &[data("input"), steer("sequence_lens")]),
];

const fn op(domain: &'static str, name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain, name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Frame {
    /// The middle, cut or with zeros around it until it has the given size on these axes.
    CenterCropPad { axes: Option<Vec<i64>> },
    /// What lies above or below a diagonal, and zeros.
    Triangle { upper: bool },
    /// The same size, other contents.
    InPlace,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(match spec.kind.name {
        "Trilu" => Frame::Triangle { upper: spec.attributes.flag("upper", true)? },
        "CenterCropPad" => Frame::CenterCropPad { axes: spec.attributes.ints("axes")?.map(<[i64]>::to_vec) },
        _ => Frame::InPlace,
    }))
}

impl Operator for Frame {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Frame::CenterCropPad { axes } = self else { return Ok(vec![x.clone().into()]) };
        let shape = match (x.shape.dims(), axes, at.ints(1)) {
            (None, None, Some(to)) => Shape::Ranked(to.to_vec()),
            (None, _, _) => Shape::Unranked,
            (Some(dims), axes, to) => {
                let axes = match axes {
                    Some(stated) => stated.iter().map(|a| axis(*a, dims.len())).collect::<Result<Vec<_>, _>>()?,
                    None => (0..dims.len()).collect(),
                };
                let to = to.map_or_else(|| vec![Dim::Unknown; axes.len()], <[Dim]>::to_vec);
                if to.len() != axes.len() {
                    return Err(OpError::invalid(format!("a shape of {} sizes for {} axes", to.len(), axes.len())));
                }
                let mut dims = dims.to_vec();
                for (a, size) in axes.into_iter().zip(to) {
                    dims[a] = size;
                }
                Shape::Ranked(dims)
            }
        };
        Ok(vec![TensorType { dtype: x.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let Frame::Triangle { upper } = self else { return None };
            let x = at.literal(0)?;
            let k = if at.has(1) { at.literal(1)?.whole()?.known()? } else { 0 };
            let source = |place: Vec<usize>| {
                let [.., row, column] = place.as_slice() else { return None };
                let offset = i64::try_from(*column).ok()?.checked_sub(i64::try_from(*row).ok()?)?;
                let kept = if *upper { offset >= k } else { offset <= k };
                if kept { position(&x.dims, &place) } else { Some(x.len()) }
            };
            let sources = coordinates(&x.dims)?.map(source).collect::<Option<Vec<_>>>()?;
            x.chain(&x.zero())?.pick(x.dims.clone(), sources)
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Frame::CenterCropPad { .. } => Window::Opaque("where the middle lies depends on the size"),
            Frame::Triangle { .. } | Frame::InPlace => Window::Opaque("positions change places or are blanked"),
        }
    }
}
