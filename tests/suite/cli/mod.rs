//! The program as people run it: exit codes, streams, formats, what it prints.

mod check;
mod config;
mod exits;
mod explain;
mod export;
mod findings;
mod formats;
mod hook;
mod imports;
mod onnx;
mod snapshots;
mod streams;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// What a run said and how it ended.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// The program in the repository's root, with nothing in its environment that changes what it prints.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnsize"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> Run {
    ended(&command(args).output().expect("the program starts"))
}

fn run_with_input(args: &[&str], input: &[u8]) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    ended(&child.wait_with_output().expect("the program ends"))
}

fn ended(output: &Output) -> Run {
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// An empty folder for a test of this name.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A file in a folder; its path as an argument.
fn file(folder: &std::path::Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, text).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

const GOOD: &str = "input 3@8x8\nconv 4 3x3\n";
const BROKEN: &str = "input 3@8x8\ncnov 4 3x3\n";
const FALSE_CLAIM: &str = "input 3@8x8\nconv 4 3x3\nexpect params 113\n";
