//! What a configuration may ask of the YAML library. Its time grows with the square of the depth of brackets, so that a
//! file of 100,000 of them would hold it up for minutes; they are counted before.

use super::at;
use cnnsize::base::diagnostic::Diagnostic;
use cnnsize::base::source::{SourceId, Sources};

/// Largest configuration.
pub(super) const BYTES: usize = 256 << 10;
/// Deepest nesting of brackets outside of quotes and comments.
const DEPTH: usize = 64;
/// Most brackets that open at all, in quotes too, where this file's idea of a quote might not be the library's.
const OPENINGS: usize = 4096;

/// Refuses what is too much.
pub(super) fn check(id: SourceId, sources: &Sources) -> Result<(), Diagnostic> {
    let text = &sources.get(id).text;
    if text.len() > BYTES {
        let message = format!("a configuration may have {BYTES} bytes, this one has more");
        return Err(Diagnostic::error("configuration-too-big", at(id, 0), message)
            .help("list models by a pattern: `path: models/*.arch`"));
    }
    match too_deep(text) {
        None => Ok(()),
        Some(offset) => {
            let message = format!("brackets nest deeper than {DEPTH}, or more than {OPENINGS} open");
            Err(Diagnostic::error("configuration-too-deep", at(id, offset), message)
                .help("a configuration needs three levels"))
        }
    }
}

/// Where the brackets become too many.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut openings) = (0usize, 0usize);
    let mut quote = None;
    let mut comment = false;
    let mut before = b'\n';
    for (offset, byte) in text.bytes().enumerate() {
        if matches!(byte, b'[' | b'{') && !comment {
            openings += 1;
        }
        match (quote, byte) {
            _ if byte == b'\n' => comment = false,
            _ if comment => {}
            (Some(open), _) if byte == open && !(open == b'"' && before == b'\\') => quote = None,
            (Some(_), _) => {}
            (None, b'#') if before.is_ascii_whitespace() => comment = true,
            // A quote opens where a value may begin; elsewhere it is an apostrophe.
            (None, b'"' | b'\'') if before.is_ascii_whitespace() || b"[{,:-".contains(&before) => quote = Some(byte),
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        if depth > DEPTH || openings > OPENINGS {
            return Some(offset);
        }
        before = byte;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_level_passes_and_the_next_does_not() {
        let nested = |n: usize| format!("a: {}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(too_deep(&nested(DEPTH)), None);
        assert_eq!(too_deep(&nested(DEPTH + 1)), Some(3 + DEPTH));
        assert_eq!(too_deep(&format!("a: '{}' # {}", "[".repeat(99), "[".repeat(99))), None);
        assert!(too_deep(&format!("a: don't {}", "[".repeat(99))).is_some());
        assert!(too_deep(&format!("a: |\n  \"\nb: {}", "[".repeat(9999))).is_some());
    }
}
