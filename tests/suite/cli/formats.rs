//! What machines read: JSON against its published schema, CSV, hostile names.

use super::{FALSE_CLAIM, GOOD, file, folder, run};
use crate::files::cases;
use serde_json::Value;

fn validator() -> jsonschema::Validator {
    let schema = run(&["schema", "report"]);
    let schema = serde_json::from_str(&schema.out).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is one")
}

fn json(args: &[&str]) -> Value {
    let run = run(&[args, &["--format", "json"]].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{args:?}: {error}\n{}{}", run.out, run.err))
}

fn check(validator: &jsonschema::Validator, report: &Value, what: &str) {
    let errors: Vec<_> = validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

#[test]
fn every_example_and_case_prints_what_the_schema_says() {
    let validator = validator();
    let mut files = cases("examples", "arch");
    files.extend(cases("tests/corpus/arch", "arch"));
    for case in files {
        let path = case.path.to_str().expect("UTF-8");
        check(&validator, &json(&[path, "--batch", "3"]), path);
    }
}

/// The sizing exercise (Géron, chapter 14, exercise 2), its figures worked out exactly.
#[test]
fn the_sizing_exercise_comes_out_to_the_byte() {
    for (batch, inference, training) in [("1", 12_613_600, 14_853_600), ("50", 453_613_600, 565_613_600)] {
        let report = json(&["examples/textbook.arch", "--batch", batch]);
        let model = &report["models"][0];
        assert_eq!(model["totals"]["parameters"], 903_400);
        assert_eq!(model["totals"]["macs_per_sample"], 1_399_500_000);
        assert_eq!(model["memory"]["inference"]["minimum_bytes"], inference);
        assert_eq!(model["memory"]["training"]["minimum_bytes"], training);
        assert_eq!(model["layers"][2]["outputs"][0]["shape"][1], 400);
    }
}

#[test]
fn a_file_that_fails_has_its_reasons_in_the_report() {
    let folder = folder("formats_broken");
    let broken = json(&[&file(&folder, "broken.arch", super::BROKEN)]);
    check(&validator(), &broken, "broken");
    let model = &broken["models"][0];
    assert!(model["totals"]["parameters"].is_null() && model["settings"]["batch"].is_null());
    assert_eq!(model["diagnostics"][0]["code"], "unknown-layer");
    assert_eq!((&model["diagnostics"][0]["line"], &model["diagnostics"][0]["column"]), (&2.into(), &1.into()));
    let claim = json(&[&file(&folder, "claim.arch", FALSE_CLAIM)]);
    assert_eq!(claim["models"][0]["totals"]["parameters"], 112, "3·3·3·4 + 4");
    assert_eq!(claim["models"][0]["diagnostics"][0]["code"], "expect-failed");
}

#[test]
fn several_files_make_one_report() {
    let folder = folder("formats_several");
    let (a, b) = (file(&folder, "a.arch", GOOD), file(&folder, "b.arch", GOOD));
    let report = json(&[&a, "/nowhere.arch", &b]);
    let names: Vec<_> = report["models"].as_array().expect("models").iter().map(|m| m["name"].clone()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn hostile_names_stay_names_in_every_format() {
    let folder = folder("formats_hostile");
    let text = "model \"\u{1b}[31m\u{202e}</script>|=1\" {\n  input 3@8x8\n  conv 4 3x3\n}\n";
    let path = file(&folder, "=cmd|'`<b>`.arch", text);
    for format in ["table", "json", "csv", "markdown"] {
        let run = run(&[&path, "--format", format]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert!(!run.out.contains(['\u{1b}', '\u{202e}']), "{format}: {}", run.out);
    }
    assert_eq!(json(&[&path])["models"][0]["name"], "\u{1b}[31m\u{202e}</script>|=1", "JSON keeps the name");
    let markdown = run(&[&path, "--format", "markdown"]).out;
    assert!(markdown.contains("`\\u{1b}[31m\\u{202e}</script>|=1`"), "{markdown}");
}

/// One record a row, every record with as many cells as the heading has.
#[test]
fn csv_is_rectangular_and_ends_lines_as_rfc_4180_says() {
    let run = run(&["examples/textbook.arch", "--batch", "50", "--format", "csv"]);
    let lines: Vec<_> = run.out.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.matches(',').count() == lines[0].matches(',').count()), "{lines:#?}");
    assert!(lines[2].ends_with(",50,180200,180200,0,33750000000,67500000000,150000000"), "{}", lines[2]);
}
