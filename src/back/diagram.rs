//! What a drawing of a network shows: a card for each line of a text, or node of a graph, with its operators, what comes
//! out and its parameters; a frame around the cards of a block; arrows for what flows. What is made of stored values
//! alone is left out.

use crate::analyze::report::{Layer, Report};
use crate::base::diagnostic::Origin;
use crate::base::quantity::{AtLeast, Elements};
use crate::graph::{Model, ValueId, each_use};
use crate::render::escape::visible;
use crate::render::units::grouped;
use crate::tensor::ValueType;
use std::collections::{HashMap, HashSet};

/// A network to be drawn. Nothing in its texts is hidden; what a format takes for its own it must escape.
#[derive(Default)]
pub(super) struct Diagram {
    /// The network's name.
    pub(super) name: String,
    /// All cards; arrows and frames have their places.
    pub(super) cards: Vec<Card>,
    /// All frames; the first is the whole drawing.
    pub(super) frames: Vec<Frame>,
    /// From one card to another, each once.
    pub(super) arrows: Vec<(usize, usize)>,
}

/// A card.
#[derive(Default)]
pub(super) struct Card {
    /// What stands on it.
    pub(super) lines: Vec<String>,
    /// Whether it is an input or an output of the network, and no layer.
    pub(super) end: bool,
}

/// A block.
#[derive(Default)]
pub(super) struct Frame {
    /// Its name.
    pub(super) name: String,
    /// What it holds, in running order.
    pub(super) items: Vec<Item>,
}

/// Something inside a frame, by its place.
#[derive(Clone, Copy)]
pub(super) enum Item {
    Card(usize),
    Frame(usize),
}

/// Deepest frame in a frame; what lies deeper stands in it.
const DEPTH: usize = 16;

/// The drawing of a model, of which `report` has the figures.
pub(super) fn diagram(model: &Model, report: &Report) -> Diagram {
    let mut drawing = Drawing::default();
    drawing.diagram.name = visible(&report.name).into_owned();
    drawing.diagram.frames.push(Frame::default());
    // What a line of a text delivers is known by the line's name, that of the outermost line, which comes last.
    let labels: HashMap<ValueId, &str> = model.labels.iter().map(|label| (label.value, &*label.name)).collect();
    for id in &model.main.inputs {
        let place = drawing.end(model, *id, &labels);
        drawing.makers.insert(*id, place);
    }
    // Layers of one line share a card.
    let mut lines: Vec<(usize, Vec<&Layer>)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (id, layer) in model.main.nodes.iter().zip(&report.layers) {
        let node = &model.nodes[*id];
        if node.constant {
            continue;
        }
        let line = *known.entry(&layer.group).or_insert_with(|| {
            lines.push((drawing.card(layer), Vec::new()));
            lines.len() - 1
        });
        lines[line].1.push(layer);
        drawing.makers.extend(node.outputs.iter().flatten().map(|output| (*output, lines[line].0)));
    }
    for (place, layers) in &lines {
        drawing.diagram.cards[*place].lines = text(layers);
    }
    drawing.arrows(model, &labels);
    drawing.diagram
}

/// What stands on the card of some layers.
fn text(layers: &[&Layer]) -> Vec<String> {
    let (Some(first), Some(last)) = (layers.first(), layers.last()) else { return Vec::new() };
    let operators: Vec<_> = layers.iter().map(|l| [&*l.op, &*l.window].join(" ").trim_end().to_owned()).collect();
    let mut lines = vec![own_name(first).to_owned(), operators.join(" · ")];
    lines.extend(last.outputs.first().map(|output| notation(&output.ty)));
    let AtLeast { least: Elements(parameters), incomplete } = layers.iter().map(|l| l.parameters).sum();
    if incomplete || parameters > 0 {
        let bound = if incomplete { "at least " } else { "" };
        lines.push(format!("{bound}{} parameters", grouped(parameters)));
    }
    lines.iter().map(|line| visible(line).into_owned()).collect()
}

/// The name of a layer's line inside of its blocks, whose frames have theirs.
fn own_name(layer: &Layer) -> &str {
    let name = layer.group.trim_start_matches('/');
    let inside = name.strip_prefix(&*layer.scope).filter(|_| !layer.scope.is_empty());
    inside.and_then(|rest| rest.strip_prefix(['.', '/'])).unwrap_or(&layer.group)
}

fn notation(ty: &ValueType) -> String {
    match ty {
        ValueType::Tensor(tensor) => tensor.shape.notation(),
        ValueType::Sequence(_) => "a list".into(),
        ValueType::Optional(_) => "a value or none".into(),
        ValueType::Map(..) => "a dictionary".into(),
        ValueType::Unknown => "?".into(),
    }
}

#[derive(Default)]
struct Drawing {
    diagram: Diagram,
    /// The card of what delivers each value.
    makers: HashMap<ValueId, usize>,
    /// Frames by the frame around them and their names.
    frames: HashMap<(usize, String), usize>,
}

impl Drawing {
    /// Adds a card for an input or an output.
    fn end(&mut self, model: &Model, id: ValueId, labels: &HashMap<ValueId, &str>) -> usize {
        let value = &model.values[id];
        let name = labels.get(&id).copied().unwrap_or(&value.name);
        let lines = [visible(name).into_owned(), notation(&value.ty)];
        self.add(Card { lines: lines.into(), end: true }, 0)
    }

    /// Adds a card for the line of a layer, in the frames of the blocks that it belongs to.
    fn card(&mut self, layer: &Layer) -> usize {
        let separator = if matches!(layer.origin, Origin::Text(_)) { '.' } else { '/' };
        let mut frame = 0;
        for name in layer.scope.split(separator).filter(|name| !name.is_empty()).take(DEPTH) {
            let Drawing { diagram, frames, .. } = self;
            frame = *frames.entry((frame, name.into())).or_insert_with(|| {
                let place = diagram.frames.len();
                diagram.frames.push(Frame { name: visible(name).into_owned(), items: Vec::new() });
                diagram.frames[frame].items.push(Item::Frame(place));
                place
            });
        }
        self.add(Card::default(), frame)
    }

    fn add(&mut self, card: Card, frame: usize) -> usize {
        let place = self.diagram.cards.len();
        self.diagram.cards.push(card);
        self.diagram.frames[frame].items.push(Item::Card(place));
        place
    }

    /// Adds an arrow wherever a card reads what another one delivers, in its sub-graphs too, and those to the outputs with their cards.
    fn arrows(&mut self, model: &Model, labels: &HashMap<ValueId, &str>) {
        let mut seen = HashSet::new();
        for id in &model.main.nodes {
            let outputs = &model.nodes[*id].outputs;
            let Some(to) = outputs.iter().flatten().find_map(|o| self.makers.get(o)) else { continue };
            each_use(model, *id, &mut |value| {
                let arrow = self.makers.get(&value).map(|from| (*from, *to));
                let new = arrow.filter(|arrow| arrow.0 != arrow.1 && seen.insert(*arrow));
                self.diagram.arrows.extend(new);
            });
        }
        for id in &model.main.outputs {
            let to = self.end(model, *id, labels);
            self.diagram.arrows.extend(self.makers.get(id).map(|from| (*from, to)));
        }
    }
}
