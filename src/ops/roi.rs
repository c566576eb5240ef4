//! Pooling over regions of interest: `RoiAlign`, `MaxRoiPool`. Both make [regions, channels, height, width].

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "RoiAlign",
        slots: &[data("X"), data("rois"), steer("batch_indices")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: read_align,
    },
    OpKind {
        domain: "",
        name: "MaxRoiPool",
        slots: &[data("X"), data("rois")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: read_pool,
    },
];

#[derive(Debug)]
struct Regions {
    /// Height and width of what comes out.
    size: [Dim; 2],
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// The average, or maximum, of so many samples along either axis, each interpolated; 0: as many as the region needs.
    Align { samples: u64, average: bool },
    /// The maximum of whatever lies in the region.
    Pool,
}

fn read_align(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let size = |name| spec.attributes.int_or(name, 1).map(Dim::Known);
    let samples = spec.attributes.int_or("sampling_ratio", 0)?;
    let samples = u64::try_from(samples).map_err(|_| OpError::invalid(format!("`sampling_ratio` is {samples}")))?;
    let average = spec.attributes.string("mode")?.unwrap_or("avg") == "avg";
    Ok(Box::new(Regions {
        size: [size("output_height")?, size("output_width")?],
        how: How::Align { samples, average },
    }))
}

fn read_pool(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    match spec.attributes.ints("pooled_shape")? {
        Some([height, width]) => {
            Ok(Box::new(Regions { size: [Dim::Known(*height), Dim::Known(*width)], how: How::Pool }))
        }
        Some(other) => Err(OpError::invalid(format!("`pooled_shape` has {} entries, not 2", other.len()))),
        None => Err(OpError::invalid("`pooled_shape` is missing")),
    }
}

impl Operator for Regions {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        at.require(1)?;
        let channels = match x.shape.dims() {
            Some([_, channels, _, _]) => channels.clone(),
            Some(other) => {
                let message = format!("the input has {} dimensions; regions are cut out of 4", other.len());
                return Err(OpError::invalid(message));
            }
            None => Dim::Unknown,
        };
        let first = |position| at.dims(position).and_then(|d| d.first()).filter(|d| **d != Dim::Unknown).cloned();
        let regions = first(1).or_else(|| first(2)).unwrap_or(Dim::Unknown);
        let [height, width] = self.size.clone();
        Ok(vec![TensorType { dtype: x.dtype, shape: Shape::Ranked(vec![regions, channels, height, width]) }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    /// A sample between four positions is 4 multiplications and 3 additions; s² samples are averaged with s² − 1 additions
    /// and a division, or compared.
    fn work(&self, at: &At) -> Work {
        let How::Align { samples: samples @ 1.., average } = self.how else {
            let reason = "how many positions lie in a region is decided by the data";
            return Work::Uncounted(Class::Sampling, reason.into());
        };
        let each = || {
            let square = samples.checked_mul(samples)?;
            let sampled = Operations { mul: 4, add: 3, ..Operations::default() }.times(square)?;
            let merged = if average {
                Operations { add: square - 1, div: 1, ..Operations::default() }
            } else {
                Operations { compare: square - 1, ..Operations::default() }
            };
            sampled.plus(merged)?.times(at.output_elements(0)?)
        };
        Work::operations(Class::Sampling, each())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("where the regions lie is decided by the data")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;
    use crate::ops::rules::Arithmetic;
    use crate::tensor::DType;

    #[test]
    fn regions_come_from_the_boxes_and_channels_from_the_maps() {
        let case = Case::new("", "RoiAlign", 16)
            .int("output_height", 7)
            .int("output_width", 7)
            .int("sampling_ratio", 2)
            .input(f32(&[1, 256, 50, 50]))
            .input(f32(&[10, 4]))
            .input(tensor(DType::I64, &[Dim::Known(10)]));
        assert_eq!(case.infer(), Ok(vec![f32(&[10, 256, 7, 7])]));
        // 10·256·49 = 125440 outputs of 4 samples: 16 multiplications, 12 + 3 additions, 1 division each.
        let each = Operations { mul: 16, add: 15, div: 1, ..Operations::default() };
        let all = each.times(125_440).unwrap();
        assert_eq!(case.work(), Work::Counted(Arithmetic::elementwise(Class::Sampling, all)));
    }
}
