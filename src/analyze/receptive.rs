//! Receptive fields: for every value, which positions of each network input one of its units sees, per spatial axis.
//!
//! Unit `u` of a value sees the positions from `base + step·⌊(u·num + first) / den⌋` to the same with its own `base` and
//! `last`. A window behind it changes `num`, `first` and `last`; an upsampling brings in `den`, because neighbouring units
//! then lie on the same or on neighbouring positions by turns, and what several of them see is not simply their number
//! times a fraction. Branches are united.

use super::report::Field;
use crate::graph::{Model, NodeId, ValueId};
use crate::ops::rules::{Tap, Window};
use std::sync::Arc;

/// What a unit sees along one axis: its first and last position, each as `base + step·⌊(u·num + shift) / den⌋`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    first: End,
    last: End,
    step: i128,
    num: i128,
    den: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    base: i128,
    shift: i128,
}

impl Axis {
    /// A unit of the input sees itself.
    const POINT: Axis = Axis { first: End::ZERO, last: End::ZERO, step: 1, num: 1, den: 1 };

    /// All of an input of this size, whatever the unit.
    fn whole(size: i128) -> Option<Axis> {
        let last = End { base: 0, shift: size.checked_sub(1)? };
        Some(Axis { last, num: size, ..Axis::POINT })
    }

    fn through(self, tap: &Tap) -> Option<Axis> {
        let (num, den) = (i128::from(tap.num), i128::from(tap.den));
        let (first, last) = (i128::from(tap.first), i128::from(tap.last));
        let axis = if den == 1 {
            let end = |end: End, shift: i128| {
                Some(End { shift: shift.checked_mul(self.num)?.checked_add(end.shift)?, ..end })
            };
            Axis {
                first: end(self.first, first)?,
                last: end(self.last, last)?,
                num: self.num.checked_mul(num)?,
                ..self
            }
        } else if self.den == 1 {
            // Every position is one of the axis before it: those become the steps.
            let end = |end: End, shift: i128| {
                Some(End { base: self.step.checked_mul(end.shift)?.checked_add(end.base)?, shift })
            };
            let step = self.step.checked_mul(self.num)?;
            Axis { first: end(self.first, first)?, last: end(self.last, last)?, step, num, den }
        } else {
            // ⌊(⌊y/den⌋·num + shift) / own⌋ is exact for num = 1; otherwise a bound that covers it.
            let slack = if self.num == 1 { 0 } else { den.checked_sub(1)? };
            let end = |end: End, shift: i128| {
                let moved = shift.checked_mul(self.num)?;
                Some(End { shift: moved.checked_add(end.shift.checked_mul(den)?)?, ..end })
            };
            let (num, den) = (self.num.checked_mul(num)?, self.den.checked_mul(den)?);
            Axis { first: end(self.first, first.checked_sub(slack)?)?, last: end(self.last, last)?, num, den, ..self }
        };
        axis.reduced()
    }

    /// The same with `num` and `den` in lowest terms, and without base and step once `den` is 1.
    fn reduced(self) -> Option<Axis> {
        let gcd = gcd(self.num, self.den);
        let (num, den) = (self.num / gcd, self.den / gcd);
        let end = |end: End| End { shift: end.shift.div_euclid(gcd), ..end };
        let axis = Axis { first: end(self.first), last: end(self.last), num, den, ..self };
        if den != 1 {
            return Some(axis);
        }
        let end = |end: End| Some(End { base: 0, shift: self.step.checked_mul(end.shift)?.checked_add(end.base)? });
        Some(Axis { first: end(axis.first)?, last: end(axis.last)?, step: 1, num: num.checked_mul(self.step)?, den: 1 })
    }

    /// The smallest axis of this form that sees what either sees.
    fn union(self, other: Axis) -> Option<Axis> {
        if self == other {
            return Some(self);
        }
        let (a, b) = (self.line()?, other.line()?);
        // Over the same denominator; of two strides the larger is kept.
        let over = |x: i128, den: i128| x.checked_mul(den);
        let den = a.den.checked_mul(b.den)?;
        let first = over(a.first.shift, b.den)?.min(over(b.first.shift, a.den)?);
        let last = over(a.last.shift, b.den)?.max(over(b.last.shift, a.den)?);
        let num = over(a.num, b.den)?.max(over(b.num, a.den)?);
        Axis { first: End { base: 0, shift: first }, last: End { base: 0, shift: last }, step: 1, num, den }.reduced()
    }

    /// The same without base and step: exact while `den` is 1, otherwise the least that covers it.
    fn line(self) -> Option<Axis> {
        if self.den == 1 {
            return Some(self);
        }
        let end = |end: End, slack: i128| {
            let steps = self.step.checked_mul(end.shift.checked_sub(slack)?)?;
            Some(End { base: 0, shift: end.base.checked_mul(self.den)?.checked_add(steps)? })
        };
        let num = self.step.checked_mul(self.num)?;
        Some(Axis {
            first: end(self.first, self.den.checked_sub(1)?)?,
            last: end(self.last, 0)?,
            step: 1,
            num,
            den: self.den,
        })
    }

    /// Positions from the first to the last that the luckiest unit sees. Every remainder occurs, `num` and `den` having no
    /// common divisor, so the floors of two shifts differ by at most their distance over `den`, rounded up.
    fn size(self) -> Option<i128> {
        let distance = self.last.shift.checked_sub(self.first.shift)?;
        let steps = distance.checked_add(self.den.checked_sub(1)?)?.div_euclid(self.den);
        self.step.checked_mul(steps)?.checked_add(self.last.base)?.checked_sub(self.first.base)?.checked_add(1)
    }

    /// The first position that unit 0 sees.
    fn offset(self) -> Option<i128> {
        self.step.checked_mul(self.first.shift.div_euclid(self.den))?.checked_add(self.first.base)
    }

    /// Positions between neighbouring units, as a fraction in lowest terms.
    fn stride(self) -> Option<(u64, u64)> {
        let num = self.step.checked_mul(self.num)?;
        let gcd = gcd(num, self.den);
        Some((u64::try_from(num / gcd).ok()?, u64::try_from(self.den / gcd).ok()?))
    }
}

impl End {
    const ZERO: End = End { base: 0, shift: 0 };
}

/// Of two numbers of which the second is at least 1.
fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.saturating_abs(), b);
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

/// What a value sees of one input; the input by its place among the network's.
#[derive(Clone, Debug, PartialEq)]
struct View {
    input: usize,
    axes: Vec<Axis>,
    /// Whether windows alone led here, and nothing that sees everything.
    local: bool,
}

/// Receptive fields of every value of the network.
pub(super) struct Fields {
    names: Vec<Arc<str>>,
    /// By value. `None`: not known.
    views: Vec<Option<Vec<View>>>,
}

impl Fields {
    /// What the first output of a node sees.
    pub(super) fn of(&self, model: &Model, id: NodeId) -> Vec<Field> {
        model.nodes[id].outputs.first().copied().flatten().map(|v| self.of_value(v)).unwrap_or_default()
    }

    /// What a value sees; nothing when that is not known or there is no spatial axis.
    pub(super) fn of_value(&self, id: ValueId) -> Vec<Field> {
        let views = self.views[id.index()].as_deref().unwrap_or(&[]);
        let mut fields = Vec::with_capacity(views.len());
        fields.extend(views.iter().filter(|v| !v.axes.is_empty()).filter_map(|v| self.field(v)));
        fields
    }

    /// Whether what a value sees follows from windows (a gate that looked at everything does not change that).
    pub(super) fn is_local(&self, id: ValueId) -> bool {
        self.views[id.index()].as_ref().is_some_and(|views| views.iter().any(|v| v.local && !v.axes.is_empty()))
    }

    fn field(&self, view: &View) -> Option<Field> {
        let rank = view.axes.len();
        let mut field = Field {
            input: Arc::clone(&self.names[view.input]),
            size: Vec::with_capacity(rank),
            stride: Vec::with_capacity(rank),
            offset: Vec::with_capacity(rank),
        };
        for axis in &view.axes {
            field.size.push(u64::try_from(axis.size()?).ok()?);
            field.stride.push(axis.stride()?);
            field.offset.push(i64::try_from(axis.offset()?).ok()?);
        }
        Some(field)
    }
}

/// Follows every node of the network once.
pub(super) fn fields(model: &Model) -> Fields {
    let mut views: Vec<Option<Vec<View>>> = vec![None; model.values.len()];
    for (place, input) in model.main.inputs.iter().enumerate() {
        views[input.index()] =
            Some(vec![View { input: place, axes: vec![Axis::POINT; spatial_rank(model, *input)], local: true }]);
    }
    for id in &model.main.nodes {
        let node = &model.nodes[*id];
        if node.constant {
            continue;
        }
        let sources: Vec<ValueId> = node.inputs.iter().flatten().copied().filter(|v| model.is_activation(*v)).collect();
        let seen = match model.at(*id, |op, at| op.window(at)) {
            Window::Pointwise => unite(&sources, &views),
            Window::Local(taps) => {
                sources.first().and_then(|v| views[v.index()].as_ref()).and_then(|v| slide(v, &taps))
            }
            Window::Global => unite(&sources, &views).and_then(|seen| whole(model, &seen)),
            Window::Opaque(_) => None,
        };
        for output in node.outputs.iter().flatten() {
            views[output.index()].clone_from(&seen);
        }
    }
    let names = model.main.inputs.iter().map(|v| Arc::clone(&model.values[*v].name)).collect();
    Fields { names, views }
}

fn spatial_rank(model: &Model, id: ValueId) -> usize {
    let rank = model.values[id].ty.tensor().and_then(|t| t.shape.rank()).unwrap_or(0);
    rank.saturating_sub(2)
}

/// What any of the sources sees. Sources that differ in their number of axes cannot be united axis by axis.
fn unite(sources: &[ValueId], views: &[Option<Vec<View>>]) -> Option<Vec<View>> {
    let (first, rest) = sources.split_first()?;
    let mut all = views[first.index()].clone()?;
    for source in rest {
        for view in views[source.index()].as_ref()? {
            match all.iter_mut().find(|v| v.input == view.input) {
                None => all.push(view.clone()),
                Some(own) if own.axes.len() == view.axes.len() => {
                    own.local |= view.local;
                    for (a, b) in own.axes.iter_mut().zip(&view.axes) {
                        *a = a.union(*b)?;
                    }
                }
                Some(_) => return None,
            }
        }
    }
    Some(all)
}

fn slide(views: &[View], taps: &[Tap]) -> Option<Vec<View>> {
    let through = |view: &View| {
        let axes = view.axes.iter().zip(taps).map(|(a, t)| a.through(t)).collect::<Option<Vec<_>>>()?;
        (axes.len() == taps.len() || view.axes.is_empty()).then_some(View { axes, ..*view })
    };
    views.iter().map(through).collect()
}

/// All of every input that is seen at all.
fn whole(model: &Model, views: &[View]) -> Option<Vec<View>> {
    let all = |view: &View| {
        let input = model.main.inputs[view.input];
        let dims = model.values[input].ty.tensor()?.shape.dims()?;
        let axes =
            dims.iter().skip(2).map(|d| d.size().and_then(|n| Axis::whole(n.into()))).collect::<Option<Vec<_>>>()?;
        Some(View { axes, local: false, ..*view })
    };
    views.iter().map(all).collect()
}
