//! Models written for other programs.

mod examples;
mod laws;
mod own;
mod rebuild;

use cnnsize::analyze::report::{Layer, Report, Totals};
use cnnsize::analyze::{Options, analyze, convention};
use cnnsize::back::onnx::{Changes, Refused, Weights, encode};
use cnnsize::front::onnx::{self, Bindings};
use cnnsize::graph::Model;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// An empty folder for a test of this name.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A model as an ONNX file, of which the size was known before.
fn written(model: &Model, weights: Weights) -> Result<Vec<u8>, Vec<Refused>> {
    let message = encode(model, weights)?;
    let mut bytes = Vec::new();
    message.write(&mut bytes).expect("memory takes everything");
    assert_eq!(bytes.len() as u64, message.size());
    Ok(bytes)
}

/// Other weights in a file, and all else as it is.
fn changes(weights: Option<Weights>) -> Changes {
    Changes { weights, any_batch: false }
}

/// The network of a file in which nothing is found to be wrong, and its batch.
fn read(bytes: Vec<u8>) -> (Model, u64) {
    let read = onnx::read(Arc::<[u8]>::from(bytes), &Bindings::default());
    assert_eq!(read.diagnostics, []);
    (read.model.expect("a network"), read.batch)
}

fn report(model: &Model, batch: u64) -> Report {
    let options = Options {
        source: String::new(),
        format: "onnx",
        batch,
        precision: String::new(),
        convention: convention::default(),
        dims: Vec::new(),
    };
    analyze(model, options)
}

/// Totals without what ONNX does not keep: which weights training leaves as they are.
fn totals(report: &Report) -> Totals {
    Totals { trainable: report.totals.parameters, frozen: report.totals.parameters, ..report.totals }
}

/// What must be the same of a layer: all but the names of the values between, the block, and the place in the text.
fn row(layer: &Layer) -> impl PartialEq + std::fmt::Debug + use<> {
    let types: Vec<_> = layer.outputs.iter().map(|o| o.ty.clone()).collect();
    let own = (layer.name.clone(), layer.op.clone(), types, layer.parameters, layer.buffers, layer.macs, layer.flops);
    (own, layer.activation_bytes, layer.receptive_field.clone())
}

/// Holds a file that was read to the model that it was written from.
fn same(written: &Report, read: &Report, what: &str) {
    assert_eq!(totals(written), totals(read), "{what}");
    assert_eq!(written.inference, read.inference, "{what}");
    assert_eq!(written.training, read.training, "{what}");
    assert_eq!(written.inputs, read.inputs, "{what}");
    let rows = |report: &Report| report.layers.iter().map(row).collect::<Vec<_>>();
    assert_eq!(rows(written), rows(read), "{what}");
}

/// Asks ONNX's own checker about every file of a folder: what it says is empty if all are valid.
fn checked(folder: &Path) -> String {
    const SCRIPT: &str = "
import glob, onnx, sys
for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    try:
        onnx.checker.check_model(path, full_check=True)
        onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        print(path, error)
";
    python(SCRIPT, folder)
}

/// Runs a script on a folder with the packages that the tests compare with.
fn python(script: &str, folder: &Path) -> String {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    let run = Command::new(python).args(["-c", script]).arg(folder).output().expect("python, which `./test` installs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}
