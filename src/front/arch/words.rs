//! The words and signs of the language, each once. Names of layers and the words they understand are not here: they come
//! from the rooms of [`crate::ops`].

use crate::ops;
use std::collections::HashSet;
use std::sync::OnceLock;

/// Words that begin what may stand only at the top of a file.
pub const TOP: &[&str] = &["arch", "framework", "batch", "precision", "import", "default", "block", "model"];

/// Words that begin a statement.
pub const STATEMENT: &[&str] = &["input", "repeat", "if", "frozen", "side", "from", "output", "let", "expect"];

/// Words inside statements.
pub const INNER: &[&str] = &["else", "as", "at", "and", "or", "not", "x"];

/// What `framework` takes. Anywhere else these are plain names.
pub const FRAMEWORKS: &[&str] = &["keras", "pytorch", "caffe", "onnx", "paper"];

/// What may follow the value of an `expect`. Anywhere else these are plain names.
pub const UNITS: &[&str] =
    &["k", "K", "M", "G", "T", "Ki", "Mi", "Gi", "B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB"];

/// Signs, a longer one before its own beginnings.
pub const SIGNS: &[&str] = &[
    "->", "−>", "+-", "+−", "±", "==", "!=", "!~", "<=", ">=", "=", "~", "<", ">", "+", "-", "−", "*", "/", "(", ")",
    "{", "}", "|", ",", ":", ";", "×",
];

/// Layers that pass their tensor on and make no operator.
pub const PASSES: &[&str] = &["identity", "linear"];

/// What may stand behind the sizes of an `input`. Anywhere else these are plain names.
pub const INPUTS: &[&str] = &["rgb", "rgba", "gray", "grey", "hwc", "chw"];

/// Functions of expressions. Anywhere else these are plain names.
pub const FUNCTIONS: &[&str] = &["floor", "ceil", "round", "min", "max", "divisible"];

/// Names that the language gives to values: the incoming tensor and the truth values.
const VALUES: &[&str] = &["in", "on", "off"];

/// Whether this is a keyword and so never a name.
pub fn is_keyword(word: &str) -> bool {
    [TOP, STATEMENT, INNER].iter().any(|list| list.contains(&word))
}

/// Whether this word has a meaning of its own, so that nothing may be named by it.
pub fn is_reserved(word: &str) -> bool {
    static LAYER_WORDS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let of_layers = LAYER_WORDS.get_or_init(|| {
        ops::layers().flat_map(|l| [l.keyword].into_iter().chain(l.aliases.iter().chain(l.words).copied())).collect()
    });
    is_keyword(word) || PASSES.contains(&word) || VALUES.contains(&word) || of_layers.contains(word)
}
