//! `add`, `concat`, `mul`: several tensors into one.

use super::super::ast::Branches;
use super::Lowering;
use super::bind::Bound;
use super::scope::{Frame, Line};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::ValueId;
use crate::ops::layer::Layer;

impl<'a> Lowering<'a> {
    /// What a join works on: its branches, or else the current tensor, and then the tensors that are named. Their places
    /// are noted in `line`. `None` if something is wrong.
    pub(super) fn operands(
        &mut self,
        frame: &mut Frame<'a>,
        line: &mut Line,
        layer: &Layer,
        bound: &Bound<'a>,
        branches: Option<&'a Branches>,
    ) -> Option<Vec<ValueId>> {
        let mut operands = Vec::new();
        let mut broken = bound.broken;
        if let Some(branches) = branches {
            let start = frame.flow;
            for branch in &branches.branches {
                frame.flow = start;
                self.body(frame, &branch.node);
                match frame.flow {
                    Some(end) if !branch.node.stmts.is_empty() => {
                        operands.push(end);
                        line.parts.push(branch.span);
                    }
                    _ => broken = true,
                }
            }
            frame.flow = start;
            broken |= branches.stray.is_some();
        } else {
            operands.extend(frame.flow);
            line.parts.push(line.span);
        }
        operands.extend(bound.operands.iter().map(|(id, _)| *id));
        line.parts.extend(bound.operands.iter().map(|(_, span)| *span));
        if broken {
            return None;
        }
        if operands.len() < 2 {
            if branches.is_none() && frame.flow.is_some() {
                let keyword = layer.keyword;
                let message = format!("`{keyword}` needs something to join with: a label, or `{{ | … | … }}`");
                let error = Diagnostic::error("merge-needs", Origin::Text(line.span), message);
                self.report(frame, error.help(format!("for example `{}`", layer.example)));
            }
            return None;
        }
        Some(operands)
    }
}
