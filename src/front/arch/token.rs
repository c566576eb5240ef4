//! Lexemes: blanks and comments, names, texts, signs. Numbers are in [`super::number`].
//!
//! A parser skips the blanks in front of what it reads, never those behind, so that spans fit tightly.

use super::ast::{Name, Spanned};
use super::error::{Expected, SyntaxError};
use super::words;
use crate::base::source::{SourceId, Span};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while};
use nom::character::complete::{char, digit1, one_of, satisfy};
use nom::combinator::{not, opt, recognize, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

/// What every parser of this room returns.
pub(super) type Res<'a, T> = IResult<&'a str, T, SyntaxError<'a>>;

/// Where the parsers are: the text, and how many braces and parentheses are open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) source: SourceId,
    pub(super) text: &'a str,
    pub(super) depth: usize,
}

impl Place<'_> {
    /// Byte offset of a part of the text.
    pub(super) fn offset(self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr()).min(self.text.len())
    }

    /// From the start of one part of the text to the start of another.
    pub(super) fn span(self, from: &str, to: &str) -> Span {
        self.bytes(self.offset(from), self.offset(to))
    }

    /// From byte to byte.
    pub(super) fn bytes(self, start: usize, end: usize) -> Span {
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX); // `limits::FILE_BYTES` is far below
        Span { source: self.source, start: narrow(start), end: narrow(end) }
    }

    /// The same one brace or parenthesis deeper.
    pub(super) fn deeper(self) -> Self {
        Place { depth: self.depth.saturating_add(1), ..self }
    }
}

/// The text behind so many bytes of it.
pub(super) fn behind(i: &str, bytes: usize) -> &str {
    i.split_at_checked(bytes).map_or_else(|| i.trim_start_matches(|_| true), |(_, rest)| rest)
}

/// The text behind blanks and a comment.
pub(super) fn skip_blank(i: &str) -> &str {
    let i = i.trim_start_matches([' ', '\t', '\r']);
    if i.starts_with('#') { i.trim_start_matches(|c| c != '\n') } else { i }
}

/// The text from the next token on. At the end of a line it stays where it is, so that a message about what is missing
/// points behind the last token and not behind a comment.
pub(super) fn blank(i: &str) -> &str {
    let rest = skip_blank(i);
    if at_line_end(rest) { i } else { rest }
}

/// Whether nothing stands here any more.
pub(super) fn at_line_end(i: &str) -> bool {
    i.is_empty() || i.starts_with('\n')
}

/// The text behind blanks, comments, line ends and semicolons.
pub(super) fn skip_ends(mut i: &str) -> &str {
    loop {
        let rest = skip_blank(i).trim_start_matches(['\n', ';']);
        if rest.len() == i.len() {
            return i;
        }
        i = rest;
    }
}

/// A parser with the blanks in front of it.
pub(super) fn lex<'a, P>(mut parser: P) -> impl Parser<&'a str, Output = P::Output, Error = SyntaxError<'a>>
where
    P: Parser<&'a str, Error = SyntaxError<'a>>,
{
    move |i| parser.parse(blank(i))
}

/// A parser with the blanks in front of it and the place of what it read.
pub(super) fn spanned<'a, P>(
    place: Place<'a>,
    mut parser: P,
) -> impl Parser<&'a str, Output = Spanned<P::Output>, Error = SyntaxError<'a>>
where
    P: Parser<&'a str, Error = SyntaxError<'a>>,
{
    move |i| {
        let i = blank(i);
        let (rest, node) = parser.parse(i)?;
        Ok((rest, Spanned { node, span: place.span(i, rest) }))
    }
}

/// A parser of which a message says what it reads, when it fails at its first token.
pub(super) fn expecting<'a, P>(
    what: Expected,
    mut parser: P,
) -> impl Parser<&'a str, Output = P::Output, Error = SyntaxError<'a>>
where
    P: Parser<&'a str, Error = SyntaxError<'a>>,
{
    move |i| {
        let i = blank(i);
        parser.parse(i).map_err(|e| e.map(|e| if e.is_at(i) { SyntaxError::expected(i, what) } else { e }))
    }
}

/// One part of a name: `in`, `c1`.
pub(super) fn word(i: &str) -> Res<'_, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_alphabetic() || c == '_'),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ))
    .parse(i)
}

/// Words with dots between them, keywords and repetitions included.
pub(super) fn any_name(i: &str) -> Res<'_, &str> {
    recognize(pair(word, many0_count(preceded(char('.'), word)))).parse(i)
}

/// A name that is neither a keyword nor a repetition.
pub(super) fn name(i: &str) -> Res<'_, String> {
    let free = |n: &&str| !words::is_keyword(n) && !is_repeat(n);
    verify(any_name, free).map(str::to_owned).parse(i)
}

/// A name with its place.
pub(super) fn spanned_name<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Name> {
    spanned(place, expecting(Expected::NAME, name)).parse(i)
}

/// A name of one part that something new is to have; whether it is reserved is checked where it is declared.
pub(super) fn new_name<'a>(place: Place<'a>, i: &'a str) -> Res<'a, Name> {
    let word = verify(any_name, |n: &str| !n.contains('.')).map(str::to_owned);
    spanned(place, expecting(Expected::NEW_NAME, word)).parse(i)
}

/// This keyword and not a longer word.
pub(super) fn keyword<'a>(keyword: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = SyntaxError<'a>> {
    lex(verify(any_name, move |n: &str| n == keyword))
}

/// The keyword or name that stands next, or nothing.
pub(super) fn next_word(i: &str) -> &str {
    any_name(blank(i)).map_or("", |(_, word)| word)
}

/// Whether this word reads as a repetition: `x3`.
pub(super) fn is_repeat(word: &str) -> bool {
    let count = word.strip_prefix('x').unwrap_or("");
    count.starts_with(|c: char| c.is_ascii_digit()) && count.chars().all(|c| c.is_ascii_digit() || c == '_')
}

/// Digits with single `_` between them.
pub(super) fn digits(i: &str) -> Res<'_, &str> {
    recognize(pair(digit1, many0_count(preceded(opt(char('_')), digit1)))).parse(i)
}

/// `x` or `×`.
pub(super) fn times(i: &str) -> Res<'_, char> {
    one_of("x×").parse(i)
}

/// `-` or `−`, but not the beginning of `->`.
pub(super) fn minus(i: &str) -> Res<'_, char> {
    terminated(one_of("-−"), not(char('>'))).parse(i)
}

/// `->`.
pub(super) fn arrow(i: &str) -> Res<'_, &str> {
    recognize(pair(one_of("-−"), char('>'))).parse(i)
}

/// `=`, but not the beginning of `==`.
pub(super) fn equals(i: &str) -> Res<'_, &str> {
    terminated(tag("="), not(char('='))).parse(i)
}

/// `+-` or `±`.
pub(super) fn plus_minus(i: &str) -> Res<'_, &str> {
    alt((tag("±"), recognize(pair(char('+'), one_of("-−"))))).parse(i)
}

/// A text between quotes on one line, without the quotes.
pub(super) fn string(i: &str) -> Res<'_, String> {
    let closed = delimited(char('"'), take_till(|c| c == '"' || c == '\n'), char('"'));
    closed.map(str::to_owned).parse(i)
}

/// Bytes of the text in quotes that begins here; it ends with its line at the latest.
pub(super) fn length_of_text(i: &str) -> usize {
    let inside = i.get(1..).unwrap_or("");
    match inside.find(['"', '\n']) {
        Some(end) if inside.as_bytes().get(end) == Some(&b'"') => end.saturating_add(2),
        Some(end) => end.saturating_add(1),
        None => i.len(),
    }
}
