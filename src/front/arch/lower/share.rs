//! `share=key`: the first use creates the weights, later uses take them, layer by layer.

use crate::base::source::Span;
use crate::graph::{Builder, NodeId, Source, ValueId};
use std::collections::HashMap;

/// The weights of one layer, and the line that made them.
type Layer = (Vec<ValueId>, Span);

/// Every key so far, and those whose lines are being expanded.
#[derive(Debug, Default)]
pub(super) struct Share {
    keys: HashMap<String, Vec<Layer>>,
    /// The innermost last.
    open: Vec<Use>,
    /// Where the weights that were taken last had been made.
    pub first: Option<Span>,
}

/// A line with `share=` being expanded.
#[derive(Debug)]
struct Use {
    /// The key, behind the name of the block's call.
    full: String,
    /// The key as written.
    key: String,
    /// Whether its weights are there already.
    again: bool,
    /// Layers with weights so far.
    layers: usize,
}

/// Weights to be taken again.
#[derive(Debug)]
pub(super) struct Reused {
    pub key: String,
    pub weights: Vec<ValueId>,
}

impl Share {
    /// Begins a line with `share=key`; `full` is the key behind the name of the block's call.
    pub(super) fn begin(&mut self, full: String, key: &str) {
        let again = self.keys.contains_key(&full);
        if !again {
            self.keys.insert(full.clone(), Vec::new());
        }
        self.open.push(Use { full, key: key.into(), again, layers: 0 });
    }

    /// Ends it. `Some` if it has fewer layers with weights than the first use: how many, of how many.
    pub(super) fn end(&mut self) -> Option<(usize, usize)> {
        let ended = self.open.pop()?;
        let had = self.keys.get(&ended.full).map_or(0, Vec::len);
        (ended.again && ended.layers < had).then_some((ended.layers, had))
    }

    /// The weights that the next layer takes, if it shares them. No weights where the first use had no such layer.
    pub(super) fn reused(&mut self) -> Option<Reused> {
        let line = self.open.iter_mut().rev().find(|u| u.again)?;
        let layer = self.keys.get(&line.full).and_then(|layers| layers.get(line.layers));
        line.layers = line.layers.saturating_add(1);
        self.first = layer.map(|(_, span)| *span);
        Some(Reused { key: line.key.clone(), weights: layer.map(|(w, _)| w.clone()).unwrap_or_default() })
    }

    /// Keeps the weights of a layer for those lines around it that are the first of their key.
    pub(super) fn record(&mut self, graph: &Builder, node: NodeId, span: Span) {
        for line in self.open.iter_mut().rev().take_while(|u| !u.again) {
            line.layers = line.layers.saturating_add(1);
            if let Some(layers) = self.keys.get_mut(&line.full) {
                layers.push((weights(graph, node), span));
            }
        }
    }
}

/// The weights of a node in the order in which its operator asked for them, which is that of their making.
fn weights(graph: &Builder, node: NodeId) -> Vec<ValueId> {
    let is_weight = |id: &ValueId| {
        let value = graph.get(*id);
        matches!(value.source, Source::Stored(_)) && value.literal.is_none()
    };
    let mut weights: Vec<_> = graph.node(node).inputs.iter().flatten().copied().filter(is_weight).collect();
    weights.sort_unstable();
    weights
}
