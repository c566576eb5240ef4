//! The JSON report: a serialisable twin of [`Report`], so that names in it never change with the program's insides.
//! `report.schema.json` describes it; a test holds every output against that.

use super::lines::pretty;
use super::{Broken, Entry, Format, Outcome, Style};
use crate::analyze::report::{Field, Layer, Report, Tensor};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::quantity::{AtLeast, Quantity};
use crate::base::source::Sources;
use crate::ops::rules::Operations;
use crate::tensor::{DType, Dim, TensorType, ValueType};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::io;
use std::sync::Arc;

/// The JSON Schema of this format.
pub const SCHEMA: &str = include_str!("report.schema.json");

pub(super) const FORMAT: Format =
    Format { name: "json", extension: "json", doc: "every figure, as integers", single: false, write };

fn write(entries: &[Entry], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let twin = Twin { schema: "cnnsize-report/1", models: entries.iter().map(Model::of).collect() };
    pretty(&twin, out)
}

#[derive(serde::Serialize)]
struct Twin<'a> {
    schema: &'static str,
    models: Vec<Model<'a>>,
}

/// A model. For a file that gave none, every figure is `null`.
#[derive(serde::Serialize)]
struct Model<'a> {
    name: &'a str,
    source: &'a str,
    format: &'a str,
    settings: Settings<'a>,
    totals: Totals,
    memory: Memory<'a>,
    at_least: Vec<&'static str>,
    layers: Rows<'a>,
    unknown: Vec<Unknown<'a>>,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Default, serde::Serialize)]
struct Settings<'a> {
    batch: Option<u64>,
    precision: Option<&'a str>,
    optimizer: Option<&'a str>,
    convention: Option<&'a str>,
    #[serde(serialize_with = "as_map")]
    dims: &'a [(String, u64)],
}

#[derive(Default, serde::Serialize)]
struct Totals {
    parameters: Option<u64>,
    trainable_parameters: Option<u64>,
    frozen_parameters: Option<u64>,
    buffers: Option<u64>,
    parameter_bytes: Option<u64>,
    buffer_bytes: Option<u64>,
    input_bytes: Option<u64>,
    activation_bytes: Option<u64>,
    macs: Option<u64>,
    flops: Option<u64>,
    macs_per_sample: Option<u64>,
    flops_per_sample: Option<u64>,
    operations: ByKind,
}

#[derive(Default, serde::Serialize)]
struct ByKind {
    add: Option<u64>,
    mul: Option<u64>,
    div: Option<u64>,
    compare: Option<u64>,
    exp: Option<u64>,
}

#[derive(Default, serde::Serialize)]
struct Memory<'a> {
    inference: Inference<'a>,
    training: Training,
}

#[derive(Default, serde::Serialize)]
struct Inference<'a> {
    minimum_bytes: Option<u64>,
    activation_peak_bytes: Option<u64>,
    peak_at: Option<&'a str>,
    arena_bytes: Option<u64>,
    no_reuse_bytes: Option<u64>,
    onnxruntime_bytes: Option<u64>,
}

/// What is not computed is `null`.
#[derive(Default, serde::Serialize)]
struct Training {
    minimum_bytes: Option<u64>,
    framework_bytes: Option<u64>,
    first_step_bytes: Option<u64>,
    allocated_bytes: Option<u64>,
    reserved_bytes: Option<u64>,
    peak_at: Option<&'static str>,
    saved_bytes: Option<u64>,
    gradient_bytes: Option<u64>,
    optimizer_bytes: Option<u64>,
    temporary_bytes: Option<u64>,
}

#[derive(serde::Serialize)]
struct Row<'a> {
    name: &'a str,
    op: &'a str,
    group: &'a str,
    scope: &'a str,
    line: Option<u32>,
    inputs: Each<'a, Arc<str>, &'a str>,
    outputs: Each<'a, Tensor, Output<'a>>,
    parameters: Option<u64>,
    trainable_parameters: Option<u64>,
    buffers: Option<u64>,
    macs: Option<u64>,
    flops: Option<u64>,
    activation_bytes: Option<u64>,
    saved_bytes: Option<u64>,
    receptive_field: Each<'a, Field, Seen<'a>>,
}

#[derive(serde::Serialize)]
struct Output<'a> {
    name: &'a str,
    #[serde(flatten)]
    ty: Type<'a>,
    bytes: Option<u64>,
}

#[derive(serde::Serialize)]
struct Seen<'a> {
    input: &'a str,
    size: &'a [u64],
    stride: Each<'a, (u64, u64), u64>,
    offset: &'a [i64],
}

#[derive(serde::Serialize)]
struct Unknown<'a> {
    layer: &'a str,
    op: &'a str,
    quantity: &'a str,
    reason: &'a str,
}

#[derive(serde::Serialize)]
struct Finding<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    node: Option<&'a str>,
}

impl<'a> Model<'a> {
    fn of(entry: &'a Entry) -> Self {
        match &entry.outcome {
            Outcome::Sized(figures) => Model::sized(&figures.report, &entry.sources),
            Outcome::Broken(broken) => Model::broken(broken, &entry.sources),
        }
    }

    fn broken(broken: &'a Broken, sources: &'a Sources) -> Self {
        Model {
            name: &broken.name,
            source: &broken.source,
            format: broken.format,
            settings: Settings::default(),
            totals: Totals::default(),
            memory: Memory::default(),
            at_least: Vec::new(),
            layers: Rows { layers: &[], sources },
            unknown: Vec::new(),
            diagnostics: broken.diagnostics.iter().map(|d| Finding::of(d, sources)).collect(),
        }
    }

    fn sized(report: &'a Report, sources: &'a Sources) -> Self {
        let mut at_least = Vec::new();
        let totals = Totals::of(report, &mut at_least);
        let memory = Memory::of(report, &mut at_least);
        let unknown = report.unknown.iter().map(|u| Unknown {
            layer: &u.layer,
            op: &u.op,
            quantity: u.quantity,
            reason: &u.reason,
        });
        Model {
            name: &report.name,
            source: &report.source,
            format: report.format,
            settings: Settings {
                batch: Some(report.settings.batch),
                precision: Some(&report.settings.precision),
                optimizer: Some(&report.settings.optimizer),
                convention: Some(&report.settings.convention),
                dims: &report.settings.dims,
            },
            totals,
            memory,
            at_least,
            layers: Rows { layers: &report.layers, sources },
            unknown: unknown.collect(),
            diagnostics: report.diagnostics.iter().map(|d| Finding::of(d, sources)).collect(),
        }
    }
}

/// The known part of a total, and its key among the lower bounds when something is missing.
fn least<Q: Quantity>(total: AtLeast<Q>, key: &'static str, at_least: &mut Vec<&'static str>) -> Option<u64> {
    if total.incomplete {
        at_least.push(key);
    }
    Some(total.least.count())
}

impl Totals {
    fn of(report: &Report, at_least: &mut Vec<&'static str>) -> Totals {
        let t = &report.totals;
        let each = |n: u64| n.checked_div(report.settings.batch).filter(|_| n.is_multiple_of(report.settings.batch));
        let totals = Totals {
            parameters: least(t.parameters, "parameters", at_least),
            trainable_parameters: least(t.trainable, "trainable_parameters", at_least),
            frozen_parameters: least(t.frozen, "frozen_parameters", at_least),
            buffers: least(t.buffers, "buffers", at_least),
            parameter_bytes: least(t.parameter_bytes, "parameter_bytes", at_least),
            buffer_bytes: least(t.buffer_bytes, "buffer_bytes", at_least),
            input_bytes: least(t.input_bytes, "input_bytes", at_least),
            activation_bytes: least(t.activation_bytes, "activation_bytes", at_least),
            macs: least(t.macs, "macs", at_least),
            flops: least(t.flops, "flops", at_least),
            macs_per_sample: each(t.macs.least.count()),
            flops_per_sample: each(t.flops.least.count()),
            operations: ByKind::of(t.operations),
        };
        let further = [
            ("macs_per_sample", t.macs.incomplete),
            ("flops_per_sample", t.flops.incomplete),
            ("operations", t.operations_incomplete),
        ];
        at_least.extend(further.iter().filter(|(_, incomplete)| *incomplete).map(|(key, _)| *key));
        totals
    }
}

impl ByKind {
    fn of(operations: Operations) -> ByKind {
        let Operations { add, mul, div, compare, exp } = operations;
        ByKind { add: Some(add), mul: Some(mul), div: Some(div), compare: Some(compare), exp: Some(exp) }
    }
}

impl<'a> Memory<'a> {
    fn of(report: &'a Report, at_least: &mut Vec<&'static str>) -> Self {
        let i = &report.inference;
        Memory {
            inference: Inference {
                minimum_bytes: least(i.minimum, "inference.minimum_bytes", at_least),
                activation_peak_bytes: least(i.activation_peak, "inference.activation_peak_bytes", at_least),
                peak_at: i.peak_at.as_deref(),
                arena_bytes: least(i.arena, "inference.arena_bytes", at_least),
                no_reuse_bytes: least(i.no_reuse, "inference.no_reuse_bytes", at_least),
                onnxruntime_bytes: i.onnxruntime.map(|n| n.0),
            },
            training: Training {
                minimum_bytes: least(report.training.minimum, "training.minimum_bytes", at_least),
                framework_bytes: None,
                first_step_bytes: None,
                allocated_bytes: None,
                reserved_bytes: None,
                peak_at: None,
                saved_bytes: None,
                gradient_bytes: None,
                optimizer_bytes: None,
                temporary_bytes: None,
            },
        }
    }
}

impl<'a> Row<'a> {
    fn of(layer: &'a Layer, sources: &Sources) -> Self {
        Row {
            name: &layer.name,
            op: &layer.op,
            group: &layer.group,
            scope: &layer.scope,
            line: place(&layer.origin, sources).0,
            inputs: Each(&layer.inputs, |name| name),
            outputs: Each(&layer.outputs, Output::of),
            parameters: known(layer.parameters),
            trainable_parameters: known(layer.trainable),
            buffers: known(layer.buffers),
            macs: known(layer.macs),
            flops: known(layer.flops),
            activation_bytes: known(layer.activation_bytes),
            saved_bytes: None,
            receptive_field: Each(&layer.receptive_field, Seen::of),
        }
    }
}

fn known<Q: Quantity>(figure: AtLeast<Q>) -> Option<u64> {
    figure.known().map(Q::count)
}

impl<'a> Output<'a> {
    fn of(tensor: &'a Tensor) -> Self {
        Output { name: &tensor.name, ty: Type(&tensor.ty), bytes: tensor.ty.bytes() }
    }
}

impl<'a> Seen<'a> {
    fn of(field: &'a Field) -> Self {
        Seen {
            input: &field.input,
            size: &field.size,
            stride: Each(&field.stride, |(positions, units)| positions.checked_div(*units).unwrap_or(0)),
            offset: &field.offset,
        }
    }
}

impl<'a> Finding<'a> {
    fn of(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let (line, column) = place(&diagnostic.origin, sources);
        let node = match &diagnostic.origin {
            Origin::Node { name, .. } => Some(&**name),
            Origin::Text(_) | Origin::Byte(_) | Origin::File => None,
        };
        let Diagnostic { code, severity, message, .. } = diagnostic;
        Finding { code, severity: severity.word(), message, line, column, node }
    }
}

fn place(origin: &Origin, sources: &Sources) -> (Option<u32>, Option<u32>) {
    match origin {
        Origin::Text(span) => {
            let start = sources.start(*span);
            (Some(start.line), Some(start.column))
        }
        Origin::Node { .. } | Origin::Byte(_) | Origin::File => (None, None),
    }
}

fn as_map<S: Serializer>(pairs: &[(String, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// The twins of a list. Each is made when it is written, so that those of a large network never are in memory together.
struct Each<'a, T, Twin>(&'a [T], fn(&'a T) -> Twin);

impl<T, Twin: Serialize> Serialize for Each<'_, T, Twin> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

/// The twins of layers, made in the same way.
struct Rows<'a> {
    layers: &'a [Layer],
    sources: &'a Sources,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.layers.iter().map(|layer| Row::of(layer, self.sources)))
    }
}

/// A type: `dtype` and `shape` of a tensor, or what stands in their place.
struct Type<'a>(&'a ValueType);

impl Serialize for Type<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            ValueType::Tensor(TensorType { dtype, shape }) => {
                map.serialize_entry("dtype", &dtype.map(DType::name))?;
                map.serialize_entry("shape", &shape.dims().map(|dims| Each(dims, Size)))?;
            }
            ValueType::Unknown => {
                map.serialize_entry("dtype", &None::<&str>)?;
                map.serialize_entry("shape", &None::<&str>)?;
            }
            ValueType::Sequence(inner) => map.serialize_entry("sequence", &Type(inner.element()))?,
            ValueType::Optional(inner) => map.serialize_entry("optional", &Type(inner))?,
            ValueType::Map(key, value) => map.serialize_entry("map", &Pair(key.name(), Type(value)))?,
        }
        map.end()
    }
}

struct Pair<'a>(&'static str, Type<'a>);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("key", self.0)?;
        map.serialize_entry("value", &self.1)?;
        map.end()
    }
}

/// A dimension: an integer, the name of what is free, or `null`.
struct Size<'a>(&'a Dim);

impl Serialize for Size<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Dim::Known(n) => serializer.serialize_i64(*n),
            Dim::Symbolic(expression) => serializer.collect_str(expression),
            Dim::Unknown => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::quantity::{Bytes, Macs};
    use crate::render::sample;
    use crate::tensor::{List, Shape};

    fn printed(entry: Entry) -> serde_json::Value {
        let mut out = Vec::new();
        write(&[entry], &Style::default(), &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    fn check(report: &serde_json::Value) {
        let schema = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    fn sized(change: impl FnOnce(&mut Report)) -> Entry {
        let mut entry = sample::textbook();
        if let Outcome::Sized(figures) = &mut entry.outcome {
            change(&mut figures.report);
        }
        entry
    }

    /// The golden case: every figure is the textbook's, worked out exactly.
    #[test]
    fn the_sizing_exercise_holds_the_textbooks_figures() {
        let report = printed(sample::textbook());
        check(&report);
        let model = &report["models"][0];
        assert_eq!(model["totals"]["parameters"], 903_400);
        assert_eq!(model["totals"]["macs_per_sample"], 1_399_500_000);
        assert_eq!(model["memory"]["inference"]["minimum_bytes"], 453_613_600);
        assert_eq!(model["memory"]["training"]["minimum_bytes"], 565_613_600);
        assert_eq!(model["layers"][2]["line"], 4);
    }

    #[test]
    fn what_is_not_known_is_null_in_a_layer_and_a_lower_bound_in_a_total() {
        let report = printed(sized(|report| {
            report.layers[0].macs = AtLeast::unknown();
            report.totals.macs = AtLeast { least: Macs(7), incomplete: true };
            report.inference.minimum = AtLeast { least: Bytes(9), incomplete: true };
        }));
        check(&report);
        let model = &report["models"][0];
        assert!(model["layers"][0]["macs"].is_null());
        assert_eq!(model["totals"]["macs"], 7);
        assert!(model["totals"]["macs_per_sample"].is_null(), "7 does not divide by 50");
        assert_eq!(model["at_least"], serde_json::json!(["macs", "macs_per_sample", "inference.minimum_bytes"]));
    }

    #[test]
    fn every_kind_of_value_has_a_place_in_the_schema() {
        let tensor = |shape| ValueType::from(TensorType { dtype: None, shape });
        let free = Shape::Ranked(vec![Dim::symbol("N"), Dim::Unknown, Dim::Known(3)]);
        let list = ValueType::from(List::of(tensor(Shape::Unranked)));
        let types = [
            ValueType::Unknown,
            tensor(free),
            ValueType::Optional(Box::new(list.clone())),
            ValueType::Map(DType::I64, Box::new(list)),
        ];
        let report = printed(sized(|report| {
            report.layers[0].outputs =
                types.into_iter().map(|ty| Tensor { name: "\u{1b}\u{202e}</script>".into(), ty }).collect();
        }));
        check(&report);
        let outputs = &report["models"][0]["layers"][0]["outputs"];
        assert_eq!(outputs[1]["shape"], serde_json::json!(["N", null, 3]));
        assert_eq!(outputs[3]["map"]["value"]["sequence"]["shape"], serde_json::Value::Null);
        assert_eq!(outputs[0]["name"], "\u{1b}\u{202e}</script>", "names are data: nothing is changed in JSON");
    }

    #[test]
    fn the_schema_forbids_keys_that_it_does_not_know() {
        let schema = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for place in ["", "/models/0", "/models/0/totals", "/models/0/memory/training", "/models/0/layers/0/outputs/0"]
        {
            let mut report = printed(sample::textbook());
            let object = report.pointer_mut(place).and_then(serde_json::Value::as_object_mut).unwrap();
            object.insert("more".into(), 1.into());
            assert!(!validator.is_valid(&report), "a new key at `{place}` passes");
        }
    }
}
