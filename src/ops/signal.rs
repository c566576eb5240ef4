//! Signal processing: Fourier transforms, the windows they are taken through, and the mel scale.
//!
//! Complex numbers are a last axis of 2, real ones a last axis of 1.

use super::axes::axis;
use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, buffer, data,
    steer,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("DFT", &[data("input"), steer("dft_length"), steer("axis")]),
    op("STFT", &[data("signal"), steer("frame_step"), buffer("window"), steer("frame_length")]),
    op("HannWindow", &[steer("size")]),
    op("HammingWindow", &[steer("size")]),
    op("BlackmanWindow", &[steer("size")]),
    op("MelWeightMatrix", &MEL),
];

const MEL: [Slot; 5] = [
    steer("num_mel_bins"),
    steer("dft_length"),
    steer("sample_rate"),
    steer("lower_edge_hertz"),
    steer("upper_edge_hertz"),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Signal {
    /// `axis` is an attribute in version 17 and an input since 20.
    Transform {
        inverse: bool,
        onesided: bool,
        axis: i64,
    },
    ShortTime {
        onesided: bool,
    },
    /// A sum of so many cosines.
    Taper {
        dtype: DType,
        cosines: u64,
    },
    Mel {
        dtype: DType,
    },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let made = || Ok(dtype(attributes, "output_datatype")?.unwrap_or(DType::F32));
    Ok(Box::new(match spec.kind.name {
        "DFT" => Signal::Transform {
            inverse: attributes.flag("inverse", false)?,
            onesided: attributes.flag("onesided", false)?,
            axis: attributes.int_or("axis", if spec.opset < 20 { 1 } else { -2 })?,
        },
        "STFT" => Signal::ShortTime { onesided: attributes.flag("onesided", true)? },
        "MelWeightMatrix" => Signal::Mel { dtype: made()? },
        "BlackmanWindow" => Signal::Taper { dtype: made()?, cosines: 2 },
        _ => Signal::Taper { dtype: made()?, cosines: 1 },
    }))
}

/// The only integer of an input; unknown where the input is not.
fn scalar(at: &At, position: usize) -> Dim {
    at.literal(position).and_then(Literal::int).cloned().unwrap_or(Dim::Unknown)
}

/// ⌊n / 2⌋ + 1: the frequencies of a real signal that are not mirror images.
fn bins(length: &Dim) -> Dim {
    length.floor_div(&Dim::Known(2)).plus(&Dim::Known(1))
}

fn transformed(at: &At, inverse: bool, onesided: bool, along: i64) -> Result<TensorType, OpError> {
    let x = at.require(0)?;
    let Some(dims) = x.shape.dims() else { return Ok(x.clone()) };
    let mut dims = dims.to_vec();
    let along = match (at.has(2), at.literal(2).and_then(Literal::int).and_then(Dim::known)) {
        (false, _) => Some(axis(along, dims.len())?),
        (true, Some(stated)) => Some(axis(stated, dims.len())?),
        (true, None) => None,
    };
    let real = onesided && inverse;
    for (i, size) in dims.iter_mut().enumerate() {
        if along.is_some_and(|along| along != i) {
            continue;
        }
        let length = if at.has(1) {
            scalar(at, 1)
        } else if real {
            size.minus(&Dim::Known(1)).times(&Dim::Known(2))
        } else {
            size.clone()
        };
        let transformed = if onesided && !inverse { bins(&length) } else { length };
        // An axis that may not be the one keeps its size only if the transform would keep it too.
        *size = if along.is_some() || transformed == *size { transformed } else { Dim::Unknown };
    }
    if let Some(last) = dims.last_mut() {
        *last = Dim::Known(if real { 1 } else { 2 });
    }
    Ok(TensorType { dtype: x.dtype, shape: Shape::Ranked(dims) })
}

/// [batch, frames, frequencies, 2], with ⌊(length − frame) / step⌋ + 1 frames.
fn short_time(at: &At, onesided: bool) -> Result<TensorType, OpError> {
    let x = at.require(0)?;
    let dims = match x.shape.dims() {
        None => &[Dim::Unknown, Dim::Unknown, Dim::Unknown],
        // Without the last axis the signal is real: PyTorch exports it so, and ONNX Runtime takes it.
        Some(dims) if matches!(dims.len(), 2 | 3) => dims,
        Some(dims) => return Err(OpError::invalid(format!("the signal has {} dimensions, not 3", dims.len()))),
    };
    let frame = match (at.has(3), at.has(2)) {
        (true, _) => scalar(at, 3),
        (false, true) => at.dims(2).and_then(<[Dim]>::first).cloned().unwrap_or(Dim::Unknown),
        (false, false) => dims[1].clone(),
    };
    let frames = dims[1].minus(&frame).floor_div(&scalar(at, 1)).plus(&Dim::Known(1));
    let frequencies = if onesided { bins(&frame) } else { frame };
    Ok(TensorType { dtype: x.dtype, shape: Shape::Ranked(vec![dims[0].clone(), frames, frequencies, Dim::Known(2)]) })
}

impl Operator for Signal {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let output = match *self {
            Signal::Transform { inverse, onesided, axis } => transformed(at, inverse, onesided, axis)?,
            Signal::ShortTime { onesided } => short_time(at, onesided)?,
            Signal::Taper { dtype, .. } => TensorType::new(dtype, Shape::Ranked(vec![scalar(at, 0)])),
            Signal::Mel { dtype } => TensorType::new(dtype, Shape::Ranked(vec![bins(&scalar(at, 1)), scalar(at, 0)])),
        };
        Ok(vec![output.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        match self {
            Signal::Transform { .. } | Signal::ShortTime { .. } => {
                Work::Uncounted(Class::Other, "a Fourier transform costs what its algorithm costs".into())
            }
            Signal::Taper { cosines, .. } => {
                let each = Operations { mul: 2, add: 1, exp: 1, ..Operations::default() };
                let each = each.times(*cosines).unwrap_or(each);
                Work::elementwise(Class::Other, each, at.output_elements(0))
            }
            Signal::Mel { .. } => {
                let each = Operations { add: 2, div: 2, compare: 2, ..Operations::default() };
                Work::elementwise(Class::Other, each, at.output_elements(0))
            }
        }
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Signal::Transform { .. } => Window::Global,
            Signal::ShortTime { .. } => Window::Opaque("a signal has other axes than its spectrum"),
            Signal::Taper { .. } | Signal::Mel { .. } => Window::Opaque("it is made of numbers that steer it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    /// ONNX's `test_dft_rfft_opset20`, `test_dft_irfft_opset20` and kin: sizes from the specification's output section.
    #[test]
    fn onesided_transforms_halve_an_axis_and_their_inverse_doubles_it() {
        let dft = |opset: i64, x: &[u64]| Case::new("", "DFT", opset).input(f32(x));
        assert_eq!(dft(17, &[1, 10, 10, 1]).infer().unwrap(), vec![f32(&[1, 10, 10, 2])]);
        assert_eq!(dft(17, &[1, 10, 12, 1]).int("onesided", 1).infer().unwrap(), vec![f32(&[1, 6, 12, 2])]);
        let inverse = dft(20, &[1, 10, 6, 2]).int("onesided", 1).int("inverse", 1);
        assert_eq!(inverse.infer().unwrap(), vec![f32(&[1, 10, 10, 1])]);
        let sixteen = Literal::scalar(Dim::Known(16));
        assert_eq!(dft(20, &[1, 10, 6, 2]).known(sixteen).infer().unwrap(), vec![f32(&[1, 10, 16, 2])]);
        let open = || dft(20, &[1, 10, 2]).absent().input(tensor(DType::I64, &[]));
        assert_eq!(open().infer().unwrap(), vec![f32(&[1, 10, 2])]);
        let halved = tensor(DType::F32, &[Dim::Known(1), Dim::Unknown, Dim::Known(2)]);
        assert_eq!(open().int("onesided", 1).infer().unwrap(), vec![halved]);
    }

    /// ONNX's `test_stft`: 128 samples, a step of 8, frames of 16.
    #[test]
    fn a_short_time_transform_counts_frames_and_bins() {
        let step = Literal::scalar(Dim::Known(8));
        let case = Case::new("", "STFT", 17).input(f32(&[1, 128, 1])).known(step).input(f32(&[16]));
        assert_eq!(case.infer().unwrap(), vec![f32(&[1, 15, 9, 2])]);
    }
}
