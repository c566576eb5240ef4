//! Exported networks: `tests/corpus/onnx/models` has graphs without their weights, each with a table of what others found
//! in it. Its README says who made what.
//!
//! A table has lines `parameters` and `macs` with the figure and where it is from (`macs` with the inputs' sizes),
//! `convention` with the multiply-adds that another tool gave of the exported file, `field`
//! with a value, the size, stride and offset of what a unit sees along every axis, and where that is from, `run` with the inputs' sizes of one or
//! more runs, `peak` with the bytes alive at once in each, and then a line for every value: name, element type, shape in
//! each run (once, if it is the same in all). Two runs with inputs of the same sizes differ in the contents: where they
//! disagree on a size, it is not known.

use super::report;
use crate::files::{cases, read};
use cnnsize::analyze::quantity::{Figure, measure};
use cnnsize::analyze::report::Report;
use cnnsize::analyze::{Sizing, convention};
use cnnsize::base::diagnostic::Severity;
use cnnsize::base::quantity::AtLeast;
use cnnsize::front::onnx::{self, Bindings, Read};
use cnnsize::graph::{Model, Precision, Value};
use cnnsize::tensor::{DType, Dim};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

const FOLDER: &str = "tests/corpus/onnx/models";

/// A model with what is known of it.
pub(super) struct Facts {
    file: Arc<[u8]>,
    lines: Vec<Vec<String>>,
}

impl Facts {
    pub(super) fn read(name: &str) -> Facts {
        let path = Path::new(FOLDER).join(name);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path.with_extension("onnx"));
        let table = read(path.with_extension("tsv"));
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        Facts {
            file: std::fs::read(file).unwrap().into(),
            lines: lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect(),
        }
    }

    /// The line that begins with this word, without the word.
    fn line(&self, word: &str) -> Option<&[String]> {
        self.lines.iter().find(|line| line[0] == word).map(|line| &line[1..])
    }

    /// Sizes of the inputs in every run.
    fn runs(&self) -> &[String] {
        self.line("run").expect("runs")
    }

    /// The network with inputs of these sizes.
    fn sized(&self, inputs: &str) -> Read {
        self.sized_as(inputs, Precision::default())
    }

    fn sized_as(&self, inputs: &str, precision: Precision) -> Read {
        let input = |text: &str| {
            let (name, sizes) = text.rsplit_once('=').expect("an input");
            (Some(name.to_owned()), sizes.split('x').map(|n| n.parse().unwrap()).collect())
        };
        let inputs = inputs.split(' ').map(input).collect();
        onnx::read(Arc::clone(&self.file), &Bindings { inputs, precision, ..Bindings::default() })
    }

    fn model(&self, run: usize) -> Model {
        let read = self.sized(&self.runs()[run]);
        read.model.unwrap_or_else(|| panic!("{:?}", read.diagnostics))
    }

    /// What is said of it with inputs of these sizes.
    pub(super) fn report(&self, inputs: &str) -> Report {
        report(self.sized(inputs))
    }

    /// Values that have not the type and shape with which they were run: what was run, the value, its type and shape, and
    /// those that it should have.
    pub(super) fn wrong(&self) -> Vec<(String, String, Option<Typed>, Typed)> {
        let runs = self.runs();
        let mut wrong = Vec::new();
        for run in 0..runs.len() {
            let found = typed(&self.model(run));
            for line in self.values() {
                let [value, dtype, shapes @ ..] = line.as_slice() else { panic!("{line:?}") };
                let shape = |run: usize| shapes.get(run).unwrap_or(&shapes[0]).as_str();
                let alike: Vec<_> = (0..runs.len()).filter(|r| runs[*r] == runs[run]).map(shape).collect();
                let wanted = (dtype.clone(), common(&alike));
                if found.get(value) != Some(&wanted) {
                    wrong.push((runs[run].clone(), value.clone(), found.get(value).cloned(), wanted));
                }
            }
        }
        wrong
    }

    fn values(&self) -> impl Iterator<Item = &Vec<String>> {
        self.lines.iter().skip_while(|line| line[0] != "run").skip(1).filter(|line| line[0] != "peak")
    }
}

/// Element type and shape, as the tables have them.
type Typed = (String, String);

/// Type and shape of every value of the network that a node delivers.
fn typed(model: &Model) -> HashMap<String, Typed> {
    let outputs = model.main.nodes.iter().flat_map(|id| &model.nodes[*id].outputs).flatten();
    let one = |value: &Value| {
        let tensor = value.ty.tensor()?;
        let size = |d: &Dim| d.size().map_or_else(|| "?".to_owned(), |n| n.to_string());
        let shape = match tensor.shape.dims()? {
            [] => "-".to_owned(),
            dims => dims.iter().map(size).collect::<Vec<_>>().join("x"),
        };
        Some((value.name.to_string(), (tensor.dtype?.name().to_owned(), shape)))
    };
    outputs.filter_map(|id| one(&model.values[*id])).collect()
}

/// A shape with `?` for the sizes in which the shapes of several runs differ.
fn common(shapes: &[&str]) -> String {
    let columns: Vec<Vec<&str>> = shapes.iter().map(|s| s.split('x').collect()).collect();
    let size = |i: usize| if columns.iter().all(|c| c[i] == columns[0][i]) { columns[0][i] } else { "?" };
    (0..columns[0].len()).map(size).collect::<Vec<_>>().join("x")
}

#[test]
fn every_value_has_the_type_and_shape_with_which_it_was_run() {
    let unfollowed = super::impossible::rows("sizes");
    let mut wrong = Vec::new();
    let mut values = 0;
    for name in names() {
        let facts = Facts::read(&name);
        values += facts.values().count() * facts.runs().len();
        let listed = |value: &str| unfollowed.iter().any(|row| row.case == name && row.names().any(|n| n == value));
        for (run, value, found, wanted) in facts.wrong().into_iter().filter(|w| !listed(&w.1)) {
            wrong.push(format!("{name}, {run}: {value} is {found:?}, not {wanted:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(values > 7_000, "{values} values");
}

/// The models.
fn names() -> impl Iterator<Item = String> {
    cases(FOLDER, "tsv").into_iter().map(|case| case.path.file_stem().unwrap().to_str().unwrap().to_owned())
}

#[test]
fn totals_and_peaks_are_those_that_others_counted() {
    let mut wrong = Vec::new();
    for name in names() {
        let facts = Facts::read(&name);
        let reports: Vec<Report> = facts.runs().iter().map(|run| facts.report(run)).collect();
        let mut compare = |what: &str, counted: Option<String>, wanted: Option<&String>| {
            if let Some(wanted) = wanted
                && counted.as_ref() != Some(wanted)
            {
                wrong.push(format!("{name}: {what} {counted:?}, not {wanted}"));
            }
        };
        if let Some(line) = facts.line("parameters") {
            compare("parameters", number(&reports[0].totals.parameters), line.first());
        }
        if let Some([macs, inputs, _source]) = facts.line("macs") {
            compare("macs", number(&facts.report(inputs).totals.macs), Some(macs));
        }
        if let Some([convention, macs, inputs]) = facts.line("convention") {
            let read = facts.sized(inputs);
            let convention = convention::find(convention).expect("a convention");
            let sizing = Sizing::of(read.model.as_ref().expect("a model"), read.batch, convention);
            let Ok((_, Figure::Number(counted))) = measure(&sizing, "macs") else { panic!("{name}: no macs") };
            compare(convention.name, number(&counted), Some(macs));
        }
        for (run, report) in reports.iter().enumerate() {
            let peaks = facts.line("peak");
            compare("peak", number(&report.inference.activation_peak), peaks.and_then(|p| p.get(run)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn networks_exported_for_one_example_are_sized_for_any_batch() {
    for name in ["alexnet__ts_st", "resnet18__ts_raw", "resnet18__ort_qdq", "googlenet__ort_optext"] {
        let facts = Facts::read(name);
        let of = |batch| {
            let read = onnx::read(Arc::clone(&facts.file), &Bindings { batch: Some(batch), ..Bindings::default() });
            assert_eq!(read.diagnostics.iter().filter(|d| d.severity == Severity::Error).count(), 0, "{name}");
            assert_eq!(read.batch, batch, "{name}");
            report(read).totals
        };
        let (one, seven) = (of(1), of(7));
        assert_eq!(seven.macs, one.macs.times(7), "{name}");
        assert_eq!(seven.activation_bytes, one.activation_bytes.times(7), "{name}");
        assert_eq!(seven.parameters, one.parameters, "{name}");
    }
}

#[test]
fn receptive_fields_are_followed_through_the_layouts_of_exporters() {
    let mut fields = 0;
    for name in names() {
        let facts = Facts::read(&name);
        let Some([value, size, stride, offset, _source]) = facts.line("field") else { continue };
        fields += 1;
        let report = facts.report(&facts.runs()[0]);
        let layer = report.layers.iter().find(|l| *l.outputs[0].name == **value).expect("a layer of that name");
        let [field] = &layer.receptive_field[..] else { panic!("{name}: {:?}", layer.receptive_field) };
        let wanted: (u64, u64, i64) = (size.parse().unwrap(), stride.parse().unwrap(), offset.parse().unwrap());
        assert_eq!(field.size, [wanted.0; 2], "{name}");
        assert_eq!(field.stride, [(wanted.1, 1); 2], "{name}");
        assert_eq!(field.offset, [wanted.2; 2], "{name}");
    }
    assert!(fields >= 4);
}

/// Networks of which every float is a 32-bit one and none is cast. Where there is nothing but floats, 16 bits take half.
#[test]
fn in_16_bits_shapes_stay_and_peaks_are_half() {
    let precision = Precision { weights: Some(DType::F16), activations: Some(DType::F16) };
    for name in ["MobileNetV2", "Unet-resnet18__ts_dynhw", "resnet18__ts_raw_dedup", "mtcnn_pnet", "vit_b_16__dy_dyn"] {
        let facts = Facts::read(name);
        for (run, inputs) in facts.runs().iter().enumerate() {
            let found = typed(&facts.sized_as(inputs, precision).model.expect("a model"));
            for line in facts.values() {
                let dtype = if line[1] == "f32" { "f16" } else { &line[1] };
                let shape = line.get(2 + run).unwrap_or(&line[2]);
                assert_eq!(found.get(&line[0]), Some(&(dtype.to_owned(), shape.clone())), "{name}: {}", line[0]);
            }
            if facts.values().any(|line| line[1] != "f32") {
                continue;
            }
            let whole: u64 = facts.line("peak").expect("a peak")[run].parse().unwrap();
            let peak = report(facts.sized_as(inputs, precision)).inference.activation_peak;
            assert_eq!(number(&peak), Some((whole / 2).to_string()), "{name}");
        }
    }
}

/// Any quantity as a plain number, if it is known to the last unit.
fn number<Q: ToString>(figure: &AtLeast<Q>) -> Option<String> {
    (!figure.incomplete).then(|| figure.least.to_string())
}
