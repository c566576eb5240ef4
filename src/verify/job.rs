//! What the process that runs models is told, and what it answers: a line of JSON and then models as bytes on its standard
//! input, lines of JSON on its standard output.

use super::device::Device;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A library that may be the runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it was looked for, for messages: `ORT_DYLIB_PATH`.
    pub place: String,
    /// The file, or a name for the system's loader.
    pub path: PathBuf,
}

/// Everything that one process does.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The first of these that loads is the runtime.
    pub(super) libraries: Vec<Candidate>,
    /// What models run on.
    pub(super) device: Device,
    /// Where data lies that models keep in other files.
    pub(super) folder: Option<PathBuf>,
    /// A folder for what the runtime writes: profiles, and graphs that it changed.
    pub(super) scratch: PathBuf,
    /// In order.
    pub(super) tasks: Vec<Task>,
    /// Sizes of the models that follow, in bytes.
    pub(super) models: Vec<u64>,
}

/// One thing to do. Models are numbers of those that follow the job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Task {
    /// Says which devices there are.
    Devices,
    /// Runs a model as it is and says the types of these values of it, which another message adds to its outputs.
    Types { model: usize, exposing: usize, wanted: Vec<String>, feeds: Vec<Feed> },
    /// Measures live bytes of two runs. With optimisation, the runtime writes the graph that it ran.
    Peaks { model: usize, optimized: bool, feeds: Vec<Feed> },
    /// Measures time, each node's own where nothing was optimised away, in at most so many runs.
    Profile { model: usize, optimized: bool, feeds: Vec<Feed>, runs: u32 },
    /// Runs a model and adds up what it delivers.
    Sum { model: usize, feeds: Vec<Feed> },
    /// Measures how fast memory is copied.
    Copy,
}

/// What goes into a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Feed {
    pub(super) name: String,
    /// The element type's name.
    pub(super) dtype: String,
    pub(super) dims: Vec<u64>,
    pub(super) fill: Fill,
}

/// Contents of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fill {
    /// Floats between 0 and 1, and zero for whole numbers: an index that is valid everywhere.
    Any,
    /// Ones.
    Ones,
    /// These whole numbers.
    Ints(Vec<i64>),
    /// These floats.
    Floats(Vec<f64>),
}

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Event {
    /// It is about to load this library.
    Trying(PathBuf),
    /// That did not work.
    Failed(Tried),
    /// It did.
    Loaded(Library),
    /// No library loaded.
    NoLibrary,
    /// Models run on this.
    Using(Using),
    /// Models cannot run on what was asked for.
    NoDevice(String),
    /// It is about to do this task.
    Began(usize),
    /// A task is done.
    Done(usize, Answer),
    /// The runtime refuses to do it, and why.
    Refused(usize, String),
}

/// A library that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The library.
    pub candidate: Candidate,
    /// What was wrong with it.
    pub why: String,
}

/// The runtime that was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// The library.
    pub candidate: Candidate,
    /// Its version: `1.32.0`.
    pub version: String,
    /// What it can run models on, as it was built.
    pub providers: Vec<String>,
}

/// What models run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Using {
    /// The runtime's name for the provider.
    pub provider: String,
    /// The device: `cpu`, `cuda:0`.
    pub device: String,
    /// Why it is not one that would have been preferred.
    pub passed_over: Vec<String>,
}

/// The result of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    Devices(Vec<String>),
    Types(Vec<Typed>),
    /// `None` on a device whose memory is its own.
    Peaks(Option<Peaks>),
    Profile(Profile),
    Sum(u64),
    Copy {
        bytes_per_second: f64,
    },
}

/// A value's type, as the runtime has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Typed {
    pub(super) dtype: String,
    pub(super) dims: Vec<i64>,
}

/// Peaks of live bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peaks {
    /// Of the session's allocator in its first run.
    pub(super) first: u64,
    /// In a later run.
    pub(super) steady: u64,
    /// The graph that ran, where it is another one than was asked for. Large weights are not in it.
    pub(super) graph: Option<PathBuf>,
}

/// Times of some runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// The quickest run.
    pub(super) seconds: f64,
    /// Nodes in the order in which they ran.
    pub(super) nodes: Vec<NodeRun>,
    /// The runtime's own arena on the device in use.
    pub(super) arena: Option<Arena>,
    /// Bytes that the process holds on a GPU, as its driver says.
    pub(super) device: Option<u64>,
}

/// Memory that the runtime took in large pieces, to give it out in small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arena {
    /// Most bytes that were given out at once.
    pub used: u64,
    /// Bytes that were taken.
    pub held: u64,
}

/// A node in some runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NodeRun {
    /// Its place among the nodes of the file that are no constants.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) op: String,
    pub(super) provider: String,
    /// Its quickest run, rounded up.
    pub(super) seconds: f64,
    /// Types of its inputs, those left out not counted.
    pub(super) inputs: Vec<Typed>,
}
