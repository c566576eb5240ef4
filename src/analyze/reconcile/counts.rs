//! Readings of counts: parameters, arithmetic, activations.

use super::super::params::{self, Count};
use super::super::{Sizing, elements, work};
use super::{Kind, Reading, Slip};
use crate::base::quantity::{AtLeast, Elements, Quantity};
use crate::graph::{NodeId, Role};
use crate::ops::rules::{Class, Operations, Work};

/// Every reading of a count, the figure itself first.
pub(super) fn readings(sizing: &Sizing, name: &str, counted: u64) -> Vec<Reading> {
    let mut all = vec![Reading::of(counted, Vec::new())];
    let (nodes, part) = match name.rsplit_once('.').and_then(|(line, part)| Some((sizing.line(line)?, part))) {
        Some((label, part)) => (label.nodes.clone(), part),
        None => (sizing.model.main.nodes.clone(), name),
    };
    match part {
        "params" | "params.trainable" | "params.frozen" | "params.stored" | "weights" => {
            all.extend(
                parameters(sizing, &nodes)
                    .into_iter()
                    .filter(|(_, n)| *n != counted)
                    .map(|(slip, n)| Reading::of(n, vec![slip])),
            );
        }
        "macs" | "flops" => all.extend(arithmetic(sizing, &nodes, part == "flops", counted)),
        "activations" => {
            let input = sizing.input_elements();
            all.extend(
                counted.checked_add(input).map(|n| Reading::of(n, vec![Slip::convention("with the input counted")])),
            );
        }
        _ => {}
    }
    if sizing.batch > 1 && part != "params" {
        all.extend(
            counted.checked_mul(sizing.batch).map(|n| Reading::of(n, vec![Slip::convention("for the whole batch")])),
        );
    }
    all
}

/// The ways in which people count parameters.
pub(super) fn parameters(sizing: &Sizing, nodes: &[NodeId]) -> Vec<(Slip, u64)> {
    let count = params::used_by(sizing.model, nodes);
    let known = |amount: AtLeast<Elements>| if amount.incomplete { 0 } else { amount.least.count() };
    let Count { trainable, frozen, weights, biases, buffers, .. } = count;
    let (all, weights, biases, buffers) =
        (known(trainable.plus(frozen)), known(weights), known(biases), known(buffers));
    let norms = all.saturating_sub(weights).saturating_sub(biases);
    let (unbiased, flat) = (sizing.absent_biases(nodes), sizing.flat_kernels(nodes));
    let mut ways = Vec::new();
    let mut add = |applies: bool, slip: Slip, n: u64| {
        if applies {
            ways.push((slip, n));
        }
    };
    add(true, Slip::convention("without the running statistics"), all);
    add(biases > 0, Slip::convention("without the biases"), all.saturating_sub(biases));
    add(norms > 0, Slip::convention("without the scales and shifts of the norms"), all.saturating_sub(norms));
    add(biases > 0 && norms > 0, Slip::convention("without biases and norms"), weights);
    add(buffers > 0, Slip::convention("with the running statistics"), all.saturating_add(buffers));
    add(
        unbiased > 0,
        Slip::convention("with a bias in every convolution and dense layer"),
        all.saturating_add(unbiased),
    );
    let both = "with a bias in every convolution and dense layer, and the running statistics";
    add(unbiased > 0 && buffers > 0, Slip::convention(both), all.saturating_add(unbiased).saturating_add(buffers));
    add(known(frozen) > 0, Slip::convention("of the trainable ones alone"), known(trainable));
    add(known(frozen) > 0, Slip::convention("of the frozen ones alone"), known(frozen));
    if let Some(flat) = flat {
        add(
            true,
            Slip::mistake("with each kernel counted once instead of for every input channel"),
            all.saturating_sub(weights).saturating_add(flat),
        );
        add(
            biases > 0,
            Slip::mistake("with each kernel counted once instead of for every input channel, and without the biases"),
            flat,
        );
    }
    ways
}

fn arithmetic(sizing: &Sizing, nodes: &[NodeId], flops: bool, counted: u64) -> Vec<Reading> {
    let macs = if flops { counted / 2 } else { counted };
    let mut all = Vec::new();
    let mut add = |words: String, n: Option<u64>, digits: usize| {
        let slip = Slip { words, kind: Kind::Convention, digits };
        all.extend(n.filter(|n| *n != counted).map(|n| Reading::of(n, vec![slip])));
    };
    if flops {
        add("as multiply-accumulates (each counted as one)".into(), Some(macs), 0);
    } else {
        add("as FLOPs (two for each multiply-accumulate)".into(), macs.checked_mul(2), 0);
    }
    let each = |n: u64| n / sizing.batch.max(1);
    let share = sizing.work_by_class(nodes);
    let total_of = |classes: &[Class]| {
        share.iter().filter(|(c, ..)| classes.contains(c)).map(|(_, macs, _)| each(*macs)).fold(0, u64::saturating_add)
    };
    let factor = if flops { 2 } else { 1 };
    add(
        "of the convolutions alone".into(),
        total_of(&[Class::Convolution, Class::TransposedConvolution]).checked_mul(factor),
        0,
    );
    add(
        "of the dense layers alone".into(),
        total_of(&[Class::Dense, Class::PositionDense, Class::Recurrent]).checked_mul(factor),
        0,
    );
    // What else a figure may hold: one kind of layer, or all of them.
    let mut every = 0u64;
    let mut kinds: Vec<(&str, u64)> = Vec::new();
    for (class, _, operations) in &share {
        let own = each(operation_count(*operations));
        every = every.saturating_add(own);
        let Some(word) = class_word(*class) else { continue };
        match kinds.iter_mut().find(|(known, _)| *known == word) {
            Some((_, sum)) => *sum = sum.saturating_add(own),
            None => kinds.push((word, own)),
        }
    }
    for (word, own) in kinds {
        add(format!("with the operations of the {word}"), counted.checked_add(own), 3);
    }
    // Everything together is seldom printed, and few digits fit it by chance.
    add("with every other operation".into(), counted.checked_add(every), 4);
    for convention in super::other_conventions() {
        let work = work::count(sizing.model, convention);
        let charges = || nodes.iter().map(|n| &work.nodes[n.index()]);
        let (name, doc) = (convention.name, convention.doc);
        // Tools differ from one another by well under a percent: few digits cannot tell them apart.
        let mut both = |words: &str, (macs, flops): (Option<u64>, Option<u64>)| {
            add(format!("as `{name}` counts ({doc}){words}"), macs.map(each), 4);
            add(format!("as the FLOPs of `{name}` ({doc}){words}"), flops.map(each), 4);
        };
        let macs: AtLeast<_> = charges().map(|c| c.macs).sum();
        let flops: AtLeast<_> = charges().map(|c| c.flops).sum();
        if !convention.leaves_open() {
            both("", (macs.known().map(|n| n.0), flops.known().map(|n| n.0)));
            continue;
        }
        if charges().any(|c| (c.macs.incomplete || c.flops.incomplete) && c.as_modules.is_none()) {
            continue;
        }
        let more = charges()
            .filter_map(|c| c.as_modules)
            .fold((0u64, 0u64), |(a, b), (macs, flops)| (a.saturating_add(macs), b.saturating_add(flops)));
        let (macs, flops) = (macs.least.0, flops.least.0);
        both(" where what has no weights is a function call", (Some(macs), Some(flops)));
        both(" where what has no weights is a module", (macs.checked_add(more.0), flops.checked_add(more.1)));
    }
    all
}

fn operation_count(operations: Operations) -> u64 {
    let Operations { add, mul, div, compare, exp } = operations;
    [add, mul, div, compare, exp].into_iter().fold(0, u64::saturating_add)
}

/// Kinds of layers that a figure may hold beside products, as people call them.
fn class_word(class: Class) -> Option<&'static str> {
    match class {
        Class::Convolution
        | Class::TransposedConvolution
        | Class::Dense
        | Class::PositionDense
        | Class::Recurrent
        | Class::Product
        | Class::ErrorFunction
        | Class::Other => None,
        Class::BatchNorm
        | Class::LayerNorm
        | Class::GroupNorm
        | Class::InstanceNorm
        | Class::OtherNorm
        | Class::ResponseNorm => Some("normalisations"),
        Class::Rectifier
        | Class::LeakyRectifier
        | Class::ParametricRectifier
        | Class::Rectifier6
        | Class::Clip
        | Class::Elu
        | Class::Gelu
        | Class::Silu
        | Class::Sigmoid
        | Class::Tanh
        | Class::Activation => Some("activation functions"),
        Class::Softmax | Class::LogSoftmax => Some("softmax"),
        Class::MaxPool | Class::AveragePool | Class::AdaptiveAveragePool => Some("pools"),
        Class::GlobalAveragePool => Some("global pools"),
        Class::Add | Class::Subtract => Some("additions of branches"),
        Class::Multiply | Class::Divide => Some("gates"),
        Class::Nearest | Class::Linear | Class::Bilinear | Class::Multilinear | Class::Cubic | Class::Sampling => {
            Some("interpolations")
        }
        Class::Mean | Class::Reduction => Some("reductions"),
    }
}

impl Sizing<'_> {
    /// Values fed for one example.
    fn input_elements(&self) -> u64 {
        let total: AtLeast<Elements> = self.model.main.inputs.iter().map(|v| elements(self.model, *v)).sum();
        total.least.count() / self.batch.max(1)
    }

    /// Multiply-accumulates and other operations of these nodes, by class, for the batch.
    fn work_by_class(&self, nodes: &[NodeId]) -> Vec<(Class, u64, Operations)> {
        let mut share: Vec<(Class, u64, Operations)> = Vec::new();
        for id in nodes.iter().filter(|id| !self.model.nodes[**id].constant) {
            let Work::Counted(arithmetic) = self.model.at(*id, |op, at| op.work(at)) else { continue };
            match share.iter_mut().find(|(class, ..)| *class == arithmetic.class) {
                Some((_, macs, operations)) => {
                    *macs = macs.saturating_add(arithmetic.macs);
                    *operations = operations.plus(arithmetic.operations).unwrap_or(*operations);
                }
                None => share.push((arithmetic.class, arithmetic.macs, arithmetic.operations)),
            }
        }
        share
    }

    /// One for every output channel of convolutions and dense layers that have no bias.
    fn absent_biases(&self, nodes: &[NodeId]) -> u64 {
        let absent = |id: &NodeId| {
            let Work::Counted(arithmetic) = self.model.at(*id, |op, at| op.work(at)) else { return 0 };
            if arithmetic.macs == 0 || arithmetic.biases > 0 {
                return 0;
            }
            self.model.at(*id, |_, at| at.output(0).and_then(|t| t.shape.dims()?.get(1)?.size())).unwrap_or(0)
        };
        nodes.iter().filter(|id| !self.model.nodes[**id].constant).map(absent).fold(0, u64::saturating_add)
    }

    /// Kernel positions times filters, as if every kernel were one channel deep; `None` when no kernel is deeper.
    fn flat_kernels(&self, nodes: &[NodeId]) -> Option<u64> {
        let mut sum = 0u64;
        let mut deeper = false;
        for value in nodes.iter().flat_map(|id| self.model.nodes[*id].inputs.iter().flatten()) {
            if self.model.values[*value].stored().is_none_or(|s| s.role != Role::Weight) {
                continue;
            }
            let sizes = self.model.values[*value].ty.tensor()?.shape.sizes()?;
            // Filters, channels, then kernel positions; a matrix has no kernel to flatten.
            let flat = if sizes.len() > 2 {
                sizes.iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, n)| *n).collect()
            } else {
                sizes.clone()
            };
            deeper |= sizes.len() > 2 && sizes[1] > 1;
            sum = sum.checked_add(flat.iter().try_fold(1u64, |p, n| p.checked_mul(*n))?)?;
        }
        deeper.then_some(sum)
    }
}
