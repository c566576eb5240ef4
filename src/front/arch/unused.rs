//! Names of a text that nothing refers to. A name counts as used wherever it stands a second time, so that a doubt is
//! silent.

use super::document::Document;
use super::resolve::{Block, Module, collect_labels};
use crate::base::source::Span;
use std::collections::HashMap;

/// What nothing refers to.
#[derive(Debug, Default)]
pub(super) struct Unused {
    labels: Vec<(String, Span)>,
    blocks: Vec<(String, Span)>,
}

impl Document {
    /// Labels that no line refers to, in order.
    pub fn unused_labels(&self) -> &[(String, Span)] {
        &self.unused().labels
    }

    /// Blocks of a file with models that no line calls, in order.
    pub fn unused_blocks(&self) -> &[(String, Span)] {
        &self.unused().blocks
    }

    /// Looks through the text once, however many models it has.
    fn unused(&self) -> &Unused {
        self.unused.get_or_init(|| self.modules.first().map(|module| self.unused_of(module)).unwrap_or_default())
    }

    fn unused_of(&self, module: &Module) -> Unused {
        let mut labels = Vec::new();
        for body in module.blocks.iter().map(|b| &b.body).chain(module.models.iter().map(|m| &m.body)) {
            let mut own = HashMap::new();
            collect_labels(body, &mut own);
            labels.extend(own);
        }
        labels.sort_by_key(|(_, span)| span.start);
        let times = self.times(module);
        let mut given: HashMap<&str, usize> = HashMap::new();
        for (name, _) in &labels {
            *given.entry(name).or_insert(0) += 1;
        }
        let count = |name: &str| times.get(name).copied().unwrap_or(0);
        labels.retain(|(name, _)| count(name) <= given.get(name).copied().unwrap_or(0));
        let labels = labels.into_iter().map(|(name, span)| (name.to_owned(), span)).collect();
        let is_unused = |block: &&Block| !module.models.is_empty() && count(&block.name.node) <= 1;
        let blocks = module.blocks.iter().filter(is_unused);
        Unused { labels, blocks: blocks.map(|block| (block.name.node.clone(), block.name.span)).collect() }
    }

    /// How often each word stands in a module's text.
    fn times(&self, module: &Module) -> HashMap<&str, usize> {
        let place =
            module.models.first().map(|model| model.span).or(module.blocks.first().map(|block| block.name.span));
        let text = place.map_or("", |span| &self.sources.get(span.source).text);
        let mut times = HashMap::new();
        for line in text.lines() {
            for word in code(line).flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')) {
                *times.entry(word).or_insert(0) += 1;
            }
        }
        times
    }
}

/// A line without its comment and its quoted texts.
fn code(line: &str) -> impl Iterator<Item = &str> {
    let mut is_comment = false;
    line.split('"').step_by(2).map_while(move |part| {
        let code = part.split('#').next().unwrap_or("");
        let shown = (!is_comment).then_some(code);
        is_comment |= code.len() < part.len();
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_quoted_texts_are_no_code() {
        let words = |line: &'static str| code(line).collect::<Vec<_>>();
        assert_eq!(words("a b # c \"d\" e"), ["a b "]);
        assert_eq!(words("a \"b # c\" d # e"), ["a ", " d "]);
    }
}
