//! Normalisations that ONNX Runtime's optimiser fuses with what comes before or after them (domain `com.microsoft`):
//! a residual addition, the sum of embeddings, a SiLU. Costs are those of `norm.rs`, and what is fused on top.

use super::activation;
use super::groups;
use super::kernel::Kernel;
use super::norm::cost;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, bias, data, norm,
    steer, weight,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("SkipLayerNormalization", &[data("input"), data("skip"), norm("gamma"), norm("beta"), bias("bias")], |_| {
        Ok(Box::new(Skip { mean: true }))
    })
    .measured(Kernel::FRESH),
    op("SkipSimplifiedLayerNormalization", &[data("input"), data("skip"), norm("gamma"), bias("bias")], |_| {
        Ok(Box::new(Skip { mean: false }))
    })
    .measured(Kernel::FRESH),
    op("EmbedLayerNormalization", &EMBED, |_| Ok(Box::new(Embed))),
    op("GroupNorm", &[data("X"), norm("gamma"), norm("beta")], read_group),
    op("SkipGroupNorm", &[data("X"), norm("gamma"), norm("beta"), data("skip"), bias("bias")], read_group),
];

const EMBED: [Slot; 9] = [
    data("input_ids"),
    data("segment_ids"),
    weight("word_embedding"),
    weight("position_embedding"),
    weight("segment_embedding"),
    norm("gamma"),
    norm("beta"),
    steer("mask"),
    steer("position_ids"),
];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "com.microsoft", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// How many of these inputs are there: each is an addition.
fn given(at: &At, positions: &[usize]) -> u64 {
    positions.iter().map(|p| u64::from(at.has(*p))).sum()
}

/// Layer normalisation of the sum of two tensors.
#[derive(Debug)]
struct Skip {
    mean: bool,
}

impl Operator for Skip {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// The result, mean and inverse deviation of each row, and the sum.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let rows = match x.shape.dims().and_then(<[Dim]>::split_last) {
            None => Shape::Unranked,
            Some((_, rows)) => Shape::Ranked(rows.iter().cloned().chain([Dim::Known(1)]).collect()),
        };
        let statistic = TensorType::new(DType::F32, rows);
        Ok([x, &statistic, &statistic, x].map(|t| t.clone().into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let added = if self.mean { given(at, &[1, 3, 4]) } else { given(at, &[1, 3]) };
        let more = Operations { add: added, mul: given(at, &[2]), ..Operations::default() };
        let count = || {
            let shared = at.dims(0)?.last()?.size()?;
            Some((shared, cost(self.mean, more, at.input_elements(0)?, shared)?))
        };
        Work::windowed(Class::OtherNorm, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it mixes the features of a token")
    }
}

/// Layer normalisation of the sum of the embeddings of words, positions and segments.
#[derive(Debug)]
struct Embed;

impl Operator for Embed {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// `[B, S, width]`, how much of each sample the mask leaves `[B]`, and the sum.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (words, table) = (at.require(0)?, at.require(2)?);
        let width = table.shape.dims().and_then(<[Dim]>::last).cloned().unwrap_or(Dim::Unknown);
        let (batch, tokens) = match words.shape.dims() {
            None => (Dim::Unknown, Dim::Unknown),
            Some([batch, tokens]) => (batch.clone(), tokens.clone()),
            Some(dims) => return Err(OpError::invalid(format!("the words have {} dimensions, not 2", dims.len()))),
        };
        let sum = TensorType { dtype: table.dtype, shape: Shape::Ranked(vec![batch.clone(), tokens, width]) };
        let lengths = TensorType { dtype: words.dtype, shape: Shape::Ranked(vec![batch]) };
        Ok([&sum, &lengths, &sum].map(|t| t.clone().into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let more = Operations { add: given(at, &[3, 4, 6]), mul: given(at, &[5]), ..Operations::default() };
        let count = || {
            let shared = at.dims(2)?.last()?.size()?;
            Some((shared, cost(true, more, at.output_elements(0)?, shared)?))
        };
        Work::windowed(Class::OtherNorm, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("it looks words up in a table")
    }
}

/// Group normalisation of a tensor, or of a sum, and perhaps a SiLU.
#[derive(Debug)]
struct Group {
    groups: u64,
    channels_last: bool,
    activated: bool,
}

fn read_group(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Group {
        groups: groups::read(spec.attributes, "groups")?,
        channels_last: spec.attributes.flag("channels_last", true)?,
        activated: spec.attributes.flag("activation", false)?,
    }))
}

impl Operator for Group {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// The result, and the sum.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let channels = x.shape.dims().and_then(|d| if self.channels_last { d.last() } else { d.get(1) });
        if let Some(channels) = channels {
            groups::check(self.groups, channels, "channels")?;
        }
        Ok(vec![x.clone().into(), x.clone().into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let affine = Operations { add: given(at, &[2, 3, 4]), mul: given(at, &[1]), ..Operations::default() };
        let function = if self.activated { activation::cost("Swish").1 } else { Operations::default() };
        let count = || {
            let elements = at.input_elements(0)?;
            let groups = at.dims(0)?.first()?.size()?.checked_mul(self.groups)?;
            let shared = elements.checked_div(groups).unwrap_or(0);
            Some((shared, cost(true, affine.plus(function)?, elements, shared)?))
        };
        Work::windowed(Class::OtherNorm, count())
    }

    fn window(&self, _: &At) -> Window {
        Window::Global
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn operations(case: &Case) -> Operations {
        match case.work() {
            Work::Counted(count) => count.operations,
            other => panic!("{other:?}"),
        }
    }

    /// Fused or not, the same is computed: a sum, then a layer normalisation with scale and shift.
    #[test]
    fn a_fused_sum_and_norm_cost_what_both_cost_alone() {
        let (x, row) = (f32(&[2, 9, 8]), f32(&[8]));
        let fused = Case::new("com.microsoft", "SkipLayerNormalization", 1);
        let fused = fused.input(x.clone()).input(x.clone()).input(row.clone()).input(row.clone()).outputs(4);
        let statistic = f32(&[2, 9, 1]);
        assert_eq!(fused.infer().unwrap(), vec![x.clone(), statistic.clone(), statistic, x.clone()]);
        let sum = Case::new("", "Add", 14).input(x.clone()).input(x.clone());
        let alone = Case::new("", "LayerNormalization", 17).input(x).input(row.clone()).input(row);
        assert_eq!(Some(operations(&fused)), operations(&sum).plus(operations(&alone)));
    }

    #[test]
    fn embeddings_take_their_width_from_the_table_and_groups_divide_channels() {
        let words = tensor(DType::I32, &[Dim::symbol("N"), Dim::Known(9)]);
        let embed = Case::new("com.microsoft", "EmbedLayerNormalization", 1);
        let embed = embed.input(words.clone()).input(words).input(f32(&[100, 8])).input(f32(&[16, 8]));
        let width = [Dim::symbol("N"), Dim::Known(9), Dim::Known(8)];
        assert_eq!(embed.infer().unwrap()[0], tensor(DType::F32, &width));
        let group = |channels| {
            Case::new("com.microsoft", "GroupNorm", 1).int("groups", 4).input(f32(&[1, 5, 5, channels])).infer()
        };
        assert!(group(8).is_ok() && group(6).is_err());
    }
}
