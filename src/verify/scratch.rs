//! A folder for the profiles and graphs that the runtime writes, gone with its last use, or with the program that made it.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process;

/// A new folder among the system's temporary files.
pub(super) struct Scratch(PathBuf);

/// Names that are tried; others may be left over from a process with the same number.
const NAMES: u32 = 1000;

impl Scratch {
    /// Makes one. The message says what to do where there is no room.
    pub(super) fn new() -> Result<Scratch, String> {
        let place = env::temp_dir();
        for number in 0..NAMES {
            let folder = place.join(format!("cnnsize-verify-{}-{number}", process::id()));
            // A folder that is there already may be somebody else's: only a new one will do.
            match private().create(&folder) {
                Ok(()) => return Ok(Scratch(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unwritable(&place, &error.to_string())),
            }
        }
        Err(unwritable(&place, "every name is taken"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes folders that nobody else looks into.
fn private() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "rights are of Unix"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Ends this process together with the one that started it, which keeps `input` open for as long as it lives. Nobody else
/// would remove the folder then.
#[expect(clippy::exit, reason = "the thread that runs models may be inside the runtime, and nothing else stops it")]
pub(super) fn end_with(mut input: impl Read, folder: &Path) {
    let _ = io::copy(&mut input, &mut io::sink());
    let _ = fs::remove_dir_all(folder);
    process::exit(1);
}

fn unwritable(place: &Path, why: &str) -> String {
    format!("cannot write to `{}`: {why}; name a folder with room: `TMPDIR=/path cnnsize verify …`", place.display())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties this place.
        let _ = fs::remove_dir_all(&self.0);
    }
}
