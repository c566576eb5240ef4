//! Laws of export on random networks.

use super::{folder, python, read, report, same, totals, written};
use crate::properties::{lower, network};
use cnnsize::back::onnx::Weights;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::fs;

proptest! {
    #[test]
    fn what_is_written_is_read_again_as_the_same(text in network(), batch in 1u64..4, seed in 0u64..1000) {
        let model = lower(&text, batch);
        let original = report(&model, batch);
        let bytes = written(&model, Weights::Random { seed }).expect("all of it is ONNX");
        same(&original, &report(&read(bytes).0, batch), &text);
        let stripped = written(&model, Weights::Stripped).expect("all of it is ONNX");
        prop_assert_eq!(totals(&original), totals(&report(&read(stripped).0, batch)), "{}", text);
    }
}

/// Made-up weights are such that nothing overflows or is divided by zero.
#[test]
fn random_networks_run_and_give_numbers() {
    const RUN: &str = r"
import glob, numpy, onnxruntime, sys
onnxruntime.set_default_logger_severity(3)
for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    feeds = {i.name: numpy.random.default_rng(1).random(i.shape, dtype=numpy.float32) for i in session.get_inputs()}
    for out in session.run(None, feeds):
        if not numpy.isfinite(out).all():
            print(path, out)
";
    let folder = folder("export_runs");
    let mut runner = TestRunner::deterministic();
    for i in 0..20 {
        let text = network().new_tree(&mut runner).expect("a network").current();
        let bytes = written(&lower(&text, 2), Weights::Random { seed: i }).expect("all of it is ONNX");
        fs::write(folder.join(format!("{i}.onnx")), bytes).expect("a file");
    }
    assert_eq!(python(RUN, &folder), "");
}
