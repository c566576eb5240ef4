//! One room per operator family. Everything about convolution is in `conv.rs`: ONNX's operators in every version, the
//! language's layers, shapes, weights, arithmetic, receptive field.
//!
//! An operator answers the questions of [`rules::Operator`]; it never sees the graph. Adding one touches one file and,
//! for a new file, the lists below.

pub mod attributes;
pub mod control;
pub mod definition;
pub mod kernel;
pub mod layer;
pub mod price;
pub mod rules;
pub mod window;

mod activation;
mod adaptive_pool;
mod attention;
mod axes;
mod batch_norm;
mod biased;
mod binary;
mod cast;
mod causal_conv;
mod cells;
mod class;
mod clip;
mod conv;
mod conv_transpose;
mod cumulative;
mod deform_conv;
mod dropout;
mod einsum;
mod elementwise;
mod fill;
mod frame;
mod fused;
mod fused_attention;
mod fused_norm;
mod gated;
mod gather;
mod global_pool;
mod grid;
mod groups;
mod im2col;
mod image;
mod join;
mod linalg;
mod linear_attention;
mod loss;
mod matmul;
mod merge;
mod ml_features;
pub mod ml_models;
mod nchwc;
mod norm;
mod optimizer;
mod optional;
mod own_conv;
pub mod packed;
mod packed_gather;
mod packed_matmul;
mod pad;
mod permute;
mod pool;
mod prelu;
mod quantize;
mod quantized_kernel;
mod quantized_product;
mod random;
pub mod recurrent;
mod recurrent_kernel;
mod reduce;
mod repeat;
mod reshape;
mod resize;
mod response_norm;
mod roi;
mod rotary;
mod scan;
mod select;
mod sequence;
mod sequence_map;
mod signal;
mod slice;
mod softmax;
#[cfg(test)]
mod testing;
mod text;
mod twin;
mod unary;
pub mod unknown;
mod unpool;

use definition::Definition;
use layer::Layer;
use rules::OpKind;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Domain of the operators that ONNX does not have; exports define them, or refuse them by name.
pub const OWN_DOMAIN: &str = "cnnsize";

/// A family's operators and the layers that the language makes of them.
#[derive(Debug)]
pub struct Room {
    /// Operators.
    pub ops: &'static [OpKind],
    /// Layers.
    pub layers: &'static [Layer],
}

/// Every room.
pub static ROOMS: &[Room] = &[
    Room { ops: activation::OPS, layers: activation::LAYERS },
    Room { ops: adaptive_pool::OPS, layers: &[] },
    Room { ops: attention::OPS, layers: &[] },
    Room { ops: batch_norm::OPS, layers: batch_norm::LAYERS },
    Room { ops: biased::OPS, layers: &[] },
    Room { ops: binary::OPS, layers: &[] },
    Room { ops: cast::OPS, layers: &[] },
    Room { ops: causal_conv::OPS, layers: &[] },
    Room { ops: clip::OPS, layers: clip::LAYERS },
    Room { ops: control::OPS, layers: &[] },
    Room { ops: conv::OPS, layers: conv::LAYERS },
    Room { ops: conv_transpose::OPS, layers: conv_transpose::LAYERS },
    Room { ops: cumulative::OPS, layers: &[] },
    Room { ops: deform_conv::OPS, layers: &[] },
    Room { ops: dropout::OPS, layers: dropout::LAYERS },
    Room { ops: einsum::OPS, layers: &[] },
    Room { ops: fill::OPS, layers: &[] },
    Room { ops: frame::OPS, layers: &[] },
    Room { ops: fused::OPS, layers: &[] },
    Room { ops: fused_attention::OPS, layers: &[] },
    Room { ops: fused_norm::OPS, layers: &[] },
    Room { ops: gated::OPS, layers: &[] },
    Room { ops: gather::OPS, layers: &[] },
    Room { ops: global_pool::OPS, layers: &[] },
    Room { ops: grid::OPS, layers: &[] },
    Room { ops: image::OPS, layers: &[] },
    Room { ops: join::OPS, layers: join::LAYERS },
    Room { ops: linalg::OPS, layers: &[] },
    Room { ops: linear_attention::OPS, layers: &[] },
    Room { ops: loss::OPS, layers: &[] },
    Room { ops: matmul::OPS, layers: matmul::LAYERS },
    Room { ops: &[], layers: merge::LAYERS },
    Room { ops: ml_features::OPS, layers: &[] },
    Room { ops: ml_models::OPS, layers: &[] },
    Room { ops: nchwc::OPS, layers: &[] },
    Room { ops: norm::OPS, layers: norm::LAYERS },
    Room { ops: optimizer::OPS, layers: &[] },
    Room { ops: optional::OPS, layers: &[] },
    Room { ops: own_conv::OPS, layers: own_conv::LAYERS },
    Room { ops: packed_gather::OPS, layers: &[] },
    Room { ops: packed_matmul::OPS, layers: &[] },
    Room { ops: pad::OPS, layers: pad::LAYERS },
    Room { ops: permute::OPS, layers: permute::LAYERS },
    Room { ops: pool::OPS, layers: pool::LAYERS },
    Room { ops: prelu::OPS, layers: prelu::LAYERS },
    Room { ops: quantize::OPS, layers: &[] },
    Room { ops: quantized_product::OPS, layers: &[] },
    Room { ops: random::OPS, layers: &[] },
    Room { ops: recurrent::OPS, layers: &[] },
    Room { ops: reduce::OPS, layers: &[] },
    Room { ops: repeat::OPS, layers: &[] },
    Room { ops: reshape::OPS, layers: reshape::LAYERS },
    Room { ops: resize::OPS, layers: resize::LAYERS },
    Room { ops: response_norm::OPS, layers: response_norm::LAYERS },
    Room { ops: roi::OPS, layers: &[] },
    Room { ops: rotary::OPS, layers: &[] },
    Room { ops: scan::OPS, layers: &[] },
    Room { ops: select::OPS, layers: &[] },
    Room { ops: sequence::OPS, layers: &[] },
    Room { ops: sequence_map::OPS, layers: &[] },
    Room { ops: signal::OPS, layers: &[] },
    Room { ops: slice::OPS, layers: slice::LAYERS },
    Room { ops: softmax::OPS, layers: softmax::LAYERS },
    Room { ops: text::OPS, layers: &[] },
    Room { ops: twin::OPS, layers: &[] },
    Room { ops: unary::OPS, layers: &[] },
    Room { ops: unpool::OPS, layers: &[] },
];

/// The operator of this domain and name. `ai.onnx` is the standard domain's other spelling.
pub fn find(domain: &str, name: &str) -> Option<&'static OpKind> {
    static INDEX: OnceLock<HashMap<(&'static str, &'static str), &'static OpKind>> = OnceLock::new();
    let index = INDEX.get_or_init(|| ROOMS.iter().flat_map(|r| r.ops).map(|k| ((k.domain, k.name), k)).collect());
    let domain = if domain == "ai.onnx" { "" } else { domain };
    index.get(&(domain, name)).copied()
}

/// How standard operators do what an operator of our own does, where they can.
pub fn definition(kind: &OpKind) -> Option<&'static Definition> {
    const DEFINITIONS: &[&Definition] = &[&norm::CHANNEL_NORMALIZATION];
    DEFINITIONS.iter().copied().find(|definition| kind.domain == OWN_DOMAIN && definition.name == kind.name)
}

/// The layer with this keyword or alias.
pub fn layer(word: &str) -> Option<&'static Layer> {
    static INDEX: OnceLock<HashMap<&'static str, &'static Layer>> = OnceLock::new();
    let words = |l: &'static Layer| l.aliases.iter().copied().chain([l.keyword]).map(move |w| (w, l));
    let index = INDEX.get_or_init(|| ROOMS.iter().flat_map(|r| r.layers).flat_map(words).collect());
    index.get(word).copied()
}

/// Every layer, in the order of the rooms.
pub fn layers() -> impl Iterator<Item = &'static Layer> {
    ROOMS.iter().flat_map(|r| r.layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_has_two_rooms() {
        for kind in ROOMS.iter().flat_map(|r| r.ops) {
            let found = find(kind.domain, kind.name).unwrap();
            assert!(std::ptr::eq(found, kind), "`{}` is in two rooms", kind.name);
        }
    }
}
