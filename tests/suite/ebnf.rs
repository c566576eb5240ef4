//! A reader of EBNF, and sentences made from what it read.

use std::collections::BTreeMap;

/// The right side of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Sequence(Vec<Rule>),
    Choice(Vec<Rule>),
    Optional(Box<Rule>),
    Repeated(Box<Rule>),
    /// `"text"`
    Text(String),
    /// `name`
    Name(String),
    /// `? in words ?`
    Words(String),
}

/// Rules by name.
pub(crate) struct Grammar(pub(crate) BTreeMap<String, Rule>);

impl Grammar {
    pub(crate) fn read(text: &str) -> Grammar {
        let mut tokens = tokens(text).into_iter().peekable();
        let mut rules = BTreeMap::new();
        while let Some(name) = tokens.next() {
            assert_eq!(tokens.next().as_deref(), Some("="), "behind {name}");
            let rule = choice(&mut tokens);
            assert_eq!(tokens.next().as_deref(), Some(";"), "at the end of {name}");
            assert_eq!(rules.insert(name.clone(), rule), None, "{name} twice");
        }
        Grammar(rules)
    }

    pub(crate) fn rule(&self, name: &str) -> &Rule {
        self.0.get(name).unwrap_or_else(|| panic!("no rule {name}"))
    }
}

/// Whether rules of this name are tokens, nothing between their parts.
pub(crate) fn is_token(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase())
}

fn tokens(mut text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    loop {
        text = text.trim_start();
        let Some(first) = text.chars().next() else { return tokens };
        let length = match first {
            '(' if text.starts_with("(*") => {
                text = text.split_once("*)").expect("a closed comment").1;
                continue;
            }
            '"' | '\'' | '?' => text[1..].find(first).expect("a closed text") + 2,
            c if c.is_ascii_alphabetic() => text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()),
            c => c.len_utf8(),
        };
        tokens.push(text[..length].to_owned());
        text = &text[length..];
    }
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

fn choice(tokens: &mut Tokens) -> Rule {
    let mut choices = vec![sequence(tokens)];
    while tokens.next_if(|t| t == "|").is_some() {
        choices.push(sequence(tokens));
    }
    if choices.len() == 1 { choices.remove(0) } else { Rule::Choice(choices) }
}

fn sequence(tokens: &mut Tokens) -> Rule {
    let mut parts = Vec::new();
    while let Some(token) = tokens.next_if(|t| !["|", ";", ")", "]", "}"].contains(&t.as_str())) {
        let mut closed = |close: &str| {
            let inside = choice(tokens);
            assert_eq!(tokens.next().as_deref(), Some(close));
            inside
        };
        parts.push(match token.as_str() {
            "(" => closed(")"),
            "[" => Rule::Optional(Box::new(closed("]"))),
            "{" => Rule::Repeated(Box::new(closed("}"))),
            t if t.starts_with(['"', '\'']) => Rule::Text(t[1..t.len() - 1].to_owned()),
            t if t.starts_with('?') => Rule::Words(t[1..t.len() - 1].trim().to_owned()),
            name => Rule::Name(name.to_owned()),
        });
    }
    if parts.len() == 1 { parts.remove(0) } else { Rule::Sequence(parts) }
}

/// Small random numbers, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// One below `n` (the generator is SplitMix64).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (n as u64)).expect("below n")
    }
}

/// Makes sentences.
pub(crate) struct Sentences<'g> {
    pub(crate) grammar: &'g Grammar,
    pub(crate) random: Random,
    /// Text for `? in words ?`.
    pub(crate) words: fn(&str, &mut Random) -> String,
    /// Whether a token may be used where the grammar has this name.
    pub(crate) accepts: fn(&str, &str) -> bool,
    /// What stands between tokens.
    pub(crate) blank: fn(&mut Random) -> &'static str,
    /// How often each rule was used.
    pub(crate) used: BTreeMap<&'g str, usize>,
}

impl<'g> Sentences<'g> {
    /// A sentence of this rule; below a depth of 0 everything optional is left out.
    pub(crate) fn sentence(&mut self, name: &'g str, depth: usize) -> String {
        *self.used.entry(name).or_default() += 1;
        let mut text = String::new();
        self.expand(self.grammar.rule(name), is_token(name), depth, &mut text);
        text
    }

    fn expand(&mut self, rule: &'g Rule, glued: bool, depth: usize, text: &mut String) {
        match rule {
            Rule::Sequence(parts) => parts.iter().for_each(|part| self.expand(part, glued, depth, text)),
            Rule::Choice(choices) => {
                let choice = if depth == 0 { self.smallest(choices) } else { self.random.below(choices.len()) };
                self.expand(&choices[choice], glued, depth, text);
            }
            Rule::Optional(part) => {
                if depth > 0 && self.random.below(2) == 0 {
                    self.expand(part, glued, depth, text);
                }
            }
            Rule::Repeated(part) => {
                while depth > 0 && self.random.below(5) < 2 {
                    self.expand(part, glued, depth, text);
                }
            }
            Rule::Text(t) => self.add(t, glued, text),
            Rule::Words(words) => {
                let word = (self.words)(words, &mut self.random);
                self.add(&word, glued, text);
            }
            Rule::Name(name) if is_token(name) => {
                let token = loop {
                    let token = self.sentence(name, depth.max(1));
                    if (self.accepts)(name, &token) {
                        break token;
                    }
                };
                self.add(&token, glued, text);
            }
            Rule::Name(name) => {
                let part = self.sentence(name, depth.saturating_sub(1));
                text.push_str(&part);
            }
        }
    }

    fn add(&mut self, token: &str, glued: bool, text: &mut String) {
        text.push_str(token);
        if !glued {
            text.push_str((self.blank)(&mut self.random));
        }
    }

    /// The choice that nests least.
    fn smallest(&self, choices: &[Rule]) -> usize {
        (0..choices.len()).min_by_key(|n| self.height(&choices[*n], 8)).expect("choices")
    }

    /// How many rules deep the smallest sentence is, as far as `limit`.
    fn height(&self, rule: &Rule, limit: usize) -> usize {
        match rule {
            Rule::Sequence(parts) => parts.iter().map(|p| self.height(p, limit)).max().unwrap_or(0),
            Rule::Choice(choices) => choices.iter().map(|c| self.height(c, limit)).min().unwrap_or(0),
            Rule::Optional(_) | Rule::Repeated(_) | Rule::Text(_) | Rule::Words(_) => 0,
            Rule::Name(name) if is_token(name) => 0,
            Rule::Name(_) if limit == 0 => 1,
            Rule::Name(name) => 1 + self.height(self.grammar.rule(name), limit - 1),
        }
    }
}
