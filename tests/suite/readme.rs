//! What the README shows is what the program prints.

use crate::files::read;
use cnnsize::analyze::convention::{self, CONVENTIONS};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

#[test]
fn the_output_in_the_readme_is_real() {
    let readme = read("README.md");
    let shown: Vec<&str> =
        readme.split("```console\n$ cnnsize ").skip(1).map(|rest| rest.split("\n```").next().unwrap_or("")).collect();
    assert!(shown.len() >= 3, "{} commands in the README", shown.len());
    for session in shown {
        let (arguments, expected) = session.split_once('\n').expect("a command and its output");
        let output = Command::new(env!("CARGO_BIN_EXE_cnnsize"))
            .args(arguments.split(' '))
            .stdin(Stdio::null())
            .env_remove("COLUMNS")
            .output()
            .expect("the program runs");
        let printed = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&printed).trim_end(), expected, "cnnsize {arguments}");
    }
}

#[test]
fn the_readme_names_every_convention_but_the_default() {
    let readme = read("README.md");
    let (_, list) = readme.split_once("gives the figure of another tool (").expect("a list of conventions");
    let (list, _) = list.split_once(')').expect("an end of the list");
    let named: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let all = CONVENTIONS.iter().map(|convention| convention.name);
    assert_eq!(named, all.filter(|name| *name != convention::default().name).collect());
}

#[test]
fn the_readme_counts_the_measurements_of_memory_that_there_are() {
    let table = read("tests/oracle/onnxruntime.tsv");
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert!(read("README.md").contains(&format!("the {rows} measurements that the repository holds")), "{rows} rows");
}
