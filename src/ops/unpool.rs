//! Windows put back: `MaxUnpool` and `Col2Im`.

use super::axes::known;
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data, steer,
};
use super::window::{Padding, Sliding, spatial};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType, shape};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "MaxUnpool",
        slots: &[data("X"), data("I"), steer("output_shape")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: read_unpool,
    },
    OpKind {
        domain: "",
        name: "Col2Im",
        slots: &[data("input"), steer("image_shape"), steer("block_shape")],
        storage: Storage::Fresh,
        kernel: Kernel::Unmeasured,
        read: |_| Ok(Box::new(Col2Im)),
    },
];

/// Every value goes back to where the pooling found it; the rest is zero.
#[derive(Debug)]
struct MaxUnpool {
    window: Sliding,
}

fn read_unpool(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(MaxUnpool { window: Sliding::read(spec.attributes)? }))
}

impl Operator for MaxUnpool {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        if at.has(2) {
            let shape = match (at.ints(2), at.dims(2)) {
                (Some(dims), _) => Shape::Ranked(dims.to_vec()),
                (None, Some([Dim::Known(n)])) => usize::try_from(*n).map_or(Shape::Unranked, Shape::of_rank),
                _ => Shape::Unranked,
            };
            return Ok(vec![TensorType { dtype: x.dtype, shape }.into()]);
        }
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.without_rank().into()]) };
        let inputs = spatial(dims)?;
        let axes = self.window.axes(inputs.len(), None)?;
        let pads = match &self.window.padding {
            Padding::Explicit(pads) => pads.clone(),
            _ => vec![(0, 0); inputs.len()],
        };
        // The pooling's formula solved for its input: (i − 1)·s + k − before − after.
        let size = |((input, axis), (before, after)): ((&Dim, &super::window::Axis), &(i64, i64))| {
            let steps = input.minus(&Dim::Known(1)).times(&Dim::from(axis.stride));
            steps.plus(&Dim::from(axis.kernel)).minus(&Dim::Known(*before)).minus(&Dim::Known(*after))
        };
        let sizes = inputs.iter().zip(&axes).zip(&pads).map(size);
        Ok(vec![x.with_dims(dims[..2].iter().cloned().chain(sizes).collect()).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("where values go depends on the data")
    }
}

/// Columns of blocks added up into an image: one addition for every value that comes in.
#[derive(Debug)]
struct Col2Im;

impl Operator for Col2Im {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let (batch, columns) = match x.shape.dims() {
            Some([batch, columns, _]) => (batch.clone(), columns.clone()),
            Some(dims) => return Err(OpError::invalid(format!("an input of {} dimensions instead of 3", dims.len()))),
            None => (Dim::Unknown, Dim::Unknown),
        };
        let Some(image) = at.ints(1) else { return Ok(vec![x.without_rank().into()]) };
        let block = at.ints(2).map_or(Dim::Unknown, shape::product);
        if at.ints(2).and_then(known).is_some_and(|b| b.iter().any(|n| *n < 1)) {
            return Err(OpError::invalid("`block_shape` has a size below 1"));
        }
        let channels = columns.floor_div(&block);
        Ok(vec![x.with_dims([batch, channels].into_iter().chain(image.iter().cloned()).collect()).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let each = Operations { add: 1, ..Operations::default() };
        Work::elementwise(Class::Other, each, at.input_elements(0))
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("columns are no positions")
    }
}
