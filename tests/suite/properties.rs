//! Laws that hold for every network, on random networks that a generator writes as text.

use cnnsize::analyze::memory::onnxruntime;
use cnnsize::analyze::report::Report;
use cnnsize::analyze::{Options, analyze, convention};
use cnnsize::front::arch::{self, LoadError, Loader, Overrides};
use cnnsize::graph::{Model, NodeId, Source, ValueId};
use cnnsize::ops::attributes::Attributes;
use cnnsize::ops::kernel::Kernel;
use proptest::prelude::*;
use std::path::Path;

struct NoImports;

impl Loader for NoImports {
    fn load(&self, _: &Path) -> Result<String, LoadError> {
        Err(LoadError::Missing)
    }
}

pub(crate) fn lower(text: &str, batch: u64) -> Model {
    let document = arch::read(Path::new("random.arch"), text.to_owned(), &NoImports);
    assert_eq!(document.diagnostics, [], "{text}");
    let lowered = document.lower(0, &Overrides { batch: Some(batch), ..Overrides::default() });
    assert_eq!(lowered.diagnostics, [], "{text}");
    lowered.model
}

fn size(text: &str, batch: u64) -> Report {
    let options = Options {
        source: "random.arch".into(),
        format: "arch",
        batch,
        precision: "fp32".into(),
        convention: convention::default(),
        dims: Vec::new(),
    };
    analyze(&lower(text, batch), options)
}

/// Writes a network, keeping track of its maps so that every line fits.
struct Writer {
    text: String,
    channels: u64,
    edge: u64,
}

impl Writer {
    fn new(channels: u64, edge: u64) -> Writer {
        Writer { text: format!("input {channels}@{edge}x{edge}\n"), channels, edge }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds the line that a few random numbers stand for.
    fn add(&mut self, (kind, a, b, c): (u8, u64, u64, u64)) {
        let (kernel, stride) = (1 + a % 3, 1 + b % 2);
        let filters = 1 + c % 6;
        match kind % 9 {
            0 if kernel <= self.edge => {
                self.line(&format!("conv {filters} {kernel}x{kernel} /{stride}"));
                (self.channels, self.edge) = (filters, (self.edge - kernel) / stride + 1);
            }
            1 => {
                self.line(&format!("conv {filters} {kernel}x{kernel} /{stride} same nobias bn relu"));
                (self.channels, self.edge) = (filters, self.edge.div_ceil(stride));
            }
            2 => {
                self.line("dwconv 3x3 pad=1");
            }
            3 if kernel <= self.edge => {
                let pool = if a % 2 == 0 { "maxpool" } else { "avgpool" };
                self.line(&format!("{pool} {kernel}x{kernel} /{stride}"));
                self.edge = (self.edge - kernel) / stride + 1;
            }
            4 => self.line("relu"),
            5 => self.line(&format!("add {{ | conv {} 3x3 same relu | identity }}", self.channels)),
            6 => {
                self.line(&format!("concat {{ | conv {filters} 1x1 | conv 2 3x3 same; relu | identity }}"));
                self.channels += filters + 2;
            }
            7 if self.edge < 24 => {
                self.line(&format!("upconv {filters} 2x2 /2"));
                (self.channels, self.edge) = (filters, 2 * self.edge);
            }
            _ => self.line("bn tanh"),
        }
    }
}

pub(crate) fn network() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec((0u8..9, 0u64..64, 0u64..64, 0u64..64), 1..12);
    (1u64..5, 6u64..20, lines).prop_map(|(channels, edge, lines)| {
        let mut writer = Writer::new(channels, edge);
        for line in lines {
            writer.add(line);
        }
        writer.text
    })
}

proptest! {
    #[test]
    fn parameters_do_not_depend_on_the_batch_and_the_rest_is_linear_in_it(text in network(), batch in 2u64..40) {
        let (one, many) = (size(&text, 1).totals, size(&text, batch).totals);
        prop_assert_eq!(one.parameters, many.parameters);
        prop_assert_eq!(one.buffers, many.buffers);
        prop_assert_eq!(one.macs.times(batch), many.macs);
        prop_assert_eq!(one.flops.times(batch), many.flops);
        prop_assert_eq!(one.input_bytes.times(batch), many.input_bytes);
        prop_assert_eq!(one.activation_bytes.times(batch), many.activation_bytes);
        prop_assert_eq!(one.operations.times(batch), Some(many.operations));
    }

    #[test]
    fn memory_figures_are_ordered(text in network(), batch in 1u64..5) {
        let report = size(&text, batch);
        let memory = &report.inference;
        let overwriting = memory.overwriting.least;
        prop_assert!(!memory.minimum.incomplete && !memory.arena.incomplete);
        prop_assert!(overwriting <= memory.arena.least);
        prop_assert!(memory.arena.least <= memory.no_reuse.least);
        prop_assert!(overwriting <= memory.activation_peak.least);
        prop_assert!(memory.activation_peak.least <= memory.no_reuse.least);
        let largest = report.layers.iter().flat_map(|l| &l.outputs).filter_map(|t| t.ty.bytes()).max().unwrap_or(0);
        prop_assert!(largest <= overwriting.0);
    }

    #[test]
    fn the_runtimes_plan_holds_what_a_kernel_needs_and_no_more_than_everything(text in network(), batch in 1u64..5) {
        let model = lower(&text, batch);
        let Ok(plan) = onnxruntime::plan(&model, 1) else { return Ok(()) };
        let held = plan.first.values.0 + plan.first.outputs.0;
        let bytes = |v: &Option<ValueId>| v.and_then(|v| model.values[v].ty.bytes()).unwrap_or(0);
        for node in model.main.nodes.iter().map(|id| &model.nodes[*id]) {
            let made = |v: ValueId| model.values[v].producer().is_some_and(|(n, _)| !matches!(model.nodes[n].kind.kernel, Kernel::Alias));
            let input = node.inputs.first().filter(|v| v.is_some_and(made)).map_or(0, bytes);
            if let (Kernel::Fresh(_), Some(output)) = (node.kind.kernel, node.outputs.first()) {
                prop_assert!(input + bytes(output) <= plan.first.total().unwrap().0, "{}", node.name);
            }
        }
        prop_assert!(held <= model.main.nodes.iter().flat_map(|id| &model.nodes[*id].outputs).map(bytes).sum());
        prop_assert!(plan.first.values <= plan.steady.values);
    }

    #[test]
    fn groups_divide_weights_and_arithmetic(g in 1u64..5, c in 1u64..5, n in 1u64..5, edge in 3u64..12) {
        let of = |groups| size(&format!("input {}@{edge}x{edge}\nconv {} 3x3 nobias groups={groups}", g * c, g * n), 1).totals;
        let (whole, grouped) = (of(1), of(g));
        prop_assert_eq!(grouped.parameters.times(g), whole.parameters);
        prop_assert_eq!(grouped.macs.times(g), whole.macs);
        prop_assert_eq!(grouped.activation_bytes, whole.activation_bytes);
    }

    #[test]
    fn receptive_fields_equal_tracing_every_position(text in network()) {
        let model = lower(&text, 1);
        let report = size(&text, 1);
        let upsamplings = text.matches("upconv").count();
        for (id, layer) in model.main.nodes.iter().zip(&report.layers) {
            let value = model.nodes[*id].outputs[0].unwrap();
            let traced: Vec<(i64, i64)> = (0..8).map(|unit| trace(&model, value, unit)).collect();
            let field = &layer.receptive_field[0];
            if upsamplings > 0 {
                let widest = traced.iter().map(|(first, last)| last - first + 1).max().unwrap();
                let size = i64::try_from(field.size[0]).unwrap();
                // Behind a second upsampling, and where branches of different strides meet, it is a bound.
                let exact = upsamplings == 1 && !text.contains('|');
                prop_assert!(if exact { size == widest } else { size >= widest }, "{} of\n{text}", layer.name);
            } else {
                let (stride, one) = field.stride[0];
                prop_assert_eq!(one, 1);
                for (unit, seen) in (0..).zip(traced) {
                    let first = field.offset[0] + unit * i64::try_from(stride).unwrap();
                    let last = first + i64::try_from(field.size[0]).unwrap() - 1;
                    prop_assert_eq!((first, last), seen, "unit {} of {} of\n{}", unit, layer.name, text);
                }
            }
        }
    }
}

/// First and last input row that a unit's row depends on, by following every position of every window, padding and
/// what lies beyond the border included.
fn trace(model: &Model, value: ValueId, row: i64) -> (i64, i64) {
    let Source::Node(node, _) = model.values[value].source else { return (row, row) };
    let seen = rows(model, node, row).into_iter().flat_map(|row| {
        let inputs = model.nodes[node].inputs.iter().flatten().filter(|v| model.is_activation(**v));
        inputs.map(move |v| trace(model, *v, row))
    });
    seen.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap()
}

/// Rows of its inputs that a row of a node's output is made of.
fn rows(model: &Model, node: NodeId, row: i64) -> Vec<i64> {
    let node = &model.nodes[node];
    let (attributes, first) = (&node.attributes, |name| first(&node.attributes, name));
    let edge = |v: ValueId| model.values[v].ty.tensor().unwrap().shape.sizes().unwrap()[2].cast_signed();
    match &*node.op_type {
        "Conv" | "MaxPool" | "AveragePool" => {
            let kernel = first("kernel_shape").unwrap();
            let stride = first("strides").unwrap_or(1);
            let before = match attributes.string("auto_pad").unwrap() {
                Some("SAME_UPPER") => {
                    let outputs = edge(node.outputs[0].unwrap());
                    ((outputs - 1) * stride + kernel - edge(node.inputs[0].unwrap())).max(0) / 2
                }
                _ => first("pads").unwrap_or(0),
            };
            (0..kernel).map(|tap| row * stride - before + tap).collect()
        }
        "ConvTranspose" => {
            let (kernel, stride) = (first("kernel_shape").unwrap(), first("strides").unwrap_or(1));
            let taps = (0..kernel).map(|tap| row + first("pads").unwrap_or(0) - tap);
            taps.filter(|at| at.rem_euclid(stride) == 0).map(|at| at.div_euclid(stride)).collect()
        }
        _ => vec![row],
    }
}

fn first(attributes: &Attributes, name: &str) -> Option<i64> {
    attributes.ints(name).unwrap().map(|v| v[0])
}
