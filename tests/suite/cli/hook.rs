//! The commit hooks as people run them: the real `pre-commit`, which `./test` installs, in a scratch repository that
//! takes its hook from another one with this repository's `.pre-commit-hooks.yaml`.

use super::{Run, command, ended, file, folder};
use crate::files::read;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two layers of 3 and 8 maps: 3·3·3·4 + 4 + 3·3·4·8 + 8 = 408 parameters.
const NET: &str = "input 3@32x32\nconv 4 3x3 same\nconv 8 3x3 same\n";

fn pre_commit() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/pre-commit");
    assert!(installed.is_file(), "pre-commit is not in target/python; `./test` installs it");
    installed
}

/// A command that knows no home, no configuration of git, and the program that is tested.
fn scratch(program: impl AsRef<std::ffi::OsStr>, home: &Path, here: &Path, args: &[&str]) -> Run {
    let own = Path::new(env!("CARGO_BIN_EXE_cnnsize")).parent().expect("a folder");
    let search = env::split_paths(&env::var_os("PATH").expect("a path")).collect::<Vec<_>>();
    let search = env::join_paths([own.to_path_buf()].into_iter().chain(search)).expect("a path");
    let mut command = Command::new(program);
    // A hook that runs these tests leaves its own repository in the environment.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@example.com");
    }
    command
        .args(args)
        .current_dir(here)
        .env("PATH", search)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("PRE_COMMIT_HOME", home.join("pre-commit"))
        .env("GIT_CONFIG_GLOBAL", home.join("gitconfig"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("PRE_COMMIT_COLOR", "never");
    ended(&command.output().expect("the program starts"))
}

fn succeeded(run: &Run) {
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
}

#[test]
fn the_definition_of_the_hooks_is_valid() {
    let home = folder("hook_manifest");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    succeeded(&scratch(pre_commit(), &home, &home, &["validate-manifest", manifest.to_str().expect("UTF-8")]));
}

#[test]
fn a_commit_that_breaks_a_budget_is_refused() {
    let home = folder("hook_commit");
    let git = |here: &Path, args: &[&str]| scratch("git", &home, here, args);
    let hooks = home.join("hooks");
    file(&hooks, ".pre-commit-hooks.yaml", read(".pre-commit-hooks.yaml"));
    for args in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "Hooks"], &["tag", "v1"]] {
        succeeded(&git(&hooks, args));
    }
    let project = home.join("project");
    let config = "repos: [{ repo: ../hooks, rev: v1, hooks: [{ id: cnnsize-system }] }]\n";
    file(&project, ".pre-commit-config.yaml", config);
    // 408·4 B of parameters, and 8·32·32·4 + 4·32·32·4 B alive at once.
    let limits = "models:\n  - path: models/*.arch\n    budget: { params: 408, infer.memory: 50784 B }\n";
    file(&project, "cnnsize.yaml", limits);
    file(&project, "models/net.arch", NET);
    succeeded(&git(&project, &["init", "-q"]));
    succeeded(&scratch(pre_commit(), &home, &project, &["install"]));
    succeeded(&git(&project, &["add", "."]));
    let fine = git(&project, &["commit", "-m", "A network within its budget"]);
    succeeded(&fine);
    assert!(format!("{}{}", fine.out, fine.err).contains("Passed"), "{}{}", fine.out, fine.err);
    // The second layer twice as wide: 16·32·32·4 + 4·32·32·4 B and (112 + 3·3·4·16 + 16)·4 = 2,816 B.
    file(&project, "models/net.arch", NET.replace("conv 8", "conv 16"));
    succeeded(&git(&project, &["add", "."]));
    let refused = git(&project, &["commit", "-m", "A network over it"]);
    let said = format!("{}{}", refused.out, refused.err);
    assert_eq!(refused.code, Some(1), "{said}");
    assert!(said.contains("models/net.arch:3:1"), "{said}");
    assert!(said.contains("`infer.memory` is 84,736 bytes"), "{said}");
    let commits = git(&project, &["log", "--format=%s"]);
    assert_eq!(commits.out, "A network within its budget\n");
}

/// A hook's output is a log, which nothing may draw in.
#[test]
fn under_pre_commit_nothing_is_drawn() {
    let args = ["check", "--isolated", "examples/textbook.arch"];
    let run = ended(&command(&args).env("PRE_COMMIT", "1").output().expect("the program starts"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(!run.out.contains(['\r', '\u{1b}']), "{:?}", run.out);
}
