//! What `cnnsize explain` says of findings: what each means, why it is one, the smallest example that has it, what to do.

mod files;
mod graphs;
mod project;
mod sizes;
mod syntax;
mod words;

/// A page about a finding.
#[derive(Debug)]
pub(super) struct Fault {
    /// The slug in the finding's brackets.
    pub slug: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Why that is worth a message.
    pub why: &'static str,
    /// The smallest thing that has it.
    pub example: Example,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Something that has a fault.
#[derive(Clone, Copy, Debug)]
pub(super) enum Example {
    /// An `.arch` text.
    Text(&'static str),
    /// A `cnnsize.yaml`.
    Config(&'static str),
    /// What `cnnsize.yaml` says of a model, and its text.
    Limit(&'static str, &'static str),
    /// Options, and an ONNX graph in ONNX's own textual syntax.
    Graph(&'static str, &'static str),
    /// In words, for what no text shows.
    Words(&'static str),
}

impl Example {
    /// As it is shown.
    pub(super) fn shown(self) -> String {
        match self {
            Example::Text(text) | Example::Config(text) | Example::Words(text) => text.to_owned(),
            Example::Limit(limit, net) => format!("{}\n---\n{net}", entry(limit)),
            Example::Graph("", graph) => graph.to_owned(),
            Example::Graph(options, graph) => format!("cnnsize graph.onnx {options}\n---\n{graph}"),
        }
    }
}

/// A configuration with one model, of which it says this.
fn entry(limit: &str) -> String {
    format!("models:\n  - path: net.arch\n    {limit}")
}

/// Every page on a finding that no lint makes.
pub(super) fn all() -> impl Iterator<Item = &'static Fault> + Clone {
    const ROOMS: &[&[Fault]] =
        &[sizes::FAULTS, words::FAULTS, syntax::FAULTS, files::FAULTS, project::FAULTS, graphs::FAULTS];
    ROOMS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::Config;
    use crate::cli::{Cli, check, onnx};
    use clap::Parser;
    use cnnsize::analyze::claim;
    use cnnsize::front::arch::{self, LoadError, Loader, Overrides};
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::Arc;

    struct Alone;

    impl Loader for Alone {
        fn load(&self, _: &Path) -> Result<String, LoadError> {
            Err(LoadError::Missing)
        }
    }

    fn of_text(text: &str) -> Vec<&'static str> {
        let document = arch::read(Path::new("net.arch"), text.to_owned(), &Alone);
        let mut found: Vec<_> = document.diagnostics.iter().chain(&document.no_model()).map(|d| d.code).collect();
        for model in 0..document.models().count() {
            let lowered = document.lower(model, &Overrides::default());
            found.extend(lowered.diagnostics.iter().map(|d| d.code));
            found.extend(claim::check(&document, model, &lowered).iter().map(|d| d.code));
        }
        found
    }

    fn config(text: &str) -> Result<Config, &'static str> {
        Config::read(Path::new("cnnsize.yaml"), text.to_owned()).map_err(|wrong| wrong.0.code)
    }

    #[test]
    fn every_example_has_the_fault_that_it_is_for() {
        let mut wrong = Vec::new();
        for fault in all() {
            let found = match fault.example {
                Example::Text(text) => of_text(text),
                Example::Config(text) => config(text).err().into_iter().collect(),
                Example::Limit(limit, net) => check::codes(&config(&entry(limit)).unwrap(), net),
                Example::Graph(..) | Example::Words(_) => continue,
            };
            if !found.contains(&fault.slug) {
                wrong.push(format!("{}: {found:?}", fault.slug));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// Reads graphs in textual syntax from standard input, each up to a NUL, and writes each as a line of hexadecimal.
    const TO_ONNX: &str = "import sys, onnx.parser\nfor text in sys.stdin.read().split('\\0'): print(onnx.parser.parse_model(text).SerializeToString().hex())";

    #[test]
    fn every_graph_has_the_fault_that_it_is_for() {
        let graphs = all().filter_map(|fault| match fault.example {
            Example::Graph(options, graph) => Some((fault.slug, options, graph)),
            Example::Text(_) | Example::Config(_) | Example::Limit(..) | Example::Words(_) => None,
        });
        let graphs: Vec<_> = graphs.collect();
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
        let mut child = Command::new(python)
            .args(["-c", TO_ONNX])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python, which `./test` installs");
        let texts = graphs.iter().map(|(.., graph)| *graph).collect::<Vec<_>>().join("\0");
        child.stdin.take().unwrap().write_all(texts.as_bytes()).unwrap();
        let written = child.wait_with_output().unwrap();
        assert!(written.status.success());
        let lines = String::from_utf8(written.stdout).unwrap();
        let mut wrong = Vec::new();
        for ((slug, options, _), line) in graphs.iter().zip(lines.lines()) {
            let digits = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
            let bytes: Arc<[u8]> = (0..line.len()).step_by(2).map(digits).collect();
            let args = ["cnnsize", "graph.onnx"].into_iter().chain(options.split_whitespace());
            let sizing = Cli::try_parse_from(args).unwrap().size.sizing;
            let (read, _) = onnx::read(&|| Ok(Arc::clone(&bytes)), &sizing).unwrap();
            let found: Vec<_> = read.diagnostics.iter().map(|d| d.code).collect();
            if !found.contains(slug) {
                wrong.push(format!("{slug}: {:?}", read.diagnostics));
            }
        }
        assert_eq!((lines.lines().count(), wrong), (graphs.len(), Vec::<String>::new()));
    }
}
