//! Pages on the files that texts are read from.

use super::Example::Words;
use super::Fault;

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        slug: "file-too-big",
        what: "a text is larger than 1 MiB",
        why: "No network is written in so many lines by hand; it is probably another file.",
        example: Words("a log that is named `net.arch`"),
        remedy: "Move blocks into files of their own and `import` them.",
    },
    Fault {
        slug: "import-cycle",
        what: "files import one another",
        why: "Neither could be read before the other.",
        example: Words("`a.arch` imports from `b.arch`, which imports from `a.arch`"),
        remedy: "Move the common blocks into a third file.",
    },
    Fault {
        slug: "import-escape",
        what: "an import leaves the project",
        why: "A file that is checked out from somewhere must not read what lies beside it.",
        example: Words("`import f from \"../../x.arch\"` in a project that ends one folder up"),
        remedy: "Move the blocks into the project: the folder with `cnnsize.yaml` or `.git`.",
    },
    Fault {
        slug: "import-unreadable",
        what: "a file that is imported cannot be read",
        why: "It exists, but the system does not hand it out, or it is not UTF-8.",
        example: Words("`import f from \"lib\"`, where `lib` is a folder"),
        remedy: "The message says why; give the file's own path.",
    },
    Fault {
        slug: "not-arch",
        what: "a file is not a text of the language",
        why: "A Git LFS pointer stands in the place of a file that was not fetched.",
        example: Words("a file that begins with `version https://git-lfs`"),
        remedy: "Fetch the file itself: `git lfs pull`.",
    },
    Fault {
        slug: "not-utf-8",
        what: "a text is not UTF-8",
        why: "Its characters could be read in several ways.",
        example: Words("a file that an editor saved as UTF-16"),
        remedy: "Save it as UTF-8.",
    },
    Fault {
        slug: "too-many-imports",
        what: "a file imports more than 64 others",
        why: "A bound keeps a small file from opening a whole disk.",
        example: Words("a chain of 65 files that import one another"),
        remedy: "Put blocks that belong together into one file.",
    },
];
