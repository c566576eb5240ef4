//! The report: plain data with public fields, and nothing that computes. Renderers print it; JSON has a serialisable
//! twin of it.

use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::quantity::{AtLeast, Bytes, Elements, Macs};
use crate::tensor::ValueType;
use std::sync::Arc;

/// Everything that is known of one model.
#[derive(Clone, Debug)]
pub struct Report {
    /// The model's name.
    pub name: String,
    /// Where it was read.
    pub source: String,
    /// `arch` or `onnx`.
    pub format: &'static str,
    /// What it was sized for.
    pub settings: Settings,
    /// Sums over the whole model, for the whole batch.
    pub totals: Totals,
    /// Memory of one forward pass.
    pub inference: Inference,
    /// Memory of training.
    pub training: Training,
    /// Inputs of the network: name and type.
    pub inputs: Vec<Tensor>,
    /// One row an operator, in running order.
    pub layers: Vec<Layer>,
    /// What is not known, and which figures lack it.
    pub unknown: Vec<Unknown>,
    /// Findings about the model.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a model was sized for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Examples at once.
    pub batch: u64,
    /// Name of the precision as the user gave it (`fp32`).
    pub precision: String,
    /// Optimiser of the training figures.
    pub optimizer: String,
    /// Counting convention of `macs` and `flops`.
    pub convention: String,
    /// Bound symbols.
    pub dims: Vec<(String, u64)>,
}

/// Sums over the whole model, for the whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Learned values, shared ones once.
    pub parameters: AtLeast<Elements>,
    /// Those that training changes.
    pub trainable: AtLeast<Elements>,
    /// Those that it leaves as they are.
    pub frozen: AtLeast<Elements>,
    /// Stored values that are not learned: running statistics.
    pub buffers: AtLeast<Elements>,
    /// Bytes of the parameters.
    pub parameter_bytes: AtLeast<Bytes>,
    /// Bytes of the buffers.
    pub buffer_bytes: AtLeast<Bytes>,
    /// Bytes of the network's inputs.
    pub input_bytes: AtLeast<Bytes>,
    /// Bytes of all layer outputs, those of functions in place not counted.
    pub activation_bytes: AtLeast<Bytes>,
    /// Multiply-accumulates in the chosen convention.
    pub macs: AtLeast<Macs>,
    /// Floating-point operations in the chosen convention.
    pub flops: AtLeast<Elements>,
    /// Other arithmetic, by kind.
    pub operations: crate::ops::rules::Operations,
    /// Whether `operations` lacks something.
    pub operations_incomplete: bool,
}

/// Memory of one forward pass, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Values alive at once with overwriting, plus parameters and buffers.
    pub minimum: AtLeast<Bytes>,
    /// The part of it that is values alive at once.
    pub overwriting: AtLeast<Bytes>,
    /// Name of the layer at which that part falls.
    pub overwriting_at: Option<String>,
    /// Values alive at once in the stored order, each its own storage.
    pub activation_peak: AtLeast<Bytes>,
    /// Name of the layer at which that peak falls.
    pub peak_at: Option<String>,
    /// One block with offsets assigned.
    pub arena: AtLeast<Bytes>,
    /// Everything kept.
    pub no_reuse: AtLeast<Bytes>,
    /// What ONNX Runtime's CPU provider holds at once in its first run with one thread, without weights and inputs;
    /// `None` where its plan is not known.
    pub onnxruntime: Option<Bytes>,
}

/// Memory of training, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// All layer outputs, inputs and weights.
    pub minimum: AtLeast<Bytes>,
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: ValueType,
}

/// One operator.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its name.
    pub name: Arc<str>,
    /// The operator's name.
    pub op: Arc<str>,
    /// How its window slides, in the language's notation (`3x3 /2`); empty where a text says it, and without a window.
    pub window: String,
    /// Its line with the values of names, `conv 64 1x1` for `conv c 1x1`; `None` where the text itself says it.
    pub line: Option<Arc<str>>,
    /// The line that it belongs to: a row of the table.
    pub group: Arc<str>,
    /// The block that it belongs to.
    pub scope: Arc<str>,
    /// Where it stands in the file.
    pub origin: Origin,
    /// Names of the activations that it reads.
    pub inputs: Vec<Arc<str>>,
    /// What it makes.
    pub outputs: Vec<Tensor>,
    /// Learned values that are first used here.
    pub parameters: AtLeast<Elements>,
    /// Those of them that training changes.
    pub trainable: AtLeast<Elements>,
    /// Buffers that are first used here.
    pub buffers: AtLeast<Elements>,
    /// Multiply-accumulates for the batch.
    pub macs: AtLeast<Macs>,
    /// Floating-point operations for the batch.
    pub flops: AtLeast<Elements>,
    /// Bytes of its outputs, 0 when it works in place.
    pub activation_bytes: AtLeast<Bytes>,
    /// What one unit of its first output sees of each input of the network.
    pub receptive_field: Arc<[Field]>,
}

/// What one unit sees of an input, per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The network's input.
    pub input: Arc<str>,
    /// Positions seen, from the first to the last.
    pub size: Vec<u64>,
    /// Input positions between neighbouring units, rounded down to a whole number (0 after an upsampling beyond the input's
    /// size); the exact fraction is `stride`'s pair.
    pub stride: Vec<(u64, u64)>,
    /// First input position that unit 0 sees.
    pub offset: Vec<i64>,
}

/// Something that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The operator's name.
    pub layer: String,
    /// Its kind.
    pub op: String,
    /// Which figure lacks it: `macs`, `operations`, `activation_bytes`, `parameters`, `receptive_field`.
    pub quantity: &'static str,
    /// Why.
    pub reason: String,
}
