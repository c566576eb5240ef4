//! Inputs whose contents decide sizes and are not given: found by giving them some.

use super::bind::Where;
use super::rebatch::build;
use super::{Bindings, File, shown};
use crate::base::diagnostic::{Diagnostic, Origin, Severity};
use crate::graph::{Model, ValueId};
use crate::tensor::{Dim, ValueType};

/// Most inputs that are tried, each of which builds the graph again.
const TRIED: usize = 4;

/// Most elements of an input that steers: a number for each dimension, or two.
const ELEMENTS: u64 = 32;

/// Names the inputs that sizes wait for. An input decides sizes if ones in it make some known, or are refused.
pub(super) fn hint((file, bindings, look): (&File, &Bindings, Where), model: &Model, findings: &mut Vec<Diagnostic>) {
    let (open, wrong) = (unknown(model), errors(findings));
    if open == 0 {
        return;
    }
    for (name, n) in model.main.inputs.iter().filter_map(|id| small(model, *id)).take(TRIED) {
        let mut trial = bindings.clone();
        trial.values.push((name.clone(), vec!["1".into(); n]));
        let mut said = Vec::new();
        let decides = match build(file, &trial, look, &mut said) {
            Ok((tried, _)) => unknown(&tried) < open || errors(&said) > wrong,
            Err(_) => true,
        };
        if decides {
            let name = shown(&name);
            let message = format!("`{name}` decides sizes, and what it holds is not known");
            let help = format!("say it: `--value {name}={}`", vec!["N"; n].join(","));
            findings.push(Diagnostic::hint("contents-unknown", Origin::File, message).help(help));
        }
    }
}

/// Values with a size that is not known.
fn unknown(model: &Model) -> usize {
    let is_open = |ty: &ValueType| match ty.tensor().map(|t| t.shape.dims()) {
        Some(Some(dims)) => dims.contains(&Dim::Unknown),
        Some(None) => true,
        None => *ty == ValueType::Unknown,
    };
    model.values.iter().filter(|(_, value)| is_open(&value.ty)).count()
}

fn errors(findings: &[Diagnostic]) -> usize {
    findings.iter().filter(|f| f.severity == Severity::Error).count()
}

/// Name and length of an input that may steer: a short list or a single number, of unknown contents.
fn small(model: &Model, id: ValueId) -> Option<(String, usize)> {
    let value = &model.values[id];
    let tensor =
        value.ty.tensor().filter(|t| value.literal.is_none() && t.shape.rank().is_some_and(|rank| rank <= 1))?;
    let n = tensor.shape.elements().filter(|n| (1..=ELEMENTS).contains(n))?;
    tensor.dtype.filter(|d| d.is_integer() || d.is_float())?;
    Some((value.name.to_string(), usize::try_from(n).ok()?))
}
