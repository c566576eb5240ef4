//! The questions that every operator answers for itself. None has a default: forgetting one does not compile.

pub use super::class::Class;

use super::attributes::Attributes;
use super::kernel::Kernel;
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};
use std::fmt;

/// What a person should read when an operator cannot be as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpError {
    /// Slug of the diagnostic: `window-too-big`.
    pub code: &'static str,
    /// What is there, before what was wanted.
    pub message: String,
    /// Facts that help to understand.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

impl OpError {
    /// An error with a slug of its own.
    pub fn new(code: &'static str, message: impl Into<String>) -> OpError {
        OpError { code, message: message.into(), notes: Vec::new(), help: None }
    }

    /// A file that breaks the operator's own specification: wrong number of inputs, impossible attribute.
    pub fn invalid(message: impl Into<String>) -> OpError {
        OpError::new("invalid-node", message)
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> OpError {
        self.help = Some(help.into());
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> OpError {
        self.notes.push(note.into());
        self
    }
}

/// The static half of an operator: one row in its room, listed in [`super::ROOMS`].
#[derive(Debug)]
pub struct OpKind {
    /// `""` for the standard domain, `"com.microsoft"`, `"ai.onnx.ml"`, or [`super::OWN_DOMAIN`].
    pub domain: &'static str,
    /// The name as ONNX writes it.
    pub name: &'static str,
    /// Inputs in order; the last one repeats when more are given.
    pub slots: &'static [Slot],
    /// Whether its output needs memory of its own.
    pub storage: Storage,
    /// What ONNX Runtime does with memory where it runs.
    pub kernel: Kernel,
    /// Reads attributes into an operator.
    pub read: fn(&Spec) -> Result<Box<dyn Operator>, OpError>,
}

impl OpKind {
    /// The slot that an input at this position fills.
    pub fn slot(&self, position: usize) -> Slot {
        self.slots.get(position).or(self.slots.last()).copied().unwrap_or(Slot { name: "input", role: SlotRole::Data })
    }
}

/// An input position of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// ONNX's name for it.
    pub name: &'static str,
    /// What a stored value in it is.
    pub role: SlotRole,
}

/// A slot for what flows through the network.
pub const fn data(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Data }
}

/// A slot for kernels and matrices.
pub const fn weight(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Weight }
}

/// A slot for biases.
pub const fn bias(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Bias }
}

/// A slot for the learned scale and shift of a normalisation.
pub const fn norm(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Norm }
}

/// A slot for running statistics: stored, not learned.
pub const fn buffer(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Buffer }
}

/// A slot for numbers that say how to compute (sizes, axes, limits) and are never parameters.
pub const fn steer(name: &'static str) -> Slot {
    Slot { name, role: SlotRole::Steer }
}

/// What a stored value in a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotRole {
    /// Ordinary input. A stored float tensor here is a weight.
    Data,
    /// Kernel or matrix.
    Weight,
    /// Bias.
    Bias,
    /// Scale or shift of a normalisation.
    Norm,
    /// Running statistic.
    Buffer,
    /// Steers the computation.
    Steer,
}

/// Whether an operator's first output needs memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Always.
    Fresh,
    /// It may overwrite its first input, element by element, when nobody reads that afterwards; papers and textbooks
    /// count no activation for it (activation functions, dropout).
    Overwrites,
    /// It is its first input under another shape (flatten, reshape, identity).
    View,
}

/// What the language says of weights that it leaves open, and that ONNX keeps in the shapes of stored tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Filters, units, or another width of the output.
    pub width: Option<u64>,
    /// Whether there is a bias, or for a normalisation a shift.
    pub bias: bool,
    /// For a normalisation: whether there is a learned scale.
    pub scale: bool,
}

/// Everything an operator is read from.
pub struct Spec<'a> {
    /// Its static half.
    pub kind: &'static OpKind,
    /// Its attributes.
    pub attributes: &'a Attributes,
    /// Version of its domain that the file declares.
    pub opset: i64,
    /// Widths that a layer of the language states in place of stored weights.
    pub open: &'a Open,
}

/// A weight that an operator asks for: the slot it fills and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWeight {
    /// Input position.
    pub slot: usize,
    /// Sizes.
    pub shape: Shape,
    /// Whether it is learned; a constant one or zero that stands in for a part switched off is not.
    pub learned: bool,
}

impl OpenWeight {
    /// A learned weight of these sizes.
    pub fn learned(slot: usize, dims: Vec<Dim>) -> OpenWeight {
        OpenWeight { slot, shape: Shape::Ranked(dims), learned: true }
    }
}

/// What is known around an operator when it is asked a question.
pub struct At<'a> {
    /// Types of its inputs; `None` for an optional one that is left out.
    pub inputs: &'a [Option<&'a ValueType>],
    /// Contents of those inputs that are small known constants.
    pub known: &'a [Option<&'a Literal>],
    /// Types of its outputs: empty while they are being inferred.
    pub outputs: &'a [&'a ValueType],
    /// How many outputs the node has (trailing optional ones may be left out).
    pub n_outputs: usize,
    /// What its sub-graphs deliver, in the order of the attributes that hold them.
    pub bodies: &'a [Vec<BodyOutput<'a>>],
}

/// What a sub-graph delivers at one of its outputs.
#[derive(Clone, Copy, Debug)]
pub struct BodyOutput<'a> {
    /// Its type.
    pub ty: &'a ValueType,
    /// Its contents, if they are known and small.
    pub known: Option<&'a Literal>,
}

impl<'a> At<'a> {
    /// The tensor type of an input, if the input is there and is a tensor.
    pub fn tensor(&self, position: usize) -> Option<&'a TensorType> {
        self.inputs.get(position).copied().flatten().and_then(ValueType::tensor)
    }

    /// The tensor type of an input that must be there.
    pub fn require(&self, position: usize) -> Result<&'a TensorType, OpError> {
        match self.inputs.get(position).copied().flatten() {
            None => Err(OpError::invalid(format!("input {position} is missing"))),
            Some(ValueType::Unknown) => Ok(UNKNOWN_TENSOR),
            Some(t) => t.tensor().ok_or_else(|| OpError::invalid(format!("input {position} is not a tensor"))),
        }
    }

    /// The dimensions of an input, if it is a tensor of known rank.
    pub fn dims(&self, position: usize) -> Option<&'a [Dim]> {
        self.tensor(position)?.shape.dims()
    }

    /// Whether an optional input is there.
    pub fn has(&self, position: usize) -> bool {
        self.inputs.get(position).copied().flatten().is_some()
    }

    /// The contents of an input, if known.
    pub fn literal(&self, position: usize) -> Option<&'a Literal> {
        self.known.get(position).copied().flatten()
    }

    /// The integers of an input, if known.
    pub fn ints(&self, position: usize) -> Option<&'a [Dim]> {
        self.literal(position)?.ints()
    }

    /// Asks with these of the inputs alone, in this order.
    pub fn with_inputs<R>(&self, positions: &[usize], ask: impl FnOnce(&At) -> R) -> R {
        let inputs: Vec<_> = positions.iter().map(|p| self.inputs.get(*p).copied().flatten()).collect();
        let known: Vec<_> = positions.iter().map(|p| self.literal(*p)).collect();
        ask(&At { inputs: &inputs, known: &known, ..*self })
    }

    /// The tensor type of an output, once inferred.
    pub fn output(&self, position: usize) -> Option<&'a TensorType> {
        self.outputs.get(position).and_then(|ty| ty.tensor())
    }

    /// The number of elements of an output, if known.
    pub fn output_elements(&self, position: usize) -> Option<u64> {
        self.output(position)?.shape.elements()
    }

    /// The number of elements of an input, if known.
    pub fn input_elements(&self, position: usize) -> Option<u64> {
        self.tensor(position)?.shape.elements()
    }
}

/// Stands in for the type of an input whose producer is unknown.
static UNKNOWN_TENSOR: &TensorType = &TensorType { dtype: None, shape: Shape::Unranked };

/// Arithmetic that is not a multiply-accumulate, by kind: how many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Additions and subtractions.
    pub add: u64,
    /// Multiplications.
    pub mul: u64,
    /// Divisions and square roots.
    pub div: u64,
    /// Comparisons and selections.
    pub compare: u64,
    /// Exponentials, logarithms and other functions of one variable.
    pub exp: u64,
}

impl Operations {
    /// So many times these, or `None` beyond 2^64.
    pub fn times(self, n: u64) -> Option<Operations> {
        let each = |x: u64| x.checked_mul(n);
        Some(Operations {
            add: each(self.add)?,
            mul: each(self.mul)?,
            div: each(self.div)?,
            compare: each(self.compare)?,
            exp: each(self.exp)?,
        })
    }

    /// Both together, or `None` beyond 2^64.
    pub fn plus(self, other: Operations) -> Option<Operations> {
        Some(Operations {
            add: self.add.checked_add(other.add)?,
            mul: self.mul.checked_add(other.mul)?,
            div: self.div.checked_add(other.div)?,
            compare: self.compare.checked_add(other.compare)?,
            exp: self.exp.checked_add(other.exp)?,
        })
    }
}

/// The arithmetic of one operator, for the whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// For conventions.
    pub class: Class,
    /// Multiply-accumulates, without biases.
    pub macs: u64,
    /// Additions of a bias (they are part of `operations.add` too).
    pub biases: u64,
    /// Values that one output element looks at: kernel positions × channels for a convolution, window size for a pool.
    pub window: u64,
    /// Everything else, by kind.
    pub operations: Operations,
}

impl Arithmetic {
    /// Arithmetic without multiply-accumulates.
    pub fn elementwise(class: Class, operations: Operations) -> Arithmetic {
        Arithmetic { class, macs: 0, biases: 0, window: 1, operations }
    }
}

/// The answer to "how much does it compute?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Moves or renames data.
    Free,
    /// This much.
    Counted(Arithmetic),
    /// Its sub-graphs, each so many times, and nothing else.
    Runs(Vec<u64>),
    /// No multiply-accumulates, and other arithmetic of this class of which the amount is not known, and why.
    Uncounted(Class, String),
    /// Not known, and why: a dimension is free, or the operator's cost depends on the data.
    Unmodelled(String),
}

impl Work {
    /// Counted, or unmodelled because a size was missing or too large (`None`).
    pub fn counted(arithmetic: Option<Arithmetic>) -> Work {
        arithmetic.map_or_else(|| Work::Unmodelled("a size is not known".into()), Work::Counted)
    }

    /// So much for each of so many elements, without multiply-accumulates.
    pub fn elementwise(class: Class, each: Operations, elements: Option<u64>) -> Work {
        Work::operations(class, elements.and_then(|n| each.times(n)))
    }

    /// Arithmetic without multiply-accumulates; `None` where a size was missing or too large.
    pub fn operations(class: Class, operations: Option<Operations>) -> Work {
        Work::windowed(class, operations.map(|operations| (1, operations)))
    }

    /// The same with the values that one output element looks at.
    pub fn windowed(class: Class, counted: Option<(u64, Operations)>) -> Work {
        match counted {
            Some((window, operations)) => {
                Work::Counted(Arithmetic { window, ..Arithmetic::elementwise(class, operations) })
            }
            None => Work::Uncounted(class, "a size is not known".into()),
        }
    }
}

/// One spatial axis of a window: output `u` sees the input positions from `⌊(u·num + first) / den⌋` to
/// `⌊(u·num + last) / den⌋`. A convolution has `den` 1; an upsampling has it larger than `num`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Input positions between neighbouring outputs, as the fraction num / den.
    pub num: u64,
    /// At least 1.
    pub den: u64,
    /// Shift of the first position.
    pub first: i64,
    /// Shift of the last position.
    pub last: i64,
}

impl Tap {
    /// A window of `size` positions that begins at `start` for output 0 and moves on by `stride`; `None` beyond 2^63.
    pub fn sliding(start: i64, size: u64, stride: u64) -> Option<Tap> {
        let last = start.checked_add(i64::try_from(size).ok()?)?.checked_sub(1)?;
        Some(Tap { num: stride, den: 1, first: start, last })
    }

    /// The same position, moved by `start`.
    pub fn point(start: i64) -> Tap {
        Tap { num: 1, den: 1, first: start, last: start }
    }
}

/// Where an axis of an output comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisSource {
    /// It is this axis of the input, position by position.
    Axis(usize),
    /// A window slides along this axis of the input.
    Slid(usize, Tap),
    /// Nowhere: every unit along it sees the same.
    Same,
    /// Positions of axes of the input, regrouped.
    Regrouped {
        /// Axes that lie along it as a whole.
        axes: Vec<usize>,
        /// Axes of which only a part does.
        parts: Vec<usize>,
    },
}

impl AxisSource {
    /// Some positions of this axis, which ones is not known.
    pub fn some_of(axis: usize) -> AxisSource {
        AxisSource::Regrouped { axes: Vec::new(), parts: vec![axis] }
    }
}

/// Where the axes of an output come from in one of the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// For each axis of the output, where it comes from.
    pub from: Vec<AxisSource>,
    /// Axes of the input of which every unit sees everything.
    pub whole: Vec<usize>,
}

/// The answer to "which part of the input does one unit of the output see?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// The same position of every data input.
    Pointwise,
    /// A window on the first input, one tap per spatial axis (axes 2, 3, …).
    Local(Vec<Tap>),
    /// Axis by axis on the first input: a transposition, a reshape, a reduction over some axes.
    Axes {
        /// For each axis of the output, where it comes from.
        from: Vec<AxisSource>,
        /// Axes of the input of which every unit sees everything.
        whole: Vec<usize>,
    },
    /// What is seen of any input, each arranged in its own way: a product of two computed matrices, attention.
    Each {
        /// By position among the inputs; of the others everything is seen.
        inputs: Vec<Option<Arranged>>,
        /// The axis of the first input along which it has its steps or tokens, with features behind.
        tokens: Option<usize>,
    },
    /// Everything.
    Global,
    /// Not known, and why.
    Opaque(&'static str),
}

impl Window {
    /// Each token of an input of this rank, where it stays, and everything of all other inputs.
    pub fn attending(rank: usize, tokens: usize) -> Window {
        let from = |axis| if axis == 0 || axis == tokens { AxisSource::Axis(axis) } else { AxisSource::Same };
        let whole = (1..rank).filter(|axis| *axis != tokens).collect();
        Window::Each {
            inputs: vec![Some(Arranged { from: (0..rank).map(from).collect(), whole })],
            tokens: Some(tokens),
        }
    }

    /// The same position along every axis but those of `whole`, of which every unit sees everything, and which stay.
    pub fn over(rank: usize, whole: Vec<usize>) -> Window {
        let from = |axis| if whole.contains(&axis) { AxisSource::Same } else { AxisSource::Axis(axis) };
        Window::Axes { from: (0..rank).map(from).collect(), whole }
    }
}

/// An operator with its attributes read: the dynamic half.
pub trait Operator: fmt::Debug + Send + Sync {
    /// Weights for the slots that a layer of the language leaves open.
    fn weights(&self, at: &At) -> Result<Vec<OpenWeight>, OpError>;
    /// Types of the outputs, from types of the inputs and the contents of small constants.
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError>;
    /// Contents of the outputs, for arithmetic on shapes; `None` for an output that is not known.
    fn fold(&self, at: &At) -> Vec<Option<Literal>>;
    /// Arithmetic for the whole batch.
    fn work(&self, at: &At) -> Work;
    /// Receptive-field step.
    fn window(&self, at: &At) -> Window;
}
