//! `let`s and `default`s at the top of a file, and what a line takes from the latter.

use super::super::document::Framework;
use super::super::resolve::Callee;
use super::Lowering;
use super::bind::Given;
use super::scope::Frame;
use super::value::Value;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::ops::layer::{KERNEL, Layer};
use crate::ops::layers;
use std::collections::HashMap;
use std::rc::Rc;

/// What the top of a file says to every line of it.
#[derive(Debug, Default)]
pub(super) struct Top<'a> {
    /// `let`s.
    pub lets: HashMap<&'a str, Value<'a>>,
    /// `default`s, by the layer's keyword.
    defaults: HashMap<&'static str, Given>,
}

impl<'a> Lowering<'a> {
    /// The top of a file, evaluated when it is first needed.
    pub(super) fn top(&mut self, module: usize) -> Rc<Top<'a>> {
        if let Some(Some(top)) = self.tops.get(module) {
            return Rc::clone(top);
        }
        let top = Rc::new(self.evaluate_top(module));
        if let Some(slot) = self.tops.get_mut(module) {
            *slot = Some(Rc::clone(&top));
        }
        top
    }

    fn evaluate_top(&mut self, module: usize) -> Top<'a> {
        let doc = self.doc;
        let Some(text) = doc.modules.get(module) else { return Top::default() };
        let mut frame = Frame::new(module, Rc::default(), None);
        frame.vars.extend(text.lost.iter().map(|name| (name.node.as_str(), Value::Lost)));
        for item in &text.lets {
            let name = item.name.node.as_str();
            let overridden = self.overrides.lets.iter().filter(|_| module == 0).find(|(n, _)| n == name);
            let value = match overridden {
                Some((_, value)) => Value::Number(*value),
                None => self.eval_at(&frame, &item.value).unwrap_or_else(|fault| {
                    self.blame(&frame, fault);
                    Value::Lost
                }),
            };
            frame.vars.push((name, value));
        }
        let mut top = Top { lets: frame.vars.drain(..).collect(), defaults: HashMap::new() };
        if self.settings.framework == Some(Framework::Caffe) {
            for layer in layers() {
                let ceil = layer.words.iter().copied().filter(|w| *w == "ceil");
                top.defaults.entry(layer.keyword).or_default().words.extend(ceil);
            }
        }
        let frame = Frame::new(module, Rc::new(Top { lets: top.lets.clone(), defaults: HashMap::new() }), None);
        for defaults in &text.defaults {
            let Callee::Layer(layer) = text.callee(&defaults.layer.node) else { continue };
            let bound = self.bind(&frame, layer, &defaults.layer.node, &defaults.args);
            let extras = &bound.extras;
            if !extras.modifiers.is_empty() || extras.frozen || extras.share.is_some() || extras.times != 1 {
                let message = format!(
                    "a `default` sets options of `{}`; it adds no layer, repeats, freezes or shares nothing",
                    layer.keyword
                );
                let error = Diagnostic::error("unknown-word", Origin::Text(defaults.layer.span), message);
                self.report(&frame, error.help("write that on each line, so that the line shows what it makes"));
            }
            let slot = top.defaults.entry(layer.keyword).or_default();
            *slot = merge(bound.given, Some(slot));
        }
        top
    }

    /// `unknown-name`, for values given to `let`s that the file does not have.
    pub(super) fn check_overrides(&mut self) {
        let Some(text) = self.doc.modules.first() else { return };
        for (name, _) in &self.overrides.lets {
            if text.lets.iter().any(|l| l.name.node == *name) {
                continue;
            }
            let message = format!("there is no `let {name}` at the top of the file");
            let error = Diagnostic::error("unknown-name", Origin::File, message);
            let known: Vec<&str> = text.lets.iter().map(|l| l.name.node.as_str()).collect();
            self.diagnostics.push(match crate::base::suggest::nearest(name, known.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None if known.is_empty() => error,
                None => error.note(format!("there is {}", known.join(", "))),
            });
        }
    }
}

impl Top<'_> {
    /// What a line says of its layer, and what the file's `default` adds.
    pub(super) fn complete(&self, layer: &Layer, given: Given) -> Given {
        merge(given, self.defaults.get(layer.keyword))
    }
}

/// What is written, and what a default adds where nothing that is written answers the same question.
fn merge(mut given: Given, default: Option<&Given>) -> Given {
    let Some(default) = default else { return given };
    if !given.answers(KERNEL) {
        given.kernel.clone_from(&default.kernel);
    }
    for word in &default.words {
        if !given.answers(word) {
            given.words.push(word);
        }
    }
    for option in &default.options {
        if !given.answers(option.0) {
            given.options.push(option.clone());
        }
    }
    given.number = given.number.or_else(|| default.number.clone());
    given.stride = given.stride.or_else(|| default.stride.clone());
    given
}
