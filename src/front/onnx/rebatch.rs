//! The network for the batch that is asked for, also where the file was exported for another one.

use super::bind::{self, Batch};
use super::convert::Converter;
use super::types::{Symbols, value_info};
use super::{Bindings, File, Outcome, claims, roles, shown, steering, text};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::graph::{Model, Precision, ValueId};
use crate::tensor::Dim;
use std::collections::HashMap;

/// A network, and what was bound for it.
pub(super) struct Made {
    pub(super) model: Model,
    pub(super) symbols: Symbols,
    pub(super) batch: u64,
    pub(super) batch_symbol: Option<String>,
    pub(super) places: Vec<(usize, ValueId)>,
}

/// Builds the network. Findings are about the file and the request; `Err` is one after which there is no network.
pub(super) fn convert(file: &File, bindings: &Bindings, findings: &mut Vec<Diagnostic>) -> Outcome<Made> {
    let (mut model, built) = build(file, bindings, findings)?;
    let Built { symbols, batch, places } = built;
    let batch_symbol = if let Batch::Symbol(symbol, _) = &batch { Some(symbol.clone()) } else { None };
    let batch = match batch {
        Batch::None | Batch::Symbol(_, None) => 1,
        Batch::Symbol(_, Some(n)) => n,
        Batch::Fixed { stated, asked } if stated != asked && bindings.batch.is_some() => {
            check(file, bindings, &model, (stated, asked), findings)?;
            asked
        }
        // The first dimension of the input is a batch if the outputs have it too.
        Batch::Fixed { asked, .. } if model.main.outputs.iter().any(|o| first(&model, *o) == Some(asked)) => asked,
        Batch::Fixed { .. } => 1,
    };
    steering::hint(file, bindings, &model, findings);
    if bindings.precision != Precision::default() && !model.set_precision(bindings.precision) {
        let message = "the graph holds no 32-bit floats, so `--precision` changes nothing";
        findings.push(Diagnostic::hint("precision-unused", Origin::File, message));
    }
    Ok(Made { model, symbols, batch, batch_symbol, places })
}

/// What was bound on the way.
pub(super) struct Built {
    symbols: Symbols,
    batch: Batch,
    places: Vec<(usize, ValueId)>,
}

/// Builds the network for these bindings.
pub(super) fn build(file: &File, bindings: &Bindings, findings: &mut Vec<Diagnostic>) -> Outcome<(Model, Built)> {
    let mut converter = Converter::new(file);
    converter.stored(&file.graph)?;
    let inputs = file.graph.input.iter().filter_map(value_info).filter(|(name, _)| !converter.is_own(name)).collect();
    let feeds = bind::bind(inputs, bindings, findings);
    let (symbols, batch, overruled) = (feeds.symbols.clone(), feeds.batch.clone(), feeds.overruled);
    converter.network(feeds)?;
    findings.append(&mut converter.findings);
    if !overruled {
        claims::check(file, &converter, &symbols, findings);
    }
    // Sizes that were overruled say nothing of the network that was asked for.
    let stated = if overruled { HashMap::new() } else { claims::stated(file, &converter) };
    let places = std::mem::take(&mut converter.places);
    let mut model = converter.builder.finish(text(&file.graph.name), Vec::new());
    model.stated = stated;
    roles::assign(&mut model);
    Ok((model, Built { symbols, batch, places }))
}

fn first(model: &Model, id: ValueId) -> Option<u64> {
    model.values[id].ty.tensor().and_then(|t| t.shape.dims()).and_then(|d| d.first()).and_then(Dim::size)
}

/// Whether the graph works for another batch than the one that it was exported for; a finding names the node that forbids it.
fn check(
    file: &File,
    bindings: &Bindings,
    model: &Model,
    (stated, asked): (u64, u64),
    findings: &mut Vec<Diagnostic>,
) -> Outcome<()> {
    let help = format!("drop `--batch {asked}`, or export the model with a symbolic batch");
    let note = format!("the file was exported for a batch of {stated}, and this node has that built in");
    if findings.iter().any(|f| f.severity == Severity::Error) {
        if let Some(error) = findings.iter_mut().find(|f| matches!(f.origin, Origin::Node { .. })) {
            error.notes.push(note);
            error.help.get_or_insert(help);
        }
        return Ok(());
    }
    let as_stated = Bindings { batch: None, ..bindings.clone() };
    let (before, _) = build(file, &as_stated, &mut Vec::new())?;
    let scales = |id: ValueId| first(&before, id) == Some(stated);
    let scaled = |id: ValueId| first(model, id) == Some(asked);
    let outputs = before.main.outputs.iter().zip(&model.main.outputs);
    if outputs.into_iter().all(|(old, new)| !scales(*old) || scaled(*new)) {
        return Ok(());
    }
    for (old, new) in before.main.nodes.iter().zip(&model.main.nodes) {
        let (old, new) = (&before.nodes[*old], &model.nodes[*new]);
        let reads = old.inputs.iter().zip(&new.inputs).any(|(old, new)| match (old, new) {
            (Some(old), Some(new)) => model.is_activation(*new) && scales(*old) && scaled(*new),
            _ => false,
        });
        let keeps = old.outputs.iter().zip(&new.outputs).any(|(old, new)| match (old, new) {
            (Some(old), Some(new)) => scales(*old) && !scaled(*new),
            _ => false,
        });
        if reads && keeps {
            let message = format!("`{}` makes a batch of {stated} out of one of {asked}", shown(&new.name));
            findings.push(Diagnostic::error("batch-fixed", new.origin.clone(), message).note(note).help(help));
            return Ok(());
        }
    }
    let message = format!("the outputs keep their batch of {stated} when the inputs have one of {asked}");
    findings.push(Diagnostic::error("batch-fixed", Origin::File, message).help(help));
    Ok(())
}
