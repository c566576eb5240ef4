//! `Scan`: since version 9 over any axis of each scan input; in version 8 over axis 1, for every sample of axis 0.

use super::attributes::Attributes;
use super::axes::axis;
use super::control::{BodyInput, body, carried, stacked};
use super::kernel::Kernel;
use super::rules::{At, BodyOutput, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType, shape};

/// The operator of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Scan",
    slots: &[data("initial_state_and_scan_inputs")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
pub(super) struct Scan {
    scanned: usize,
    input_axes: Vec<i64>,
    output_axes: Vec<i64>,
    batched: bool,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Scan::read(spec.attributes, spec.opset)?))
}

/// Sizes that every scan input must share: that of the batch in version 8, and the number of runs.
struct Lengths {
    batch: Dim,
    runs: Dim,
}

/// Inputs before the initial states, and how many states there are, of so many inputs.
pub(super) fn states(attributes: &Attributes, opset: i64, inputs: usize) -> Option<(usize, usize)> {
    let lengths = usize::from(opset < 9);
    let scanned = usize::try_from(attributes.int("num_scan_inputs").ok()??).ok()?;
    Some((lengths, inputs.checked_sub(lengths)?.checked_sub(scanned)?))
}

impl Scan {
    pub(super) fn read(attributes: &Attributes, opset: i64) -> Result<Scan, OpError> {
        let axes = |name: &str| attributes.ints(name).map(|a| a.unwrap_or(&[]).to_vec());
        let stated = attributes.int("num_scan_inputs")?;
        let Some(stated) = stated else { return Err(OpError::invalid("`num_scan_inputs` is missing")) };
        let scanned = usize::try_from(stated).ok().filter(|n| *n > 0);
        Ok(Scan {
            scanned: scanned.ok_or_else(|| OpError::invalid(format!("`num_scan_inputs` is {stated}")))?,
            input_axes: axes("scan_input_axes")?,
            output_axes: axes("scan_output_axes")?,
            batched: opset < 9,
        })
    }

    /// Initial states, and what is scanned.
    fn split<'a>(&self, at: &At<'a>) -> Result<(Inputs<'a>, Inputs<'a>), OpError> {
        // Version 8 has the lengths of the sequences first.
        let inputs = at.inputs.get(usize::from(self.batched)..).unwrap_or(&[]);
        let states = inputs.len().checked_sub(self.scanned);
        let states = states
            .ok_or_else(|| OpError::invalid(format!("{} of {} inputs are scanned", self.scanned, inputs.len())))?;
        Ok(inputs.split_at(states))
    }

    /// The axis of one scan input that the runs walk along.
    fn input_axis(&self, position: usize, rank: usize) -> Result<usize, OpError> {
        axis(if self.batched { 1 } else { self.input_axes.get(position).copied().unwrap_or(0) }, rank)
    }

    fn lengths(&self, at: &At) -> Result<Lengths, OpError> {
        let (states, scanned) = self.split(at)?;
        let mut lengths = Lengths { batch: Dim::Unknown, runs: Dim::Unknown };
        for (i, input) in scanned.iter().enumerate() {
            let Some(dims) = dims(*input) else { continue };
            agree(&mut lengths.runs, &dims[self.input_axis(i, dims.len())?])?;
        }
        if self.batched {
            for dims in states.iter().chain(scanned).filter_map(|i| dims(*i)) {
                agree(&mut lengths.batch, dims.first().unwrap_or(&Dim::Unknown))?;
            }
        }
        Ok(lengths)
    }

    pub(super) fn body_inputs(&self, at: &At) -> Result<Vec<BodyInput>, OpError> {
        let (states, scanned) = self.split(at)?;
        let without = |input: Option<&ValueType>, axes: &[usize]| {
            let Some(tensor) = input.and_then(ValueType::tensor) else { return ValueType::Unknown };
            let rest = |dims: &[Dim]| {
                let kept = dims.iter().enumerate().filter(|(i, _)| !axes.contains(i));
                Shape::Ranked(kept.map(|(_, d)| d.clone()).collect())
            };
            TensorType { dtype: tensor.dtype, shape: tensor.shape.dims().map_or(Shape::Unranked, rest) }.into()
        };
        let mut inputs = Vec::new();
        let delivered = at.bodies.first().map_or(&[][..], Vec::as_slice);
        for (i, state) in states.iter().enumerate() {
            let initial =
                if self.batched { without(*state, &[0]) } else { state.cloned().unwrap_or(ValueType::Unknown) };
            inputs.push(carried(Some(&initial), delivered.get(i)).into());
        }
        for (i, input) in scanned.iter().enumerate() {
            let along = dims(*input).map(|dims| self.input_axis(i, dims.len())).transpose()?.unwrap_or(0);
            inputs.push(if self.batched { without(*input, &[0, 1]) } else { without(*input, &[along]) }.into());
        }
        Ok(inputs)
    }
}

type Inputs<'a> = &'a [Option<&'a ValueType>];

fn dims(input: Option<&ValueType>) -> Option<&[Dim]> {
    input?.tensor()?.shape.dims()
}

/// One size out of two that must be the same.
fn agree(so_far: &mut Dim, size: &Dim) -> Result<(), OpError> {
    match (so_far.known(), size.known()) {
        (Some(a), Some(b)) if a != b => {
            return Err(OpError::invalid(format!("what is scanned has different lengths ({a} and {b})")));
        }
        (None, Some(_)) => *so_far = size.clone(),
        _ if *so_far == Dim::Unknown => *so_far = size.clone(),
        _ => {}
    }
    Ok(())
}

impl Operator for Scan {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let delivered = body(at, "body", 0)?;
        let (states, _) = self.split(at)?;
        let Some((last, collected)) = delivered.split_at_checked(states.len()) else {
            let (found, wanted) = (delivered.len(), states.len());
            return Err(OpError::invalid(format!("the body delivers {found} values for {wanted} states")));
        };
        let Lengths { batch, runs } = self.lengths(at)?;
        let final_state = |(initial, last): (Option<&ValueType>, &BodyOutput)| {
            if self.batched { stacked(last.ty, &[(0, batch.clone())]) } else { carried(initial, Some(last)) }
        };
        let collect = |(i, output): (usize, &BodyOutput)| {
            if self.batched {
                return stacked(output.ty, &[(0, batch.clone()), (1, runs.clone())]);
            }
            stacked(output.ty, &[(self.output_axes.get(i).copied().unwrap_or(0), runs.clone())])
        };
        Ok(states.iter().copied().zip(last).map(final_state).chain(collected.iter().enumerate().map(collect)).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, at: &At) -> Work {
        let runs = self.lengths(at).map(|l| if self.batched { shape::product(&[l.batch, l.runs]) } else { l.runs });
        match runs.ok().and_then(|runs| runs.size()) {
            _ if self.batched && at.has(0) => Work::Unmodelled("the lengths of the sequences are data".into()),
            Some(runs) => Work::Runs(vec![runs]),
            None => Work::Unmodelled("how many elements are scanned is not known".into()),
        }
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a sub-graph decides it")
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::control::body_inputs;
    use super::super::testing::{Case, f32};
    use super::*;

    fn inputs(case: &Case, attributes: &Attributes, opset: i64) -> Vec<ValueType> {
        let kind = super::super::find("", "Scan").unwrap();
        let inputs = case.ask(&[], |_, at| body_inputs(kind, attributes, opset, at)).unwrap().unwrap();
        inputs.into_iter().map(|i| i.ty).collect()
    }

    /// ONNX's `test_scan_sum` (version 8: a batch of 1, 3 elements of 2) and the axes of version 9.
    #[test]
    fn scan_walks_along_an_axis_and_stacks_along_another() {
        let attributes = Attributes::new().with_int("num_scan_inputs", 1);
        let eight =
            Case::new("", "Scan", 8).int("num_scan_inputs", 1).absent().input(f32(&[1, 2])).input(f32(&[1, 3, 2]));
        assert_eq!(inputs(&eight, &attributes, 8), vec![f32(&[2]), f32(&[2])]);
        let eight = eight.body(vec![(f32(&[2]), None), (f32(&[2]), None)]).outputs(2);
        assert_eq!(eight.infer().unwrap(), vec![f32(&[1, 2]), f32(&[1, 3, 2])]);
        let attributes = attributes.with("scan_input_axes", Attribute::Ints(vec![-1]));
        let nine = Case::new("", "Scan", 9)
            .int("num_scan_inputs", 1)
            .with("scan_input_axes", Attribute::Ints(vec![-1]))
            .with("scan_output_axes", Attribute::Ints(vec![-1]))
            .input(f32(&[]))
            .input(f32(&[5, 6]));
        assert_eq!(inputs(&nine, &attributes, 9), vec![f32(&[]), f32(&[5])]);
        let nine = nine.body(vec![(f32(&[]), None), (f32(&[8]), None)]).outputs(2);
        assert_eq!(nine.infer().unwrap(), vec![f32(&[]), f32(&[8, 6])]);
        assert_eq!(nine.work(), Work::Runs(vec![6]));
    }
}
