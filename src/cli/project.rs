//! Reading `.arch` texts: the one that the user names, and what it imports, which never leaves the project.

use cnnsize::base::limits;
use cnnsize::front::arch::{LoadError, Loader};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder that imports may not leave: the nearest one upwards with a `cnnsize.yaml` or a `.git`, or else the file's
/// own.
#[derive(Debug)]
pub(super) struct Project {
    /// Without links and `..`; `None` when there is no such folder.
    root: Option<PathBuf>,
}

impl Project {
    /// The project of a file.
    pub(super) fn of(file: &Path) -> Project {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let Ok(own) = fs::canonicalize(folder) else { return Project { root: None } };
        let marked = |folder: &&Path| folder.join("cnnsize.yaml").is_file() || folder.join(".git").exists();
        let root = own.ancestors().find(marked).map(Path::to_path_buf);
        Project { root: Some(root.unwrap_or(own)) }
    }

    fn holds(&self, path: &Path) -> bool {
        self.root.as_ref().is_some_and(|root| path.starts_with(root))
    }
}

impl Loader for Project {
    fn load(&self, path: &Path) -> Result<String, LoadError> {
        let found = match fs::canonicalize(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Outside of the project it is not even said whether a file is there.
                let folder = path.ancestors().skip(1).find_map(|folder| fs::canonicalize(folder).ok());
                return Err(match folder {
                    Some(folder) if !self.holds(&folder) => LoadError::Escapes,
                    _ => LoadError::Missing,
                });
            }
            Err(error) => return Err(LoadError::Unreadable(error.to_string())),
        };
        if !self.holds(&found) {
            return Err(LoadError::Escapes);
        }
        let unreadable = |error: io::Error| LoadError::Unreadable(error.to_string());
        let kind = fs::metadata(&found).map_err(unreadable)?;
        if let Some(other) = no_file(&kind) {
            return Err(LoadError::Unreadable(format!("it is {other}")));
        }
        let mut bytes = Vec::new();
        let file = File::open(&found).map_err(unreadable)?;
        file.take(limits::FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > limits::FILE_BYTES {
            return Err(LoadError::TooBig);
        }
        String::from_utf8(bytes).map_err(|_| LoadError::Unreadable("it is not UTF-8".into()))
    }
}

/// What something is that is no regular file.
pub(super) fn no_file(kind: &Metadata) -> Option<&'static str> {
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => None,
        (_, true) => Some("a directory"),
        _ => Some("a pipe or a device, not a file"),
    }
}
