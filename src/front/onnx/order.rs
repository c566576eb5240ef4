//! Running order of nodes that are not stored in one.

use super::proto::{GraphProto, NodeProto};
use super::types::value_info;
use super::{Outcome, shown, text};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::suggest;
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use prost::Message;
use prost::bytes::Bytes;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Positions of the nodes so that each comes after all that it reads from, and otherwise in stored order. `known` says
/// whether a name exists without any of them. The error names a node that reads what nothing makes, or a cycle.
pub(super) fn sort(nodes: &[Bytes], first: usize, known: &dyn Fn(&Bytes) -> bool) -> Outcome<Vec<usize>> {
    let protos: Vec<NodeProto> =
        nodes[first..].iter().map(|bytes| NodeProto::decode(bytes.clone()).unwrap_or_default()).collect();
    let mut makers: HashMap<&Bytes, usize> = HashMap::new();
    for (i, proto) in protos.iter().enumerate() {
        proto.output.iter().filter(|name| !name.is_empty()).for_each(|name| {
            makers.entry(name).or_insert(i);
        });
    }
    let mut waits_for: Vec<Vec<usize>> = Vec::with_capacity(protos.len());
    let mut feeds: Vec<Vec<usize>> = vec![Vec::new(); protos.len()];
    for (i, proto) in protos.iter().enumerate() {
        let mut wanted = Vec::new();
        for name in reads(proto) {
            match makers.get(&name) {
                Some(maker) => wanted.push(*maker),
                None if known(&name) => {}
                None => return Err(undefined(&describe(proto), first + i, &name, makers.keys().copied()).into()),
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        for maker in &wanted {
            feeds[*maker].push(i);
        }
        waits_for.push(wanted);
    }
    let mut waiting: Vec<usize> = waits_for.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        waiting.iter().enumerate().filter(|(_, n)| **n == 0).map(|(i, _)| Reverse(i)).collect();
    let mut order = Vec::with_capacity(protos.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(first + i);
        for next in &feeds[i] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    match waiting.iter().position(|n| *n > 0) {
        None => Ok(order),
        Some(stuck) => Err(cycle(&protos, first, &waits_for, &waiting, stuck).into()),
    }
}

/// Names that a node reads, those that its sub-graphs take from outside included.
pub(super) fn reads(proto: &NodeProto) -> Vec<Bytes> {
    let mut names: Vec<Bytes> = proto.input.iter().filter(|name| !name.is_empty()).cloned().collect();
    for graph in proto.attribute.iter().filter_map(|a| a.g.as_ref()) {
        free_names(graph, &mut names);
    }
    names
}

/// Names that a graph reads and does not make.
fn free_names(bytes: &Bytes, names: &mut Vec<Bytes>) {
    let Ok(graph) = GraphProto::decode(bytes.clone()) else { return };
    let mut own: HashSet<Bytes> = HashSet::new();
    let mut read: Vec<Bytes> = Vec::new();
    own.extend(graph.input.iter().filter_map(value_info).map(|(name, _)| name));
    for tensor in &graph.initializer {
        own.extend(super::proto::TensorProto::decode(tensor.clone()).ok().map(|t| t.name));
    }
    for node in &graph.node {
        let Ok(node) = NodeProto::decode(node.clone()) else { continue };
        read.extend(reads(&node));
        own.extend(node.output);
    }
    read.extend(graph.output.iter().filter_map(value_info).map(|(name, _)| name));
    names.extend(read.into_iter().filter(|name| !own.contains(name)));
}

/// A node as messages name it: its own name, or its first output's.
pub(super) fn describe(proto: &NodeProto) -> String {
    if proto.name.is_empty() { proto.output.first().map(|o| text(o)).unwrap_or_default() } else { text(&proto.name) }
}

fn undefined<'a>(node: &str, index: usize, name: &Bytes, made: impl Iterator<Item = &'a Bytes>) -> Diagnostic {
    let name = text(name);
    let message = format!("`{}` is read here, and nothing makes it", shown(&name));
    let origin = Origin::Node { name: node.into(), index };
    let made: Vec<String> = made.take(SUGGESTIONS).map(|n| text(n)).collect();
    let error = Diagnostic::error("undefined-name", origin, message);
    match suggest::nearest(&name, made.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did the exporter mean `{}`?", shown(near))),
        None => error.help("export the model again: a part of its graph is missing"),
    }
}

/// Names that are looked through for a similar one.
const SUGGESTIONS: usize = 10_000;

fn cycle(protos: &[NodeProto], first: usize, waits_for: &[Vec<usize>], waiting: &[usize], stuck: usize) -> Diagnostic {
    // From a node that waits, always on to one that it waits for: the first one met twice is on the cycle.
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let (mut path, mut at) = (Vec::new(), stuck);
    while let std::collections::hash_map::Entry::Vacant(slot) = seen.entry(at) {
        slot.insert(path.len());
        path.push(at);
        match waits_for[at].iter().find(|maker| waiting[**maker] > 0) {
            Some(maker) => at = *maker,
            None => break,
        }
    }
    let mut round: Vec<usize> = path.split_off(seen.get(&at).copied().unwrap_or(0));
    round.reverse();
    let names: Vec<String> = round.iter().take(6).map(|i| format!("`{}`", shown(&describe(&protos[*i])))).collect();
    let more = if round.len() > names.len() { ", …" } else { "" };
    let message = format!("{} nodes wait for one another: {}{more}", round.len(), names.join(", "));
    let start = round.first().copied().unwrap_or(stuck);
    let origin = Origin::Node { name: describe(&protos[start]).into(), index: first + start };
    Diagnostic::error("graph-cycle", origin, message).help("export the model again: a graph must not have cycles")
}
