//! The statement loop: reads statement after statement, and goes on behind a broken one with one message about it.

use super::ast::{File, Name, Size, Spanned, Stmt, Top};
use super::braces::Braces;
use super::error::{Expected, Problem, SyntaxError};
use super::expect::claim;

use super::token::{
    Place, Res, at_line_end, behind, blank, is_repeat, keyword, length_of_text, lex, new_name, skip_blank, skip_ends,
    spanned, word,
};
use super::top::top;
use super::words;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::limits;
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::char;
use nom::combinator::map;
use nom::multi::separated_list1;
use nom::sequence::{preceded, terminated};

/// What the parsers of statements share.
pub(super) struct Reader<'a> {
    pub(super) place: Place<'a>,
    braces: Braces,
    diagnostics: Vec<Diagnostic>,
    /// Messages left out because there are too many.
    left_out: usize,
    /// Whether a `|` ends the statements that are being read.
    in_branch: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(place: Place<'a>) -> Self {
        let (braces, diagnostics) = Braces::of(place);
        Reader { place, braces, diagnostics, left_out: 0, in_branch: false }
    }

    /// Reads the whole text.
    pub(super) fn file(mut self) -> (File, Vec<Diagnostic>) {
        let text = self.place.text;
        let (_, items) = self.lines(text.strip_prefix('\u{feff}').unwrap_or(text), top, Top::Stmt);
        for item in items.iter().skip(1).filter(|item| matches!(item.node, Top::Edition(_))) {
            let error = Diagnostic::error("misplaced", Origin::Text(item.span), "`arch` belongs on the first line");
            self.report(error.help("move it to the top of the file"));
        }
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|d| match d.origin {
            Origin::Text(span) => span.start,
            Origin::Node { .. } | Origin::Byte(_) | Origin::File => 0,
        });
        if let Some(last) = diagnostics.last_mut().filter(|_| self.left_out > 0) {
            last.notes.push(format!("{} further messages about this file are left out", self.left_out));
        }
        (File { items }, diagnostics)
    }

    /// Adds a message.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < limits::SYNTAX_ERRORS {
            self.diagnostics.push(diagnostic);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// `{ end } [ item { end { end } item } { end } ]`, up to the end of the text or, in a branch, the next `|`. `bad`
    /// wraps what stands for a broken line.
    pub(super) fn lines<T>(
        &mut self,
        mut i: &'a str,
        item: fn(&mut Self, &'a str) -> Res<'a, T>,
        bad: fn(Stmt) -> T,
    ) -> (&'a str, Vec<Spanned<T>>) {
        let mut items = Vec::new();
        loop {
            i = skip_ends(i);
            if i.is_empty() || (self.in_branch && i.starts_with('|')) {
                return (i, items);
            }
            let (rest, node) = match item(self, i) {
                Ok(read) => read,
                Err(error) => {
                    self.report_error(error);
                    let (rest, stmt) = self.broken(i);
                    (rest, bad(stmt))
                }
            };
            items.push(Spanned { node, span: self.place.span(i, rest) });
            i = rest;
        }
    }

    /// The statements of a branch: up to the next `|`.
    pub(super) fn branch(
        &mut self,
        i: &'a str,
        stmt: fn(&mut Self, &'a str) -> Res<'a, Stmt>,
    ) -> (&'a str, Vec<Spanned<Stmt>>) {
        self.in_branch = true;
        self.lines(i, stmt, |bad| bad)
    }

    /// Checks that a statement ends here: with the line, at a `;`, with the body or the branch. `also` could have followed
    /// as well.
    pub(super) fn end(&self, i: &'a str, also: Expected) -> Result<(), nom::Err<SyntaxError<'a>>> {
        let next = skip_blank(i);
        let ends = at_line_end(next) || next.starts_with(';') || (self.in_branch && next.starts_with('|'));
        if ends { Ok(()) } else { Err(SyntaxError::failure(next, Problem::Expected(also.or(Expected::END)))) }
    }

    /// The same for a statement whose body has been read and is kept, whatever follows it.
    pub(super) fn end_behind_body(&mut self, i: &'a str, also: Expected) -> &'a str {
        match self.end(i, also) {
            Ok(()) => i,
            Err(error) => self.go_on_behind(error, i),
        }
    }

    /// Reports an error and gives the end of the statement.
    pub(super) fn go_on_behind(&mut self, error: nom::Err<SyntaxError<'a>>, i: &'a str) -> &'a str {
        self.report_error(error);
        self.skip(i).0
    }

    fn report_error(&mut self, error: nom::Err<SyntaxError<'a>>) {
        if let nom::Err::Error(error) | nom::Err::Failure(error) = error {
            self.report(error.diagnostic(self.place));
        }
    }

    /// What `read` makes of the text between the braces that open here.
    pub(super) fn braced<T: Default>(&mut self, i: &'a str, read: impl FnOnce(&mut Self, &'a str) -> T) -> Res<'a, T> {
        let i = self.brace(i)?;
        let (inside, rest) = self.split(i);
        if self.place.depth >= limits::NESTING {
            self.report(SyntaxError::new(i, Problem::TooDeep).diagnostic(self.place));
            return Ok((rest, T::default()));
        }
        let outer = (self.place, self.in_branch);
        (self.place, self.in_branch) = (self.place.deeper(), false);
        let read = read(self, inside);
        (self.place, self.in_branch) = outer;
        Ok((rest, read))
    }

    /// The text from the `{` on. One that stands on a later line is taken, with a message.
    fn brace(&mut self, i: &'a str) -> Result<&'a str, nom::Err<SyntaxError<'a>>> {
        let here = blank(i);
        if here.starts_with('{') {
            return Ok(here);
        }
        let missing = SyntaxError::new(here, Problem::Expected(Expected::BRACE));
        let next = skip_ends(i);
        if at_line_end(skip_blank(i)) && next.starts_with('{') {
            let error = self.joined(missing.diagnostic(self.place).help("write `{` on this line"), i, next);
            self.report(error);
            return Ok(next);
        }
        Err(nom::Err::Failure(missing))
    }

    /// A message with the remedy of pulling `next` up to the line of `i`, unless a comment stands between them.
    pub(super) fn joined(&self, error: Diagnostic, i: &'a str, next: &'a str) -> Diagnostic {
        let span = self.place.span(i, next);
        let between = i.get(..i.len().saturating_sub(next.len())).unwrap_or("");
        if between.contains('#') { error } else { error.fix(span, " ") }
    }

    /// The text between the braces that open here, and the text behind them.
    fn split(&self, i: &'a str) -> (&'a str, &'a str) {
        let open = self.place.offset(i);
        let pair = self.braces.pair(open);
        let length = pair.close.saturating_sub(open);
        let end = length.saturating_add(usize::from(pair.closed));
        (i.get(1..length).unwrap_or(behind(i, i.len())), behind(i, end))
    }

    /// What stands for a broken statement, and the text behind it.
    pub(super) fn broken(&self, i: &'a str) -> (&'a str, Stmt) {
        let (rest, arrow) = self.skip(i);
        let text = i.get(..i.len().saturating_sub(rest.len())).unwrap_or(i);
        (rest, Stmt::Bad { names: self.introduced(text), claim: arrow.and_then(|arrow| self.last_claim(arrow, rest)) })
    }

    /// The end of the statement, over braces, texts and comments; and its last `->`.
    fn skip(&self, i: &'a str) -> (&'a str, Option<&'a str>) {
        let mut arrow = None;
        let mut rest = i;
        while let Some(byte) = rest.bytes().next() {
            let length = match byte {
                b'\n' | b';' => break,
                b'|' if self.in_branch => break,
                b'#' => rest.len().saturating_sub(skip_blank(rest).len()),
                b'"' => length_of_text(rest),
                b'{' => rest.len().saturating_sub(self.split(rest).1.len()),
                b'-' if rest.starts_with("->") => {
                    arrow = Some(rest);
                    2
                }
                _ => rest.chars().next().map_or(1, char::len_utf8),
            };
            rest = behind(rest, length);
        }
        (rest, arrow)
    }

    /// The claim that a broken line ends with.
    fn last_claim(&self, arrow: &'a str, rest: &'a str) -> Option<Spanned<Size>> {
        let text = arrow.get(..arrow.len().saturating_sub(rest.len()))?;
        let (rest, claim) = claim(self.place, text).ok()?;
        skip_blank(rest).is_empty().then_some(claim)
    }

    /// The names that a broken line would have introduced.
    fn introduced(&self, i: &'a str) -> Vec<Name> {
        let label = terminated(spanned(self.place, map(word, str::to_owned)), lex(char(':')));
        let declared = preceded(alt((keyword("let"), keyword("block"))), |i| new_name(self.place, i));
        let imported = preceded(keyword("import"), separated_list1(lex(char(',')), |i| new_name(self.place, i)));
        let one = |name| vec![name];
        alt((map(label, one), map(declared, one), imported)).parse(i).map_or(Vec::new(), |(_, names)| names)
    }

    /// Reports a name that has a meaning in the language; `what` is what it was to be.
    pub(super) fn check_new_name(&mut self, name: &Name, what: &str) -> bool {
        let word = &name.node;
        let why = if is_repeat(word) {
            "reads as a repetition"
        } else if words::is_reserved(word) {
            "is a word of the language"
        } else {
            return false;
        };
        let message = format!("`{word}` {why} and cannot be {what}");
        let error = Diagnostic::error("reserved-word", Origin::Text(name.span), message);
        self.report(error.help(format!("take another name, for example `my_{word}`")));
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::base::source::Sources;
    use crate::front::arch::ast::{Size, Stmt, Top};
    use crate::front::arch::parse;

    /// Names and claim of the one, broken, line.
    fn broken(text: &str) -> (Vec<String>, Option<Size>) {
        let (file, diagnostics) = parse(Sources::default().add("broken.arch", text.to_owned()), text);
        assert_eq!((file.items.len(), diagnostics.len()), (1, 1), "{text}: {diagnostics:#?}");
        let Top::Stmt(Stmt::Bad { names, claim }) = &file.items[0].node else { panic!("{file:#?}") };
        (names.iter().map(|n| n.node.clone()).collect(), claim.as_ref().map(|c| c.node.clone()))
    }

    #[test]
    fn a_broken_line_keeps_its_claim() {
        let claimed = |text| broken(text).1;
        assert_eq!(claimed("conv 64 $ -> 64@28x28  # why"), Some(Size::Shape(64, vec![28, 28])));
        assert_eq!(claimed("conv 64 -> 3 -> 28x28"), Some(Size::Dims(vec![28, 28])));
    }

    #[test]
    fn a_claim_inside_braces_or_a_text_is_not_the_line_s() {
        assert_eq!(broken("conv $ { conv 3 -> 3@4x4 }").1, None);
        assert_eq!(broken("conv $ \"-> 3@4x4\"").1, None);
        assert_eq!(broken("conv $ -> 3@4x4 same").1, None);
    }

    #[test]
    fn a_broken_line_keeps_the_names_it_introduces() {
        let names = |text| broken(text).0;
        assert_eq!(names("c1: conv 64 $"), ["c1"]);
        assert_eq!(names("let k = 3 3"), ["k"]);
        assert_eq!(names("block f(a b) { relu }"), ["f"]);
        assert_eq!(names("import f, g from lib.arch"), ["f", "g"]);
        assert_eq!(names("conv 64 $"), [""; 0]);
    }
}
