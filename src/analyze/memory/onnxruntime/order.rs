//! The order in which ONNX Runtime runs the nodes: a depth-first search against the edges, begun at the nodes that
//! nothing reads, the last of them first, and of a node's producers the last in the file first. A residual block thus
//! runs its shortcut before its main branch when the file has it later.
//!
//! (`Graph::ReverseDFSFrom` as `GraphViewer` calls it; profiles of version 1.32 have the same order.)

use crate::graph::{Model, NodeId, each_use};
use crate::ops::kernel::Kernel;

/// The network's nodes in running order.
pub(super) fn running(model: &Model) -> Vec<NodeId> {
    let nodes: Vec<NodeId> = model.main.nodes.iter().copied().filter(|id| runs(model, *id)).collect();
    let producers = producers(model, &nodes);
    let mut read = vec![false; nodes.len()];
    producers.iter().flatten().for_each(|place| read[*place] = true);
    let mut pending: Vec<Visit> = (0..nodes.len()).filter(|place| !read[*place]).map(Visit::Enter).collect();
    let mut seen = vec![false; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(visit) = pending.pop() {
        match visit {
            Visit::Leave(place) => order.push(nodes[place]),
            Visit::Enter(place) if seen[place] => {}
            Visit::Enter(place) => {
                seen[place] = true;
                pending.push(Visit::Leave(place));
                pending.extend(producers[place].iter().filter(|p| !seen[**p]).map(|p| Visit::Enter(*p)));
            }
        }
    }
    order
}

/// A node that is loaded with the file as a stored value is none when it comes to running.
fn runs(model: &Model, id: NodeId) -> bool {
    !matches!(model.nodes[id].kind.kernel, Kernel::Loaded)
}

enum Visit {
    Enter(usize),
    Leave(usize),
}

/// For each node the places of the nodes that it reads from, in ascending order.
fn producers(model: &Model, nodes: &[NodeId]) -> Vec<Vec<usize>> {
    let mut place_of = vec![None; model.nodes.len()];
    for (place, id) in nodes.iter().enumerate() {
        place_of[id.index()] = Some(place);
    }
    let of_node = |id: &NodeId| {
        let mut places = Vec::new();
        each_use(model, *id, &mut |value| {
            places.extend(model.values[value].producer().and_then(|(node, _)| place_of[node.index()]));
        });
        places.sort_unstable();
        places.dedup();
        places
    };
    nodes.iter().map(of_node).collect()
}
