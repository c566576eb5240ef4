//! What the file declares of values, held against what was inferred. Declarations are claims, never a source.

use super::File;
use super::bind::bound;
use super::convert::{Converter, Meaning};
use super::types::{Symbols, declared, value_info};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::ValueId;
use crate::ops::unknown::UNKNOWN;
use crate::tensor::{Dim, Shape, ValueType};
use std::collections::HashMap;

/// Differences that are listed one by one.
const LISTED: usize = 5;

/// Types that the file states of the network's values, with free sizes as symbols; where the caller fixed sizes
/// (`resized`), those that a file would state that was written for them. A warning for each value other than an input
/// that is something else, its symbols being bound to these.
pub(super) fn read(
    file: &File,
    converter: &Converter,
    (symbols, resized): (&Symbols, bool),
    findings: &mut Vec<Diagnostic>,
) -> HashMap<ValueId, ValueType> {
    let graph = &file.graph;
    let mut stated = HashMap::with_capacity(graph.input.len() + graph.output.len() + graph.value_info.len());
    let mut wrong = 0usize;
    let infos = graph.output.iter().chain(&graph.value_info).map(|info| (info, false));
    for (info, is_input) in graph.input.iter().map(|info| (info, true)).chain(infos) {
        let Some((name, Some(ty))) = value_info(info) else { continue };
        let Some(id) = converter.lookup(&name).and_then(Meaning::value) else { continue };
        let ty = declared(&ty, &Symbols::default());
        let claimed = bound(ty.clone(), symbols);
        let value = converter.builder.get(id);
        stated.insert(id, if resized { value.ty.clone() } else { ty });
        let producer = value.producer().map(|(node, _)| converter.builder.node(node));
        // Where the operator is unknown, the declaration is all there is.
        let unknown = producer.is_some_and(|n| std::ptr::eq(n.kind, &raw const UNKNOWN));
        if is_input || unknown || agree(&claimed, &value.ty) {
            continue;
        }
        wrong += 1;
        if wrong <= LISTED {
            findings.push(differs(converter, id, &claimed));
        }
    }
    if wrong > LISTED {
        let message = format!("{} more values are not what the file declares", wrong - LISTED);
        findings.push(Diagnostic::warning("declared-differs", Origin::File, message));
    }
    stated
}

fn differs(converter: &Converter, id: ValueId, claimed: &ValueType) -> Diagnostic {
    let value = converter.builder.get(id);
    let show = |ty: &ValueType| ty.tensor().map_or_else(|| "no tensor".into(), ToString::to_string);
    let message =
        format!("`{}` is {}, but the file declares {}", super::shown(&value.name), show(&value.ty), show(claimed));
    let origin = value.producer().map_or(Origin::File, |(node, _)| converter.builder.node(node).origin.clone());
    Diagnostic::warning("declared-differs", origin, message).note("the declaration is not used")
}

/// Whether two types may be of the same value: nothing that both know differs.
fn agree(a: &ValueType, b: &ValueType) -> bool {
    let (Some(a), Some(b)) = (a.tensor(), b.tensor()) else { return true };
    let same_dtype = a.dtype.is_none() || b.dtype.is_none() || a.dtype == b.dtype;
    let same_dim = |(a, b): (&Dim, &Dim)| match (a.known(), b.known()) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    same_dtype
        && match (&a.shape, &b.shape) {
            (Shape::Ranked(a), Shape::Ranked(b)) => a.len() == b.len() && a.iter().zip(b).all(same_dim),
            _ => true,
        }
}
