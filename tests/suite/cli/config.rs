//! `cnnsize.yaml` and the commands that size: which setting wins, and that it is said where it is from.

use super::{Run, command, ended, file, folder};
use crate::onnx::build;
use cnnsize::front::onnx::Bindings;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A grey image of 8x8 and four maps of it: 64·4 B in, 36·4 = 144 values out, 3·3·4 + 4 = 40 parameters.
const NET: &str = "input 1@8x8\nconv 4 3x3\n";

fn run_in(folder: &Path, args: &[&str]) -> Run {
    ended(&command(args).current_dir(folder).output().expect("the program starts"))
}

fn project(test: &str, config: &str, net: &str) -> PathBuf {
    let folder = folder(&format!("configured_{test}"));
    file(&folder, "cnnsize.yaml", config);
    file(&folder, "nets/net.arch", net);
    folder
}

/// What a run reports as the settings of its only model.
fn settings(run: &Run) -> Value {
    let report: Value =
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    report["models"][0]["settings"].clone()
}

/// Command line, entry, the file's own word, defaults, built in: each with the next one saying something else.
#[test]
fn the_batch_is_that_of_the_first_who_says_one() {
    let entry = "defaults: { batch: 5 }\nmodels: [{ path: nets/*.arch, batch: 3 }]\n";
    let defaults = "defaults: { batch: 5 }\n";
    let spoken = format!("batch 4\n{NET}");
    for (test, config, net, args, batch) in [
        ("line", entry, spoken.as_str(), &["--batch", "2"][..], 2),
        ("entry", entry, &spoken, &[], 3),
        ("file", defaults, &spoken, &[], 4),
        ("defaults", defaults, NET, &[], 5),
        ("isolated", entry, NET, &["--isolated"], 1),
    ] {
        let folder = project(test, config, net);
        let run = run_in(&folder, &[&["nets/net.arch", "-f", "json"], args].concat());
        assert_eq!(settings(&run)["batch"], batch, "{test}");
        let is_said = run.err.contains(&format!("`cnnsize.yaml` sets batch {batch}"));
        assert_eq!(is_said, matches!(test, "entry" | "defaults"), "{test}: {}", run.err);
    }
}

#[test]
fn every_setting_of_an_entry_holds() {
    let config = "models:\n  - path: nets/*.arch\n    precision: fp16\n    convention: fvcore\n    input: 1@16x16\n    let: [k=8]\n    model: wide\n";
    let net =
        "let k = 2\nmodel narrow {\n  input 1@8x8\n  conv k 3x3\n}\nmodel wide {\n  input 1@8x8\n  conv 2*k 3x3\n}\n";
    let folder = project("entry_all", config, net);
    let run = run_in(&folder, &["nets/net.arch", "-f", "json"]);
    assert_eq!(settings(&run)["precision"], "fp16");
    assert_eq!(settings(&run)["convention"], "fvcore");
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["models"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["models"][0]["layers"][0]["outputs"][0]["shape"], serde_json::json!([1, 16, 14, 14]));
    let said = "`cnnsize.yaml` sets precision fp16, convention fvcore, input 1@16x16, let k=8, model wide";
    assert!(run.err.contains(said), "{}", run.err);
    // The command line's own `let` leaves nothing of that one to say.
    let run = run_in(&folder, &["nets/net.arch", "-f", "json", "--let", "k=1"]);
    assert!(run.err.contains("input 1@16x16, model wide"), "{}", run.err);
}

/// Standard input is matched by the name that it is given.
#[test]
fn an_entry_holds_for_standard_input_too() {
    let folder = project("stdin", "models: [{ path: nets/*.arch, batch: 3 }]\n", NET);
    let mut command = command(&["-", "--stdin-filename", "nets/new.arch", "-f", "json"]);
    let net = std::fs::File::open(folder.join("nets/net.arch")).expect("a network");
    let run = ended(&command.current_dir(&folder).stdin(net).output().expect("the program starts"));
    assert_eq!(settings(&run)["batch"], 3);
}

/// 256 B of input at fp32 is what the claim says of the file, whatever the configuration does.
#[test]
fn claims_see_nothing_of_the_configuration() {
    let config = "defaults: { batch: 5, precision: fp16 }\n";
    let folder = project("claims", config, &format!("{NET}expect input.bytes 256 B\n"));
    assert_eq!(run_in(&folder, &["nets/net.arch"]).code, Some(0));
    assert_eq!(run_in(&folder, &["check", "nets/net.arch"]).code, Some(0));
}

#[test]
fn explanations_are_for_the_configured_batch() {
    let folder = project("explain", "defaults: { batch: 5 }\n", NET);
    let run = run_in(&folder, &["explain", "nets/net.arch", "memory"]);
    assert!(run.out.contains("training, 5 examples"), "{}{}", run.out, run.err);
}

/// The first size of what is fed in an exported file.
fn written_batch(run: &Run, path: &Path) -> u64 {
    assert_eq!(run.code, Some(0), "{}", run.err);
    let bytes: std::sync::Arc<[u8]> = std::fs::read(path).expect("a file").into();
    let model = cnnsize::front::onnx::read(bytes, &Bindings::default()).model.expect("a graph");
    let fed = &model.values[model.main.inputs[0]].ty;
    fed.tensor().and_then(|tensor| tensor.shape.dims()?.first()?.size()).expect("a batch")
}

/// What is written has the batch of whoever says one first, and it is said where that is from.
#[test]
fn exports_are_for_the_configured_batch() {
    let entry = "defaults: { batch: 5 }\nmodels: [{ path: nets/*.arch, batch: 3, convention: fvcore }]\n";
    let defaults = "defaults: { batch: 5, strict: true }\n";
    let spoken = format!("batch 4\n{NET}");
    for (test, config, net, args, batch) in [
        ("export_line", entry, spoken.as_str(), &["--batch", "2"][..], 2),
        ("export_entry", entry, &spoken, &[], 3),
        ("export_file", defaults, &spoken, &[], 4),
        ("export_defaults", defaults, NET, &[], 5),
        ("export_isolated", entry, NET, &["--isolated"], 1),
    ] {
        let folder = project(test, config, net);
        let run = run_in(&folder, &[&["export", "nets/net.arch", "-o", "net.onnx"], args].concat());
        assert_eq!(written_batch(&run, &folder.join("net.onnx")), batch, "{test}");
        // How figures are counted is of no matter here.
        let is_said = run.err.contains(&format!("`cnnsize.yaml` sets batch {batch}\n"));
        assert_eq!(is_said, matches!(test, "export_entry" | "export_defaults"), "{test}: {}", run.err);
    }
}

/// A graph with a symbol for its batch takes that of the defaults, one with a batch of its own keeps it.
#[test]
fn graphs_are_exported_for_the_configured_batch() {
    for (shape, batch) in [("f32[N,8]", 5), ("f32[7,8]", 7)] {
        let folder = project("export_graph", "defaults: { batch: 5 }\n", NET);
        let graph = build::graph(&json!({ "x": shape }), &json!([["Relu", "x", "y"]]), &json!({ "y": shape }));
        file(&folder, "relu.onnx", build::file(&build::model(&json!({ "": 20 }), graph, &[])));
        let run = run_in(&folder, &["export", "relu.onnx", "-o", "out.onnx"]);
        assert_eq!(written_batch(&run, &folder.join("out.onnx")), batch);
        assert_eq!(run.err.contains("sets batch 5"), batch == 5, "{}", run.err);
    }
}

#[test]
fn a_model_of_the_configuration_is_the_one_that_is_exported() {
    let net = "model a {\n  input 1@8x8\n  conv 4 3x3\n}\nmodel b {\n  input 1@9x9\n  conv 4 3x3\n}\n";
    let one = project("export_model", "models: [{ path: nets/*.arch, model: b }]\n", net);
    let run = run_in(&one, &["export", "nets/net.arch", "-f", "mermaid"]);
    assert!(run.out.contains("1@9x9") && run.err.contains("sets model b"), "{}{}", run.out, run.err);
    let two = "models:\n  - { path: nets/*.arch, model: a, batch: 2 }\n  - { path: nets/*.arch, model: b, batch: 3 }\n";
    let two = project("export_models", two, net);
    let run = run_in(&two, &["export", "nets/net.arch", "-f", "mermaid"]);
    assert!(run.code == Some(2) && run.err.contains("`--model a`"), "{}", run.err);
    let run = run_in(&two, &["export", "nets/net.arch", "-f", "mermaid", "--model", "b"]);
    assert!(run.code == Some(0) && run.err.contains("sets batch 3"), "{}", run.err);
}

/// A graph's types are part of its nodes. Whose wish it is that they were others is said.
#[test]
fn a_precision_that_cannot_be_written_is_said_to_be_the_configurations() {
    let folder = project("export_precision", "models: [{ path: relu.onnx, precision: fp16 }]\n", NET);
    let graph = build::graph(&json!({ "x": "f32[8]" }), &json!([["Relu", "x", "y"]]), &json!({ "y": "f32[8]" }));
    file(&folder, "relu.onnx", build::file(&build::model(&json!({ "": 20 }), graph, &[])));
    for args in [&["export", "relu.onnx", "-o", "out.onnx"][..], &["verify", "relu.onnx"]] {
        let run = run_in(&folder, args);
        assert_eq!(run.code, Some(2));
        assert!(run.err.contains("`cnnsize.yaml` sets precision fp16, and `--isolated` leaves it out"), "{}", run.err);
    }
}

#[test]
fn a_broken_configuration_stops_every_command_that_sizes() {
    let folder = project("broken", "defaults: { bach: 5 }\n", NET);
    for args in [
        &["nets/net.arch"][..],
        &["check", "nets/net.arch"],
        &["explain", "nets/net.arch", "params"],
        &["verify", "nets/net.arch"],
        &["export", "nets/net.arch", "-f", "dot"],
    ] {
        let run = run_in(&folder, args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.err.contains("did you mean `batch`?") && run.err.contains("cnnsize.yaml:1:13"), "{}", run.err);
    }
    assert_eq!(run_in(&folder, &["nets/net.arch", "--isolated"]).code, Some(0));
}

#[test]
fn a_key_without_a_value_says_nothing() {
    let folder = project("empty", "defaults:\n  # batch: 5\nmodels:\nexclude:\nlints:\n", NET);
    let run = run_in(&folder, &["nets/net.arch"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}
