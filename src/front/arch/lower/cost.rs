//! How much a text expands to at least, found out before it is expanded.

use super::super::ast::{Arg, Body, Expr, Layer, Spanned, Stmt};
use super::super::document::Document;
use super::super::resolve::{BlockId, Callee};
use crate::base::limits;
use std::collections::HashMap;

/// Statements that may be run for each layer that may be made: loops without layers end too.
const STATEMENTS: u64 = 8;
/// How deep calls are followed; beyond, a call counts as one layer.
const DEPTH: usize = limits::NESTING;

/// Layers made and statements run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub layers: u64,
    pub statements: u64,
}

impl Cost {
    const ONE_STATEMENT: Cost = Cost { layers: 0, statements: 1 };
    const ONE_LAYER: Cost = Cost { layers: 1, statements: 1 };

    /// Both together.
    pub(super) fn plus(self, other: Cost) -> Cost {
        Cost {
            layers: self.layers.saturating_add(other.layers),
            statements: self.statements.saturating_add(other.statements),
        }
    }

    /// So many times this.
    pub(super) fn times(self, n: u64) -> Cost {
        Cost { layers: self.layers.saturating_mul(n), statements: self.statements.saturating_mul(n) }
    }

    /// Whether it is more than a model may expand to.
    pub(super) fn is_too_big(self) -> bool {
        self.layers > limits::LAYERS || self.statements > limits::LAYERS.saturating_mul(STATEMENTS)
    }

    fn smaller(self, other: Cost) -> Cost {
        Cost { layers: self.layers.min(other.layers), statements: self.statements.min(other.statements) }
    }
}

/// Counts what bodies cost at least, each block once.
#[derive(Debug, Default)]
pub(super) struct Costs(HashMap<BlockId, Cost>);

impl Costs {
    /// A body of a file: what it makes at least, run once.
    pub(super) fn body(&mut self, doc: &Document, module: usize, body: &Body, depth: usize) -> Cost {
        let each = |sum: Cost, stmt: &Spanned<Stmt>| sum.plus(self.stmt(doc, module, &stmt.node, depth));
        body.stmts.iter().fold(Cost::ONE_STATEMENT, each)
    }

    fn stmt(&mut self, doc: &Document, module: usize, stmt: &Stmt, depth: usize) -> Cost {
        match stmt {
            Stmt::Layer { layer: Layer::Call { name, args, branches, .. }, .. } => {
                let repeat = |a: &Spanned<Arg>| if let Arg::Repeat(n) = a.node { Some(n) } else { None };
                let times = args.iter().find_map(repeat).unwrap_or(1);
                let inner = branches.iter().flat_map(|b| &b.branches);
                let inner = inner.fold(Cost::default(), |sum, b| sum.plus(self.body(doc, module, &b.node, depth)));
                let own = match doc.modules.get(module).map(|m| m.callee(&name.node)) {
                    Some(Callee::Block(id)) => self.block(doc, id, depth),
                    _ => Cost::ONE_LAYER,
                };
                own.plus(inner).times(times)
            }
            Stmt::Repeat { count, body, .. } => match literal(&count.node) {
                Some(n) => self.body(doc, module, body, depth).times(n).plus(Cost::ONE_STATEMENT),
                None => Cost::ONE_STATEMENT,
            },
            Stmt::If { arms, otherwise, .. } => {
                let mut least: Option<Cost> = otherwise.is_none().then(Cost::default);
                for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                    let cost = self.body(doc, module, body, depth);
                    least = Some(least.map_or(cost, |l| l.smaller(cost)));
                }
                least.unwrap_or_default().plus(Cost::ONE_STATEMENT)
            }
            Stmt::Frozen { body, .. } | Stmt::Side(body) => self.body(doc, module, body, depth),
            Stmt::Layer { .. } | Stmt::From(_) | Stmt::Output { .. } | Stmt::Let { .. } | Stmt::Expect(_) => {
                Cost::ONE_STATEMENT
            }
            Stmt::Bad { .. } => Cost::ONE_STATEMENT,
        }
    }

    /// One call of a block.
    pub(super) fn block(&mut self, doc: &Document, id: BlockId, depth: usize) -> Cost {
        if let Some(known) = self.0.get(&id) {
            return *known;
        }
        if depth >= DEPTH || doc.recursive.contains(&id) {
            return Cost::ONE_LAYER;
        }
        let Some(block) = doc.modules.get(id.module).and_then(|m| m.blocks.get(id.block)) else {
            return Cost::default();
        };
        let cost = self.body(doc, id.module, &block.body, depth.saturating_add(1));
        self.0.insert(id, cost);
        cost
    }
}

/// A repetition's count, where it is written as a number.
fn literal(count: &Expr) -> Option<u64> {
    match count {
        Expr::Number(n) => n.as_whole().and_then(|n| u64::try_from(n).ok()),
        Expr::Paren(inner) => literal(&inner.node),
        _ => None,
    }
}
