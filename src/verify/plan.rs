//! What is to be run for one case, and what every answer is about.

use super::child::Content;
use super::job::{Feed, Task};
use super::ones::{Countable, Counting, OneNode};
use super::subject::Case;
use super::{ones, tensors};
use crate::back::onnx;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The types of one of the [`tensors::slices`].
    Types(Range<usize>),
    /// Live bytes, with or without optimisation.
    Peaks(bool),
    /// Time, with or without optimisation.
    Profile(bool),
    /// Multiply-accumulates of a node, by position in the list, with padding counted.
    Nominal(usize),
    /// The same without.
    Effective(usize),
    /// How fast the machine multiplies.
    Roof,
    /// How fast it copies.
    Copy,
}

/// The tasks of one case.
pub(super) struct Plan {
    /// What is wanted, with the number of the task that answers it. Equal nodes are counted once.
    pub(super) purposes: Vec<(Purpose, usize)>,
    pub(super) tasks: Vec<Task>,
    /// Models, the last one small enough to try a device with.
    pub(super) models: Vec<Arc<dyn Content>>,
    /// Multiply-accumulates of the product that shows how fast the machine multiplies.
    pub(super) roof_macs: u64,
    /// Nodes whose multiply-accumulates are counted.
    pub(super) countables: Vec<Countable>,
    /// Names of those that cannot be counted, and why.
    pub(super) uncounted: Vec<(String, String)>,
    /// Numbers of the tasks that count nodes, by their models.
    counted: HashMap<Vec<u8>, Vec<usize>>,
}

/// Edge of the matrices whose product shows how fast the machine multiplies: large enough for its kernel to run at full
/// speed, and small enough to be done before another process wants the processor.
const EDGE: u64 = 384;

/// Most runs of the product: its time is a millisecond, and the quickest run is wanted.
const PRODUCTS: u32 = 300;
/// How often the machine is measured again before a count is called wrong.
const AGAIN: usize = 10;
/// Most runs of a model that are timed.
const RUNS: u32 = 6;

/// Measures how fast the machine multiplies, once more and for longer.
pub(super) fn roof() -> Result<(OneNode, u64, Vec<Task>), String> {
    let (product, macs) = ones::product(EDGE)?;
    let tasks = vec![multiply(0, &product.feeds); AGAIN];
    Ok((product, macs, tasks))
}

fn multiply(model: usize, feeds: &[Feed]) -> Task {
    Task::Profile { model, optimized: false, feeds: feeds.to_vec(), runs: PRODUCTS }
}

impl Plan {
    /// Everything that is measured of a case.
    pub(super) fn new(case: &Case) -> Result<Plan, String> {
        let feeds = case.feeds()?;
        let (OneNode { model: product, feeds: sides, .. }, roof_macs) = ones::product(EDGE)?;
        let mut plan = Plan {
            purposes: Vec::new(),
            tasks: Vec::new(),
            models: vec![Arc::clone(&case.file.content)],
            roof_macs,
            countables: Vec::new(),
            uncounted: Vec::new(),
            counted: HashMap::new(),
        };
        let model = 0;
        for slice in tensors::slices(case) {
            let wanted = tensors::names(case, slice.clone());
            let exposing = plan.model(Arc::new(onnx::exposing(&tensors::between(case, slice.clone()))));
            plan.add(Purpose::Types(slice), Task::Types { model, exposing, wanted, feeds: feeds.clone() });
        }
        for optimized in [false, true] {
            plan.add(Purpose::Peaks(optimized), Task::Peaks { model, optimized, feeds: feeds.clone() });
        }
        for id in &case.model.main.nodes {
            match ones::of(case.model, *id) {
                Counting::None => {}
                Counting::Countable(countable) => plan.count(*countable),
                Counting::Not(why) => plan.uncounted.push((case.model.nodes[*id].name.to_string(), why)),
            }
        }
        let product = plan.model(Arc::new(product));
        // Between everything else, because the machine may be busy at one moment or another.
        let roof = |plan: &mut Plan| plan.add(Purpose::Roof, multiply(product, &sides));
        roof(&mut plan);
        for optimized in [false, true] {
            let task = Task::Profile { model, optimized, feeds: feeds.clone(), runs: RUNS };
            plan.add(Purpose::Profile(optimized), task);
            roof(&mut plan);
        }
        plan.add(Purpose::Copy, Task::Copy);
        Ok(plan)
    }

    /// What a task is for, as the end of "ONNX Runtime … while".
    pub(super) fn doing(&self, task: usize, case: &Case) -> String {
        let what = match self.purposes.iter().find(|(_, number)| *number == task).map(|(purpose, _)| purpose) {
            Some(Purpose::Types(slice)) => format!("computing values {} to {}", slice.start + 1, slice.end),
            Some(Purpose::Peaks(_)) => "measuring memory".into(),
            Some(Purpose::Profile(_)) => "measuring time".into(),
            Some(Purpose::Nominal(number) | Purpose::Effective(number)) => format!("counting node {}", number + 1),
            Some(Purpose::Roof | Purpose::Copy) | None => return "measuring the machine".into(),
        };
        format!("{what} of `{}` at batch {}", case.model.name, case.batch)
    }

    fn count(&mut self, countable: Countable) {
        let number = self.countables.len();
        self.one(Purpose::Nominal(number), &countable.nominal);
        if let Some(effective) = &countable.effective {
            self.one(Purpose::Effective(number), effective);
        }
        self.countables.push(countable);
    }

    fn one(&mut self, purpose: Purpose, one: &OneNode) {
        let fed_alike = |task: &usize| matches!(&self.tasks[*task], Task::Sum { feeds, .. } if *feeds == one.feeds);
        if let Some(task) = self.counted.get(&one.model).and_then(|tasks| tasks.iter().copied().find(fed_alike)) {
            self.purposes.push((purpose, task));
            return;
        }
        let model = self.model(Arc::new(one.model.clone()));
        self.counted.entry(one.model.clone()).or_default().push(self.tasks.len());
        self.add(purpose, Task::Sum { model, feeds: one.feeds.clone() });
    }

    fn add(&mut self, purpose: Purpose, task: Task) {
        self.purposes.push((purpose, self.tasks.len()));
        self.tasks.push(task);
    }

    fn model(&mut self, content: Arc<dyn Content>) -> usize {
        self.models.push(content);
        self.models.len() - 1
    }
}
