//! Names of a text that nothing refers to. A name counts as used wherever it stands a second time, so that a doubt is
//! silent.

use super::document::Document;
use super::resolve::{Block, Module, collect_labels};
use crate::base::source::Span;
use std::collections::HashMap;

impl Document {
    /// Labels that no line refers to, in order.
    pub fn unused_labels(&self) -> Vec<(&str, Span)> {
        let Some(module) = self.modules.first() else { return Vec::new() };
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
        labels.retain(|(name, _)| times.get(name).copied().unwrap_or(0) <= given.get(name).copied().unwrap_or(0));
        labels
    }

    /// Blocks of a file with models that no line calls, in order.
    pub fn unused_blocks(&self) -> Vec<(&str, Span)> {
        let Some(module) = self.modules.first().filter(|module| !module.models.is_empty()) else { return Vec::new() };
        let times = self.times(module);
        let name = |block: &Block| times.get(block.name.node.as_str()).copied().unwrap_or(0);
        let unused = module.blocks.iter().filter(|block| name(block) <= 1);
        unused.map(|block| (block.name.node.as_str(), block.name.span)).collect()
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
