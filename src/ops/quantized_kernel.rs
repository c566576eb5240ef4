//! What ONNX Runtime's kernels for quantised products hold while they run, from the sources of version 1.32
//! (`qlinearconv.cc`, `conv_integer.cc`, `quantize_linear_matmul.cc`, `quant_gemm.cc`, `dynamic_quantize_matmul.cc`) and
//! measured in graphs of one node. Weights are stored, and the processor is an x86-64 with AVX2 or more.
//!
//! With C input channels, M filters, g groups, K kernel positions, and I input and O output positions of one example.

use super::groups;
use super::im2col::is_unpadded;
use super::rules::{At, Spec};
use super::window::Sliding;
use crate::tensor::{DType, Dim};

/// Bytes held by an integer that sums products.
const SUM: u64 = 4;
/// Bytes held by a pointer to an input position.
const POINTER: u64 = 8;
/// Symmetric weights have kernels of their own for multiples of so many channels that each have a filter.
const ALONE: u64 = 16;
/// And for multiples of so many input channels, with at least so many filters.
const INPUTS: u64 = 4;
const LEAST_FILTERS: u64 = 16;
/// Which are multiples of the first on processors with AVX-512, and of the second on all.
const FILTERS: (u64, u64) = (4, 8);

/// Sizes of one example.
struct Sizes {
    channels: u64,
    filters: u64,
    groups: u64,
    /// K.
    kernel: u64,
    /// I and O.
    inputs: u64,
    outputs: u64,
    /// Whether every output position sees the input position of its own place and no other.
    pointwise: bool,
}

impl Sizes {
    fn of(spec: &Spec, at: &At, weights: usize, channels_last: bool) -> Option<Sizes> {
        let (x, w, y) =
            (at.tensor(0)?.shape.sizes()?, at.tensor(weights)?.shape.sizes()?, at.output(0)?.shape.sizes()?);
        let spatial = |sizes: &[u64]| -> Option<Vec<u64>> {
            let (_, rest) = sizes.split_first()?;
            let spatial = if channels_last { rest.split_last()?.1 } else { rest.split_first()?.1 };
            Some(spatial.to_vec())
        };
        let product = |sizes: &[u64]| sizes.iter().try_fold(1u64, |p, n| p.checked_mul(*n));
        let (filters, kernel) = (*w.first()?, w.get(2..)?);
        let groups = groups::read(spec.attributes, "group").ok()?;
        let sliding = Sliding::read(spec.attributes).ok()?;
        let steps_of_one = sliding.strides.as_ref().is_none_or(|s| s.iter().all(|n| *n == 1));
        let pointwise = product(kernel)? == 1 && steps_of_one && is_unpadded(&sliding.padding, kernel);
        Some(Sizes {
            channels: w.get(1)?.checked_mul(groups)?,
            filters,
            groups,
            kernel: product(kernel)?,
            inputs: product(&spatial(&x)?)?,
            outputs: product(&spatial(&y)?)?,
            pointwise,
        })
    }

    fn is_depthwise(&self) -> bool {
        self.channels == self.groups && self.filters == self.groups
    }

    /// C/g·K·O bytes for the input as a matrix, unless it already is one.
    fn matrix(&self) -> Option<u64> {
        if self.pointwise {
            return Some(0);
        }
        self.channels.checked_div(self.groups)?.checked_mul(self.kernel)?.checked_mul(self.outputs)
    }
}

/// The input and the output of an example with their channels last, if they are not; 4·M·O for sums, unless weights are
/// symmetric; and the input as a matrix (a group at a time), or K·O pointers into it where weights are symmetric or each
/// channel has its own filter.
pub(super) fn qlinear_conv(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    let channels_last = spec.attributes.flag("channels_last", false).ok()?;
    let sizes = Sizes::of(spec, at, 3, channels_last)?;
    // Beyond two spatial axes the matrices of all groups are held at once, which was not measured.
    if at.dims(3)?.len() > 4 {
        return None;
    }
    let outputs = sizes.filters.checked_mul(sizes.outputs)?;
    let turned = if channels_last { 0 } else { sizes.channels.checked_mul(sizes.inputs)?.checked_add(outputs)? };
    let symmetric = is_symmetric(&sizes, at)?;
    let sums = if symmetric { 0 } else { outputs.checked_mul(SUM)? };
    let pointers = || sizes.kernel.checked_mul(sizes.outputs)?.checked_mul(POINTER);
    let around = if sizes.is_depthwise() || (symmetric && !sizes.pointwise) {
        pointers()?
    } else if symmetric {
        0
    } else {
        sizes.matrix()?
    };
    turned.checked_add(sums)?.checked_add(around)
}

/// Whether weights are signed with zeros for zero points and the sizes fit; `None` where processors differ, or zero points
/// are not known. (`TryConvSymPrepack`, `MlasConvSymPackWSize`.)
fn is_symmetric(sizes: &Sizes, at: &At) -> Option<bool> {
    let unsigned = at.tensor(0)?.dtype? == DType::U8;
    if !unsigned || at.tensor(3)?.dtype? != DType::I8 {
        return Some(false);
    }
    let fits = if sizes.groups > 1 {
        sizes.is_depthwise() && sizes.groups.is_multiple_of(ALONE)
    } else {
        let filters = sizes.filters >= LEAST_FILTERS && sizes.filters.is_multiple_of(FILTERS.0);
        filters && sizes.channels.is_multiple_of(INPUTS)
    };
    if !fits || at.ints(5)?.iter().any(|n| *n != Dim::Known(0)) {
        return Some(false);
    }
    (sizes.groups > 1 || sizes.filters.is_multiple_of(FILTERS.1)).then_some(true)
}

/// The input as a matrix, of bytes.
pub(super) fn conv_integer(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    if at.dims(1)?.len() > 4 {
        return None;
    }
    Sizes::of(spec, at, 1, false)?.matrix()
}

/// A sum for each output.
pub(super) fn sums(_: &Spec, at: &At, _: u64) -> Option<u64> {
    at.output_elements(0)?.checked_mul(SUM)
}

/// A sum for each output that is quantised again.
pub(super) fn gemm(spec: &Spec, at: &At, threads: u64) -> Option<u64> {
    if at.has(8) { sums(spec, at, threads) } else { Some(0) }
}

/// The first factor as bytes.
pub(super) fn quantised_factor(_: &Spec, at: &At, _: u64) -> Option<u64> {
    at.input_elements(0)
}

/// The input of an average as floats.
pub(super) fn floats(_: &Spec, at: &At, _: u64) -> Option<u64> {
    at.input_elements(0)?.checked_mul(4)
}

/// Input and output with the axis in question last, where another one is.
pub(super) fn softmax(spec: &Spec, at: &At, _: u64) -> Option<u64> {
    let axes = i64::try_from(at.dims(0)?.len()).ok()?;
    let version = spec.attributes.int_or("opset", 13).ok()?;
    let axis = spec.attributes.int_or("axis", if version < 13 { 1 } else { -1 }).ok()?;
    if version < 13 || axis == -1 || axis == axes - 1 {
        return Some(0);
    }
    at.input_elements(0)?.checked_mul(2)
}
