//! Published figures and the explanations found for them: those of `tests/oracle/textbook.json` by verdict, and those of
//! networks that no book has, word for word.

use crate::files::{Repository, read};
use cnnsize::analyze::reconcile::{self, Explanation, Printed};
use cnnsize::analyze::{Sizing, convention};
use cnnsize::front::arch::{self, Overrides};
use cnnsize::tensor::DType;
use serde_json::Value;
use std::path::Path;

#[test]
fn published_figures_get_the_verdicts_recorded() {
    let book: Value = serde_json::from_str(&read("tests/oracle/textbook.json")).expect("JSON");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for entry in book["entries"].as_array().expect("entries") {
        let text = match entry["file"].as_str() {
            Some(file) => read(Path::new("examples").join(file)),
            None => entry["arch"].as_str().expect("a model").to_owned(),
        };
        let folder = entry["file"].as_str().map_or("examples/entry.arch".into(), |f| Path::new("examples").join(f));
        for claim in entry["claims"].as_array().expect("claims") {
            // Arithmetic on several figures, and what has no value here.
            if !claim["derived"].is_null() || !claim["by_hand"].is_null() {
                continue;
            }
            judged += 1;
            let quantity = claim["quantity"].as_str().expect("a quantity");
            let published = claim["published"].as_str().expect("a figure");
            let recorded = claim["verdict"].as_str().expect("a verdict");
            let (verdict, how) = if claim["computed"].is_string() {
                // A shape is the same or not.
                (if claim["computed"] == claim["published"] { "exact" } else { "wrong" }, Vec::new())
            } else {
                let printed = format!("{published} {}", claim["unit"].as_str().unwrap_or(""));
                let model = entry["model"].as_str();
                let found = explained(&folder, &text, model, quantity, &printed, &settings(&claim["at"]));
                (found.verdict.word(), found.slips)
            };
            if verdict != recorded {
                wrong.push(format!("{}: {quantity} {published} {verdict} {how:?}, not {recorded}", entry["id"]));
            }
        }
    }
    assert_eq!(wrong.join("\n"), "");
    assert!(judged > 200, "{judged}");
}

const SMALL: &str = "input 3@10x10\nc: conv 8 3x3 same\np: maxpool 2x2\nflatten\nd: dense 10";
const NORMED: &str = "input 3@256x256\na: conv 16 3x3 same nobias bn\nb: conv 32 3x3 /2 same nobias bn";
const PLAIN: &str = "input 1@100x100\na: conv 24 3x3 same\nb: conv 17 3x3 same";

/// Network, batch, quantity, printed number; verdict and how the number comes about, from sums done by hand:
///
/// A text, its batch, a quantity, the figure as printed, the verdict, and the slips that explain it.
type Answer<'a> = (&'a str, u64, &'a str, &'a str, &'a str, &'a [&'a str]);

/// `SMALL`: c has 3·3·3·8 = 216 weights and 8 biases, d 8·5·5·10 = 2,000 and 10. MACs 216·10·10 + 2,000 = 23,600; with 2k − 1
/// operations for a sum of k products, 800·53 + 10·399 = 46,390. Outputs 800 + 200 + 10 = 1,010 values, the input 300.
///
/// `NORMED`: 432 + 4,608 weights, 2·16 + 2·32 scales and shifts, as many running statistics. MACs 27·16·2^16 + 144·32·2^14 =
/// 27·2^20 + 72·2^20. Outputs, each convolution's and each norm's: 2·4 MiB + 2·2 MiB = 12,582,912 bytes. Input 786,432 bytes, stored
/// 4·(5,136 + 96) = 20,928.
///
/// `PLAIN`: outputs 0.96 MB and 0.68 MB an example; 40 examples 65.6 MB.
const ANSWERS: &[Answer] = &[
    (SMALL, 1, "params", "2,234", "exact", &[]),
    (SMALL, 1, "params", "2.2 k", "rounded", &[]),
    (SMALL, 1, "params", "2,216", "convention", &["without the biases"]),
    (SMALL, 1, "c.params", "216", "convention", &["without the biases"]),
    (SMALL, 1, "c.params", "80", "wrong", &["with each kernel counted once instead of for every input channel"]),
    (SMALL, 1, "macs", "47,200", "convention", &["as FLOPs (two for each multiply-accumulate)"]),
    (SMALL, 1, "flops", "23,600", "convention", &["as multiply-accumulates (each counted as one)"]),
    (
        SMALL,
        1,
        "flops",
        "46,390",
        "convention",
        &[
            "as the FLOPs of `goodfellow` (a sum of k products is k multiplications and k − 1 additions: FLOPs are 2k − 1 an output)",
        ],
    ),
    (SMALL, 1, "activations", "1,310", "convention", &["with the input counted"]),
    (SMALL, 1, "params", "1,700", "wrong", &[]),
    (NORMED, 1, "params", "5,232", "convention", &["with the running statistics"]),
    (NORMED, 1, "params", "5,040", "convention", &["without the scales and shifts of the norms"]),
    (NORMED, 1, "params", "5,184", "convention", &["with a bias in every convolution and dense layer"]),
    (NORMED, 1, "macs", "99 M", "convention", &["in Mi (powers of 1024)"]),
    (NORMED, 1, "train.activations", "12.0 MB", "convention", &["in MiB instead of MB"]),
    (NORMED, 1, "train.activations", "6.3 MB", "convention", &["at 16 bits a value"]),
    (NORMED, 5, "train.activations", "12,582,912 B", "convention", &["for one example"]),
    (NORMED, 1, "train.memory", "12,603,840 B", "convention", &["without the input"]),
    (NORMED, 1, "train.activations", "13,369,344 B", "convention", &["with the input"]),
    (PLAIN, 40, "train.activations", "65.6 MB", "exact", &[]),
    (PLAIN, 40, "train.activations", "68.0 MB", "early-rounding", &["with rounded parts"]),
    (PLAIN, 40, "train.activations", "64.0 MB", "early-rounding", &["with rounded parts"]),
    (PLAIN, 40, "train.activations", "68.5 MB", "approximate", &[]),
    (PLAIN, 40, "train.activations", "71.3 MB", "wrong", &[]),
];

#[test]
fn slips_are_found_in_networks_that_no_book_has() {
    check(ANSWERS);
}

/// The sizing exercise with answers that are in circulation. 700 biases of 903,400 parameters; 50·10.5 + 36 + 3.6 = 564.6; in MiB,
/// 50·10.0 + 34.3 + 3.4 = 537.7; 18.6 is 6 + 9 + 3.6, where 9 is 6 + 3 already.
#[test]
fn answers_to_the_sizing_exercise_are_explained() {
    let exercise = read("examples/textbook.arch");
    check(&[
        (&exercise, 1, "params", "902,700", "convention", &["without the biases"]),
        (&exercise, 1, "infer.memory", "18.6 MB", "wrong", &[]),
        (&exercise, 50, "train.memory", "564.6 MB", "early-rounding", &["with rounded parts"]),
        (&exercise, 50, "train.memory", "537.7 MB", "early-rounding", &["in MiB instead of MB", "with rounded parts"]),
    ]);
}

fn check(answers: &[Answer]) {
    let mut wrong = Vec::new();
    for (text, batch, quantity, printed, verdict, slips) in answers {
        let at = Overrides { batch: Some(*batch), claims: false, ..Overrides::default() };
        let found = explained(Path::new("examples/net.arch"), text, None, quantity, printed, &at);
        if found.verdict.word() != *verdict || found.slips != *slips {
            wrong.push(format!("{quantity} {printed}: {} {:?}", found.verdict.word(), found.slips));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn explained(
    path: &Path,
    text: &str,
    model: Option<&str>,
    quantity: &str,
    printed: &str,
    at: &Overrides,
) -> Explanation {
    let document = arch::read(path, text.to_owned(), &Repository);
    assert_eq!(document.diagnostics, [], "{}", path.display());
    let found = document.models().position(|m| model.is_none_or(|name| m.name == name)).expect("a model");
    let lowered = document.lower(found, at);
    assert_eq!(lowered.diagnostics, [], "{}", path.display());
    let sizing = Sizing::of(&lowered.model, lowered.batch, convention::default());
    let printed = Printed::read(printed).expect("a number");
    reconcile::reconcile(&sizing, quantity, &printed).unwrap_or_else(|| panic!("{}: no {quantity}", path.display()))
}

/// `{"batch": 50, "precision": "f16"}`
fn settings(at: &Value) -> Overrides {
    let precision = at["precision"].as_str().map(|name| DType::from_name(name).expect("a precision"));
    Overrides { batch: at["batch"].as_u64(), weights: precision, activations: precision, ..Overrides::default() }
}
