//! The order of calls: a depth-first search against the edges, begun at the calls whose outputs nothing reads, the one of
//! the largest number first, and of a call's producers the one of the largest number first. A residual block thus runs
//! its shortcut before its main branch when the file has it later.
//!
//! (`Graph::ReverseDFSFrom` as `GraphViewer` calls it; profiles of version 1.32 have the same order.)

use super::program::{Call, Program};

/// Puts the calls into the order in which they run.
pub(super) fn sort(program: &mut Program) {
    // Places are numbers from here on.
    program.calls.sort_unstable_by_key(|call| call.index);
    let calls = &program.calls;
    let producers = producers(program);
    let mut read = vec![false; calls.len()];
    calls.iter().flat_map(Call::reads).filter_map(|value| producers[value]).for_each(|place| read[place] = true);
    let mut pending: Vec<Visit> = (0..calls.len()).filter(|place| !read[*place]).map(Visit::Enter).collect();
    let mut seen = vec![false; calls.len()];
    let mut order = Vec::with_capacity(calls.len());
    let mut before = Vec::new();
    while let Some(visit) = pending.pop() {
        match visit {
            Visit::Leave(place) => order.push(place),
            Visit::Enter(place) if seen[place] => {}
            Visit::Enter(place) => {
                seen[place] = true;
                pending.push(Visit::Leave(place));
                before.extend(calls[place].reads().filter_map(|value| producers[value]).filter(|p| !seen[*p]));
                before.sort_unstable();
                pending.extend(before.drain(..).map(Visit::Enter));
            }
        }
    }
    program.order = order;
}

enum Visit {
    Enter(usize),
    Leave(usize),
}

/// By value: the place of the call that makes it.
fn producers(program: &Program) -> Vec<Option<usize>> {
    let mut producers = vec![None; program.values.len()];
    for (place, call) in program.calls.iter().enumerate() {
        call.outputs.iter().for_each(|value| producers[*value] = Some(place));
    }
    producers
}

#[cfg(test)]
mod tests {
    use super::super::program::{Value, testing::call};
    use super::*;
    use crate::ops::kernel::Kernel;

    /// A residual block: 0 → conv → conv ⊕ (0 → shortcut). The file has the shortcut last, so it runs first.
    #[test]
    fn of_two_producers_the_later_in_the_file_runs_first() {
        let fresh = Kernel::FRESH;
        let calls =
            vec![call(0, fresh, &[0], 1), call(1, fresh, &[1], 2), call(2, fresh, &[0], 3), call(3, fresh, &[2, 3], 4)];
        let mut program = Program { values: vec![Value::default(); 5], calls, ..Program::default() };
        sort(&mut program);
        assert_eq!(program.running().map(|c| c.index).collect::<Vec<_>>(), [2, 0, 1, 3]);
    }
}
