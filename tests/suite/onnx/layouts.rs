//! What only moves axes about changes no receptive field, and a value that is stored may be an input too.

use super::build::{file, graph, model, tensor};
use super::report;
use cnnsize::analyze::report::Report;
use cnnsize::front::onnx::{self, Bindings};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

/// Channels of every map.
const CHANNELS: usize = 2;

/// Size of the first map.
const EDGE: usize = 100;

/// A chain of convolutions `c0`, `c1`, … with kernel, stride and padding of each, and `between` them these nodes, which
/// read `a` and deliver `b`.
fn chain(layers: &[(usize, usize, usize)], between: &[Value]) -> Report {
    let constant = |name: &str, ints: &[i64]| json!(["Constant", "", name, {"value": {"tensor": [format!("i64[{}]", ints.len()), ints]}}]);
    let mut nodes = vec![constant("two", &[2])];
    let mut stored = Vec::new();
    let mut last = "x".to_owned();
    for (i, (kernel, stride, pad)) in layers.iter().enumerate() {
        for node in between {
            // Names inside are those of this place.
            let text = node.to_string().replace("\"a", &format!("\"{last}")).replace('@', &format!("_{i}"));
            nodes.push(serde_json::from_str(&text).unwrap());
        }
        let from = if between.is_empty() { last } else { format!("b_{i}") };
        let (weight, to) = (format!("w{i}"), format!("c{i}"));
        nodes.push(json!(["Conv", format!("{from} {weight}"), to, {"strides": [stride, 1], "pads": [pad, 0, pad, 0]}]));
        let weights = json!([format!("f32[{CHANNELS},{CHANNELS},{kernel},1]")]);
        stored.push(tensor(&weight, &weights).encode_to_vec().into());
        last = to;
    }
    let shape = format!("f32[1,{CHANNELS},{EDGE},{EDGE}]");
    let mut graph = graph(&json!({ "x": shape }), &Value::Array(nodes), &json!({ last: "f32" }));
    graph.initializer = stored;
    let read = onnx::read(file(&model(&json!({"": 21}), graph, &[])), &Bindings::default());
    assert!(read.model.is_some(), "{:?}", read.diagnostics);
    report(read)
}

/// Ways to move axes about and back.
fn moves() -> Vec<Vec<Value>> {
    let permuted = |from: &str, to: &str, order: [usize; 4]| json!(["Transpose", from, to, {"perm": order}]);
    vec![
        vec![permuted("a", "t@", [0, 2, 3, 1]), permuted("t@", "b@", [0, 3, 1, 2])],
        vec![json!(["Unsqueeze", "a two", "t@"]), json!(["Squeeze", "t@ two", "b@"])],
        vec![permuted("a", "s@", [2, 0, 3, 1]), json!(["Relu", "s@", "t@"]), permuted("t@", "b@", [1, 3, 0, 2])],
        vec![json!(["Shape", "a", "s@"]), json!(["Reshape", "a s@", "b@"])],
    ]
}

proptest! {
    #[test]
    fn moved_axes_see_what_they_saw(
        layers in prop::collection::vec((1usize..5, 1usize..3, 0usize..2), 1..5),
        between in prop::sample::select(moves())
    ) {
        let (plain, moved) = (chain(&layers, &[]), chain(&layers, &between));
        for i in 0..layers.len() {
            let field = |report: &Report| {
                let name = format!("c{i}");
                report.layers.iter().find(|l| *l.outputs[0].name == *name).unwrap().receptive_field.clone()
            };
            prop_assert_eq!(field(&plain).len(), 1);
            prop_assert_eq!(field(&plain), field(&moved), "c{} of {:?}", i, layers);
        }
    }
}

/// Before version 4 of the format every stored value was listed among the inputs too: it is stored, not fed.
#[test]
fn stored_values_that_are_inputs_too_are_stored() {
    let mut graph =
        graph(&json!({"x": "f32[1,2,4,4]", "w": "f32[3,2,1,1]"}), &json!([["Conv", "x w", "y"]]), &json!({"y": "f32"}));
    graph.initializer = vec![tensor("w", &json!(["f32[3,2,1,1]"])).encode_to_vec().into()];
    let totals = report(onnx::read(file(&model(&json!({"": 7}), graph, &[])), &Bindings::default())).totals;
    assert_eq!(totals.parameters.least.to_string(), "6");
    assert_eq!(totals.input_bytes.least.to_string(), "128");
}
