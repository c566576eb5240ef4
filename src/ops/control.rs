//! Control flow: `If` and `Loop`, and what goes into the sub-graphs of every operator that has some.
//!
//! A front end builds the sub-graphs of a node before the node itself, in the order of [`body_attributes`]. It asks
//! [`body_inputs`] for what goes in, with [`At::bodies`] empty, builds, and asks again with what the sub-graphs deliver:
//! when the answer is another one, a value that the loop carries changes its size from run to run, and the sub-graphs
//! are built again from the new answer. Every answer is wider than the last, so this ends; where one does not settle
//! after a few rounds, unknown types are always right.

use super::attention;
use super::attributes::Attributes;
use super::axes::axis;
use super::kernel::Kernel;
use super::rules::{
    At, BodyOutput, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use super::scan;
use super::sequence_map;
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] =
    &[op("If", &[steer("cond")], read_if), op("Loop", &[steer("M"), steer("cond"), data("v_initial")], read_loop)];

const fn op(
    name: &'static str,
    slots: &'static [Slot],
    read: fn(&Spec) -> Result<Box<dyn Operator>, OpError>,
) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

/// What goes into a sub-graph at one of its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyInput {
    /// Its type. Where something in it is unknown, the sub-graph's own declaration is the best there is.
    pub ty: ValueType,
    /// Its contents, if they are the same in every run.
    pub known: Option<Literal>,
}

impl From<ValueType> for BodyInput {
    fn from(ty: ValueType) -> BodyInput {
        BodyInput { ty, known: None }
    }
}

/// The attributes that hold an operator's sub-graphs, in the order in which [`At::bodies`] has them.
pub fn body_attributes(kind: &OpKind) -> &'static [&'static str] {
    match (kind.domain, kind.name) {
        ("", "If") => &["then_branch", "else_branch"],
        ("", "Loop" | "Scan" | "SequenceMap") => &["body"],
        ("ai.onnx.preview", "FlexAttention") => &["score_mod", "prob_mod"],
        _ => &[],
    }
}

/// What goes into each of an operator's sub-graphs (all of them take the same).
pub fn body_inputs(kind: &OpKind, attributes: &Attributes, opset: i64, at: &At) -> Result<Vec<BodyInput>, OpError> {
    match (kind.domain, kind.name) {
        ("", "Loop") => Ok(loop_inputs(at)),
        ("", "SequenceMap") => Ok(sequence_map::body_inputs(at)),
        ("ai.onnx.preview", "FlexAttention") => Ok(vec![attention::modified(attributes, at)?.into()]),
        ("", "Scan") => scan::Scan::read(attributes, opset)?.body_inputs(at),
        _ => Ok(Vec::new()),
    }
}

/// Something that a node with sub-graphs reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Its input at this position.
    Input(usize),
    /// What this one of its sub-graphs delivers at this position.
    Delivered(usize, usize),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It goes into the sub-graphs at this position.
    BodyInput(usize),
    /// It is the node's output at this position.
    Output(usize),
}

/// What becomes of one thing that a node with sub-graphs reads, whose type the rest takes on; `None` where only
/// [`body_inputs`] and the operator say so. `inputs`: how many the node has; `first`: what is in its first one.
pub fn flow(
    (kind, attributes, opset): (&OpKind, &Attributes, i64),
    (inputs, first): (usize, Option<&Literal>),
    read: Read,
) -> Option<Vec<Made>> {
    // What is carried: so many values, from this input on, after so many others that go into a run and come out of it.
    let carried = |count: usize, from: usize, into: usize, out: usize| match read {
        Read::Input(i) => match i.checked_sub(from).filter(|i| *i < count) {
            Some(i) => vec![Made::BodyInput(i + into), Made::Output(i)],
            None => Vec::new(),
        },
        Read::Delivered(_, o) => match o.checked_sub(out) {
            Some(i) if i < count => vec![Made::BodyInput(i + into), Made::Output(i)],
            Some(i) => vec![Made::Output(i)],
            None => Vec::new(),
        },
    };
    match (kind.domain, kind.name) {
        ("", "If") => Some(match (read, only(first).and_then(Dim::known)) {
            (Read::Delivered(branch, o), Some(condition)) if (condition == 0) == (branch == 1) => vec![Made::Output(o)],
            (Read::Delivered(_, o), None) => vec![Made::Output(o)],
            _ => Vec::new(),
        }),
        ("", "Loop") => Some(carried(inputs.saturating_sub(2), 2, 2, 1)),
        ("", "SequenceMap") => Some(match read {
            Read::Input(i) => vec![Made::BodyInput(i)],
            Read::Delivered(_, o) => vec![Made::Output(o)],
        }),
        ("", "Scan") => {
            let (lengths, states) = scan::states(attributes, opset, inputs)?;
            let mut made = carried(states, lengths, 0, 0);
            if let Read::Input(i) = read {
                made = i.checked_sub(lengths).map(Made::BodyInput).into_iter().collect();
                // With a batch, the last states are what the runs deliver alone.
                made.extend(i.checked_sub(lengths).filter(|i| lengths == 0 && *i < states).map(Made::Output));
            }
            Some(made)
        }
        _ => None,
    }
}

/// A value that is carried from run to run: what it is at first, or what the last run made of it.
pub(super) fn carried(initial: Option<&ValueType>, delivered: Option<&BodyOutput>) -> ValueType {
    match (initial, delivered) {
        (Some(initial), Some(delivered)) => initial.join(delivered.ty),
        (Some(initial), None) => initial.clone(),
        (None, _) => ValueType::Unknown,
    }
}

/// The only element of a known condition or count.
fn only(known: Option<&Literal>) -> Option<&Dim> {
    known.and_then(Literal::int)
}

/// A sub-graph that must be there.
pub(super) fn body<'a>(at: &At<'a>, attribute: &str, position: usize) -> Result<&'a [BodyOutput<'a>], OpError> {
    at.bodies.get(position).map(Vec::as_slice).ok_or_else(|| OpError::invalid(format!("`{attribute}` is missing")))
}

#[derive(Debug)]
struct If;

fn read_if(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(If))
}

impl If {
    /// The branch that runs, where the condition is known.
    fn taken(at: &At) -> Option<usize> {
        only(at.literal(0)).and_then(Dim::known).map(|condition| usize::from(condition == 0))
    }
}

impl Operator for If {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let branches = [body(at, "then_branch", 0)?, body(at, "else_branch", 1)?];
        if let Some(taken) = If::taken(at) {
            return Ok(branches[taken].iter().map(|o| o.ty.clone()).collect());
        }
        let [yes, no] = branches;
        if yes.len() != no.len() {
            return Err(OpError::invalid(format!(
                "`then_branch` delivers {} values, `else_branch` {}",
                yes.len(),
                no.len()
            )));
        }
        Ok(yes.iter().zip(no).map(|(a, b)| a.ty.join(b.ty)).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let (Ok(yes), Ok(no)) = (body(at, "then_branch", 0), body(at, "else_branch", 1)) else { return Vec::new() };
        match If::taken(at) {
            Some(taken) => [yes, no][taken].iter().map(|o| o.known.cloned()).collect(),
            None => yes.iter().zip(no).map(|(a, b)| a.known.filter(|k| Some(*k) == b.known).cloned()).collect(),
        }
    }

    fn work(&self, at: &At) -> Work {
        match If::taken(at) {
            Some(0) => Work::Runs(vec![1, 0]),
            Some(_) => Work::Runs(vec![0, 1]),
            None => Work::Unmodelled("which branch runs is decided by the data".into()),
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a sub-graph decides it")
    }
}

#[derive(Debug)]
struct Loop;

fn read_loop(_: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Loop))
}

/// The number of the run, the condition, and what is carried.
///
/// While the body runs the condition is true. The rank of the number is left open: it is a scalar by the specification,
/// and ONNX Runtime hands over a list of one where the body declares that.
fn loop_inputs(at: &At) -> Vec<BodyInput> {
    let number = TensorType::new(DType::I64, Shape::Unranked);
    let condition = at.tensor(1).cloned().unwrap_or(TensorType::new(DType::Bool, Shape::scalar()));
    let truth = condition.shape.rank().map(one_truth);
    let delivered = at.bodies.first().map_or(&[][..], Vec::as_slice);
    let carried = at.inputs.iter().enumerate().skip(2).map(|(i, ty)| carried(*ty, delivered.get(i - 1)).into());
    let fixed = [ValueType::from(number).into(), BodyInput { ty: condition.into(), known: truth }];
    fixed.into_iter().chain(carried).collect()
}

/// A condition that holds, with so many dimensions.
fn one_truth(rank: usize) -> Literal {
    Literal { dims: vec![1; rank], elements: Elements::Ints(vec![Dim::Known(1)]) }
}

impl Loop {
    /// How often the body runs: so often as the trip count says, unless a condition ends it before.
    fn trips(at: &At) -> Dim {
        let condition = |known: Option<&Literal>| only(known).and_then(Dim::known).map(|n| n != 0);
        let limit = || only(at.literal(0)).map_or(Dim::Unknown, |n| n.larger(&Dim::Known(0)));
        let starts = if at.has(1) { condition(at.literal(1)) } else { Some(true) };
        let goes_on = condition(at.bodies.first().and_then(|b| b.first()).and_then(|o| o.known));
        match (starts, goes_on) {
            (Some(false), _) => Dim::Known(0),
            (Some(true), Some(true)) => limit(),
            (Some(true), Some(false)) if at.has(0) => limit().smaller(&Dim::Known(1)),
            (Some(true), Some(false)) => Dim::Known(1),
            _ => Dim::Unknown,
        }
    }
}

impl Operator for Loop {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let delivered = body(at, "body", 0)?;
        let initial = at.inputs.get(2..).unwrap_or(&[]);
        let Some((last, collected)) = delivered.get(1..).and_then(|d| d.split_at_checked(initial.len())) else {
            return Err(OpError::invalid(format!(
                "the body delivers {} values, the loop carries {} and a condition",
                delivered.len(),
                initial.len()
            )));
        };
        let trips = Loop::trips(at);
        let carried = initial.iter().zip(last).map(|(initial, last)| carried(*initial, Some(last)));
        Ok(carried.chain(collected.iter().map(|o| stacked(o.ty, &[(0, trips.clone())]))).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        // Where the trip count is not stated, what is stacked up may tell it.
        let stacked = at.inputs.len().saturating_sub(2)..at.outputs.len();
        let entries = |position: usize| at.output(position)?.shape.dims()?.first()?.size();
        match Loop::trips(at).size().or_else(|| stacked.into_iter().find_map(entries)) {
            Some(trips) => Work::Runs(vec![trips]),
            None => Work::Unmodelled("how often the loop runs is not known".into()),
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a sub-graph decides it")
    }
}

/// A value of a sub-graph with more axes, each at its position in what comes out.
pub fn stacked(ty: &ValueType, axes: &[(i64, Dim)]) -> ValueType {
    let Some(tensor) = ty.tensor() else { return ValueType::Unknown };
    let insert = |dims: &[Dim]| {
        let mut dims = dims.to_vec();
        for (at, size) in axes {
            dims.insert(axis(*at, dims.len().saturating_add(1)).ok()?, size.clone());
        }
        Some(Shape::Ranked(dims))
    };
    let shape = tensor.shape.dims().and_then(insert).unwrap_or(Shape::Unranked);
    TensorType { dtype: tensor.dtype, shape }.into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn flag(value: i64) -> (ValueType, Option<Literal>) {
        (tensor(DType::Bool, &[]), Some(Literal::scalar(Dim::Known(value))))
    }

    fn inputs(case: &Case, kind: &str, attributes: &Attributes, opset: i64) -> Vec<ValueType> {
        let kind = super::super::find("", kind).unwrap();
        let inputs = case.ask(&[], |_, at| body_inputs(kind, attributes, opset, at)).unwrap().unwrap();
        inputs.into_iter().map(|i| i.ty).collect()
    }

    #[test]
    fn a_known_condition_takes_its_branch_and_an_unknown_one_joins_both() {
        let size = |n: i64| Literal::vector(vec![Dim::Known(n)]);
        let (yes, no) = (vec![(f32(&[2, 3]), Some(size(3)))], vec![(f32(&[2, 4]), Some(size(4)))]);
        let branches = |case: Case| case.body(yes.clone()).body(no.clone());
        let known = branches(Case::new("", "If", 16).known(Literal::scalar(Dim::Known(0))));
        assert_eq!(known.infer().unwrap(), vec![f32(&[2, 4])]);
        assert_eq!(known.fold(), vec![Some(size(4))]);
        assert_eq!(known.work(), Work::Runs(vec![0, 1]));
        let open = branches(Case::new("", "If", 16).input(tensor(DType::Bool, &[])));
        assert_eq!(open.infer().unwrap(), vec![tensor(DType::F32, &[Dim::Known(2), Dim::Unknown])]);
        assert_eq!(open.fold(), vec![None]);
        assert!(matches!(open.work(), Work::Unmodelled(_)));
    }

    /// The specification: scan outputs are stacked along a new first axis, one entry a run.
    #[test]
    fn a_loop_that_only_counts_stacks_as_many_outputs_as_its_trip_count() {
        let counted = |end: i64| {
            let carried = (f32(&[4]), None);
            Case::new("", "Loop", 16)
                .known(Literal::scalar(Dim::Known(5)))
                .absent()
                .input(f32(&[4]))
                .body(vec![flag(end), carried.clone(), carried])
                .outputs(2)
        };
        assert_eq!(counted(1).infer().unwrap(), vec![f32(&[4]), f32(&[5, 4])]);
        assert_eq!(counted(1).work(), Work::Runs(vec![5]));
        assert_eq!(counted(0).infer().unwrap(), vec![f32(&[4]), f32(&[1, 4])]);
    }

    #[test]
    fn what_is_stacked_up_tells_the_runs_of_a_loop_that_ends_itself() {
        let open = (tensor(DType::Bool, &[]), None);
        let body = vec![open, (f32(&[4]), None), (f32(&[4]), None)];
        let case = Case::new("", "Loop", 16).absent().absent().input(f32(&[4])).body(body).outputs(2);
        assert!(matches!(case.work(), Work::Unmodelled(_)));
        let known = case.ask(&[f32(&[4]), f32(&[3, 4])], |op, at| op.work(at)).unwrap();
        assert_eq!(known, Work::Runs(vec![3]));
    }

    #[test]
    fn a_value_that_grows_is_given_to_the_body_without_its_size() {
        let first = Case::new("", "Loop", 16).absent().absent().input(f32(&[1, 7]));
        assert_eq!(inputs(&first, "Loop", &Attributes::new(), 16)[2], f32(&[1, 7]));
        let second = first.body(vec![flag(1), (f32(&[2, 7]), None)]);
        let grown = tensor(DType::F32, &[Dim::Unknown, Dim::Known(7)]);
        assert_eq!(inputs(&second, "Loop", &Attributes::new(), 16)[2], grown);
        assert_eq!(second.infer().unwrap(), vec![grown]);
    }
}
