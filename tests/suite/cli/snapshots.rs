//! What people see, as files: `tests/corpus/cli/NAME.txt` begins with the command and goes on with what it prints.
//! `BLESS=1` writes them anew; they hold our wording. Figures from outside are asserted elsewhere.

use super::run;
use crate::files::cases;
use std::fmt::Write;
use std::{env, fs};

#[test]
fn commands_print_what_their_files_show() {
    let mut wrong = Vec::new();
    for case in cases("tests/corpus/cli", "txt") {
        let line = case.text.lines().next().unwrap_or_default();
        let args = line.strip_prefix("$ cnnsize ").unwrap_or_else(|| panic!("{} has no command", case.path.display()));
        let printed = session(line, &args.split_whitespace().collect::<Vec<_>>());
        if env::var_os("BLESS").is_some() {
            fs::write(&case.path, &printed).expect("the file is written");
        } else if printed != case.text {
            wrong.push(format!("{}:\n{printed}", case.path.display()));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 takes these over, once they are right:\n\n{}", wrong.join("\n"));
}

fn session(line: &str, args: &[&str]) -> String {
    let run = run(args);
    let mut text = format!("{line}\n{}", run.out);
    if !run.err.is_empty() {
        let _ = write!(text, "--- standard error\n{}", run.err);
    }
    if let Some(code @ 1..) = run.code {
        let _ = writeln!(text, "--- exit code {code}");
    }
    text
}
