//! Attention without a softmax, as a recurrence over tokens: `LinearAttention`.
//!
//! With a batch of B, T tokens, H query heads, G key heads of size d and values of size e, a token costs d·e
//! multiply-accumulates for each key head (the update of its state), d·e more with a delta rule (what the state holds
//! under the key), and d·e for each query head (the read-out).

use super::attention::share;
use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operator of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "LinearAttention",
    slots: &[data("query"), data("key"), data("value"), data("past_state"), data("decay"), data("beta")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct LinearAttention {
    query_heads: Dim,
    key_heads: Dim,
    gated: bool,
    delta: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let heads = |name: &str| match spec.attributes.int(name)? {
        Some(n) if n > 0 => Ok(Dim::Known(n)),
        Some(n) => Err(OpError::invalid(format!("`{name}` is {n}"))),
        None => Err(OpError::invalid(format!("`{name}` is missing"))),
    };
    let (gated, delta) = match spec.attributes.string("update_rule")?.unwrap_or("gated_delta") {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => {
            let error = OpError::invalid(format!("`update_rule` is `{other}`"));
            return Err(error.help("write `linear`, `gated`, `delta` or `gated_delta`"));
        }
    };
    let (query_heads, key_heads) = (heads("q_num_heads")?, heads("kv_num_heads")?);
    Ok(Box::new(LinearAttention { query_heads, key_heads, gated, delta }))
}

struct Sizes {
    batch: Dim,
    tokens: Dim,
    key_size: Dim,
    value_size: Dim,
}

impl LinearAttention {
    fn sizes(&self, at: &At) -> Result<Sizes, OpError> {
        let axis = |position: usize, i: usize| match at.require(position)?.shape.dims() {
            None => Ok(Dim::Unknown),
            Some(dims) if dims.len() == 3 => Ok(dims[i].clone()),
            Some(dims) => Err(OpError::invalid(format!("input {position} has {} dimensions, not 3", dims.len()))),
        };
        Ok(Sizes {
            batch: axis(0, 0)?,
            tokens: axis(0, 1)?,
            key_size: share(&axis(1, 2)?, &self.key_heads)?,
            value_size: share(&axis(2, 2)?, &self.key_heads)?,
        })
    }

    fn arithmetic(&self, at: &At, sizes: &Sizes) -> Option<Arithmetic> {
        let tokens = sizes.batch.times(&sizes.tokens);
        let state = sizes.key_size.times(&sizes.value_size);
        let all = |per_token: &[&Dim]| per_token.iter().fold(tokens.clone(), |all, n| all.times(n)).size();
        let updates = all(&[&self.key_heads, &state])?;
        let reads = all(&[&self.query_heads, &state])?;
        let values = all(&[&self.key_heads, &sizes.value_size])?;
        let mut operations = Operations { mul: all(&[&self.query_heads, &sizes.value_size])?, ..Operations::default() };
        let mut macs = updates.checked_add(reads)?;
        if self.gated {
            operations.mul = operations.mul.checked_add(updates)?;
            operations.exp = at.input_elements(4)?;
        }
        if self.delta {
            macs = macs.checked_add(updates)?;
            operations.add = values;
            operations.mul = operations.mul.checked_add(values)?;
        }
        let window = sizes.key_size.size()?;
        Some(Arithmetic { class: Class::Product, macs, biases: 0, window, operations })
    }
}

impl Operator for LinearAttention {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// What is read [B, T, H·e], and the state [B, G, d, e].
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let Sizes { batch, tokens, key_size, value_size } = self.sizes(at)?;
        let dtype = at.require(0)?.dtype;
        let output = vec![batch.clone(), tokens, self.query_heads.times(&value_size)];
        let state = vec![batch, self.key_heads.clone(), key_size, value_size];
        let state_type = at.tensor(3).map_or(dtype, |past| past.dtype);
        let types = [(dtype, output), (state_type, state)];
        Ok(types.map(|(dtype, dims)| TensorType { dtype, shape: Shape::Ranked(dims) }.into()).into())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        Work::counted(self.sizes(at).ok().and_then(|sizes| self.arithmetic(at, &sizes)))
    }

    fn window(&self, _: &At) -> Window {
        Window::Global
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;

    /// ONNX's `test_linear_attention_gated_delta_gqa`: 8 query heads share 4 key heads of 8, values of 8.
    #[test]
    fn query_heads_share_the_state_of_key_heads() {
        let case = Case::new("", "LinearAttention", 27)
            .int("q_num_heads", 8)
            .int("kv_num_heads", 4)
            .input(f32(&[2, 4, 64]))
            .input(f32(&[2, 4, 32]))
            .input(f32(&[2, 4, 32]))
            .absent()
            .input(f32(&[2, 4, 32]))
            .input(f32(&[2, 4, 4]))
            .outputs(2);
        assert_eq!(case.infer().unwrap(), vec![f32(&[2, 4, 64]), f32(&[2, 4, 8, 8])]);
        let Work::Counted(count) = case.work() else { panic!("not counted") };
        // 8 tokens: two products with the state for each of 4 key heads, one for each of 8 query heads.
        assert_eq!(count.macs, 8 * 64 * (4 + 4 + 8));
        assert_eq!(count.operations.exp, 2 * 4 * 32);
    }
}
