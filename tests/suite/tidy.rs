//! The shape of the house: which room may use which, where a crate may be named, how long a file may be.

use crate::files::read;
use std::path::{Path, PathBuf};

/// Rooms in the order of the pipeline: each may name those before it.
const ROOMS: &[&str] = &["base", "tensor", "ops", "graph", "front", "analyze", "lint", "render", "back", "verify"];

/// Crates that only some folders or files may name.
const CRATES: &[(&str, &[&str])] = &[
    ("nom", &["front/arch"]),
    ("prost", &["front/onnx", "back/onnx"]),
    ("comfy_table", &["render/table.rs"]),
    ("annotate_snippets", &["render/diagnostics.rs"]),
    ("clap", &["cli"]),
    ("serde_yaml", &["cli/config.rs", "cli/config"]),
    ("memmap2", &["cli/load.rs"]),
    ("strsim", &["base/suggest.rs"]),
    ("nvml_wrapper", &["verify"]),
    ("ort", &["verify"]),
    ("half", &["verify"]),
    ("std::fs", &["cli", "verify"]),
    ("std::env", &["cli", "main.rs", "verify"]),
    ("std::process", &["cli", "main.rs", "verify"]),
];

/// Lines beyond which a file is two.
const LINES: usize = 600;

/// Every source file, by its path below `src`.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push((path.strip_prefix("src").expect("under src").to_owned(), read(&path)));
            }
        }
    }
    found.sort();
    found
}

/// Words that follow `prefix::` in a text.
fn paths<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    code.flat_map(move |line| line.split(prefix).skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
}

#[test]
fn rooms_use_only_the_rooms_before_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = ROOMS.iter().position(|room| path.starts_with(room)) else { continue };
        for used in paths(&text, "crate::") {
            if ROOMS.iter().position(|room| *room == used).is_some_and(|other| other > own) || used == "cli" {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn crates_are_named_in_their_room_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (name, rooms) in CRATES {
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            let named = code.lines().filter(|l| !l.trim_start().starts_with("//")).any(|line| {
                line.match_indices(&format!("{name}::"))
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            if named && !rooms.iter().any(|room| path.starts_with(room)) {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_the_head() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let generated = path == Path::new("front/onnx/proto.rs");
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not begin with what it is for", path.display()));
        }
        if text.lines().count() > LINES && !generated {
            wrong.push(format!("{} has {} lines", path.display(), text.lines().count()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn analyses_name_no_operator() {
    let operators: Vec<&str> =
        cnnsize::ops::ROOMS.iter().flat_map(|r| r.ops).map(|o| o.name).filter(|n| n.len() > 3).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().filter(|(p, _)| p.starts_with("analyze")) {
        for name in operators.iter().filter(|n| text.contains(&format!("\"{n}\""))) {
            wrong.push(format!("{} names {name}", path.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
