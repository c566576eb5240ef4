//! Which dimension of which input is the batch, where that is not the first one: recurrent layers name theirs, and most
//! take sequences step by step. Where it comes from is found by putting a symbol into one dimension of an input at a time.

use super::bind::{Place, Where};
use super::rebatch::build;
use super::{Bindings, File, Outcome, shown};
use crate::base::diagnostic::Diagnostic;
use crate::graph::{Model, Node};
use crate::ops::recurrent;
use crate::tensor::Dim;

/// Most inputs of which dimensions are tried, each of which builds the graph again.
const TRIED: usize = 4;

/// The place of the batch, if a recurrent layer has it from another one than `usual`. `model`: the network, built with that.
pub(super) fn find(
    file: &File,
    bindings: &Bindings,
    (model, usual): (&Model, Place),
    findings: &mut Vec<Diagnostic>,
) -> Outcome<Option<Place>> {
    let Some((first, _)) = layers(model).next() else { return Ok(None) };
    let inputs = model.main.inputs.iter().enumerate();
    let ranks = inputs.filter_map(|(input, id)| Some((input, model.values[*id].ty.tensor()?.shape.rank()?)));
    let mut inputs: Vec<usize> = ranks.filter(|(_, rank)| *rank >= 2).map(|(input, _)| input).collect();
    inputs.sort_by_key(|input| *input != usual.input);
    for place in inputs.iter().take(TRIED).flat_map(|input| [0, 1].map(|axis| Place { input: *input, axis })) {
        let (tried, _) = build(file, bindings, Where::Tried(place), &mut Vec::new())?;
        if layers(&tried).any(|(layer, axis)| batch_of(&tried, layer, axis) == Some(&Dim::symbol(TRIAL))) {
            return Ok((place != usual).then_some(place));
        }
    }
    let message = format!("which dimension of the inputs is the batch of `{}` is not known", shown(&first.name));
    let note = "figures for one example are those of the first dimension of the first input";
    findings.push(Diagnostic::hint("batch-unknown", first.origin.clone(), message).note(note));
    Ok(None)
}

/// The symbol that is put into a dimension. No file has it.
pub(super) const TRIAL: &str = "\0batch";

/// Layers that name the dimension which is the batch of what they read.
fn layers(model: &Model) -> impl Iterator<Item = (&Node, usize)> {
    model.nodes.iter().filter_map(|(_, node)| Some((node, recurrent::batch_axis(node.kind, &node.attributes)?)))
}

/// The batch of what a recurrent layer reads.
fn batch_of<'a>(model: &'a Model, layer: &Node, axis: usize) -> Option<&'a Dim> {
    let read = layer.inputs.first().copied().flatten()?;
    model.values[read].ty.tensor()?.shape.dims()?.get(axis)
}
