//! What the file declares of values, held against what was inferred. Declarations are claims, never a source.

use super::File;
use super::convert::{Converter, Meaning};
use super::types::{Symbols, declared, value_info};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::ValueId;
use crate::ops::unknown::UNKNOWN;
use crate::tensor::{Dim, Shape, ValueType};
use prost::bytes::Bytes;
use std::collections::HashMap;

/// Differences that are listed one by one.
const LISTED: usize = 5;

/// A warning for each value that is declared as something else than it is.
pub(super) fn check(file: &File, converter: &Converter, symbols: &Symbols, findings: &mut Vec<Diagnostic>) {
    let mut wrong = 0usize;
    for (name, ty) in file.graph.output.iter().chain(&file.graph.value_info).filter_map(value_info) {
        let (Some(ty), Some(id)) = (ty, converter.lookup(&name).and_then(Meaning::value)) else { continue };
        let claimed = declared(&ty, symbols);
        let value = converter.builder.get(id);
        let producer = value.producer().map(|(node, _)| converter.builder.node(node));
        // Where the operator is unknown, the declaration is all there is.
        if agree(&claimed, &value.ty) || producer.is_some_and(|n| std::ptr::eq(n.kind, &raw const UNKNOWN)) {
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
}

/// Types that the file states of the network's values, with free sizes as symbols.
pub(super) fn stated(file: &File, converter: &Converter) -> HashMap<ValueId, ValueType> {
    let graph = &file.graph;
    let infos = graph.input.iter().chain(&graph.output).chain(&graph.value_info).filter_map(value_info);
    let of_value = |(name, ty): (Bytes, Option<_>)| {
        Some((converter.lookup(&name).and_then(Meaning::value)?, declared(&ty?, &Symbols::default())))
    };
    infos.filter_map(of_value).collect()
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
