//! `cnnsize check`: the configuration, budgets, the baseline.

use super::{BROKEN, GOOD, Run, command, ended, file, folder, run};
use crate::files;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The sizing exercise without claims: 903,400 parameters, 565,613,600 B to train on 50 (Géron, chapter 14, exercise 2).
const TEXTBOOK: &str = "input 200x300 rgb\nconv 100 3x3 /2 same\nconv 200 3x3 /2 same\nconv 400 3x3 /2 same\n";

fn run_in(folder: &Path, args: &[&str]) -> Run {
    ended(&command(args).current_dir(folder).output().expect("the program starts"))
}

/// A folder with the sizing exercise and this configuration.
fn project(test: &str, config: &str) -> std::path::PathBuf {
    let folder = folder(test);
    file(&folder, "models/textbook.arch", TEXTBOOK);
    file(&folder, "cnnsize.yaml", config);
    folder
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_at_its_place() {
    let mut wrong = Vec::new();
    for case in files::cases("tests/corpus/check", "yaml") {
        let name = case.path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let folder = folder(&format!("config_{name}"));
        file(&folder, "net.arch", GOOD);
        file(&folder, "cnnsize.yaml", &case.text);
        let run = run_in(&folder, &["check"]);
        let place = format!("cnnsize.yaml:{}\n", case.says("at").expect("a place"));
        let says = case.says("says").expect("a message");
        if run.code != Some(2) || !run.err.contains(&place) || !run.err.contains(says) {
            wrong.push(format!("{name} at {place}{}", run.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hundred_thousand_brackets_are_refused_at_once() {
    let folder = project("brackets", &format!("a: {}", "[".repeat(100_000)));
    let start = Instant::now();
    let run = run_in(&folder, &["check"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("brackets nest deeper"), "{}", run.err);
    // The library alone takes more than a minute.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_budget_is_an_upper_limit_for_the_stated_batch() {
    let config = |memory: &str| {
        format!(
            "models:\n  - path: models/*.arch\n    batch: 50\n    budget: {{ params: 903_400, train.memory: {memory} }}\n"
        )
    };
    let fine = run_in(&project("within_budget", &config("565613600 B")), &["check"]);
    assert_eq!((fine.code, fine.out.as_str()), (Some(0), "1 file checked: nothing found\n"), "{}", fine.err);
    let over = run_in(&project("over_budget", &config("565613599 B")), &["check", "-f", "concise"]);
    assert_eq!(over.code, Some(1));
    assert!(over.out.contains("models/textbook.arch:2:1: error[over-budget]: `train.memory` is 565,613,600 bytes"));
    // The command line wins over the entry.
    let one = run_in(&project("batch_of_one", &config("565613599 B")), &["check", "--batch", "1"]);
    assert_eq!(one.code, Some(0), "{}", one.out);
}

#[test]
fn defaults_hold_where_the_file_says_nothing_and_only_there() {
    let config = "defaults: { batch: 50 }\nmodels:\n  - path: '*.arch'\n    budget: { input.bytes: 36 MB }\n";
    let folder = folder("defaults");
    file(&folder, "cnnsize.yaml", config);
    file(&folder, "a.arch", TEXTBOOK);
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
    // 51 images of 3 x 200 x 300 x 4 B are 36.72 MB.
    file(&folder, "a.arch", format!("batch 51\n{TEXTBOOK}"));
    assert_eq!(run_in(&folder, &["check"]).code, Some(1));
    file(&folder, "a.arch", format!("batch 2\n{TEXTBOOK}"));
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
}

#[test]
fn growth_is_measured_against_the_baseline_and_says_through_which_layer() {
    let folder = project("growth", "models:\n  - path: models/*.arch\n    budget: { max-growth: 5 % }\n");
    let none = run_in(&folder, &["check"]);
    assert_eq!(none.code, Some(1));
    assert!(none.out.contains("no-baseline"), "{}", none.out);
    assert_eq!(run_in(&folder, &["check", "--update-baseline"]).code, Some(0));
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
    // The second layer twice as wide: (27 + 1) 100 + (900 + 1) 400 + (3600 + 1) 400 = 1,803,600.
    file(&folder, "models/textbook.arch", TEXTBOOK.replace("conv 200", "conv 400"));
    let grown = run_in(&folder, &["check"]);
    assert_eq!(grown.code, Some(1));
    assert!(
        grown.out.contains("`params` grew by 99.6 %, from 903,400 parameters to 1,803,600 parameters"),
        "{}",
        grown.out
    );
    assert!(
        grown.out.contains("most of it through `conv3`: it had 720,400, now 1,440,400 parameters"),
        "{}",
        grown.out
    );
}

/// The first layer is made wider, by 28 parameters a filter, and the third, which stays the largest, sees none of it:
/// 28·150 + (9·150 + 1)·200 + 720,400 = 994,800.
#[test]
fn a_budget_names_what_grew_since_the_baseline() {
    let config = "models:\n  - path: models/*.arch\n    budget: { params: 903400 }\n";
    let folder = project("over_since", config);
    file(&folder, "cnnsize.lock.json", "no JSON");
    file(&folder, "models/gone.arch", GOOD);
    assert_eq!(run_in(&folder, &["check"]).code, Some(2));
    let written = run_in(&folder, &["check", "--update-baseline"]);
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.err.contains("wrote `cnnsize.lock.json`: 2 models"), "{}", written.err);
    fs::remove_file(folder.join("models/gone.arch")).expect("a file");
    let written = run_in(&folder, &["check", "--update-baseline"]);
    for said in ["left out `models/gone.arch`", "wrote `cnnsize.lock.json`: 1 model\n"] {
        assert!(written.err.contains(said), "{said} is not in {}", written.err);
    }
    file(&folder, "models/textbook.arch", TEXTBOOK.replace("conv 100", "conv 150"));
    // A hook names a baseline that changed.
    for args in [&["check"][..], &["check", "cnnsize.lock.json"]] {
        let over = run_in(&folder, args);
        for said in [
            "`params` is 994,800 parameters, 91,400 over the budget of 903,400",
            "it was 903,400 parameters in cnnsize.lock.json",
            "most of it through `conv2`: it had 180,200, now 270,200 parameters",
        ] {
            assert!(over.out.contains(said), "{said} is not in {}", over.out);
        }
    }
    let junit = run_in(&folder, &["check", "-f", "junit"]);
    assert!(junit.out.contains("name=\"models/textbook.arch:3:1 over-budget params\""), "{}", junit.out);
}

/// A second convolution on the sizing exercise: 400·9·400 + 400 parameters more, one layer deeper, and 8 positions at a
/// stride of 8 further on each side.
#[test]
fn any_quantity_may_be_held_to_its_baseline() {
    let config = "models:\n  - path: models/*.arch\n    budget:\n      max-growth: { depth: 0 %, rf: 10 %, conv2.params: 0 %, infer.memory: 50 % }\n";
    let folder = project("growth_of_any", config);
    assert_eq!(run_in(&folder, &["check", "--update-baseline"]).code, Some(0));
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
    file(&folder, "models/textbook.arch", format!("{TEXTBOOK}conv 400 3x3 same\n"));
    let deeper = run_in(&folder, &["check"]);
    for said in [
        "`depth` grew by 33.3 %, from 3 weighted layers to 4 weighted layers; 0 % is allowed",
        "new since then: `conv4`",
        "`rf` grew by 106.6 %, from 15 positions to 31 positions; 10 % is allowed",
    ] {
        assert!(deeper.out.contains(said), "{said} is not in {}", deeper.out);
    }
    assert!(!deeper.out.contains("conv2.params"), "{}", deeper.out);
    // (900 + 1) 300 in place of (900 + 1) 200.
    file(&folder, "models/textbook.arch", TEXTBOOK.replace("conv 200", "conv 300"));
    let wider = run_in(&folder, &["check", "-f", "concise"]);
    let said =
        "models/textbook.arch:3:1: error[grew]: `conv2.params` grew by 50.0 %, from 180,200 parameters to 270,300";
    assert!(wider.out.contains(said), "{}", wider.out);
}

/// A dense layer makes hardly any output; memory grows by what it stores.
#[test]
fn memory_grows_through_what_is_stored_too() {
    let folder = project("growth_of_weights", "models:\n  - path: models/*.arch\n    budget: { max-growth: 5 % }\n");
    file(&folder, "models/textbook.arch", "input 1@16x16\nconv 4 3x3 same\nflatten\ndense 100\n");
    assert_eq!(run_in(&folder, &["check", "--update-baseline"]).code, Some(0));
    file(&folder, "models/textbook.arch", "input 1@16x16\nconv 4 3x3 same\nflatten\ndense 200\n");
    let grown = run_in(&folder, &["check"]);
    // 1025·100·4 + 400 B and 1025·200·4 + 800 B.
    let said = "most of it through `dense1`: it had 410.4 kB, now 820.8 kB of outputs and what is stored";
    assert!(grown.out.contains(said), "{}", grown.out);
}

#[test]
fn what_the_baseline_lacks_is_no_growth_of_zero() {
    let config = |growth: &str| format!("models:\n  - path: models/*.arch\n    budget: {{ max-growth: {growth} }}\n");
    let folder = project("growth_unknown", &config("5 %"));
    assert_eq!(run_in(&folder, &["check", "--update-baseline"]).code, Some(0));
    for (growth, said) in [
        ("{ conv1.params: 5 % }", "cnnsize.lock.json does not have `conv1.params`"),
        ("{ conv7.params: 5 % }", "this model has no such quantity"),
    ] {
        file(&folder, "cnnsize.yaml", config(growth));
        let run = run_in(&folder, &["check"]);
        assert_eq!(run.code, Some(1));
        assert!(run.out.contains(said), "{}", run.out);
    }
}

#[test]
fn the_configuration_among_the_files_stands_for_its_models() {
    let folder =
        project("named", "models:\n  - path: models/*.arch\n    budget: { params: 1k }\nexclude: [models/out/**]\n");
    for args in [&["check", "cnnsize.yaml"][..], &["check", "cnnsize.yaml", "models/textbook.arch"]] {
        let run = run_in(&folder, args);
        assert_eq!(run.code, Some(1));
        assert_eq!(run.out.matches("over-budget").count(), 1, "{}", run.out);
    }
    assert_eq!(run_in(&folder, &["check", "--isolated", "models/textbook.arch"]).code, Some(0));
    file(&folder, "models/out/broken.arch", BROKEN);
    assert_eq!(run_in(&folder, &["check", "--force-exclude", "models/out/broken.arch"]).code, Some(0));
    assert_eq!(run_in(&folder, &["check", "models/out/broken.arch"]).code, Some(1));
}

/// The hook is given the file of blocks alone; what it breaks is the model that imports them. 3·3·3·4 + 4 = 112.
#[test]
fn a_change_of_blocks_is_a_change_of_the_models_that_import_them() {
    let folder = project("importers", "models:\n  - path: models/*.arch\n    budget: { params: 112 }\n");
    fs::remove_file(folder.join("models/textbook.arch")).expect("a file");
    file(&folder, "models/net.arch", "import f from \"../lib/blocks.arch\"\ninput 3@8x8\nf\n");
    file(&folder, "models/other.arch", "input 3@8x8\nconv 5 3x3\n");
    file(&folder, "lib/blocks.arch", "block f {\n  conv 4 3x3\n}\n");
    assert_eq!(run_in(&folder, &["check", "lib/blocks.arch"]).code, Some(0));
    file(&folder, "lib/blocks.arch", "block f {\n  conv 5 3x3\n}\n");
    let run = run_in(&folder, &["check", "lib/blocks.arch", "-f", "concise"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.out.matches("over-budget").count(), 1, "{}", run.out);
    assert!(run.out.contains("lib/blocks.arch:2:3: error[over-budget]: `params` is 140"), "{}", run.out);
}

/// Whether it imports the blocks cannot be known: it is said, as when it is named itself.
#[test]
fn a_model_that_cannot_be_judged_is_said_beside_changed_blocks() {
    let folder = project("unjudged", "models:\n  - path: models/*.arch\n    model: gone\n");
    file(&folder, "lib/blocks.arch", "block f {\n  conv 4 3x3\n}\n");
    let named = run_in(&folder, &["check", "models/textbook.arch"]);
    assert!(named.err.contains("has no model `gone`"), "{}", named.err);
    let run = run_in(&folder, &["check", "lib/blocks.arch"]);
    assert_eq!((run.code, run.err), (named.code, named.err));
}

#[test]
fn a_broken_file_does_not_stop_the_others_and_levels_decide() {
    let folder = folder("levels");
    file(&folder, "broken.arch", BROKEN);
    file(&folder, "blocks.arch", "block f(n) {\n  conv n 3x3 same\n}\n");
    file(&folder, "lint.arch", "# cnnsize: allow ueven-stride\ninput 3@8x8\nconv 4 3x3 same\n");
    let all = run_in(&folder, &["check", "-f", "concise", "lint.arch", "broken.arch", "blocks.arch", "none.arch"]);
    assert_eq!(all.code, Some(2));
    assert!(all.err.contains("no file `none.arch`"), "{}", all.err);
    let places: Vec<_> = all.out.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["lint.arch:1:18", "broken.arch:2:1"], "{}", all.out);
    assert_eq!(run_in(&folder, &["check", "blocks.arch", "lint.arch"]).code, Some(0));
    assert_eq!(run_in(&folder, &["check", "--level", "warning", "lint.arch"]).code, Some(1));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn init_writes_budgets_that_hold_today_and_no_more() {
    let folder = folder("init");
    file(&folder, "models/textbook.arch", TEXTBOOK);
    assert_eq!(run_in(&folder, &["init"]).code, Some(0));
    let config = fs::read_to_string(folder.join("cnnsize.yaml")).expect("a configuration");
    // 9,000,000 + 3,613,600 bytes for one image (Géron).
    for line in ["params: 903400", "macs: 1399500000", "infer.memory: 12613600 B"] {
        assert!(config.contains(line), "{line} in {config}");
    }
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
    file(&folder, "models/textbook.arch", TEXTBOOK.replace("conv 400", "conv 401"));
    assert_eq!(run_in(&folder, &["check"]).code, Some(1));
    assert_eq!(run_in(&folder, &["init"]).code, Some(2));
}

/// An inner product of 192 values with n units has 193 n parameters.
#[test]
fn init_budgets_each_model_of_a_file() {
    let folder = folder("init_models");
    let text = |small: u32| {
        format!(
            "model small {{\ninput 3@8x8\nflatten\ndense {small}\n}}\nmodel big {{\ninput 3@8x8\nflatten\ndense 90\n}}\n"
        )
    };
    file(&folder, "two.arch", text(4));
    assert_eq!(run_in(&folder, &["init"]).code, Some(0));
    let sized = run_in(&folder, &["two.arch"]);
    assert!(sized.out.contains("small") && sized.out.contains("big") && sized.err.is_empty(), "{sized:?}");
    assert_eq!(run_in(&folder, &["check"]).code, Some(0));
    file(&folder, "two.arch", text(5));
    let checked = run_in(&folder, &["check"]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.out.contains("`params` is 965 parameters, 193 over the budget of 772"), "{}", checked.out);
}

#[cfg(unix)]
#[test]
fn init_walks_any_folder_and_says_what_it_leaves_out() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let folder = folder("init_walk");
    for place in ["a.arch", "target/b.arch", ".hidden/c.arch"] {
        file(&folder, place, GOOD);
    }
    file(&folder, "broken.arch", BROKEN);
    for name in [&b"\xff.txt"[..], b"\xff.arch"] {
        // Some systems have no such names.
        let _ = fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), GOOD);
    }
    symlink(".", folder.join("loop")).expect("a link");
    symlink("nowhere.arch", folder.join("dangling.arch")).expect("a link");
    let run = run_in(&folder, &["init"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    for left_out in ["`target`", "`loop`", "`dangling.arch`", "`broken.arch`"] {
        assert!(run.err.contains(&format!("left out {left_out}: ")), "{left_out} in {}", run.err);
    }
    let config = fs::read_to_string(folder.join("cnnsize.yaml")).expect("a configuration");
    assert_eq!(config.matches("- path: ").count(), 1, "{config}");
}

#[test]
fn nothing_to_check_is_no_success() {
    let folder = folder("check_nothing");
    file(&folder, "cnnsize.yaml", "lints: { even-same: off }\n");
    let run = run_in(&folder, &["check"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.err.contains("nothing to check"), "{}", run.err);
    // A hook names what changed.
    assert_eq!(run_in(&folder, &["check", "--force-exclude", "cnnsize.yaml"]).code, Some(0));
    let run = run_in(&folder, &["check", "nope.arch"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{run:?}");
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&json(&run(&["schema", "config"]).out)).expect("a schema")
}

/// A YAML text as JSON, which the schema is about.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_schema_of_the_configuration_knows_what_is_wrong() {
    let schema = schema();
    for (budget, is_valid) in [
        ("{ params: 1M, infer.memory: 64 MiB, max-growth: 5 % }", true),
        ("{ max-growth: { depth: 0 %, conv1.bytes: 2.5 % } }", true),
        ("{ infer.memory: 64 }", false),
        ("{ max-growth: 5 }", false),
        ("{ max-growth: { depth: 5 } }", false),
    ] {
        let config = format!("models: [{{ path: a.arch, budget: {budget} }}]");
        assert_eq!(schema.is_valid(&yaml(&config)), is_valid, "{budget}");
    }
    for (config, is_valid) in [
        ("modles: []", false),
        ("defaults: { batch: 3, value: [shape=2] }\nmodels:\nlints: { even-same: off }", true),
        ("defaults: { input: 3@8x8 }", false),
        ("models: [{ batch: 3 }]", false),
        ("models: [{ path: a.arch, input: [x=3@8x8], let: k=4, strict: true }]", true),
    ] {
        assert_eq!(schema.is_valid(&yaml(config)), is_valid, "{config}");
    }
}

#[test]
fn the_configurations_that_are_shown_fit_the_schema() {
    let schema = schema();
    let readme = files::read("README.md");
    let shown: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    for text in &shown {
        yaml(text);
    }
    let ours: Vec<&str> = shown.into_iter().filter(|text| text.contains("models:\n  - path:")).collect();
    assert!(!ours.is_empty(), "the README shows no configuration");
    let folder = folder("init_schema");
    file(&folder, "models/textbook.arch", TEXTBOOK);
    assert_eq!(run_in(&folder, &["init"]).code, Some(0));
    let written = fs::read_to_string(folder.join("cnnsize.yaml")).expect("a configuration");
    // What is commented out there is there to be used.
    let commented = written.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(": "));
    let examples = commented.filter(|line| line.split_once(':').is_some_and(|(key, _)| !key.contains([' ', '`'])));
    let examples: Vec<&str> = examples.collect();
    assert_eq!(examples.len(), 3, "{examples:?}");
    for text in ours.iter().chain(&examples).copied().chain([written.as_str()]) {
        let errors: Vec<_> = schema.iter_errors(&yaml(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {text}");
    }
}

/// An entry for one of two models: the other one is not passed over in silence.
#[test]
fn a_model_that_no_entry_lists_is_named() {
    let folder = folder("check_unlisted");
    let net = "model small {\n  input 3@8x8\n  relu\n}\nmodel large {\n  input 3@16x16\n  relu\n}\n";
    let net = file(&folder, "net.arch", net);
    for (config, is_said) in [
        ("models: [{ path: net.arch, model: small }]\n", true),
        ("models: [{ path: net.arch, model: small }, { path: net.arch, model: large }]\n", false),
        ("models: [{ path: net.arch }]\n", false),
    ] {
        let config = file(&folder, "cnnsize.yaml", config);
        let run = run(&["check", &net, "--config", &config]);
        assert_eq!(run.code, Some(0), "{}", run.out);
        assert_eq!(run.out.contains("`large` is not checked"), is_said, "{}", run.out);
    }
}
