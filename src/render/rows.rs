//! The rows of a report for people: its operators gathered by line, by block or by kind, sorted and cut.

use super::escape::visible;
use crate::analyze::report::{Layer, Report, Tensor};
use crate::base::diagnostic::Origin;
use crate::base::quantity::{AtLeast, Bytes, Elements, Macs};
use crate::base::source::Sources;
use crate::tensor::ValueType;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What a row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// A line of the text, with all that stands on it; a node of a graph.
    #[default]
    Layer,
    /// A block call, of the outermost that part the model; lines outside of those on their own.
    Block,
    /// All operators of one kind.
    Op,
}

/// In which order rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As they run.
    #[default]
    Order,
    /// Largest output memory first.
    Memory,
    /// Most parameters first.
    Params,
    /// Most multiply-accumulates first.
    Macs,
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What a row is.
    pub by: By,
    /// Their order.
    pub sort: Sort,
    /// How many at most: the first ones by `sort`, or those with the largest memory when they stand as they run.
    pub top: Option<usize>,
    /// Without `top`: whether a table that fills a terminal is cut to its largest rows.
    pub brief: bool,
}

/// Most rows of a table that is brief and not cut, and how many a cut one has.
const BRIEF: (usize, usize) = (40, 20);

/// A row: sums over its operators, for the batch.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The line's, block's or operator's name.
    pub name: &'a str,
    /// What it does: the line as written, or the operator's name.
    pub operation: String,
    /// The type of what comes out last.
    pub output: Option<&'a ValueType>,
    /// Learned values.
    pub parameters: AtLeast<Elements>,
    /// Those that training changes.
    pub trainable: AtLeast<Elements>,
    /// Running statistics.
    pub buffers: AtLeast<Elements>,
    /// Multiply-accumulates.
    pub macs: AtLeast<Macs>,
    /// Floating-point operations.
    pub flops: AtLeast<Elements>,
    /// Bytes of outputs, those in place not counted.
    pub memory: AtLeast<Bytes>,
}

impl<'a> Row<'a> {
    /// The row of an input of the network.
    pub fn of_input(input: &'a Tensor) -> Row<'a> {
        let bytes = input.ty.bytes().map_or_else(AtLeast::unknown, |n| AtLeast::exact(Bytes(n)));
        Row { output: Some(&input.ty), memory: bytes, ..row(&input.name, "input".into(), [].iter()) }
    }
}

/// Rows that are shown, and how many are not with the memory of those.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// Shown.
    pub shown: Vec<Row<'a>>,
    /// Number of the others.
    pub left_out: usize,
    /// Memory of the others.
    pub left_out_memory: AtLeast<Bytes>,
}

/// The rows of a report.
pub fn rows<'a>(report: &'a Report, sources: &Sources, selection: Selection) -> Rows<'a> {
    let mut all = match selection.by {
        By::Layer => runs(&report.layers, |layer| &layer.group, |layers| line(layers, sources)),
        By::Block => {
            let depth = common_depth(&report.layers);
            runs(&report.layers, |layer| block(layer, depth), |layers| blocks(layers, sources))
        }
        By::Op => kinds(&report.layers),
    };
    let brief = if selection.brief && all.len() > BRIEF.0 { BRIEF.1 } else { usize::MAX };
    let top = selection.top.unwrap_or(brief);
    match selection.sort {
        Sort::Order if all.len() > top => return largest(all, top),
        Sort::Order => {}
        Sort::Memory => all.sort_by_key(|row| Reverse(row.memory.least)),
        Sort::Params => all.sort_by_key(|row| Reverse(row.parameters.least)),
        Sort::Macs => all.sort_by_key(|row| Reverse(row.macs.least)),
    }
    let others = all.split_off(top.min(all.len()));
    Rows { shown: all, left_out: others.len(), left_out_memory: others.iter().map(|row| row.memory).sum() }
}

/// The rows with the largest memory, still as they run.
fn largest(all: Vec<Row>, top: usize) -> Rows {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|i| Reverse(all.get(*i).map(|row| row.memory.least)));
    let mut keep = vec![false; all.len()];
    order.iter().take(top).for_each(|i| keep[*i] = true);
    let mut rows = Rows { shown: Vec::new(), left_out: 0, left_out_memory: AtLeast::exact(Bytes::ZERO) };
    for (row, keep) in all.into_iter().zip(keep) {
        if keep {
            rows.shown.push(row);
        } else {
            rows.left_out += 1;
            rows.left_out_memory = rows.left_out_memory.plus(row.memory);
        }
    }
    rows
}

/// A row for every run of neighbours with the same key.
fn runs(layers: &[Layer], key: impl Fn(&Layer) -> &str, operation: impl Fn(&[Layer]) -> String) -> Vec<Row<'_>> {
    let runs = layers.chunk_by(|a, b| key(a) == key(b));
    runs.filter_map(|run| Some(row(key(run.first()?), operation(run), run.iter()))).collect()
}

/// Where scopes are parted: `stage1.bottleneck2`, `/layer1/layer1.0`.
const PARTS: [char; 2] = ['.', '/'];

/// The number of blocks around every layer of the model. They part nothing, so rows are made of the blocks inside.
fn common_depth(layers: &[Layer]) -> usize {
    let mut scopes = layers.iter().map(|layer| layer.scope.split(PARTS));
    let Some(first) = scopes.next() else { return 0 };
    let first: Vec<&str> = first.filter(|part| !part.is_empty()).collect();
    let same = |scope: std::str::Split<'_, [char; 2]>| {
        scope.filter(|part| !part.is_empty()).zip(&first).take_while(|(a, b)| a == *b).count()
    };
    scopes.map(same).fold(first.len(), usize::min)
}

/// The block of a layer that lies this deep, or the layer's line where it stands in none.
fn block(layer: &Layer, depth: usize) -> &str {
    let scope = layer.scope.trim_matches(PARTS);
    if scope.split(PARTS).filter(|part| !part.is_empty()).count() <= depth {
        return &layer.group;
    }
    scope.match_indices(PARTS).nth(depth).map_or(scope, |(end, _)| &scope[..end])
}

/// A row for every kind of operator, in the order of their first appearance.
fn kinds(layers: &[Layer]) -> Vec<Row<'_>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut kinds: Vec<Vec<&Layer>> = Vec::new();
    for layer in layers {
        let place = *places.entry(&layer.op).or_insert(kinds.len());
        match kinds.get_mut(place) {
            Some(kind) => kind.push(layer),
            None => kinds.push(vec![layer]),
        }
    }
    kinds
        .into_iter()
        .filter_map(|kind| {
            let name = &kind.first()?.op;
            Some(Row { output: None, ..row(name, format!("×{}", kind.len()), kind.into_iter()) })
        })
        .collect()
}

fn row<'a>(name: &'a str, operation: String, layers: impl Iterator<Item = &'a Layer> + Clone) -> Row<'a> {
    Row {
        name,
        operation,
        output: layers.clone().last().and_then(|layer| layer.outputs.first()).map(|tensor| &tensor.ty),
        parameters: layers.clone().map(|layer| layer.parameters).sum(),
        trainable: layers.clone().map(|layer| layer.trainable).sum(),
        buffers: layers.clone().map(|layer| layer.buffers).sum(),
        macs: layers.clone().map(|layer| layer.macs).sum(),
        flops: layers.clone().map(|layer| layer.flops).sum(),
        memory: layers.map(|layer| layer.activation_bytes).sum(),
    }
}

fn blocks(layers: &[Layer], sources: &Sources) -> String {
    match layers.first() {
        Some(first) if layers.iter().all(|layer| layer.group == first.group) => line(layers, sources),
        _ => format!("{} operators", layers.len()),
    }
}

/// What a line does: its text, or for a node its operator.
fn line(layers: &[Layer], sources: &Sources) -> String {
    let Some(first) = layers.first() else { return String::new() };
    if let Some(line) = &first.line {
        return visible(line).into_owned();
    }
    match &first.origin {
        Origin::Text(span) => {
            let last = layers.last().map_or(&first.origin, |layer| &layer.origin);
            let whole = if let Origin::Text(end) = last
                && end.source == span.source
            {
                span.to(*end)
            } else {
                *span
            };
            written(sources.text(whole))
        }
        Origin::Node { .. } | Origin::Byte(_) | Origin::File if first.window.is_empty() => {
            visible(&first.op).into_owned()
        }
        Origin::Node { .. } | Origin::Byte(_) | Origin::File => format!("{} {}", visible(&first.op), first.window),
    }
}

/// The layer of a line without label, claim, comment, body and `x3` (it has a row for each time).
fn written(text: &str) -> String {
    let end = text.find(['\n', '#', '{', ';', '|']).unwrap_or(text.len());
    let text = &text[..end];
    let text = text.split_once("->").map_or(text, |(layer, _)| layer);
    let text = text.split_once(':').map_or(text, |(label, layer)| if is_name(label.trim()) { layer } else { text });
    let is_repeat = |word: &str| word.strip_prefix(['x', '×']).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<_> = text.split_whitespace().filter(|word| !is_repeat(word)).collect();
    visible(&words.join(" ")).into_owned()
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn a_line_is_shown_without_label_claim_comment_and_body() {
        assert_eq!(written("c1: conv 6  5x5 -> 6@28x28 # C1"), "conv 6 5x5");
        assert_eq!(written("pad 1:2x0:3"), "pad 1:2x0:3");
        assert_eq!(written("add {\n | conv 3 }"), "add");
        assert_eq!(written("conv 4 pad=1:2"), "conv 4 pad=1:2");
        assert_eq!(written("conv 64 3x3 x3"), "conv 64 3x3");
    }
}
