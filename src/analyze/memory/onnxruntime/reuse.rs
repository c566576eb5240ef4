//! Which values share memory: a kernel may write over an input or alias it, and else a value takes the memory that was
//! given up last among that of its class, which then stays allocated between its two lives. What the caller feeds or
//! gets is never shared with anything else, except that an alias may be of it.
//!
//! (`PlannerImpl::ComputeReusePlan` for one stream, and `GenerateDeallocationPlan`.)

use super::program::{Call, Program};
use crate::ops::kernel::Kernel;

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In memory that no run allocates: fed, stored, or loaded with the file.
    Given,
    /// In memory of its own.
    Own,
    /// In memory that the caller gets.
    Delivered,
    /// In the memory of this value.
    Shared(usize),
}

/// Where every value lies and until when its memory is needed.
#[derive(Debug)]
pub(super) struct Reuse {
    /// By value.
    pub(super) places: Vec<Place>,
    /// By value: the last call that reads what lies in its memory, after which its own memory is released. What nobody
    /// reads stays to the end.
    last: Vec<Option<usize>>,
}

impl Reuse {
    /// The values whose memory a call reads, and that is then released; some of them more than once.
    pub(super) fn released(&self, step: usize, call: &Call) -> impl Iterator<Item = usize> {
        let buffers = call.reads().map(|value| buffer(&self.places, value));
        buffers.filter(move |buffer| self.last[*buffer] == Some(step))
    }
}

/// The value in whose memory a value lies.
fn buffer(places: &[Place], value: usize) -> usize {
    if let Place::Shared(buffer) = places[value] { buffer } else { value }
}

/// Shares memory among the values of calls in running order.
pub(super) fn plan(program: &Program) -> Reuse {
    let mut planner = Planner::new(program);
    for call in program.running() {
        planner.outputs(call);
        planner.give_up(call);
    }
    let places = planner.places;
    let mut last = vec![None; program.values.len()];
    for (step, call) in program.running().enumerate() {
        call.reads().for_each(|value| last[buffer(&places, value)] = Some(step));
    }
    Reuse { places, last }
}

struct Planner<'a> {
    program: &'a Program,
    places: Vec<Place>,
    /// By value: how often its memory is still asked for.
    uses: Vec<u32>,
    /// By class: the values whose memory is free, the one given up last at the end.
    free: Vec<Vec<usize>>,
}

impl<'a> Planner<'a> {
    fn new(program: &'a Program) -> Planner<'a> {
        let places = program.values.iter().map(|v| if v.given { Place::Given } else { Place::Own }).collect();
        // Nothing ever takes over what is given or delivered: one use of each is never over.
        let mut uses: Vec<u32> = program.values.iter().map(|v| u32::from(v.given || v.delivered)).collect();
        for call in &program.calls {
            // Outputs count, so that no two of a call share memory.
            for value in call.reads().chain(call.outputs.iter().copied()) {
                uses[value] = uses[value].saturating_add(1);
            }
        }
        Planner { program, places, uses, free: vec![Vec::new(); program.classes] }
    }

    /// Finds a place for each output of a call.
    fn outputs(&mut self, call: &Call) {
        for (position, output) in call.outputs.iter().copied().enumerate() {
            if self.program.values[output].delivered {
                self.places[output] = Place::Delivered;
                continue;
            }
            let input = if position == 0 { self.input_to_share(call, output) } else { None };
            let class = self.program.values[output].class;
            if let Some(shared) = input.or_else(|| self.free[class?].pop()) {
                let buffer = buffer(&self.places, shared);
                self.places[output] = Place::Shared(buffer);
                self.uses[buffer] = self.uses[buffer].saturating_add(self.uses[output]);
            }
        }
    }

    /// The input in whose memory the kernel writes its first output.
    fn input_to_share(&self, call: &Call, output: usize) -> Option<usize> {
        let input = |position: usize| call.inputs.get(position).copied().flatten();
        let class = |value: usize| self.program.values[value].class;
        match call.kernel {
            Kernel::Alias => input(0),
            Kernel::InPlace(positions, _) => positions.iter().filter_map(|p| input(*p)).find(|input| {
                self.uses[buffer(&self.places, *input)] == 1
                    && class(*input).is_some()
                    && class(*input) == class(output)
            }),
            Kernel::Unmeasured | Kernel::Loaded | Kernel::Fresh(_) | Kernel::Repeated | Kernel::SelfGated { .. } => {
                None
            }
        }
    }

    /// Gives up what a call was the last to read, and its outputs that nobody reads.
    fn give_up(&mut self, call: &Call) {
        for value in call.reads().chain(call.outputs.iter().copied()) {
            let buffer = buffer(&self.places, value);
            self.uses[buffer] = self.uses[buffer].saturating_sub(1);
            if self.uses[buffer] == 0
                && let Some(class) = self.program.values[buffer].class
            {
                self.free[class].push(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::{Value, testing};
    use super::*;

    /// Calls in a row, each by its kernel, inputs and output, on values of one class of which the first is fed.
    fn plan(calls: &[(Kernel, &[usize], usize)], delivered: usize) -> Vec<Place> {
        let call = |(index, (kernel, inputs, output)): (usize, &(Kernel, &[usize], usize))| {
            testing::call(index, *kernel, inputs, *output)
        };
        let value = |place| Value { bytes: 4, class: Some(0), given: place == 0, delivered: place == delivered };
        let program = Program {
            values: (0..=calls.len()).map(value).collect(),
            calls: calls.iter().enumerate().map(call).collect(),
            order: (0..calls.len()).collect(),
            classes: 1,
        };
        super::plan(&program).places
    }

    #[test]
    fn a_kernel_writes_over_what_nobody_reads_afterwards() {
        let relu = Kernel::IN_PLACE;
        let chain = plan(&[(Kernel::FRESH, &[0], 1), (relu, &[1], 2), (relu, &[2], 3), (relu, &[3], 4)], 4);
        assert_eq!(chain, [Place::Given, Place::Own, Place::Shared(1), Place::Shared(1), Place::Delivered]);
        let read_twice = plan(&[(Kernel::FRESH, &[0], 1), (relu, &[1], 2), (Kernel::FRESH, &[1, 2], 3)], 3);
        assert_eq!(read_twice, [Place::Given, Place::Own, Place::Own, Place::Delivered]);
        assert_eq!(plan(&[(relu, &[0], 1), (relu, &[1], 2)], 2)[1], Place::Own, "what is fed is left alone");
    }

    #[test]
    fn an_alias_is_of_anything_and_what_is_free_is_taken_last_first() {
        assert_eq!(plan(&[(Kernel::Alias, &[0], 1), (Kernel::FRESH, &[1], 2)], 2)[1], Place::Shared(0));
        // 1 and 2 live together; 1 is given up first, then 2; 4 takes 2, and what it leaves 1 takes 5.
        let fresh = Kernel::FRESH;
        let places =
            plan(&[(fresh, &[0], 1), (fresh, &[1], 2), (fresh, &[1], 3), (fresh, &[2], 4), (fresh, &[3, 4], 5)], 5);
        assert_eq!(places[3..5], [Place::Own, Place::Shared(1)]);
    }
}
