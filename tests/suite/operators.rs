//! Every operator against the cases that ONNX publishes for implementers: `tests/corpus/operators/onnx.jsonl` has those
//! of one node, as onnx 1.23.2 makes them (`onnx/backend/test/case/node`). They are of the newest versions;
//! `versions.jsonl` beside it has the older ones and ONNX Runtime's own operators, with what ONNX Runtime 1.32.0 delivers
//! when it runs them, or else what onnx's shape inference says, or for a few of the first versions the specification.
//!
//! A line is a case: name, operator, opset, attributes, types that go in, types that come out. A type that goes in may
//! carry its contents, where shapes depend on them. A size that the data alone decides is `?` in what comes out.

use super::files::read;
use super::onnx::{EXTREMES, extreme};
use cnnsize::ops::attributes::{Attribute, Attributes};
use cnnsize::ops::find;
use cnnsize::ops::rules::{At, Open, Spec};
use cnnsize::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn operators_deliver_the_types_of_onnx_s_own_cases() {
    check("tests/corpus/operators/onnx.jsonl");
}

#[test]
fn operators_deliver_what_runtimes_deliver_in_every_version() {
    check("tests/corpus/operators/versions.jsonl");
}

fn check(path: &str) {
    let cases = read(path);
    let failures: Vec<String> = cases
        .lines()
        .map(|line| Case::parse(line).unwrap_or_else(|| panic!("not a case: {line}")))
        .filter_map(|case| case.check().err().map(|why| format!("{} ({} {}): {why}", case.name, case.op, case.opset)))
        .collect();
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

proptest! {
    /// The same with some of their numbers made extreme: whatever is answered, nothing overflows.
    #[test]
    fn extreme_numbers_do_no_harm(
        case in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(EXTREMES)), 1..5)
    ) {
        let cases = [read("tests/corpus/operators/onnx.jsonl"), read("tests/corpus/operators/versions.jsonl")].concat();
        let cases: Vec<&str> = cases.lines().collect();
        if let Some(case) = Case::parse(&extreme(cases[case.index(cases.len())], &edits)) {
            let _ = case.check();
        }
    }
}

type Wire = (ValueType, Option<Literal>);

struct Case {
    name: String,
    op: String,
    opset: i64,
    attributes: Attributes,
    inputs: Vec<Option<Wire>>,
    outputs: Vec<Option<ValueType>>,
}

impl Case {
    fn parse(line: &str) -> Option<Case> {
        let value: Value = serde_json::from_str(line).ok()?;
        let [name, op, opset, attributes, inputs, outputs] = value.as_array()?.as_slice() else { return None };
        let mut read = Attributes::new();
        for (name, value) in attributes.as_object()? {
            read.push(name.as_str(), attribute(value)?);
        }
        let optional = |v: &Value| if v.is_null() { Some(None) } else { wire(v).map(Some) };
        let inputs = inputs.as_array()?.iter().map(optional).collect::<Option<Vec<_>>>()?;
        let outputs = outputs.as_array()?.iter().map(optional).collect::<Option<Vec<_>>>()?;
        Some(Case {
            name: name.as_str()?.into(),
            op: op.as_str()?.into(),
            opset: opset.as_i64()?,
            attributes: read,
            inputs,
            outputs: outputs.into_iter().map(|o| o.map(|(ty, _)| ty)).collect(),
        })
    }

    /// Asks all questions, and compares the types.
    fn check(&self) -> Result<(), String> {
        let (domain, name) = self.op.split_once("::").unwrap_or(("", &self.op));
        let kind = find(domain, name).ok_or("no room has the operator")?;
        let spec = Spec { kind, attributes: &self.attributes, opset: self.opset, open: &Open::default() };
        let op = (kind.read)(&spec).map_err(|e| e.message)?;
        let inputs: Vec<_> = self.inputs.iter().map(|i| i.as_ref().map(|(ty, _)| ty)).collect();
        let known: Vec<_> = self.inputs.iter().map(|i| i.as_ref().and_then(|(_, l)| l.as_ref())).collect();
        let n_outputs = self.outputs.len();
        let mut at = At { inputs: &inputs, known: &known, outputs: &[], n_outputs, bodies: &[] };
        let types = op.infer(&at).map_err(|e| e.message)?;
        let outputs: Vec<_> = types.iter().collect();
        at.outputs = &outputs;
        let folded = op.fold(&at);
        op.work(&at);
        op.window(&at);
        for (i, wanted) in self.outputs.iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            let found = types.get(i).ok_or_else(|| format!("{} outputs", types.len()))?;
            if found != wanted {
                return Err(format!("output {i} is {found:?}"));
            }
            if let Some(Some(literal)) = folded.get(i)
                && found.tensor().is_some_and(|t| t.shape != literal.shape())
            {
                return Err(format!("output {i} folds to another shape, {}", literal.shape()));
            }
        }
        Ok(())
    }
}

fn attribute(value: &Value) -> Option<Attribute> {
    Some(match value {
        Value::Number(n) if n.is_i64() => Attribute::Int(n.as_i64()?),
        Value::Number(n) => Attribute::Float(n.to_string().parse().ok()?),
        Value::String(s) => Attribute::String(s.clone()),
        Value::Array(items) => match items.first() {
            Some(Value::String(_)) => {
                Attribute::Strings(items.iter().map(|s| s.as_str().map(Into::into)).collect::<Option<_>>()?)
            }
            Some(Value::Number(n)) if n.is_f64() => {
                Attribute::Floats(items.iter().map(|x| x.to_string().parse().ok()).collect::<Option<_>>()?)
            }
            _ => Attribute::Ints(items.iter().map(Value::as_i64).collect::<Option<_>>()?),
        },
        Value::Object(fields) => match fields.get("tensor").map(wire) {
            Some(tensor) => {
                let (ValueType::Tensor(TensorType { dtype, shape }), literal) = tensor? else { return None };
                Attribute::Tensor { dtype: dtype?, shape, literal: literal.map(Box::new) }
            }
            None => Attribute::Other,
        },
        Value::Null | Value::Bool(_) => return None,
    })
}

/// `"f32[2,3]"`, or `["i64[2]", [4, 5]]`.
fn wire(value: &Value) -> Option<Wire> {
    let (name, contents) = match value {
        Value::Array(both) => match both.as_slice() {
            [name, contents] => (name, Some(contents.as_array()?)),
            [name] => (name, None),
            _ => return None,
        },
        name => (name, None),
    };
    let (dtype, dims) = name.as_str()?.strip_suffix(']')?.split_once('[')?;
    let dtype = DType::from_name(dtype)?;
    let dims = dims.split(',').filter(|d| !d.is_empty());
    let dim = |d: &str| if d == "?" { Some(Dim::Unknown) } else { d.parse().ok().map(Dim::Known) };
    let dims = dims.map(dim).collect::<Option<Vec<_>>>()?;
    let shape = Shape::Ranked(dims);
    let literal = match contents {
        None => None,
        Some(values) => {
            let elements = if dtype.is_float() {
                Elements::Floats(values.iter().map(Value::as_f64).collect::<Option<_>>()?)
            } else {
                Elements::Ints(values.iter().map(|n| n.as_i64().map(Dim::Known)).collect::<Option<_>>()?)
            };
            let dims = shape.sizes()?.into_iter().map(|n| n.try_into().ok()).collect::<Option<_>>()?;
            Some(Literal { dims, elements })
        }
    };
    Some((TensorType { dtype: Some(dtype), shape }.into(), literal))
}
