//! What can go wrong while parsing, and how it is said.
//!
//! An error keeps the furthest place that any alternative reached and everything that could have stood there. It becomes
//! a [`Diagnostic`] in the statement loop, which then goes on behind the broken line.

use super::number::{glues, literal};
use super::token::{Place, at_line_end, length_of_text, skip_blank};
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use crate::base::source::Span;
use crate::base::suggest::nearest;
use nom::error::{ErrorKind, ParseError};

/// Why a parser failed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError<'a> {
    at: &'a str,
    problem: Problem,
}

/// Why a parser failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Something else should stand here.
    Expected(Expected),
    /// Digits go on as something that is no number: `3x`, `12px`.
    Malformed,
    /// Beyond [`limits::NUMBER`].
    NumberTooBig,
    /// A shape with a size of 0.
    ZeroSize,
    /// Commas in a number that do not group it by three digits.
    Grouping,
    /// A word behind a claimed value that is no unit.
    Unit,
    /// A framework that is not known.
    Framework,
    /// A label before something that makes no tensor.
    Label,
    /// Deeper than [`limits::NESTING`].
    TooDeep,
}

/// A set of things that could have stood somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected(u32);

/// Each with its words and, where they do not say enough, what it looks like.
const EXPECTED: &[(Expected, &str, &str)] = &[
    (
        Expected::LAYER,
        "a layer name",
        "a line is a layer such as `conv 64 3x3 relu`, or begins with a word such as `input`",
    ),
    (Expected::ARGUMENT, "an argument", ""),
    (Expected::CLAIM, "`->`", ""),
    (Expected::VALUE, "a value", "a value is a number, a size such as `3x3`, a word, or arithmetic in parentheses"),
    (Expected::OPERAND, "a value", "write a number, a name, a size such as `3x3`, or `(`"),
    (Expected::OPERATOR, "an operator", ""),
    (Expected::NAME, "a name", ""),
    (Expected::NEW_NAME, "a name", "a name is made of letters, digits and `_`, and begins with a letter"),
    (
        Expected::SIZE,
        "a size",
        "a size is channels @ height x width, such as `64@28x28`, or `28x28`, or a vector's length",
    ),
    (Expected::NUMBER, "a number", ""),
    (Expected::WHOLE, "a whole number of at least 1", ""),
    (Expected::QUANTITY, "a quantity", "for example `expect params 903_400`"),
    (Expected::FIGURE, "a value", "a claimed value is a number such as `903_400`, or a shape such as `64@28x28`"),
    (Expected::SETTING, "a setting", "for example `at batch=1`"),
    (Expected::PATH, "a path in quotes", "for example `import bottleneck from \"blocks.arch\"`"),
    (Expected::TITLE, "a name or a text in quotes", ""),
    (Expected::BRACE, "`{`", ""),
    (Expected::PAREN, "`)`", ""),
    (Expected::COMMA, "`,`", ""),
    (Expected::EQUALS, "`=`", ""),
    (Expected::FROM, "`from`", ""),
    (Expected::END, "the end of the line", ""),
];

impl Expected {
    pub(super) const LAYER: Expected = Expected(1);
    pub(super) const ARGUMENT: Expected = Expected(1 << 1);
    pub(super) const CLAIM: Expected = Expected(1 << 2);
    pub(super) const VALUE: Expected = Expected(1 << 3);
    pub(super) const OPERAND: Expected = Expected(1 << 4);
    pub(super) const OPERATOR: Expected = Expected(1 << 5);
    pub(super) const NAME: Expected = Expected(1 << 6);
    pub(super) const NEW_NAME: Expected = Expected(1 << 7);
    pub(super) const SIZE: Expected = Expected(1 << 8);
    pub(super) const NUMBER: Expected = Expected(1 << 9);
    pub(super) const WHOLE: Expected = Expected(1 << 10);
    pub(super) const QUANTITY: Expected = Expected(1 << 11);
    pub(super) const FIGURE: Expected = Expected(1 << 12);
    pub(super) const SETTING: Expected = Expected(1 << 13);
    pub(super) const PATH: Expected = Expected(1 << 14);
    pub(super) const TITLE: Expected = Expected(1 << 15);
    pub(super) const BRACE: Expected = Expected(1 << 16);
    pub(super) const PAREN: Expected = Expected(1 << 17);
    pub(super) const COMMA: Expected = Expected(1 << 18);
    pub(super) const EQUALS: Expected = Expected(1 << 19);
    pub(super) const FROM: Expected = Expected(1 << 20);
    pub(super) const END: Expected = Expected(1 << 21);
    pub(super) const NOTHING: Expected = Expected(0);

    /// This or that.
    pub(super) const fn or(self, other: Expected) -> Expected {
        Expected(self.0 | other.0)
    }

    fn has(self, one: Expected) -> bool {
        self.0 & one.0 != 0
    }

    /// "a, b or c".
    fn phrase(self) -> String {
        let mut phrases: Vec<&str> = EXPECTED.iter().filter(|(e, ..)| self.has(*e)).map(|(_, p, _)| *p).collect();
        phrases.dedup();
        match phrases.split_last() {
            None => "something else".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }

    fn help(self) -> Option<&'static str> {
        EXPECTED.iter().filter(|(e, ..)| self.has(*e)).map(|(.., help)| *help).find(|h| !h.is_empty())
    }
}

impl<'a> SyntaxError<'a> {
    /// `what` should stand here; another alternative may still fit.
    pub(super) fn error(at: &'a str, what: Expected) -> nom::Err<Self> {
        nom::Err::Error(SyntaxError::expected(at, what))
    }

    /// Nothing else can be meant.
    pub(super) fn failure(at: &'a str, problem: Problem) -> nom::Err<Self> {
        nom::Err::Failure(SyntaxError::new(at, problem))
    }

    pub(super) fn new(at: &'a str, problem: Problem) -> Self {
        SyntaxError { at, problem }
    }

    /// `what` should stand here.
    pub(super) fn expected(at: &'a str, what: Expected) -> Self {
        SyntaxError { at, problem: Problem::Expected(what) }
    }

    /// Whether nothing was read and nothing said yet.
    pub(super) fn is_at(&self, start: &str) -> bool {
        self.at.len() == start.len() && matches!(self.problem, Problem::Expected(_))
    }

    /// Whether it is this problem.
    #[cfg(test)]
    pub(super) fn is(&self, problem: Problem) -> bool {
        self.problem == problem
    }
}

impl<'a> ParseError<&'a str> for SyntaxError<'a> {
    fn from_error_kind(at: &'a str, _: ErrorKind) -> Self {
        SyntaxError::expected(at, Expected::NOTHING)
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }

    /// The one that came further; both, if they came equally far.
    fn or(self, other: Self) -> Self {
        match self.at.len().cmp(&other.at.len()) {
            std::cmp::Ordering::Less => self,
            std::cmp::Ordering::Greater => other,
            std::cmp::Ordering::Equal => match (self.problem, other.problem) {
                (Problem::Expected(a), Problem::Expected(b)) => SyntaxError::expected(self.at, a.or(b)),
                (Problem::Expected(_), _) => other,
                _ => self,
            },
        }
    }
}

impl SyntaxError<'_> {
    /// As people read it.
    pub(super) fn diagnostic(&self, place: Place<'_>) -> Diagnostic {
        let found = Found::at(place, self.at);
        let origin = Origin::Text(found.span);
        let syntax = |message: String| Diagnostic::error("syntax", origin.clone(), message);
        match self.problem {
            Problem::Expected(expected) => found.instead_of(expected),
            Problem::Malformed => {
                let error = syntax(format!("{} is neither a number nor a size", found.quoted()));
                let small = found.token.replace('X', "x");
                if small != found.token && literal(&small).is_ok_and(|(rest, _)| rest.is_empty()) {
                    error.help(format!("write a small x: `{small}`")).fix(found.span, small)
                } else {
                    error.help("sizes are written `3x3`, shapes `64@28x28`, pads `0:1`; a blank ends a number")
                }
            }
            Problem::NumberTooBig => {
                let whole = found.token.bytes().all(|b| b.is_ascii_digit() || b == b'_');
                let why = if whole { "is beyond 2^53" } else { "is not exact with numbers up to 2^53" };
                Diagnostic::error("number-too-big", origin, format!("{} {why}", found.quoted()))
                    .help("write a smaller number, or fewer digits behind the point")
            }
            Problem::ZeroSize => {
                syntax(format!("{} has a size of 0", found.quoted())).help("channels and sizes are at least 1")
            }
            Problem::Grouping => syntax(format!("the commas behind {} do not group digits by three", found.quoted()))
                .help("write `2,800`, or `2_800`, or `2800`"),
            Problem::Unit => unknown_unit(&found),
            Problem::Framework => {
                let message = format!("{} is not a framework", found.quoted());
                let known = format!("known are {}", quoted_list(words::FRAMEWORKS));
                suggest(Diagnostic::error("unknown-word", origin, message), &found, words::FRAMEWORKS, &known)
            }
            Problem::Label => syntax(format!("{} cannot have a label, only a layer can", found.quoted()))
                .help("put the label before a layer inside it"),
            Problem::TooDeep => {
                Diagnostic::error("too-deep", origin, format!("this is nested deeper than {}", limits::NESTING))
                    .help("move the inner part into a `block`, or the inner value into a `let`")
            }
        }
    }
}

/// The token at the place of an error.
struct Found<'a> {
    place: Place<'a>,
    /// Nothing, if the line ends.
    token: &'a str,
    span: Span,
}

impl<'a> Found<'a> {
    fn at(place: Place<'a>, at: &str) -> Self {
        let start = place.offset(at);
        let rest = place.text.get(start..).unwrap_or("");
        let token = if at_line_end(skip_blank(rest)) { "" } else { token(rest) };
        Found { place, token, span: place.bytes(start, start.saturating_add(token.len())) }
    }

    fn before(&self) -> &'a str {
        self.place.text.get(..self.start()).unwrap_or("")
    }

    fn behind(&self) -> &'a str {
        self.place.text.get(self.start().saturating_add(self.token.len())..).unwrap_or("")
    }

    fn start(&self) -> usize {
        usize::try_from(self.span.start).unwrap_or(usize::MAX)
    }

    /// The token in backticks, shortened if it is long; characters without a picture by their number.
    fn quoted(&self) -> String {
        let shown: String = self.token.chars().take(40).map(picture).collect();
        let more = if shown.len() < self.token.len() && self.token.chars().count() > 40 { "…" } else { "" };
        format!("`{shown}{more}`")
    }

    fn instead_of(&self, expected: Expected) -> Diagnostic {
        let origin = Origin::Text(self.span);
        let wanted = expected.phrase();
        let first = self.token.chars().next();
        if let Some(c) = first.filter(|c| !is_known(*c)) {
            let message = format!("{} means nothing here", self.quoted());
            let error = Diagnostic::error("bad-character", origin, message);
            return match replacement(c) {
                Some(remedy) => error.help(remedy),
                None => error.help("remove it, or put it behind `#` as a comment"),
            };
        }
        if first == Some('}') {
            let error = Diagnostic::error("unexpected-close", origin, "this `}` closes nothing");
            return error.help("remove it, or add the `{` that it should close");
        }
        let message = match first {
            Some(_) => format!("{} here, {wanted} was expected", self.quoted()),
            None if self.behind().trim_start_matches([' ', '\t', '\r']).is_empty() => {
                format!("the file ends here, {wanted} was expected")
            }
            None => format!("the line ends here, {wanted} was expected"),
        };
        let error = Diagnostic::error("syntax", origin, message);
        match (self.token, first) {
            ("x" | "×", _) if self.joins_numbers() => {
                let blanks_before = self.before().len().saturating_sub(self.before().trim_end().len());
                let blanks_behind = self.behind().len().saturating_sub(self.behind().trim_start().len());
                let start = self.start().saturating_sub(blanks_before);
                let end = self.start().saturating_add(self.token.len()).saturating_add(blanks_behind);
                error.help("sizes are written without blanks: `3x3`").fix(self.place.bytes(start, end), "x")
            }
            (text, Some('"')) if text.len() == 1 || !text.ends_with('"') => {
                error.help("a text is closed by `\"` on the same line")
            }
            (",", _) if expected.has(Expected::PAREN) => error.help("sizes are written `3x3`, or `(a x b)`"),
            (":", _) => error.help("a label is one word and begins its line: `c1: conv 64 3x3`"),
            ("=", _) if expected.has(Expected::BRACE) => error.help("`==` compares"),
            ("!", _) => error.help("write `not`, or `!=` for unequal"),
            (".", _) => error.help("a number begins with a digit: `0.5`"),
            ("|", _) => error.help("branches stand between the braces of a join such as `add { | … | … }`"),
            ("else", _) => error.help("`else` goes with an `if`: `if … { … } else { … }`"),
            ("+" | "-" | "−" | "==" | "!=" | "<" | "<=" | ">" | ">=", _) if expected.has(Expected::ARGUMENT) => {
                error.help("arithmetic among arguments stands in parentheses: `(a + b)`")
            }
            (word, _) if words::is_keyword(word) && expected.has(Expected::END) => {
                error.help("a statement begins on a line of its own, or behind `;`")
            }
            (word, _) if words::is_keyword(word) => error.help(format!("`{word}` is a word of the language")),
            _ => match expected.help() {
                Some(help) => error.help(help),
                None => error,
            },
        }
    }

    /// Whether this `x` stands between two numbers: `3 x 3`.
    fn joins_numbers(&self) -> bool {
        self.before().trim_end_matches(' ').ends_with(|c: char| c.is_ascii_digit())
            && self.behind().trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit())
    }
}

/// The token that begins here, as the eye takes it.
fn token(i: &str) -> &str {
    let length = match i.chars().next() {
        None => 0,
        Some('"') => length_of_text(i),
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => i.find(|c| !glues(c)).unwrap_or(i.len()),
        Some(c) => words::SIGNS.iter().find(|s| i.starts_with(**s)).map_or(c.len_utf8(), |s| s.len()),
    };
    i.get(..length).unwrap_or(i)
}

/// Whether some token contains this character.
fn is_known(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.@%\"#!".contains(c) || words::SIGNS.iter().any(|s| s.contains(c))
}

/// A character as it can be shown on a terminal.
fn picture(c: char) -> String {
    let visible = c.is_ascii_graphic() || c == ' ' || (c.is_alphanumeric() && !c.is_ascii()) || is_known(c);
    if visible || "“”‘’„–—…→·÷⋅".contains(c) {
        c.to_string()
    } else {
        format!("U+{:04X}", u32::from(c))
    }
}

/// What to type in place of a character that is often pasted.
fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        '“' | '”' | '„' | '‘' | '’' | '\'' => "texts stand in straight quotes: `\"`",
        '–' | '—' => "write `-`",
        '→' => "write `->`",
        '÷' => "write `/`, inside parentheses",
        '·' | '⋅' => "write `*`",
        '[' | ']' => "sizes are written `3x3`, arithmetic stands in parentheses",
        '&' => "write `and`",
        '\u{a0}' | '\u{2009}' | '\u{202f}' => "this is a special blank; type a plain one",
        '\\' => "a statement ends with its line; blocks keep lines short",
        c if c.is_alphabetic() => "names are made of the letters a to z, digits and `_`",
        _ => return None,
    })
}

fn unknown_unit(found: &Found<'_>) -> Diagnostic {
    let known = format!("units are {}", quoted_list(words::UNITS));
    let error = Diagnostic::error("unknown-unit", Origin::Text(found.span), format!("{} is no unit", found.quoted()));
    let same: Vec<&str> = words::UNITS.iter().copied().filter(|u| u.eq_ignore_ascii_case(found.token)).collect();
    match same.as_slice() {
        [bytes @ ("kB" | "MB" | "GB" | "TB")] => {
            let prefix = bytes.trim_end_matches('B').to_uppercase();
            let (power, shift) = match prefix.as_str() {
                "K" => (3, 10),
                "M" => (6, 20),
                "G" => (9, 30),
                _ => (12, 40),
            };
            let help = format!("did you mean `{bytes}` (10^{power}) or `{prefix}iB` (2^{shift})?");
            error.help(help).fix(found.span, *bytes)
        }
        [one] => error.help(format!("did you mean `{one}`?")).fix(found.span, *one),
        _ => suggest(error, found, words::UNITS, &known),
    }
}

/// Adds the nearest of the words that would have been right, or the list of them.
fn suggest(error: Diagnostic, found: &Found<'_>, right: &[&'static str], list: &str) -> Diagnostic {
    match nearest(found.token, right.iter().copied()) {
        Some(word) => error.help(format!("did you mean `{word}`? {list}")).fix(found.span, word),
        None => error.help(list),
    }
}

fn quoted_list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}
