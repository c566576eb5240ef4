//! Receptive fields: for every value, which positions of each network input one of its units sees, per spatial axis.
//!
//! Unit `u` of a value sees the input positions from `first + u·stride` to `last + u·stride`. A window that starts at
//! `start` and spans `size` positions of the value before it turns that into
//! `first + start·stride … last + (start + size − 1)·stride`; branches are united. Positions are fractions, because an
//! upsampling makes strides below 1.

use super::report::Field;
use crate::graph::{Model, NodeId, ValueId};
use crate::ops::rules::{Tap, Window};

/// A fraction in lowest terms, denominator positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ratio {
    num: i128,
    den: i128,
}

impl Ratio {
    const ZERO: Ratio = Ratio { num: 0, den: 1 };
    const ONE: Ratio = Ratio { num: 1, den: 1 };

    fn new(num: i128, den: i128) -> Option<Ratio> {
        let (mut a, mut b) = (num.unsigned_abs(), den.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let gcd = i128::try_from(a).ok().filter(|g| *g > 0)?;
        (den > 0).then_some(Ratio { num: num / gcd, den: den / gcd })
    }

    fn plus(self, other: Ratio) -> Option<Ratio> {
        let num = self.num.checked_mul(other.den)?.checked_add(other.num.checked_mul(self.den)?)?;
        Ratio::new(num, self.den.checked_mul(other.den)?)
    }

    fn times(self, other: Ratio) -> Option<Ratio> {
        Ratio::new(self.num.checked_mul(other.num)?, self.den.checked_mul(other.den)?)
    }

    fn less(self, other: Ratio) -> bool {
        self.num.saturating_mul(other.den) < other.num.saturating_mul(self.den)
    }

    fn floor(self) -> i128 {
        self.num.div_euclid(self.den)
    }
}

/// What unit 0 sees along one axis, and how far the next unit's view is from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    first: Ratio,
    last: Ratio,
    stride: Ratio,
}

impl Axis {
    const POINT: Axis = Axis { first: Ratio::ZERO, last: Ratio::ZERO, stride: Ratio::ONE };

    fn through(self, tap: &Tap) -> Option<Axis> {
        let whole = |n: i128| Ratio { num: n, den: 1 };
        let start = i128::from(tap.start);
        let end = start.checked_add(i128::from(tap.size))?.checked_sub(1)?;
        Some(Axis {
            first: self.first.plus(whole(start).times(self.stride)?)?,
            last: self.last.plus(whole(end).times(self.stride)?)?,
            stride: self.stride.times(Ratio::new(tap.stride.0.into(), tap.stride.1.into())?)?,
        })
    }

    fn union(self, other: Axis) -> Axis {
        let pick = |take: bool, a, b| if take { a } else { b };
        Axis {
            first: pick(self.first.less(other.first), self.first, other.first),
            last: pick(self.last.less(other.last), other.last, self.last),
            stride: pick(self.stride.less(other.stride), other.stride, self.stride),
        }
    }
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
    names: Vec<String>,
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
        views.iter().filter(|v| !v.axes.is_empty()).filter_map(|v| self.field(v)).collect()
    }

    /// Whether what a value sees follows from windows (a gate that looked at everything does not change that).
    pub(super) fn is_local(&self, id: ValueId) -> bool {
        self.views[id.index()].as_ref().is_some_and(|views| views.iter().any(|v| v.local && !v.axes.is_empty()))
    }

    fn field(&self, view: &View) -> Option<Field> {
        let mut field =
            Field { input: self.names[view.input].clone(), size: Vec::new(), stride: Vec::new(), offset: Vec::new() };
        for axis in &view.axes {
            // From the position that holds `first` to the one that holds `last`: an upsampled neighbourhood ends between two.
            let span = axis.last.plus(Ratio { num: axis.first.num.checked_neg()?, den: axis.first.den })?;
            let size = span.num.checked_add(span.den)?.checked_add(span.den - 1)?.div_euclid(span.den);
            field.size.push(u64::try_from(size).ok()?);
            field.stride.push((u64::try_from(axis.stride.num).ok()?, u64::try_from(axis.stride.den).ok()?));
            field.offset.push(i64::try_from(axis.first.floor()).ok()?);
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
    let names = model.main.inputs.iter().map(|v| model.values[*v].name.to_string()).collect();
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
                        *a = a.union(*b);
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
        let axis = |n: u64| {
            Some(Axis {
                first: Ratio::ZERO,
                last: Ratio { num: i128::from(n.checked_sub(1)?), den: 1 },
                stride: Ratio { num: n.into(), den: 1 },
            })
        };
        let axes = dims.iter().skip(2).map(|d| d.size().and_then(axis)).collect::<Option<Vec<_>>>()?;
        Some(View { axes, local: false, ..*view })
    };
    views.iter().map(all).collect()
}
