//! ONNX files on the command line.

use super::{file, folder, run};
use crate::onnx::build;
use cnnsize::front::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use prost::Message;
use serde_json::json;

/// A graph whose names clear the screen, forge a line for GitHub, turn the writing around, and are no UTF-8.
fn hostile() -> Vec<u8> {
    let names: [&[u8]; 4] =
        [b"\x1b[2J\x1b]0;owned\x07", b"\n::error::no", "\u{202e}\u{2066}".as_bytes(), b"\xff\xfe\x00|<b>&"];
    let chain = names.windows(2).map(|pair| NodeProto {
        name: pair[1].into(),
        op_type: b"Frobni\x1b[31mcate"[..].into(),
        input: vec![pair[0].into()],
        output: vec![pair[1].into()],
        ..NodeProto::default()
    });
    let info = |name: &'static [u8]| ValueInfoProto { name: name.into(), r#type: None }.encode_to_vec().into();
    let graph = GraphProto {
        name: names[0].into(),
        node: chain.map(|node| node.encode_to_vec().into()).collect(),
        input: vec![info(names[0])],
        output: vec![info(names[3])],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { version: 21, ..OperatorSetIdProto::default() }];
    ModelProto { ir_version: 10, graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

#[test]
fn names_from_a_file_cannot_steer_a_terminal_or_a_log() {
    let path = file(&folder("hostile-names"), "names.onnx", hostile());
    for format in ["table", "json", "csv", "markdown"] {
        let run = run(&["--format", format, &path]);
        assert!(run.code.is_some(), "{format}: {run:?}");
        for text in [run.out.replace("\r\n", "\n"), run.err.clone()] {
            let steering = |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{2066}'].contains(&c);
            assert!(!text.contains(steering), "{format}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("::")), "{format}: {text:?}");
        }
        assert!(run.out.contains("2J"), "{format} shows the name: {run:?}");
    }
}

#[test]
fn a_graph_is_sized_in_another_precision_and_not_written_in_one() {
    let graph = "tests/corpus/onnx/models/alexnet__ts_st.onnx";
    let label = |precision| {
        let run = run(&[graph, "--precision", precision]);
        run.out.lines().next().expect("a headline").split(" · ").nth(3).expect("a precision").to_owned()
    };
    assert_eq!(label("fp16"), "fp16");
    assert_eq!(label("tf32"), "tf32");
    assert_eq!(label("weights=int8"), "weights=int8 activations=fp32");
    let out = folder("export-precision").join("half.onnx");
    let run = run(&["export", graph, "-o", out.to_str().expect("UTF-8"), "--precision", "fp16"]);
    assert!(run.code == Some(2) && run.err.contains("does not write it anew") && !out.exists(), "{run:?}");
}

/// A reshape has the batch of 8 in its sizes: there is no such network for one example, and no lower bound stands for it.
#[test]
fn what_one_example_takes_is_given_with_its_reason_or_not_at_all() {
    let to = json!(["Constant", "", "to", {"value": {"tensor": ["i64[2]", [8, 8]]}}]);
    for (sizes, first) in [(to, false), (json!(["Shape", "y", "to"]), true)] {
        let nodes = json!([["Flatten", "x", "y"], sizes, ["Reshape", "y to", "z"]]);
        let graph = build::graph(&json!({ "x": "f32[8,4,2]" }), &nodes, &json!({ "z": "f32[8,8]" }));
        let path = file(&folder("one-example"), "m.onnx", build::file(&build::model(&json!({ "": 21 }), graph, &[])));
        let run = run(&[&path]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        let inference = run.out.split("inference").nth(1).and_then(|rest| rest.lines().next()).expect("inference");
        assert_eq!(inference.contains("for one example"), first, "{}", run.out);
        assert_eq!(run.err.contains("what one example takes is not known: "), !first, "{}", run.err);
    }
}
