//! Exit codes: 0 fine, 1 a model has a problem, 2 the program could not do its job; the worst of several files.

use super::{BROKEN, FALSE_CLAIM, GOOD, file, folder, run, run_with_input};
use std::time::{Duration, Instant};

#[test]
fn a_good_file_is_fine_and_says_nothing_on_standard_error() {
    let good = file(&folder("exit_good"), "good.arch", GOOD);
    let run = run(&[&good]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("112"), "3·3·3·4 + 4 parameters: {}", run.out);
}

#[test]
fn a_broken_file_and_a_false_claim_are_problems() {
    let folder = folder("exit_problem");
    let broken = run(&[&file(&folder, "broken.arch", BROKEN)]);
    assert_eq!((broken.code, broken.out.as_str()), (Some(1), ""));
    assert!(broken.err.contains("error[unknown-layer]") && broken.err.contains("broken.arch:2:1"), "{}", broken.err);
    let claim = run(&[&file(&folder, "claim.arch", FALSE_CLAIM)]);
    assert_eq!(claim.code, Some(1));
    assert!(claim.err.contains("error[expect-failed]"), "{}", claim.err);
    assert!(claim.out.contains("112"), "a claim that fails leaves the figures: {}", claim.out);
}

#[test]
fn claims_are_about_the_file_as_written() {
    let text = format!("{GOOD}expect input.bytes 768 B\n");
    let run = run(&[&file(&folder("exit_claims"), "a.arch", text), "--batch", "7", "--precision", "fp16"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[test]
fn what_cannot_be_read_is_a_failure_at_once() {
    let folder = folder("exit_failed");
    let missing = run(&["/nowhere/a.arch"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("no file `/nowhere/a.arch`"), "{}", missing.err);
    let directory = run(&[folder.to_str().expect("UTF-8")]);
    assert_eq!(directory.code, Some(2));
    assert!(directory.err.contains("is a directory"), "{}", directory.err);
    let pointer = file(&folder, "lfs.arch", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
    let pointer = run(&[&pointer]);
    assert_eq!(pointer.code, Some(1));
    assert!(pointer.err.contains("git lfs pull"), "{}", pointer.err);
    assert_eq!(run(&["--batch", "0", "a.arch"]).code, Some(2));
    assert_eq!(run(&[]).code, Some(2));
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_device_are_refused_without_waiting() {
    let pipe = folder("exit_pipe").join("pipe.arch");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let start = Instant::now();
    for path in [pipe.to_str().expect("UTF-8"), "/dev/zero"] {
        let run = run(&[path]);
        assert_eq!(run.code, Some(2));
        assert!(run.err.contains("not a file") && run.err.contains("cnnsize -"), "{}", run.err);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "it waited for somebody to write");
}

#[test]
fn large_and_binary_texts_are_refused() {
    let folder = folder("exit_garbage");
    let huge = run(&[&file(&folder, "huge.arch", vec![b'a'; (1 << 20) + 1])]);
    assert_eq!(huge.code, Some(1));
    assert!(huge.err.contains("file-too-big"), "{}", huge.err);
    let garbage = run(&[&file(&folder, "garbage.arch", b"input 3@8x8\n\xff\xfe")]);
    assert_eq!(garbage.code, Some(1));
    assert!(garbage.err.contains("not-utf-8") && garbage.err.contains("byte 12"), "{}", garbage.err);
}

#[test]
fn one_file_that_fails_does_not_stop_the_others() {
    let folder = folder("exit_several");
    let (a, b) = (file(&folder, "a.arch", GOOD), file(&folder, "b.arch", BROKEN));
    let c = file(&folder, "c.arch", "input 3@8x8\nconv 5 3x3\n");
    let both = run(&[&a, &b, &c]);
    assert_eq!(both.code, Some(1));
    let (first, last) = (both.out.find("a.arch"), both.out.find("c.arch"));
    assert!(first.is_some() && first < last, "in the order of the arguments: {}", both.out);
    assert!(both.err.contains("b.arch"));
    assert_eq!(run(&[&a, "/nowhere.arch", &b]).code, Some(2), "the worst counts");
}

#[test]
fn standard_input_is_a_file_like_others() {
    let good = run_with_input(&["-"], GOOD.as_bytes());
    assert_eq!(good.code, Some(0), "{}", good.err);
    let named = run_with_input(&["-", "--stdin-filename", "lib/net.arch"], BROKEN.as_bytes());
    assert_eq!(named.code, Some(1));
    assert!(named.err.contains("lib/net.arch:2:1"), "{}", named.err);
}

#[test]
fn a_mistyped_command_is_told_from_a_missing_file() {
    let typo = run(&["scehma", "report"]);
    assert_eq!(typo.code, Some(2));
    assert!(typo.err.contains("did you mean `cnnsize schema`?"), "{}", typo.err);
    let path = run(&["./scehma"]);
    assert!(!path.err.contains("did you mean"), "{}", path.err);
}

#[test]
fn an_option_given_twice_counts_the_last_time() {
    let good = file(&folder("exit_twice"), "good.arch", GOOD);
    let run = run(&[&good, "--batch", "3", "--batch", "5"]);
    assert!(run.out.contains("batch 5"), "{}", run.out);
}

#[test]
fn models_are_picked_by_name() {
    let text = "model small {\n  input 3@8x8\n  conv 4 3x3\n}\nmodel large {\n  input 3@8x8\n  conv 8 3x3\n}\n";
    let path = file(&folder("exit_model"), "two.arch", text);
    let all = run(&[&path]);
    assert!(all.out.contains("model small") && all.out.contains("model large"), "{}", all.out);
    let one = run(&[&path, "--model", "large"]);
    assert!(one.code == Some(0) && !one.out.contains("model small"), "{}", one.out);
    let none = run(&[&path, "--model", "larg"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("did you mean `large`?"), "{}", none.err);
}

#[test]
fn an_option_about_other_files_is_refused() {
    let good = file(&folder("exit_misplaced"), "good.arch", GOOD);
    let run = run(&[&good, "--dim", "N=8"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("`--dim` is about .onnx files"), "{}", run.err);
}
