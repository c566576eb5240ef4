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
use std::time::{Duration, Instant};

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
    pub(super) loaded: Library,
    pub(super) using: Using,
    /// Of each task, what came out or why the runtime refused. Of the first ones only where there is a failure.
    pub(super) answers: Vec<Result<Answer, String>>,
    /// Why there is nothing of the others.
    pub(super) failure: Option<Failure>,
}

/// Why something could not be measured.
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

impl Failure {
    /// Whether another run may do better: this one ended or hung.
    pub fn is_of_this_run(&self) -> bool {
        matches!(self, Failure::Ended { .. } | Failure::Silent { .. })
    }
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

/// How long a process may take to end once there is nothing more to wait for.
const GRACE: Duration = Duration::from_secs(2);

/// Does a job. `doing` says what each task is, for people; `tell` is called as each begins. `Err` where no task could begin.
pub(super) fn run(
    process: &Process,
    job: &Job,
    models: &[Arc<dyn Content>],
    doing: &dyn Fn(usize) -> String,
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failure> {
    let first = serde_json::to_vec(job).map_err(|error| Failure::System(error.to_string()))?;
    let mut child = start(process, job)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // These threads are not waited for: what the process has started may hold on to its pipes for longer than it lives.
    let models = models.to_vec();
    // It may end before it has read everything; how it ended says more than the broken pipe.
    // It ends itself when its input does, as when this program is killed.
    let (open, until) = mpsc::channel::<()>();
    thread::spawn(move || {
        let sent = stdin.as_ref().map(|stdin| send(&first, &models, stdin));
        let _ = until.recv();
        sent
    });
    let (sender, words) = mpsc::channel();
    thread::spawn(move || sender.send(stderr.map(last_words).unwrap_or_default()));
    let (sender, events) = mpsc::channel();
    thread::spawn(move || {
        for line in stdout.into_iter().flat_map(|out| BufReader::new(out).split(b'\n')).map_while(Result::ok) {
            // Plug-ins may print on standard output too.
            if let Ok(event) = serde_json::from_slice::<Event>(&line)
                && sender.send(event).is_err()
            {
                break;
            }
        }
    });
    let mut heard = listen(&events, job.tasks.len(), process.patience, doing, tell);
    let how = end(&mut child, if heard.failure.is_some() { Duration::ZERO } else { GRACE });
    drop(open);
    if heard.failure.is_none() && (heard.answers.len() < job.tasks.len() || heard.using.is_none()) {
        let said = words.recv_timeout(GRACE).unwrap_or_default();
        heard.failure = Some(Failure::Ended { how, doing: heard.last, said });
    }
    let Heard { loaded, using, answers, failure, .. } = heard;
    match (loaded, using, failure) {
        (Some(loaded), Some(using), failure) => Ok(Done { loaded, using, answers, failure }),
        (_, _, Some(failure)) => Err(failure),
        (..) => Err(Failure::System("ONNX Runtime does not say which it is".into())),
    }
}

fn start(process: &Process, job: &Job) -> Result<Child, Failure> {
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
    // Libraries leave files among the temporary ones (the runtime a `.ses`).
    command.env("TMPDIR", &job.scratch);
    command.args(&process.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Whoever interrupts the program from the keyboard leaves it to the process to end and tidy up.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let unstartable = |error| Failure::System(format!("cannot start `{}`: {error}", process.program.display()));
    command.spawn().map_err(unstartable)
}

#[derive(Default)]
struct Heard {
    loaded: Option<Library>,
    using: Option<Using>,
    answers: Vec<Result<Answer, String>>,
    tried: Vec<Tried>,
    failure: Option<Failure>,
    /// What the process was doing last.
    last: String,
}

/// Listens until so many tasks are answered, or the process has nothing more to say.
fn listen(
    events: &mpsc::Receiver<Event>,
    tasks: usize,
    patience: Duration,
    doing: &dyn Fn(usize) -> String,
    tell: &mut dyn FnMut(&str),
) -> Heard {
    let mut heard = Heard { last: "starting".into(), ..Heard::default() };
    while heard.failure.is_none() && heard.answers.len() < tasks {
        match events.recv_timeout(patience) {
            Ok(Event::Trying(path)) => heard.last = format!("loading `{}`", path.display()),
            Ok(Event::Failed(tried)) => heard.tried.push(tried),
            Ok(Event::Loaded(library)) => {
                heard.loaded = Some(library);
                heard.last = "looking for a device".into();
            }
            Ok(Event::NoLibrary) => heard.failure = Some(Failure::NoLibrary(std::mem::take(&mut heard.tried))),
            Ok(Event::Using(using)) => heard.using = Some(using),
            Ok(Event::NoDevice(why)) => heard.failure = Some(Failure::NoDevice(why)),
            Ok(Event::Began(task)) => {
                heard.last = doing(task);
                tell(&heard.last);
            }
            Ok(Event::Done(_, answer)) => heard.answers.push(Ok(answer)),
            Ok(Event::Refused(_, why)) => heard.answers.push(Err(why)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                heard.failure = Some(Failure::Silent { seconds: patience.as_secs_f64(), doing: heard.last.clone() });
            }
        }
    }
    heard
}

/// How the process ends; it is ended where that takes longer than this.
fn end(child: &mut Child, grace: Duration) -> String {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return how(status),
            Ok(None) if began.elapsed() < grace => thread::sleep(Duration::from_millis(5)),
            Ok(None) => break,
            Err(error) => return error.to_string(),
        }
    }
    let ended = child.kill().and_then(|()| child.wait());
    ended.map_or_else(|error| error.to_string(), |_| "silence (it closed its output and ran on)".into())
}

fn send(job: &[u8], models: &[Arc<dyn Content>], stdin: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(stdin);
    out.write_all(job)?;
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
fn how(status: ExitStatus) -> String {
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
    use super::super::job::Task;
    use super::*;

    /// What comes of two tasks in a process that does this in place of running models.
    fn done(script: &str) -> Result<Done, Failure> {
        let arguments = vec!["-c".into(), script.into()];
        let process = Process { program: "sh".into(), arguments, patience: Duration::from_secs(4) };
        let job = Job {
            libraries: Vec::new(),
            device: Device::Cpu,
            folder: None,
            scratch: PathBuf::new(),
            tasks: vec![Task::Copy, Task::Copy],
            models: Vec::new(),
        };
        run(&process, &job, &[], &|_| "copying".into(), &mut |_| {})
    }

    fn failure(script: &str) -> Option<Failure> {
        done(script).err()
    }

    /// The start of a script that says what it runs on and does one task.
    const ONE: &str = r#"
        read -r job
        echo '{"Loaded":{"candidate":{"place":"","path":""},"version":"1.32.0","providers":[]}}'
        echo '{"Using":{"provider":"CPUExecutionProvider","device":"cpu","passed_over":[]}}'
        echo '{"Began":0}'
        echo '{"Done":[0,{"Sum":7}]}'
    "#;

    #[test]
    fn what_was_answered_before_the_end_is_kept() {
        let crashed = done(&format!(r#"{ONE} echo '{{"Began":1}}'; kill -SEGV $$"#)).expect("it began");
        assert_eq!(crashed.answers, [Ok(Answer::Sum(7))]);
        let said = crashed.failure.map(|failure| failure.to_string()).unwrap_or_default();
        assert_eq!(said, "ONNX Runtime ended with signal 11 (a memory fault) while copying");
    }

    #[test]
    fn a_process_that_does_not_end_is_ended() {
        // Another process holds on to its pipes.
        let all = done(&format!(r#"{ONE} echo '{{"Refused":[1,"no"]}}'; sleep 30 & sleep 30"#)).expect("it began");
        assert_eq!(all.answers, [Ok(Answer::Sum(7)), Err("no".into())]);
        assert!(all.failure.is_none(), "{:?}", all.failure);
        let closed = done(&format!("{ONE} exec 1>&- 2>&-; exec sleep 30")).expect("it began");
        assert!(matches!(closed.failure, Some(Failure::Ended { how, .. }) if how.starts_with("silence")));
    }

    #[test]
    fn a_crash_is_a_sentence() {
        let crashed = failure(r#"read -r job; echo '{"Began":0}'; echo noise; echo 'bad_alloc' >&2; kill -ABRT $$"#);
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
