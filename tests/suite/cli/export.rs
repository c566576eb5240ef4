//! `cnnsize export`: what it refuses, and that no half of a file is ever left.

use super::{Run, file, folder, run, run_with_input};
use crate::onnx::build;
use cnnsize::front::onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};
use prost::Message;
use prost::bytes::Bytes;
use serde_json::json;
use std::fs;
use std::path::Path;

/// A network whose names are meant to break out of where they stand.
fn hostile() -> Vec<u8> {
    relu("/a\"]\\/b\n%%{init}%% \u{202e}<script>".into(), "g\"]".into(), Vec::new())
}

/// A graph of one node.
fn relu(name: Bytes, graph: Bytes, initializer: Vec<Bytes>) -> Vec<u8> {
    let node = NodeProto {
        input: vec!["x".into()],
        output: vec!["y".into()],
        name,
        op_type: "Relu".into(),
        ..NodeProto::default()
    };
    let value = |name: &'static str| {
        let shape = Some(TensorShapeProto { dim: Vec::new() });
        let tensor = type_proto::Value::TensorType(type_proto::Tensor { elem_type: 1, shape });
        ValueInfoProto { name: name.into(), r#type: Some(TypeProto { value: Some(tensor) }) }.encode_to_vec().into()
    };
    let graph = GraphProto {
        node: vec![node.encode_to_vec().into()],
        name: graph,
        initializer,
        input: vec![value("x")],
        output: vec![value("y")],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { version: 20, ..OperatorSetIdProto::default() }];
    ModelProto { ir_version: 9, graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().to_str().expect("UTF-8").to_owned()).collect();
    names.sort();
    names
}

fn refused(run: &Run, code: i32, says: &str) {
    assert_eq!(run.code, Some(code), "{}", run.err);
    assert!(run.err.contains(says), "{says}: {}", run.err);
    assert_eq!(run.out, "");
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let folder = folder("export_whole");
    let good = file(&folder, "good.arch", super::GOOD);
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    for out in [path("none/m.onnx"), path("good.arch/m.onnx")] {
        refused(&run(&["export", &good, "-o", &out]), 2, "cannot write");
    }
    fs::create_dir(folder.join("folder.onnx")).expect("a folder");
    refused(&run(&["export", &good, "-o", &path("folder.onnx")]), 2, "directory");
    assert_eq!(files(&folder), ["folder.onnx", "good.arch"]);
    // What was there stays until something whole takes its place.
    let old = file(&folder, "m.onnx", "old");
    let broken = file(&folder, "broken.arch", super::BROKEN);
    refused(&run(&["export", &broken, "-o", &old]), 1, "unknown-layer");
    assert_eq!(fs::read(&old).expect("the old file"), b"old");
    assert_eq!(run(&["export", &good, "-o", &old]).code, Some(0));
    assert!(fs::read(&old).expect("the new file").starts_with(b"\x08\x0a"));
    assert_eq!(files(&folder), ["broken.arch", "folder.onnx", "good.arch", "m.onnx"]);
}

/// A link leads on to what takes the old file's place, and who may read that stays as it was.
#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder("export_link");
    let good = file(&folder, "good.arch", super::GOOD);
    let old = file(&folder, "old.onnx", "old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink("old.onnx", folder.join("link.onnx")).expect("a link");
    let link = folder.join("link.onnx").to_str().expect("UTF-8").to_owned();
    assert_eq!(run(&["export", &good, "-o", &link]).code, Some(0));
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_ne!(fs::read(&old).expect("the new file"), b"old");
    assert_eq!(fs::metadata(&old).expect("the new file").permissions().mode() & 0o777, 0o640);
    assert_eq!(files(&folder), ["good.arch", "link.onnx", "old.onnx"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let folder = folder("export_full");
    let good = file(&folder, "good.arch", super::GOOD);
    std::os::unix::fs::symlink("/dev/full", folder.join("m.onnx")).expect("a link");
    let out = folder.join("m.onnx");
    refused(&run(&["export", &good, "-o", out.to_str().expect("UTF-8")]), 2, "cannot write");
    assert_eq!(files(&folder), ["good.arch", "m.onnx"]);
}

#[test]
fn what_cannot_be_done_is_said_with_what_can() {
    let folder = folder("export_refused");
    let good = file(&folder, "good.arch", super::GOOD);
    let two = file(&folder, "two.arch", "model a { input 3@8x8; relu }\nmodel b { input 3@8x8; relu }\n");
    let own = file(&folder, "own.arch", "input 3@8x8\nl: local 4 3x3\n");
    let huge = file(&folder, "huge.arch", "input 1_000_000\ndense 1_000\n");
    let out = folder.join("m.onnx").to_str().expect("UTF-8").to_owned();
    let says = |args: &[&str], code, says: &str| refused(&run(&[&["export"], args].concat()), code, says);
    says(&[&good], 2, "`-o model.onnx`");
    says(&[&good, "-o", "m.pdf"], 2, ".onnx, .dot, .gv, .mmd");
    says(&[&good, "-o", &out, "--weights", "keep"], 2, "`--weights random`");
    says(&[&good, "-o", &out, "--weights", "zero", "--seed", "1"], 2, "`--weights random`");
    says(&[&good, "-f", "dot", "--weights", "zero"], 2, "`--weights` is about ONNX files");
    says(&[&good, "-f", "dot", "--symbolic-batch"], 2, "`--symbolic-batch` is about ONNX files");
    says(&[&good, "-o", &out, "--symbolic-batch", "--batch", "2"], 2, "cannot be used with");
    says(&[&good, "-o", &out, "--strict"], 2, "`--strict` is about figures");
    says(&[&good, "-o", &out, "--dim", "N=1"], 2, "`--dim` is about .onnx files");
    says(&[&two, "-o", &out], 2, "`--model a`");
    says(&[&own, "-o", &out], 1, "`l` is no layer of ONNX: it has no operator `LocalConv`");
    says(&[&good, "-o", &out, "-p", "int8"], 1, "`--precision fp32`");
    says(&[&good, "-o", &out, "-p", "weights=fp16,activations=fp32"], 1, "here are f32 and f16");
    says(&[&huge, "-o", &out], 2, "`--weights none`");
    assert!(!Path::new(&out).exists());
    assert_eq!(run(&["export", &huge, "-o", &out, "--weights", "none"]).code, Some(0));
}

/// A graph whose weights lie in another file is of use only beside that.
#[test]
fn weights_in_other_files_are_not_left_behind_unsaid() {
    let folder = folder("export_external");
    let tensor = TensorProto {
        dims: vec![4],
        data_type: 1,
        name: "w".into(),
        external_data: vec![StringStringEntryProto { key: "location".into(), value: "w.bin".into() }],
        data_location: 1,
        ..TensorProto::default()
    };
    let bytes = relu("n".into(), "g".into(), vec![tensor.encode_to_vec().into()]);
    let graph = file(&folder, "m.onnx", bytes);
    let says = |out: &str, weights: &str| {
        let out = folder.join(out).to_str().expect("UTF-8").to_owned();
        let run = run(&["export", &graph, "-o", &out, "--weights", weights]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        run.err.contains("copy them beside it")
    };
    fs::create_dir(folder.join("other")).expect("a folder");
    assert!(says("other/n.onnx", "keep"));
    assert!(!says("n.onnx", "keep"));
    assert!(!says("other/n.onnx", "zero"));
}

#[test]
fn names_cannot_break_out_of_a_drawing() {
    for (format, line) in [
        ("dot", r#"label="a\"]\\";"#),
        ("dot", r#"[label="b\\n%%{init}%% \\u{202e}<script>\nRelu\n[]"];"#),
        ("mermaid", r#"["a#34;]#92;"]"#),
        ("mermaid", r#"["b#92;n#37;#37;#123;init#125;#37;#37; #92;u#123;202e#125;#60;script#62;<br/>Relu<br/>[]"]"#),
    ] {
        let run = run_with_input(&["export", "-", "--format", format], &hostile());
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert!(run.out.contains(line), "{line}\n{}", run.out);
    }
}

/// The branches of a choice read `h` from outside: nothing else leads from it to what is delivered.
#[test]
fn drawings_show_what_branches_read() {
    let branch = |op: &str| json!({ "graph": { "in": [], "nodes": [[op, "h", "b"]], "init": {}, "out": ["b"] } });
    let choice = json!(["If", "c", "y", { "then_branch": branch("Neg"), "else_branch": branch("Sigmoid") }]);
    let nodes = json!([["Relu", "x", "h"], choice]);
    let graph = build::graph(&json!({ "x": "f32[2]", "c": "bool[]" }), &nodes, &json!({ "y": "f32[2]" }));
    let graph = build::file(&build::model(&json!({ "": 20 }), graph, &[]));
    let run = run_with_input(&["export", "-", "--format", "mermaid"], &graph);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let card = |holds: &str| {
        let line = run.out.lines().find(|line| line.contains(holds)).expect("a card");
        line.trim().split(['[', '(']).next().expect("its name").to_owned()
    };
    let arrow = format!("{} --> {}", card("Relu"), card("If"));
    assert!(run.out.lines().any(|line| line.trim() == arrow), "{arrow}\n{}", run.out);
}
