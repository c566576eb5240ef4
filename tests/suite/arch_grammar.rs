//! `grammar/arch.ebnf` against the parser.

use crate::ebnf::{Grammar, Random, Rule, Sentences, is_token};
use crate::files::read;
use cnnsize::base::source::Sources;
use cnnsize::front::arch::{parse, words};
use std::collections::{BTreeMap, BTreeSet};

fn grammar() -> Grammar {
    Grammar::read(&read("grammar/arch.ebnf"))
}

/// The texts in quotes of a rule.
fn texts<'r>(rule: &'r Rule, into: &mut BTreeSet<&'r str>) {
    match rule {
        Rule::Sequence(parts) | Rule::Choice(parts) => parts.iter().for_each(|part| texts(part, into)),
        Rule::Optional(part) | Rule::Repeated(part) => texts(part, into),
        Rule::Text(text) => _ = into.insert(text),
        Rule::Name(_) | Rule::Words(_) => {}
    }
}

#[test]
fn the_grammar_and_the_lexer_have_the_same_words_and_signs() {
    let grammar = grammar();
    let mut in_grammar = BTreeSet::new();
    for (_, rule) in grammar.0.iter().filter(|(name, _)| !is_token(name)) {
        texts(rule, &mut in_grammar);
    }
    let tables = [words::TOP, words::STATEMENT, words::INNER, words::FRAMEWORKS, words::UNITS, words::SIGNS];
    let in_lexer: BTreeSet<&str> = tables.into_iter().flatten().copied().collect();
    assert_eq!(in_grammar, in_lexer);
}

#[test]
fn every_rule_but_the_first_is_used_and_every_used_one_is_there() {
    fn names<'r>(rule: &'r Rule, into: &mut BTreeSet<&'r str>) {
        match rule {
            Rule::Sequence(parts) | Rule::Choice(parts) => parts.iter().for_each(|part| names(part, into)),
            Rule::Optional(part) | Rule::Repeated(part) => names(part, into),
            Rule::Name(name) => _ = into.insert(name),
            Rule::Text(_) | Rule::Words(_) => {}
        }
    }
    let grammar = grammar();
    let mut used = BTreeSet::from(["file"]);
    grammar.0.values().for_each(|rule| names(rule, &mut used));
    let defined: BTreeSet<&str> = grammar.0.keys().map(String::as_str).collect();
    assert_eq!(used, defined);
}

#[test]
fn the_parser_accepts_sentences_of_the_grammar() {
    let grammar = grammar();
    let mut sentences =
        Sentences { grammar: &grammar, random: Random(0), words: characters, accepts, blank, used: BTreeMap::new() };
    for seed in 0..3000 {
        sentences.random = Random(seed);
        let text = sentences.sentence("file", 12);
        let (_, diagnostics) = parse(Sources::default().add("sentence.arch", text.clone()), &text);
        assert_eq!(diagnostics, [], "seed {seed}:\n{text}");
    }
    let unused: Vec<&String> = grammar.0.keys().filter(|name| !sentences.used.contains_key(name.as_str())).collect();
    assert!(unused.is_empty(), "no sentence has {unused:?}");
}

/// A character for a description in the grammar. Zero is left out: not every number may be it.
fn characters(description: &str, random: &mut Random) -> String {
    let from = match description {
        "0 to 9" => "123456789",
        "a to z, A to Z, or _" => "acekxMZ_",
        "a line feed" => "\n",
        "any character but a quote and a line feed" => "ab 1#{}|é",
        other => panic!("no characters for `{other}`"),
    };
    let characters: Vec<char> = from.chars().collect();
    characters[random.below(characters.len())].to_string()
}

/// What the grammar says about names and the size of numbers beside its rules.
fn accepts(rule: &str, token: &str) -> bool {
    let name = token.trim_end_matches('(');
    let repeat = name.strip_prefix('x').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    match rule {
        "NAME" | "CALLED" | "WORD" => !words::is_keyword(name) && !repeat,
        "NEW" => !words::is_reserved(name) && !repeat,
        "NUMBER" | "PERCENT" | "FIGURE" => {
            let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, ""));
            mantissa.len() < 7 && exponent.trim_start_matches(['+', '-', '−']).trim_end_matches('%').len() < 2
        }
        _ => token.len() < 16,
    }
}

fn blank(random: &mut Random) -> &'static str {
    [" ", " ", "  ", "\t", " \r"][random.below(5)]
}
