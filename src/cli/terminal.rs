//! What the terminal can show, and writing to it: colour, width, characters, pipes that close.

use cnnsize::render::Style;
use cnnsize::render::escape::visible;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use terminal_size::{Width, terminal_size};

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What the user asked of the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    pub color: Color,
    pub ascii: bool,
    pub width: Option<usize>,
}

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
    File,
}

impl Stream {
    fn is_terminal(self) -> bool {
        match self {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
            Stream::File => false,
        }
    }
}

impl Wishes {
    /// The style for a stream. What is no terminal gets lines of any length, every row, and no colour unasked.
    pub(super) fn style(self, style: &Style, stream: Stream) -> Style {
        let is_terminal = stream.is_terminal();
        let mut style = style.clone();
        style.ascii = self.ascii || (is_terminal && !shows_unicode());
        style.color = stream != Stream::File && self.color(is_terminal);
        style.width = self.width.or_else(|| is_terminal.then(terminal_width));
        style.selection.brief = is_terminal;
        style
    }

    /// The flag, then `NO_COLOR`, then `CLICOLOR_FORCE`, then what the stream is.
    fn color(self, is_terminal: bool) -> bool {
        let forced = env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
            Color::Auto => forced || (is_terminal && env::var_os("TERM").is_none_or(|term| term != "dumb")),
        }
    }
}

/// `COLUMNS`, then what the terminal says, then 80.
fn terminal_width() -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size().map(|(Width(width), _)| usize::from(width));
    columns.or_else(asked).filter(|width| *width > 0).unwrap_or(80)
}

/// Whether the locale is UTF-8 and the terminal has the characters for it.
fn shows_unicode() -> bool {
    let first = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
    let utf8 = first.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    (utf8 || cfg!(windows)) && env::var_os("TERM").is_none_or(|term| term != "linux")
}

/// Prints data. A reader that has seen enough and closed the pipe is no failure.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes a file: all of it, or nothing. A pipe or a device takes what comes as it comes.
pub(super) fn save(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let written = match fs::metadata(path) {
        Ok(kind) if !kind.is_file() => File::create(path).and_then(|file| fill(file, write)),
        _ => replace(path, write),
    };
    written.map_err(|error| format!("cannot write `{}`: {error}", visible(&path.display().to_string())))
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

/// Writes a new file beside the old one, and lets it take the old one's place once it is whole.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link stays one: what it leads to is replaced. What may not be written is not replaced either.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = match File::options().write(true).open(path) {
        Ok(old) => Some(old.metadata()?.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let part = path.with_file_name(format!(".cnnsize-{}.part", std::process::id()));
    let file = File::options().write(true).create_new(true).open(&part)?;
    let done = permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions));
    let done = done.and_then(|()| fill(file, write)).and_then(|()| fs::rename(&part, path));
    if done.is_err() {
        // The failure that is said is the first one.
        let _ = fs::remove_file(&part);
    }
    done
}

/// Says on standard error what is no data. A failure to say so cannot be said either.
pub(super) fn tell(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut err = BufWriter::new(io::stderr().lock());
    let _ = write(&mut err).and_then(|()| err.flush());
}

/// An error of the program's use, which has no place in a file.
pub(super) fn complain(message: &str) {
    tell(|err| writeln!(err, "error: {message}"));
}

/// A line about long work that writes over itself, on a terminal alone.
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    /// One that shows nothing yet. A commit hook's output is a log, even where pre-commit makes it look like a terminal.
    pub(super) fn new() -> Progress {
        Progress { shown: io::stderr().is_terminal() && env::var_os("PRE_COMMIT").is_none() }
    }

    /// Shows what is being done.
    pub(super) fn show(&self, text: &str) {
        if self.shown {
            // A line that wraps could not be written over.
            let short: String = visible(text).chars().take(terminal_width().saturating_sub(1)).collect();
            tell(|err| write!(err, "\r\x1b[K{short}"));
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.shown {
            tell(|err| write!(err, "\r\x1b[K"));
        }
    }
}
