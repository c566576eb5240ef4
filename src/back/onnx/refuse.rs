//! Layers of the language that ONNX cannot say, and why not.

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::{Model, Node};
use crate::ops::rules::SlotRole;
use crate::ops::{OWN_DOMAIN, definition};
use crate::tensor::DType;
use std::sync::Arc;

/// A layer that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The layer's name.
    pub layer: Arc<str>,
    /// Its operator.
    pub op: Arc<str>,
    /// Why not.
    pub why: String,
    /// Where it stands.
    pub origin: Origin,
    /// What to do.
    help: &'static str,
}

impl Refused {
    /// The same as a finding.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = format!("`{}` is no layer of ONNX: {}", self.layer, self.why);
        Diagnostic::error("not-in-onnx", self.origin.clone(), message).help(self.help)
    }
}

/// Element types in which ONNX's operators compute.
const COMPUTED: &[DType] = &[DType::F64, DType::F32, DType::F16, DType::BF16];

/// Why a node cannot be written, if it cannot.
pub(super) fn refuse(model: &Model, node: &Node) -> Option<Refused> {
    if node.kind.domain == OWN_DOMAIN && definition(node.kind).is_none() {
        let help = "`--format dot` or `--format mermaid` draws it";
        return Some(refusal(node, format!("it has no operator `{}`", node.op_type), help));
    }
    let slots =
        node.inputs.iter().enumerate().filter(|(position, _)| node.kind.slot(*position).role != SlotRole::Steer);
    let types: Vec<DType> =
        slots.filter_map(|(_, id)| model.values[(*id)?].ty.tensor().and_then(|t| t.dtype)).collect();
    let (first, other) = (types.first()?, types.iter().find(|t| Some(*t) != types.first()));
    let why = match other {
        Some(other) => format!("`{}` computes in one type, and here are {first} and {other}", node.op_type),
        None if !COMPUTED.contains(first) => format!("`{}` does not compute in {first}", node.op_type),
        None => return None,
    };
    Some(refusal(node, why, "give one floating-point type for everything: `--precision fp32`"))
}

fn refusal(node: &Node, why: String, help: &'static str) -> Refused {
    let (layer, op) = (Arc::clone(&node.name), Arc::clone(&node.op_type));
    Refused { layer, op, why, origin: node.origin.clone(), help }
}

/// Of a model of the language everything is known once it has no errors.
pub(super) fn lacking(node: &Node, what: &str) -> Refused {
    refusal(node, format!("{what} is not known"), "size the model first, and mend what is said")
}
