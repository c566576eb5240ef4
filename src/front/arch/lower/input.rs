//! `input`: what is fed.

use super::super::ast::{Name, Size, Spanned};
use super::super::name::suggest;
use super::super::words;
use super::Lowering;
use super::scope::{Frame, Line};
use super::value::join;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::graph::ValueId;
use crate::tensor::{Dim, ValueType};
use std::sync::Arc;

/// Keras' words for an image without channels.
const KERAS: &str = "Keras says \"expected min_ndim=4, found ndim=3\" here";

impl<'a> Lowering<'a> {
    /// Adds an input.
    pub(super) fn input(
        &mut self,
        frame: &Frame<'a>,
        line: &Line,
        size: &'a Spanned<Size>,
        words: &'a [Name],
    ) -> ValueId {
        let written = match self.input_type(size, words) {
            Ok(ty) => ty,
            Err(error) => {
                self.report(frame, *error);
                match &size.node {
                    Size::Shape(c, sizes) => self.tensor(Dim::from(*c), sizes.iter().map(|n| Dim::from(*n))),
                    Size::Dims(sizes) if sizes.len() == 2 => {
                        self.tensor(Dim::Unknown, sizes.iter().map(|n| Dim::from(*n)))
                    }
                    Size::Dims(_) | Size::Number(_) => ValueType::Unknown,
                }
            }
        };
        let ty = self.overridden(&line.name, written);
        let countable = |t: &crate::tensor::TensorType| t.shape.elements().is_some() || t.shape.sizes().is_none();
        if !ty.tensor().is_none_or(countable) {
            let message = "an input of more than 2^64 numbers";
            self.report(frame, Diagnostic::error("number-too-big", Origin::Text(size.span), message));
        }
        let id = self.graph.input(&line.name, ty);
        self.inputs.push((Arc::clone(&line.name), id));
        id
    }

    fn input_type(&self, size: &Spanned<Size>, words: &[Name]) -> Result<ValueType, Box<Diagnostic>> {
        let mut channels: Option<(u64, &Name)> = None;
        let mut layout: Option<&Name> = None;
        for word in words {
            let given = match word.node.as_str() {
                "rgb" => channels.replace((3, word)).is_some(),
                "rgba" => channels.replace((4, word)).is_some(),
                "gray" | "grey" => channels.replace((1, word)).is_some(),
                "hwc" | "chw" => layout.replace(word).is_some(),
                _ => return Err(unknown_word(word).into()),
            };
            if given {
                let message = format!("`{}` says again what another word says", word.node);
                return Err(Diagnostic::error("twice", Origin::Text(word.span), message).into());
            }
        }
        let extra = channels.map(|(_, word)| word).or(layout);
        let zero = |sizes: &[u64]| sizes.contains(&0);
        let dims = |sizes: &[u64]| sizes.iter().map(|n| Dim::from(*n)).collect::<Vec<_>>();
        match (&size.node, channels, layout, extra) {
            (Size::Shape(c, sizes), _, _, None) if *c > 0 && !zero(sizes) => {
                Ok(self.tensor(Dim::from(*c), dims(sizes)))
            }
            (Size::Number(n), _, _, None) if *n > 0 => Ok(self.tensor(Dim::from(*n), [])),
            (Size::Shape(..) | Size::Number(_), _, _, Some(word)) => {
                let message = format!("`{}` says what the size before it says already", word.node);
                let error = Diagnostic::error("twice", Origin::Text(word.span), message);
                Err(error.help(format!("leave `{}` out", word.node)).into())
            }
            (Size::Dims(sizes), Some((c, _)), None, _) if !zero(sizes) => Ok(self.tensor(Dim::from(c), dims(sizes))),
            (Size::Dims(_), Some((_, word)), Some(_), _) => {
                let message = format!("`{}` and a layout: one of them says the channels", word.node);
                Err(Diagnostic::error("twice", Origin::Text(word.span), message).into())
            }
            (Size::Dims(sizes), None, Some(layout), _) if !zero(sizes) => {
                let split = if layout.node == "hwc" { sizes.split_last() } else { sizes.split_first() };
                match split {
                    Some((c, spatial)) if sizes.len() != 2 => Ok(self.tensor(Dim::from(*c), dims(spatial))),
                    _ => {
                        let message = format!("`{}` has two numbers, a layout needs three", join(sizes));
                        Err(missing_channels(
                            Diagnostic::error("missing-channels", Origin::Text(size.span), message),
                            sizes,
                        ))
                    }
                }
            }
            (Size::Dims(sizes), None, None, _) if !zero(sizes) => Err(without_channels(size, sizes)),
            _ => {
                let message = "an input has a size of 0; each must be at least 1";
                Err(Diagnostic::error("too-small", Origin::Text(size.span), message).into())
            }
        }
    }

    /// The size that the caller wants in place of the written one.
    fn overridden(&self, name: &str, written: ValueType) -> ValueType {
        let named = self.overrides.input.iter().find(|(n, _)| n.as_deref() == Some(name));
        let unnamed = || self.overrides.input.iter().filter(|(n, _)| n.is_none()).nth(self.inputs.len());
        let Some((_, size)) = named.or_else(unnamed) else { return written };
        let known = |sizes: &[u64]| sizes.iter().map(|n| Dim::from(*n)).collect::<Vec<_>>();
        let spatial = written.tensor().and_then(|t| t.shape.rank()).map_or(0, |rank| rank.saturating_sub(2));
        match size {
            Size::Shape(c, sizes) => self.tensor(Dim::from(*c), known(sizes)),
            Size::Number(n) => self.tensor(Dim::from(*n), []),
            // As many sizes as the input has axes: its channels stay. One more: channels first, as ONNX has it.
            Size::Dims(sizes) => match sizes.split_first() {
                Some((c, rest)) if rest.len() == spatial => self.tensor(Dim::from(*c), known(rest)),
                _ => {
                    let channels = written.tensor().and_then(|t| t.shape.dims()).and_then(|d| d.get(1).cloned());
                    self.tensor(channels.unwrap_or(Dim::Unknown), known(sizes))
                }
            },
        }
    }

    /// `unknown-name`, for sizes given to inputs that the model does not have.
    pub(super) fn check_input_overrides(&mut self) {
        let names: Vec<String> = self.inputs.iter().map(|(n, _)| n.to_string()).collect();
        for (name, _) in &self.overrides.input {
            let Some(name) = name else { continue };
            if !names.contains(name) {
                let message = format!("there is no input called `{name}`");
                let error = Diagnostic::error("unknown-name", Origin::File, message);
                self.diagnostics.push(error.note(format!("the model has {}", names.join(", "))));
            }
        }
    }
}

fn unknown_word(word: &Name) -> Diagnostic {
    let message = format!("`{}` is not something `input` understands", word.node);
    let error = Diagnostic::error("unknown-word", Origin::Text(word.span), message);
    suggest(
        error.note(format!("it takes {}", words::INPUTS.join(", "))),
        &word.node,
        word.span,
        words::INPUTS.iter().copied(),
    )
}

/// Two, three or four numbers without a word of which are the channels.
fn without_channels(size: &Spanned<Size>, sizes: &[u64]) -> Box<Diagnostic> {
    let written = join(sizes);
    let error = |code, message: String| Diagnostic::error(code, Origin::Text(size.span), message);
    match sizes {
        [_, _] => {
            let message = format!("`{written}` has no channels: it gives only a height and a width");
            missing_channels(error("missing-channels", message), sizes)
        }
        [a, .., z] if sizes.len() == 3 => {
            let first = (format!("{a}@{}", join(&sizes[1..])), "first (PyTorch)");
            let last = (format!("{z}@{}", join(&sizes[..2])), "last (Keras)");
            let (likely, other) = if is_last(sizes) { (last, first) } else { (first, last) };
            let message = format!("in `{written}` it is not said which number is the channels");
            let help = format!("`{}` if they come {}, `{}` if {}", likely.0, likely.1, other.0, other.1);
            error("ambiguous-layout", message).help(help).fix(size.span, likely.0).into()
        }
        [batch, rest @ ..] => {
            let count = match sizes.len() {
                4 => "four".into(),
                5 => "five".into(),
                n => n.to_string(),
            };
            let shape = match (is_last(rest), rest.split_first(), rest.split_last()) {
                (true, _, Some((c, spatial))) | (false, Some((c, spatial)), _) => format!("{c}@{}", join(spatial)),
                _ => written.clone(),
            };
            let message = format!("`{written}` has {count} numbers; leave the batch out of `input`");
            error("batch-in-shape", message).help(format!("write `batch {batch}` and `input {shape}`")).into()
        }
        [] => error("missing-channels", "an input without a size".into()).into(),
    }
}

fn missing_channels(error: Diagnostic, sizes: &[u64]) -> Box<Diagnostic> {
    let written = join(sizes);
    let help = format!(
        "a grey image is `1@{written}` (or `{written} gray`), a colour image `3@{written}` (or `{written} rgb`)"
    );
    Box::new(error.label("height and width").note(KERAS).help(help))
}

/// Whether the channels are likelier the last number than the first: few are likelier than many.
fn is_last(sizes: &[u64]) -> bool {
    let few = |n: Option<&u64>| n.is_some_and(|n| matches!(n, 1 | 3 | 4));
    match (few(sizes.first()), few(sizes.last())) {
        (true, false) => false,
        (false, true) => true,
        _ => sizes.last() < sizes.first(),
    }
}
