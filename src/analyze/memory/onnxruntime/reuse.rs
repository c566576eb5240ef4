//! Which values share memory: a kernel may write over an input or alias it, and else a value takes the memory that was
//! given up last among that of equal sizes, which then stays allocated between its two lives. What the caller feeds or
//! gets is never shared with anything else, except that an alias may be of it.
//!
//! (`PlannerImpl::ComputeReusePlan` for one stream. Sizes are compared as if the file stated the bound ones.)

use super::Unplanned;
use crate::graph::{Model, Node, NodeId, Source, ValueId, each_use};
use crate::ops::kernel::Kernel;
use crate::tensor::DType;
use std::collections::HashMap;

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In memory that no run allocates: fed, stored, or loaded with the file.
    Given,
    /// In memory of its own.
    Own,
    /// In memory that the caller gets.
    Delivered,
    /// In the memory of another value.
    Shared,
}

/// Where every value lies and until when its memory is needed.
pub(super) struct Reuse {
    /// By value.
    pub(super) places: Vec<Place>,
    /// By step: the values whose own memory is given up after it.
    pub(super) released: Vec<Vec<ValueId>>,
}

/// Shares memory among the values of the nodes in running order.
pub(super) fn plan(model: &Model, order: &[NodeId]) -> Result<Reuse, Unplanned> {
    let mut planner = Planner::new(model, order)?;
    for id in order {
        planner.outputs(&model.nodes[*id]);
        planner.give_up(*id);
    }
    Ok(Reuse { released: planner.released(order), places: planner.places })
}

struct Planner<'a> {
    model: &'a Model,
    /// By value: which of the combinations of sizes and bits of an element it has.
    class: Vec<Option<usize>>,
    places: Vec<Place>,
    /// By value: the one in whose memory it lies.
    buffer: Vec<ValueId>,
    /// By value: how often its memory is still asked for.
    uses: Vec<u32>,
    /// By class: the values whose memory is free, the one given up last at the end.
    free: Vec<Vec<ValueId>>,
}

impl<'a> Planner<'a> {
    fn new(model: &'a Model, order: &[NodeId]) -> Result<Planner<'a>, Unplanned> {
        let (class, classes) = classes(model, order)?;
        let mut places = vec![Place::Given; model.values.len()];
        // Nothing ever takes over what the caller feeds and what the file stores: one use of each is never over.
        let mut uses: Vec<u32> = model.values.iter().map(|(_, v)| u32::from(is_given(model, v.source))).collect();
        let mut count = |value: ValueId| uses[value.index()] = uses[value.index()].saturating_add(1);
        for id in order {
            each_use(model, *id, &mut count);
            // A kernel must not write two outputs to the same memory.
            model.nodes[*id].outputs.iter().flatten().for_each(|v| count(*v));
        }
        for output in &model.main.outputs {
            count(*output);
            if !is_given(model, model.values[*output].source) {
                places[output.index()] = Place::Delivered;
            }
        }
        let buffer = model.values.ids().collect();
        Ok(Planner { model, class, places, buffer, uses, free: vec![Vec::new(); classes] })
    }

    /// Finds a place for each output of a node.
    fn outputs(&mut self, node: &Node) {
        for (position, output) in node.outputs.iter().enumerate() {
            let Some(output) = *output else { continue };
            if self.places[output.index()] == Place::Delivered {
                continue;
            }
            let input = if position == 0 { self.input_to_share(node, output) } else { None };
            let shared = input.or_else(|| self.free[self.class[output.index()]?].pop());
            if let Some(shared) = shared {
                let buffer = self.buffer[shared.index()];
                self.buffer[output.index()] = buffer;
                let more = self.uses[output.index()];
                self.uses[buffer.index()] = self.uses[buffer.index()].saturating_add(more);
            }
            self.places[output.index()] = if shared.is_some() { Place::Shared } else { Place::Own };
        }
    }

    /// The input in whose memory the kernel writes its first output.
    fn input_to_share(&self, node: &Node, output: ValueId) -> Option<ValueId> {
        let input = |position: usize| node.inputs.get(position).copied().flatten();
        match node.kind.kernel {
            Kernel::Alias => input(0),
            Kernel::InPlace(positions, _) => positions.iter().filter_map(|p| input(*p)).find(|input| {
                let last = self.uses[self.buffer[input.index()].index()] == 1;
                last && self.class[input.index()].is_some() && self.class[input.index()] == self.class[output.index()]
            }),
            Kernel::Unmeasured | Kernel::Loaded | Kernel::Fresh(_) => None,
        }
    }

    /// Gives up what a node was the last to read, and its outputs that nobody reads.
    fn give_up(&mut self, id: NodeId) {
        let model = self.model;
        let mut give_up = |value: ValueId| {
            let buffer = self.buffer[value.index()];
            let uses = &mut self.uses[buffer.index()];
            *uses = uses.saturating_sub(1);
            if *uses == 0
                && let Some(class) = self.class[buffer.index()]
            {
                self.free[class].push(buffer);
            }
        };
        each_use(model, id, &mut give_up);
        model.nodes[id].outputs.iter().flatten().for_each(|v| give_up(*v));
    }

    /// Own memory is released after the last step that reads a value in it; what nobody reads stays to the end.
    fn released(&self, order: &[NodeId]) -> Vec<Vec<ValueId>> {
        let mut last: Vec<Option<usize>> = vec![None; self.model.values.len()];
        for (step, id) in order.iter().enumerate() {
            each_use(self.model, *id, &mut |value| last[self.buffer[value.index()].index()] = Some(step));
        }
        let mut released = vec![Vec::new(); order.len()];
        for id in self.model.values.ids().filter(|id| self.places[id.index()] == Place::Own) {
            if let Some(step) = last[id.index()] {
                released[step].push(id);
            }
        }
        released
    }
}

/// Whether a value is there before the first node runs.
fn is_given(model: &Model, source: Source) -> bool {
    match source {
        Source::Input | Source::Stored(_) => true,
        Source::Node(node, _) | Source::Inside(node, _) => matches!(model.nodes[node].kind.kernel, Kernel::Loaded),
    }
}

/// Numbers the combinations of sizes and bits of an element that occur, and says which each value of the nodes and
/// inputs has: `None` for a scalar, whose memory is never shared with a later value.
fn classes(model: &Model, order: &[NodeId]) -> Result<(Vec<Option<usize>>, usize), Unplanned> {
    let mut numbers: HashMap<(Vec<u64>, u64), usize> = HashMap::new();
    let mut class = vec![None; model.values.len()];
    let outputs = order.iter().flat_map(|id| model.nodes[*id].outputs.iter().flatten().map(|v| (Some(*id), *v)));
    for (node, value) in model.main.inputs.iter().map(|v| (None, *v)).chain(outputs) {
        let unknown = |reason| Unplanned { node, reason };
        let tensor = model.values[value].ty.tensor().ok_or(unknown("a value is no tensor"))?;
        let sizes = tensor.shape.sizes().ok_or(unknown("the size of a value is not known"))?;
        let dtype = tensor.dtype.ok_or(unknown("the element type of a value is not known"))?;
        match dtype {
            DType::F16 | DType::BF16 => return Err(unknown("it casts half-precision values, which is not simulated")),
            DType::String => return Err(unknown("the size of strings is not known")),
            _ => {}
        }
        if !sizes.is_empty() {
            let next = numbers.len();
            class[value.index()] = Some(*numbers.entry((sizes, dtype.bits())).or_insert(next));
        }
    }
    Ok((class, numbers.len()))
}
