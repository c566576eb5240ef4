//! Starting the process that runs models, and what becomes of it: a runtime that crashes, hangs or fills the memory ends
//! that process, and here there is a sentence about it.

use super::discover::{self, INSTALL, OLDEST};
use super::job::{Answer, Event, Job, Library, Tried, Using};
use std::env;
use std::fmt::{self, Write as _};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How the process is started and how long it may be silent.
#[derive(Clone, Debug)]
pub struct Process {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Longest time that it may be silent.
    pub patience: Duration,
}

/// A model to be sent.
pub trait Content: Send + Sync {
    /// How many bytes it has.
    fn size(&self) -> u64;
    /// Writes them.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl Content for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self)
    }
}

/// What came of a job.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) library: Library,
    pub(super) using: Using,
    /// Of each task, what came out or why the runtime refused.
    pub(super) answers: Vec<Result<Answer, String>>,
}

/// Why nothing could be measured.
#[derive(Debug)]
pub enum Failure {
    /// No library, with those that were tried.
    NoLibrary(Vec<Tried>),
    /// The device that was asked for does not work, and why.
    NoDevice(String),
    /// The process ended: how, what it was doing, and the end of what it said.
    Ended {
        /// How it ended: `signal 11`.
        how: String,
        /// What it was doing.
        doing: String,
        /// Its last words.
        said: String,
    },
    /// It did not answer within so many seconds.
    Silent {
        /// Seconds.
        seconds: f64,
        /// What it was doing.
        doing: String,
    },
    /// Something of the system failed.
    System(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoLibrary(tried) => {
                let wanted = format!("ONNX Runtime {OLDEST} or newer");
                if tried.is_empty() {
                    write!(f, "{wanted} is not installed; get it by `{INSTALL}`, or name it: `--ort-lib PATH`")?;
                } else {
                    write!(f, "no {wanted} could be loaded; get it by `{INSTALL}`, or name it: `--ort-lib PATH`")?;
                }
                for Tried { candidate, why } in tried {
                    write!(f, "\n  tried {} ({}): {why}", candidate.path.display(), candidate.place)?;
                }
                Ok(())
            }
            Failure::NoDevice(why) => write!(f, "models cannot run on that device here: {why}; `--device cpu` works"),
            Failure::Ended { how, doing, said } => {
                write!(f, "ONNX Runtime ended with {how} while {doing}")?;
                if said.is_empty() { Ok(()) } else { write!(f, "; it said: {said}") }
            }
            Failure::Silent { seconds, doing } => {
                write!(
                    f,
                    "ONNX Runtime did not answer for {seconds} s while {doing}; `--timeout SECONDS` gives it longer"
                )
            }
            Failure::System(why) => f.write_str(why),
        }
    }
}

/// Where the system's loader looks for libraries beside its own places. An empty part would be the working directory.
const LOADER_PATH: &str = "LD_LIBRARY_PATH";

/// Does a job. `doing` says what each task is, for people; `tell` is called as each begins.
pub(super) fn run(
    process: &Process,
    job: &Job,
    models: &[Arc<dyn Content>],
    doing: &(dyn Fn(usize) -> String + Sync),
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failure> {
    let mut command = Command::new(&process.program);
    // The loader reads this once, when a process starts.
    let own = env::var_os(LOADER_PATH).unwrap_or_default();
    let own = env::split_paths(&own).filter(|folder| folder.is_absolute());
    let folders: Vec<PathBuf> = own.chain(discover::cuda(&job.libraries)).collect();
    if let Ok(path) = env::join_paths(&folders)
        && !folders.is_empty()
    {
        command.env(LOADER_PATH, path);
    } else {
        command.env_remove(LOADER_PATH);
    }
    let mut child = command
        .args(&process.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::System(format!("cannot start `{}`: {error}", process.program.display())))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        // It may end before it has read everything; how it ended says more than the broken pipe.
        scope.spawn(move || stdin.map(|stdin| send(job, models, stdin)));
        let said = scope.spawn(move || stderr.map(last_words).unwrap_or_default());
        let (sender, events) = mpsc::channel();
        scope.spawn(move || {
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).split(b'\n')).map_while(Result::ok) {
                // Plug-ins may print on standard output too.
                if let Ok(event) = serde_json::from_slice::<Event>(&line)
                    && sender.send(event).is_err()
                {
                    break;
                }
            }
        });
        let heard = listen(&events, process.patience, doing, tell);
        let status = end(&mut child, heard.is_err());
        let said = said.join().unwrap_or_default();
        let (mut listened, last) = match heard {
            Ok(heard) => heard,
            Err(silent) => return Err(silent),
        };
        if let Some(failure) = listened.failure.take() {
            return Err(failure);
        }
        match (listened.library, listened.using) {
            (Some(library), Some(using)) if listened.answers.len() == job.tasks.len() => {
                Ok(Done { library, using, answers: listened.answers })
            }
            _ => Err(Failure::Ended { how: how(status), doing: last, said }),
        }
    })
}

#[derive(Default)]
struct Heard {
    library: Option<Library>,
    using: Option<Using>,
    answers: Vec<Result<Answer, String>>,
    tried: Vec<Tried>,
    failure: Option<Failure>,
}

/// Listens until the process has nothing more to say; what it was doing last. `Err` when it was silent for too long.
fn listen(
    events: &mpsc::Receiver<Event>,
    patience: Duration,
    doing: &(dyn Fn(usize) -> String + Sync),
    tell: &mut dyn FnMut(&str),
) -> Result<(Heard, String), Failure> {
    let mut heard = Heard::default();
    let mut last = "starting".to_string();
    loop {
        match events.recv_timeout(patience) {
            Ok(Event::Trying(path)) => last = format!("loading `{}`", path.display()),
            Ok(Event::Failed(tried)) => heard.tried.push(tried),
            Ok(Event::Loaded(library)) => {
                heard.library = Some(library);
                last = "looking for a device".into();
            }
            Ok(Event::NoLibrary) => heard.failure = Some(Failure::NoLibrary(std::mem::take(&mut heard.tried))),
            Ok(Event::Using(using)) => heard.using = Some(using),
            Ok(Event::NoDevice(why)) => heard.failure = Some(Failure::NoDevice(why)),
            Ok(Event::Began(task)) => {
                last = doing(task);
                tell(&last);
            }
            Ok(Event::Done(_, answer)) => heard.answers.push(Ok(answer)),
            Ok(Event::Refused(_, why)) => heard.answers.push(Err(why)),
            Err(RecvTimeoutError::Disconnected) => return Ok((heard, last)),
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::Silent { seconds: patience.as_secs_f64(), doing: last });
            }
        }
    }
}

/// Waits for the process, or ends it.
fn end(child: &mut Child, silent: bool) -> io::Result<ExitStatus> {
    if silent {
        child.kill()?;
    }
    child.wait()
}

fn send(job: &Job, models: &[Arc<dyn Content>], stdin: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(stdin);
    serde_json::to_writer(&mut out, job)?;
    writeln!(out)?;
    for model in models {
        model.write(&mut out)?;
    }
    out.flush()
}

/// The end of a text, on one line.
fn last_words(from: impl Read) -> String {
    let mut kept = Vec::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim().to_string();
        if !line.is_empty() {
            kept.push(line);
        }
        if kept.len() > LINES {
            kept.remove(0);
        }
    }
    kept.join(" | ")
}

/// Lines of what a process said that are kept.
const LINES: usize = 3;

/// How a process ended.
fn how(status: io::Result<ExitStatus>) -> String {
    let status = match status {
        Ok(status) => status,
        Err(error) => return error.to_string(),
    };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let mut text = format!("signal {signal}");
        // From `signal.h`: the same numbers on every Unix that the runtime is built for.
        let meaning = match signal {
            4 => " (a processor instruction that this machine lacks)",
            6 => " (it aborted)",
            9 => " (killed, probably for want of memory: try a smaller `--batch`)",
            11 => " (a memory fault)",
            _ => "",
        };
        let _ = write!(text, "{meaning}");
        return text;
    }
    status.code().map_or_else(|| "no exit code".into(), |code| format!("exit code {code}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::device::Device;
    use super::*;

    /// What becomes of a process that does this in place of running models.
    fn failure(script: &str) -> Option<Failure> {
        let arguments = vec!["-c".into(), script.into()];
        let process = Process { program: "sh".into(), arguments, patience: Duration::from_secs(2) };
        let job = Job {
            libraries: Vec::new(),
            device: Device::Cpu,
            folder: None,
            scratch: PathBuf::new(),
            tasks: vec![super::super::job::Task::Copy],
            models: Vec::new(),
        };
        run(&process, &job, &[], &|_| "copying".into(), &mut |_| {}).err()
    }

    #[test]
    fn a_crash_is_a_sentence() {
        let crashed =
            failure(r#"cat > /dev/null; echo '{"Began":0}'; echo noise; echo 'bad_alloc' >&2; kill -ABRT $$"#);
        let said = crashed.map(|failure| failure.to_string()).unwrap_or_default();
        assert_eq!(said, "ONNX Runtime ended with signal 6 (it aborted) while copying; it said: bad_alloc");
        let ended = failure("exit 3").map(|failure| failure.to_string()).unwrap_or_default();
        assert_eq!(ended, "ONNX Runtime ended with exit code 3 while starting");
    }

    #[test]
    fn silence_is_not_waited_for() {
        let silent = failure("exec sleep 60");
        assert!(matches!(silent, Some(Failure::Silent { doing, .. }) if doing == "starting"));
    }
}
