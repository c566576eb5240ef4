//! The process that runs models: reads a job, does it, says what came out. Whatever the runtime does to it, the program
//! that started it goes on.

use super::counting::{Counting, statistic};
use super::job::{Answer, Arena, Event, Feed, Job, Peaks, Profile, Task, Typed};
use super::runtime::{self, Runtime};
use super::{feed, nvml, profile, scratch};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::value::{TensorElementType, ValueRef, ValueType};
use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Does the job on standard input; answers on standard output. `Err` where there is no job to be read. When the input ends
/// before the job is done, so does the process.
pub fn run(input: impl Read + Send + 'static, output: &mut dyn Write) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    input.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let mut models = Vec::new();
    for size in &job.models {
        let mut model = Vec::new();
        input.by_ref().take(*size).read_to_end(&mut model)?;
        models.push(model);
    }
    let scratch = job.scratch.clone();
    thread::spawn(move || scratch::end_with(input, &scratch));
    // Nobody reads any more when the program that started this one has ended: there is nothing left to do then.
    let mut gone = Ok(());
    let mut say = |event: Event| {
        let line = serde_json::to_string(&event).map_err(io::Error::from);
        let said = line.and_then(|line| writeln!(output, "{line}")).and_then(|()| output.flush());
        gone = std::mem::replace(&mut gone, Ok(())).and(said);
        gone.is_ok()
    };
    let Some(loaded) = runtime::load(&job.libraries, &mut |event| {
        say(event);
    }) else {
        return gone;
    };
    let probe = models.last().map_or(&[][..], Vec::as_slice);
    let runtime = match Runtime::on(loaded, job.device, job.folder.as_deref(), probe) {
        Ok((runtime, using)) => {
            say(Event::Using(using));
            runtime
        }
        Err(why) => {
            say(Event::NoDevice(why));
            return gone;
        }
    };
    let mut worker = Worker { runtime, counting: None, scratch: &job.scratch, models: &models };
    for (number, task) in job.tasks.iter().enumerate() {
        let done = say(Event::Began(number))
            && say(match worker.answer(task) {
                Ok(answer) => Event::Done(number, answer),
                Err(why) => Event::Refused(number, why),
            });
        if !done {
            break;
        }
    }
    gone
}

struct Worker<'a> {
    runtime: Runtime,
    counting: Option<&'static Counting>,
    scratch: &'a Path,
    models: &'a [Vec<u8>],
}

impl Worker<'_> {
    fn answer(&mut self, task: &Task) -> Result<Answer, String> {
        match task {
            Task::Devices => Ok(Answer::Devices(self.runtime.devices())),
            Task::Types { model, exposing, wanted, feeds } => {
                let bytes = [self.model(*model)?, self.model(*exposing)?].concat();
                self.types(&bytes, wanted, feeds).map(Answer::Types)
            }
            Task::Peaks { model, optimized, feeds } => self.peaks(*model, *optimized, feeds).map(Answer::Peaks),
            Task::Profile { model, optimized, feeds, runs } => {
                self.profile(*model, *optimized, feeds, *runs).map(Answer::Profile)
            }
            Task::Sum { model, feeds } => self.sum(*model, feeds).map(Answer::Sum),
            Task::Copy => Ok(Answer::Copy { bytes_per_second: copy_rate() }),
        }
    }

    fn model(&self, number: usize) -> Result<&[u8], String> {
        self.models.get(number).map(Vec::as_slice).ok_or_else(|| format!("there is no model {number}"))
    }

    fn types(&self, model: &[u8], wanted: &[String], feeds: &[Feed]) -> Result<Vec<Typed>, String> {
        let mut session = self.runtime.session(model, false).map_err(said)?;
        let outputs = session.run(feed::tensors(feeds)?).map_err(said)?;
        let types = wanted.iter().map(|name| match outputs.get(name).map(ort::value::Value::dtype) {
            Some(ValueType::Tensor { ty, shape, .. }) => {
                Ok(Typed { dtype: profile::element_type(&ty.to_string()), dims: shape.to_vec() })
            }
            Some(other) => Ok(Typed { dtype: other.to_string(), dims: Vec::new() }),
            None => Err(format!("`{name}` does not come out")),
        });
        types.collect()
    }

    /// Runs on one thread, because how much room a convolution takes depends on their number.
    fn peaks(&mut self, model: usize, optimized: bool, feeds: &[Feed]) -> Result<Option<Peaks>, String> {
        if !self.runtime.is_cpu() {
            return Ok(None);
        }
        let counting = match self.counting {
            Some(counting) => counting,
            None => self.counting.insert(Counting::register(&self.runtime.environment).map_err(said)?),
        };
        let builder = self.runtime.builder(optimized).map_err(said)?.with_intra_threads(1).map_err(said)?;
        let mut builder = builder.with_env_allocators().map_err(said)?;
        let graph = optimized.then(|| self.scratch.join("optimized.onnx"));
        if let Some(path) = &graph {
            // Weights would make the file as large as the model, and are of no use.
            let beside = ("session.optimized_model_external_initializers_file_name", WEIGHTS);
            builder = builder.with_optimized_model_path(path).map_err(said)?;
            builder = builder.with_config_entry(beside.0, beside.1).map_err(said)?;
        }
        let mut session = builder.commit_from_memory(self.model(model)?).map_err(said)?;
        // As below.
        let _ = fs::remove_file(self.scratch.join(WEIGHTS));
        let mut peak = || {
            let inputs = feed::tensors(feeds)?;
            let mark = counting.mark();
            session.run(inputs).map_err(said)?;
            Ok::<_, String>(mark.peak())
        };
        Ok(Some(Peaks { first: peak()?, steady: peak()?, graph }))
    }

    fn profile(&self, model: usize, optimized: bool, feeds: &[Feed], runs: u32) -> Result<Profile, String> {
        let builder = self.runtime.builder(optimized).map_err(said)?;
        // Weights that are packed for a kernel are no longer among what its node reads.
        let builder = builder.with_prepacking(optimized).map_err(said)?;
        let mut builder = builder.with_profiling(self.scratch.join("profile")).map_err(said)?;
        let mut session = builder.commit_from_memory(self.model(model)?).map_err(said)?;
        let began = Instant::now();
        for _ in 0..runs {
            session.run(feed::tensors(feeds)?).map_err(said)?;
            if began.elapsed() > ENOUGH {
                break;
            }
        }
        let place = self.runtime.memory();
        let device = place.as_ref().filter(|(device, _)| *device == AllocationDevice::CUDA).and_then(|_| nvml::held());
        let arena = place.and_then(|(device, number)| arena(&session, device, number));
        let path = session.end_profiling().map_err(said)?;
        let text = fs::read_to_string(&path);
        // The whole folder goes in the end; this only keeps it small, and may fail.
        let _ = fs::remove_file(&path);
        let text = text.map_err(|error| format!("cannot read its profile: {error}"))?;
        let profile = profile::read(&text).ok_or("its profile is cut short; is the disk full?")?;
        Ok(Profile { arena, device, ..profile })
    }

    fn sum(&self, model: usize, feeds: &[Feed]) -> Result<u64, String> {
        let mut session = self.runtime.session(self.model(model)?, false).map_err(said)?;
        let outputs = session.run(feed::tensors(feeds)?).map_err(said)?;
        let mut sum = 0u64;
        for value in outputs.values() {
            for element in elements(&value)? {
                let counted =
                    element.ok_or("an output is no whole number, or one that was cut off, and counts nothing")?;
                sum = sum.checked_add(counted).ok_or("its outputs are more than 2^64")?;
            }
        }
        Ok(sum)
    }
}

/// The file for the weights of a graph that the runtime writes.
const WEIGHTS: &str = "weights";

/// Time after which no further run begins.
const ENOUGH: Duration = Duration::from_millis(500);

/// Elements as the numbers that they count.
fn elements(value: &ValueRef<'_>) -> Result<Vec<Option<u64>>, String> {
    macro_rules! of {
        ($type:ty, $count:expr) => {{
            let (_, elements) = value.try_extract_tensor::<$type>().map_err(said)?;
            Ok(elements.iter().map(|n| $count(*n)).collect())
        }};
    }
    match value.dtype() {
        ValueType::Tensor { ty: TensorElementType::Int32, .. } => of!(i32, |n| u64::try_from(n).ok()),
        // The largest is where all that is larger ends up.
        ValueType::Tensor { ty: TensorElementType::Uint8, .. } => of!(u8, |n| (n < u8::MAX).then_some(u64::from(n))),
        ValueType::Tensor { ty: TensorElementType::Int8, .. } => {
            of!(i8, |n: i8| u64::try_from(n).ok().filter(|_| n < i8::MAX))
        }
        _ => of!(f32, whole),
    }
}

/// A float that is a whole number small enough to be exact. 2^24 is what 2^24 + 1 is rounded to, and may be a sum that was
/// cut off.
fn whole(x: f32) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    (x.fract() == 0.0 && (0.0..16_777_216.0).contains(&x)).then_some(x as u64)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn said<T>(error: ort::Error<T>) -> String {
    one_line(error.message())
}

/// A message of the runtime on one line, from where it says what is wrong: before that stand places in its source and a
/// code, as in `[ONNXRuntimeError] : 1 : FAIL : …`.
pub(super) fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let coded = line.rsplit_once("[ONNXRuntimeError] : ").and_then(|(_, rest)| rest.splitn(3, " : ").nth(2));
    coded.map_or_else(|| line.clone(), str::to_string)
}

/// What a session's own arena says of itself.
fn arena(session: &Session, device: AllocationDevice, number: i32) -> Option<Arena> {
    let info = MemoryInfo::new(device, number, AllocatorType::Device, MemoryType::Default).ok()?;
    let allocator = Allocator::new(session, info).ok()?;
    Some(Arena { used: statistic(&allocator, "MaxInUse")?, held: statistic(&allocator, "TotalAllocated")? })
}

/// Bytes a second that are read and written when a block beyond every cache is copied: the best of some.
fn copy_rate() -> f64 {
    const BLOCK: u32 = 64 << 20;
    let from = vec![1u8; BLOCK as usize];
    let mut to = vec![0u8; BLOCK as usize];
    let times = (0..5).map(|_| {
        let began = Instant::now();
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        began.elapsed().as_secs_f64()
    });
    2.0 * f64::from(BLOCK) / times.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::{one_line, whole};

    /// As ONNX Runtime 1.32 says it (shortened).
    #[test]
    fn a_message_begins_where_it_says_what_is_wrong() {
        let whole =
            "/src/graph.cc:5543 onnx::GraphProto\nGraph::To() [ONNXRuntimeError] : 1 : FAIL : Failed to write : x";
        assert_eq!([one_line(whole), one_line("out of\n memory")], ["Failed to write : x", "out of memory"]);
    }

    #[test]
    fn a_float_counts_as_far_as_it_is_exact() {
        assert_eq!(whole(16_777_215.0), Some(16_777_215));
        for x in [16_777_216.0, 16_777_217.0, 0.5, -1.0, f32::NAN] {
            assert_eq!(whole(x), None, "{x}");
        }
    }
}
