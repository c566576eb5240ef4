//! `cnnsize verify` with the ONNX Runtime that `./test` installs.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The library that tests/requirements.txt names.
pub(super) fn library() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/lib");
    let versions = fs::read_dir(&python).expect("`./test` sets up target/python");
    let folders = versions.map(|entry| entry.expect("an entry").path().join("site-packages/onnxruntime/capi"));
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut paths = files.map(|entry| entry.expect("an entry").path());
    let is_library = |path: &PathBuf| path.to_string_lossy().contains("libonnxruntime.");
    paths.find(is_library).expect("onnxruntime is in target/python")
}

/// The program where nothing but what is named can be found.
pub(super) fn verify(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
    command.arg("verify").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "NODE_PATH", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    command.env("PATH", "");
    command
}

pub(super) fn run(arguments: &[&str]) -> Output {
    verify(arguments).env("ORT_DYLIB_PATH", library()).output().expect("the program starts")
}

/// What is printed of every model.
pub(super) fn models(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[arguments, &["--format", "json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {error}"));
    let schema = Command::new(env!("CARGO_BIN_EXE_cnnsize")).args(["schema", "verify"]).output().expect("a schema");
    let schema = serde_json::from_slice(&schema.stdout).expect("the schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&printed).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    printed["models"].as_array().expect("models").clone()
}

pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A file of this content for a test of this name.
pub(super) fn file(test: &str, name: &str, content: impl AsRef<[u8]>) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, content).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

/// The sizing exercise, by hand: values of 2·6, 2·3 and 2·1.52 million bytes, of which the first two are alive at once;
/// a convolution that fills its scratch takes 128·128 floats for a thread.
#[test]
fn the_sizing_exercise_is_measured_to_be_what_the_text_says() {
    let models = models(&["examples/textbook.arch", "--batch", "2,3", "--device", "cpu"]);
    let model = &models[0];
    assert_eq!(model["verdict"], "agree", "{model:#}");
    let plain: Vec<&Value> = model["runs"].as_array().unwrap().iter().filter(|run| run["optimized"] == false).collect();
    for (run, batch) in plain.iter().zip([2u64, 3]) {
        assert_eq!(run["batch"], batch);
        assert_eq!(run["tensors"]["compared"], 3);
        assert_eq!(run["tensors"]["agree"], 3);
        assert_eq!(run["tensors"]["measured_bytes"], batch * (6_000_000 + 3_000_000 + 1_520_000));
        assert_eq!(run["weights"]["measured_values"], 903_400);
        assert_eq!(run["weights"]["measured_bytes"], 4 * 903_400);
        assert_eq!(run["memory"]["alive_bytes"], batch * 9_000_000);
        assert_eq!(run["memory"]["first"]["measured_bytes"], batch * 9_000_000 + 128 * 128 * 4);
        assert_eq!((&run["macs"]["layers"], &run["macs"]["agree"]), (&3.into(), &3.into()));
        assert_eq!(run["macs"]["measured"], batch * 1_399_500_000);
    }
    let nodes = plain[0]["time"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(|node| &node["name"]).collect::<Vec<_>>(), ["conv1", "conv2", "conv3"]);
    let proportional = serde_json::json!({ "predicted": true, "measured": true });
    let grown = serde_json::json!({ "from_batch": 2, "bytes": proportional, "macs": proportional });
    assert_eq!((&plain[0]["linearity"], &plain[1]["linearity"]), (&Value::Null, &grown));
}

/// The same with the runtime's optimisations: no scratch, and channels in blocks of as many as the processor's vectors
/// hold. 100 channels of 15,000 floats are filled up to 112 or 104; 200 of 3,750 to 208, or not.
#[test]
fn the_sizing_exercise_is_measured_with_channels_in_blocks() {
    let models = models(&["examples/textbook.arch", "--batch", "2,3", "--device", "cpu"]);
    let runs = models[0]["runs"].as_array().unwrap();
    let optimized: Vec<&Value> = runs.iter().filter(|run| run["optimized"] == true).collect();
    assert_eq!(optimized.len(), 2);
    for (run, batch) in optimized.iter().zip([2u64, 3]) {
        let (first, steady) = (&run["memory"]["first"], &run["memory"]["steady"]);
        let blocks = [(112, 208), (104, 200)].map(|(one, two)| batch * 4 * (one * 15_000 + two * 3_750));
        assert!(blocks.iter().any(|bytes| first["predicted_bytes"] == *bytes), "{run:#}");
        assert_eq!(first["predicted_bytes"], first["measured_bytes"]);
        assert!(steady["predicted_bytes"].as_u64() > first["predicted_bytes"].as_u64(), "{run:#}");
        assert_eq!(steady["predicted_bytes"], steady["measured_bytes"]);
    }
}

/// The command line, each model's entry, the file, the defaults: as everywhere else.
#[test]
fn models_run_with_the_settings_of_the_configuration() {
    let net = "batch 4\nmodel a {\n  input 1@8x8\n  conv 4 3x3\n}\nmodel b {\n  input 1@8x8\n  conv 4 3x3\n}\n";
    let net = file("verify_configured", "net.arch", net);
    let configs = [
        ("defaults: { batch: 5 }\nmodels: [{ path: net.arch, batch: 3 }]\n", &[][..], [3, 3]),
        ("models:\n- { path: net.arch, model: a, batch: 2 }\n- { path: net.arch, model: b, batch: 3 }\n", &[], [2, 3]),
        ("defaults: { batch: 5 }\nmodels: [{ path: net.arch, batch: 3 }]\n", &["--batch", "6"], [6, 6]),
        ("defaults: { batch: 5 }\nmodels: [{ path: net.arch, batch: 3 }]\n", &["--isolated"], [4, 4]),
    ];
    for (config, args, batches) in configs {
        file("verify_configured", "cnnsize.yaml", config);
        let mut command = verify(&[&["net.arch", "--device", "cpu", "--format", "json"], args].concat());
        let folder = Path::new(&net).parent().unwrap();
        let output = command.current_dir(folder).env("ORT_DYLIB_PATH", library()).output().expect("the program starts");
        let printed: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
        let found: Vec<_> = [0, 1].map(|model| printed["models"][model]["runs"][0]["batch"].as_u64()).into();
        assert_eq!(found, batches.map(Some), "{config}");
        assert_eq!(said(&output).contains("`cnnsize.yaml` sets batch"), args.is_empty(), "{}", said(&output));
    }
}

#[test]
fn formats_are_for_people_and_for_build_servers() {
    let arch = file("verify_formats", "small.arch", "input 3@8x8\nconv 4 3x3 same relu\nflatten\ndense 10\n");
    let table = String::from_utf8(run(&[&arch, "--batch", "4"]).stdout).unwrap();
    for part in ["agree", "ONNX Runtime 1.", "4/4 tensors agree", "2/2 layers agree"] {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    let junit = String::from_utf8(run(&[&arch, "--format", "junit"]).stdout).unwrap();
    assert!(junit.contains("<testcase name=\"tensors at batch 1\"") && junit.contains("failures=\"0\""), "{junit}");
}

#[test]
fn layers_that_onnx_cannot_say_are_named() {
    let models = models(&["examples/lenet5.arch", "--model", "lenet5"]);
    assert_eq!(models[0]["verdict"], "incomplete");
    assert!(models[0]["missing"][0].as_str().unwrap().contains("Subsample"), "{:#}", models[0]);
}

#[test]
fn the_worker_is_of_no_use_to_people() {
    let output = Command::new(env!("CARGO_BIN_EXE_cnnsize")).arg("verify-worker").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("cnnsize verify"), "{}", said(&output));
}

#[test]
fn a_broken_text_is_explained_and_not_run() {
    let output = run(&["examples/broken/window_too_big.arch"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("window-too-big"), "{}", said(&output));
}

/// A graph of the language's own making, read back: without weights of its own, for a batch that it was not written for.
#[test]
fn graphs_run_with_made_up_weights_and_another_batch() {
    let path = file("verify_graph", "small.onnx", "");
    let arch = file("verify_graph", "small.arch", "input 3@8x8\nconv 4 3x3 same bn relu\nflatten\ndense 10\n");
    for weights in ["none", "random"] {
        let mut export = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
        let written = export.args(["export", &arch, "-o", &path, "--weights", weights]).output().expect("it starts");
        assert_eq!(written.status.code(), Some(0), "{}", said(&written));
        let models = models(&[&path, "--batch", "3,5", "--device", "cpu"]);
        assert_eq!(models[0]["verdict"], "agree", "{weights}: {:#}", models[0]);
        // 3·4·3·3 + 4, two times two of the normalisation, and 256·10 + 10.
        assert_eq!(models[0]["runs"][0]["weights"]["measured_values"], 112 + 16 + 2_570);
    }
    let kept = models(&[&path, "--weights", "keep", "--device", "cpu"]);
    assert_eq!(kept[0]["verdict"], "agree", "{:#}", kept[0]);
    let output = run(&[&arch, "--weights", "keep"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--weights random"), "{}", said(&output));
}

/// Nothing is left of a run that is killed, and nobody else reads what it writes.
#[cfg(unix)]
#[test]
fn the_process_goes_with_the_program_and_tidies_up() {
    use std::os::unix::fs::PermissionsExt;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("verify_killed");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let mut command = verify(&["examples/textbook.arch", "--batch", "8", "--device", "cpu"]);
    command.env("ORT_DYLIB_PATH", library()).env("TMPDIR", &folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn().expect("the program starts");
    let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().find_map(Result::ok);
    let until = |holds: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_mins(1), "in vain");
            thread::sleep(Duration::from_millis(2));
        }
    };
    until(&|| inside(&folder).is_some_and(|scratch| inside(&scratch.path()).is_some()));
    let scratch = inside(&folder).expect("a folder for profiles");
    assert_eq!(scratch.metadata().expect("a folder").permissions().mode() & 0o777, 0o700);
    program.kill().expect("it runs");
    program.wait().expect("it ends");
    until(&|| inside(&folder).is_none());
}

/// An option that would change nothing is a mistake of somebody who thinks that it does.
#[test]
fn options_that_say_nothing_of_the_file_are_refused() {
    let arch = file("verify_misplaced", "small.arch", "input 3@8x8\nflatten\ndense 10\n");
    let path = file("verify_misplaced", "small.onnx", "");
    let mut export = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
    assert_eq!(export.args(["export", &arch, "-o", &path]).status().expect("it starts").code(), Some(0));
    let wrong: [(&str, &[&str]); 4] = [
        (&arch, &["--dim", "N=3"]),
        (&path, &["--let", "k=3"]),
        (&path, &["--model", "small"]),
        (&path, &["--precision", "fp16"]),
    ];
    for (file, option) in wrong {
        let output = run(&[&[file], option].concat());
        assert_eq!(output.status.code(), Some(2), "{option:?}");
        assert!(said(&output).contains(&format!("`{}`", option[0])) && output.stdout.is_empty(), "{}", said(&output));
    }
}
