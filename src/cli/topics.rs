//! Pages of `cnnsize explain`: a lint, a finding, a layer, an operator, a block of the prelude, a counting convention,
//! and the list of these.

use super::faults::{self, Fault};
use cnnsize::analyze::convention::{self, CONVENTIONS, Convention, REFUSED};
use cnnsize::base::suggest;
use cnnsize::front::arch::prelude;
use cnnsize::lint::{self, LINTS, Lint};
use cnnsize::ops::layer::{Layer, Need, Number, Takes};
use cnnsize::ops::rules::{OpKind, SlotRole, Storage};
use cnnsize::ops::{self, ROOMS};
use cnnsize::render::escape::visible;
use std::fmt::Write;

/// The word for the list of counting conventions.
const CONVENTIONS_PAGE: &str = "conventions";

/// Everything there is under a word, or that there is nothing.
pub(super) fn page(word: &str) -> Result<String, String> {
    let operators = || ROOMS.iter().flat_map(|room| room.ops).filter(|kind| kind.name == word);
    let pages: Vec<String> = lint::find(word)
        .map(lint_page)
        .into_iter()
        .chain(faults::all().find(|fault| fault.slug == word).map(fault_page))
        .chain(ops::layer(word).map(layer_page))
        .chain(operators().map(operator_page))
        .chain((word == CONVENTIONS_PAGE).then(conventions_page))
        .chain(convention::find(word).map(convention_page))
        .chain(REFUSED.iter().filter(|(name, _)| *name == word).map(|(name, why)| refused_page(name, why)))
        .chain(block(word).map(|text| format!("{word}: a block that every file can call\n\n{}", indented(&text))))
        .collect();
    if pages.is_empty() { Err(unknown(word)) } else { Ok(pages.join("\n")) }
}

fn unknown(word: &str) -> String {
    let layers = ops::layers().flat_map(|layer| layer.aliases.iter().copied().chain([layer.keyword]));
    let words = LINTS.iter().map(|lint| lint.name).chain(faults::all().map(|fault| fault.slug)).chain(layers);
    let operators = ROOMS.iter().flat_map(|room| room.ops).map(|kind| kind.name);
    let conventions = CONVENTIONS.iter().map(|convention| convention.name);
    let shown = visible(word);
    match suggest::nearest(word, words.chain(operators).chain(conventions).chain([CONVENTIONS_PAGE])) {
        Some(near) => format!("there is no page on `{shown}`; did you mean `{near}`?"),
        None if word.contains('.') => {
            format!("what of `{shown}`? add `params`, `macs` or `memory`, or `--answer NUMBER`")
        }
        None => format!("there is no page on `{shown}`; `cnnsize ops` lists layers and operators"),
    }
}

fn lint_page(lint: &Lint) -> String {
    let Lint { name, summary, why, example, remedy, source, .. } = lint;
    format!(
        "{name}: {summary}\n\n{}\nfor example\n{}\nwhat to do\n{}\nsource\n{}",
        indented(why),
        indented(example),
        indented(remedy),
        indented(source)
    )
}

fn fault_page(fault: &Fault) -> String {
    let Fault { slug, what, why, example, remedy } = fault;
    let example = indented(&example.shown());
    format!("{slug}: {what}\n\n{}\nfor example\n{example}\nwhat to do\n{}", indented(why), indented(remedy))
}

fn layer_page(layer: &Layer) -> String {
    let mut page = format!("{}: {}\n\n", layer.keyword, layer.doc);
    let mut say = |key: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(page, "  {key:<10}  {value}");
        }
    };
    say("also", layer.aliases.join(", "));
    say("elsewhere", layer.foreign.join(", "));
    say(
        "works on",
        match layer.takes {
            Takes::Maps => "maps",
            Takes::Vector => "a vector",
            Takes::Any => "maps or a vector",
            Takes::Join => "several tensors",
        }
        .into(),
    );
    say(
        "number",
        match layer.number {
            Number::None => String::new(),
            Number::Width(word) | Number::Needed(word) => format!("{word}, needed"),
            Number::Window => "the edge of its window".into(),
            Number::Rate => "a fraction between 0 and 1, needed".into(),
            Number::Optional(word) => word.into(),
            Number::Pads => "pads, such as 1 or 0:1".into(),
        },
    );
    say(
        "kernel",
        match layer.kernel {
            Need::Never => String::new(),
            Need::Optional => "such as 3x3".into(),
            Need::Required => "such as 3x3, needed".into(),
        },
    );
    say("stride", if layer.stride { "such as /2".into() } else { String::new() });
    say("words", layer.words.join(", "));
    say("options", layer.options.iter().map(|option| format!("{}=", option.name)).collect::<Vec<_>>().join(", "));
    say("modifier", if layer.modifier { "may stand behind another layer on its line".into() } else { String::new() });
    let _ = write!(page, "\nfor example\n{}", indented(layer.example));
    page
}

fn operator_page(kind: &OpKind) -> String {
    let domain = if kind.domain.is_empty() { "ai.onnx" } else { kind.domain };
    let mut page = format!("{}: an operator of {domain}\n\n", kind.name);
    for slot in kind.slots {
        let role = match slot.role {
            SlotRole::Data => "what flows through the network",
            SlotRole::Weight => "kernel or matrix",
            SlotRole::Bias => "bias",
            SlotRole::Norm => "scale or shift of a normalisation",
            SlotRole::Buffer => "running statistic, not a parameter",
            SlotRole::Steer => "says how to compute, not a parameter",
        };
        let _ = writeln!(page, "  {:<12}  {role}", slot.name);
    }
    let storage = match kind.storage {
        Storage::Fresh => "memory of its own",
        Storage::Overwrites => "that of its first input, when nobody reads it afterwards",
        Storage::View => "none: it is its first input under another shape",
    };
    let _ = writeln!(page, "  {:<12}  {storage}", "memory");
    page
}

fn conventions_page() -> String {
    let mut page = format!("{CONVENTIONS_PAGE}: ways of counting, for `--convention`\n\n");
    for Convention { name, doc, .. } in CONVENTIONS {
        let _ = writeln!(page, "  {name:<18}  {doc}");
    }
    let _ = writeln!(page, "\nnot offered");
    for (name, why) in REFUSED {
        let _ = writeln!(page, "  {name:<18}  {why}");
    }
    page
}

fn convention_page(convention: &Convention) -> String {
    let mut page = format!("{}: a counting convention\n\n{}", convention.name, indented(convention.doc));
    let mut say = |heading: &str, text: &str| {
        let _ = write!(page, "\n{heading}\n{}", indented(text));
    };
    let open: Vec<String> = convention.left_open().collect();
    if !open.is_empty() {
        say("at least, since a graph does not tell which", &open.join("\n"));
    }
    if !convention.faults.is_empty() {
        say("where the tool prints something else", &convention.faults.join("\n"));
    }
    say("source", convention.source);
    say("for example", &format!("cnnsize model.arch --convention {}", convention.name));
    page
}

fn refused_page(name: &str, why: &str) -> String {
    format!("{name}: a way of counting that is not offered\n\n{}", indented(why))
}

/// A block of the prelude as text.
fn block(name: &str) -> Option<String> {
    let begins = |line: &str| line.strip_prefix("block ").is_some_and(|rest| rest.split('(').next() == Some(name));
    let mut lines = prelude::TEXT.lines().skip_while(|line| !begins(line)).peekable();
    lines.peek()?;
    let mut text: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
    text.push("}");
    Some(text.join("\n"))
}

/// Two spaces before every line, and a line end behind the last.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
