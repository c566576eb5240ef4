//! Where text goes, and what happens when it cannot go there.

use super::{GOOD, Run, command, file, folder, run};
use std::fs;
use std::io::Read;
use std::process::Stdio;

#[test]
fn colour_is_for_terminals_and_for_those_who_insist() {
    let folder = folder("streams_colour");
    let (good, broken) = (file(&folder, "good.arch", GOOD), file(&folder, "broken.arch", super::BROKEN));
    let escapes = |run: &Run| run.out.contains('\u{1b}') || run.err.contains('\u{1b}');
    assert!(!escapes(&run(&[&good, &broken])));
    let always = run(&[&good, &broken, "--color", "always"]);
    assert!(always.out.contains('\u{1b}') && always.err.contains('\u{1b}'));
    let environment =
        |name, value, args: &[&str]| super::ended(&command(args).env(name, value).output().expect("runs"));
    assert!(!escapes(&environment("NO_COLOR", "1", &[&good, &broken])));
    assert!(escapes(&environment("CLICOLOR_FORCE", "1", &[&good])));
    assert!(escapes(&environment("NO_COLOR", "1", &[&good, "--color", "always"])), "the flag comes first");
}

#[test]
fn a_pipe_that_closes_is_no_failure() {
    let layers = "conv 4 3x3 same\n".repeat(20_000);
    let long = file(&folder("streams_pipe"), "long.arch", format!("input 3@8x8\n{layers}"));
    let mut child =
        command(&[&long]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut some = [0; 64];
    child.stdout.take().expect("a pipe").read_exact(&mut some).expect("a beginning");
    let run = super::ended(&child.wait_with_output().expect("the program ends"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_that_is_said() {
    let good = file(&folder("streams_full"), "good.arch", GOOD);
    for args in [&[good.as_str()] as &[&str], &["schema", "report"], &["ops"], &["--help"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let run = super::ended(&command(args).stdout(full).stderr(Stdio::piped()).output().expect("runs"));
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.err.contains("cannot write to standard output"), "{args:?}: {}", run.err);
    }
}

#[test]
fn files_are_written_in_the_format_of_their_extension() {
    let folder = folder("streams_output");
    let good = file(&folder, "good.arch", GOOD);
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let (json, markdown) = (path("r.json"), path("r.md"));
    let written = run(&[&good, "-o", &json, "-o", &markdown]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""));
    assert!(fs::read_to_string(&json).expect("a file").contains("cnnsize-report/1"));
    assert!(fs::read_to_string(&markdown).expect("a file").contains("| layer |"));
    let both = run(&[&good, "-o", &json, "--format", "csv"]);
    assert!(both.out.starts_with("source,model,layer"), "{}", both.out);
    let unknown = run(&[&good, "-o", &path("r.doc")]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains(".json"), "{}", unknown.err);
    assert_eq!(run(&[&good, "-o", "/nowhere/r.json"]).code, Some(2));
}

#[test]
fn what_is_asked_for_goes_to_standard_output() {
    for args in [&["--help"] as &[&str], &["--version"], &["schema", "report"], &["ops"], &["ops", "layers"]] {
        let run = run(args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(!run.out.is_empty(), "{args:?}");
    }
    assert!(run(&[]).out.is_empty(), "a usage message that nobody asked for is no data");
}
