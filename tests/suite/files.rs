//! Finding the files that cases are made of.

use cnnsize::front::arch::{LoadError, Loader};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file with its path from the repository's root.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Case {
    /// What the comment line `# key: value` at the top says.
    pub(crate) fn says(&self, key: &str) -> Option<&str> {
        let comments = self.text.lines().map_while(|line| line.strip_prefix("# "));
        comments.filter_map(|comment| comment.split_once(": ")).find(|(k, _)| *k == key).map(|(_, value)| value)
    }
}

/// A file of the repository as text.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder and the folders in it that have this extension, in the order of their paths.
pub(crate) fn cases(folder: &str, extension: &str) -> Vec<Case> {
    let mut paths = Vec::new();
    collect(Path::new(folder), extension, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no .{extension} files in {folder}");
    paths.into_iter().map(|path| Case { text: read(&path), path }).collect()
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder of cases") {
        let entry = entry.expect("an entry");
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            collect(&path, extension, paths);
        } else if path.extension().is_some_and(|e| e == extension) {
            paths.push(path);
        }
    }
}

/// Reads files of the repository, and nothing beside it.
pub(crate) struct Repository;

impl Loader for Repository {
    fn load(&self, path: &Path) -> Result<String, LoadError> {
        if path.starts_with("..") {
            return Err(LoadError::Escapes);
        }
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => LoadError::Missing,
            kind => LoadError::Unreadable(kind.to_string()),
        })
    }
}
