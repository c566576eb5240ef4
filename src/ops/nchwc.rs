//! What ONNX Runtime's optimiser makes of convolutions and what is between them for its CPU provider (domain
//! `com.microsoft.nchwc`): channels lie in blocks of 8 or 16, as many as the processor's vectors hold, the last block
//! filled up with zeros. Shapes say the channels with the filling; `ReorderInput` and `ReorderOutput` are the borders.
//!
//! Convolutions and pools follow the rules of their namesakes, and costs are those of the channels with the filling.

use super::attributes::Attributes;
use super::find;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Tap, Window, Work, bias, data,
    weight,
};
use crate::tensor::{Dim, Literal, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        slots: &[data("X"), weight("W"), bias("B"), data("Sum")],
        kernel: Kernel::InPlace(&[3], |_, _, _| Some(0)),
        ..op("Conv", |spec| same_as("com.microsoft", "FusedConv", spec))
    },
    op("MaxPool", |spec| same_as("", "MaxPool", spec)).measured(Kernel::FRESH),
    op("AveragePool", |spec| same_as("", "AveragePool", spec)).measured(Kernel::FRESH),
    op("GlobalMaxPool", |spec| same_as("", "GlobalMaxPool", spec)).measured(Kernel::FRESH),
    op("GlobalAveragePool", |spec| same_as("", "GlobalAveragePool", spec)).measured(Kernel::FRESH),
    op("ReorderInput", |spec| Ok(Box::new(Reorder { channels: None, last: last(spec.attributes)? })))
        .measured(Kernel::FRESH),
    op("ReorderOutput", read_output).measured(Kernel::FRESH),
    op("Upsample", read_upsample).measured(Kernel::FRESH),
];

const fn op(name: &'static str, read: fn(&Spec) -> Result<Box<dyn Operator>, OpError>) -> OpKind {
    const X: &[Slot] = &[data("X")];
    OpKind { domain: "com.microsoft.nchwc", name, slots: X, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// Reads an operator by the rules of another one, in a version that has all of its attributes.
fn same_as(domain: &'static str, name: &'static str, spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let kind = find(domain, name).ok_or_else(|| OpError::invalid(format!("`{name}` is not known")))?;
    (kind.read)(&Spec { kind, opset: 12, ..*spec })
}

/// Channels are in whole blocks on every processor where they are a multiple of this.
const BLOCK: i64 = 16;

/// Puts channels into blocks, or takes so many of them out.
#[derive(Debug)]
struct Reorder {
    channels: Option<u64>,
    /// Whether channels come last outside.
    last: bool,
}

fn last(attributes: &Attributes) -> Result<bool, OpError> {
    attributes.flag("channels_last", false)
}

fn read_output(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let channels = spec.attributes.int("channels")?.and_then(|n| u64::try_from(n).ok());
    let channels = channels.ok_or_else(|| OpError::invalid("`channels` needs a number of channels"))?;
    Ok(Box::new(Reorder { channels: Some(channels), last: last(spec.attributes)? }))
}

impl Operator for Reorder {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let dims = match (x.shape.dims(), self.channels) {
            (None, _) => return Ok(vec![x.without_rank().into()]),
            (Some([batch, _, spatial @ ..]), Some(channels)) if self.last => {
                [batch.clone()].into_iter().chain(spatial.iter().cloned()).chain([Dim::from(channels)]).collect()
            }
            (Some([batch, _, spatial @ ..]), Some(channels)) => {
                [batch.clone(), Dim::from(channels)].into_iter().chain(spatial.iter().cloned()).collect()
            }
            (Some([batch, spatial @ .., channels]), None) if self.last => {
                [batch.clone(), blocked(channels)].into_iter().chain(spatial.iter().cloned()).collect()
            }
            (Some([batch, channels, spatial @ ..]), None) => {
                [batch.clone(), blocked(channels)].into_iter().chain(spatial.iter().cloned()).collect()
            }
            (Some(dims), _) => {
                return Err(OpError::invalid(format!("an input of {} dimensions has no channels", dims.len())));
            }
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
        if self.last { Window::Opaque("channels come last") } else { Window::Pointwise }
    }
}

/// Channels with the filling, where that is the same for every size of a block.
fn blocked(channels: &Dim) -> Dim {
    channels.exact_div(&Dim::Known(BLOCK)).map_or(Dim::Unknown, |blocks| blocks.times(&Dim::Known(BLOCK)))
}

/// Interpolation to a multiple of the size.
#[derive(Debug)]
struct Upsample {
    /// For each axis.
    scales: Vec<u64>,
    linear: bool,
}

fn read_upsample(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let scales = spec.attributes.sizes("scales")?.unwrap_or_default();
    Ok(Box::new(Upsample { scales, linear: spec.attributes.string("mode")? == Some("linear") }))
}

impl Operator for Upsample {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.clone().into()]) };
        if dims.len() != self.scales.len() && !self.scales.is_empty() {
            let (scales, axes) = (self.scales.len(), dims.len());
            return Err(OpError::invalid(format!("{scales} scales for an input of {axes} dimensions")));
        }
        let scales = self.scales.iter().copied().chain(std::iter::repeat(1));
        Ok(vec![x.with_dims(dims.iter().zip(scales).map(|(n, scale)| n.times(&Dim::from(scale))).collect()).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    /// Of two axes: four products and three sums.
    fn work(&self, at: &At) -> Work {
        if !self.linear {
            return Work::Free;
        }
        let each = Operations { mul: 4, add: 3, ..Operations::default() };
        Work::elementwise(Class::Bilinear, each, at.output_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        if self.linear {
            return Window::Opaque("it interpolates between neighbours");
        }
        let tap = |scale: &u64| Tap { num: 1, den: (*scale).max(1), first: 0, last: 0 };
        Window::Local(self.scales.iter().skip(2).map(tap).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32};

    const DOMAIN: &str = "com.microsoft.nchwc";

    /// 24 channels are three blocks of 8, or one and a half of 16.
    #[test]
    fn channels_are_known_where_every_processor_fills_up_alike() {
        let into = |channels| Case::new(DOMAIN, "ReorderInput", 1).input(f32(&[2, channels, 7, 7])).infer().unwrap();
        assert_eq!(into(32), [f32(&[2, 32, 7, 7])]);
        assert_eq!(into(24)[0].bytes(), None);
        let out = Case::new(DOMAIN, "ReorderOutput", 1).int("channels", 24).input(f32(&[2, 32, 7, 7]));
        assert_eq!(out.infer().unwrap(), [f32(&[2, 24, 7, 7])]);
        let last = Case::new(DOMAIN, "ReorderOutput", 1).int("channels", 24).int("channels_last", 1);
        assert_eq!(last.input(f32(&[2, 32, 7, 5])).infer().unwrap(), [f32(&[2, 7, 5, 24])]);
    }

    #[test]
    fn namesakes_keep_their_rules() {
        let conv = Case::new(DOMAIN, "Conv", 1).with("pads", Attribute::Ints(vec![1; 4]));
        let conv = conv.input(f32(&[1, 16, 8, 8])).input(f32(&[32, 16, 3, 3])).input(f32(&[32]));
        assert_eq!(conv.infer().unwrap(), [f32(&[1, 32, 8, 8])]);
        let pool = Case::new(DOMAIN, "GlobalAveragePool", 1).input(f32(&[1, 32, 8, 8]));
        assert_eq!(pool.infer().unwrap(), [f32(&[1, 32, 1, 1])]);
        let larger = Case::new(DOMAIN, "Upsample", 1).with("scales", Attribute::Ints(vec![1, 1, 2, 3]));
        assert_eq!(larger.input(f32(&[1, 16, 8, 8])).infer().unwrap(), [f32(&[1, 16, 16, 24])]);
    }
}
