//! What `cnnsize verify` says of whole networks: the rows of `tests/corpus/verify/networks.tsv`.

use crate::files::{Repository, cases, read};
use crate::verify::models;
use cnnsize::analyze::{Sizing, convention};
use cnnsize::front::arch::{self, Overrides};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

struct Row {
    /// Whether it is run here.
    tested: bool,
    graph: String,
    arguments: Vec<String>,
    verdict: String,
    /// As the graph is, and as the runtime optimises it.
    memory: [String; 2],
    why: Vec<String>,
}

fn rows() -> Vec<Row> {
    let table = read("tests/corpus/verify/networks.tsv");
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let [run, graph, arguments, verdict, plain, optimized, why] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not seven columns: {line}");
        };
        assert!(["test", "hand"].contains(&run), "{line}");
        Row {
            tested: run == "test",
            graph: graph.into(),
            arguments: arguments.split_whitespace().map(String::from).collect(),
            verdict: verdict.into(),
            memory: [plain.into(), optimized.into()],
            why: why.split(';').filter(|part| !part.is_empty()).map(String::from).collect(),
        }
    });
    rows.collect()
}

#[test]
fn networks_are_predicted_to_the_byte() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.tested).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut arguments = vec![&*row.graph, "--device", "cpu"];
            arguments.extend(row.arguments.iter().map(|argument| &**argument));
            for model in models(&arguments) {
                let found = differences(row, &model);
                wrong.lock().unwrap().extend(found.into_iter().map(|what| format!("{arguments:?}: {what}")));
            }
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    assert_eq!(wrong.into_inner().unwrap(), Vec::<String>::new());
}

/// Where a report says something else than the row.
fn differences(row: &Row, model: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if model["verdict"] != *row.verdict {
        wrong.push(format!("{}, not {}: {:#}", model["verdict"], row.verdict, model["missing"]));
    }
    let runs = model["runs"].as_array().expect("runs");
    for (expected, optimized) in row.memory.iter().zip([false, true]) {
        let runs: Vec<_> = runs.iter().filter(|run| run["optimized"] == optimized).collect();
        if runs.is_empty() != (expected == "none") {
            wrong.push(format!("{} runs, optimised: {optimized}", runs.len()));
        }
        for peak in runs.iter().flat_map(|run| [&run["memory"]["first"], &run["memory"]["steady"]]) {
            let (predicted, measured) = (&peak["predicted_bytes"], &peak["measured_bytes"]);
            let as_expected = if expected == "=" { predicted == measured } else { predicted.is_null() };
            if !as_expected || !measured.is_u64() {
                wrong.push(format!("memory, optimised: {optimized}: {predicted} predicted, {measured} measured"));
            }
        }
    }
    let said = model.to_string();
    wrong.extend(row.why.iter().filter(|why| !said.contains(&***why)).map(|why| format!("nothing of `{why}`")));
    wrong
}

/// Every network of the examples with as many multiply-accumulates as ResNet-50 or fewer is in the table.
#[test]
fn no_example_is_left_out() {
    let rows = rows();
    let mut left_out = Vec::new();
    for case in
        cases("examples", "arch").into_iter().filter(|c| c.path.parent().is_some_and(|p| p.ends_with("examples")))
    {
        let document = arch::read(&case.path, read(&case.path), &Repository);
        for (index, model) in document.models().enumerate() {
            let lowered = document.lower(index, &Overrides { batch: Some(1), ..Overrides::default() });
            let macs = Sizing::of(&lowered.model, 1, convention::default()).totals().macs.least.0;
            let path = case.path.display().to_string();
            let named = |row: &Row| row.arguments.iter().skip_while(|a| *a != "--model").nth(1).cloned();
            let listed = |row: &Row| path.ends_with(&row.graph) && named(row).is_none_or(|name| name == *model.name);
            if macs <= 4_089_184_256 && !rows.iter().any(listed) {
                left_out.push(format!("{path}: {}", model.name));
            }
        }
    }
    assert_eq!(left_out, Vec::<String>::new());
}
