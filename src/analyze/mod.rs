//! Model → numbers: one pass a question, each in a file of its own. No operator's name may appear in this folder; an
//! operator is asked, and what it does not know is carried along as unknown, never as zero.

pub mod board;
pub mod claim;
pub mod convention;
mod idiom;
pub mod memory;
mod params;
pub mod quantity;
mod receptive;
pub mod reconcile;
pub mod report;
pub mod unit;
mod window;
mod work;

use crate::base::diagnostic::Origin;
use crate::base::quantity::{AtLeast, Bytes, Elements, Macs};
use crate::graph::{Model, NodeId, ValueId};
use convention::Convention;
use report::{Inference, Layer, Report, Settings, Tensor, Totals, Training, Unknown};
use std::collections::HashMap;
use std::sync::Arc;
use std::{panic, thread};

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

/// A model with the answers to every question about its nodes, each asked once.
pub struct Sizing<'a> {
    model: &'a Model,
    /// Examples at once, as the model was built.
    batch: u64,
    params: params::Params,
    work: work::Totals,
    activations: memory::Activations,
    fields: receptive::Fields,
}

impl<'a> Sizing<'a> {
    /// Asks them. `batch` is the one that the model was built for.
    pub fn of(model: &'a Model, batch: u64, convention: &Convention) -> Sizing<'a> {
        let params = params::count(model);
        let work = work::count(model, convention);
        let activations = memory::activations(model);
        let fields = receptive::fields(model);
        Sizing { model, batch, params, work, activations, fields }
    }

    /// The model that was sized.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// Learned values, shared ones once.
    pub fn parameters(&self) -> AtLeast<Elements> {
        self.params.total.parameters()
    }

    /// Bytes of all layer outputs, those of functions in place not counted.
    pub fn activation_bytes(&self) -> AtLeast<Bytes> {
        self.activations.bytes()
    }

    /// Bytes of one node's outputs, 0 when it works in place.
    pub fn activation_bytes_of(&self, id: NodeId) -> AtLeast<Bytes> {
        self.activations.bytes_of(id)
    }

    /// Bytes of values alive at once in a forward pass, those that may be overwritten not counted twice.
    pub fn alive_at_once(&self) -> AtLeast<Bytes> {
        memory::alive_at_once(self.model)
    }

    /// The same with parameters and buffers.
    fn inference_minimum(&self) -> AtLeast<Bytes> {
        let stored = &self.params.total;
        self.alive_at_once().plus(stored.parameter_bytes).plus(stored.buffer_bytes)
    }

    /// Multiply-accumulates of one node, for the batch.
    pub fn macs_of(&self, id: NodeId) -> AtLeast<Macs> {
        self.work.nodes[id.index()].macs
    }

    /// Learned values that are first used by a node.
    pub fn parameters_of(&self, id: NodeId) -> AtLeast<Elements> {
        self.params.first_used_by(id).parameters()
    }

    /// Bytes of parameters and buffers that are first used by a node.
    pub fn stored_bytes_of(&self, id: NodeId) -> AtLeast<Bytes> {
        let own = self.params.first_used_by(id);
        own.parameter_bytes.plus(own.buffer_bytes)
    }

    /// What one unit of a value sees of each input.
    pub fn fields_of(&self, id: ValueId) -> Arc<[report::Field]> {
        self.fields.of_value(id)
    }

    /// What one unit of a node's first output sees of each input.
    pub fn fields_of_node(&self, id: NodeId) -> Arc<[report::Field]> {
        self.fields.of(self.model, id)
    }

    fn input_bytes(&self) -> AtLeast<Bytes> {
        self.model.main.inputs.iter().map(|v| memory::bytes(self.model, *v)).sum()
    }

    /// The textbook's bound on training memory: all layer outputs, the inputs and the weights.
    fn training_minimum(&self) -> AtLeast<Bytes> {
        let stored = &self.params.total;
        let values = self.activations.bytes().plus(self.input_bytes());
        values.plus(stored.parameter_bytes).plus(stored.buffer_bytes)
    }

    /// `lines`: how lines read with the values of their names.
    fn layer(&self, id: NodeId, lines: &HashMap<&str, &Arc<str>>) -> Layer {
        let model = self.model;
        let node = &model.nodes[id];
        let own = self.params.first_used_by(id);
        let work = &self.work.nodes[id.index()];
        let mut inputs = Vec::with_capacity(node.inputs.len());
        let read = node.inputs.iter().flatten().filter(|v| model.is_activation(**v));
        inputs.extend(read.map(|v| Arc::clone(&model.values[*v].name)));
        let mut outputs = Vec::with_capacity(node.outputs.len());
        outputs.extend(node.outputs.iter().flatten().map(|v| tensor(model, *v)));
        Layer {
            name: Arc::clone(&node.name),
            op: Arc::clone(&node.op_type),
            window: match node.origin {
                Origin::Node { .. } => window::notation(&node.attributes),
                Origin::Text(_) | Origin::Byte(_) | Origin::File => String::new(),
            },
            line: lines.get(&*node.group).map(|line| Arc::clone(line)),
            group: Arc::clone(&node.group),
            scope: Arc::clone(&node.scope),
            origin: node.origin.clone(),
            inputs,
            outputs,
            parameters: own.parameters(),
            trainable: own.trainable,
            buffers: own.buffers,
            macs: work.macs,
            flops: work.flops,
            activation_bytes: self.activations.bytes_of(id),
            receptive_field: self.fields.of(model, id),
        }
    }

    /// Sums over the whole model.
    pub fn totals(&self) -> Totals {
        let stored = &self.params.total;
        Totals {
            parameters: stored.parameters(),
            trainable: stored.trainable,
            frozen: stored.frozen,
            buffers: stored.buffers,
            parameter_bytes: stored.parameter_bytes,
            buffer_bytes: stored.buffer_bytes,
            input_bytes: self.input_bytes(),
            activation_bytes: self.activations.bytes(),
            macs: self.work.macs,
            flops: self.work.flops,
            operations: self.work.operations,
            operations_incomplete: self.work.incomplete,
        }
    }
}

/// Nodes from which on a thread pays. It costs some 30 µs, in which memory is measured for some 20 nodes.
const LARGE: usize = 1000;

/// Answers two questions at once, the first one on a thread of its own if there may be one.
fn at_once<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, &aside);
        let here = here();
        let aside = match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)),
            Err(_) => aside(),
        };
        (aside, here)
    })
}

/// Memory of one forward pass.
pub fn inference(model: &Model) -> Inference {
    memory::measure(model)
}

/// Sizes a model and writes everything down.
pub fn analyze(model: &Model, options: Options) -> Report {
    let lines = model.labels.iter().filter_map(|label| Some((&*label.name, label.written.as_ref()?))).collect();
    let size = || {
        let sizing = Sizing::of(model, options.batch, options.convention);
        let layers = model.main.nodes.iter().map(|id| sizing.layer(*id, &lines)).collect();
        (sizing, layers)
    };
    let measure = || inference(model);
    // Memory takes as long as all the rest.
    let (inference, (sizing, layers)) =
        if model.nodes.len() < LARGE { (measure(), size()) } else { at_once(measure, size) };
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
        totals: sizing.totals(),
        inference,
        training: Training { minimum: sizing.training_minimum() },
        inputs: model.main.inputs.iter().map(|v| tensor(model, *v)).collect(),
        layers,
        unknown: sizing.unknown(),
        diagnostics: Vec::new(),
    }
}

impl Sizing<'_> {
    /// Whose figures are unknown, by name, and why.
    pub fn unknown(&self) -> Vec<Unknown> {
        let mut list = Vec::new();
        for id in &self.model.main.nodes {
            let node = &self.model.nodes[*id];
            let own = self.params.first_used_by(*id);
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
            let work = &self.work.nodes[id.index()];
            if let Some(reason) = &work.unknown {
                let lacking = match (work.macs.incomplete, work.flops.incomplete) {
                    (true, _) => "macs",
                    (false, true) => "flops",
                    (false, false) => "operations",
                };
                add(lacking, reason);
            }
            if self.activations.bytes_of(*id).incomplete {
                add("activation_bytes", "the size of an output is not known");
            }
        }
        list
    }
}

fn tensor(model: &Model, id: ValueId) -> Tensor {
    let value = &model.values[id];
    Tensor { name: Arc::clone(&value.name), ty: value.ty.clone() }
}

/// The known elements of a value, or unknown. A packed weight has as many as it stands for.
fn elements(model: &Model, id: ValueId) -> AtLeast<Elements> {
    let stored = || model.values[id].ty.tensor().and_then(|t| t.shape.elements());
    let known = model.packed.get(&id).copied().or_else(stored);
    known.map_or_else(AtLeast::unknown, |n| AtLeast::exact(Elements(n)))
}
