//! What tokens see of one another, behind matrices, attention, recurrent layers and reshapes: held against a network in
//! which every number is the set of tokens that it depends on.

use super::build::{file, graph, model, tensor};
use super::report;
use cnnsize::front::onnx::{self, Bindings};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

/// Tokens, and features of each.
const TOKENS: usize = 6;
const FEATURES: usize = 4;

/// A step of a network from [1, TOKENS, FEATURES] to the same.
#[derive(Clone, Copy, Debug)]
enum Step {
    Dense,
    Rectifier,
    /// A matrix along the tokens.
    Mixing,
    /// Products, softmax, products; of all features, or of two heads.
    Attention,
    Heads,
    /// The same in windows of two tokens.
    Windows,
    /// ONNX's own operators.
    Operator,
    Recurrent,
    /// What the step before made of it, and it.
    Skip,
}

const STEPS: [Step; 9] = [
    Step::Dense,
    Step::Rectifier,
    Step::Mixing,
    Step::Attention,
    Step::Heads,
    Step::Windows,
    Step::Operator,
    Step::Recurrent,
    Step::Skip,
];

impl Step {
    /// Its nodes: from `x` to `y`, `w` being what came before `x`; other names end in `@`.
    fn nodes(self) -> Vec<Value> {
        let turn = |from: &str, to: &str, perm: &[usize]| json!(["Transpose", from, to, { "perm": perm }]);
        let scores = |x: &str, y: &str, perm: &[usize]| {
            vec![
                turn(x, "k@", perm),
                json!(["MatMul", format!("{x} k@"), "s@"]),
                json!(["Softmax", "s@", "p@"]),
                json!(["MatMul", format!("p@ {x}"), y]),
            ]
        };
        match self {
            Step::Dense => vec![json!(["MatMul", "x square", "y"])],
            Step::Rectifier => vec![json!(["Relu", "x", "y"])],
            Step::Mixing => {
                vec![turn("x", "t@", &[0, 2, 1]), json!(["MatMul", "t@ mix", "m@"]), turn("m@", "y", &[0, 2, 1])]
            }
            Step::Attention => scores("x", "y", &[0, 2, 1]),
            Step::Heads => [
                vec![json!(["Reshape", "x heads", "h@"]), turn("h@", "t@", &[0, 2, 1, 3])],
                scores("t@", "a@", &[0, 1, 3, 2]),
                vec![turn("a@", "b@", &[0, 2, 1, 3]), json!(["Reshape", "b@ whole", "y"])],
            ]
            .concat(),
            Step::Windows => [
                vec![json!(["Reshape", "x windows", "h@"])],
                scores("h@", "a@", &[0, 2, 1]),
                vec![json!(["Reshape", "a@ whole", "y"])],
            ]
            .concat(),
            Step::Operator => vec![json!(["Attention", "x x x", "y", { "q_num_heads": 2, "kv_num_heads": 2 }])],
            Step::Recurrent => vec![
                turn("x", "t@", &[1, 0, 2]),
                json!(["GRU", "t@ gw gr", "r@", { "hidden_size": FEATURES }]),
                json!(["Squeeze", "r@ one", "q@"]),
                turn("q@", "y", &[1, 0, 2]),
            ],
            Step::Skip => vec![json!(["Add", "x w", "y"])],
        }
    }

    /// Sets of tokens, a bit each, that the numbers of each token depend on; `before`: what `sets` were made of.
    fn follow(self, sets: &[u32], before: &[u32]) -> Vec<u32> {
        let all = sets.iter().fold(0, |all, set| all | set);
        match self {
            Step::Dense | Step::Rectifier => sets.to_vec(),
            Step::Mixing | Step::Attention | Step::Heads | Step::Operator => vec![all; TOKENS],
            Step::Windows => (0..TOKENS).map(|t| sets[t - t % 2] | sets[t - t % 2 + 1]).collect(),
            Step::Recurrent => (0..TOKENS).map(|t| sets[..=t].iter().fold(0, |all, set| all | set)).collect(),
            Step::Skip => sets.iter().zip(before).map(|(a, b)| a | b).collect(),
        }
    }
}

/// What the last layer is said to see of the tokens.
fn said(steps: &[Step]) -> Option<Vec<u64>> {
    let constant = |name: &str, ints: &[usize]| json!(["Constant", "", name, {"value": {"tensor": [format!("i64[{}]", ints.len()), ints]}}]);
    let mut nodes = vec![
        constant("heads", &[1, TOKENS, 2, FEATURES / 2]),
        constant("windows", &[TOKENS / 2, 2, FEATURES]),
        constant("whole", &[1, TOKENS, FEATURES]),
        constant("one", &[1]),
    ];
    let (mut before, mut last) = ("x0".to_owned(), "x0".to_owned());
    // A layer of features comes first, so that it is known which axis has the tokens.
    for (number, step) in [Step::Dense].iter().chain(steps).enumerate() {
        let made = format!("x{}", number + 1);
        for node in step.nodes() {
            let name = |name: &str| match name {
                "x" => last.clone(),
                "w" => before.clone(),
                "y" => made.clone(),
                other => other.replace('@', &format!("_{number}")),
            };
            let names = |value: &Value| value.as_str().unwrap().split(' ').map(name).collect::<Vec<_>>().join(" ");
            nodes.push(json!([node[0], names(&node[1]), names(&node[2]), node.get(3).cloned().unwrap_or(json!({}))]));
        }
        before = std::mem::replace(&mut last, made);
    }
    let shape = format!("f32[1,{TOKENS},{FEATURES}]");
    let mut graph = graph(&json!({ "x0": shape }), &Value::Array(nodes), &json!({ last: shape }));
    let stored = [("square", "f32[4,4]"), ("mix", "f32[6,6]"), ("gw", "f32[1,12,4]"), ("gr", "f32[1,12,4]")];
    graph.initializer = stored.map(|(name, ty)| tensor(name, &json!([ty])).encode_to_vec().into()).into();
    let read = onnx::read(file(&model(&json!({ "": 23 }), graph, &[])), &Bindings::default());
    let report = report(read);
    report.layers.last()?.receptive_field.first().map(|field| field.size.clone())
}

/// The widest stretch of tokens that a number depends on.
fn truth(steps: &[Step]) -> u64 {
    let start: Vec<u32> = (0..TOKENS).map(|t| 1 << t).collect();
    let (mut before, mut sets) = (start.clone(), start);
    for step in steps {
        let next = step.follow(&sets, &before);
        before = std::mem::replace(&mut sets, next);
    }
    let widths = sets.iter().map(|set| u64::from(32 - set.leading_zeros() - set.trailing_zeros()));
    widths.max().expect("tokens")
}

#[test]
fn tokens_see_what_each_step_lets_them_see() {
    let all = Some(vec![TOKENS as u64]);
    for step in STEPS {
        let expected = match step {
            Step::Dense | Step::Rectifier | Step::Skip => Some(vec![1]),
            // How far a part of an axis reaches is not followed.
            Step::Windows => None,
            _ => all.clone(),
        };
        assert_eq!(said(&[step]), expected, "{step:?}");
    }
}

proptest! {
    #[test]
    fn tokens_see_what_they_depend_on(steps in prop::collection::vec(prop::sample::select(STEPS.as_slice()), 1..7)) {
        match said(&steps) {
            Some(size) => prop_assert_eq!(size, vec![truth(&steps)], "{:?}", steps),
            None => prop_assert!(steps.iter().any(|step| matches!(step, Step::Windows)), "{:?}", steps),
        }
    }
}

/// Patches of a photo: every token of attention sees all of the height and the width.
#[test]
fn patches_of_an_image_are_followed_through_attention() {
    let constant = |name: &str, ints: &[i64]| json!(["Constant", "", name, {"value": {"tensor": [format!("i64[{}]", ints.len()), ints]}}]);
    let nodes = |attention: Value| {
        json!([
            constant("flat", &[1, 4, 9]),
            ["Conv", "x kernel", "c", {"strides": [4, 4]}],
            ["Reshape", "c flat", "f"],
            ["Transpose", "f", "t", {"perm": [0, 2, 1]}],
            attention
        ])
    };
    let seen = |attention: Value| {
        let mut graph = graph(&json!({ "x": "f32[1,3,12,12]" }), &nodes(attention), &json!({ "y": "f32[1,9,4]" }));
        graph.initializer = vec![tensor("kernel", &json!(["f32[4,3,4,4]"])).encode_to_vec().into()];
        let read = onnx::read(file(&model(&json!({ "": 23 }), graph, &[])), &Bindings::default());
        report(read).layers.last().expect("a layer").receptive_field[0].size.clone()
    };
    assert_eq!(seen(json!(["Relu", "t", "y"])), [4, 4]);
    assert_eq!(seen(json!(["Attention", "t t t", "y", { "q_num_heads": 1, "kv_num_heads": 1 }])), [12, 12]);
}
