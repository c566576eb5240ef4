//! Names and texts from files are hostile: they may hold terminal codes, newlines, characters that turn the reading
//! direction round, or commands of a build server's log. Everything for people goes through [`visible`] first.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything invisible written out, as `\n` or `\u{1b}`. It stays on one line and cannot begin a command
/// of a build server (`::add-mask::`, `##[group]`, `##vso[task.setvariable]`).
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let commands = COMMANDS.iter().any(|command| text.contains(command)) || text.trim_start().starts_with("::");
    if !commands && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => code(c, &mut out),
            c => out.push(c),
        }
    }
    let out = COMMANDS.iter().fold(out, |out, command| out.replace(command, &format!("#\\u{{23}}{}", &command[2..])));
    Cow::Owned(if out.trim_start().starts_with("::") { out.replacen("::", "\\u{3a}:", 1) } else { out })
}

/// How commands of Azure's build server begin, anywhere in a line.
const COMMANDS: &[&str] = &["##[", "##vso["];

/// The text of `visible` in ASCII alone: `×` becomes `x`, whatever else is not ASCII its code.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '×' => out.push('x'),
            '·' => out.push('-'),
            'µ' => out.push('u'),
            '≥' => out.push_str(">="),
            '…' => out.push_str("..."),
            c if c.is_ascii() => out.push(c),
            c => code(c, &mut out),
        }
    }
    Cow::Owned(out)
}

fn code(c: char, out: &mut String) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// Letters, digits and the like: nothing that hides or begins a command, as nearly every name is.
pub(super) fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'$'..=b'9' | b';' | b'='..=b'~')
}

/// Controls, line separators, marks of the reading direction, and characters that take no room.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_survives() {
        assert_eq!(visible("conv1"), "conv1");
        assert_eq!(visible("a\u{1b}[31mb\u{9b}c\u{7f}"), "a\\u{1b}[31mb\\u{9b}c\\u{7f}");
        assert_eq!(visible("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(visible("\u{202e}evil\u{2066}"), "\\u{202e}evil\\u{2066}");
    }

    #[test]
    fn commands_of_build_servers_are_defused_and_scoped_names_are_not_touched() {
        assert_eq!(visible("::stop-commands::x"), "\\u{3a}:stop-commands::x");
        assert_eq!(visible("  ::error"), "  \\u{3a}:error");
        assert_eq!(visible("##[group]"), "#\\u{23}[group]");
        assert_eq!(visible("a ##vso[b]"), "a #\\u{23}vso[b]");
        assert_eq!(visible("aten::conv"), "aten::conv");
    }

    #[test]
    fn ascii_is_ascii() {
        assert_eq!(ascii("3×3 · é"), "3x3 - \\u{e9}");
    }
}
