//! Imports stay inside the project.

use super::{file, folder, run};
use std::fs;
use std::path::Path;

const BLOCKS: &str = "block stem(c) {\n  conv c 3x3\n}\n";

fn model(path: &str) -> String {
    format!("import stem from \"{path}\"\ninput 3@8x8\nstem 4\n")
}

#[test]
fn a_file_beside_and_one_below_are_found() {
    let folder = folder("imports_found");
    file(&folder, "lib/blocks.arch", BLOCKS);
    let run = run(&[&file(&folder, "a.arch", model("lib/blocks.arch"))]);
    assert_eq!(run.code, Some(0), "{}", run.err);
}

#[test]
fn the_root_is_the_files_folder_or_the_nearest_marked_one() {
    // Not below this repository, which is a project itself.
    let folder = std::env::temp_dir().join(format!("cnnsize-imports-{}", std::process::id()));
    file(&folder, "blocks.arch", BLOCKS);
    let inner = file(&folder, "nets/a.arch", model("../blocks.arch"));
    assert_escapes(&inner);
    fs::create_dir(folder.join(".git")).expect("a mark");
    assert_eq!(run(&[&inner]).code, Some(0));
    file(&folder, "nets/cnnsize.yaml", "");
    assert_escapes(&inner);
    fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn whether_a_file_outside_exists_is_not_told() {
    let folder = folder("imports_outside");
    let outside = file(&folder, "secret.arch", "not blocks");
    file(&folder, "project/cnnsize.yaml", "");
    for path in ["../secret.arch", "../nothing.arch", "lib/../../secret.arch"] {
        assert_escapes(file(&folder, "project/a.arch", model(path)));
    }
    assert_escapes(file(&folder, "project/a.arch", model(&outside)));
}

#[cfg(unix)]
#[test]
fn links_are_followed_before_they_are_judged() {
    let folder = folder("imports_links");
    file(&folder, "secret.arch", BLOCKS);
    file(&folder, "project/cnnsize.yaml", "");
    file(&folder, "project/lib/blocks.arch", BLOCKS);
    let link =
        |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.join("project").join(name)).expect("a link");
    link("../secret.arch", "out.arch");
    link("..", "up");
    link("lib/blocks.arch", "in.arch");
    assert_escapes(file(&folder, "project/a.arch", model("out.arch")));
    assert_escapes(file(&folder, "project/a.arch", model("up/secret.arch")));
    assert_eq!(run(&[&file(&folder, "project/a.arch", model("in.arch"))]).code, Some(0));
}

#[test]
fn folders_pipes_and_large_files_are_not_read() {
    let folder = folder("imports_kinds");
    fs::create_dir(folder.join("dir.arch")).expect("a folder");
    file(&folder, "big.arch", vec![b'#'; (1 << 20) + 1]);
    for (path, code) in [("dir.arch", "import-unreadable"), ("big.arch", "file-too-big"), ("no.arch", "import-missing")]
    {
        let run = run(&[&file(&folder, "a.arch", model(path))]);
        assert_eq!(run.code, Some(1));
        assert!(run.err.contains(&format!("error[{code}]")), "{path}: {}", run.err);
    }
}

fn assert_escapes(path: impl AsRef<Path>) {
    let run = run(&[path.as_ref().to_str().expect("UTF-8")]);
    assert_eq!(run.code, Some(1), "{}", run.out);
    assert!(run.err.contains("error[import-escape]") && !run.err.contains("not blocks"), "{}", run.err);
}
