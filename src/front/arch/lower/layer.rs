//! How one layer becomes operators.

use super::Lowering;
use super::bind::{Given, Sizes};
use super::eval::Fault;
use super::scope::{Frame, Line};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::{NodeId, NodeSpec, OpenSpec, Role, Shared, Stored, ValueId};
use crate::ops;
use crate::ops::attributes::Attributes;
use crate::ops::layer::{Call, KERNEL, Layer, Need, Number, OPSET, On, Step, Takes};
use crate::ops::rules::OpError;
use crate::ops::unknown::UNKNOWN;
use crate::tensor::{Dim, Shape, TensorType, ValueType};
use std::sync::Arc;

impl<'a> Lowering<'a> {
    /// Adds a layer, all of its operators, and returns what comes out. `name` is that of its main operator.
    pub(super) fn layer(
        &mut self,
        frame: &Frame<'a>,
        line: &Line,
        name: &Arc<str>,
        layer: &'static Layer,
        given: &Given,
        operands: Vec<ValueId>,
    ) -> ValueId {
        self.spent.layers = self.spent.layers.saturating_add(1);
        // What a tensor of unknown size does not fit is no second mistake.
        let known = operands.iter().all(|id| self.is_known(*id));
        let result = complete(layer, given, line.span).map_err(|fault| self.blame(frame, fault)).and_then(|()| {
            self.steps(layer, given, &operands, line).map_err(|fault| {
                if known {
                    self.blame(frame, fault);
                }
            })
        });
        if let Ok(steps) = result {
            return self.add_steps(frame, line, name, steps, operands, known);
        }
        let ty = self.guess(layer, given, &operands);
        self.lost(frame, line, name, &operands, ty)
    }

    /// Asks a layer what operators it becomes.
    fn steps(
        &self,
        layer: &'static Layer,
        given: &Given,
        operands: &[ValueId],
        line: &Line,
    ) -> Result<Vec<Step>, Fault> {
        let first = operands.first().copied();
        let dims = first.and_then(|id| self.dims(id));
        self.check_takes(layer, given, first, line)?;
        // While the rank is unknown, the kernel tells it.
        let rank = dims.and_then(|d| d.len().checked_sub(2)).or(match &given.kernel {
            Some((Sizes::Each(sizes), _)) => Some(sizes.len()),
            _ => None,
        });
        let stand_in = match (dims, rank) {
            (None, Some(rank)) => Some(TensorType { dtype: None, shape: Shape::of_rank(rank.saturating_add(2)) }),
            _ => None,
        };
        let inputs = match &stand_in {
            Some(ty) => vec![ty],
            None => operands.iter().map(|id| self.graph.get(*id).ty.tensor().unwrap_or(NOTHING)).collect(),
        };
        let rank = rank.unwrap_or(0);
        for (_, arg, span) in &given.options {
            self.check_option_rank(arg, rank, first, *span)?;
        }
        let call = Call {
            keyword: layer.keyword,
            inputs,
            number: given.number.clone(),
            kernel: self.axes(given.kernel.as_ref(), rank, first)?,
            stride: self.axes(given.stride.as_ref(), rank, first)?,
            words: given.words.clone(),
            options: given.options.iter().map(|(name, arg, _)| (*name, arg.clone())).collect(),
        };
        (layer.lower)(&call).map_err(|error| self.op_error(error, line, operands).into())
    }

    /// `maps-needed` and `dense-needs-vector`.
    fn check_takes(
        &self,
        layer: &'static Layer,
        given: &Given,
        first: Option<ValueId>,
        line: &Line,
    ) -> Result<(), Fault> {
        let Some(id) = first else { return Ok(()) };
        match (layer.takes, self.rank(id)) {
            (Takes::Maps, Some(0)) => Err(self.maps_needed(layer, id, line)),
            (Takes::Vector, Some(rank)) if rank > 0 => Err(self.vector_needed(layer, given, id, line)),
            _ => Ok(()),
        }
    }

    /// Adds the operators of a layer in turn.
    fn add_steps(
        &mut self,
        frame: &Frame<'a>,
        line: &Line,
        name: &Arc<str>,
        steps: Vec<Step>,
        mut operands: Vec<ValueId>,
        known: bool,
    ) -> ValueId {
        let mut suffixes: Vec<&str> = Vec::new();
        let several = steps.len() > 1;
        for step in steps {
            let mut own =
                if step.suffix.is_empty() { Arc::clone(name) } else { [name, ".", step.suffix].concat().into() };
            if several {
                let again = suffixes.iter().filter(|s| **s == step.suffix).count();
                if again > 0 {
                    own = format!("{own}.{}", again.saturating_add(1)).into();
                }
                suffixes.push(step.suffix);
            }
            let on = step.on;
            let inputs = match on {
                On::Operand(i) => operands.get(i).map_or(&[][..], std::slice::from_ref),
                On::All => &operands,
            };
            let (value, result) = self.operator(frame, line, own, step, inputs);
            if let Err(error) = result
                && known
            {
                let error = self.op_error(error, line, &operands);
                self.report(frame, error);
            }
            match on {
                On::Operand(i) => {
                    if let Some(slot) = operands.get_mut(i) {
                        *slot = value;
                    }
                }
                On::All => {
                    operands.clear();
                    operands.push(value);
                }
            }
        }
        // A layer without operands has been reported: there is no input.
        operands.first().copied().unwrap_or_else(|| self.lost(frame, line, name, &[], ValueType::Unknown))
    }

    /// Adds one operator with its weights.
    fn operator(
        &mut self,
        frame: &Frame<'a>,
        line: &Line,
        name: Arc<str>,
        step: Step,
        inputs: &[ValueId],
    ) -> (ValueId, Result<(), OpError>) {
        let kind = ops::find(step.domain, step.op).unwrap_or(&UNKNOWN);
        let mut slots: Vec<Option<ValueId>> = Vec::with_capacity(kind.slots.len().max(inputs.len()));
        slots.extend(inputs.iter().copied().map(Some));
        for (slot, dtype, literal) in step.constants {
            let ty = TensorType::new(dtype, literal.shape());
            let stored = Stored { role: Role::Constant, frozen: true };
            let id = self.graph.stored(&format!("{name}.{}", kind.slot(slot).name), ty, Some(literal), stored);
            if slots.len() <= slot {
                slots.resize(slot.saturating_add(1), None);
            }
            slots[slot] = Some(id);
        }
        let shared = if step.open.is_some() { self.shares.reused() } else { None };
        let open = step.open.map(|open| OpenSpec {
            open,
            dtype: self.settings.weights,
            frozen: self.frozen,
            shared: shared.as_ref().map(|s| Shared { key: &s.key, weights: &s.weights }),
        });
        let owns = open.is_some();
        let (node, result) = self.graph.add(NodeSpec {
            outputs: vec![Arc::clone(&name)],
            name,
            kind,
            op_type: step.op.into(),
            attributes: step.attributes,
            opset: OPSET,
            inputs: slots,
            open,
            bodies: Vec::new(),
            group: Arc::clone(&line.name),
            scope: Arc::clone(&frame.scope),
            origin: Origin::Text(line.span),
        });
        self.made.push(node);
        if owns {
            self.shares.record(&self.graph, node, line.span);
        }
        (self.first_output(node), result)
    }

    /// Adds what stands in for a line that is broken, so that the lines behind it have something to stand on.
    pub(super) fn lost(
        &mut self,
        frame: &Frame<'a>,
        line: &Line,
        name: &Arc<str>,
        inputs: &[ValueId],
        ty: ValueType,
    ) -> ValueId {
        let (node, _) = self.graph.add(NodeSpec {
            name: Arc::clone(name),
            kind: &UNKNOWN,
            op_type: "?".into(),
            attributes: Attributes::new(),
            opset: OPSET,
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs: vec![Arc::clone(name)],
            open: None,
            bodies: Vec::new(),
            group: Arc::clone(&line.name),
            scope: Arc::clone(&frame.scope),
            origin: Origin::Text(line.span),
        });
        self.made.push(node);
        let value = self.first_output(node);
        self.graph.set_type(value, ty);
        value
    }

    fn first_output(&self, node: NodeId) -> ValueId {
        #[expect(clippy::expect_used, reason = "every node of this front end is added with one named output")]
        self.graph.node(node).outputs.first().copied().flatten().expect("an output")
    }

    /// What a broken line still says of what comes out of it: its width, and as many axes as went in.
    pub(super) fn guess(&self, layer: &Layer, given: &Given, operands: &[ValueId]) -> ValueType {
        let (Number::Width(_), Some(width)) = (layer.number, given.count()) else { return ValueType::Unknown };
        if layer.takes == Takes::Vector {
            return self.tensor(Dim::from(width), []);
        }
        let rank = operands.first().and_then(|id| self.rank(*id)).filter(|r| *r > 0);
        match (rank, &given.kernel) {
            (Some(rank), _) => self.tensor(Dim::from(width), vec![Dim::Unknown; rank]),
            (None, Some((Sizes::Each(k), _))) => self.tensor(Dim::from(width), vec![Dim::Unknown; k.len()]),
            _ => ValueType::Unknown,
        }
    }
}

/// Stands in for the type of a tensor of which nothing is known.
static NOTHING: &TensorType = &TensorType { dtype: None, shape: Shape::Unranked };

/// Whether a line says all that its layer needs.
fn complete(layer: &Layer, given: &Given, span: Span) -> Result<(), Fault> {
    let what = match layer.number {
        _ if given.number.is_some() => None,
        Number::Width(what) | Number::Needed(what) => Some(what),
        Number::Rate => Some("rate"),
        Number::None | Number::Window | Number::Optional(_) | Number::Pads => None,
    };
    if let Some(what) = what {
        return Err(missing(layer, what, span));
    }
    if layer.kernel == Need::Required && !given.answers(KERNEL) {
        return Err(missing(layer, "kernel", span));
    }
    Ok(())
}

/// `missing-filters` and its like.
fn missing(layer: &Layer, what: &str, span: Span) -> Fault {
    let (code, wanted) = match (what, layer.number) {
        ("kernel", Number::Window) if !layer.words.is_empty() => ("missing-window", "a window".to_owned()),
        ("kernel", _) => ("missing-kernel", "a kernel size".into()),
        ("rate", _) => ("missing-rate", "a rate".into()),
        ("filters", _) => ("missing-filters", "a number of filters".into()),
        ("units", _) => ("missing-units", "a number of units".into()),
        ("factor", _) => ("missing-factor", "a factor".into()),
        (other, _) => ("missing-number", format!("a number of {other}")),
    };
    let keyword = layer.keyword;
    let error = Diagnostic::error(code, Origin::Text(span), format!("`{keyword}` needs {wanted}"));
    let example = format!("for example `{}`", layer.example);
    error
        .help(if code == "missing-kernel" {
            format!("{example}, or `default {keyword} 3x3` for the whole file")
        } else {
            example
        })
        .into()
}
