//! Pooling to a given size where the windows cannot all be alike: the language's `avgpool to=6x6` on 13x13. PyTorch's
//! rule: output o of m sees the inputs from ⌊o·i/m⌋ up to but without ⌈(o+1)·i/m⌉.
//!
//! Along an axis all windows together look at i + m − gcd(i, m) inputs, and the widest spans ⌈(i + m − gcd(i, m)) / m⌉:
//! neighbouring windows overlap by one input wherever m does not divide o·i. Costs follow `pool.rs`.

use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Tap, Window, Work, data,
};
use super::window::spatial;
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[op("AdaptiveMaxPool"), op("AdaptiveAveragePool")];

const fn op(name: &'static str) -> OpKind {
    const X: &[Slot] = &[data("X")];
    OpKind { domain: super::OWN_DOMAIN, name, slots: X, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
struct AdaptivePool {
    max: bool,
    outputs: Vec<u64>,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let outputs = spec.attributes.sizes("output_size")?.unwrap_or_default();
    if outputs.is_empty() || outputs.contains(&0) {
        return Err(OpError::invalid("`output_size` needs a size of at least 1 for every axis"));
    }
    Ok(Box::new(AdaptivePool { max: spec.kind.name == "AdaptiveMaxPool", outputs }))
}

impl AdaptivePool {
    /// Input and output size of each axis, where known.
    fn sizes(&self, at: &At) -> Option<Vec<(u64, u64)>> {
        let inputs = at.dims(0)?.get(2..)?;
        inputs.iter().zip(&self.outputs).map(|(i, o)| i.size().map(|i| (i, *o))).collect()
    }
}

impl Operator for AdaptivePool {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let unknown = vec![Dim::Unknown; self.outputs.len() + 2];
        let inputs = x.shape.dims().unwrap_or(&unknown);
        let rank = spatial(inputs)?.len();
        if rank != self.outputs.len() {
            let stated = self.outputs.len();
            return Err(OpError::invalid(format!("`output_size` has {stated} entries for {rank} spatial axes")));
        }
        let dims = inputs[..2].iter().cloned().chain(self.outputs.iter().map(|o| Dim::from(*o))).collect();
        Ok(vec![x.with_dims(dims).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let count = || {
            let sizes = self.sizes(at)?;
            let maps = at.dims(0)?.get(..2)?.iter().try_fold(1u64, |p, d| p.checked_mul(d.size()?))?;
            let seen = sizes.iter().try_fold(maps, |p, s| p.checked_mul(seen(*s)?))?;
            let outputs = at.output_elements(0)?;
            let steps = seen.saturating_sub(outputs);
            let none = Operations::default();
            let operations = if self.max {
                Operations { compare: steps, ..none }
            } else {
                Operations { add: steps, div: outputs, ..none }
            };
            let window = sizes.iter().try_fold(1u64, |p, s| p.checked_mul(widest(*s)?))?;
            Some((window, operations))
        };
        Work::windowed(if self.max { Class::MaxPool } else { Class::AdaptiveAveragePool }, count())
    }

    fn window(&self, at: &At) -> Window {
        // Output u sees ⌊u·i/o⌋ to ⌈(u + 1)·i/o⌉ − 1.
        let tap = |(i, o): (u64, u64)| {
            let last = i64::try_from(i).ok()?.checked_sub(1)?;
            Some(Tap { num: i, den: o.max(1), first: 0, last })
        };
        match self.sizes(at).and_then(|sizes| sizes.into_iter().map(tap).collect()) {
            Some(taps) => Window::Local(taps),
            None => Window::Opaque("the input's size is not known"),
        }
    }
}

/// Inputs that the windows along one axis look at, those that two windows share twice.
fn seen((input, output): (u64, u64)) -> Option<u64> {
    input.checked_add(output)?.checked_sub(gcd(input, output))
}

/// The widest window along one axis.
fn widest((input, output): (u64, u64)) -> Option<u64> {
    seen((input, output)).map(|n| n.div_ceil(output))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::{seen, widest};

    /// PyTorch's windows, one by one (aten/src/ATen/native/AdaptivePooling.h: `start_index`, `end_index`).
    #[test]
    fn closed_forms_agree_with_the_windows_counted_one_by_one() {
        for input in 1..40u64 {
            for output in 1..40u64 {
                let windows = (0..output).map(|o| ((o + 1) * input).div_ceil(output) - o * input / output);
                assert_eq!(seen((input, output)), Some(windows.clone().sum()), "{input} to {output}");
                assert_eq!(widest((input, output)), windows.max(), "{input} to {output}");
            }
        }
    }
}
