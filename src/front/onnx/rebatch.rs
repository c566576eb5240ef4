//! The network for the batch that is asked for, also where the file was exported for another one.

use super::bind::{self, Batch, Place, Where};
use super::convert::Converter;
use super::types::{Symbols, value_info};
use super::{Bindings, File, Outcome, axis, claims, roles, shown, steering, text};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::graph::{Model, Precision, ValueId};

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
    let mut said = Vec::new();
    let (mut model, mut built) = build(file, bindings, Where::First, &mut said)?;
    let found = match built.place {
        Some(usual) => axis::find(file, bindings, (&model, usual), &mut said)?,
        None => None,
    };
    if let Some(place) = found {
        said.clear();
        (model, built) = build(file, bindings, Where::At(place), &mut said)?;
    }
    findings.append(&mut said);
    let look = found.map_or(Where::First, Where::At);
    let Built { symbols, batch, place, places } = built;
    let axis = place.map_or(0, |place| place.axis);
    let batch_symbol = if let Batch::Symbol(symbol, _) = &batch { Some(symbol.clone()) } else { None };
    let batch = match batch {
        Batch::None | Batch::Symbol(_, None) => 1,
        Batch::Symbol(_, Some(n)) => n,
        Batch::Fixed { stated, asked } if stated != asked && bindings.batch.is_some() => {
            check((file, bindings, look), &model, (axis, stated, asked), findings)?;
            asked
        }
        // The first dimension of the input is a batch if the outputs have it too.
        Batch::Fixed { asked, .. } if model.main.outputs.iter().any(|o| may_be(&model, *o, axis, asked)) => asked,
        Batch::Fixed { .. } => 1,
    };
    steering::hint((file, bindings, look), &model, findings);
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
    place: Option<Place>,
    places: Vec<(usize, ValueId)>,
}

/// Builds the network for these bindings.
pub(super) fn build(
    file: &File,
    bindings: &Bindings,
    look: Where,
    findings: &mut Vec<Diagnostic>,
) -> Outcome<(Model, Built)> {
    let mut converter = Converter::new(file);
    converter.stored(&file.graph)?;
    let inputs = file.graph.input.iter().filter_map(value_info).filter(|(name, _)| !converter.is_own(name)).collect();
    let feeds = bind::bind(inputs, bindings, look, findings);
    let (symbols, batch, place, overruled) = (feeds.symbols.clone(), feeds.batch.clone(), feeds.place, feeds.overruled);
    converter.network(feeds)?;
    findings.append(&mut converter.findings);
    let resized = bindings.batch.is_some() || !bindings.dims.is_empty() || !bindings.inputs.is_empty();
    // What contradicts sizes that the caller overruled is not wrong.
    let mut unsaid = Vec::new();
    let findings = if overruled { &mut unsaid } else { findings };
    let stated = claims::read(file, &converter, (&symbols, resized), findings);
    let (places, packed) = (std::mem::take(&mut converter.places), std::mem::take(&mut converter.packed));
    let mut model = converter.builder.finish(text(&file.graph.name), Vec::new());
    (model.stated, model.packed) = (stated, packed.into_iter().collect());
    roles::assign(&mut model);
    Ok((model, Built { symbols, batch, place, places }))
}

/// Whether a value has so many examples: in its first dimension, or in any where the network's first one is not the batch.
fn may_be(model: &Model, id: ValueId, axis: usize, examples: u64) -> bool {
    let dims = model.values[id].ty.tensor().and_then(|t| t.shape.dims()).unwrap_or(&[]);
    let dims = if axis == 0 { dims.get(..1).unwrap_or(dims) } else { dims };
    dims.iter().any(|dim| dim.size() == Some(examples))
}

/// Whether the graph works for another batch than the one that it was exported for; a finding names the node that forbids it.
fn check(
    (file, bindings, look): (&File, &Bindings, Where),
    model: &Model,
    (axis, stated, asked): (usize, u64, u64),
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
    let (before, _) = build(file, &as_stated, look, &mut Vec::new())?;
    let scales = |id: ValueId| may_be(&before, id, axis, stated);
    let scaled = |id: ValueId| may_be(model, id, axis, asked);
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
