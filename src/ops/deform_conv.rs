//! Deformable convolution: a convolution whose kernel positions are moved by learned offsets.
//!
//! It owns and multiplies what a convolution of the same kernel does. Before that, each channel is sampled at every
//! kernel position of every output position, between 2^d neighbours in d dimensions: 2^d multiplications and 2^d − 1
//! additions, and one more multiplication with a mask.

use super::find;
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, bias, data, weight,
};
use crate::tensor::{Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "DeformConv",
    slots: &[data("X"), weight("W"), data("offset"), bias("B"), data("mask")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct DeformConv {
    conv: Box<dyn Operator>,
}

/// Where the convolution's own inputs are.
const INPUTS: &[usize] = &[0, 1, 3];
const MASK: usize = 4;

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let kind = find("", "Conv").ok_or_else(|| OpError::invalid("`Conv` is not known"))?;
    Ok(Box::new(DeformConv { conv: (kind.read)(&Spec { kind, ..*spec })? }))
}

impl DeformConv {
    /// Values that are sampled: channels × kernel positions × output positions.
    fn samples(at: &At) -> Option<(u64, u32)> {
        let (x, w, y) = (at.dims(0)?, at.tensor(1)?.shape.sizes()?, at.output(0)?.shape.sizes()?);
        let channels = x.get(1)?.size()?;
        let places = y.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, n)| n);
        let kernel = w.get(2..)?;
        let samples = kernel.iter().chain(places).try_fold(channels, |p, n| p.checked_mul(*n))?;
        Some((samples, u32::try_from(kernel.len()).ok()?))
    }
}

impl Operator for DeformConv {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        at.require(2)?;
        at.with_inputs(INPUTS, |at| self.conv.infer(at))
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let conv = at.with_inputs(INPUTS, |at| self.conv.work(at));
        let Work::Counted(conv) = conv else { return conv };
        let count = || {
            let (samples, dimensions) = DeformConv::samples(at)?;
            let neighbours = 2u64.checked_pow(dimensions)?;
            let mul = neighbours.checked_add(u64::from(at.has(MASK)))?;
            let each = Operations { mul, add: neighbours - 1, ..Operations::default() };
            Some(Arithmetic { operations: conv.operations.plus(each.times(samples)?)?, ..conv })
        };
        Work::counted(count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("the offsets decide which positions are seen")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    #[test]
    fn sampling_comes_on_top_of_the_convolution() {
        let case = Case::new("", "DeformConv", 19)
            .input(f32(&[1, 2, 3, 3]))
            .input(f32(&[4, 2, 2, 2]))
            .input(f32(&[1, 8, 2, 2]));
        assert_eq!(case.infer(), Ok(vec![f32(&[1, 4, 2, 2])]));
        let Work::Counted(work) = case.work() else { panic!() };
        // 16 outputs of 8 products; 2 channels at 4 kernel positions of 4 output positions between 4 neighbours.
        assert_eq!((work.macs, work.operations.mul, work.operations.add), (128, 32 * 4, 32 * 3));
    }
}
