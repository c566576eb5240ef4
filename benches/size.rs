//! From a text in memory to the full report: `cargo bench`. Read ratios and growth; nothing here is asserted.

use cnnsize::analyze::{Options, analyze, convention};
use cnnsize::front::arch::{self, LoadError, Loader, Overrides};
use std::path::Path;

fn main() {
    divan::main();
}

struct NoImports;

impl Loader for NoImports {
    fn load(&self, _: &Path) -> Result<String, LoadError> {
        Err(LoadError::Missing)
    }
}

fn size(text: &str, model: usize) -> usize {
    let document = arch::read(Path::new("bench.arch"), text.to_owned(), &NoImports);
    let lowered = document.lower(model, &Overrides::default());
    let options = Options {
        source: "bench.arch".into(),
        format: "arch",
        batch: lowered.batch,
        precision: "fp32".into(),
        convention: convention::default(),
        dims: Vec::new(),
    };
    analyze(&lowered.model, options).layers.len()
}

/// The three convolutions of the sizing exercise.
#[divan::bench]
fn textbook() -> usize {
    size(divan::black_box(include_str!("../examples/textbook.arch")), 0)
}

/// ResNet-50, the first model of its file: 175 operators.
#[divan::bench]
fn resnet50() -> usize {
    size(divan::black_box(include_str!("../examples/resnet.arch")), 0)
}

/// A chain of so many lines, each a convolution with a ReLU: growth must be linear.
#[divan::bench(args = [100, 1_000, 10_000, 100_000], sample_count = 5)]
fn chain(bencher: divan::Bencher, lines: usize) {
    let text = format!("input 8@32x32\nrepeat {} {{ conv 8 3x3 same relu }}\n", lines / 2);
    bencher.bench(|| size(divan::black_box(&text), 0));
}
