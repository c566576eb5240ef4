//! Receptive fields: for every value, which positions of each network input one of its units sees, per spatial axis.
//!
//! Unit `u` of a value sees the positions from `base + step·⌊(u·num + first) / den⌋` to the same with its own `base` and
//! `last`. A window behind it changes `num`, `first` and `last`; an upsampling brings in `den`, because neighbouring units
//! then lie on the same or on neighbouring positions by turns, and what several of them see is not simply their number
//! times a fraction. Branches are united.
//!
//! All axes of an input are followed, since graphs move them about: which of them are spatial is what the first window
//! that slides over the input says (axes 2, 3, … of its own input), and axes 2, 3, … of the input itself without any.

use super::report::Field;
use crate::graph::{Model, NodeId, ValueId, users};
use crate::ops::rules::{AxisSource, SlotRole, Tap, Window};
use crate::tensor::Dim;
use std::rc::Rc;
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
    fn all(size: u64) -> Option<Axis> {
        let last = End { base: 0, shift: i128::from(size).checked_sub(1)? };
        Some(Axis { last, num: 0, ..Axis::POINT })
    }

    /// Whether every unit sees the same.
    fn is_whole(self) -> bool {
        self.num == 0 || self.step == 0
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

    /// Positions between neighbouring units, as a fraction in lowest terms; those seen by the only one there is, where
    /// one sees everything.
    fn stride(self) -> Option<(u64, u64)> {
        if self.is_whole() {
            return Some((u64::try_from(self.size()?).ok()?, 1));
        }
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

/// What an axis of a value runs along.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Along {
    /// This axis of the input.
    Axis(usize),
    /// None: every unit along it sees the same.
    Same,
    /// Several axes of the input, or one regrouped.
    Regrouped(Vec<usize>),
}

impl Along {
    /// The input's axes that differ from unit to unit.
    fn axes(&self) -> &[usize] {
        match self {
            Along::Axis(axis) => std::slice::from_ref(axis),
            Along::Same => &[],
            Along::Regrouped(axes) => axes,
        }
    }

    /// Several of them regrouped into one.
    fn regrouped<'a>(all: impl Iterator<Item = &'a Along>) -> Along {
        let mut axes: Vec<usize> = all.flat_map(Along::axes).copied().collect();
        axes.sort_unstable();
        axes.dedup();
        if axes.is_empty() { Along::Same } else { Along::Regrouped(axes) }
    }

    /// What an axis runs along when two branches are united.
    fn union(&self, other: &Along) -> Along {
        match (self, other) {
            (Along::Same, one) | (one, Along::Same) => one.clone(),
            (a, b) if a == b => a.clone(),
            (a, b) => Along::regrouped([a, b].into_iter()),
        }
    }
}

/// What a value sees of one input; the input by its place among the network's.
#[derive(Clone, Debug, PartialEq)]
struct View {
    input: usize,
    /// By axis of the input. `None`: not known.
    axes: Vec<Option<Axis>>,
    /// By axis of the value.
    along: Vec<Along>,
}

impl View {
    fn of_input(place: usize, rank: usize) -> View {
        View { input: place, axes: vec![Some(Axis::POINT); rank], along: (0..rank).map(Along::Axis).collect() }
    }

    /// The same for a value of this rank, whose last axes these are.
    fn with_rank(mut self, rank: usize) -> View {
        let missing = rank.saturating_sub(self.along.len());
        self.along.splice(0..0, vec![Along::Same; missing]);
        self
    }

    /// Nothing known, for a value of this rank.
    fn lost(&self, rank: usize) -> View {
        let all = (1..self.axes.len()).collect();
        View { axes: vec![None; self.axes.len()], along: vec![Along::Regrouped(all); rank], ..*self }
    }

    /// Sees what the other does too, whose axes are the last ones of this one.
    fn union(&mut self, other: &View) {
        for (a, b) in self.axes.iter_mut().zip(&other.axes) {
            *a = a.zip(*b).and_then(|(a, b)| a.union(b));
        }
        let missing = self.along.len().saturating_sub(other.along.len());
        for (a, b) in self.along.iter_mut().skip(missing).zip(&other.along) {
            *a = a.union(b);
        }
    }

    /// Sees all of these axes of the value.
    fn whole(&mut self, axes: impl IntoIterator<Item = usize>, sizes: &[Option<u64>]) {
        for axis in axes {
            let Some(along) = self.along.get_mut(axis) else { continue };
            for seen in along.axes() {
                if let (Some(slot), Some(size)) = (self.axes.get_mut(*seen), sizes.get(*seen)) {
                    *slot = size.and_then(Axis::all);
                }
            }
            *along = Along::Same;
        }
    }

    /// Slides a window along an axis of the value.
    fn slide(&mut self, axis: usize, tap: &Tap) {
        let Some(along) = self.along.get(axis) else { return };
        for seen in along.axes() {
            if let Some(slot) = self.axes.get_mut(*seen) {
                *slot = slot.filter(|_| matches!(along, Along::Axis(_))).and_then(|a| a.through(tap));
            }
        }
    }

    /// The same for a value whose axes come from these of this one, and which sees all of some.
    fn arranged(&self, from: &[AxisSource], whole: &[usize], sizes: &[Option<u64>]) -> View {
        let mut view = self.clone();
        view.whole(whole.iter().copied(), sizes);
        for source in from {
            if let AxisSource::Slid(axis, tap) = source {
                view.slide(*axis, tap);
            }
        }
        let along = |axis: &usize| view.along.get(*axis);
        let one = |source: &AxisSource| match source {
            AxisSource::Axis(axis) | AxisSource::Slid(axis, _) => along(axis).cloned().unwrap_or(Along::Same),
            AxisSource::Same => Along::Same,
            AxisSource::Regrouped(axes) => Along::regrouped(axes.iter().filter_map(along)),
        };
        let along = from.iter().map(one).collect();
        View { along, ..view }
    }
}

/// Receptive fields of every value of the network.
pub(super) struct Fields {
    /// By value: its place in `seen`. `None`: not known.
    places: Vec<Option<usize>>,
    seen: Vec<Seen>,
}

/// What a value sees, and others too where they are made of it position by position.
#[derive(Default)]
struct Seen {
    fields: Arc<[Field]>,
    local: bool,
}

/// An input of the network.
struct Input {
    name: Arc<str>,
    sizes: Vec<Option<u64>>,
    /// Its spatial axes, as the first window that slid over it has them.
    spatial: Vec<usize>,
    /// Whether a window has.
    slid: bool,
}

impl Fields {
    /// What the first output of a node sees.
    pub(super) fn of(&self, model: &Model, id: NodeId) -> Arc<[Field]> {
        model.nodes[id].outputs.first().copied().flatten().map(|v| self.of_value(v)).unwrap_or_default()
    }

    /// What a value sees; nothing when that is not known or there is no spatial axis.
    pub(super) fn of_value(&self, id: ValueId) -> Arc<[Field]> {
        self.seen_by(id).map(|seen| Arc::clone(&seen.fields)).unwrap_or_default()
    }

    /// Whether what a value sees follows from windows (a gate that looked at everything does not change that).
    pub(super) fn is_local(&self, id: ValueId) -> bool {
        self.seen_by(id).is_some_and(|seen| seen.local)
    }

    fn seen_by(&self, id: ValueId) -> Option<&Seen> {
        self.seen.get(self.places[id.index()]?)
    }
}

impl Seen {
    fn of(views: &[View], inputs: &[Input]) -> Seen {
        let local = |view: &View| {
            let mut axes = spatial(view, inputs);
            axes.try_fold(false, |local, axis| Some(local || !axis?.is_whole())).unwrap_or(false)
        };
        Seen { fields: views.iter().filter_map(|view| field(view, inputs)).collect(), local: views.iter().any(local) }
    }
}

/// What is seen along each spatial axis of the input; `None` where that is not known.
fn spatial(view: &View, inputs: &[Input]) -> impl ExactSizeIterator<Item = Option<Axis>> {
    inputs[view.input].spatial.iter().map(|axis| view.axes.get(*axis).copied().flatten())
}

fn field(view: &View, inputs: &[Input]) -> Option<Field> {
    let axes = spatial(view, inputs);
    if axes.len() == 0 {
        return None;
    }
    let mut field = Field {
        input: Arc::clone(&inputs[view.input].name),
        size: Vec::with_capacity(axes.len()),
        stride: Vec::with_capacity(axes.len()),
        offset: Vec::with_capacity(axes.len()),
    };
    for axis in axes {
        let axis = axis?;
        field.size.push(u64::try_from(axis.size()?).ok()?);
        field.stride.push(axis.stride()?);
        field.offset.push(i64::try_from(axis.offset()?).ok()?);
    }
    Some(field)
}

/// Follows every node of the network once.
pub(super) fn fields(model: &Model) -> Fields {
    let mut walk = Walk::new(model);
    for id in &model.main.nodes {
        let node = &model.nodes[*id];
        if !node.constant {
            let sight = walk.step(*id);
            node.outputs.iter().flatten().for_each(|output| walk.set(*output, sight.as_ref()));
        }
        node.inputs.iter().flatten().for_each(|input| walk.was_read(*input));
    }
    let Walk { inputs, places, mut seen, early, .. } = walk;
    for sight in early {
        seen[sight.place] = Seen::of(&sight.views, &inputs);
    }
    Fields { places, seen }
}

/// What the values so far see.
struct Walk<'a> {
    model: &'a Model,
    inputs: Vec<Input>,
    /// By value: its place in `seen`. `None`: not known.
    places: Vec<Option<usize>>,
    seen: Vec<Seen>,
    /// By value, as long as nodes are to come that read it: the views of a large network would take a lot of memory.
    sights: Vec<Option<Sight>>,
    /// By value: how often it is still to be read.
    uses: Vec<u32>,
    /// What was seen of an input before a window slid over it and said which axes are spatial.
    early: Vec<Sight>,
}

/// What a value sees, and its place in `seen`.
#[derive(Clone)]
struct Sight {
    place: usize,
    views: Rc<[View]>,
}

impl<'a> Walk<'a> {
    /// The inputs of the network see themselves.
    fn new(model: &'a Model) -> Walk<'a> {
        let input = |id: &ValueId| {
            let value = &model.values[*id];
            let dims = value.ty.tensor().and_then(|t| t.shape.dims()).unwrap_or(&[]);
            let sizes = dims.iter().map(Dim::size).collect();
            Input { name: Arc::clone(&value.name), sizes, spatial: (2..dims.len()).collect(), slid: false }
        };
        let mut walk = Walk {
            model,
            inputs: model.main.inputs.iter().map(input).collect(),
            places: vec![None; model.values.len()],
            seen: Vec::new(),
            sights: vec![None; model.values.len()],
            uses: users(model),
            early: Vec::new(),
        };
        for (place, id) in model.main.inputs.iter().enumerate() {
            let sight = walk.sight([View::of_input(place, walk.inputs[place].sizes.len())]);
            walk.set(*id, Some(&sight));
        }
        walk
    }

    fn sight(&mut self, views: impl Into<Rc<[View]>>) -> Sight {
        let sight = Sight { place: self.seen.len(), views: views.into() };
        if sight.views.iter().all(|view| self.inputs[view.input].slid) {
            self.seen.push(Seen::of(&sight.views, &self.inputs));
        } else {
            self.seen.push(Seen::default());
            self.early.push(sight.clone());
        }
        sight
    }

    fn set(&mut self, value: ValueId, sight: Option<&Sight>) {
        self.places[value.index()] = sight.map(|sight| sight.place);
        if self.uses[value.index()] > 0 {
            self.sights[value.index()] = sight.cloned();
        }
    }

    fn was_read(&mut self, value: ValueId) {
        let uses = &mut self.uses[value.index()];
        *uses = uses.saturating_sub(1);
        if *uses == 0 {
            self.sights[value.index()] = None;
        }
    }

    fn seen_by(&self, value: ValueId) -> Option<&[View]> {
        self.sights[value.index()].as_ref().map(|sight| &*sight.views)
    }

    /// What the outputs of a node see.
    fn step(&mut self, id: NodeId) -> Option<Sight> {
        let model = self.model;
        let node = &model.nodes[id];
        let rank = |v: ValueId| model.values[v].ty.tensor().and_then(|t| t.shape.rank()).unwrap_or(0);
        let output = node.outputs.first().copied().flatten().map_or(0, rank);
        let flows = |(i, v): (usize, &Option<ValueId>)| {
            v.filter(|v| model.is_activation(*v) && node.kind.slot(i).role != SlotRole::Steer).map(|v| (i, v))
        };
        let sources = || node.inputs.iter().enumerate().filter_map(flows);
        let (first, one) = sources().next()?;
        let united = |rank: usize| unite(sources().map(|(_, v)| self.seen_by(v)), rank);
        let views = match model.at(id, |op, at| op.window(at)) {
            // Most nodes see what a source does: they have only one, or it sees all that the others do.
            Window::Pointwise if sources().count() == 1 && rank(one) == output => {
                return self.sights[one.index()].clone();
            }
            Window::Pointwise => {
                let all = united(output)?;
                if let Some((_, widest)) = sources().find(|(_, v)| self.seen_by(*v) == Some(&*all)) {
                    return self.sights[widest.index()].clone();
                }
                all
            }
            Window::Local(taps) => self.seen_by(one)?.to_vec().into_iter().map(|view| self.slid(view, &taps)).collect(),
            Window::Axes { from, whole } if first == 0 => {
                let arranged = |view: &View| view.arranged(&from, &whole, &self.inputs[view.input].sizes);
                self.seen_by(one)?.iter().map(arranged).collect()
            }
            Window::Global => {
                let widest = sources().map(|(_, v)| rank(v)).max().unwrap_or(0);
                let mut all = united(widest)?;
                for view in &mut all {
                    view.whole(0..widest, &self.inputs[view.input].sizes);
                    view.along = vec![Along::Same; output];
                }
                all
            }
            // An arrangement of something stored does not say where in the activations it looks.
            Window::Axes { .. } | Window::Opaque(_) => united(output)?.iter().map(|view| view.lost(output)).collect(),
        };
        Some(self.sight(views))
    }

    /// What is seen through a window, one tap per spatial axis.
    fn slid(&mut self, mut view: View, taps: &[Tap]) -> View {
        let input = &mut self.inputs[view.input];
        let mut spatial = view.along.iter().skip(2).flat_map(Along::axes).peekable();
        if !input.slid && spatial.peek().is_some() {
            (input.spatial, input.slid) = (spatial.copied().collect(), true);
        }
        view.whole([1], &input.sizes);
        for (i, tap) in taps.iter().enumerate() {
            view.slide(i + 2, tap);
        }
        view
    }
}

/// What any of the sources sees, for a value of this rank.
fn unite<'a>(sources: impl Iterator<Item = Option<&'a [View]>>, rank: usize) -> Option<Vec<View>> {
    let mut all: Vec<View> = Vec::new();
    for source in sources {
        for view in source? {
            match all.iter_mut().find(|v| v.input == view.input) {
                None => all.push(view.clone().with_rank(rank)),
                Some(own) => own.union(view),
            }
        }
    }
    Some(all)
}
