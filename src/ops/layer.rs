//! How a layer of the `.arch` language becomes operators: the other half of a room.
//!
//! A [`Layer`] says which arguments its keyword takes; the front end binds them by kind into a [`Call`]; `lower` turns
//! the call into [`Step`]s, each one operator of ONNX or of our own domain. Nothing about layers stands in the grammar.

use super::attributes::Attributes;
use super::rules::{OpError, Open};
use super::window::{Padding, Sliding};
use crate::tensor::{DType, Dim, Literal, TensorType};

/// A keyword of the language and what it takes.
#[derive(Debug)]
pub struct Layer {
    /// The word.
    pub keyword: &'static str,
    /// Other words of the language for the same (`fc` for `dense`).
    pub aliases: &'static [&'static str],
    /// Names that other tools give it, recognised to say which word to use. Compared without case.
    pub foreign: &'static [&'static str],
    /// One line for lists of layers.
    pub doc: &'static str,
    /// What a bare number means.
    pub number: Number,
    /// Whether it takes dims such as `3x3`.
    pub kernel: Need,
    /// Whether it takes a `/2`.
    pub stride: bool,
    /// Words it understands.
    pub words: &'static [&'static str],
    /// `key=value` options.
    pub options: &'static [LayerOption],
    /// What goes in.
    pub takes: Takes,
    /// Whether it stands behind another layer on a line (`conv 64 3x3 bn relu`).
    pub modifier: bool,
    /// An example of a complete line.
    pub example: &'static str,
    /// Makes the operators.
    pub lower: fn(&Call) -> Result<Vec<Step>, OpError>,
}

/// What a bare number on a layer's line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Nothing: it is an error.
    None,
    /// The width of the output, needed: the word for it ("filters", "units").
    Width(&'static str),
    /// The edge of a cubic window.
    Window,
    /// A fraction between 0 and 1, needed.
    Rate,
    /// A whole number, needed: the word for it.
    Needed(&'static str),
    /// A whole number, if the layer's options do not say it otherwise: the word for it.
    Optional(&'static str),
    /// A whole number or before:after pads (`1`, `0:1`, `1:2x0:3`), if the layer's options do not say it otherwise.
    Pads,
}

/// Whether an argument must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is an error.
    Never,
    /// It may be there.
    Optional,
    /// It must be there, as dims or (for windows) as a number or another way the layer checks itself.
    Required,
}

/// What a layer works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Maps: channels and at least one spatial axis.
    Maps,
    /// A vector.
    Vector,
    /// Either.
    Any,
    /// Several tensors.
    Join,
}

/// A `key=value` option.
#[derive(Clone, Copy, Debug)]
pub struct LayerOption {
    /// The key.
    pub name: &'static str,
    /// What the value must be.
    pub value: OptionValue,
}

/// What the value of an option must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// A number for every axis alike, or dims.
    Sizes,
    /// A number, dims, or before:after pads.
    Pads,
    /// Dims, or a label whose size is meant.
    Target,
}

/// An option that takes a whole number.
pub const fn whole(name: &'static str) -> LayerOption {
    LayerOption { name, value: OptionValue::Whole }
}

/// An option that takes any number.
pub const fn number(name: &'static str) -> LayerOption {
    LayerOption { name, value: OptionValue::Number }
}

/// An option that takes sizes.
pub const fn sizes(name: &'static str) -> LayerOption {
    LayerOption { name, value: OptionValue::Sizes }
}

/// An option that takes pads.
pub const fn pads(name: &'static str) -> LayerOption {
    LayerOption { name, value: OptionValue::Pads }
}

/// An option that takes a size or the label of a tensor whose size is meant.
pub const fn target(name: &'static str) -> LayerOption {
    LayerOption { name, value: OptionValue::Target }
}

/// A bound argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A whole number.
    Whole(u64),
    /// A number with a fraction; the language keeps it exact until here.
    Number(f64),
    /// One size for each axis.
    Sizes(Vec<u64>),
    /// Before and after each axis; a single pair holds for every axis.
    Pads(Vec<(u64, u64)>),
}

/// A layer's line with its arguments bound. Options, words and defaults are merged already.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The keyword, for messages.
    pub keyword: &'static str,
    /// What goes in; several tensors for a join.
    pub inputs: Vec<&'a TensorType>,
    /// The bare number, or the pads for [`Number::Pads`].
    pub number: Option<Arg>,
    /// The kernel, one size for each spatial axis.
    pub kernel: Option<Vec<u64>>,
    /// The stride, one for each spatial axis.
    pub stride: Option<Vec<u64>>,
    /// Words given, in order.
    pub words: Vec<&'static str>,
    /// Options given.
    pub options: Vec<(&'static str, Arg)>,
}

impl Call<'_> {
    /// The incoming tensor.
    pub fn input(&self) -> &TensorType {
        self.inputs.first().copied().unwrap_or(NOTHING)
    }

    /// Its dimensions: batch, channels, then the spatial ones. Empty while they are unknown.
    pub fn dims(&self) -> &[Dim] {
        self.input().shape.dims().unwrap_or(&[])
    }

    /// Its channels.
    pub fn channels(&self) -> Dim {
        self.dims().get(1).cloned().unwrap_or(Dim::Unknown)
    }

    /// Its spatial sizes.
    pub fn spatial(&self) -> &[Dim] {
        self.dims().get(2..).unwrap_or(&[])
    }

    /// Whether a word is there.
    pub fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    /// An option's value.
    pub fn option(&self, name: &str) -> Option<&Arg> {
        self.options.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }

    /// An option that is a whole number.
    pub fn whole(&self, name: &str) -> Option<u64> {
        match self.option(name) {
            Some(Arg::Whole(n)) => Some(*n),
            _ => None,
        }
    }

    /// An option that is a number.
    pub fn real(&self, name: &str) -> Option<f64> {
        match self.option(name) {
            Some(Arg::Number(x)) => Some(*x),
            #[expect(clippy::cast_precision_loss, reason = "numbers in a text are at most 2^53")]
            Some(Arg::Whole(n)) => Some(*n as f64),
            _ => None,
        }
    }

    /// The bare number as a whole number.
    pub fn count(&self) -> Option<u64> {
        match self.number {
            Some(Arg::Whole(n)) => Some(n),
            _ => None,
        }
    }

    /// The window: dims, or a bare number that stands for every spatial axis.
    pub fn window(&self) -> Option<Vec<u64>> {
        self.kernel.clone().or_else(|| self.count().map(|edge| vec![edge; self.spatial().len()]))
    }

    /// An option that gives one size for each spatial axis; a whole number stands for all of them.
    pub fn sizes(&self, name: &str) -> Option<Vec<u64>> {
        match self.option(name)? {
            Arg::Whole(n) => Some(vec![*n; self.spatial().len()]),
            Arg::Sizes(s) => Some(s.clone()),
            Arg::Number(_) | Arg::Pads(_) => None,
        }
    }

    /// An option that gives pads for each spatial axis; a number or a single pair stands for all of them.
    pub fn pads(&self, name: &str) -> Option<Vec<(u64, u64)>> {
        self.pads_of(self.option(name)?)
    }

    /// Pads for each spatial axis; a number or a single pair stands for all of them.
    pub fn pads_of(&self, argument: &Arg) -> Option<Vec<(u64, u64)>> {
        let rank = self.spatial().len();
        match argument {
            Arg::Whole(n) => Some(vec![(*n, *n); rank]),
            Arg::Sizes(s) => Some(s.iter().map(|n| (*n, *n)).collect()),
            Arg::Pads(p) => match p.as_slice() {
                [one] => Some(vec![*one; rank]),
                _ => Some(p.clone()),
            },
            Arg::Number(_) => None,
        }
    }

    /// The sliding window that kernel, stride, `pad=`, `dilation=`, `same`, `valid` and `ceil` describe. The stride is
    /// the given one, or else `stride`.
    pub fn sliding(&self, kernel: Vec<u64>, stride: Option<Vec<u64>>) -> Sliding {
        let padding = match self.pads("pad") {
            Some(pads) => Padding::Explicit(pads.into_iter().map(|(a, b)| (signed(a), signed(b))).collect()),
            None if self.has("same") => Padding::SameUpper,
            None => Padding::Valid,
        };
        Sliding {
            kernel: Some(kernel),
            strides: self.stride.clone().or(stride),
            dilations: self.sizes("dilation"),
            padding,
            ceil: self.has("ceil"),
        }
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Stands in for the input of a call that has none.
static NOTHING: &TensorType = &TensorType { dtype: None, shape: crate::tensor::Shape::Unranked };

/// Which of the line's tensors a step works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// One of them, counted from 0; the result takes its place.
    Operand(usize),
    /// All of them; the result is what goes on.
    All,
}

/// One operator that a layer becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is appended to the line's name: `""` for the line's main operator, `"depthwise"` for `sep1.depthwise`.
    pub suffix: &'static str,
    /// Domain of the operator.
    pub domain: &'static str,
    /// Name of the operator.
    pub op: &'static str,
    /// Its attributes.
    pub attributes: Attributes,
    /// Widths of the weights it is to own; `None` for an operator without weights.
    pub open: Option<Open>,
    /// Constants that steer it: input position, element type, contents.
    pub constants: Vec<(usize, DType, Literal)>,
    /// What it works on.
    pub on: On,
}

impl Step {
    /// An operator of the standard domain on the incoming tensor.
    pub fn new(op: &'static str, attributes: Attributes) -> Step {
        Step { suffix: "", domain: "", op, attributes, open: None, constants: Vec::new(), on: On::Operand(0) }
    }

    /// An operator that ONNX does not have.
    pub fn own(op: &'static str, attributes: Attributes) -> Step {
        Step { domain: super::OWN_DOMAIN, ..Step::new(op, attributes) }
    }

    /// The same with weights of its own.
    pub fn with_weights(self, open: Open) -> Step {
        Step { open: Some(open), ..self }
    }

    /// The same with a name of its own within the line.
    pub fn named(self, suffix: &'static str) -> Step {
        Step { suffix, ..self }
    }

    /// The same with a constant input.
    pub fn constant(mut self, slot: usize, dtype: DType, literal: Literal) -> Step {
        self.constants.push((slot, dtype, literal));
        self
    }

    /// The same on other operands.
    pub fn on(self, on: On) -> Step {
        Step { on, ..self }
    }
}

/// Words that most windows take.
pub const WINDOW_WORDS: &[&str] = &["same", "valid"];

/// Stands for dims such as `3x3` among [`EXCLUSIVE`] names.
pub const KERNEL: &str = "3x3";

/// Words, options and dims that answer the same question, each set in one line. On a line at most one of a set may
/// stand, and one that is written undoes a default of its set.
pub const EXCLUSIVE: &[&[&str]] =
    &[&["same", "valid", "pad"], &["bias", "nobias"], &["nearest", "bilinear"], &[KERNEL, "global", "to"]];

/// Version of the standard domain in which the layers' operators are written.
pub const OPSET: i64 = 24;
