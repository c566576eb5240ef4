//! Predictions held against ONNX Runtime.
//!
//! [`discover`] finds the library; [`verify`] plans what to run ([`plan`]), has another process do it ([`child`] starts
//! it, [`worker`] is what runs there, [`job`] is what they say to each other) and compares ([`compare`], [`tensors`],
//! [`ones`], [`planned`]). In that process [`runtime`] loads the library, [`counting`] counts its memory, [`nvml`] asks
//! for that of a GPU, [`profile`] reads the clock. What comes out is a [`report`], which [`show`] writes.
//!
//! The only room that names `ort`. The library is found and loaded at run time: nothing else of the program needs it.

mod child;
mod compare;
mod counting;
mod device;
pub mod discover;
mod feed;
mod job;
mod nvml;
mod ones;
mod plan;
mod planned;
mod profile;
pub mod report;
mod runtime;
mod scratch;
pub mod show;
mod subject;
mod tensors;
mod worker;

pub use child::{Content, Failure, Process};
pub use device::Device;
pub use job::{Candidate, Library, Tried, Using};
pub use subject::{Case, File, WEIGHTS};
pub use worker::run as work;

use child::Done;
use job::{Answer, Job, Task};
use plan::Plan;
use report::Verified;
use scratch::Scratch;
use std::path::PathBuf;
use std::sync::Arc;

/// How models are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process.
    pub process: Process,
    /// Libraries to be tried.
    pub libraries: Vec<Candidate>,
    /// What models run on.
    pub device: Device,
    /// Where data lies that models keep in other files; `None` where there are no files.
    pub folder: Option<PathBuf>,
}

/// Runs a model at every batch for which there is a case, and compares. `tell` hears what is being done. A runtime that
/// ends or hangs takes what was still to be measured at that batch with it, and nothing else. `Err` where it cannot run at
/// all.
pub fn verify(
    name: &str,
    source: &str,
    cases: &[Case],
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Result<Verified, Failure> {
    let mut verified = Verified { name: name.into(), source: source.into(), ..Verified::default() };
    let scratch = Scratch::new().map_err(Failure::System)?;
    for case in cases {
        let plan = match Plan::new(case) {
            Ok(plan) => plan,
            Err(why) => {
                verified.miss([why]);
                continue;
            }
        };
        let doing = |task: usize| plan.doing(task, case);
        match run(plan.tasks.clone(), &plan.models, settings, &scratch, &doing, tell) {
            Ok(done) => compare::add(&mut verified, case, &plan, done),
            Err(failure) if verified.runtime.is_none() && !failure.is_of_this_run() => return Err(failure),
            Err(failure) => verified.miss([failure.to_string()]),
        }
    }
    let times: Vec<_> = verified.runs.iter_mut().filter_map(|run| run.time.as_mut()).collect();
    if times.iter().any(|time| !time.above.is_empty()) {
        let (roof, failure) = again(settings, &scratch, tell).unwrap_or_else(|failure| (None, Some(failure)));
        for time in times {
            match roof {
                Some(roof) => time.raise(roof),
                None => time.leave_open(),
            }
        }
        let unmeasured = roof.is_none().then(|| "how fast the machine multiplies was not measured again".into());
        verified.miss(failure.map(|failure| failure.to_string()).or(unmeasured));
    }
    Ok(verified)
}

/// Measures how fast the machine multiplies once more, and says why it could not do so to the end.
fn again(
    settings: &Settings,
    scratch: &Scratch,
    tell: &mut dyn FnMut(&str),
) -> Result<(Option<f64>, Option<Failure>), Failure> {
    let (product, macs, tasks) = plan::roof().map_err(Failure::System)?;
    let doing = |_| "measuring the machine".into();
    let done = run(tasks, &[Arc::new(product.model)], settings, scratch, &doing, tell)?;
    Ok((compare::roof(&done.answers, macs), done.failure))
}

/// What the library can run models on, and the devices that it sees.
pub fn devices(settings: &Settings) -> Result<(Library, Using, Vec<String>), Failure> {
    let (product, _) = ones::product(1).map_err(Failure::System)?;
    let doing = |_| "looking for devices".into();
    let scratch = Scratch::new().map_err(Failure::System)?;
    let done = run(vec![Task::Devices], &[Arc::new(product.model)], settings, &scratch, &doing, &mut |_| {})?;
    if let Some(failure) = done.failure {
        return Err(failure);
    }
    match done.answers.into_iter().next() {
        Some(Ok(Answer::Devices(devices))) => Ok((done.loaded, done.using, devices)),
        Some(Err(why)) => Err(Failure::System(why)),
        _ => Err(Failure::System("ONNX Runtime names no devices".into())),
    }
}

/// Has tasks done. The last model is small enough to try a device with.
fn run(
    tasks: Vec<Task>,
    models: &[Arc<dyn Content>],
    settings: &Settings,
    scratch: &Scratch,
    doing: &dyn Fn(usize) -> String,
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failure> {
    let job = Job {
        libraries: settings.libraries.clone(),
        device: settings.device,
        folder: settings.folder.clone(),
        scratch: scratch.path().to_owned(),
        tasks,
        models: models.iter().map(|model| model.size()).collect(),
    };
    child::run(&settings.process, &job, models, doing, tell)
}

#[cfg(all(test, unix))]
mod tests {
    use super::report::Verdict;
    use super::*;
    use std::time::Duration;

    /// A runtime that is lost at every batch, after it has delivered a shape that nobody predicted.
    #[test]
    fn a_mismatch_outlives_the_runtime() {
        let script = r#"
            read -r job
            echo '{"Loaded":{"candidate":{"place":"","path":""},"version":"1.32.0","providers":[]}}'
            echo '{"Using":{"provider":"CPUExecutionProvider","device":"cpu","passed_over":[]}}'
            echo '{"Began":0}'
            echo '{"Done":[0,{"Types":[{"dtype":"f32","dims":[1,3,5]},{"dtype":"f32","dims":[1,3,4]}]}]}'
            kill -SEGV $$
        "#;
        let arguments = vec!["-c".into(), script.into()];
        let process = Process { program: "sh".into(), arguments, patience: Duration::from_mins(1) };
        let settings = Settings { process, libraries: Vec::new(), device: Device::Cpu, folder: None };
        let model = tensors::tests::model();
        let cases = [1, 2].map(|batch| Case { model: &model, batch, file: File::exported(&model).unwrap() });
        let verified = verify("two", "two.arch", &cases, &settings, &mut |_| {}).unwrap();
        assert_eq!((verified.verdict(), verified.runs.len()), (Verdict::Mismatch, 2));
        assert_eq!(verified.runs[1].tensors.as_ref().map(report::Tensors::agree), Some(1));
        let [first, second] = &*verified.missing else { panic!("{:?}", verified.missing) };
        assert!(first.starts_with("ONNX Runtime ended with signal 11") && first.ends_with("batch 1"), "{first}");
        assert!(second.ends_with("batch 2"), "{second}");
    }
}
