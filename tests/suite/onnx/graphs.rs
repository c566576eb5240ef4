//! Whole graphs: `tests/corpus/onnx/graphs.jsonl` has ONNX's own cases of more than one node, one of each sequence of
//! operators, as onnx 1.23.2 makes them, functions expanded and names of values inside shortened; the shapes that come
//! out are those of its stored outputs. The last few call functions of their own; their shapes are what ONNX Runtime
//! 1.32.0 delivered. A line is as `build` says, perhaps with functions at its end; the shapes that it declares of outputs
//! are not given to the reader.

use super::build;
use crate::files::read;
use cnnsize::front::onnx::{self, Bindings, Read};
use cnnsize::graph::Model;
use cnnsize::tensor::{DType, Shape, TensorType};
use serde_json::{Map, Value};

/// One of them.
pub(super) struct Case(Value);

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let lines = read("tests/corpus/onnx/graphs.jsonl");
    lines.lines().map(|line| Case(serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))).collect()
}

impl Case {
    pub(super) fn name(&self) -> &str {
        self.0[0].as_str().unwrap()
    }

    /// The contents of inputs that the case gives.
    pub(super) fn values(&self) -> Vec<(String, Vec<String>)> {
        let given = self.0[3].as_object().unwrap();
        let words = |v: &Value| v.as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect();
        given.iter().map(|(name, v)| (name.clone(), words(v))).collect()
    }

    fn wanted(&self) -> &Map<String, Value> {
        self.0[5].as_object().unwrap()
    }

    /// The network, with these contents of inputs.
    pub(super) fn model(&self, values: Vec<(String, Vec<String>)>) -> Model {
        let read = self.read(values);
        read.model.unwrap_or_else(|| panic!("{}: {:?}", self.name(), read.diagnostics))
    }

    /// The same with what is said of it.
    pub(super) fn read(&self, values: Vec<(String, Vec<String>)>) -> Read {
        let erased = self.wanted().iter().map(|(name, ty)| {
            let dtype = ty.as_str().unwrap().split('[').next().unwrap();
            (name.clone(), Value::from(dtype))
        });
        let graph = build::graph(&self.0[2], &self.0[4], &Value::Object(erased.collect()));
        let functions = self.0.get(6).map_or(&[][..], |f| f.as_array().unwrap());
        let file = build::file(&build::model(&self.0[1], graph, functions));
        onnx::read(file, &Bindings { values, ..Bindings::default() })
    }
}

/// Type of an output, `f32[2,3]`.
pub(super) fn output(model: &Model, name: &str) -> String {
    let id = model.main.outputs.iter().find(|id| *model.values[**id].name == *name).expect("an output");
    model.values[*id].ty.tensor().map_or_else(String::new, written)
}

/// A type as the cases write it.
fn written(ty: &TensorType) -> String {
    let dtype = ty.dtype.map_or("?", DType::name);
    let Shape::Ranked(dims) = &ty.shape else { return dtype.into() };
    let dims: Vec<String> = dims.iter().map(|d| d.size().map_or_else(|| "?".into(), |n| n.to_string())).collect();
    format!("{dtype}[{}]", dims.join(","))
}

#[test]
fn graphs_deliver_the_types_that_onnx_s_own_cases_deliver() {
    let impossible = super::impossible::rows("graph");
    let mut wrong = Vec::new();
    for case in cases() {
        if impossible.iter().any(|row| row.case == case.name()) {
            continue;
        }
        let model = case.model(case.values());
        for (name, wanted) in case.wanted() {
            let found = output(&model, name);
            if found != wanted.as_str().unwrap() {
                wrong.push(format!("{}: {name} is {found}, not {wanted}", case.name()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
