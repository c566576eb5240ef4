//! Attention as ONNX Runtime's optimiser fuses it (domain `com.microsoft`): `Attention` and `QAttention` with the
//! projection of queries, keys and values inside, `MultiHeadAttention` without.
//!
//! Tokens [B, S, I] and a merged matrix [I, W] cost B·S·I·W multiply-accumulates before the products of attention.

use super::attention::{Products, share};
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, Arranged, At, AxisSource, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage,
    Window, Work, bias, data, steer, weight,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Attention", &MERGED, read_merged),
    op("QAttention", &QUANTIZED, read_merged),
    op("MultiHeadAttention", &SEPARATE, read_separate),
];

const MERGED: [Slot; 7] = [
    data("input"),
    weight("weights"),
    bias("bias"),
    steer("mask_index"),
    data("past"),
    data("attention_bias"),
    steer("past_sequence_length"),
];

const QUANTIZED: [Slot; 9] = [
    data("input"),
    weight("weight"),
    bias("bias"),
    steer("input_scale"),
    steer("weight_scale"),
    steer("mask_index"),
    steer("input_zero_point"),
    steer("weight_zero_point"),
    data("past"),
];

const SEPARATE: [Slot; 9] = [
    data("query"),
    data("key"),
    data("value"),
    bias("bias"),
    steer("key_padding_mask"),
    data("attention_bias"),
    data("past_key"),
    data("past_value"),
    steer("past_sequence_length"),
];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "com.microsoft", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

fn heads(spec: &Spec) -> Result<Dim, OpError> {
    match spec.attributes.int("num_heads")? {
        Some(n) if n > 0 => Ok(Dim::Known(n)),
        Some(n) => Err(OpError::invalid(format!("`num_heads` is {n}"))),
        None => Err(OpError::invalid("`num_heads` is missing")),
    }
}

fn size(dims: Option<&[Dim]>, position: usize) -> Dim {
    dims.and_then(|d| d.get(position)).cloned().unwrap_or(Dim::Unknown)
}

/// Additions to each score: one for each of these inputs that is there.
fn added(at: &At, positions: &[usize]) -> Operations {
    let n = positions.iter().map(|p| u64::from(at.has(*p))).sum();
    Operations { add: n, ..Operations::default() }
}

/// With the projection inside.
#[derive(Debug)]
struct Merged {
    heads: Dim,
    /// Widths of queries, keys and values, where they are stated.
    widths: Option<[i64; 3]>,
    /// The cache has its full length from the start, and is handed on as it is.
    shared: bool,
    quantized: bool,
}

fn read_merged(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let widths = spec.attributes.ints("qkv_hidden_sizes")?.filter(|w| !w.is_empty());
    let three =
        |w: &[i64]| w.try_into().map_err(|_| OpError::invalid(format!("`qkv_hidden_sizes` has {} entries", w.len())));
    Ok(Box::new(Merged {
        heads: heads(spec)?,
        widths: widths.map(three).transpose()?,
        shared: spec.attributes.flag("past_present_share_buffer", false)?,
        quantized: spec.kind.name == "QAttention",
    }))
}

impl Merged {
    fn past(&self) -> usize {
        if self.quantized { 8 } else { 4 }
    }

    fn products(&self, at: &At) -> Result<Products, OpError> {
        let x = at.require(0)?.shape.dims();
        if let Some(x) = x.filter(|x| x.len() != 3) {
            return Err(OpError::invalid(format!("the input has {} dimensions, not 3", x.len())));
        }
        let third = size(at.dims(1), 1).floor_div(&Dim::Known(3));
        let [keys, values] = match self.widths {
            Some([_, keys, values]) => [Dim::Known(keys), Dim::Known(values)],
            None => [third.clone(), third],
        };
        let past = match (at.has(self.past()), self.shared) {
            (false, _) => Dim::Known(0),
            (true, false) => size(at.dims(self.past()), 3),
            (true, true) => at.literal(6).and_then(Literal::int).cloned().unwrap_or(Dim::Unknown),
        };
        let queries = size(x, 1);
        Ok(Products {
            batch: size(x, 0),
            heads: self.heads.clone(),
            keys: past.plus(&queries),
            queries,
            key_size: share(&keys, &self.heads)?,
            value_size: share(&values, &self.heads)?,
        })
    }

    fn arithmetic(&self, at: &At) -> Option<Arithmetic> {
        let masks: &[usize] = if self.quantized { &[5] } else { &[3, 5] };
        let attention = self.products(at).ok()?.arithmetic(added(at, masks))?;
        let width = size(at.dims(1), 1).size()?;
        let macs = at.input_elements(0)?.checked_mul(width)?;
        let tokens = at.dims(0)?.split_last()?.1.iter().try_fold(1u64, |p, d| p.checked_mul(d.size()?))?;
        let biases = if at.has(2) { tokens.checked_mul(width)? } else { 0 };
        let operations = attention.operations.plus(Operations { add: biases, ..Operations::default() })?;
        Some(Arithmetic { macs: attention.macs.checked_add(macs)?, biases, operations, ..attention })
    }
}

impl Operator for Merged {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// [B, S, values], and the cache [2, B, heads, length, width of a head].
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let Products { batch, heads, queries, keys, key_size, value_size } = self.products(at)?;
        // A quantised one makes floats, as its bias is.
        let dtype = if self.quantized { at.require(2)?.dtype } else { at.require(0)?.dtype };
        let output = vec![batch.clone(), queries, heads.times(&value_size)];
        let cache = match at.dims(self.past()) {
            Some(past) if self.shared => past.to_vec(),
            _ => vec![Dim::Known(2), batch, heads, keys, key_size],
        };
        Ok([output, cache].map(|dims| TensorType { dtype, shape: Shape::Ranked(dims) }.into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        Work::counted(self.arithmetic(at))
    }

    fn window(&self, _: &At) -> Window {
        let from = vec![AxisSource::Axis(0), AxisSource::Same, AxisSource::Same];
        Window::Each { inputs: vec![Some(Arranged { from, whole: vec![1, 2] })], tokens: Some(1) }
    }
}

/// On projected queries, keys and values.
#[derive(Debug)]
struct Separate {
    heads: Dim,
}

fn read_separate(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Separate { heads: heads(spec)? }))
}

impl Separate {
    /// Queries [B, S, D], or [B, S, heads, 3, size] with keys and values packed in; keys [B, S, D], [B, heads, S, size],
    /// or [B, S, heads, 2, size] with values packed in; values as keys.
    fn products(&self, at: &At) -> Result<Products, OpError> {
        let q = at.require(0)?.shape.dims();
        let (k, v) = (at.dims(1), at.dims(2));
        let packed = |dims: Option<&[Dim]>| dims.is_some_and(|d| d.len() == 5);
        let head = |dims: Option<&[Dim]>| match dims {
            Some([_, _, width]) => share(width, &self.heads),
            Some([.., size]) => Ok(size.clone()),
            _ => Ok(Dim::Unknown),
        };
        let new = match k {
            _ if packed(q) => size(q, 1),
            Some([_, _, keys, _]) => keys.clone(),
            other => size(other, 1),
        };
        let past = match (at.has(6), at.has(8)) {
            (false, _) => Dim::Known(0),
            (true, false) => size(at.dims(6), 2),
            (true, true) => at.literal(8).and_then(Literal::int).cloned().unwrap_or(Dim::Unknown),
        };
        let values = if packed(q) {
            q
        } else if packed(k) {
            k
        } else {
            v
        };
        Ok(Products {
            batch: size(q, 0),
            heads: self.heads.clone(),
            queries: size(q, 1),
            keys: past.plus(&new),
            key_size: head(q)?,
            value_size: head(values)?,
        })
    }

    fn arithmetic(&self, at: &At) -> Option<Arithmetic> {
        let attention = self.products(at).ok()?.arithmetic(added(at, &[4, 5]))?;
        let projected = [0, 1, 2].into_iter().filter(|i| at.has(*i));
        let biases = if at.has(3) {
            projected.map(|i| at.input_elements(i)).try_fold(0u64, |sum, n| sum.checked_add(n?))?
        } else {
            0
        };
        let operations = attention.operations.plus(Operations { add: biases, ..Operations::default() })?;
        Some(Arithmetic { biases, operations, ..attention })
    }
}

impl Operator for Separate {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let products = self.products(at)?;
        let scores = products.scores();
        let Products { batch, heads, queries, keys, key_size, value_size } = products;
        let cache = |past: usize, size: Dim| match at.dims(past) {
            Some(past) if at.has(8) => past.to_vec(),
            _ => vec![batch.clone(), heads.clone(), keys.clone(), size],
        };
        let output = vec![batch.clone(), queries, heads.times(&value_size)];
        let dtype = at.require(0)?.dtype;
        let all = [output, cache(6, key_size), cache(7, value_size), scores];
        Ok(all.map(|dims| TensorType { dtype, shape: Shape::Ranked(dims) }.into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        Work::counted(self.arithmetic(at))
    }

    fn window(&self, at: &At) -> Window {
        if at.dims(0).is_some_and(|q| q.len() == 3) { Window::attending(3, 1) } else { Window::Global }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    fn macs(case: &Case) -> u64 {
        match case.work() {
            Work::Counted(count) => count.macs,
            other => panic!("{other:?}"),
        }
    }

    /// A layer of BERT-base on 128 tokens: 768 features, 12 heads of 64. By hand: the projection 128·768·2304, scores
    /// and their products with values 12·128·128·(64 + 64).
    #[test]
    fn a_merged_projection_is_part_of_the_work() {
        let case = Case::new("com.microsoft", "Attention", 1)
            .int("num_heads", 12)
            .input(f32(&[1, 128, 768]))
            .input(f32(&[768, 2304]))
            .input(f32(&[2304]))
            .outputs(2);
        assert_eq!(case.infer().unwrap(), vec![f32(&[1, 128, 768]), f32(&[2, 1, 12, 128, 64])]);
        assert_eq!(macs(&case), 128 * 768 * 2304 + 12 * 128 * 128 * 128);
    }

    #[test]
    fn heads_may_come_packed_and_the_past_precedes_the_keys() {
        let case = || Case::new("com.microsoft", "MultiHeadAttention", 1).int("num_heads", 4).outputs(3);
        let packed = case().input(f32(&[2, 9, 4, 3, 8]));
        assert_eq!(packed.infer().unwrap()[0], f32(&[2, 9, 32]));
        assert_eq!(macs(&packed), 2 * 4 * 9 * 9 * 16);
        let cached = case().input(f32(&[2, 1, 32])).input(f32(&[2, 1, 32])).input(f32(&[2, 1, 32]));
        let cached = cached.absent().absent().absent().input(f32(&[2, 4, 7, 8])).input(f32(&[2, 4, 7, 8]));
        assert_eq!(cached.infer().unwrap()[..2], [f32(&[2, 1, 32]), f32(&[2, 4, 8, 8])]);
    }
}
