//! Every example as ONNX: valid for ONNX's own checker, and the same network again when it is read.

use super::{checked, folder, read, report, same, written};
use crate::files::{Repository, cases};
use cnnsize::back::onnx::Weights;
use cnnsize::front::arch::{self, Lowered, Overrides};
use std::fs;

/// Models with layers that ONNX cannot say, and those layers.
const UNSAYABLE: &[(&str, &[&str])] = &[
    ("googlenet_bn.training", &["googlenet1.auxiliary1.avgpool1", "googlenet1.auxiliary2.avgpool1"]),
    ("lenet5.lenet5", &["S2", "C3", "S4"]),
];

/// The models of every example that has some, called `FILE.MODEL`.
fn examples() -> Vec<(String, Lowered)> {
    let right = cases("examples", "arch").into_iter().filter(|case| !case.path.starts_with("examples/broken"));
    let models = right.flat_map(|case| {
        let stem = case.path.file_stem().and_then(|s| s.to_str()).expect("UTF-8").to_owned();
        let document = arch::read(&case.path, case.text, &Repository);
        let lowered: Vec<_> =
            (0..document.models().count()).map(|index| document.lower(index, &Overrides::default())).collect();
        lowered.into_iter().map(move |lowered| (format!("{stem}.{}", lowered.model.name), lowered))
    });
    models.collect()
}

/// Without their weights, so that the test does not write gigabytes.
#[test]
fn examples_are_valid_for_onnx_itself() {
    let folder = folder("export_examples");
    let mut unsayable = Vec::new();
    for (name, lowered) in examples() {
        match written(&lowered.model, Weights::Stripped) {
            Ok(bytes) => fs::write(folder.join(format!("{name}.onnx")), bytes).expect("a file"),
            Err(refused) => unsayable.push((name, refused.iter().map(|r| r.layer.to_string()).collect::<Vec<_>>())),
        }
    }
    let expected: Vec<_> =
        UNSAYABLE.iter().map(|(n, layers)| ((*n).to_owned(), layers.iter().map(|l| (*l).into()).collect())).collect();
    assert_eq!(unsayable, expected);
    assert_eq!(checked(&folder), "");
}

#[test]
fn examples_are_the_same_when_they_are_read_again() {
    for (name, lowered) in examples() {
        let original = report(&lowered.model, lowered.batch);
        // Contents play no part in a report; large ones are left out.
        if original.totals.parameters.least.0 < 2_000_000
            && let Ok(bytes) = written(&lowered.model, Weights::Zero)
        {
            let (model, _) = read(bytes);
            same(&original, &report(&model, lowered.batch), &name);
        }
        if let Ok(bytes) = written(&lowered.model, Weights::Stripped) {
            let (model, _) = read(bytes);
            let totals = super::totals(&report(&model, lowered.batch));
            assert_eq!(totals, super::totals(&original), "{name} without weights");
        }
    }
}
