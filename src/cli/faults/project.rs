//! Pages on `cnnsize.yaml` and what `cnnsize check` holds models to.

use super::Example::{Config, Limit, Words};
use super::Fault;

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        slug: "bad-configuration",
        what: "cnnsize.yaml cannot be read",
        why: "A key that is misspelt would be a budget that never fails.",
        example: Config("models:\n  - path: net.arch\n    budget: { infer.memory: 64 }"),
        remedy: "The message says what is wrong and where; `cnnsize schema config` describes the file, for editors too.",
    },
    Fault {
        slug: "configuration-too-big",
        what: "cnnsize.yaml has more than 256 KiB",
        why: "No project lists so many models one by one.",
        example: Words("a list of 10,000 files under `models`"),
        remedy: "List models by a pattern: `path: models/*.arch`.",
    },
    Fault {
        slug: "configuration-too-deep",
        what: "cnnsize.yaml nests its brackets too deep",
        why: "The time that YAML takes grows with the square of the depth; a configuration needs three levels.",
        example: Config(
            "exclude: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        ),
        remedy: "Remove the brackets.",
    },
    Fault {
        slug: "configured",
        what: "settings of cnnsize.yaml hold for a file that was named",
        why: "What is sized, explained, verified or exported is not the file as written.",
        example: Words(
            "`cnnsize net.arch`, or `cnnsize export net.arch`, where cnnsize.yaml says `defaults: { batch: 32 }`",
        ),
        remedy: "Nothing, if it is meant; `--isolated` leaves the configuration out, and an option such as `--batch 1` goes before it.",
    },
    Fault {
        slug: "grew",
        what: "a figure grew over cnnsize.lock.json by more than `max-growth`",
        why: "Many small steps are a large one; the baseline is where somebody last agreed.",
        example: Words("`max-growth: 5 %`, and a layer twice as wide"),
        remedy: "If it is meant, write the new figures: `cnnsize check --update-baseline`.",
    },
    Fault {
        slug: "no-baseline",
        what: "a model with `max-growth` has no figures in cnnsize.lock.json, or not for these settings",
        why: "Growth over nothing is not known.",
        example: Limit("budget: { max-growth: 5 % }", "input 3@8x8\nconv 4 3x3"),
        remedy: "Write today's figures: `cnnsize check --update-baseline`.",
    },
    Fault {
        slug: "no-such-model",
        what: "a path of cnnsize.yaml matches no file",
        why: "Its budget would never be checked.",
        example: Words("`path: nets/*.arch` where the folder is called `models`"),
        remedy: "Correct it; paths are relative to cnnsize.yaml.",
    },
    Fault {
        slug: "over-budget",
        what: "a figure is over its limit in cnnsize.yaml",
        why: "Somebody decided what the model may cost.",
        example: Limit("budget: { params: 100 }", "input 3@8x8\nconv 4 3x3"),
        remedy: "Make the model smaller where the message points, or raise the limit in cnnsize.yaml.",
    },
    Fault {
        slug: "two-configurations",
        what: "two configurations stand in one folder",
        why: "One of them would be ignored.",
        example: Words("`cnnsize.yaml` and `.cnnsize.yaml` side by side"),
        remedy: "Keep `cnnsize.yaml` only.",
    },
    Fault {
        slug: "unknown-figure",
        what: "a figure that must be known is not, or not fully",
        why: "What is not known may be over the limit, so it fails like that.",
        example: Words("a budget on `macs` of an ONNX graph with an operator that is not modelled, or `--strict`"),
        remedy: "The notes say which operators are in the way and why; `--input` and `--dim` fix sizes that are open.",
    },
    Fault {
        slug: "unknown-lint",
        what: "a comment allows a lint that there is not",
        why: "What was to be allowed is not.",
        example: Limit("budget: { params: 1k }", "# cnnsize: allow even-sam\ninput 3@8x8\nconv 4 3x3"),
        remedy: "Correct the name; the message gives the nearest.",
    },
    Fault {
        slug: "unlisted-model",
        what: "cnnsize.yaml lists some models of a file by name, and this one is none of them",
        why: "A model that is added later would never be checked, and nobody would notice.",
        example: Words("`models: [{ path: net.arch, model: small }]`, and a second model in net.arch"),
        remedy: "Give it an entry too, `model: NAME`, or leave `model` out of all entries of the file.",
    },
    Fault {
        slug: "unreadable-configuration",
        what: "cnnsize.yaml cannot be opened",
        why: "Without it, nothing of what it says would hold.",
        example: Words("`--config conf/cnnsize.yaml`, where there is no such file"),
        remedy: "The message says why.",
    },
];
