//! Pages on the form of `.arch` texts.

use super::Example::Text;
use super::Fault;

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        slug: "bad-character",
        what: "a character has no meaning in the language",
        why: "It is often pasted from a PDF or a word processor: a curly quote, a long dash, an arrow.",
        example: Text("input 3@8x8\nconv 8 3x3 → 8@6x6"),
        remedy: "Type the plain one that the message gives.",
    },
    Fault {
        slug: "edition-too-new",
        what: "a file is of an edition that this program does not know",
        why: "The meaning of a text never changes within an edition, so a newer one cannot be read as an older.",
        example: Text("arch 2\ninput 3@8x8"),
        remedy: "Install a newer cnnsize.",
    },
    Fault {
        slug: "else-on-new-line",
        what: "an `else` stands on a line of its own",
        why: "A line ends a statement, so the `if` would be over.",
        example: Text("input 3@8x8\nif 1 == 1 {\n  relu\n}\nelse {\n  tanh\n}"),
        remedy: "Write `} else {` on one line.",
    },
    Fault {
        slug: "import-missing",
        what: "a file that is imported does not exist, or has no such block",
        why: "The blocks that it should bring cannot be expanded.",
        example: Text("import bottleneck from \"lib/blocks.arch\"\ninput 3@8x8\nbottleneck"),
        remedy: "Correct the path, which is relative to the importing file, or the name.",
    },
    Fault {
        slug: "misplaced",
        what: "a statement stands where it cannot",
        why: "Settings, imports and blocks are about the whole file, layers about one model.",
        example: Text("input 3@8x8\nrepeat 2 {\n  batch 3\n}"),
        remedy: "Move it to the top of the file.",
    },
    Fault {
        slug: "missing-bar",
        what: "a branch does not begin with `|`",
        why: "The bar shows where one branch ends and the next begins.",
        example: Text("input 3@8x8\nadd {\n  conv 3 1x1\n  | identity\n}"),
        remedy: "Put a `|` before the first line of each branch.",
    },
    Fault {
        slug: "syntax",
        what: "a line cannot be read",
        why: "Something stands where the language has another thing.",
        example: Text("input 3@8x8\nconv 8 3x3 +"),
        remedy: "The message says what was expected; `grammar/arch.ebnf` is the whole grammar.",
    },
    Fault {
        slug: "unclosed-brace",
        what: "a `{` is never closed",
        why: "Where the block ends decides what is repeated or branched.",
        example: Text("input 3@8x8\nrepeat 2 {\n  conv 3 3x3"),
        remedy: "Add the `}`.",
    },
    Fault {
        slug: "unexpected-close",
        what: "a `}` closes nothing",
        why: "A `{` is missing before it, or one `}` is too many.",
        example: Text("input 3@8x8\n}"),
        remedy: "Remove it, or add the `{`.",
    },
];
