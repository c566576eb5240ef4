//! Laws of export on random networks.

use super::{changes, checked, folder, python, read, report, same, totals, written};
use crate::properties::{lower, network};
use cnnsize::back::onnx::{Weights, encode_open, rebuild};
use cnnsize::front::onnx::{self, Bindings};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::fs;
use std::sync::Arc;

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

/// A file for any batch.
fn open(text: &str, weights: Weights) -> Vec<u8> {
    let mut bytes = Vec::new();
    let message = encode_open(lower(text, 2), &lower(text, 3), (2, 3), weights).expect("all of it is ONNX");
    message.write(&mut bytes).expect("memory takes everything");
    bytes
}

proptest! {
    #[test]
    fn a_file_for_any_batch_is_the_network_for_each(text in network(), batch in 1u64..6) {
        let bytes = open(&text, Weights::Zero);
        let read = onnx::read(Arc::<[u8]>::from(bytes), &Bindings { batch: Some(batch), ..Bindings::default() });
        prop_assert_eq!(&read.diagnostics, &vec![]);
        same(&report(&lower(&text, batch), batch), &report(&read.model.expect("a network"), batch), &text);
    }
}

/// ONNX's checker takes it, and ONNX Runtime gives each example what it gives it alone.
#[test]
fn files_for_any_batch_run_for_any() {
    const RUN: &str = r"
import glob, numpy, onnxruntime, sys
onnxruntime.set_default_logger_severity(3)
for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    assert all(i.shape[0] == 'N' for i in session.get_inputs() + session.get_outputs()), path
    feeds = {i.name: numpy.random.default_rng(1).random([3, *i.shape[1:]], numpy.float32) for i in session.get_inputs()}
    whole = session.run(None, feeds)
    alone = [session.run(None, {n: v[i:i + 1] for n, v in feeds.items()}) for i in range(3)]
    for out, parts in zip(whole, zip(*alone)):
        if not numpy.allclose(out, numpy.concatenate(parts), rtol=1e-3, atol=1e-4):
            print(path, 'differs')
";
    let folder = folder("export_any_batch");
    let mut runner = TestRunner::deterministic();
    for i in 0..20 {
        let text = network().new_tree(&mut runner).expect("a network").current();
        fs::write(folder.join(format!("{i}.onnx")), open(&text, Weights::Random { seed: i })).expect("a file");
    }
    assert_eq!(checked(&folder), "");
    assert_eq!(python(RUN, &folder), "");
}

proptest! {
    /// Whatever is in a file, it is refused or written again, and then no longer than was said.
    #[test]
    fn damaged_graphs_are_refused_or_written(
        text in network(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        batch in prop::option::of(1u64..4),
    ) {
        let mut bytes = written(&lower(&text, 1), Weights::Stripped).expect("all of it is ONNX");
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let whole = bytes.len();
        bytes.truncate(if cut.index(4) == 0 { cut.index(whole) } else { whole });
        for weights in [None, Some(Weights::Stripped), Some(Weights::Random { seed: 0 })] {
            let bindings = Bindings { batch, ..Bindings::default() };
            let rebuilt = rebuild(Arc::<[u8]>::from(bytes.as_slice()), &bindings, changes(weights)).expect("it is in memory");
            let Some(message) = rebuilt.message.filter(|m| m.size() < 1 << 20) else { continue };
            let mut out = Vec::new();
            message.write(&mut out).expect("memory takes everything");
            prop_assert_eq!(out.len() as u64, message.size());
        }
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
