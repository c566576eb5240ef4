//! Which dimension is the batch, and figures for one example. Multiply-accumulates by hand.

use super::build::{file, graph, model, tensor};
use super::report;
use cnnsize::front::onnx::{self, Bindings};
use prost::Message;
use serde_json::{Value, json};

/// An LSTM with 16 inputs and 8 hidden units: 4·8·(16 + 8) = 768 multiply-accumulates a step.
fn lstm(from: &str, layout: u8) -> Value {
    json!(["LSTM", format!("{from} w r"), "h", {"hidden_size": 8, "layout": layout}])
}

/// What is said, the batch, and multiply-accumulates of one example.
fn sized(inputs: &Value, nodes: &Value, bindings: &Bindings) -> (Vec<&'static str>, u64, Option<u64>) {
    let mut graph = graph(inputs, nodes, &json!({ "h": "f32" }));
    let stored = [("w", "f32[1,32,16]"), ("r", "f32[1,32,8]"), ("m", "f32[16,8]")];
    graph.initializer = stored.map(|(name, ty)| tensor(name, &json!([ty])).encode_to_vec().into()).into();
    let read = onnx::read(file(&model(&json!({ "": 22 }), graph, &[])), bindings);
    // Contents of weights are left out here.
    let codes = read.diagnostics.iter().map(|d| d.code).filter(|code| *code != "external-data").collect();
    let batch = read.batch;
    let macs = report(read).totals.macs;
    (codes, batch, (!macs.incomplete).then(|| macs.least.0 / batch))
}

fn bound(batch: Option<u64>, dims: &[(&str, u64)]) -> Bindings {
    let dims = dims.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    Bindings { batch, dims, ..Bindings::default() }
}

#[test]
fn the_batch_is_where_the_recurrent_layer_says_it_is() {
    let steps = |n: u64| Some(768 * n);
    let turned = json!([["Transpose", "x", "t", {"perm": [1, 0, 2]}], lstm("t", 0)]);
    let squeezed = json!([
        ["Constant", "", "two", {"value": {"tensor": ["i64[1]", [2]]}}],
        ["Squeeze", "x two", "q"],
        ["Transpose", "q", "t", {"perm": [2, 0, 1]}],
        lstm("t", 0)
    ]);
    let reshaped = json!([
        ["Constant", "", "to", {"value": {"tensor": ["i64[3]", [20, 4, 16]]}}],
        ["Reshape", "x to", "t"],
        lstm("t", 0)
    ]);
    let plain = json!([lstm("x", 0)]);
    for (what, shape, nodes, bindings, expected) in [
        ("symbols", "f32[S,N,16]", &plain, bound(None, &[("N", 8), ("S", 20)]), (vec![], 8, steps(20))),
        ("the same by --batch", "f32[S,N,16]", &plain, bound(Some(8), &[("S", 20)]), (vec![], 8, steps(20))),
        ("open", "f32[20,N,16]", &plain, bound(None, &[]), (vec!["batch-assumed"], 1, steps(20))),
        ("numbers", "f32[20,4,16]", &plain, bound(None, &[]), (vec![], 4, steps(20))),
        ("another batch", "f32[20,4,16]", &plain, bound(Some(6), &[]), (vec![], 6, steps(20))),
        ("both without a name", "f32[?,?,16]", &plain, bound(Some(6), &[]), (vec![], 6, None)),
        ("layout 1", "f32[4,20,16]", &json!([lstm("x", 1)]), bound(None, &[]), (vec![], 4, steps(20))),
        ("turned", "f32[4,20,16]", &turned, bound(Some(2), &[]), (vec![], 2, steps(20))),
        ("columns of an image", "f32[N,16,1,25]", &squeezed, bound(None, &[("N", 3)]), (vec![], 3, steps(25))),
        ("sizes written in", "f32[4,320]", &reshaped, bound(None, &[]), (vec!["batch-unknown"], 1, steps(80))),
    ] {
        assert_eq!(sized(&json!({ "x": shape }), nodes, &bindings), expected, "{what}");
    }
}

/// A product of 16 features with 8 units for each of N examples: a symbol of the first dimension is the batch, whichever
/// option binds it; another symbol is not.
#[test]
fn a_symbol_of_the_first_dimension_is_the_batch_by_whatever_option() {
    let nodes = json!([["MatMul", "x m", "h"]]);
    for (shape, bindings, expected) in [
        ("f32[N,16]", bound(None, &[("N", 8)]), (vec![], 8, Some(16 * 8))),
        ("f32[N,16]", bound(Some(8), &[]), (vec![], 8, Some(16 * 8))),
        ("f32[N,T,16]", bound(None, &[("T", 5)]), (vec!["batch-assumed"], 1, Some(5 * 16 * 8))),
        ("f32[N,T,16]", bound(None, &[("T", 5), ("N", 2)]), (vec![], 2, Some(5 * 16 * 8))),
    ] {
        assert_eq!(sized(&json!({ "x": shape }), &nodes, &bindings), expected, "{shape}");
    }
}

#[test]
fn two_batches_for_one_input_are_a_conflict() {
    let bindings = Bindings { inputs: vec![(None, vec![8, 16])], ..bound(Some(4), &[]) };
    let (codes, ..) = sized(&json!({ "x": "f32[1,16]" }), &json!([["MatMul", "x m", "h"]]), &bindings);
    assert_eq!(codes, ["binding-conflict"]);
}
