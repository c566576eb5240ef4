//! `cnnsize verify` where ONNX Runtime is missing, broken, old or in trouble: a clear message, and exit code 2.

use super::verify::{file, library, run, said, verify};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn without_a_library_it_is_said_how_to_get_one() {
    // A relative folder would be one of the working directory.
    let output = verify(&["examples/textbook.arch"]).env("VIRTUAL_ENV", "target/python").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(error.contains("pip install onnxruntime") && error.contains("tried "), "{error}");
    // Everything else works without.
    let mut sized = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
    sized.arg("examples/textbook.arch").current_dir(env!("CARGO_MANIFEST_DIR")).env("PATH", "");
    assert_eq!(sized.output().unwrap().status.code(), Some(0));
}

/// What the user names is final: a broken library is not replaced by one that works.
#[test]
fn a_library_that_is_none_is_not_passed_over() {
    let text = file("verify_broken", "libonnxruntime.so", "not a library\n");
    let named = verify(&["examples/textbook.arch", "--ort-lib", &text]).env("ORT_DYLIB_PATH", library()).output();
    let error = said(&named.unwrap());
    assert!(error.contains(&text) && error.contains("--ort-lib"), "{error}");
    let output = verify(&["examples/textbook.arch"]).env("ORT_DYLIB_PATH", "/nowhere/lib.so").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("/nowhere/lib.so (ORT_DYLIB_PATH): there is no such file"), "{}", said(&output));
}

#[test]
fn silence_and_a_lack_of_room_have_a_remedy() {
    let output = run(&["examples/textbook.arch", "--timeout", "0.000001"]);
    assert_eq!(output.status.code(), Some(2));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("incomplete") && table.contains("--timeout SECONDS"), "{table}");
    let mut command = verify(&["examples/textbook.arch"]);
    let output = command.env("ORT_DYLIB_PATH", library()).env("TMPDIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("TMPDIR="), "{}", said(&output));
}

#[test]
fn a_device_that_is_not_there_is_not_replaced() {
    let output = run(&["examples/textbook.arch", "--device", "cuda"]);
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(error.contains("CUDA execution provider is not enabled in this build") && error.contains("cpu"), "{error}");
    assert_eq!(run(&["--doctor"]).status.code(), Some(0));
}

/// A library that `tests/corpus/verify/runtime.rs` is built to.
fn made(name: &str, options: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verify_made");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("{name}.so"));
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "tests/corpus/verify/runtime.rs"]).args(options);
    let built = rustc.arg("-o").arg(&path).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("rustc starts");
    assert!(built.status.success(), "{}", said(&built));
    path
}

#[test]
fn an_old_library_is_told_what_is_wanted() {
    let output = verify(&["examples/textbook.arch"]).env("ORT_DYLIB_PATH", made("old", &[])).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(error.contains("it is version 1.20.1") && error.contains("pip install onnxruntime"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_library_that_ends_the_process_takes_nothing_else_with_it() {
    let made = made("aborting", &["--cfg", "aborts"]);
    let output = verify(&["examples/textbook.arch"]).env("ORT_DYLIB_PATH", &made).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("incomplete") && table.contains("signal 6 (it aborted) while loading `"), "{table}");
    assert!(table.contains("it said: the runtime is out of its mind"), "{table}");
}

/// Files may not grow, as on a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_what_is_read_from_files_and_is_said() {
    let program = env!("CARGO_BIN_EXE_cnnsize");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec '{program}' verify examples/mnist.arch --device cpu");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR")).env("ORT_DYLIB_PATH", library());
    let output = shell.output().expect("a shell");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    for part in ["incomplete", "23/23 tensors agree", "6/6 layers agree", "is the disk full?"] {
        assert!(table.contains(part), "{part}:\n{table}");
    }
}
