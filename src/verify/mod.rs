//! Predictions held against ONNX Runtime.
//!
//! [`discover`] finds the library; [`verify`] plans what to run ([`plan`]), has another process do it ([`child`] starts
//! it, [`worker`] is what runs there, [`job`] is what they say to each other) and compares ([`compare`], [`tensors`],
//! [`ones`]). In that process [`runtime`] loads the library, [`counting`] counts its memory, [`profile`] reads its clock.
//! What comes out is a [`report`], which [`show`] writes.
//!
//! The only room that names `ort`. The library is found and loaded at run time: nothing else of the program needs it.

mod child;
mod compare;
mod counting;
mod device;
pub mod discover;
mod feed;
mod job;
mod ones;
mod plan;
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

use crate::graph::Model;
use child::Done;
use compare::Counted;
use job::{Answer, Job, Task};
use ones::Counting;
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

/// Runs a model at every batch for which there is a case, and compares. `single`: the model for one example, of which
/// single nodes are counted. `tell` hears what is being done.
pub fn verify(
    name: &str,
    source: &str,
    single: (&Model, u64),
    cases: &[Case],
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Result<Verified, Failure> {
    let mut verified = Verified { name: name.into(), source: source.into(), ..Verified::default() };
    let (model, batch) = single;
    let (mut countables, mut names, mut not) = (Vec::new(), Vec::new(), Vec::new());
    for id in &model.main.nodes {
        let name = model.nodes[*id].name.to_string();
        match ones::of(model, *id) {
            Counting::None => {}
            Counting::Countable(countable) => {
                countables.push(*countable);
                names.push(name);
            }
            Counting::Not(why) => not.push((name, why)),
        }
    }
    let sums = vec![None; countables.len()];
    let mut counted = Counted { batch, countables: &countables, not: &not, names: &names, sums };
    for case in cases {
        let wanted = if verified.runtime.is_none() { &*countables } else { &[] };
        match Plan::new(case, wanted) {
            Ok(plan) => {
                let doing = |task: usize| plan.doing(task, case);
                let done = run(plan.tasks.clone(), &plan.models, settings, &doing, tell)?;
                compare::add(&mut verified, case, &plan, done, &mut counted);
            }
            Err(why) => verified.missing.push(why),
        }
    }
    let times: Vec<_> = verified.runs.iter_mut().filter_map(|run| run.time.as_mut()).collect();
    if times.iter().any(|time| !time.above.is_empty()) {
        let (product, macs, tasks) = plan::roof().map_err(Failure::System)?;
        let doing = |_| "measuring the machine".into();
        let done = run(tasks, &[Arc::new(product.model)], settings, &doing, tell)?;
        if let Some(roof) = compare::roof(&done.answers, macs) {
            for time in times {
                time.raise(roof);
            }
        }
    }
    Ok(verified)
}

/// What the library can run models on, and the devices that it sees.
pub fn devices(settings: &Settings) -> Result<(Library, Using, Vec<String>), Failure> {
    let (product, _) = ones::product(1).map_err(Failure::System)?;
    let doing = |_| "looking for devices".into();
    let done = run(vec![Task::Devices], &[Arc::new(product.model)], settings, &doing, &mut |_| {})?;
    match done.answers.into_iter().next() {
        Some(Ok(Answer::Devices(devices))) => Ok((done.library, done.using, devices)),
        Some(Err(why)) => Err(Failure::System(why)),
        _ => Err(Failure::System("ONNX Runtime names no devices".into())),
    }
}

/// Has tasks done. The last model is small enough to try a device with.
fn run(
    tasks: Vec<Task>,
    models: &[Arc<dyn Content>],
    settings: &Settings,
    doing: &(dyn Fn(usize) -> String + Sync),
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failure> {
    let scratch = Scratch::new().map_err(Failure::System)?;
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
