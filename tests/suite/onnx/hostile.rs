//! Files made to do harm, and files that are no ONNX: each has a clear message with the node or the byte, and none
//! makes the program stop.

use super::build::{entry, file, graph, model, tensor};
use super::{EXTREMES, extreme, lints, report};
use crate::files::read;
use cnnsize::base::diagnostic::{Diagnostic, Origin, Severity};
use cnnsize::front::onnx::proto::{GraphProto, ModelProto, SparseTensorProto};
use cnnsize::front::onnx::{self, Bindings};
use cnnsize::graph::Precision;
use cnnsize::tensor::DType;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a file is, the file, what is asked of it, and what must be said: a slug, and where.
struct Case {
    what: &'static str,
    file: Arc<[u8]>,
    batch: Option<u64>,
    says: &'static str,
    at: &'static str,
}

fn case(what: &'static str, file: Arc<[u8]>, says: &'static str, at: &'static str) -> Case {
    Case { what, file, batch: None, says, at }
}

/// One input `x` and one output `y` around these nodes.
fn nodes(x: &str, nodes: &Value) -> GraphProto {
    graph(&json!({ "x": x }), nodes, &json!({ "y": "f32" }))
}

fn made(graph: GraphProto) -> Arc<[u8]> {
    file(&model(&json!({"": 21}), graph, &[]))
}

/// The same with stored tensors.
fn storing(mut graph: GraphProto, stored: &[(&str, Value)]) -> GraphProto {
    graph.initializer = stored.iter().map(|(name, value)| tensor(name, value).encode_to_vec().into()).collect();
    graph
}

fn with_functions(x: &str, body: &Value, functions: &[Value]) -> Arc<[u8]> {
    file(&model(&json!({"": 21, "own": 1}), nodes(x, body), functions))
}

/// So many graphs inside one another.
fn nested(depth: usize) -> Value {
    let innermost = json!({"in": [], "nodes": [["Relu", "x", "o"]], "init": {}, "out": ["o"]});
    (0..depth).fold(innermost, |inner, _| {
        json!({"in": [], "nodes": [["If", "c", "o", {"then_branch": {"graph": inner}, "else_branch": {"graph": inner_relu()}}]], "init": {}, "out": ["o"]})
    })
}

fn inner_relu() -> Value {
    json!({"in": [], "nodes": [["Relu", "x", "o"]], "init": {}, "out": ["o"]})
}

/// Functions of which each calls the one before twice, `n` of them.
fn doubling(n: usize) -> Vec<Value> {
    let first = json!(["own::f0", "a", "b", {"": 21}, [["Relu", "a", "b"]], {}]);
    let next = |i: usize| {
        let before = format!("own::f{}", i - 1);
        json!([format!("own::f{i}"), "a", "c", {"": 21, "own": 1}, [[before, "a", "b"], [before, "b", "c"]], {}])
    };
    std::iter::once(first).chain((1..n).map(next)).collect()
}

/// A field of the outermost graph, so many times.
fn repeated(tag: u8, body: &[u8], times: usize) -> Arc<[u8]> {
    let mut one = vec![tag, u8::try_from(body.len()).unwrap()];
    one.extend_from_slice(body);
    let graph = one.repeat(times);
    let mut bytes = vec![0x08, 0x0a, 0x3a];
    prost::encoding::encode_varint(graph.len() as u64, &mut bytes);
    bytes.extend(graph);
    bytes.into()
}

fn cases() -> Vec<Case> {
    let relu = json!([["Relu", "x", "y"]]);
    let shape = |dims: &[i64]| json!({"value": {"tensor": [format!("i64[{}]", dims.len()), dims]}});
    let by = |op: &str, dims: &[i64]| {
        made(nodes("f32[2,3]", &json!([["Constant", "", "k", shape(dims)], [op, "x k", "y"]])))
    };
    let conv = |attributes: Value| {
        let graph = nodes("f32[1,3,8,8]", &json!([["Conv", "x w", "y", attributes]]));
        made(storing(graph, &[("w", json!(["f32[4,3,3,3]"]))]))
    };
    let raw = |bytes: &[u8]| -> Arc<[u8]> { bytes.into() };
    let mut all = vec![
        case("an empty file", raw(b""), "not-onnx", "file"),
        case(
            "a Git LFS pointer",
            raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"),
            "not-onnx",
            "file",
        ),
        case("a PyTorch checkpoint", raw(b"PK\x03\x04\0\0\0\0resnet18/data.pkl"), "not-onnx", "file"),
        case("a pickle", raw(b"\x80\x02\x8a\x0al\xfc\x9c"), "not-onnx", "file"),
        case("an HTML page", raw(b"<!DOCTYPE html><title>Sign in</title>"), "not-onnx", "file"),
        case(
            "a model without a graph",
            file(&ModelProto { ir_version: 8, ..ModelProto::default() }),
            "onnx-damaged",
            "file",
        ),
        case("a field number of zero", raw(&[0x08, 0x0a, 0x00]), "onnx-damaged", "byte 2"),
        case("a group, which ONNX has not", raw(&[0x08, 0x0a, 0x0b]), "onnx-damaged", "byte 2"),
        case(
            "a length beyond its message",
            raw(&[0x08, 0x0a, 0x3a, 0x02, 0x12, 0x05, 0x08, 0x07]),
            "onnx-damaged",
            "byte 4",
        ),
        case(
            "a length of 2^63",
            raw(b"\x08\x0a\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01x"),
            "onnx-truncated",
            "byte 2",
        ),
        case(
            "nodes in a cycle",
            made(nodes("f32[2]", &json!([["Add", "x b", "a"], ["Relu", "a", "b"], ["Relu", "b", "y"]]))),
            "graph-cycle",
            "node 1 `b`",
        ),
        case(
            "a node that reads itself",
            made(nodes("f32[2]", &json!([["Relu", "y", "y"]]))),
            "graph-cycle",
            "node 0 `y`",
        ),
        case(
            "one name made twice",
            made(nodes("f32[2]", &json!([["Relu", "x", "y"], ["Neg", "x", "y"]]))),
            "duplicate-name",
            "node 1 `y`",
        ),
        case(
            "one name made twice by one node",
            made(nodes("f32[4]", &json!([["Split", "x", "y y", {"num_outputs": 2}]]))),
            "duplicate-name",
            "node 0 `y`",
        ),
        case(
            "a node that makes the input",
            made(nodes("f32[2]", &json!([["Relu", "x", "x"], ["Neg", "x", "y"]]))),
            "duplicate-name",
            "node 0 `x`",
        ),
        case(
            "two stored tensors of one name",
            made(storing(nodes("f32[2]", &relu), &[("w", json!(["f32[3]"])), ("w", json!(["f32[4]"]))])),
            "duplicate-name",
            "file",
        ),
        case(
            "a name that nothing makes",
            made(nodes("f32[2]", &json!([["Relu", "z", "y"]]))),
            "undefined-name",
            "node 0 `y`",
        ),
        case(
            "an output that nothing makes",
            made(nodes("f32[2]", &json!([["Relu", "x", "z"]]))),
            "undefined-name",
            "file",
        ),
        case(
            "a name of a branch read outside",
            made(nodes(
                "f32[2]",
                &json!([["Constant", "", "c", {"value": {"tensor": ["bool[]", [1]]}}], ["If", "c", "r", {"then_branch": {"graph": inner_relu()}, "else_branch": {"graph": inner_relu()}}], ["Neg", "o", "y"]]),
            )),
            "undefined-name",
            "node 2 `y`",
        ),
        case(
            "an input of 2^63 values",
            made(nodes("f32[4294967296,4294967296]", &relu)),
            "number-too-big",
            "node 0 `y`",
        ),
        case(
            "a stored tensor of 2^126 values",
            made(storing(nodes("f32[2]", &relu), &[("w", json!(["f32[9223372036854775807,9223372036854775807]"]))])),
            "invalid-tensor",
            "file",
        ),
        case(
            "a stored tensor of a negative size",
            made(storing(nodes("f32[2]", &relu), &[("w", json!(["f32[-4]"]))])),
            "invalid-tensor",
            "file",
        ),
        case(
            "contents that are too short",
            made(storing(nodes("f32[2]", &relu), &[("w", json!(["i64[3]", [1, 2]]))])),
            "invalid-tensor",
            "file",
        ),
        case("a negative size in Reshape", by("Reshape", &[-5, 2]), "invalid-node", "node 1 `y`"),
        case("two open sizes in Reshape", by("Reshape", &[-1, -1]), "invalid-node", "node 1 `y`"),
        case("Expand to 2^62 squared", by("Expand", &[1 << 62, 1 << 62, 1, 1]), "number-too-big", "node 1 `y`"),
        case("Tile by a negative number", by("Tile", &[-1, 1]), "negative-size", "node 1 `y`"),
        case("Pad by the least number", by("Pad", &[i64::MIN, 0, 0, 0]), "negative-size", "node 1 `y`"),
        case(
            "ConstantOfShape of 2^62",
            made(nodes("f32[2]", &json!([["Constant", "", "k", shape(&[1 << 62])], ["ConstantOfShape", "k", "y"]]))),
            "number-too-big",
            "node 1 `y`",
        ),
        case("a kernel of 2^62", conv(json!({"kernel_shape": [1i64 << 62, 3]})), "window-too-big", "node 0 `y`"),
        case("a dilation of 2^62", conv(json!({"dilations": [1i64 << 62, 1]})), "window-too-big", "node 0 `y`"),
        case("a stride of zero", conv(json!({"strides": [0, 1]})), "invalid-node", "node 0 `y`"),
        case("a negative stride", conv(json!({"strides": [-1, 1]})), "invalid-node", "node 0 `y`"),
        case("no groups", conv(json!({"group": 0})), "invalid-node", "node 0 `y`"),
        case("an attribute of another type", conv(json!({"strides": "two"})), "invalid-node", "node 0 `y`"),
        case(
            "an axis that is not there",
            made(nodes("f32[2,3]", &json!([["Softmax", "x", "y", {"axis": 7}]]))),
            "invalid-node",
            "node 0 `y`",
        ),
        case("too few inputs", made(nodes("f32[2,3]", &json!([["MatMul", "x", "y"]]))), "invalid-node", "node 0 `y`"),
        case(
            "an operator that nobody knows",
            made(nodes("f32[2,3]", &json!([["Frobnicate", "x", "y"]]))),
            "unknown-operator",
            "node 0 `y`",
        ),
        case(
            "graphs inside one another",
            made(nodes(
                "f32[2]",
                &json!([["Constant", "", "c", {"value": {"tensor": ["bool[]", [1]]}}], ["If", "c", "y", {"then_branch": {"graph": nested(30)}, "else_branch": {"graph": inner_relu()}}]]),
            )),
            "onnx-nesting",
            "byte",
        ),
        case(
            "a function that calls itself",
            with_functions(
                "f32[2]",
                &json!([["own::f", "x", "y"]]),
                &[json!(["own::f", "a", "b", {"own": 1}, [["own::f", "a", "b"]], {}])],
            ),
            "function-depth",
            "node 0",
        ),
        case(
            "functions that call each other",
            with_functions(
                "f32[2]",
                &json!([["own::f", "x", "y"]]),
                &[
                    json!(["own::f", "a", "b", {"own": 1}, [["own::g", "a", "b"]], {}]),
                    json!(["own::g", "a", "b", {"own": 1}, [["own::f", "a", "b"]], {}]),
                ],
            ),
            "function-depth",
            "node 0",
        ),
        case(
            "functions that double 40 times",
            with_functions("f32[2]", &json!([["own::f39", "x", "y"]]), &doubling(40)),
            "function-depth",
            "node 0",
        ),
        case(
            "functions that double 25 times",
            with_functions("f32[2]", &json!([["own::f24", "x", "y"]]), &doubling(25)),
            "onnx-too-many",
            "node 0",
        ),
        case(
            "a function called with too many inputs",
            with_functions(
                "f32[2]",
                &json!([["own::f", "x x", "y"]]),
                &[json!(["own::f", "a", "b", {"": 21}, [["Relu", "a", "b"]], {}])],
            ),
            "invalid-node",
            "node 0 `y`",
        ),
        case(
            "a function that delivers nothing",
            with_functions(
                "f32[2]",
                &json!([["own::f", "x", "y"]]),
                &[json!(["own::f", "a", "b", {"": 21}, [["Relu", "a", "c"]], {}])],
            ),
            "undefined-name",
            "node 0 `y`",
        ),
        case("empty nodes", repeated(0x0a, b"", 100_000), "onnx-damaged", "byte"),
        case("nodes that are nearly empty", repeated(0x0a, b"\x12\x00\x22\x01A", 100_000), "onnx-too-many", "byte"),
        case("empty stored tensors", repeated(0x2a, b"", 100_000), "onnx-damaged", "byte"),
        case("stored tensors with names alone", repeated(0x2a, b"\x42\x01w", 100_000), "onnx-too-many", "byte"),
        case(
            "a node of empty attributes",
            repeated(0x0a, &[b"\x12\x00\x22\x01A".to_vec(), b"\x2a\x00".repeat(50)].concat(), 2_000),
            "onnx-damaged",
            "byte",
        ),
        case(
            "a node of attributes with names alone",
            repeated(0x0a, &[b"\x12\x00\x22\x01A".to_vec(), b"\x2a\x03\x0a\x01a".repeat(20)].concat(), 2_000),
            "onnx-too-many",
            "byte",
        ),
        case("empty descriptions of values", repeated(0x6a, b"", 100_000), "onnx-too-many", "byte"),
        case(
            "a node of 70,000 inputs",
            made(nodes("f32[2]", &json!([["Sum", "x ".repeat(70_000), "y"]]))),
            "onnx-too-many",
            "byte",
        ),
        case(
            "a tensor of 100 dimensions",
            made(nodes(&format!("f32[{}]", ["1"; 100].join(",")), &relu)),
            "onnx-too-many",
            "byte",
        ),
    ];
    for (what, path, at) in
        [("a path that climbs", "../../../etc/passwd", "file"), ("a path from the root", "/etc/passwd", "file")]
    {
        let mut graph = nodes("f32[2]", &json!([["Mul", "x w", "y"]]));
        let mut weights = tensor("w", &json!(["f32[2]"]));
        weights.external_data =
            vec![entry("location", path), entry("offset", "99999999999999999999"), entry("length", "-1")];
        graph.initializer = vec![weights.encode_to_vec().into()];
        all.push(case(what, made(graph), "external-data", at));
    }
    let fixed = json!([["Constant", "", "k", shape(&[1, 12])], ["Relu", "x", "r"], ["Reshape", "r k", "y"]]);
    all.push(Case {
        batch: Some(4),
        ..case(
            "another batch where a shape is built in",
            made(nodes("f32[1,3,2,2]", &fixed)),
            "reshape-mismatch",
            "node 2 `y`",
        )
    });
    let sliced = json!([
        ["Constant", "", "a", shape(&[0])],
        ["Constant", "", "b", shape(&[1])],
        ["Relu", "x", "r"],
        ["Slice", "r a b a", "y"]
    ]);
    all.push(Case {
        batch: Some(4),
        ..case("another batch where one is cut out", made(nodes("f32[1,3,2,2]", &sliced)), "batch-fixed", "node 3 `y`")
    });
    all
}

/// `file`, `byte 12`, ``node 1 `y` ``.
fn place(origin: &Origin) -> String {
    match origin {
        Origin::File => "file".into(),
        Origin::Byte(at) => format!("byte {at}"),
        Origin::Node { name, index } => format!("node {index} `{name}`"),
        Origin::Text(_) => "text".into(),
    }
}

fn findings(file: &Arc<[u8]>, batch: Option<u64>) -> Vec<Diagnostic> {
    let read = onnx::read(Arc::clone(file), &Bindings { batch, ..Bindings::default() });
    lints(&read);
    read.diagnostics
}

#[test]
fn each_says_what_is_wrong_and_where() {
    let mut wrong = Vec::new();
    for Case { what, file, batch, says, at } in cases() {
        let findings = findings(&file, batch);
        let found: Vec<String> =
            findings.iter().map(|d| format!("{} at {}: {}", d.code, place(&d.origin), d.message)).collect();
        let worst = findings.iter().max_by_key(|d| d.severity);
        let right = worst
            .is_some_and(|d| d.code == says && place(&d.origin).starts_with(at) && d.severity >= Severity::Warning);
        if !right {
            wrong.push(format!("{what}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sparse_tensors_count_with_their_zeros() {
    let sparse = |dims: &[i64]| {
        let values = tensor("w", &json!(["f32[2]", [1.0, 2.0]])).encode_to_vec().into();
        let mut graph = nodes("f32[5,30]", &json!([["MatMul", "x w", "y"]]));
        graph.sparse_initializer = vec![SparseTensorProto { values, dims: dims.to_vec() }.encode_to_vec().into()];
        onnx::read(made(graph), &Bindings::default())
    };
    let totals = report(sparse(&[30, 20])).totals;
    assert_eq!(totals.parameters.least.to_string(), "600");
    assert_eq!(totals.macs.least.to_string(), "3000");
    assert_eq!(sparse(&[30, -20]).diagnostics[0].code, "invalid-tensor");
    assert_eq!(sparse(&[i64::MAX, i64::MAX]).diagnostics[0].code, "invalid-tensor");
}

/// Figures that lints would have to name are beyond all numbers here: what cannot be said is left out.
#[test]
fn lints_of_extreme_numbers_do_no_harm() {
    let window = |op: &str, attributes: Value| made(nodes("f32[1,3,8,8]", &json!([[op, "x", "y", attributes]])));
    let dense = json!([["Flatten", "x", "f"], ["Gemm", "f w", "y"]]);
    let dense = storing(nodes("f32[1,1,1099511627776,1099511627776]", &dense), &[("w", json!(["f32[4,10]"]))]);
    for (what, file, codes) in [
        ("the least kernel", window("Frobnicate", json!({"kernel_shape": [i64::MIN, 1], "strides": [1, 1]})), &[][..]),
        (
            "the largest kernel and dilation",
            window("Frobnicate", json!({"kernel_shape": [i64::MAX, i64::MAX], "dilations": [i64::MAX, 2]})),
            &[],
        ),
        (
            "the largest stride",
            window("MaxPool", json!({"kernel_shape": [3, 3], "strides": [i64::MAX, 1]})),
            &["uneven-stride", "stride-skips"],
        ),
        (
            "strides with a product beyond 2^64",
            window("MaxPool", json!({"kernel_shape": [3, 3], "strides": [i64::MAX, i64::MAX]})),
            &["uneven-stride"],
        ),
        ("maps of 2^80 values", made(dense), &["fixed-image-size"]),
    ] {
        let read = onnx::read(file, &Bindings::default());
        assert!(read.model.is_some(), "{what}");
        assert_eq!(lints(&read).iter().map(|d| d.code).collect::<Vec<_>>(), codes, "{what}");
    }
}

/// Sizes beyond 2^63 are not numbers: they are unknown, and so is all that follows from them.
#[test]
fn sizes_beyond_all_numbers_are_unknown_and_nothing_wraps() {
    let shape = |dims: &[i64]| json!({"value": {"tensor": [format!("i64[{}]", dims.len()), dims]}});
    for (op, dims) in [("Tile", vec![i64::MAX, i64::MAX]), ("Pad", vec![i64::MAX, 0, i64::MAX, 0])] {
        let body = json!([["Constant", "", "k", shape(&dims)], [op, "x k", "h"], ["Neg", "h", "y"]]);
        let read = onnx::read(made(nodes("f32[2,3]", &body)), &Bindings::default());
        let model = read.model.as_ref().expect("a model");
        let out = model.values[model.main.outputs[0]].ty.tensor().and_then(|t| t.shape.elements());
        assert_eq!(out, None, "{op}");
        assert!(report(read).inference.activation_peak.incomplete, "{op}");
    }
}

/// A graph with a bit of everything that a reader follows: stored values, a sub-graph, a function, an unused output.
fn rich() -> Vec<u8> {
    let branch = |op: &str| json!({"in": [], "nodes": [[op, "p", "o"]], "init": {}, "out": ["o"]});
    let body = json!([
        ["Conv", "x w", "c", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}],
        ["own::f", "c", "p"],
        ["Shape", "p", "s"],
        ["Constant", "", "t", {"value": {"tensor": ["bool[]", [1]]}}],
        ["If", "t", "r", {"then_branch": {"graph": branch("Relu")}, "else_branch": {"graph": branch("Neg")}}],
        ["Split", "r", "a b", {"axis": 1, "num_outputs": 2}],
        ["Reshape", "a s2", "y"],
    ]);
    let halve = json!([["MaxPool", "a", "b", {"kernel_shape": [2, 2], "strides": {"ref": "by"}}]]);
    let function = json!(["own::f", "a", "b", {"": 21}, halve, {"by": [2, 2]}]);
    let stored = [("w", json!(["f32[4,3,3,3]"])), ("s2", json!(["i64[2]", [0, -1]]))];
    let graph = storing(nodes("f32[N,3,8,8]", &body), &stored);
    model(&json!({"": 21, "own": 1}), graph, &[function]).encode_to_vec()
}

/// Reads and sizes whatever there is; what comes out of it must be fit to be shown.
fn survive(bytes: &[u8]) -> Vec<Diagnostic> {
    let precision = Precision { weights: Some(DType::I4), activations: Some(DType::F16) };
    let read = onnx::read(Arc::from(bytes), &Bindings { batch: Some(3), precision, ..Bindings::default() });
    let findings = read.diagnostics.clone();
    for finding in findings.iter().chain(&lints(&read)) {
        assert!(finding.message.chars().count() < 600, "{}", finding.message);
        if let Origin::Byte(at) = finding.origin {
            assert!(at <= bytes.len() as u64, "{finding:?}");
        }
    }
    assert!(read.model.is_some() || findings.iter().any(|d| d.severity == Severity::Error));
    if read.model.is_some() {
        report(read);
    }
    findings
}

#[test]
fn a_file_cut_off_anywhere_says_so() {
    let whole = rich();
    assert_eq!(
        survive(&whole).iter().filter(|d| d.severity == Severity::Error).collect::<Vec<_>>(),
        [] as [&Diagnostic; 0]
    );
    for end in 0..whole.len() {
        let findings = survive(&whole[..end]);
        let cut = findings.iter().any(|d| ["onnx-truncated", "onnx-damaged", "not-onnx"].contains(&d.code));
        // Between the outermost fields the file is whole without those that follow.
        let without_functions = findings.iter().any(|d| ["unknown-operator", "undefined-name"].contains(&d.code));
        assert!(cut || without_functions, "cut at {end} of {}: {findings:?}", whole.len());
    }
}

#[test]
fn a_wrong_byte_anywhere_does_no_harm() {
    let whole = rich();
    for at in 0..whole.len() {
        for wrong in [0, 1, 0x7f, 0x80, 0xff, whole[at].wrapping_add(1)] {
            let mut bytes = whole.clone();
            bytes[at] = wrong;
            survive(&bytes);
        }
    }
}

proptest! {
    #[test]
    fn bytes_moved_about_do_no_harm(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..12)
    ) {
        let mut bytes = rich();
        for (at, to, byte, edit) in edits {
            let (at, to) = (at.index(bytes.len()), to.index(bytes.len()));
            let (first, last) = (at.min(to), at.max(to).min(at.min(to) + 40));
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.drain(first..last); }
                _ => {
                    let part = bytes[first..last].to_vec();
                    bytes.splice(to..to, part);
                }
            }
            if bytes.is_empty() {
                bytes.push(byte);
            }
        }
        survive(&bytes);
    }

    /// ONNX's own cases with some of their numbers made extreme.
    #[test]
    fn extreme_numbers_in_graphs_do_no_harm(
        case in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(EXTREMES)), 1..4)
    ) {
        let lines = read("tests/corpus/onnx/graphs.jsonl");
        let lines: Vec<&str> = lines.lines().collect();
        let line = extreme(lines[case.index(lines.len())], &edits);
        let value: Value = serde_json::from_str(&line).unwrap();
        let functions = value.get(6).map_or(&[][..], |f| f.as_array().unwrap());
        let graph = graph(&value[2], &value[4], &value[5]);
        survive(&model(&value[1], graph, functions).encode_to_vec());
    }
}
