//! What the README shows is what the program prints.

use crate::files::read;
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
