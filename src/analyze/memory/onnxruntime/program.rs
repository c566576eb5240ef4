//! The network as the runtime sees it: kernels that it calls, and values that it keeps in memory. A node is one call,
//! unless the provider has no kernel for its operator and runs what the operator's definition consists of.

use super::{Unplanned, foreseen};
use crate::graph::{Model, NodeId, Source, ValueId, each_use};
use crate::ops::kernel::Kernel;
use crate::ops::rules::{Open, Spec};
use crate::tensor::{DType, Dim, ValueType};
use foldhash::{HashMap, HashMapExt};

/// Kernels to call, and the values that they read and write.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) values: Vec<Value>,
    pub(super) calls: Vec<Call>,
    /// The places of the calls in the order in which they run.
    pub(super) order: Vec<usize>,
    /// How many combinations of sizes and bits of an element occur.
    pub(super) classes: usize,
}

impl Program {
    /// The calls in the order in which they run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Call> {
        self.order.iter().map(|place| &self.calls[*place])
    }
}

/// A value in memory. Its place in the program is its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) bytes: u64,
    /// The combination of sizes (numbers, or names of free ones) and bits of an element that the runtime knows it to have:
    /// only values of one class take over one another's memory. `None` for scalars and for sizes that the runtime does not know beforehand, which never do.
    pub(super) class: Option<usize>,
    /// Fed, stored, or loaded with the file: there before the first call.
    pub(super) given: bool,
    /// Belongs to the caller in the end.
    pub(super) delivered: bool,
}

/// A call of a kernel.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The place in the network of the node that it is for.
    pub(super) place: usize,
    /// The runtime's number for it, by which it orders calls that could come in any order.
    pub(super) index: usize,
    pub(super) kernel: Kernel,
    pub(super) inputs: Vec<Option<usize>>,
    /// What its sub-graphs read from outside.
    pub(super) captured: Vec<usize>,
    pub(super) outputs: Vec<usize>,
    /// Bytes held while it runs.
    pub(super) scratch: u64,
}

impl Call {
    /// Everything that it reads, as often as it does.
    pub(super) fn reads(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().flatten().chain(&self.captured).copied()
    }
}

/// Translates a network, to be run in its own order. What is not known of a node, or of one of its values, ends it.
pub(super) fn of(model: &Model, threads: u64) -> Result<Program, Unplanned> {
    let less = foreseen::types(model);
    let program = Program { calls: Vec::with_capacity(model.main.nodes.len()), ..Program::default() };
    let mut translator = Translator { model, threads, program, classes: HashMap::new() };
    translator.values(&less)?;
    for (place, id) in model.main.nodes.iter().enumerate() {
        translator.node(place, *id)?;
    }
    translator.repeat();
    let Translator { program, classes, .. } = translator;
    Ok(Program { order: (0..program.calls.len()).collect(), classes: classes.len(), ..program })
}

struct Translator<'a> {
    model: &'a Model,
    threads: u64,
    program: Program,
    /// By sizes and bits of an element.
    classes: HashMap<(&'a [Dim], u64), usize>,
}

impl<'a> Translator<'a> {
    /// The network's values, each in the place of its id.
    fn values(&mut self, less: &'a foreseen::Types) -> Result<(), Unplanned> {
        let model = self.model;
        self.program.values = model.values.iter().map(|(_, v)| given(model, v.source)).collect();
        let inputs = model.main.inputs.iter().map(|v| (None, *v));
        let outputs = |id: &'a NodeId| model.nodes[*id].outputs.iter().flatten().map(|v| (Some(*id), *v));
        for (node, id) in inputs.chain(model.main.nodes.iter().flat_map(outputs)) {
            let ty = &model.values[id].ty;
            let found = self.value(ty, less.get(&id).unwrap_or(ty)).map_err(|reason| Unplanned { node, reason })?;
            let value = &mut self.program.values[id.index()];
            (value.bytes, value.class) = found;
        }
        for output in &model.main.outputs {
            let value = &mut self.program.values[output.index()];
            value.delivered = !value.given;
        }
        Ok(())
    }

    /// Bytes and class of a value of this type, of which the runtime knows so much.
    fn value(&mut self, ty: &ValueType, foreseen: &'a ValueType) -> Result<(u64, Option<usize>), &'static str> {
        let tensor = ty.tensor().ok_or("a value is no tensor")?;
        let bits = match tensor.dtype {
            None => return Err("the element type of a value is not known"),
            Some(DType::F16 | DType::BF16) => return Err("half-precision values are cast, which is not simulated"),
            Some(dtype) => dtype.bits(),
        };
        let bytes = tensor.bytes().ok_or("the size of a value is not known")?;
        let sizes = foreseen.tensor().and_then(|t| t.shape.dims()).unwrap_or_default();
        if sizes.is_empty() || sizes.contains(&Dim::Unknown) {
            return Ok((bytes, None));
        }
        let next = self.classes.len();
        Ok((bytes, Some(*self.classes.entry((sizes, bits)).or_insert(next))))
    }

    fn node(&mut self, place: usize, id: NodeId) -> Result<(), Unplanned> {
        let unknown = |reason| Unplanned { node: Some(id), reason };
        let node = &self.model.nodes[id];
        let kernel = node.kind.kernel;
        let spec = Spec { kind: node.kind, attributes: &node.attributes, opset: node.opset, open: &Open::default() };
        let scratch = self.model.at(id, |_, at| kernel.scratch(&spec, at, self.threads));
        let inputs: Vec<Option<usize>> = node.inputs.iter().map(|v| v.map(ValueId::index)).collect();
        let mut captured = Vec::new();
        if !node.bodies.is_empty() {
            each_use(self.model, id, &mut |value| captured.push(value.index()));
            captured.drain(..inputs.iter().flatten().count());
        }
        let call = Call {
            place,
            index: place,
            kernel,
            captured,
            inputs,
            outputs: node.outputs.iter().flatten().map(|v| v.index()).collect(),
            scratch: scratch.ok_or(unknown("what its kernel does with memory was not measured"))?,
        };
        match kernel {
            Kernel::Loaded => {}
            Kernel::SelfGated { scaled } => self.self_gated(&call, scaled),
            Kernel::Unmeasured | Kernel::Alias | Kernel::Fresh(_) | Kernel::InPlace(..) | Kernel::Repeated => {
                self.program.calls.push(call);
            }
        }
        Ok(())
    }

    /// f(x), which the function of the scaled input is written over, and its product with x. What a definition consists
    /// of is numbered behind all nodes, and what that consists of (the cast of the factor) behind it.
    fn self_gated(&mut self, whole: &Call, scaled: bool) {
        let (Some(Some(x)), Some(y)) = (whole.inputs.first().copied(), whole.outputs.first().copied()) else { return };
        let part = |index, kernel, inputs, output| Call {
            index,
            kernel,
            inputs,
            captured: Vec::new(),
            outputs: vec![output],
            ..whole.clone()
        };
        let nodes = self.model.main.nodes.len();
        let own = nodes.saturating_add(whole.index.saturating_mul(3));
        let gate = self.add(Value { given: false, delivered: false, ..self.program.values[y] });
        let mut read = vec![Some(x)];
        if scaled {
            let factor = self.add(Value { bytes: 4, ..Value::default() });
            let index = nodes.saturating_mul(4).saturating_add(whole.index);
            self.program.calls.push(part(index, Kernel::FRESH, Vec::new(), factor));
            read.insert(0, Some(factor));
        }
        let calls = [
            part(own, Kernel::FRESH, read, gate),
            part(own.saturating_add(2), Kernel::FRESH, vec![Some(x), Some(gate)], y),
        ];
        self.program.calls.extend(calls);
    }

    /// Gives every reader but the first a call of its own for what is made once for each, numbered behind all others. Where
    /// the caller is a reader, it is the first. (`EnsureUniqueDQForNodeUnit`.)
    fn repeat(&mut self) {
        if !self.program.calls.iter().any(|call| matches!(call.kernel, Kernel::Repeated)) {
            return;
        }
        let mut makers = vec![None; self.program.values.len()];
        for (place, call) in self.program.calls.iter().enumerate() {
            if let (Kernel::Repeated, Some(output)) = (call.kernel, call.outputs.first()) {
                makers[*output] = Some((place, self.program.values[*output].delivered));
            }
        }
        let mut next = self.model.main.nodes.len().saturating_mul(5);
        let mut more = Vec::new();
        for reader in 0..self.program.calls.len() {
            for input in 0..self.program.calls[reader].inputs.len() {
                let Some(value) = self.program.calls[reader].inputs[input] else { continue };
                let Some(Some((maker, taken))) = makers.get_mut(value) else { continue };
                if !std::mem::replace(taken, true) {
                    continue;
                }
                let copy = self.add(Value { delivered: false, ..self.program.values[value] });
                let call = &self.program.calls[*maker];
                more.push(Call { index: next, outputs: vec![copy], ..call.clone() });
                next = next.saturating_add(1);
                self.program.calls[reader].inputs[input] = Some(copy);
            }
        }
        self.program.calls.extend(more);
    }

    fn add(&mut self, value: Value) -> usize {
        self.program.values.push(value);
        self.program.values.len() - 1
    }
}

/// A value of which nothing is known but whether it is there before the first call.
fn given(model: &Model, source: Source) -> Value {
    let given = match source {
        Source::Input | Source::Stored(_) => true,
        Source::Node(node, _) | Source::Inside(node, _) => matches!(model.nodes[node].kind.kernel, Kernel::Loaded),
    };
    Value { given, ..Value::default() }
}

#[cfg(test)]
pub(super) mod testing {
    use super::Call;
    use crate::ops::kernel::Kernel;

    /// A call of a kernel with these inputs and this output.
    pub(in super::super) fn call(index: usize, kernel: Kernel, inputs: &[usize], output: usize) -> Call {
        let inputs = inputs.iter().map(|v| Some(*v)).collect();
        Call { place: index, index, kernel, inputs, captured: Vec::new(), outputs: vec![output], scratch: 0 }
    }
}
