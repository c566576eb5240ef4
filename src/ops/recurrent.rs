//! Recurrent layers: `RNN`, `GRU`, `LSTM`, and ONNX Runtime's `DynamicQuantizeLSTM`.
//!
//! With S steps, a batch of B, D directions, I inputs, H hidden units and G gates (1, 3, 4): parameters
//! D·G·H·(I + H + 2), multiply-accumulates S·B·D·G·H·(I + H), of which the first part multiplies the inputs and the
//! second the state. Each gate adds two biases. Inputs are [S, B, I], or [B, S, I] with `layout` 1.

use super::activation;
use super::attributes::Attributes;
use super::kernel::Kernel;
use super::recurrent_kernel::{gru, lstm, rnn};
use super::rules::{
    Arithmetic, Arranged, At, AxisSource, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec,
    Storage, Window, Work, bias, data, steer, weight,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("", "RNN", &RNN).measured(Kernel::Fresh(rnn)),
    op("", "GRU", &RNN).measured(Kernel::Fresh(gru)),
    op("", "LSTM", &LSTM).measured(Kernel::Fresh(lstm)),
    op("com.microsoft", "DynamicQuantizeLSTM", &QUANTIZED),
];

/// Which dimension of its first input an operator takes for the batch, if it says so: the second, or with `layout` 1 the
/// first.
pub fn batch_axis(kind: &OpKind, attributes: &Attributes) -> Option<usize> {
    let is_recurrent = OPS.iter().any(|op| (op.domain, op.name) == (kind.domain, kind.name));
    is_recurrent.then(|| usize::from(!attributes.flag("layout", false).unwrap_or(false)))
}

const RNN: [Slot; 6] = [data("X"), weight("W"), weight("R"), bias("B"), steer("sequence_lens"), data("initial_h")];

const LSTM: [Slot; 8] = [
    data("X"),
    weight("W"),
    weight("R"),
    bias("B"),
    steer("sequence_lens"),
    data("initial_h"),
    data("initial_c"),
    weight("P"),
];

const QUANTIZED: [Slot; 12] = [
    data("X"),
    weight("W"),
    weight("R"),
    bias("B"),
    steer("sequence_lens"),
    data("initial_h"),
    data("initial_c"),
    weight("P"),
    steer("W_scale"),
    steer("W_zero_point"),
    steer("R_scale"),
    steer("R_zero_point"),
];

const fn op(domain: &'static str, name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain, name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Simple,
    Gru,
    Lstm,
}

impl Cell {
    fn gates(self) -> u64 {
        match self {
            Cell::Simple => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// Names of the activation functions that the equations apply to one unit, where the node does not name any.
    fn functions(self) -> &'static [&'static str] {
        match self {
            Cell::Simple => &["Tanh"],
            Cell::Gru => &["Sigmoid", "Tanh"],
            Cell::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        }
    }

    /// How often the equations apply each of them.
    fn uses(self) -> &'static [u64] {
        match self {
            Cell::Simple => &[1],
            Cell::Gru => &[2, 1],
            Cell::Lstm => &[3, 1, 1],
        }
    }

    /// The element-wise rest of the equations, one unit, one step: nothing; r·H and (1 − z)·h + z·H; f·C + i·c and o·h(C).
    fn rest(self) -> Operations {
        let none = Operations::default();
        match self {
            Cell::Simple => none,
            Cell::Gru => Operations { mul: 3, add: 2, ..none },
            Cell::Lstm => Operations { mul: 3, add: 1, ..none },
        }
    }
}

#[derive(Debug)]
struct Recurrent {
    cell: Cell,
    /// [`DynamicQuantizeLSTM`](QUANTIZED) keeps its matrices transposed: [D, I, 4·H].
    transposed: bool,
    directions: u64,
    hidden: Option<u64>,
    batch_first: bool,
    clipped: bool,
    /// For each direction in turn.
    functions: Vec<String>,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let cell = match spec.kind.name {
        "RNN" => Cell::Simple,
        "GRU" => Cell::Gru,
        _ => Cell::Lstm,
    };
    let directions = match spec.attributes.string("direction")?.unwrap_or("forward") {
        // The first version spelled its own default without the `r`.
        "forward" | "foward" | "reverse" => 1,
        "bidirectional" => 2,
        other => {
            let error = OpError::invalid(format!("`direction` is `{other}`"));
            return Err(error.help("write `forward`, `reverse` or `bidirectional`"));
        }
    };
    let hidden = spec.attributes.int("hidden_size")?;
    let hidden =
        hidden.map(|n| u64::try_from(n).map_err(|_| OpError::invalid(format!("`hidden_size` is {n}")))).transpose()?;
    Ok(Box::new(Recurrent {
        cell,
        transposed: spec.kind.name == "DynamicQuantizeLSTM",
        directions,
        hidden,
        batch_first: spec.attributes.flag("layout", false)?,
        clipped: spec.attributes.get("clip").is_some(),
        functions: spec.attributes.strings("activations")?.unwrap_or(&[]).to_vec(),
    }))
}

/// S, B, I and H.
struct Sizes {
    steps: Dim,
    batch: Dim,
    inputs: Dim,
    hidden: Dim,
}

impl Recurrent {
    fn sizes(&self, at: &At) -> Result<Sizes, OpError> {
        let unknown = [Dim::Unknown, Dim::Unknown, Dim::Unknown];
        let [first, second, inputs] = match at.require(0)?.shape.dims() {
            None => &unknown,
            Some(dims) => dims.try_into().map_err(|_| {
                OpError::invalid(format!("the input has {} dimensions; a recurrent layer takes 3", dims.len()))
            })?,
        };
        let recurrence = at.dims(2).and_then(|r| r.get(if self.transposed { 1 } else { 2 }));
        let hidden = self.hidden.map(Dim::from).or(recurrence.cloned()).unwrap_or(Dim::Unknown);
        let expected = at.dims(1).and_then(|w| w.get(if self.transposed { 1 } else { 2 }));
        if let (Some(given), Some(expected)) = (inputs.known(), expected.and_then(Dim::known))
            && given != expected
        {
            let message = format!("the input has {given} features, the weights expect {expected}");
            return Err(OpError::new("channels-mismatch", message));
        }
        let (steps, batch) = if self.batch_first { (second, first) } else { (first, second) };
        Ok(Sizes { steps: steps.clone(), batch: batch.clone(), inputs: inputs.clone(), hidden })
    }

    /// Steps of all samples together: S·B, or the sum of the lengths where the samples have their own.
    fn steps(at: &At, sizes: &Sizes) -> Result<Option<u64>, &'static str> {
        if !at.has(4) {
            return Ok(sizes.steps.times(&sizes.batch).size());
        }
        let lengths = at.ints(4).map(|lengths| lengths.iter().fold(Dim::Known(0), |sum, n| sum.plus(n)));
        let total = lengths.and_then(|total| total.size());
        total.map(Some).ok_or("the lengths of the sequences are data")
    }

    /// What one unit computes in one step of one direction, products of matrices aside.
    fn unit(&self, at: &At, direction: usize) -> Option<Operations> {
        let gates = self.cell.gates();
        let defaults = self.cell.functions();
        let named = self.functions.get(direction.checked_mul(defaults.len())?..).unwrap_or(&[]);
        let mut unit = self.cell.rest();
        for (i, (default, uses)) in defaults.iter().zip(self.cell.uses()).enumerate() {
            unit = unit.plus(function(named.get(i).map_or(default, String::as_str)).times(*uses)?)?;
        }
        if at.has(3) {
            unit.add = unit.add.checked_add(2 * gates)?;
        }
        if self.cell == Cell::Lstm && at.has(7) {
            unit = unit.plus(Operations { mul: 3, add: 3, ..Operations::default() })?;
        }
        if self.clipped {
            unit.compare = unit.compare.checked_add(2 * gates)?;
        }
        Some(unit)
    }

    fn arithmetic(&self, at: &At, sizes: &Sizes, steps: u64) -> Option<Arithmetic> {
        let (inputs, hidden) = (sizes.inputs.size()?, sizes.hidden.size()?);
        let window = inputs.checked_add(hidden)?;
        let units = steps.checked_mul(hidden)?;
        let gates = units.checked_mul(self.directions)?.checked_mul(self.cell.gates())?;
        let mut operations = Operations::default();
        for direction in 0..self.directions {
            operations = operations.plus(self.unit(at, usize::try_from(direction).ok()?)?.times(units)?)?;
        }
        let biases = if at.has(3) { gates.checked_mul(2)? } else { 0 };
        Some(Arithmetic { class: Class::Recurrent, macs: gates.checked_mul(window)?, biases, window, operations })
    }
}

/// What an activation function costs; names are not case-sensitive, and two of them are no operators.
fn function(name: &str) -> Operations {
    let none = Operations::default();
    match name.to_ascii_lowercase().as_str() {
        "affine" => Operations { mul: 1, add: 1, ..none },
        "scaledtanh" => Operations { exp: 1, mul: 2, ..none },
        lower => {
            let known = activation::OPS.iter().find(|k| k.name.eq_ignore_ascii_case(lower));
            known.map_or(none, |k| activation::cost(k.name).1)
        }
    }
}

impl Operator for Recurrent {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    /// Y is [S, D, B, H] and the last states [D, B, H]; with `layout` 1 [B, S, D, H] and [B, D, H].
    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let Sizes { steps, batch, hidden, .. } = self.sizes(at)?;
        let directions = Dim::from(self.directions);
        let (all, last) = if self.batch_first {
            (vec![batch.clone(), steps, directions.clone(), hidden.clone()], vec![batch, directions, hidden])
        } else {
            (vec![steps, directions.clone(), batch.clone(), hidden.clone()], vec![directions, batch, hidden])
        };
        let dtype = at.require(0)?.dtype;
        let output = |dims: Vec<Dim>| ValueType::from(TensorType { dtype, shape: Shape::Ranked(dims) });
        let mut outputs = vec![output(all), output(last.clone())];
        if self.cell == Cell::Lstm {
            outputs.push(output(last));
        }
        Ok(outputs)
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let Ok(sizes) = self.sizes(at) else { return Work::counted(None) };
        match Recurrent::steps(at, &sizes) {
            Err(reason) => Work::Unmodelled(reason.into()),
            Ok(steps) => Work::counted(steps.and_then(|steps| self.arithmetic(at, &sizes, steps))),
        }
    }

    /// A step sees those before it, or behind it: at most all of them.
    fn window(&self, _: &At) -> Window {
        let (steps, from) = if self.batch_first {
            (1, [AxisSource::Axis(0), AxisSource::Same, AxisSource::Same, AxisSource::Same])
        } else {
            (0, [AxisSource::Same, AxisSource::Same, AxisSource::Axis(1), AxisSource::Same])
        };
        let x = Arranged { from: from.into(), whole: vec![steps, 2] };
        Window::Each { inputs: vec![Some(x)], tokens: Some(steps) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32};
    use super::*;

    fn lstm(directions: u64, direction: &str) -> Case {
        Case::new("", "LSTM", 14)
            .int("hidden_size", 5)
            .with("direction", Attribute::String(direction.into()))
            .input(f32(&[7, 2, 3]))
            .input(f32(&[directions, 20, 3]))
            .input(f32(&[directions, 20, 5]))
            .outputs(3)
    }

    /// By hand: 7 steps · 2 samples · 4 gates · 5 units · (3 + 5) values, twice for two directions.
    #[test]
    fn an_lstm_multiplies_inputs_and_state_for_every_gate() {
        let two = lstm(2, "bidirectional");
        assert_eq!(two.infer().unwrap(), vec![f32(&[7, 2, 2, 5]), f32(&[2, 2, 5]), f32(&[2, 2, 5])]);
        let Work::Counted(count) = two.work() else { panic!("not counted") };
        assert_eq!((count.macs, count.biases), (7 * 2 * 4 * 5 * 8 * 2, 0));
        // Three sigmoids and two hyperbolic tangents for each of 7·2·2·5 units.
        assert_eq!((count.operations.exp, count.operations.div), (5 * 140, 3 * 140));
    }

    /// The lengths 7 and 4 leave 11 of 14 steps.
    #[test]
    fn samples_with_lengths_of_their_own_compute_no_further() {
        let lengths = Literal::vector(vec![Dim::Known(7), Dim::Known(4)]);
        let Work::Counted(count) = lstm(1, "reverse").absent().known(lengths).work() else { panic!("not counted") };
        assert_eq!(count.macs, 11 * 4 * 5 * 8);
    }

    #[test]
    fn layout_one_puts_the_batch_first() {
        let gru = Case::new("", "GRU", 14)
            .int("layout", 1)
            .input(f32(&[2, 7, 3]))
            .input(f32(&[1, 15, 3]))
            .input(f32(&[1, 15, 5]))
            .outputs(2);
        assert_eq!(gru.infer().unwrap(), vec![f32(&[2, 7, 1, 5]), f32(&[2, 1, 5])]);
        let narrow = Case::new("", "RNN", 14).input(f32(&[2, 7, 3])).input(f32(&[1, 5, 4])).input(f32(&[1, 5, 5]));
        assert_eq!(narrow.infer().unwrap_err().code, "channels-mismatch");
    }
}
