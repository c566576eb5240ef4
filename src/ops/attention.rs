//! Scaled dot-product attention: `Attention` in every version, and the preview's `FlexAttention`.
//!
//! With a batch of B, H heads, L queries, S keys (those of the past included) of size d, and values of size e:
//! B·H·L·S·(d + e) multiply-accumulates. A mask, a causal frontier or a window takes scores away after they are
//! computed, as in the specification's own pattern; nothing is subtracted for them.

use super::attributes::Attributes;
use super::cast::dtype;
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
    steer,
};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType, shape};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op(
        "",
        "Attention",
        &[
            data("Q"),
            data("K"),
            data("V"),
            data("attn_mask"),
            data("past_key"),
            data("past_value"),
            steer("nonpad_kv_seqlen"),
        ],
    ),
    op("ai.onnx.preview", "FlexAttention", &[data("Q"), data("K"), data("V")]),
];

const fn op(domain: &'static str, name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain, name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// The two products of attention: queries with keys, and scores with values.
pub(super) struct Products {
    /// B.
    pub(super) batch: Dim,
    /// H, those of the queries.
    pub(super) heads: Dim,
    /// L.
    pub(super) queries: Dim,
    /// S.
    pub(super) keys: Dim,
    /// d.
    pub(super) key_size: Dim,
    /// e.
    pub(super) value_size: Dim,
}

impl Products {
    /// [B, H, L, S].
    pub(super) fn scores(&self) -> Vec<Dim> {
        vec![self.batch.clone(), self.heads.clone(), self.queries.clone(), self.keys.clone()]
    }

    /// Both products, and for every score its scaling, its share of the softmax, and `more`.
    pub(super) fn arithmetic(&self, more: Operations) -> Option<Arithmetic> {
        let scores = shape::product(&self.scores()).size()?;
        let each = Operations { mul: 1, compare: 1, add: 2, exp: 1, div: 1 }.plus(more)?;
        Some(Arithmetic {
            class: Class::Product,
            macs: scores.checked_mul(self.key_size.plus(&self.value_size).size()?)?,
            biases: 0,
            window: self.keys.size()?,
            operations: each.times(scores)?,
        })
    }
}

/// The part of a packed axis that each of so many heads has.
pub(super) fn share(packed: &Dim, heads: &Dim) -> Result<Dim, OpError> {
    match (packed.known(), heads.known()) {
        (Some(n), Some(h)) if h <= 0 || n % h != 0 => {
            Err(OpError::invalid(format!("an axis of {n} is not divided by {h} heads")))
        }
        _ => Ok(packed.floor_div(heads)),
    }
}

#[derive(Debug)]
struct Attention {
    query_heads: Option<Dim>,
    key_heads: Option<Dim>,
    capped: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Attention::read(spec.attributes)?))
}

/// The type of what `FlexAttention` gives to its sub-graphs: scores or probabilities [B, H, L, S], in the precision of
/// the softmax.
pub(super) fn modified(attributes: &Attributes, at: &At) -> Result<ValueType, OpError> {
    let dtype = match dtype(attributes, "softmax_precision")? {
        Some(dtype) => dtype,
        None if at.require(0)?.dtype == Some(DType::F64) => DType::F64,
        None => DType::F32,
    };
    let scores = Attention::read(attributes)?.sizes(at)?.products.scores();
    Ok(TensorType::new(dtype, Shape::Ranked(scores)).into())
}

struct Sizes {
    /// Whether heads are packed into the last axis.
    packed: bool,
    products: Products,
    key_heads: Dim,
}

impl Attention {
    fn read(attributes: &Attributes) -> Result<Attention, OpError> {
        Ok(Attention {
            query_heads: attributes.int("q_num_heads")?.map(Dim::Known),
            key_heads: attributes.int("kv_num_heads")?.map(Dim::Known),
            capped: attributes.float("softcap")?.is_some_and(|cap| cap != 0.0),
        })
    }

    fn sizes(&self, at: &At) -> Result<Sizes, OpError> {
        let axes = |position: usize| at.require(position).map(|t| t.shape.dims());
        let (q, k, v) = (axes(0)?, axes(1)?, axes(2)?);
        let axis = |dims: Option<&[Dim]>, i: usize| dims.and_then(|d| d.get(i)).cloned().unwrap_or(Dim::Unknown);
        let past = if at.has(4) { axis(at.dims(4), 2) } else { Dim::Known(0) };
        let packed = match q.map(<[Dim]>::len) {
            Some(3) => true,
            Some(4) | None => false,
            Some(rank) => {
                return Err(OpError::invalid(format!("queries of {rank} dimensions; attention takes 3 or 4")));
            }
        };
        if !packed {
            let products = Products {
                batch: axis(q, 0),
                heads: axis(q, 1),
                queries: axis(q, 2),
                keys: past.plus(&axis(k, 2)),
                key_size: axis(q, 3),
                value_size: axis(v, 3),
            };
            return Ok(Sizes { packed, products, key_heads: axis(k, 1) });
        }
        let (Some(query_heads), Some(key_heads)) = (&self.query_heads, &self.key_heads) else {
            return Err(OpError::invalid(
                "`q_num_heads` or `kv_num_heads` is missing, and the queries have 3 dimensions",
            ));
        };
        let products = Products {
            batch: axis(q, 0),
            heads: query_heads.clone(),
            queries: axis(q, 1),
            keys: past.plus(&axis(k, 1)),
            key_size: share(&axis(q, 2), query_heads)?,
            value_size: share(&axis(v, 2), key_heads)?,
        };
        Ok(Sizes { packed, products, key_heads: key_heads.clone() })
    }
}

impl Operator for Attention {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let Sizes { packed, products, key_heads } = self.sizes(at)?;
        let scores = products.scores();
        let Products { batch, heads, queries, keys, key_size, value_size } = products;
        let output = match at.dims(0) {
            None => Shape::Unranked,
            Some(_) if packed => Shape::Ranked(vec![batch.clone(), queries, heads.times(&value_size)]),
            Some(_) => Shape::Ranked(vec![batch.clone(), heads, queries, value_size.clone()]),
        };
        let cache = |size: Dim| Shape::Ranked(vec![batch.clone(), key_heads.clone(), keys.clone(), size]);
        let (q, k, v) = (at.require(0)?.dtype, at.require(1)?.dtype, at.require(2)?.dtype);
        let types = [(q, output), (k, cache(key_size)), (v, cache(value_size)), (q, Shape::Ranked(scores))];
        Ok(types.map(|(dtype, shape)| TensorType { dtype, shape }.into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        if !at.bodies.is_empty() {
            return Work::Unmodelled("sub-graphs change the scores".into());
        }
        let cap = if self.capped {
            Operations { div: 1, exp: 1, mul: 1, ..Operations::default() }
        } else {
            Operations::default()
        };
        let mask = Operations { add: u64::from(at.has(3)), ..Operations::default() };
        let products = self.sizes(at).ok().map(|s| s.products);
        Work::counted(products.and_then(|p| p.arithmetic(cap.plus(mask)?)))
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(<[Dim]>::len) {
            Some(3) => Window::attending(3, 1),
            Some(4) => Window::attending(4, 2),
            _ => Window::Global,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::body_inputs;
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    /// ONNX's `test_attention_3d_diff_heads_with_past_and_present_qk_matmul`, its sizes.
    #[test]
    fn packed_heads_are_taken_apart_and_the_past_comes_before_the_keys() {
        let case = Case::new("", "Attention", 23)
            .int("q_num_heads", 3)
            .int("kv_num_heads", 3)
            .input(f32(&[2, 4, 24]))
            .input(f32(&[2, 6, 24]))
            .input(f32(&[2, 6, 30]))
            .input(f32(&[4, 18]))
            .input(f32(&[2, 3, 12, 8]))
            .input(f32(&[2, 3, 12, 10]))
            .outputs(4);
        let types = vec![f32(&[2, 4, 30]), f32(&[2, 3, 18, 8]), f32(&[2, 3, 18, 10]), f32(&[2, 3, 4, 18])];
        assert_eq!(case.infer().unwrap(), types);
        let Work::Counted(count) = case.work() else { panic!("not counted") };
        // 2·3·4·18 scores of 8 products each, and as many products with 10 values.
        assert_eq!(count.macs, 432 * (8 + 10));
        assert_eq!(count.operations.add, 432 * 3);
    }

    #[test]
    fn symbols_pass_through_and_heads_must_divide() {
        let n = Dim::symbol("N");
        let qkv = tensor(DType::F32, &[n.clone(), Dim::Known(197), Dim::Known(768)]);
        let case = |heads| {
            let case = Case::new("", "Attention", 24).int("q_num_heads", heads).int("kv_num_heads", heads);
            case.input(qkv.clone()).input(qkv.clone()).input(qkv.clone())
        };
        assert_eq!(case(12).infer().unwrap()[0], qkv);
        assert!(case(5).infer().is_err());
        assert!(case(0).infer().is_err());
    }

    #[test]
    fn modifiers_are_given_scores_in_the_softmax_precision() {
        let half = tensor(DType::F16, &[1, 2, 3, 4].map(Dim::Known));
        let case = Case::new("ai.onnx.preview", "FlexAttention", 1).input(half.clone()).input(half.clone()).input(half);
        let kind = super::super::find("ai.onnx.preview", "FlexAttention").unwrap();
        let inputs = case.ask(&[], |_, at| body_inputs(kind, &Attributes::new(), 1, at)).unwrap().unwrap();
        assert_eq!(inputs.into_iter().map(|i| i.ty).collect::<Vec<_>>(), vec![f32(&[1, 2, 3, 3])]);
    }
}
