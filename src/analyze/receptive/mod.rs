//! Receptive fields: for every value, which positions of each network input one of its units sees, per spatial axis.
//!
//! All axes of an input are followed, since graphs move them about: which of them are spatial is what the first window
//! that slides over the input says (axes 2, 3, … of its own input), or the first layer that takes steps or tokens, and
//! axes 2, 3, … of the input itself without any.

mod axis;

use super::report::Field;
use crate::graph::{Model, NodeId, ValueId, users};
use crate::ops::rules::{Arranged, AxisSource, SlotRole, Tap, Window};
use crate::tensor::Dim;
use axis::Axis;
use std::rc::Rc;
use std::sync::Arc;

/// What an axis of a value runs along.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Along {
    /// This axis of the input.
    Axis(usize),
    /// None: every unit along it sees the same.
    Same,
    /// Several axes of the input, or one regrouped.
    Regrouped(Vec<Piece>),
}

/// An axis of the input, all of it or a part, in one that an axis of a value runs along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    axis: usize,
    is_part: bool,
}

impl Along {
    /// The input's axes that differ from unit to unit.
    fn pieces(&self) -> impl Iterator<Item = Piece> {
        let (one, several) = match self {
            Along::Axis(axis) => (Some(Piece { axis: *axis, is_part: false }), &[][..]),
            Along::Same => (None, &[][..]),
            Along::Regrouped(pieces) => (None, pieces.as_slice()),
        };
        one.into_iter().chain(several.iter().copied())
    }

    fn axes(&self) -> impl Iterator<Item = usize> {
        self.pieces().map(|piece| piece.axis)
    }

    /// Several of them regrouped into one.
    fn regrouped(all: impl Iterator<Item = Piece>) -> Along {
        let mut pieces: Vec<Piece> = all.collect();
        // Of an axis that is there twice it counts what is missing.
        pieces.sort_unstable_by_key(|piece| (piece.axis, !piece.is_part));
        pieces.dedup_by_key(|piece| piece.axis);
        if pieces.is_empty() { Along::Same } else { Along::Regrouped(pieces) }
    }

    /// What an axis runs along when two branches are united.
    fn union(&self, other: &Along) -> Along {
        match (self, other) {
            (Along::Same, one) | (one, Along::Same) => one.clone(),
            (a, b) if a == b => a.clone(),
            (a, b) => Along::regrouped(a.pieces().chain(b.pieces())),
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
        let all = (1..self.axes.len()).map(|axis| Piece { axis, is_part: false }).collect();
        View { axes: vec![None; self.axes.len()], along: vec![Along::Regrouped(all); rank], ..*self }
    }

    /// Sees what the other does too, whose axes are the last ones of this one.
    fn union(&mut self, other: &View) {
        for (a, b) in self.axes.iter_mut().zip(&other.axes) {
            *a = a.zip(*b).and_then(|(a, b)| a.union(b));
        }
        self.unite_axes(other);
    }

    /// The same where both are mixed: of an axis of which one sees everything there is nothing more to see.
    fn mix(&mut self, other: &View) {
        for (a, b) in self.axes.iter_mut().zip(&other.axes) {
            let whole = [*a, *b].into_iter().flatten().find(|axis| axis.is_whole());
            *a = whole.or_else(|| a.zip(*b).and_then(|(a, b)| a.union(b)));
        }
        self.unite_axes(other);
    }

    fn unite_axes(&mut self, other: &View) {
        let missing = self.along.len().saturating_sub(other.along.len());
        for (a, b) in self.along.iter_mut().skip(missing).zip(&other.along) {
            *a = a.union(b);
        }
    }

    /// Sees all of these axes of the value.
    fn whole(&mut self, axes: impl IntoIterator<Item = usize>, sizes: &[Option<u64>]) {
        for axis in axes {
            let Some(along) = self.along.get_mut(axis) else { continue };
            for Piece { axis, is_part } in along.pieces() {
                if let (Some(slot), Some(size)) = (self.axes.get_mut(axis), sizes.get(axis)) {
                    // How far a part reaches is not followed.
                    *slot = if is_part { slot.filter(|seen| seen.is_whole()) } else { size.and_then(Axis::all) };
                }
            }
            *along = Along::Same;
        }
    }

    /// All of a value of this rank, seen by every unit of one of another rank.
    fn everything(&self, rank: usize, sizes: &[Option<u64>], output: usize) -> View {
        let mut view = self.clone();
        view.whole(0..rank, sizes);
        View { along: vec![Along::Same; output], ..view }
    }

    /// Slides a window along an axis of the value.
    fn slide(&mut self, axis: usize, tap: &Tap) {
        let Some(along) = self.along.get(axis) else { return };
        let is_axis = matches!(along, Along::Axis(_));
        for seen in along.axes() {
            if let Some(slot) = self.axes.get_mut(seen) {
                *slot = slot.filter(|a| is_axis || a.is_whole()).and_then(|a| a.through(tap));
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
            AxisSource::Regrouped { axes, parts } => {
                let whole = axes.iter().filter_map(along).flat_map(Along::pieces);
                let parts = parts.iter().filter_map(along).flat_map(Along::pieces);
                Along::regrouped(whole.chain(parts.map(|piece| Piece { is_part: true, ..piece })))
            }
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
            let rank = |id: ValueId| model.values[id].ty.tensor().and_then(|t| t.shape.rank());
            let first = node.outputs.iter().flatten().next().and_then(|id| rank(*id));
            for output in node.outputs.iter().flatten() {
                match (&sight, rank(*output)) {
                    (Some(sight), Some(rank)) if Some(rank) != first => {
                        let flat = walk.flat(sight, rank);
                        walk.set(*output, Some(&flat));
                    }
                    _ => walk.set(*output, sight.as_ref()),
                }
            }
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

    /// The same for an output of another rank than the first one, whose axes are not followed.
    fn flat(&mut self, sight: &Sight, rank: usize) -> Sight {
        let flat = |view: &View| {
            let along = Along::Regrouped((0..view.axes.len()).map(|axis| Piece { axis, is_part: true }).collect());
            View { along: vec![along; rank], ..view.clone() }
        };
        self.sight(sight.views.iter().map(flat).collect::<Vec<_>>())
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
            Window::Each { inputs, tokens } => {
                let mut all: Vec<View> = Vec::new();
                for (position, value) in sources() {
                    let arranged = inputs.get(position).and_then(Option::as_ref);
                    for view in self.seen_by(value)?.to_vec() {
                        if let (Some(tokens), Some(_)) = (tokens, arranged) {
                            self.mark(&view, tokens);
                        }
                        let sizes = &self.inputs[view.input].sizes;
                        let view = match arranged {
                            Some(Arranged { from, whole }) => view.arranged(from, whole, sizes),
                            None => view.everything(rank(value), sizes, output),
                        };
                        match all.iter_mut().find(|own| own.input == view.input) {
                            None => all.push(view),
                            Some(own) => own.mix(&view),
                        }
                    }
                }
                all
            }
            Window::Global => {
                let widest = sources().map(|(_, v)| rank(v)).max().unwrap_or(0);
                let mut all = united(widest)?;
                for view in &mut all {
                    *view = view.everything(widest, &self.inputs[view.input].sizes, output);
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
        let spatial = view.along.iter().skip(2).flat_map(Along::axes).collect();
        let input = &mut self.inputs[view.input];
        input.take(spatial);
        view.whole([1], &input.sizes);
        for (i, tap) in taps.iter().enumerate() {
            view.slide(i + 2, tap);
        }
        view
    }
}

impl Walk<'_> {
    /// Steps or tokens lie along an axis of a value.
    fn mark(&mut self, view: &View, tokens: usize) {
        let axes = view.along.get(tokens).into_iter().flat_map(Along::axes).collect();
        self.inputs[view.input].take(axes);
    }
}

impl Input {
    /// Takes these axes for the spatial ones, if no others were found before.
    fn take(&mut self, axes: Vec<usize>) {
        if !self.slid && !axes.is_empty() {
            (self.spatial, self.slid) = (axes, true);
        }
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
