//! Which configuration holds, and which files its patterns name.

use super::{Config, Wrong};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::source::Sources;
use cnnsize::render::escape::visible;
use std::env;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Names of a configuration, the usual one first.
const NAMES: &[&str] = &["cnnsize.yaml", ".cnnsize.yaml", "cnnsize.yml"];

/// `*` stays within a folder.
pub(super) const MATCH: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// Which configuration the user wants.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(in crate::cli) struct Wanted {
    /// This configuration [default: the nearest cnnsize.yaml upwards]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// No configuration
    #[arg(long, conflicts_with = "config")]
    pub isolated: bool,
}

/// Whether a file's name is that of a configuration.
pub(in crate::cli) fn is_config(path: &Path) -> bool {
    path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known))
}

/// A configuration as it is named, or the one in the same folder as another file.
pub(in crate::cli) fn beside(file: &Path) -> Option<PathBuf> {
    if is_config(file) {
        return Some(file.to_owned());
    }
    NAMES.iter().map(|name| file.with_file_name(name)).find(|path| path.is_file())
}

/// The configuration that holds; `None` when there is none.
pub(in crate::cli) fn find(wanted: &Wanted) -> Result<Option<Config>, Wrong> {
    if wanted.isolated {
        return Ok(None);
    }
    match wanted.config.clone().map_or_else(nearest, |path| Ok(Some(path)))? {
        Some(path) => read(&path).map(Some),
        None => Ok(None),
    }
}

/// Looks upwards as far as the repository reaches.
fn nearest() -> Result<Option<PathBuf>, Wrong> {
    let Ok(here) = env::current_dir() else { return Ok(None) };
    let mut up = PathBuf::new();
    for folder in here.ancestors() {
        let found: Vec<&str> = NAMES.iter().copied().filter(|name| folder.join(name).is_file()).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(Some(up.join(one))),
            [one, other, ..] => {
                let message = format!("`{one}` and `{other}` stand in one folder");
                let error = Diagnostic::error("two-configurations", Origin::File, message);
                return Err(Box::new((error.help("keep `cnnsize.yaml` only"), Sources::default())));
            }
        }
        if folder.join(".git").exists() {
            break;
        }
        up.push("..");
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Config, Wrong> {
    let wrong = |message: String| {
        let error = Diagnostic::error("unreadable-configuration", Origin::File, message);
        Box::new((error, Sources::default()))
    };
    let shown = path.display().to_string();
    let mut bytes = Vec::new();
    let limit = u64::try_from(super::guard::BYTES).unwrap_or(u64::MAX);
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| wrong(format!("cannot read `{}`: {error}", visible(&shown))))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(format!("`{}` is not UTF-8", visible(&shown))))?;
    Config::read(path, text)
}

/// A pattern as seen from where the program runs.
pub(super) fn below(folder: &Path, pattern: &str) -> String {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    if folder.as_os_str().is_empty() {
        return pattern.to_owned();
    }
    format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()))
}

/// Whether a pattern of a configuration in `folder` names a file, both seen from where the program runs.
pub(super) fn matches(folder: &Path, pattern: &str, file: &Path) -> bool {
    let (Some(mut folder), Some(file)) = (absolute(folder), absolute(file)) else { return false };
    let mut pattern = pattern;
    loop {
        if let Some(rest) = pattern.strip_prefix("../") {
            folder.pop();
            pattern = rest;
        } else if let Some(rest) = pattern.strip_prefix("./") {
            pattern = rest;
        } else {
            break;
        }
    }
    let Ok(inside) = file.strip_prefix(&folder) else { return false };
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_path_with(inside, MATCH))
}

/// The path from the root, with `.` and `..` worked out by name.
pub(in crate::cli) fn absolute(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in env::current_dir().ok()?.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    Some(out)
}
