//! Weights of a few bits, several of which are stored in one byte. Types are those that ONNX Runtime 1.32's
//! `MatMulNBitsQuantizer` wrote for a matrix of 100 by 48 and a table of 40 by 64 (block size 32, not symmetric), and
//! those with which its CPU provider ran the others.

use super::build::{file, graph, model, tensor};
use super::report;
use cnnsize::front::onnx::{self, Bindings};
use prost::Message;
use serde_json::{Value, json};

/// Parameters, their bytes, and multiply-accumulates.
fn sized(node: &Value, inputs: &Value, stored: &[(&str, &str)]) -> (u64, u64, u64) {
    let mut graph = graph(inputs, &json!([node]), &json!({ "y": "f32" }));
    graph.initializer = stored.iter().map(|(name, ty)| tensor(name, &json!([ty])).encode_to_vec().into()).collect();
    let read = onnx::read(file(&model(&json!({ "": 21, "com.microsoft": 1 }), graph, &[])), &Bindings::default());
    let totals = report(read).totals;
    assert!(!totals.parameters.incomplete && !totals.parameter_bytes.incomplete && !totals.macs.incomplete, "{node}");
    (totals.parameters.least.0, totals.parameter_bytes.least.0, totals.macs.least.0)
}

/// 100·48 weights, whatever the blocks of 32, of which the last holds 4, are filled up with.
#[test]
fn packed_matrices_have_as_many_weights_as_they_stand_for() {
    let product = |bits: u64, b: &str, zero_points: &str| {
        let attributes = json!({"K": 100, "N": 48, "bits": bits, "block_size": 32});
        let node = json!(["com.microsoft::MatMulNBits", "x b s z", "y", attributes]);
        sized(&node, &json!({ "x": "f32[2,100]" }), &[("b", b), ("s", "f32[48,4]"), ("z", zero_points)])
    };
    assert_eq!(product(4, "u8[48,4,16]", "u8[48,2]"), (4_800, 48 * 4 * 16, 2 * 4_800));
    assert_eq!(product(8, "u8[48,4,32]", "u8[48,4]"), (4_800, 48 * 4 * 32, 2 * 4_800));
    let node =
        json!(["com.microsoft::MatMulBnb4", "x b s", "y", {"K": 64, "N": 48, "block_size": 32, "quant_type": 1}]);
    let found = sized(&node, &json!({ "x": "f32[2,64]" }), &[("b", "u8[1536]"), ("s", "f32[96]")]);
    assert_eq!(found, (64 * 48, 1_536, 2 * 64 * 48));
}

#[test]
fn packed_tables_have_as_many_weights_as_they_stand_for() {
    let table = |bits: u64, data: &str| {
        let attributes = json!({"bits": bits, "block_size": 32, "gather_axis": 0, "quantize_axis": 1});
        let node = json!(["com.microsoft::GatherBlockQuantized", "t i s", "y", attributes]);
        sized(&node, &json!({ "i": "i64[3]" }), &[("t", data), ("s", "f32[40,2]")])
    };
    assert_eq!(table(4, "u4[40,64]"), (40 * 64, 40 * 32, 0), "as the quantiser writes it");
    assert_eq!(table(4, "u8[40,32]"), (40 * 64, 40 * 32, 0), "two in a byte");
    assert_eq!(table(8, "u8[40,64]"), (40 * 64, 40 * 64, 0));
}
