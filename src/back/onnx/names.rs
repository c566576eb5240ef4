//! Names for values: every one of its own, and as near to the model's as that allows.
//!
//! In a text, a line's name is that of its main operator and stands for what comes out of the line. Here what comes out
//! has it: in `c1: conv 64 3x3 bn relu` the rectifier delivers `c1`, and the convolution `c1.conv`.

use crate::graph::{Model, Source, ValueId};
use std::collections::HashSet;
use std::sync::Arc;

/// The name of every value.
pub(super) struct Names {
    given: Vec<Arc<str>>,
    taken: HashSet<Arc<str>>,
}

impl Names {
    pub(super) fn of(model: &Model) -> Names {
        let mut given: Vec<Option<Arc<str>>> = vec![None; model.values.len()];
        let mut taken: HashSet<Arc<str>> = HashSet::new();
        for id in &model.main.inputs {
            let name = unique(&model.values[*id].name, &mut taken);
            given[id.index()] = Some(name);
        }
        // The outermost line comes last, and its name is the one that people know.
        for label in model.labels.iter().rev() {
            let slot = &mut given[label.value.index()];
            if slot.is_none() && taken.insert(Arc::clone(&label.name)) {
                *slot = Some(Arc::clone(&label.name));
            }
        }
        for (id, value) in model.values.iter() {
            if given[id.index()].is_some() {
                continue;
            }
            let name = match value.source {
                Source::Node(node, _) if taken.contains(&value.name) => {
                    let op = model.nodes[node].op_type.to_lowercase();
                    unique(&format!("{}.{op}", value.name).into(), &mut taken)
                }
                _ => unique(&value.name, &mut taken),
            };
            given[id.index()] = Some(name);
        }
        Names { given: given.into_iter().flatten().collect(), taken }
    }

    /// By value.
    pub(super) fn all(self) -> Vec<Arc<str>> {
        self.given
    }

    pub(super) fn get(&self, id: ValueId) -> &Arc<str> {
        &self.given[id.index()]
    }

    /// A name for something beside the values.
    pub(super) fn fresh(&mut self, wanted: &str) -> Arc<str> {
        unique(&wanted.into(), &mut self.taken)
    }
}

/// The name itself, or with the first number behind it that nothing else has.
pub(super) fn unique(name: &Arc<str>, taken: &mut HashSet<Arc<str>>) -> Arc<str> {
    let mut found = if name.is_empty() { "value".into() } else { Arc::clone(name) };
    let mut number = 1u64;
    while !taken.insert(Arc::clone(&found)) {
        number = number.saturating_add(1);
        found = format!("{name}.{number}").into();
    }
    found
}
