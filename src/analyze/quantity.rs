//! Quantities by name: what `expect` claims and budgets limit, of the whole network (`params`, `infer.memory`) or of a
//! line (`C1.params`). Counts are for one example, bytes for the batch.

use super::report::Field;
use super::{Sizing, elements, memory, params};
use crate::base::quantity::{AtLeast, Elements, Quantity as Count};
use crate::base::suggest;
use crate::graph::{Label, Model, NodeId, Role, ValueId};
use crate::ops::rules::{Arithmetic, Work};
use crate::tensor::Dim;
use std::borrow::Cow;

/// A quantity that can be asked for.
#[derive(Debug)]
pub struct Quantity {
    /// Its name; for one of a line, what stands after the line's name and a dot.
    pub name: &'static str,
    /// What is counted, as a plural for messages: `parameters`, `bytes`.
    pub noun: &'static str,
    /// What it is, in a line.
    pub doc: &'static str,
    /// Whether it is memory.
    pub memory: bool,
    measure: Measure,
}

impl Quantity {
    /// Whether it is one of the whole network (and not of a line).
    pub fn is_of_model(&self) -> bool {
        matches!(self.measure, Measure::OfModel(_))
    }
}

#[derive(Debug)]
enum Measure {
    OfModel(fn(&Sizing) -> Figure),
    OfLine(fn(&Sizing, &Label) -> Figure),
}

/// What a quantity comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A number.
    Number(AtLeast<u64>),
    /// A tensor's shape for one example: channels, then sizes.
    Shape(Vec<Dim>),
    /// One number for each spatial axis.
    Axes(Vec<u64>),
    /// Not known, and why.
    Unknown(&'static str),
}

/// Why there is no such quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoQuantity {
    /// The nearest name that there is.
    pub nearest: Option<String>,
}

const fn of_model(
    name: &'static str,
    noun: &'static str,
    doc: &'static str,
    measure: fn(&Sizing) -> Figure,
) -> Quantity {
    Quantity { name, noun, doc, memory: false, measure: Measure::OfModel(measure) }
}

const fn bytes_of_model(name: &'static str, doc: &'static str, measure: fn(&Sizing) -> Figure) -> Quantity {
    Quantity { name, noun: "bytes", doc, memory: true, measure: Measure::OfModel(measure) }
}

const fn of_line(
    name: &'static str,
    noun: &'static str,
    doc: &'static str,
    measure: fn(&Sizing, &Label) -> Figure,
) -> Quantity {
    Quantity { name, noun, doc, memory: false, measure: Measure::OfLine(measure) }
}

/// Every quantity.
pub static QUANTITIES: &[Quantity] = &[
    of_model("params", "parameters", "learned values, shared ones once", |s| number(s.params.total.parameters())),
    of_model("params.trainable", "trainable parameters", "those that training changes", |s| {
        number(s.params.total.trainable)
    }),
    of_model("params.frozen", "frozen parameters", "those that training leaves as they are", |s| {
        number(s.params.total.frozen)
    }),
    of_model("params.stored", "stored values", "with running statistics (Keras' total)", |s| {
        number(s.params.total.parameters().plus(s.params.total.buffers))
    }),
    bytes_of_model("params.size", "bytes of params.stored", |s| {
        number(s.params.total.parameter_bytes.plus(s.params.total.buffer_bytes))
    }),
    of_model("weights", "weights", "parameters without biases and norms", |s| number(s.params.total.weights)),
    of_model("biases", "biases", "biases alone", |s| number(s.params.total.biases)),
    of_model("macs", "multiply-accumulates", "of convolutions, dense layers and matrix products", |s| {
        s.each(s.work.macs)
    }),
    of_model("flops", "FLOPs", "two for each multiply-accumulate", |s| s.each(s.work.flops)),
    of_model("activations", "activations", "outputs of all layers, those in place not counted", |s| {
        s.each(s.activations.elements())
    }),
    of_model("units", "units", "outputs of weighted layers", |s| s.units(&s.model.main.nodes)),
    of_model("connections", "connections", "weights and biases times positions", |s| {
        s.connections(&s.model.main.nodes)
    }),
    bytes_of_model("input.bytes", "what is fed", |s| number(s.input_bytes())),
    bytes_of_model("feature.bytes", "what is fed and every layer's output", |s| {
        number(s.input_bytes().plus(s.activations.bytes()))
    }),
    bytes_of_model("infer.activations", "the largest sum of values alive at once", |s| number(s.alive_at_once())),
    bytes_of_model("infer.memory", "with parameters and running statistics", |s| number(s.inference_minimum())),
    bytes_of_model("train.activations", "every layer's output", |s| number(s.activations.bytes())),
    bytes_of_model("train.memory", "with input, parameters and running statistics", |s| number(s.training_minimum())),
    of_model("depth", "weighted layers", "on the longest path", depth),
    of_model("rf", "positions", "receptive field of the last value with a spatial axis", |s| {
        s.last_field(|f| f.size.clone())
    }),
    of_model("stride", "positions", "between neighbours of that value", |s| s.last_field(whole_strides)),
    of_model("out", "", "shape of the first output", |s| {
        s.model.main.outputs.first().map_or(NO_OUTPUT, |v| shape(s.model, *v))
    }),
    of_line("params", "parameters", "of the line", |s, l| number(params::used_by(s.model, &l.nodes).parameters())),
    of_line("weights", "weights", "of the line", |s, l| number(params::used_by(s.model, &l.nodes).weights)),
    of_line("biases", "biases", "of the line", |s, l| number(params::used_by(s.model, &l.nodes).biases)),
    of_line("macs", "multiply-accumulates", "of the line", |s, l| {
        s.each(l.nodes.iter().map(|n| s.work.nodes[n.index()].macs).sum())
    }),
    of_line("flops", "FLOPs", "of the line", |s, l| {
        s.each(l.nodes.iter().map(|n| s.work.nodes[n.index()].flops).sum())
    }),
    of_line("out", "", "shape of what comes out", |s, l| shape(s.model, l.value)),
    of_line("elements", "values", "of what comes out", |s, l| s.each(elements(s.model, l.value))),
    Quantity {
        memory: true,
        ..of_line("bytes", "bytes", "of what comes out", |s, l| number(memory::bytes(s.model, l.value)))
    },
    of_line("units", "units", "outputs of the line's weighted layers", |s, l| s.units(&l.nodes)),
    of_line("connections", "connections", "weights and biases times positions", |s, l| s.connections(&l.nodes)),
    of_line("rf", "positions", "receptive field of what comes out", |s, l| s.field(l.value, |f| f.size.clone())),
    of_line("stride", "positions", "between neighbours of what comes out", |s, l| s.field(l.value, whole_strides)),
];

const NO_OUTPUT: Figure = Figure::Unknown("the network has no output");

/// Finds a quantity by its full name and measures it.
pub fn measure(sizing: &Sizing, name: &str) -> Result<(&'static Quantity, Figure), NoQuantity> {
    let of_model = |q: &&Quantity| q.is_of_model() && q.name == name;
    if let Some(quantity @ Quantity { measure: Measure::OfModel(measure), .. }) = QUANTITIES.iter().find(of_model) {
        return Ok((quantity, measure(sizing)));
    }
    if let Some((line, part)) = name.rsplit_once('.')
        && let Some(label) = sizing.line(line)
    {
        let of_line = |q: &&Quantity| !q.is_of_model() && q.name == part;
        if let Some(quantity @ Quantity { measure: Measure::OfLine(measure), .. }) = QUANTITIES.iter().find(of_line) {
            return Ok((quantity, measure(sizing, &label)));
        }
        let parts = QUANTITIES.iter().filter(|q| !q.is_of_model()).map(|q| q.name);
        return Err(NoQuantity { nearest: suggest::nearest(part, parts).map(|p| format!("{line}.{p}")) });
    }
    let names = QUANTITIES.iter().filter(|q| q.is_of_model()).map(|q| q.name);
    let nearest = suggest::nearest(name, names).map(str::to_owned).or_else(|| {
        let (line, part) = name.rsplit_once('.')?;
        let label = suggest::nearest(line, sizing.model.labels.iter().map(|l| &*l.name))?;
        Some(format!("{label}.{part}"))
    });
    Err(NoQuantity { nearest })
}

/// Weighted layers on the longest path from any input to any output.
fn depth(sizing: &Sizing) -> Figure {
    let carries = sizing.weight_values();
    let mut depth = vec![0u64; sizing.model.values.len()];
    for id in &sizing.model.main.nodes {
        let node = &sizing.model.nodes[*id];
        let before = node.inputs.iter().flatten().map(|v| depth[v.index()]).max().unwrap_or(0);
        let own = u64::from(sizing.weighted(*id, &carries).is_some());
        node.outputs.iter().flatten().for_each(|v| depth[v.index()] = before.saturating_add(own));
    }
    let deepest = sizing.model.main.outputs.iter().map(|v| depth[v.index()]).max();
    deepest.map_or(NO_OUTPUT, |n| Figure::Number(AtLeast::exact(n)))
}

fn number<Q: Count>(amount: AtLeast<Q>) -> Figure {
    Figure::Number(AtLeast { least: amount.least.count(), incomplete: amount.incomplete })
}

/// The shape for one example.
fn shape(model: &Model, id: ValueId) -> Figure {
    let dims = model.values[id].ty.tensor().and_then(|t| t.shape.dims());
    dims.map_or(Figure::Unknown("the shape is not known"), |d| Figure::Shape(d.iter().skip(1).cloned().collect()))
}

fn whole_strides(field: &Field) -> Vec<u64> {
    field.stride.iter().map(|(num, den)| num / den.max(&1)).collect()
}

impl Sizing<'_> {
    /// The share of one example. What the batch does not divide (a network that mixes examples) is only a lower bound.
    fn each<Q: Count>(&self, amount: AtLeast<Q>) -> Figure {
        let (total, batch) = (amount.least.count(), self.batch.max(1));
        Figure::Number(AtLeast { least: total / batch, incomplete: amount.incomplete || total % batch != 0 })
    }

    /// A line by its label, or by the name that reports give it.
    pub(super) fn line(&self, name: &str) -> Option<Cow<'_, Label>> {
        if let Some(label) = self.model.labels.iter().find(|label| *label.name == *name) {
            return Some(Cow::Borrowed(label));
        }
        let nodes = self.model.main.nodes.iter().copied();
        let nodes: Vec<NodeId> = nodes.filter(|id| &*self.model.nodes[*id].group == name).collect();
        let value = self.model.nodes[*nodes.last()?].outputs.first().copied().flatten()?;
        Some(Cow::Owned(Label { name: name.into(), value, nodes, written: None }))
    }

    /// Whether each value is made of learned kernels or matrices alone (a weight, or one that is transposed, say).
    fn weight_values(&self) -> Vec<bool> {
        let model = self.model;
        let mut carries: Vec<bool> =
            model.values.ids().map(|v| model.values[v].stored().is_some_and(|s| s.role == Role::Weight)).collect();
        for node in model.main.nodes.iter().map(|id| &model.nodes[*id]).filter(|n| n.constant) {
            if node.inputs.iter().flatten().any(|v| carries[v.index()]) {
                node.outputs.iter().flatten().for_each(|v| carries[v.index()] = true);
            }
        }
        carries
    }

    /// The arithmetic of a layer that has kernels or a matrix and sums over more than one value; `None` for any other.
    fn weighted(&self, id: NodeId, carries: &[bool]) -> Option<Arithmetic> {
        let node = &self.model.nodes[id];
        if node.constant || !node.inputs.iter().flatten().any(|v| carries[v.index()]) {
            return None;
        }
        match self.model.at(id, |op, at| op.work(at)) {
            Work::Counted(arithmetic) if arithmetic.macs > 0 || arithmetic.window > 1 => Some(arithmetic),
            Work::Counted(_) | Work::Uncounted(..) | Work::Free | Work::Runs(_) | Work::Unmodelled(_) => None,
        }
    }

    fn first_output(&self, id: NodeId) -> AtLeast<Elements> {
        let first = self.model.nodes[id].outputs.first().copied().flatten();
        first.map_or_else(AtLeast::unknown, |v| elements(self.model, v))
    }

    fn units(&self, nodes: &[NodeId]) -> Figure {
        let carries = self.weight_values();
        self.each(
            nodes.iter().filter(|id| self.weighted(**id, &carries).is_some()).map(|id| self.first_output(*id)).sum(),
        )
    }

    /// LeCun's count: every weight and bias as often as it is used.
    fn connections(&self, nodes: &[NodeId]) -> Figure {
        let carries = self.weight_values();
        let of = |id: &NodeId| {
            let arithmetic = self.weighted(*id, &carries)?;
            let products = if arithmetic.macs > 0 {
                AtLeast::exact(Elements(arithmetic.macs))
            } else {
                self.first_output(*id).times(arithmetic.window)
            };
            Some(products.plus(AtLeast::exact(Elements(arithmetic.biases))))
        };
        self.each(nodes.iter().filter_map(of).sum())
    }

    fn field(&self, id: ValueId, pick: fn(&Field) -> Vec<u64>) -> Figure {
        let fields = self.fields.of_value(id);
        // With several inputs, the largest view.
        let all = fields.iter().map(pick).reduce(|a, b| a.iter().zip(&b).map(|(x, y)| *x.max(y)).collect());
        all.map_or(Figure::Unknown("its receptive field is not known"), Figure::Axes)
    }

    /// The field of the last value that still has an extent (before a global pool or a dense layer sees everything).
    fn last_field(&self, pick: fn(&Field) -> Vec<u64>) -> Figure {
        let extended = |id: &NodeId| {
            let value = self.model.nodes[*id].outputs.first().copied().flatten()?;
            let dims = self.model.values[value].ty.tensor()?.shape.dims()?;
            let local = self.fields.is_local(value) && dims.len() > 2;
            local.then_some(value)
        };
        let last = self.model.main.nodes.iter().rev().find_map(extended);
        last.map_or(Figure::Unknown("no value has a spatial axis"), |v| self.field(v, pick))
    }
}
