//! Sub-graphs of control flow: what goes in is known from outside, what the sub-graph declares fills the gaps.

use super::convert::Converter;
use super::proto::{GraphProto, TypeProto};
use super::types::{Written, value_info, value_type};
use super::{Outcome, undecodable};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::graph::{Body, ValueId};
use crate::ops::attributes::Attributes;
use crate::ops::control::{BodyInput, body_inputs, stacked};
use crate::ops::rules::{At, BodyOutput, OpKind};
use crate::tensor::{Dim, Elements, Literal, Shape, TensorType, ValueType};
use prost::Message;
use prost::bytes::Bytes;

/// How often a sub-graph is built before what it carries counts as unknown.
const ROUNDS: usize = 4;
/// Runs of a loop that are gone through one after another, where what it carries changes its size.
const RUNS: i64 = 64;

/// A node that owns sub-graphs.
pub(super) struct Owner<'a> {
    pub(super) kind: &'static OpKind,
    pub(super) attributes: &'a Attributes,
    pub(super) opset: i64,
    pub(super) inputs: &'a [Option<ValueId>],
    /// Where it stands among the nodes of its graph.
    pub(super) index: usize,
}

impl Converter<'_> {
    /// Builds a node's sub-graphs. With them come the types of what a loop delivers when it has ended, where they are
    /// known from going through its runs.
    pub(super) fn bodies(&mut self, owner: &Owner, graphs: &[Bytes]) -> Outcome<(Vec<Body>, Vec<ValueType>)> {
        let mut wanted = self.body_inputs(owner, &[]);
        let [only] = graphs else { return Ok((self.branches(owner, graphs, &wanted)?, Vec::new())) };
        let mut ended = Vec::new();
        for round in 1..ROUNDS {
            let (findings, places, room) = (self.findings.len(), self.places.len(), self.expansion);
            let delivered = self.body(only, &wanted, owner.index)?;
            let next = self.body_inputs(owner, &delivered);
            let nodes = room.saturating_sub(self.expansion);
            if next == wanted {
                let counts = delivered.first().is_none_or(|id| self.builder.get(*id).literal.is_some());
                let body = self.builder.end_body();
                if !counts && round == 1 && owner.kind.name == "Loop" {
                    ended = self.rehearse(owner, only, &wanted, nodes)?;
                }
                return Ok((vec![body], ended));
            }
            self.abandon(findings, places);
            if round == 1 && owner.kind.name == "Loop" {
                ended = self.rehearse(owner, only, &wanted, nodes)?;
            }
            wanted = next;
            if round + 1 == ROUNDS {
                wanted.fill(ValueType::Unknown.into());
            }
        }
        self.body(only, &wanted, owner.index)?;
        Ok((vec![self.builder.end_body()], ended))
    }

    /// Takes back an open sub-graph, with all that was said since there were so many findings and places.
    fn abandon(&mut self, findings: usize, places: usize) {
        self.findings.truncate(findings);
        self.places.truncate(places);
        self.builder.abandon_body();
        self.packed.retain(|id, _| self.builder.has(*id));
    }

    /// Goes through the runs of a loop, of which each takes so many `nodes`, from what goes into the first. Delivers the
    /// types of what comes out in the end, or nothing where it is not certain when that is, or it is far off.
    fn rehearse(&mut self, owner: &Owner, graph: &Bytes, first: &[BodyInput], nodes: usize) -> Outcome<Vec<ValueType>> {
        let [limit, condition, initial @ ..] = owner.inputs else { return Ok(Vec::new()) };
        let number = |this: &Self, id: ValueId| this.builder.get(id).literal.as_ref()?.int()?.known();
        let limit = limit.map_or(Some(i64::MAX), |limit| number(self, limit));
        let mut goes_on = condition.map_or(Some(1), |condition| number(self, condition));
        // A loop within is built several times in each run.
        let cost = nodes.saturating_mul(ROUNDS).saturating_mul(usize::try_from(RUNS).unwrap_or(usize::MAX));
        let (Some(limit), Some(fixed)) = (limit, first.get(..2)) else { return Ok(Vec::new()) };
        if self.rehearsing || cost > self.expansion / 4 {
            return Ok(Vec::new());
        }
        let value = |this: &Self, id: ValueId| {
            let value = this.builder.get(id);
            BodyInput { ty: value.ty.clone(), known: value.literal.as_deref().cloned() }
        };
        let mut carried: Vec<BodyInput> = initial.iter().flatten().map(|id| value(self, *id)).collect();
        let (findings, places) = (self.findings.len(), self.places.len());
        let (unknown, external) = (self.unknown.clone(), self.external.clone());
        let mut collected: Option<Vec<ValueType>> = None;
        let mut runs = Some(0);
        self.rehearsing = true;
        while let Some(run) = runs {
            if goes_on == Some(0) || run >= limit {
                break;
            }
            if goes_on.is_none() || run == RUNS {
                runs = None;
                break;
            }
            let mut wanted = fixed.to_vec();
            wanted[0].known = Some(Literal::scalar(Dim::Known(run)));
            wanted.append(&mut carried);
            let delivered = self.body(graph, &wanted, owner.index)?;
            let failed = self.findings.iter().skip(findings).any(|f| f.severity == Severity::Error);
            goes_on = delivered.first().and_then(|id| number(self, *id));
            carried = delivered.iter().skip(1).take(initial.len()).map(|id| value(self, *id)).collect();
            let rest = delivered.iter().skip(1).skip(initial.len()).map(|id| self.builder.get(*id).ty.clone());
            collected = Some(match collected {
                Some(all) => all.iter().zip(rest).map(|(all, one)| all.join(&one)).collect(),
                None => rest.collect(),
            });
            self.abandon(findings, places);
            runs = run.checked_add(1).filter(|_| !failed);
        }
        self.rehearsing = false;
        (self.unknown, self.external) = (unknown, external);
        let Some(runs) = runs else { return Ok(Vec::new()) };
        let stacked = collected.unwrap_or_default().into_iter().map(|one| stacked(&one, &[(0, Dim::Known(runs))]));
        Ok(carried.into_iter().map(|carried| carried.ty).chain(stacked).collect())
    }

    /// Builds the branches of a choice. Where one of two cannot be with the sizes that go in, the other is the one that
    /// runs, and the condition is known.
    fn branches(&mut self, owner: &Owner, graphs: &[Bytes], wanted: &[BodyInput]) -> Outcome<Vec<Body>> {
        let mut bodies = Vec::with_capacity(graphs.len());
        let mut wrong: Vec<Vec<Diagnostic>> = Vec::with_capacity(graphs.len());
        for graph in graphs {
            let before = self.findings.len();
            self.body(graph, wanted, owner.index)?;
            bodies.push(self.builder.end_body());
            wrong.push(self.findings.split_off(before));
        }
        let condition = owner.inputs.first().copied().flatten().filter(|_| owner.kind.name == "If");
        let known = |id| self.builder.get(id).literal.as_ref().and_then(|l| l.int()).and_then(Dim::known);
        let runs = condition.and_then(known);
        let error = |findings: &[Diagnostic]| findings.iter().find(|f| f.severity == Severity::Error).cloned();
        match (condition, runs, wrong.as_mut_slice()) {
            (_, Some(runs), [yes, no]) => self.findings.append(if runs == 0 { no } else { yes }),
            (Some(condition), None, [yes, no]) if error(yes).is_some() != error(no).is_some() => {
                let (runs, right) = if error(yes).is_some() { (0, no.clone()) } else { (1, yes.clone()) };
                self.findings.extend(right);
                let rank = self.builder.get(condition).ty.tensor().and_then(|t| t.shape.rank()).unwrap_or(0);
                let literal = Literal { dims: vec![1; rank], elements: Elements::Ints(vec![Dim::Known(runs)]) };
                self.builder.set_literal(condition, literal);
                if let Some(error) = error(yes).or(error(no)) {
                    let message = "this cannot be with such inputs, so the other branch is the one that runs";
                    self.findings
                        .push(Diagnostic::hint("branch-impossible", error.origin, message).note(error.message));
                }
            }
            _ => self.findings.extend(wrong.into_iter().flatten()),
        }
        Ok(bodies)
    }

    /// What goes into the sub-graphs, given what they deliver. An operator that cannot say so says why when it is added.
    fn body_inputs(&self, owner: &Owner, delivered: &[ValueId]) -> Vec<BodyInput> {
        let values: Vec<_> = owner.inputs.iter().map(|i| i.map(|i| self.builder.get(i))).collect();
        let inputs: Vec<_> = values.iter().map(|v| v.map(|v| &v.ty)).collect();
        let known: Vec<_> = values.iter().map(|v| v.and_then(|v| v.literal.as_deref())).collect();
        let delivered: Vec<_> = delivered.iter().map(|id| self.builder.get(*id)).collect();
        let delivered: Vec<_> =
            delivered.iter().map(|v| BodyOutput { ty: &v.ty, known: v.literal.as_deref() }).collect();
        let bodies = if delivered.is_empty() { vec![] } else { vec![delivered] };
        let at = At { inputs: &inputs, known: &known, outputs: &[], n_outputs: 0, bodies: &bodies };
        body_inputs(owner.kind, owner.attributes, owner.opset, &at).unwrap_or_default()
    }

    /// Builds a sub-graph, which stays open, and says what it delivers.
    fn body(&mut self, graph: &Bytes, wanted: &[BodyInput], index: usize) -> Outcome<Vec<ValueId>> {
        let graph = GraphProto::decode(graph.clone()).map_err(|e| undecodable(&e))?;
        self.builder.begin_body();
        self.enter(index);
        self.stored(&graph)?;
        let inputs: Vec<_> = graph.input.iter().filter_map(value_info).collect();
        let fed = inputs.into_iter().filter(|(name, _)| !self.is_own(name)).collect::<Vec<_>>();
        for (i, (name, declared)) in fed.into_iter().enumerate() {
            let wanted = wanted.get(i).cloned().unwrap_or_else(|| ValueType::Unknown.into());
            let id = self.builder.input(&self.value_name(&name), filled(wanted.ty, declared.as_ref()));
            // A single number takes the rank that the sub-graph declares.
            let rank = self.builder.get(id).ty.tensor().and_then(|t| t.shape.rank());
            match (wanted.known, rank) {
                (Some(known), Some(rank)) if known.len() == 1 => {
                    self.builder.set_literal(id, Literal { dims: vec![1; rank], ..known });
                }
                (Some(known), _) => self.builder.set_literal(id, known),
                (None, _) => {}
            }
            self.define(&name, id, index)?;
        }
        self.nodes(&graph.node)?;
        let delivered = self.outputs(&graph)?;
        self.leave();
        Ok(delivered)
    }
}

/// A type with what the sub-graph declares in place of what is not known. Symbols of a declaration stand for other sizes
/// in every run, so they say nothing.
fn filled(ty: ValueType, declared: Option<&TypeProto>) -> ValueType {
    let size = |_, written| if let Written::Size(n) = written { Dim::Known(n) } else { Dim::Unknown };
    let Some(declared) = declared.map(|d| value_type(d, &mut { size })) else { return ty };
    match (ty, declared) {
        (ValueType::Unknown, declared) => declared,
        (ValueType::Tensor(ty), ValueType::Tensor(declared)) => {
            let shape = match (ty.shape, declared.shape) {
                (Shape::Unranked, declared) => declared,
                (Shape::Ranked(dims), Shape::Ranked(declared)) if dims.len() == declared.len() => {
                    let pick = |(dim, declared)| if dim == Dim::Unknown { declared } else { dim };
                    Shape::Ranked(dims.into_iter().zip(declared).map(pick).collect())
                }
                (shape, _) => shape,
            };
            TensorType { dtype: ty.dtype.or(declared.dtype), shape }.into()
        }
        (ty, _) => ty,
    }
}
