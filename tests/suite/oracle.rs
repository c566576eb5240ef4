//! What others counted or published: the figures of `tests/oracle/`, to be equalled digit for digit.

use crate::files::{Repository, cases, read};
use cnnsize::analyze::memory::onnxruntime;
use cnnsize::analyze::quantity::{Figure, measure};
use cnnsize::analyze::reconcile::{Printed, reconcile};
use cnnsize::analyze::{Sizing, claim, convention};
use cnnsize::base::quantity::AtLeast;
use cnnsize::front::arch::{self, Overrides};
use cnnsize::front::onnx;
use cnnsize::graph::Model;
use cnnsize::tensor::{DType, Dim, Shape};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

#[test]
fn networks_have_the_parameters_and_multiply_adds_that_frameworks_count() {
    let table = read("tests/oracle/networks.tsv");
    let mut wrong = Vec::new();
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let [network, file, model, params, macs, _source] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not six columns: {row}");
        };
        let path = Path::new("examples").join(file);
        let text = read(&path);
        let counted = figures(&path, &text, Some(model), &["params", "macs"], &Overrides::default(), "cnnsize");
        if counted != [params, macs] {
            wrong.push(format!("{network}: {counted:?}, not {params} and {macs}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn conventions_give_what_the_tools_print() {
    let table = read("tests/oracle/conventions.tsv");
    let mut wrong = Vec::new();
    let mut last = None;
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let [name, quantity, file, model, printed, what] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not six columns: {row}");
        };
        let printed: u64 = if what == "stops" { 0 } else { printed.parse().expect("a figure") };
        let before = last.take().filter(|(of, _)| *of == (file, model));
        let (_, network) = last.insert(before.unwrap_or_else(|| ((file, model), network(file, model, 1))));
        let convention = convention::find(name).unwrap_or_else(|| panic!("no convention {name}"));
        let counted = match measure(&Sizing::of(network, 1, convention), quantity) {
            Ok((_, Figure::Number(counted))) => counted,
            other => panic!("{row}: {other:?}"),
        };
        let right = match what {
            "all" => !counted.incomplete && counted.least == printed,
            "calls" => counted.incomplete && counted.least == printed,
            "mixed" => counted.incomplete && counted.least < printed,
            "stops" => counted.incomplete,
            // Which reading gives the figure is found by trying.
            "modules" => counted.incomplete && counted.least < printed && explained(network, quantity, printed, name),
            _ => panic!("no such column: {row}"),
        };
        if !right {
            wrong.push(format!("{name} of {file} {model}: {counted:?}, not {printed} ({what})"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether a figure is explained by a convention that takes everything in doubt for a module.
fn explained(network: &Model, quantity: &str, printed: u64, convention: &str) -> bool {
    let printed = Printed::read(&printed.to_string()).expect("a number");
    let sizing = Sizing::of(network, 1, convention::default());
    let found = reconcile(&sizing, quantity, &printed).expect("an explanation");
    let whose = format!("`{convention}`");
    found.slips.iter().any(|slip| slip.contains(&whose) && slip.ends_with("is a module"))
}

#[test]
fn onnx_runtime_takes_what_its_plan_says() {
    let table = read("tests/oracle/onnxruntime.tsv");
    let mut wrong = Vec::new();
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let [what, file, name, batch, first, later] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not six columns: {row}");
        };
        let batch: u64 = batch.parse().expect("a batch");
        let model = network(file, name, batch);
        let plan = if file.ends_with(".optimized.onnx") { onnxruntime::plan_of_written } else { onnxruntime::plan };
        let plan = plan(&model, 1).unwrap_or_else(|reason| panic!("{what}: {reason:?}"));
        let taken = [plan.first, plan.steady].map(|peak| peak.total().map(|n| n.to_string()));
        if taken != [Some(first.into()), Some(later.into())] {
            wrong.push(format!("{what}, batch {batch}: {taken:?}, not {first} and {later}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_claim_in_the_examples_holds() {
    let mut claims = 0;
    for case in cases("examples", "arch").into_iter().filter(|c| !c.path.starts_with("examples/broken")) {
        let document = arch::read(&case.path, read(&case.path), &Repository);
        for (index, model) in document.models().enumerate() {
            let lowered = document.lower(index, &Overrides::default());
            claims += lowered.expects.len();
            assert_eq!(lowered.diagnostics, [], "{} of {}", model.name, case.path.display());
            assert_eq!(claim::check(&document, index, &lowered), [], "{} of {}", model.name, case.path.display());
        }
    }
    assert!(claims > 200, "{claims} claims");
}

#[test]
fn published_figures_come_out_as_recorded() {
    let book: Value = serde_json::from_str(&read("tests/oracle/textbook.json")).expect("JSON");
    let mut wrong = Vec::new();
    for entry in book["entries"].as_array().expect("entries") {
        let (path, text) = match entry["file"].as_str() {
            Some(file) => (Path::new("examples").join(file), read(Path::new("examples").join(file))),
            None => ("examples/entry.arch".into(), entry["arch"].as_str().expect("a model").to_owned()),
        };
        let counted_claims = entry["claims"].as_array().expect("claims").iter().filter(|c| c["derived"].is_null());
        for claim in counted_claims {
            let quantity = claim["quantity"].as_str().expect("a quantity");
            let expected = claim["computed"].as_str().map_or_else(|| claim["computed"].to_string(), str::to_owned);
            let counted =
                figures(&path, &text, entry["model"].as_str(), &[quantity], &settings(&claim["at"]), "cnnsize");
            if counted != [expected.as_str()] {
                wrong.push(format!("{}: {quantity} {counted:?}, not {expected}", entry["id"]));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_list_of_examples_names_every_file() {
    let list = read("examples/README.md");
    for case in cases("examples", "arch") {
        let path = case.path.strip_prefix("examples").expect("a path under examples").display().to_string();
        let imported = path.starts_with("blocks");
        assert!(imported || list.contains(&format!("]({path})")), "{path} is not in examples/README.md");
    }
}

/// A model of a text, or a graph, for so many examples.
fn network(file: &str, model: &str, batch: u64) -> Model {
    if Path::new(file).extension().is_some_and(|e| e == "onnx") {
        let bytes: Arc<[u8]> = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a graph").into();
        // A free batch is taken for 1, and stays free.
        let batch = Some(batch).filter(|batch| *batch != 1);
        let bindings = onnx::Bindings { batch, ..onnx::Bindings::default() };
        return onnx::read(bytes, &bindings).model.unwrap_or_else(|| panic!("{file}: no graph"));
    }
    let document = arch::read(Path::new(file), read(file), &Repository);
    let index = document.models().position(|m| m.name == model).unwrap_or_else(|| panic!("{file}: no {model}"));
    document.lower(index, &Overrides { batch: Some(batch), ..Overrides::default() }).model
}

/// Quantities of a model as text.
fn figures(
    path: &Path,
    text: &str,
    model: Option<&str>,
    quantities: &[&str],
    at: &Overrides,
    convention: &str,
) -> Vec<String> {
    let document = arch::read(path, text.to_owned(), &Repository);
    assert_eq!(document.diagnostics, [], "{}", path.display());
    let found = document.models().position(|m| model.is_none_or(|name| m.name == name));
    let lowered = document.lower(found.unwrap_or_else(|| panic!("{}: no {model:?}", path.display())), at);
    assert_eq!(lowered.diagnostics, [], "{}", path.display());
    let convention = convention::find(convention).unwrap_or_else(|| panic!("no convention {convention}"));
    let sizing = Sizing::of(&lowered.model, lowered.batch, convention);
    quantities.iter().map(|quantity| figure(&sizing, quantity)).collect()
}

/// A whole number, or a shape as the language writes it.
fn figure(sizing: &Sizing, quantity: &str) -> String {
    match measure(sizing, quantity).map(|(_, figure)| figure) {
        Ok(Figure::Number(AtLeast { least, incomplete: false })) => least.to_string(),
        Ok(Figure::Shape(dims)) => Shape::Ranked([Dim::from(1_u64)].into_iter().chain(dims).collect()).notation(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{error:?}"),
    }
}

/// `{"batch": 50, "precision": "f16"}`
fn settings(at: &Value) -> Overrides {
    let precision = at["precision"].as_str().map(|name| DType::from_name(name).expect("a precision"));
    Overrides { batch: at["batch"].as_u64(), weights: precision, activations: precision, ..Overrides::default() }
}
