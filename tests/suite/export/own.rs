//! Operators of our own that the file defines by standard ones.

use super::{checked, folder, python, read, report, same, written};
use crate::properties::lower;
use cnnsize::back::onnx::Weights;
use std::fs;

/// Normalisation over the channels of each position, for one, two and three axes: ONNX Runtime computes what the formula
/// of the paper (Ba, Kiros and Hinton, "Layer normalization", 2016) says, and we read it as one layer.
#[test]
fn channels_are_normalised_as_the_formula_says() {
    const RUN: &str = r"
import glob, numpy, onnx, onnxruntime, sys
for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    (feed,) = session.get_inputs()
    x = numpy.random.default_rng(1).random(feed.shape, dtype=numpy.float32)
    scale, shift = [onnx.numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer]
    spread = lambda v: v.reshape([-1] + [1] * (x.ndim - 2))
    wanted = (x - x.mean(1, keepdims=True)) / numpy.sqrt(x.var(1, keepdims=True) + 1e-5)
    wanted = wanted * spread(scale) + spread(shift)
    (got,) = session.run(None, {feed.name: x})
    if not numpy.allclose(got, wanted, atol=1e-5) or numpy.allclose(got, x, atol=1e-2):
        print(path, abs(got - wanted).max())
";
    let folder = folder("export_own");
    for size in ["5@7", "6@4x3", "4@3x5x2"] {
        let text = format!("input {size}\nlayernorm\n");
        let model = lower(&text, 2);
        let bytes = written(&model, Weights::Random { seed: 1 }).expect("it is defined");
        fs::write(folder.join(format!("{size}.onnx")), &bytes).expect("a file");
        same(&report(&model, 2), &report(&read(bytes).0, 2), &text);
    }
    assert_eq!(checked(&folder), "");
    assert_eq!(python(RUN, &folder), "");
}
