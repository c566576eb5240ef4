//! What an argument names: a text or a graph, in a file or on standard input.

use super::project::no_file;
use super::settings::Sizing;
use super::{arch, load, nearest_command, onnx, terminal};
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::limits;
use cnnsize::front::onnx::Contents;
use cnnsize::graph::Model;
use cnnsize::render::escape::visible;
use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What is made of the models that an argument names.
pub(super) trait Reader {
    /// What it is.
    type Made;
    /// Of a text.
    fn text(&self, path: &Path, text: String) -> Made<Self>;
    /// Of a graph, which may be opened twice.
    fn graph<C: Contents>(&self, path: &Path, open: impl Fn() -> io::Result<C>) -> io::Result<Made<Self>>;
    /// Of a file that is neither.
    fn wrong(&self, path: &Path, why: Diagnostic) -> Made<Self>;
}

/// What a reader made, or the reason why it could not.
pub(super) type Made<R> = Result<<R as Reader>::Made, String>;

/// Reads what an argument names. `stdin`: what standard input is called.
pub(super) fn read<R: Reader>(file: &Path, stdin: Option<&Path>, reader: &R) -> Made<R> {
    if file == Path::new("-") {
        return from_stdin(stdin, reader).map_err(|error| format!("cannot read standard input: {error}"))?;
    }
    let shown = visible(&file.display().to_string()).into_owned();
    match from_file(file, &shown, reader) {
        Ok(made) => made,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(file, &shown)),
        Err(error) => Err(format!("cannot read `{shown}`: {error}")),
    }
}

/// The format of a file, as [`read`] takes it; `None` where that is seen later, as that of standard input, or never.
pub(super) fn format(file: &Path) -> Option<&'static str> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut start = [0];
    let read = File::open(file).and_then(|mut file| file.read(&mut start)).ok()?;
    Some(if is_graph(file, &start[..read]) { "onnx" } else { "arch" })
}

/// The networks that a file names, each with its batch, once [`entries`] has found no error in it.
pub(super) fn models(file: &Path, sizing: &Sizing) -> Result<Vec<(Model, u64)>, String> {
    let shown = visible(&file.display().to_string()).into_owned();
    if file == Path::new("-") {
        return Err("a figure is explained of a file, not of standard input".into());
    }
    let unreadable = |error: io::Error| format!("cannot read `{shown}`: {error}");
    let mut start = [0];
    let read = File::open(file).and_then(|mut file| file.read(&mut start)).map_err(unreadable)?;
    if is_graph(file, &start[..read]) {
        return Ok(onnx::model(file, sizing).map_err(unreadable)?.into_iter().collect());
    }
    arch::models(file, fs::read_to_string(file).map_err(unreadable)?, sizing)
}

fn from_file<R: Reader>(path: &Path, shown: &str, reader: &R) -> io::Result<Made<R>> {
    let kind = fs::metadata(path)?;
    if let Some(other) = no_file(&kind) {
        let help = if kind.is_dir() { "name the files in it" } else { "send it to `cnnsize -`" };
        return Ok(Err(format!("`{shown}` is {other}; {help}")));
    }
    let mut file = File::open(path)?;
    let mut start = [0];
    let read = file.read(&mut start)?;
    if is_graph(path, &start[..read]) {
        return graph(path, shown, &kind, reader);
    }
    let mut bytes = start[..read].to_vec();
    up_to_a_text(file, &mut bytes)?;
    Ok(text(path, bytes, reader))
}

/// Reads a graph in part. If another program was writing the file meanwhile, what was read may be of two versions.
fn graph<R: Reader>(path: &Path, shown: &str, kind: &Metadata, reader: &R) -> io::Result<Made<R>> {
    let version = |kind: &Metadata| (kind.len(), kind.modified().ok());
    let mut before = version(kind);
    for _ in 0..TRIES {
        let made = reader.graph(path, || load::open(path));
        let after = version(&fs::metadata(path)?);
        if after == before {
            return made;
        }
        thread::sleep(PAUSE);
        before = version(&fs::metadata(path)?);
    }
    Ok(Err(format!("`{shown}` is being written; give it when it is complete")))
}

/// How often a file that changes is read.
const TRIES: u32 = 10;
/// How long it is left alone in between.
const PAUSE: Duration = Duration::from_millis(20);

fn from_stdin<R: Reader>(name: Option<&Path>, reader: &R) -> io::Result<Made<R>> {
    let path = name.unwrap_or(Path::new("<stdin>"));
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        terminal::tell(|err| writeln!(err, "reading from the terminal; Ctrl-D ends"));
    }
    let mut bytes = Vec::new();
    up_to_a_text(&mut stdin, &mut bytes)?;
    if !is_graph(path, &bytes) {
        return Ok(text(path, bytes, reader));
    }
    stdin.take(limits::STDIN_BYTES).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::STDIN_BYTES {
        return Ok(Err(format!("more than {} bytes on standard input; give the file's name", limits::STDIN_BYTES)));
    }
    let bytes: Arc<[u8]> = bytes.into();
    reader.graph(path, || Ok(Arc::clone(&bytes)))
}

/// Reads on until a text would be too large.
fn up_to_a_text(from: impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    from.take(limits::FILE_BYTES as u64 + 1).read_to_end(bytes)
}

/// The extension decides; without one that says it, the tag that every ONNX file begins with.
fn is_graph(path: &Path, start: &[u8]) -> bool {
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("onnx") => true,
        Some(extension) if extension.eq_ignore_ascii_case("arch") => false,
        _ => start.first() == Some(&0x08),
    }
}

fn text<R: Reader>(path: &Path, bytes: Vec<u8>, reader: &R) -> Made<R> {
    if bytes.len() > limits::FILE_BYTES {
        let message = format!("a text may have {} bytes, this one has more", limits::FILE_BYTES);
        let help = "move blocks into files of their own and `import` them";
        return reader.wrong(path, Diagnostic::error("file-too-big", Origin::File, message).help(help));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        let message = "this is a Git LFS pointer, not the file itself";
        let error = Diagnostic::error("not-arch", Origin::File, message);
        return reader.wrong(path, error.help("fetch the file that it stands for: `git lfs pull`"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => reader.text(path, text),
        Err(error) => {
            let place = Origin::Byte(error.utf8_error().valid_up_to() as u64);
            let error = Diagnostic::error("not-utf-8", place, "this is not UTF-8");
            reader.wrong(path, error.help("save the file as UTF-8"))
        }
    }
}

/// A word that is no file may be a mistyped command.
fn missing(file: &Path, shown: &str) -> String {
    let word = file.to_str().filter(|word| !word.contains(['/', '.']));
    match word.and_then(nearest_command) {
        Some(command) => format!("no file `{shown}`; did you mean `cnnsize {command}`?"),
        None => format!("no file `{shown}`"),
    }
}
