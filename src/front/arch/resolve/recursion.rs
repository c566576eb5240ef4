//! Blocks that call themselves, directly or through others: they would never end.

use super::module::{BlockId, Module};
use crate::base::diagnostic::{Diagnostic, Origin};
use std::collections::{HashMap, HashSet};

/// Which blocks each block calls.
pub(super) type Calls = HashMap<BlockId, Vec<BlockId>>;

/// Blocks that call themselves, or call one that does; each circle is reported once. Blocks whose callees are all known
/// to end are taken away until none is left to take.
pub(super) fn recursive(modules: &[Module], calls: &Calls, diagnostics: &mut Vec<Diagnostic>) -> HashSet<BlockId> {
    let all = || {
        let of_module = |(module, m): (usize, &Module)| (0..m.blocks.len()).map(move |block| BlockId { module, block });
        modules.iter().enumerate().flat_map(of_module)
    };
    let callees = |id: BlockId| calls.get(&id).map_or(&[][..], Vec::as_slice);
    let mut callers: HashMap<BlockId, Vec<BlockId>> = HashMap::new();
    let mut open: HashMap<BlockId, usize> = HashMap::new();
    let mut ends: Vec<BlockId> = Vec::new();
    for id in all() {
        open.insert(id, callees(id).len());
        if callees(id).is_empty() {
            ends.push(id);
        }
        for callee in callees(id) {
            callers.entry(*callee).or_default().push(id);
        }
    }
    while let Some(id) = ends.pop() {
        open.remove(&id);
        for caller in callers.get(&id).into_iter().flatten() {
            if let Some(left) = open.get_mut(caller) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ends.push(*caller);
                }
            }
        }
    }
    let mut walked: HashSet<BlockId> = HashSet::new();
    for start in all().filter(|id| open.contains_key(id)) {
        let mut path: Vec<BlockId> = Vec::new();
        let mut at = start;
        while walked.insert(at) {
            path.push(at);
            // A block that is left calls another that is left.
            let Some(next) = callees(at).iter().find(|c| open.contains_key(c)) else { break };
            at = *next;
        }
        if let Some(circle) = path.iter().position(|id| *id == at).and_then(|first| path.get(first..)) {
            diagnostics.push(circle_error(modules, circle));
        }
    }
    open.into_keys().collect()
}

fn circle_error(modules: &[Module], circle: &[BlockId]) -> Diagnostic {
    let name = |id: &BlockId| &modules[id.module].blocks[id.block].name;
    let (first, through) = (name(&circle[0]), &circle[1..]);
    let through: Vec<_> = through.iter().map(|id| format!("`{}`", name(id).node)).collect();
    let message = if through.is_empty() {
        format!("block `{}` calls itself", first.node)
    } else {
        format!("block `{}` calls itself through {}", first.node, through.join(" and "))
    };
    Diagnostic::error("recursive-block", Origin::Text(first.span), message)
        .help("`repeat n { … }` does something several times")
}
