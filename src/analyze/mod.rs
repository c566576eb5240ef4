//! Model → numbers: one pass a question, each in a file of its own. No operator's name may appear in this folder; an
//! operator is asked, and what it does not know is carried along as unknown, never as zero.

pub mod convention;
mod memory;
mod params;
mod receptive;
pub mod report;
mod work;

use crate::base::quantity::{AtLeast, Bytes, Elements};
use crate::graph::{Model, Node, ValueId};
use convention::Convention;
use report::{Layer, Report, Settings, Tensor, Totals, Training, Unknown};

/// What a model is sized for, beside what is in the model itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it was read, for the report.
    pub source: String,
    /// `arch` or `onnx`.
    pub format: &'static str,
    /// Examples at once, as the model was built.
    pub batch: u64,
    /// The precision's name.
    pub precision: String,
    /// How arithmetic is counted.
    pub convention: &'static Convention,
    /// Bound symbols.
    pub dims: Vec<(String, u64)>,
}

/// Sizes a model.
pub fn analyze(model: &Model, options: Options) -> Report {
    let stored = params::count(model);
    let work = work::count(model, options.convention);
    let memory = memory::measure(model, &stored);
    let fields = receptive::fields(model);
    let activations = memory::activations(model);
    let mut unknown = Vec::new();
    let mut layers = Vec::with_capacity(model.main.nodes.len());
    for id in &model.main.nodes {
        let node = &model.nodes[*id];
        let own = stored.of(*id);
        let work = &work.nodes[id.index()];
        list_unknown(node, own, work, activations.of(*id), &mut unknown);
        layers.push(Layer {
            name: node.name.to_string(),
            op: node.op_type.to_string(),
            group: node.group.to_string(),
            scope: node.scope.to_string(),
            origin: node.origin.clone(),
            inputs: node
                .inputs
                .iter()
                .flatten()
                .filter(|v| model.is_activation(**v))
                .map(|v| name(model, *v))
                .collect(),
            outputs: node.outputs.iter().flatten().map(|v| tensor(model, *v)).collect(),
            parameters: own.parameters(),
            trainable: own.trainable,
            buffers: own.buffers,
            macs: work.macs,
            flops: work.flops,
            activation_bytes: activations.of(*id),
            receptive_field: fields.of(model, *id),
        });
    }
    let totals = Totals {
        parameters: stored.total.parameters(),
        trainable: stored.total.trainable,
        frozen: stored.total.frozen,
        buffers: stored.total.buffers,
        parameter_bytes: stored.total.parameter_bytes,
        buffer_bytes: stored.total.buffer_bytes,
        input_bytes: model.main.inputs.iter().map(|v| memory::bytes(model, *v)).sum(),
        activation_bytes: activations.total(),
        macs: work.macs,
        flops: work.flops,
        operations: work.operations,
        operations_incomplete: work.incomplete,
    };
    let minimum =
        totals.activation_bytes.plus(totals.input_bytes).plus(totals.parameter_bytes).plus(totals.buffer_bytes);
    Report {
        name: model.name.clone(),
        source: options.source,
        format: options.format,
        settings: Settings {
            batch: options.batch,
            precision: options.precision,
            optimizer: "none".into(),
            convention: options.convention.name.into(),
            dims: options.dims,
        },
        totals,
        inference: memory,
        training: Training { minimum },
        inputs: model.main.inputs.iter().map(|v| tensor(model, *v)).collect(),
        layers,
        unknown,
        diagnostics: Vec::new(),
    }
}

fn name(model: &Model, id: ValueId) -> String {
    model.values[id].name.to_string()
}

fn tensor(model: &Model, id: ValueId) -> Tensor {
    let value = &model.values[id];
    Tensor { name: value.name.to_string(), ty: value.ty.clone() }
}

/// Whose figures are unknown, by name, and why.
fn list_unknown(
    node: &Node,
    own: params::Count,
    work: &work::Charge,
    activation: AtLeast<Bytes>,
    list: &mut Vec<Unknown>,
) {
    let mut add = |quantity, reason: &str| {
        list.push(Unknown {
            layer: node.name.to_string(),
            op: node.op_type.to_string(),
            quantity,
            reason: reason.into(),
        });
    };
    if own.parameters().incomplete || own.buffers.incomplete {
        add("parameters", "the size of a weight is not known");
    }
    if let Some(reason) = &work.unknown {
        add(if work.macs.incomplete { "macs" } else { "operations" }, reason);
    }
    if activation.incomplete {
        add("activation_bytes", "the size of an output is not known");
    }
}

/// The known elements of a value, or unknown.
fn elements(model: &Model, id: ValueId) -> AtLeast<Elements> {
    let known = model.values[id].ty.tensor().and_then(|t| t.shape.elements());
    known.map_or_else(AtLeast::unknown, |n| AtLeast::exact(Elements(n)))
}
